"""Accessibility by axe-core: no violation of WCAG 2.2 AA in any state of the page."""

from dataclasses import replace

import pytest

from service.types import Decision
from tests.support.browser.axe import violations
from tests.support.browser.driver import expect
from tests.support.browser.scripted_answers import (
    UNKNOWN,
    WHISPER,
    WHISPER_JA,
    evidence,
    recited,
)

LOOKS = [
    {"color_scheme": "light", "locale": "en", "viewport": {"width": 1280, "height": 800}},
    {"color_scheme": "dark", "locale": "ja", "viewport": {"width": 1280, "height": 800}},
    {"color_scheme": "dark", "locale": "en", "viewport": {"width": 360, "height": 740}},
    {"color_scheme": "light", "locale": "ja", "viewport": {"width": 360, "height": 740}},
]


@pytest.fixture(params=LOOKS, ids=[f"{o['color_scheme']}-{o['locale']}-{o['viewport']['width']}" for o in LOOKS])  # fmt: skip
def look(request):
    return request.param


def test_start_page_library_answer_and_abstention(quoting, visit, look):
    reader = visit(quoting, **look)
    found = {"start": violations(reader)}
    reader.page.locator("#open-library").click()
    expect(reader.page.locator("#library li")).to_have_count(14)
    found["library"] = violations(reader)
    reader.page.keyboard.press("Escape")
    reader.ask({"en": WHISPER, "ja": WHISPER_JA}[look["locale"]]).answered()
    for fold in reader.turn.locator("summary").all():
        if fold.evaluate("el => !el.parentElement.open"):
            fold.click()
    reader.turn.locator(".thumb.down").click()
    expect(reader.turn.locator(".rating-note")).not_to_be_empty()
    expect(reader.turn.locator(".related .example").first).to_be_visible()
    found["answer"] = violations(reader)
    reader.claims.first.locator(".cite").first.click()
    expect(reader.page.locator("#reader .edge")).to_have_count(2)
    found["source"] = violations(reader)
    reader.page.keyboard.press("Escape")
    reader.claims.first.locator(".cite").first.hover()
    found["quote"] = violations(reader)
    reader.ask(UNKNOWN).answered()
    found["abstention"] = violations(reader)
    assert not {state: list_ for state, list_ in found.items() if list_}


def test_context_catalogue_and_guide(reciting, visit, look):
    shown = evidence("It is in Kanda. It was built in 1890.")
    quotes = ("It is in Kanda.", "It was built in 1890.", "Kanda")
    made = recited([(quote, shown, quote) for quote in quotes], model="")
    decided = (Decision(True, 0.9, "test"), Decision(False, 0.1, "test"), None)
    claims = zip(made.claims, decided, strict=True)
    made = replace(made, claims=tuple(replace(c, answers=each, works=1) for c, each in claims))
    guide = {"claims": (), "evidence": (), "text": "", "reason": "Ask about the sources."}
    found = {}
    reader = visit(reciting.url, **look)
    for mode in ("quoted", "metadata", "guide"):
        reciting.engine.made = replace(made, mode=mode, **(guide if mode == "guide" else {}))
        reader.ask(WHISPER).answered()
        reader.turn.locator(".fine summary").click()
        expect(reader.turn.locator(".checks li")).to_have_count(0 if mode == "guide" else 3)
        found[mode] = violations(reader)
    assert not {state: list_ for state, list_ in found.items() if list_}


def test_error_stopped_answer_and_withheld_sentences(staged, visit, look):
    reader = visit(staged.url, **look)
    reader.expected.append("status of 422")
    staged.model.say(
        "Whisper was trained on 680,000 hours of audio [1].",
        "Whisper was trained on 90,000 hours of audio [1].",
        "It was.",
        allowed=3,
    )
    reader.ask(WHISPER).answered()
    reader.turn.locator(".withheld summary").click()
    found = {"withheld": violations(reader)}
    staged.model.say("Whisper was trained on 680,000 hours of audio [1].", "No more.")
    reader.ask(WHISPER)
    expect(reader.turn.locator(".side .card").first).to_be_attached()
    found["writing"] = violations_while(reader)
    staged.model.go_on()
    expect(reader.turn.locator(".draft bdi").first).to_be_visible()
    found["draft"] = violations(reader)
    reader.page.keyboard.press("Escape")
    reader.answered()
    found["stopped"] = violations(reader)
    reader.ask("???").answered()
    found["error"] = violations(reader)
    assert not {state: list_ for state, list_ in found.items() if list_}


def violations_while(reader):
    """With reduced motion, since the waiting animation never ends."""
    reader.page.emulate_media(reduced_motion="reduce")
    return violations(reader)
