"""Asking on the page: what appears when, stopping, and failures."""

import re
import time
from functools import partial

import httpx
import pytest

from service.api.app import create_app
from service.conversations.store import History
from tests.support.browser.driver import expect
from tests.support.browser.scripted_answers import UNKNOWN, WHISPER, WHISPER_JA, Paced, Trusting
from tests.support.live_server import served

TRUE = "Whisper was trained on 680,000 hours of audio [1]."
ALSO = "Whisper learned from 680,000 hours of labelled audio [1]."
FALSE = "Whisper was trained on 90,000 hours of audio [1]."


@pytest.fixture
def visit(visit):
    """Visit the page as most readers see it: what comes and goes on it moves."""
    return partial(visit, reduced_motion="no-preference")


@pytest.mark.parametrize(("question", "lang"), [(WHISPER, "en"), (WHISPER_JA, "ja")])
def test_answer_on_page_matches_api(quoting, visit, question, lang):
    reader = visit(quoting, locale=lang).ask(question).answered()
    made = reader.answer()
    assert made["mode"] == "quoted" and reader.claims.count() == len(made["claims"]) > 0
    numbers = {}
    for shown, claim in zip(reader.claims.all(), made["claims"], strict=True):
        assert claim["text"] in shown.text_content()
        cited = dict.fromkeys(c["source_id"] for c in claim["citations"])
        for source_id in cited:  # numbered in the order in which they appear, each once
            numbers.setdefault(source_id, str(len(numbers) + 1))
        shown_numbers = [button.text_content() for button in shown.locator(".cite").all()]
        assert shown_numbers == [numbers[source_id] for source_id in cited]
    assert reader.turn.locator("h2").text_content() == question
    assert reader.page.locator("html").get_attribute("lang") == lang
    expect(reader.turn.locator(".badge")).to_be_visible()  # that these are quotes
    talk = httpx.get(f"{quoting}/v1/conversations/{made['conversation_id']}").json()
    expect(reader.page).to_have_title(f"{talk['title']} – Tenkyo")


def test_sentences_appear_as_they_are_checked(staged, visit):
    staged.model.say(TRUE, FALSE, ALSO)
    reader = visit(staged.url).ask(WHISPER)
    expect(
        reader.turn.locator(".side .card").first
    ).to_be_attached()  # read before a word is written
    expect(reader.turn.locator(".pending")).to_be_visible()
    expect(reader.claims).to_have_count(0)
    staged.model.go_on(2)  # the end of a sentence shows when the next one begins
    expect(reader.claims).to_have_count(1)
    expect(reader.turn.locator(".pending")).to_be_visible()
    staged.model.go_on()
    expect(reader.turn.locator(".withheld")).to_be_visible()
    reader.answered()
    claims, shown = reader.answer()["claims"], reader.claims.all_text_contents()
    assert all(c["text"] in t for c, t in zip(claims, shown, strict=True))
    # A quote of the source takes the place of the sentence that was withheld.
    assert [c["verdict"]["method"] == "verbatim" for c in claims] == [False, True, False]


def test_withheld_sentence_is_shown_with_its_reason(staged, visit):
    staged.model.say(TRUE, FALSE, allowed=2)
    reader = visit(staged.url).ask(WHISPER).answered()
    (rejected,) = reader.answer()["rejected"]
    assert "90,000" not in reader.turn.locator(".claims").text_content()
    panel = reader.turn.locator(".withheld")
    expect(panel.locator("li")).to_be_hidden()
    panel.locator("summary").click()
    expect(panel.locator(".held")).to_have_text(rejected["text"])
    expect(panel.locator(".why")).to_contain_text(rejected["reason"])
    quotes = [
        shown.partition(" — ")[0] for shown in panel.locator("blockquote").all_text_contents()
    ]
    assert quotes == [" ".join(c["quote"].split()) for c in rejected["citations"]]


@pytest.mark.parametrize("by", ["button", "key"])
def test_stop_reaches_server_within_a_second(staged, visit, by):
    staged.model.say(TRUE, ALSO, TRUE, allowed=2)
    reader = visit(staged.url).ask(WHISPER)
    expect(reader.claims).to_have_count(1)
    expect(reader.page.locator("#ask")).to_have_text("Stop")
    began = time.monotonic()
    if by == "button":
        reader.page.locator("#ask").click()
    else:
        reader.page.keyboard.press("Escape")
    assert staged.model.closed.wait(1) and time.monotonic() - began < 1.5
    reader.answered()
    expect(reader.claims).to_have_count(1)  # what was checked stays
    expect(reader.turn.locator(".note.stopped")).to_contain_text("You stopped this answer")
    staged.model.say(TRUE, allowed=1)
    reader.turn.locator(".again").click()
    expect(reader.page.locator(".turn")).to_have_count(2)
    reader.answered()
    assert reader.answer()["question"] == WHISPER


def test_no_second_question_while_an_answer_is_written(staged, visit):
    staged.model.say(TRUE)
    reader = visit(staged.url)
    asked = []
    reader.page.on("request", lambda r: asked.append(r.url) if r.method == "POST" else None)
    reader.ask(WHISPER).ask("And another question?")
    # By now it has been told of three more steps: why nothing is asked is still there to be read.
    expect(reader.turn.locator(".side .card").first).to_be_attached()
    expect(reader.status).to_contain_text("still being written")
    staged.model.go_on()
    reader.answered()
    expect(reader.status).to_contain_text("Done in")
    assert len(asked) == 1 and reader.page.locator(".turn").count() == 1
    expect(reader.page.locator("#question")).to_have_value("And another question?")  # kept


def test_double_click_asks_and_does_not_stop(staged, visit):
    staged.model.say(TRUE)
    reader = visit(staged.url)
    reader.page.locator("#question").fill(WHISPER)
    reader.page.locator("#ask").dblclick()
    expect(reader.turn.locator(".side .card").first).to_be_attached()
    expect(reader.turn.locator(".pending")).to_be_visible()
    staged.model.go_on()
    expect(reader.answered().claims).to_have_count(1)


def test_empty_question_is_not_asked(quoting, visit):
    reader = visit(quoting)
    for words in ("", "   ", "\n"):
        reader.ask(words)
        expect(reader.page.locator("#question")).to_be_focused()
        assert reader.page.locator(".turn").count() == 0


def test_question_edit_can_be_undone(quoting, visit):
    reader = visit(quoting).ask(WHISPER).answered()
    box = reader.page.locator("#question")
    box.fill("a draft")
    reader.turn.get_by_role("button", name="Edit").click()
    expect(box).to_have_value(WHISPER)
    expect(box).to_be_focused()
    reader.page.keyboard.press("Control+z")
    expect(box).to_have_value("a draft")


def test_shift_enter_adds_a_line_and_input_method_keeps_enter(quoting, visit):
    reader = visit(quoting)
    box = reader.page.locator("#question")
    box.press_sequentially("one")
    box.press("Shift+Enter")
    box.press_sequentially("two")
    expect(box).to_have_value("one\ntwo")
    box.dispatch_event("keydown", {"key": "Enter", "isComposing": True})
    assert reader.page.locator(".turn").count() == 0


def test_quotes_only_does_not_call_the_model(staged, visit):
    staged.model.say(TRUE, allowed=1)
    reader = visit(staged.url)
    reader.page.get_by_label("Model for the answer").select_option("Quotes only")
    reader.ask(WHISPER).answered()
    assert reader.answer()["mode"] == "quoted"
    expect(reader.turn.locator(".badge")).to_contain_text(
        "the sources' own sentences, without a model"
    )


def test_only_chosen_sources_are_searched(quoting, visit):
    reader = visit(quoting)
    reader.page.locator("#open-library").click()
    dialog = reader.page.get_by_role("dialog")
    expect(dialog.locator("li")).to_have_count(14)
    dialog.get_by_role("button", name="None").click()
    dialog.get_by_role("checkbox", name=re.compile("Block-NeRF")).check()
    dialog.get_by_role("button", name="Close").click()
    expect(reader.page.locator("#scope")).to_contain_text("Block-NeRF")
    reader.ask("How does Block-NeRF render a whole neighbourhood?").answered()
    assert {e["source"]["id"] for e in reader.answer()["evidence"]} == {"block-nerf"}
    reader.page.locator("#scope-clear").click()
    expect(reader.page.locator("#scope")).to_contain_text("All sources")
    expect(reader.page.locator("#scope-clear")).to_be_hidden()
    reader.ask(WHISPER).answered()
    assert len({e["source"]["id"] for e in reader.answer()["evidence"]}) > 1


def test_no_chosen_source_is_reported_and_nothing_is_asked(quoting, visit):
    reader = visit(quoting)
    reader.page.locator("#open-library").click()
    reader.page.get_by_role("button", name="None").click()
    reader.page.get_by_role("button", name="Close").click()
    expect(reader.page.locator("#scope")).to_contain_text("0 of 14")
    reader.ask(WHISPER)
    expect(reader.status).to_contain_text("No sources are selected")
    assert reader.page.locator(".turn").count() == 0
    expect(reader.page.locator("#question")).to_have_value(WHISPER)


def test_abstention_shows_reason_and_nearest_passages(quoting, visit):
    reader = visit(quoting).ask(UNKNOWN).answered()
    made = reader.answer()
    assert made["abstained"]
    expect(reader.turn.locator(".note.abstained")).to_contain_text(made["reason"])
    expect(reader.turn.locator(".side h3")).to_have_text("Closest passages")
    near = {e["source"]["id"] for e in made["evidence"]}
    expect(reader.turn.locator(".cards").first.locator(".card")).to_have_count(min(3, len(near)))
    expect(reader.claims).to_have_count(0)
    stray = "all => all.flatMap(({childNodes}) => [...childNodes].filter(n => n.nodeType === 3 && n.data))"  # fmt: skip
    assert reader.turn.locator(".card .passage").evaluate_all(stray) == []  # no "false" below them


def test_language_switch_changes_the_whole_page(quoting, visit):
    reader = visit(quoting).ask(WHISPER).answered()
    claims = reader.claims.locator("p").all_text_contents()
    reader.page.get_by_role("button", name="日本語").click()
    expect(reader.page.locator("html")).to_have_attribute("lang", "ja")
    expect(reader.page.locator("#ask")).to_have_text("質問する")
    expect(reader.turn.locator(".sum")).to_contain_text("資料の文をそのまま")
    expect(reader.status).to_contain_text("完了しました")
    now = reader.claims.locator("p").all_text_contents()
    assert [t.split(" (")[0] for t in now] == [t.split(" (")[0] for t in claims]
    reader.page.reload()
    expect(reader.page.locator("#ask")).to_have_text("質問する")  # remembered


def test_link_prefills_question_without_asking(quoting, visit):
    reader = visit(quoting, "/?q=What+is+Whisper%3F")
    expect(reader.page.locator("#question")).to_have_value("What is Whisper?")
    assert reader.page.locator(".turn").count() == 0


def test_example_is_asked_by_click(quoting, visit):
    reader = visit(quoting)
    example = reader.page.locator(".example").first
    words = example.text_content()
    example.click()
    reader.answered()
    assert reader.answer()["question"] == words


def test_question_can_be_retried_when_server_is_back(library, library_folder, checker, visit):
    app = create_app(
        Trusting(library, checker, History(library.store.database)),
        index_dir=library_folder / "index",
    )
    with served(app) as url:
        reader = visit(url).at_rest().hurried()
        reader.expected.append("ERR_CONNECTION_REFUSED|Failed to fetch")
    reader.ask(WHISPER).answered()
    expect(reader.turn.locator(".note.failed")).to_contain_text("could not be reached")
    expect(reader.status).to_contain_text("could not be finished")
    with served(app, int(url.rpartition(":")[2])):
        reader.turn.get_by_role("button", name="Try again").click()
        expect(reader.page.locator(".turn")).to_have_count(2)
        reader.answered()
        assert reader.answer()["question"] == WHISPER and reader.claims.count() > 0


def test_answer_cut_off_by_server_is_marked_incomplete(library, library_folder, checker, visit):  # fmt: skip
    model = Paced()
    model.say(TRUE, ALSO, TRUE, allowed=2)
    app = create_app(
        Trusting(library, checker, History(library.store.database), model),
        index_dir=library_folder / "index",
    )
    with served(app, patience=0.5) as url:
        reader = visit(url).hurried()  # it tries for ten seconds to connect again
        reader.expected.append("ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION|network error")
        reader.ask(WHISPER)
        expect(reader.claims).to_have_count(1)
    reader.answered()
    expect(reader.claims).to_have_count(1)
    expect(reader.turn.locator(".note.failed")).to_be_visible()
    assert reader.turn.locator(".sum").count() == 0  # no tally under half an answer


def test_server_refusal_is_shown_verbatim(quoting, visit):
    reader = visit(quoting)
    reader.expected.append("status of 422")
    reader.ask("???").answered()
    said = httpx.post(f"{quoting}/v1/answers", json={"question": "???"}).json()
    expect(reader.turn.locator(".note.failed")).to_contain_text(said["title"])
    expect(reader.turn.locator(".note.failed")).to_contain_text(said["detail"])


def test_reload_stops_the_server(staged, visit):
    staged.model.say(TRUE, ALSO, TRUE, allowed=2)
    reader = visit(staged.url).ask(WHISPER)
    expect(reader.claims).to_have_count(1)
    reader.page.reload()
    assert staged.model.closed.wait(2)
