"""Every state of an answer: no violation of WCAG 2.2 AA by axe-core, and a photograph.

The photographs, in ``tests/browser/shots``, are for people to look at.
"""

from dataclasses import replace

import pytest

from service.types import Decision
from tests.support.browser.axe import violations
from tests.support.browser.driver import expect
from tests.support.browser.looks import looks, named
from tests.support.browser.scripted_answers import (
    UNKNOWN,
    WHISPER,
    WHISPER_JA,
    evidence,
    recited,
)

WIDE, NARROW = (1280, 800), (360, 740)


@pytest.fixture
def states(shots):
    """A function that photographs and checks a state; at the end of a test none may have faults."""
    found = {}

    def state(reader, look, name, whole=False):
        found[name] = violations(reader)
        reader.shot(shots, f"{named(look)}-{name}", whole=whole)

    yield state
    assert not {name: faults for name, faults in found.items() if faults}


@pytest.mark.parametrize("look", looks("en", "light", WIDE, NARROW), ids=named)
def test_start_page_library_answer_and_abstention(quoting, visit, states, look):
    reader = visit(quoting, **look)
    states(reader, look, "1-start")
    reader.page.locator("#open-library").click()
    expect(reader.page.locator("#library li")).to_have_count(14)
    states(reader, look, "2-library")
    reader.page.keyboard.press("Escape")
    reader.ask({"en": WHISPER, "ja": WHISPER_JA}[look["locale"][:2]]).answered()
    for fold in reader.turn.locator("summary").all():
        if fold.evaluate("el => !el.parentElement.open"):
            fold.click()
    expect(reader.turn.locator(".checks li")).to_have_count(reader.claims.count())
    reader.turn.locator(".thumb.down").click()
    expect(reader.turn.locator(".rating-note")).not_to_be_empty()
    expect(reader.turn.locator(".related .example").first).to_be_visible()
    states(reader, look, "3-answer", whole=True)
    reader.claims.first.locator(".cite").first.click()
    expect(reader.page.locator("#reader .edge")).to_have_count(2)  # the whole text is there
    expect(reader.page.locator("#reader mark.lit").first).to_be_in_viewport()
    states(reader, look, "4-source")
    reader.page.keyboard.press("Escape")
    reader.claims.first.locator(".cite").first.hover()
    states(reader, look, "5-quote")
    reader.ask(UNKNOWN).answered()
    states(reader, look, "6-abstention")


@pytest.mark.parametrize("look", looks("ja", "light", WIDE, NARROW), ids=named)
def test_context_catalogue_and_guide(reciting, visit, states, look):
    shown = evidence("It is in Kanda. It was built in 1890.")
    quotes = ("It is in Kanda.", "It was built in 1890.", "Kanda")
    made = recited([(quote, shown, quote) for quote in quotes], model="")
    decided = (Decision(True, 0.9, "test"), Decision(False, 0.1, "test"), None)
    claims = zip(made.claims, decided, strict=True)
    made = replace(made, claims=tuple(replace(c, answers=each, works=1) for c, each in claims))
    guide = {"claims": (), "evidence": (), "text": "", "reason": "Ask about the sources."}
    reader = visit(reciting.url, **look)
    for mode in ("quoted", "metadata", "guide"):
        reciting.engine.made = replace(made, mode=mode, **(guide if mode == "guide" else {}))
        reader.ask(WHISPER).answered()
        reader.turn.locator(".fine summary").click()
        expect(reader.turn.locator(".checks li")).to_have_count(0 if mode == "guide" else 3)
        states(reader, look, f"mode-{mode}")


@pytest.mark.parametrize("look", looks("en", "dark", WIDE, NARROW), ids=named)
def test_error_stopped_answer_and_withheld_sentences(staged, visit, states, look):
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
    states(reader, look, "model-1-withheld")
    staged.model.say("Whisper was trained on 680,000 hours of audio [1].", "No more.")
    reader.ask(WHISPER)
    expect(reader.turn.locator(".side .card").first).to_be_attached()
    states(reader, look, "model-2-writing")
    staged.model.go_on()
    expect(reader.turn.locator(".draft bdi").first).to_be_visible()
    states(reader, look, "model-3-draft")
    reader.page.keyboard.press("Escape")
    reader.answered()
    states(reader, look, "model-4-stopped")
    reader.ask("???").answered()
    states(reader, look, "model-5-error")
