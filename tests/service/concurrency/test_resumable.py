"""Tests of resumable answers: a resumed stream has the same frames as an unbroken one."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.errors import Gone, ModelUnavailable, RequestRefused
from corpus.store.database import Database
from service.concurrency.event_log import Frame, number_frames
from service.concurrency.idempotency import IdempotencyKey
from service.concurrency.resumable import ResumableAnswer, ResumableAnswers, parse_last_event_id
from service.conversations.store import History
from tests.support.scripted_engine import Scripted, read

KEY = IdempotencyKey("k", "asked")


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    folder: Path = tmp_path_factory.mktemp("running")
    return History(Database(f"sqlite:///{folder / 'tenkyo.db'}"))


@settings(max_examples=60, deadline=None)
@given(st.text("cr", max_size=6), st.lists(st.integers(1, 4), max_size=4), st.booleans())
def test_resumed_stream_has_the_frames_of_an_unbroken_one(
    history: History, decided: str, reads: list[int], all_done: bool
) -> None:
    engine = Scripted(history, decided)
    answers = ResumableAnswers(engine, grace=60)
    key = IdempotencyKey(f"{decided}{reads}{all_done}{id(engine)}", "asked")

    async def cut() -> list[str]:
        got: list[str] = []
        for most in reads:
            got += await read(answers, key, len(got), most)
            for _ in range(20 if all_done else 1):
                await asyncio.sleep(0)
        return got + await read(answers, key, len(got))

    async def both() -> tuple[list[str], list[str], list[str]]:
        broken = await cut()
        kept = await read(ResumableAnswers(engine), key)  # as after a restart of the service
        return broken, await read(answers, key), kept

    broken, whole, kept = asyncio.run(both())
    assert broken == whole == kept and engine.asked == 1 == engine.closed
    ids = [int(frame.split("id: ")[1].split("\n")[0]) for frame in whole]
    assert ids == list(range(1, len(decided) + 3))
    names = [frame.split("event: ")[1].split("\n")[0] for frame in whole]
    of = {"c": "claim", "r": "rejected"}
    assert names == ["evidence", *(of[kind] for kind in decided), "answer"]


def test_identical_concurrent_requests_share_one_answer(history: History) -> None:
    engine = Scripted(history, "crc", pause=0.01)
    answers = ResumableAnswers(engine)

    async def two() -> list[list[str]]:
        return await asyncio.gather(
            *(read(answers, IdempotencyKey("two", "asked")) for _ in range(5))
        )

    made = asyncio.run(two())
    assert made[0] == made[1] == made[4] and len(made[0]) == 5 and engine.asked == 1


def test_answer_without_reader_stops_after_grace(history: History) -> None:
    engine = Scripted(history, "c" * 500, pause=0.01)
    answers, key = ResumableAnswers(engine, grace=0.3), IdempotencyKey("grace", "asked")

    async def scenario() -> None:
        assert len(await read(answers, key, most=2)) == 2
        await asyncio.sleep(0.15)
        assert engine.closed == 0
        assert (
            len(await read(answers, key, 2, most=20)) == 20
        )  # a reader came back: the timer is cancelled
        await asyncio.sleep(0.15)
        assert engine.closed == 0
        await asyncio.sleep(0.4)
        assert engine.closed == 1
        with pytest.raises(Gone, match="ask again without Last-Event-ID"):
            await read(answers, key, 22)
        assert engine.asked == 1
        await read(answers, key, most=1)  # from the beginning: another answer
        assert engine.asked == 2

    asyncio.run(scenario())
    assert engine.closed == 2


def test_stop_ends_answer_at_once(history: History) -> None:
    engine = Scripted(history, "c" * 500, pause=0.01)
    engine.closes_in = 0.2
    answers, key = ResumableAnswers(engine, grace=60), IdempotencyKey("stop", "asked")

    async def scenario() -> None:
        assert len(await read(answers, key, most=2)) == 2
        assert await answers.stop(IdempotencyKey("another", "asked")) and engine.closed == 0
        assert not await answers.stop(key, timeout=0)  # it is being stopped
        reading = asyncio.create_task(read(answers, key))
        while engine.asked < 2:
            await asyncio.sleep(0.01)
        assert await answers.stop(key) and engine.closed == 2
        with pytest.raises(Gone):
            await reading
        assert await answers.stop(key)  # there is nothing to stop any more
        with pytest.raises(Gone):
            await read(answers, key, 2)

    asyncio.run(scenario())


@pytest.mark.parametrize("begun", [False, True])
def test_abort_is_idempotent_and_works_before_first_step(history: History, begun: bool) -> None:
    engine = Scripted(history, "c" * 500, pause=0.01)
    engine.closes_in = 0.1

    async def scenario() -> None:
        running = ResumableAnswer(KEY, number_frames(engine.stream("なぜ?")), grace=60)
        running.start(keep=lambda _: None, leave=lambda: None)
        async with aclosing(running.read()) as frames:
            if begun:
                await anext(frames)
            ending = running.abort()
            if begun:
                await asyncio.wait([ending], timeout=0.02)  # it has begun to end
            assert running.abort() is ending
            with pytest.raises(Gone):
                await asyncio.wait_for(rest(frames), 60)
        assert ending.done() and engine.closed == begun

    async def rest(frames: AsyncIterator[Frame]) -> None:
        async for _ in frames:
            pass

    asyncio.run(scenario())


def test_request_during_a_stop_gets_a_new_answer(history: History) -> None:
    engine = Scripted(history, "cc", pause=0.1)
    engine.closes_in = 0.5
    answers, key = ResumableAnswers(engine, grace=0.01), IdempotencyKey("stopping", "asked")

    async def scenario() -> None:
        await read(answers, key, most=1)
        await asyncio.sleep(0.05)
        assert engine.closed == 0
        assert len(await read(answers, key)) == 4 and engine.asked == 2
        assert len(await read(answers, key)) == 4 and engine.asked == 2

    asyncio.run(scenario())


def test_key_of_another_question_is_refused(history: History) -> None:
    engine = Scripted(history, "c", pause=0.01)
    answers = ResumableAnswers(engine)
    same, other = IdempotencyKey("one", "asked"), IdempotencyKey("one", "something else")

    async def scenario() -> None:
        await read(answers, same, most=1)
        for _ in range(2):  # while it runs, and when it is done
            with pytest.raises(RequestRefused, match="another request"):
                await read(answers, other)
            assert len(await read(answers, same)) == 3
        for after in (4, 99):
            with pytest.raises(RequestRefused, match="ahead"):
                await read(answers, same, after)
        assert await read(answers, same, 3) == []

    asyncio.run(scenario())


def test_failed_answer_is_not_stored_under_its_key(history: History) -> None:
    engine = Scripted(history, "c")
    engine.error = ModelUnavailable("no model")
    answers, key = ResumableAnswers(engine), IdempotencyKey("fails", "asked")

    async def scenario() -> None:
        for _ in range(2):
            with pytest.raises(ModelUnavailable):
                await read(answers, key)
        engine.error = None
        assert len(await read(answers, key)) == 3

    asyncio.run(scenario())
    assert engine.asked == engine.closed == 3


def test_unexpected_error_is_logged_and_given_to_readers(history: History, caplog) -> None:
    engine = Scripted(history, "c")
    engine.error = RuntimeError("disk on fire")
    with pytest.raises(RuntimeError, match="disk on fire"):
        asyncio.run(read(ResumableAnswers(engine), IdempotencyKey("breaks", "asked")))
    (record,) = caplog.records
    assert record.exc_info and record.exc_info[1] is engine.error


def test_who_joins_gets_the_last_draft_alone_and_none_that_is_decided() -> None:
    """The answer is the last frame, also while it is being stored."""
    evidence, claim, answer = (Frame(n, n, at) for at, n in enumerate(["e", "c", "answer"], 1))
    stored, steps = threading.Event(), asyncio.Queue[Frame]()

    async def frames() -> AsyncGenerator[Frame, None]:
        while (frame := await steps.get()) is not answer:
            yield frame
        yield answer

    async def comes(*made: Frame) -> None:
        for frame in made:
            steps.put_nowait(frame)
        while not steps.empty():
            await asyncio.sleep(0)

    async def joins(running: ResumableAnswer, after: int, most: int = 9) -> list[str]:
        got: list[str] = []
        async with aclosing(running.read(after)) as given:
            with suppress(TimeoutError):
                async with asyncio.timeout(0.1):
                    while len(got) < most:
                        got.append((await anext(given)).data)
        return got

    async def scenario() -> None:
        running = ResumableAnswer(KEY, frames(), grace=60)
        ending = running.start(keep=lambda _: stored.wait(10), leave=lambda: None)
        await comes(evidence, Frame("draft", "one", None), Frame("draft", "one, two", None))
        assert await joins(running, 0, 2) == ["e", "one, two"]
        assert await joins(running, 1, 1) == ["one, two"]
        await comes(claim)
        assert await joins(running, 1) == ["c"]
        await comes(Frame("draft", "two", None), answer)
        assert await joins(running, 0) == ["e", "c", "answer"]
        stored.set()
        await ending

    asyncio.run(scenario())


def test_deleted_answer_is_made_again(history: History) -> None:
    engine = Scripted(history, "c")
    answers, key = ResumableAnswers(engine), IdempotencyKey("deleted", "asked")
    last = asyncio.run(read(answers, key))[-1]
    made = json.loads(last.split("data: ")[1].split("\n")[0])
    history.conversations.delete(made["conversation_id"])
    assert len(asyncio.run(read(answers, key))) == 3 and engine.asked == 2


def test_answer_is_given_even_if_its_reply_cannot_be_stored(history: History) -> None:
    engine = Scripted(history, "c")
    engine.saves = False  # so that the reply names an answer that is not there
    assert len(asyncio.run(read(ResumableAnswers(engine), IdempotencyKey("unkept", "asked")))) == 3


@pytest.mark.parametrize("header", ["x", "-1", "1.5", "１", " 1", "1" * 10])
def test_malformed_last_event_id_is_refused(header: str) -> None:
    with pytest.raises(RequestRefused, match="not one of ours"):
        parse_last_event_id(header)


def test_last_event_id_is_parsed() -> None:
    assert [parse_last_event_id(h) for h in (None, "", "0", "12")] == [0, 0, 0, 12]
