"""Tests of the answer cache and of request coalescing: repeated questions, and stale entries."""

from __future__ import annotations

import asyncio
import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import httpx
import pytest

from corpus.errors import StoreError
from corpus.store.store import Store
from corpus.text.chunking import split_into_passages
from corpus.types import Document, Source
from index.search import Library
from index.storage.local_index import LiveIndex
from service.answering.engine import Engine
from service.api.app import Options, create_app
from service.concurrency.admission import ConcurrencyLimiter, Limiters
from service.concurrency.answer_cache import AnswerCache
from service.concurrency.answer_service import AnswerService
from service.conversations.store import History
from service.judging import record
from service.scope import EVERYWHERE
from service.verification.receipt import seal
from tests.support.scripted_judge import ScriptedJudge
from tests.support.scripted_model import Script

QUESTION = "How many hours of labelled audio was Whisper trained on?"
SAID = "Whisper was trained on 680,000 hours of audio [1]. It was trained on 90 hours [1].\n"


class CountingEngine(Engine):
    """An engine that counts its questions."""

    asked, hold, last = 0, None, None  # hold: an event to wait for; last: called with the answer

    async def stream(self, *asked, **how):
        self.asked += 1
        if self.hold:
            await self.hold.wait()
        async for event in super().stream(*asked, **how):
            if event.name == "answer" and self.last:
                self.last()
            yield event


class WatchedStore(Store):
    """A store that counts how often all sources were listed, and can be made to fail."""

    listed, fails = 0, False

    def sources(self):
        self.listed += 1
        return super().sources()

    def change_count(self):
        if self.fails:
            raise StoreError("the database is busy: try again")
        return super().change_count()


@pytest.fixture
def engine(library_folder, tmp_path, embedder, checker):
    shutil.copytree(library_folder, folder := tmp_path / "data")
    store = WatchedStore(f"sqlite:///{folder / 'tenkyo.db'}")
    index = LiveIndex(folder / "index", embedder.name)
    history = History(store.database)
    return CountingEngine(Library(store, index, embedder), checker, history, Script(SAID))


@pytest.fixture
def ask(engine, tmp_path):
    app = create_app(engine, index_dir=tmp_path / "data" / "index", options=Options(kept=2))

    async def asked(bodies, headers):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:
            posts = (client.post("/v1/answers", json=body, headers=headers) for body in bodies)
            return [reply.raise_for_status() for reply in await asyncio.gather(*posts)]

    def ask(*questions, headers=None, **more):
        bodies = [{"question": question} | more for question in questions]
        return [reply.json() for reply in asyncio.run(asked(bodies, headers or {}))]

    return ask


def test_repeated_question_gets_same_claims_in_a_new_answer(engine, ask):
    (first,), (again,) = ask(QUESTION), ask(f"  {QUESTION}\n")
    assert engine.asked == 1 and again["timings"].keys() == {"kept", "total"}
    own = ("id", "conversation_id", "timings")
    assert all(first[name] != again[name] for name in own)
    rest = [{k: v for k, v in made.items() if k not in own} for made in (first, again)]
    assert rest[0] == rest[1] and first["claims"] and first["rejected"]

    history = engine.history
    listed = {each.id for each in history.conversations.page(10, None).conversations}
    assert len({made["conversation_id"] for made in (first, again)} & listed) == 2
    (_, of_first), (_, of_again) = (history.record(made["id"]) for made in (first, again))
    assert of_first == of_again and of_first["prompt"]  # a receipt can be made of either
    assert seal(of_again)["sha256"]

    # The engine answers what continues a conversation or asks for a new answer.
    assert ask(QUESTION, conversation_id=first["conversation_id"]) and engine.asked == 2
    assert ask(QUESTION, headers={"Cache-Control": "no-cache"}) and engine.asked == 3
    assert ask(QUESTION, mode="quoted") and engine.asked == 4
    assert ask(QUESTION, source_ids=["whisper"]) and engine.asked == 5
    assert ask(QUESTION) and engine.asked == 6  # two are cached, and it was not among the last two


def test_changed_collection_does_not_give_an_old_answer(engine, ask):
    collections = engine.library.store.collections
    speech = collections.add(collections.make("Speech").id, ["whisper"])
    collections.make("Other")
    (first,), (again,) = (
        ask(QUESTION, collections=["Speech"]),
        ask(QUESTION, collections=["speech"]),
    )
    assert engine.asked == 1 and first["claims"] == again["claims"] != []
    assert first["scope"] == again["scope"] == {"source_ids": None, "collections": ["Speech"]}
    ask(QUESTION, source_ids=["whisper"])  # the same sources, of which the answer says less
    assert engine.asked == 2
    collections.add(speech.id, ["article-en"])
    ask(QUESTION, collections=["Speech"])
    assert engine.asked == 3
    collections.remove(speech.id, ["article-en", "whisper"])
    (emptied,) = ask(QUESTION, collections=["Speech"])
    assert engine.asked == 4 and "no sources yet" in emptied["reason"]


def test_key_has_the_judge_its_prompt_and_whether_it_judges_yet(engine, tmp_path, monkeypatch):
    cache, keys = AnswerCache(engine, tmp_path / "data" / "index"), []

    def key(judge):
        engine.judge = judge
        keys.append(cache.key(QUESTION, EVERYWHERE, None))
        assert cache.key(QUESTION, EVERYWHERE, None) == keys[-1]

    key(None)
    for name, host, able in (
        ("a", "h", False),
        ("a", "h", True),
        ("b", "h", True),
        ("b", "i", True),
    ):
        key(SimpleNamespace(name=name, host=host, able=able))
    monkeypatch.setattr(record, "PROMPT_VERSION", 0)
    key(engine.judge)
    assert len(set(keys)) == len(keys) == 6


@pytest.mark.parametrize(("failures", "asked"), [((), 1), (("timeout",), 2), (("control",), 2)])
def test_answer_without_the_judge_that_was_to_decide_is_not_cached(engine, ask, failures, asked):
    engine.judge = ScriptedJudge(failures=failures)
    (first,), (again,) = ask(QUESTION), ask(QUESTION)
    assert engine.asked == asked and first["claims"] and again["claims"]
    assert again["claims"][0]["verdict"]["method"] == "judge: scripted"


def test_library_is_hashed_only_after_a_write(engine, ask):
    store = engine.library.store
    ask(QUESTION)
    before = store.listed
    ask(QUESTION, "Who won the Tour de France in 2031?")
    assert engine.asked == 2 and store.listed == before
    store.add_citing("whisper", ["somebody"])
    ask(QUESTION)
    assert engine.asked == 3 and store.listed > before


def test_stream_of_cached_answer_has_the_events_of_the_first(engine, ask, tmp_path):
    app = create_app(engine, index_dir=tmp_path / "data" / "index", options=Options(kept=2))

    async def events():
        transport = httpx.ASGITransport(app=app)
        headers = {"Accept": "text/event-stream"}
        async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:
            reply = await client.post("/v1/answers", json={"question": QUESTION}, headers=headers)
        fields = [line.partition(": ") for line in reply.text.splitlines() if line]
        names = [value for name, _, value in fields if name == "event"]
        return names, [json.loads(value) for name, _, value in fields if name == "data"]

    names, made = asyncio.run(events())
    names_again, again = asyncio.run(events())
    assert engine.asked == 1 and names == names_again == ["evidence", "claim", "rejected", "answer"]
    assert made[1:3] == again[1:3] and made[0]["evidence"] == again[0]["evidence"]
    assert again[0]["id"] == again[-1]["id"] != made[0]["id"]
    assert engine.history.answer(again[0]["id"])["claims"] == [made[1]]


def test_identical_concurrent_questions_are_answered_once(engine, ask):
    made = ask(*[QUESTION] * 4)
    assert engine.asked == 1 and len({each["id"] for each in made}) == 4
    assert all(each["claims"] == made[0]["claims"] for each in made)


async def final_answer(answers, question=QUESTION, **how):
    """Ask a question and return the answer, the last event."""
    return [event async for event in answers.stream(question, mode="quoted", **how)][-1].data


async def until(holds):
    while not holds():
        await asyncio.sleep(0.002)


def test_follower_takes_no_slot_and_does_not_wait_for_slow_reader(engine, tmp_path):
    async def scenario():
        limiters = replace(Limiters.for_readers(), answers=ConcurrencyLimiter("answers", 2, 0))
        answers = AnswerService(engine, limiters, AnswerCache(engine, tmp_path / "data" / "index"))
        engine.hold = asyncio.Event()
        first = answers.stream(QUESTION, mode="quoted")
        begun = asyncio.create_task(anext(first))
        await until(lambda: limiters.answers.running)
        others = [asyncio.create_task(final_answer(answers)) for _ in range(4)]
        await until(lambda: limiters.followers.running == 4)
        held, engine.hold = engine.hold, None
        assert (
            await final_answer(answers, "What does Block-NeRF render?")
        ).claims and engine.asked == 2
        held.set()
        event = await begun
        while event.name != "answer":  # and then this reader reads no further
            event = await anext(first)
        made = await asyncio.wait_for(asyncio.gather(*others), 60)
        assert engine.asked == 2 and all(each.claims == event.data.claims for each in made)
        await first.aclose()

    asyncio.run(scenario())


def test_one_follower_takes_over_from_cancelled_leader(engine, tmp_path):
    async def scenario():
        limiters = Limiters.for_readers()
        answers = AnswerService(engine, limiters, AnswerCache(engine, tmp_path / "data" / "index"))
        engine.hold = asyncio.Event()
        first = asyncio.create_task(final_answer(answers))
        await until(lambda: engine.asked)
        others = [asyncio.create_task(final_answer(answers)) for _ in range(4)]
        await until(lambda: limiters.followers.running == 4)
        first.cancel()
        await until(
            lambda: engine.asked > 1 and limiters.answers.running + limiters.followers.running == 4
        )
        engine.hold.set()
        made = await asyncio.wait_for(asyncio.gather(*others), 60)
        assert engine.asked == 2 and sum("kept" not in each.timings for each in made) == 1

    asyncio.run(scenario())


def test_follower_that_waited_too_long_is_answered_by_itself(engine, tmp_path):
    async def scenario():
        limiters = replace(Limiters.for_readers(), answers=ConcurrencyLimiter("answers", 2, 1))
        answers = AnswerService(
            engine, limiters, AnswerCache(engine, tmp_path / "data" / "index"), max_follow_seconds=0
        )
        held = engine.hold = asyncio.Event()
        slow = asyncio.create_task(final_answer(answers))
        await until(lambda: engine.asked == 1)
        engine.hold = None
        assert "kept" not in (await final_answer(answers)).timings and engine.asked == 2

        other = "What does Block-NeRF render?"
        at_last = engine.hold = asyncio.Event()
        leader = asyncio.create_task(final_answer(answers, other))
        await until(lambda: engine.asked == 3)
        queued = asyncio.create_task(
            final_answer(answers, other)
        )  # the slots are taken by two others
        await until(lambda: limiters.answers.queued)
        at_last.set()
        assert "kept" in (await queued).timings and engine.asked == 3
        held.set()
        await asyncio.gather(slow, leader)

    asyncio.run(scenario())


def test_answer_that_cannot_be_cached_is_still_given(engine, ask, caplog):
    engine.last = lambda: setattr(engine.library.store, "fails", True)
    assert ask(QUESTION)[0]["claims"]
    assert "an answer was not cached" in caplog.text
    engine.last, engine.library.store.fails = None, False
    assert "kept" not in ask(QUESTION)[0]["timings"] and "kept" in ask(QUESTION)[0]["timings"]


def test_followers_of_an_abstention_and_no_cache_requests_are_answered(engine, ask):
    unknown = "Who won the Tour de France in 2031?"
    assert {made["mode"] for made in ask(*[unknown] * 3)} == {"abstained"} and engine.asked == 3
    made = ask(*[QUESTION] * 3, headers={"Cache-Control": "no-cache"})
    assert engine.asked == 6 and all("kept" not in each["timings"] for each in made)


def test_cache_entry_ends_with_any_change_it_depends_on(engine, ask):
    # The conversation was deleted, and its answer with it.
    (first,) = ask(QUESTION)
    engine.history.conversations.delete(first["conversation_id"])
    (second,) = ask(QUESTION)
    assert engine.asked == 2
    # The metadata of a source has changed, which answers show.
    store = engine.library.store
    store.add_citing("whisper", ["somebody"])
    (third,) = ask(QUESTION)
    assert engine.asked == 3
    # The library has another passage.
    added = Document(Source("new", "https://example.org/new", "New"), "It opened in 1931. " * 9)
    store.put(added, split_into_passages(added))
    assert ask(QUESTION) and engine.asked == 4
    # The index was written again.
    manifest = engine.library.index._folder / "manifest.json"
    manifest.with_suffix(".new").write_bytes(manifest.read_bytes())
    manifest.with_suffix(".new").replace(manifest)
    assert ask(QUESTION) and engine.asked == 5
    # Abstentions are not cached, nor are answers where the model failed.
    engine.model = Script("Bananas are yellow and long.\n")
    engine.model.name = "another"  # so that no answer of the first one is found
    remarks = {each["reason"] for _ in range(2) for each in ask(QUESTION)}
    assert engine.asked == 7 and None not in remarks
    assert second["claims"] == third["claims"]
