"""Failures while an answer is made: streams are resumed, and messages say what to do."""

import re
from dataclasses import replace

import httpx
import pytest

from service.api.app import create_app
from service.concurrency.admission import ConcurrencyLimiter, Limiters
from service.conversations.store import History
from tests.support.browser.cuttable_proxy import wired
from tests.support.browser.driver import expect
from tests.support.browser.scripted_answers import (
    UNKNOWN,
    WHISPER,
    Paced,
    Trusting,
    evidence,
    recited,
)
from tests.support.live_server import served

TRUE = "Whisper was trained on 680,000 hours of audio [1]."
ALSO = "Whisper learned from 680,000 hours of labelled audio [1]."
THIRD = "Whisper learned from 680,000 hours of audio [1]."
LOST = "ERR_|network error|Failed to load"


def watch(reader):
    """Record the method and headers of each request for an answer, and of each to stop one."""
    seen = []
    reader.page.on("request", lambda r: seen.append((r.method, r.headers)) if r.url.endswith("/v1/answers") else None)  # fmt: skip
    return seen


@pytest.mark.parametrize("away", [False, True], ids=["cut", "offline"])
def test_broken_stream_is_resumed(staged, visit, away):
    staged.model.say(TRUE, ALSO, THIRD, allowed=2)
    with wired(staged.url) as wire:
        reader = visit(wire.url)
        reader.expected.append(LOST)
        sent = watch(reader)
        reader.ask(WHISPER)
        expect(reader.claims).to_have_count(1)
        reader.page.context.set_offline(away)
        wire.cut()
        if away:
            expect(reader.status).to_contain_text("You are offline")
            reader.page.context.set_offline(False)
        staged.model.go_on()
        reader.answered()
        answer = reader.answer()
    assert len(answer["claims"]) > 1
    expect(reader.claims).to_have_count(len(answer["claims"]))
    spoken = reader.page.get_by_role("log").locator("p").all_text_contents()
    assert len(spoken) == len(set(spoken))  # nothing is read out twice
    keys = {headers["idempotency-key"] for _, headers in sent}
    assert len(keys) == 1 and len(sent) >= 2
    assert "last-event-id" in sent[-1][1]


BUSY = [
    ("en-GB", "The server is busy or still starting", "Try again"),
    ("ja-JP", "質問が集中しているか", "もう一度試す"),
]


def test_overload_is_explained_in_plain_words(library, library_folder, checker, visit):
    engine = Trusting(library, checker, History(library.store.database), Paced())
    engine.warm_up()
    limiters = replace(Limiters.for_readers(), answers=ConcurrencyLimiter("answers", 1, 0))
    app = create_app(engine, index_dir=library_folder / "index", limiters=limiters)
    engine.model.say(TRUE)
    with served(app) as url:
        first = visit(url).ask(WHISPER)
        expect(first.turn.locator(".side .card").first).to_be_attached()
        refused = []
        for locale, says, button in BUSY:
            reader = visit(url, locale=locale)
            reader.expected.append("503")
            expect(reader.ask(WHISPER).turn).to_contain_text(says)
            refused.append((reader, button))
        engine.model.go_on()
        first.answered()
        for reader, button in refused:
            reader.turn.get_by_role("button", name=button).click()
            expect(reader.answered().claims).to_have_count(1)
            reader.at_rest()  # what goes on with an answer has been asked for
        first.at_rest()


def test_offline_question_is_answered_when_network_returns(quoting, visit):
    reader = visit(quoting)
    reader.expected.append(LOST)
    reader.page.context.set_offline(True)
    reader.ask(WHISPER)
    expect(reader.status).to_contain_text("You are offline")
    reader.page.context.set_offline(False)
    expect(reader.answered().claims.first).to_be_visible()


def test_question_is_asked_again_after_server_restart(library, library_folder, checker, visit):
    model = Paced()
    model.say(TRUE, ALSO, THIRD, allowed=2)
    engine = Trusting(library, checker, History(library.store.database), model)

    def app():
        return create_app(engine, index_dir=library_folder / "index")

    with served(app(), patience=0.5) as url:
        reader = visit(url)
        reader.expected += [LOST, "status of 410"]
        reader.ask(WHISPER)
        expect(reader.claims).to_have_count(1)
    model.say(TRUE, allowed=1)
    with served(app(), int(url.rpartition(":")[2])):
        reader.answered()
        expect(reader.claims).to_have_count(1)
        assert len(reader.answer()["claims"]) == 1
        expect(reader.turn.locator(".note.failed")).to_have_count(0)


def test_stop_ends_the_answer_on_the_server(staged, visit):
    staged.model.say(TRUE, ALSO, THIRD, allowed=2)
    reader = visit(staged.url)
    sent = watch(reader)
    reader.ask(WHISPER)
    expect(reader.claims).to_have_count(1)
    reader.page.locator("#ask").click()
    assert staged.model.closed.wait(2)
    reader.answered()
    assert [method for method, _ in sent] == ["POST", "DELETE"]


def test_refused_question_offers_editing_not_retry(quoting, visit):
    reader = visit(quoting)
    reader.expected.append("status of 422")
    reader.ask("???").answered()
    note = reader.turn.locator(".note.failed")
    expect(note.get_by_role("button", name="Try again")).to_have_count(0)
    note.get_by_role("button", name="Edit the question").click()
    expect(reader.page.locator("#question")).to_have_value("???")
    expect(reader.page.locator("#question")).to_be_focused()


def test_question_in_deleted_conversation_starts_a_new_one(quoting, visit):
    reader = visit(quoting).ask(WHISPER).answered()
    httpx.delete(f"{quoting}/v1/conversations/{reader.answer()['conversation_id']}")
    reader.expected.append("status of 404")
    reader.ask(WHISPER).answered()
    reader.turn.get_by_role("button", name="Try again").click()
    expect(reader.page.locator(".turn")).to_have_count(3)
    expect(reader.answered().claims.first).to_be_visible()


def test_abstention_gives_advice_and_no_reason_in_titles(quoting, visit):
    reader = visit(quoting).ask(UNKNOWN).answered()
    note = reader.turn.locator(".note.abstained")
    expect(note.locator(".todo")).to_contain_text("Try wording the question differently")
    assert "” (no connection" in note.text_content() or "(" not in note.text_content()
    assert ")”" not in note.text_content()


@pytest.mark.parametrize(
    ("kind", "read", "advised"),
    [
        ("not_enough_evidence", True, 1),
        ("outside_library", True, 1),
        ("false_premise", True, 0),
        ("not_enough_evidence", False, 0),  # of what the catalogue lacks
        (None, False, 0),  # an empty library or collection
    ],
)
def test_other_words_are_advised_only_where_they_may_help(reciting, visit, kind, read, advised):
    shown = evidence("The archive opened in 1931.")
    made = replace(recited([]), mode="abstained", abstention=kind, reason="Because.")
    reciting.engine.made = replace(made, evidence=(shown,) if read else ())
    reader = visit(reciting.url).ask(WHISPER).answered()
    expect(reader.turn.locator(".note.abstained")).to_contain_text("Because.")
    expect(reader.turn.locator(".note.abstained .todo")).to_have_count(advised)


def test_wrong_clock_does_not_matter(quoting, visit):
    reader = visit(quoting)
    reader.page.add_init_script("Date.now = () => 0; performance.timeOrigin; Date.prototype.getTime = () => 0;")  # fmt: skip
    reader.start().ask(WHISPER).answered()
    expect(reader.claims.first).to_be_visible()
    expect(reader.turn.locator(".sum")).to_contain_text("Quoted")
    expect(reader.status).to_contain_text(re.compile(r"Done in \d+\.\d s"))


def test_progress_is_announced(quoting, visit):
    reader = visit(quoting)
    held, frames = [], ""
    reader.page.evaluate("""() => { window.steps = [];
        new MutationObserver(() => window.steps.push(document.querySelector('#status').textContent))
          .observe(document.querySelector('#status'), {childList: true, subtree: true}); }""")
    reader.page.route("**/v1/answers", lambda r: (held.append(r.request.post_data_json), r.fulfill(content_type="text/event-stream", body=frames)))  # fmt: skip
    for number, step in enumerate(("searching", "reading", "checking"), 1):
        frames = f'event: status\ndata: {{"step": "{step}"}}\n\n' * 2
        reader.ask(WHISPER)
        expect(reader.page.locator(".turn")).to_have_count(number)
        reader.answered()
        assert held[-1]["progress"] is True
        steps = reader.page.evaluate("window.steps.splice(0)")
        assert any(step.capitalize() in told for told in steps), steps
