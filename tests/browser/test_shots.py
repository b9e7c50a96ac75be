"""Pictures of the page in ``tests/browser/shots``, to be looked at."""

import pytest
from driver import expect
from stage import UNKNOWN, WHISPER, WHISPER_JA

WIDE, NARROW = {"width": 1280, "height": 860}, {"width": 360, "height": 740}


@pytest.mark.parametrize(
    ("lang", "size", "scheme"),
    [("en", WIDE, "light"), ("ja", WIDE, "dark"), ("en", NARROW, "dark"), ("ja", NARROW, "light")],
)
def test_pictures(quoting, visit, shots, scheme, size, lang):
    reader = visit(quoting, color_scheme=scheme, viewport=size, locale=lang)
    name = f"{lang}-{'wide' if size is WIDE else 'narrow'}-{scheme}"
    reader.shot(shots, f"{name}-1-start")
    reader.ask({"en": WHISPER, "ja": WHISPER_JA}[lang]).answered()
    reader.shot(shots, f"{name}-2-answer", whole=True)
    reader.claims.first.locator(".cite").first.hover()
    reader.shot(shots, f"{name}-3-tip")
    reader.claims.first.locator(".cite").first.click()
    expect(reader.turn.locator("mark.lit").first).to_be_in_viewport()
    reader.shot(shots, f"{name}-4-quote")
    reader.ask(UNKNOWN).answered()
    reader.shot(shots, f"{name}-5-abstained")
    reader.page.locator("#open-library").click()
    reader.page.locator("#library li").first.wait_for()
    reader.shot(shots, f"{name}-6-library")
