"""Screenshots of the page, in ``tests/browser/shots``, for people to look at."""

import pytest

from tests.support.browser.driver import expect
from tests.support.browser.scripted_answers import UNKNOWN, WHISPER, WHISPER_JA

WIDE, NARROW = {"width": 1280, "height": 860}, {"width": 360, "height": 740}


@pytest.mark.parametrize(
    ("lang", "size", "scheme"),
    [("en", WIDE, "light"), ("ja", WIDE, "dark"), ("en", NARROW, "dark"), ("ja", NARROW, "light")],
)
def test_screenshots(quoting, visit, shots, scheme, size, lang):
    reader = visit(
        quoting, color_scheme=scheme, viewport=size, locale=lang, reduced_motion="reduce"
    )
    name = f"{lang}-{'wide' if size is WIDE else 'narrow'}-{scheme}"
    reader.shot(shots, f"{name}-1-start")
    reader.ask({"en": WHISPER, "ja": WHISPER_JA}[lang]).answered()
    reader.shot(shots, f"{name}-2-answer", whole=True)
    reader.claims.first.locator(".cite").first.hover()
    reader.shot(shots, f"{name}-3-tip")
    reader.claims.first.locator(".cite").first.click()
    expect(reader.page.locator("#reader .edge")).to_have_count(2)  # the whole text is there
    expect(reader.page.locator("#reader mark.lit").first).to_be_in_viewport()
    reader.shot(shots, f"{name}-4-quote")
    reader.page.keyboard.press("Escape")
    reader.turn.locator(".fine summary").click()
    expect(reader.turn.locator(".checks li")).to_have_count(reader.claims.count())
    reader.turn.locator(".thumb.down").click()
    expect(reader.turn.locator(".related .example").first).to_be_visible()
    expect(reader.turn.locator(".rating-note")).not_to_be_empty()
    reader.shot(shots, f"{name}-4-why", whole=True)
    reader.ask(UNKNOWN).answered()
    reader.shot(shots, f"{name}-5-abstained")
    reader.page.locator("#open-library").click()
    reader.page.locator("#library li").first.wait_for()
    reader.shot(shots, f"{name}-6-library")


def test_screenshots_with_a_model(staged, visit, shots):
    reader = visit(staged.url, viewport=WIDE, color_scheme="light", reduced_motion="reduce")
    reader.expected.append("status of 422")
    said = [
        "Whisper was trained on 680,000 hours of audio [1].",
        "Whisper was trained on 90,000 hours of audio [1].",
        "Whisper learned from 680,000 hours of labelled audio [1].",
    ]
    staged.model.say(*said, "More of it.", allowed=3)
    reader.ask(WHISPER)
    expect(reader.turn.locator(".withheld")).to_be_visible()
    reader.shot(shots, "model-1-writing")
    staged.model.go_on()
    reader.answered().turn.locator(".withheld summary").click()
    reader.shot(shots, "model-2-withheld")
    reader.ask("???").answered()
    reader.shot(shots, "model-3-refused")
