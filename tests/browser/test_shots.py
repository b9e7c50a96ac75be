"""Pictures of the page in ``tests/browser/shots``, to be looked at."""

import pytest
from stage import UNKNOWN, WHISPER, WHISPER_JA

WIDE, NARROW = {"width": 1280, "height": 860}, {"width": 360, "height": 740}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("lang", ["en", "ja"])
def test_pictures(quoting, visit, shots, scheme, size, lang):
    reader = visit(quoting, color_scheme=scheme, viewport=size, locale=lang)
    name = f"{lang}-{'wide' if size is WIDE else 'narrow'}-{scheme}"
    reader.shot(shots, f"{name}-1-start")
    reader.ask({"en": WHISPER, "ja": WHISPER_JA}[lang]).answered()
    reader.shot(shots, f"{name}-2-answer", whole=True)
    reader.claims.first.locator(".cite").first.hover()
    reader.shot(shots, f"{name}-3-tip")
    reader.claims.first.locator(".cite").first.click()
    reader.shot(shots, f"{name}-4-quote")
    reader.ask(UNKNOWN).answered()
    reader.shot(shots, f"{name}-5-abstained")
    reader.page.locator("#open-library").click()
    reader.page.locator("#library li").first.wait_for()
    reader.shot(shots, f"{name}-6-library")
