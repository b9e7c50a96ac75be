"""Actions after an answer: export, rating, next questions."""

import json

import httpx
import pytest

from service.types import to_json
from tests.support.browser.driver import expect
from tests.support.browser.scripted_answers import WHISPER, WHISPER_JA, evidence, recited


def answering(body):
    return lambda route: route.fulfill(content_type="text/event-stream", body=body)


def test_next_question_continues_the_conversation(quoting, visit):
    reader = visit(quoting).ask(WHISPER).answered().ask(WHISPER_JA).answered()
    whole = httpx.get(f"{quoting}/v1/conversations/{reader.answer()['conversation_id']}").json()
    assert [a["question"] for a in whole["answers"]] == [WHISPER, WHISPER_JA]


@pytest.mark.parametrize(("question", "lang"), [(WHISPER, "en"), (WHISPER_JA, "ja")])
def test_related_question_is_asked_by_click(quoting, visit, question, lang):
    reader = visit(quoting, locale=lang).ask(question).answered()
    related = reader.turn.locator(".related .example")
    expect(related).to_have_count(3)
    words = related.first.text_content()
    related.first.click()
    expect(reader.page.locator(".turn")).to_have_count(2)
    reader.answered()
    made = reader.answer()
    assert made["question"] == words and not made["abstained"]


def test_rating_and_its_reason_are_stored(quoting, visit):
    reader = visit(quoting).ask(WHISPER).answered()
    url = f"{quoting}/v1/answers/{reader.answer()['id']}/feedback"
    down = reader.turn.get_by_role("button", name="Poor answer")
    down.click()
    expect(reader.turn.locator(".rating-note")).to_have_text("Thank you.")
    expect(down).to_have_attribute("aria-pressed", "true")
    box = reader.turn.get_by_role("textbox", name="What was wrong")
    expect(box).to_be_focused()
    reader.page.keyboard.type("The year is missing.")
    reader.turn.get_by_role("button", name="Send").click()
    expect(reader.turn.locator(".rating-note")).to_contain_text("saved")
    (given,) = httpx.get(url).json()["feedback"]
    assert (given["rating"], given["reason"]) == ("down", "The year is missing.")
    reader.turn.get_by_role("button", name="Good answer").click()
    expect(reader.turn.locator(".rating-note")).to_have_text("Thank you.")
    assert httpx.get(url).json()["feedback"][0]["rating"] == "up"
    reader.page.locator("#language").click()
    expect(reader.turn.get_by_role("button", name="よい答え", exact=True)).to_have_attribute("aria-pressed", "true")  # fmt: skip


def test_answer_is_exported_as_files(quoting, visit):
    reader = visit(quoting).ask(WHISPER).answered()
    with reader.page.expect_download() as bibtex:
        reader.turn.get_by_role("link", name="BibTeX").click()
    assert "@" in bibtex.value.path().read_text() and bibtex.value.suggested_filename.endswith(".bib")  # fmt: skip
    with reader.page.expect_download() as receipt:
        reader.turn.get_by_role("link", name="Receipt").click()
    assert json.loads(receipt.value.path().read_text())["id"] == reader.answer()["id"]


def test_understood_question_is_shown_where_it_differs(quoting, visit):
    shown = evidence("Whisper is a model.")
    made = to_json(recited([("Whisper is a model.", shown, "Whisper is a model.")]))
    reader = visit(quoting)
    for understood, seen in ((None, 0), (WHISPER, 0), ("What is <b>Whisper</b>?", 1)):
        body = f"event: answer\ndata: {json.dumps(made | {'understood': understood})}\n\n"
        reader.page.route("**/v1/answers", answering(body))
        reader.expected.append("status of 404")  # a conversation that is in no database
        reader.ask(WHISPER).answered()
        expect(reader.turn.locator(".understood:visible")).to_have_count(seen)
    expect(reader.turn.locator(".understood")).to_contain_text("What is <b>Whisper</b>?")


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_examples_are_questions_that_the_library_answers(quoting, visit, lang):
    reader = visit(quoting, locale=lang)
    given = httpx.get(f"{quoting}/v1/examples?language={lang}", timeout=60).json()["questions"]
    expect(reader.page.locator(".example")).to_have_text(given)


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_answer_actions_fit_the_narrowest_window(quoting, visit, lang):
    """320 px wide, which is also 1280 px at 400 %; with everything unfolded."""
    reader = visit(quoting, locale=lang, viewport={"width": 320, "height": 640})
    reader.ask({"en": WHISPER, "ja": WHISPER_JA}[lang]).answered()
    for fold in reader.turn.locator("summary").all():
        if fold.evaluate("el => !el.parentElement.open"):
            fold.click()
    reader.turn.locator(".thumb.down").click()
    expect(reader.turn.locator(".rating-note")).not_to_be_empty()
    expect(reader.turn.locator(".related .example").first).to_be_visible()
    assert reader.too_wide() == []
