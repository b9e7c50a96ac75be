"""Answers that can be taken up again: asked under an Idempotency-Key, made once for all who ask.

Without a key an answer is made for one reader, and stops when that one leaves. A key says that
the reader comes back: the answer then waits ``grace`` seconds for one before it stops.

Several processes may serve one library. What one of them makes, another waits for, and then
gives it from the history: there is never a second answer under one key.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from typing import Any

from corpus.errors import Gone, RequestRefused, StoreError, TenkyoError
from service.concurrency.answer_service import AnswerService
from service.concurrency.event_log import Frame, number_frames
from service.concurrency.idempotency import IdempotencyKey
from service.concurrency.process_locks import ProcessLocks
from service.conversations.store import History, StoredReply

logger = logging.getLogger(__name__)

GRACE_SECONDS = (
    20.0  # seconds; a browser tries again after three, a phone between two cells after ten
)
POLL_SECONDS = 0.1  # seconds between two looks at what another process makes
STOP_SECONDS = 5.0  # that who has an answer stopped waits for its end
_NUMBER = re.compile(r"[0-9]{1,9}")


def parse_last_event_id(header: str | None) -> int:
    """The number in a Last-Event-ID, 0 without one."""
    if header is None or header == "":
        return 0
    if not _NUMBER.fullmatch(header):
        raise RequestRefused(
            f"the Last-Event-ID {header[:40]!r} is none of ours: send the `id` of the last event"
            " that came, or leave it out to have all of them"
        )
    return int(header)


class ResumableAnswer:
    """One answer on its way, and what has been decided of it. Lives in one event loop."""

    def __init__(
        self,
        key: IdempotencyKey,
        frames: AsyncIterator[Frame],
        grace: float,
        locks: ProcessLocks | None = None,
    ) -> None:
        self.key, self._locks = key, locks
        self._frames, self._grace = frames, grace
        self._log: list[Frame] = []
        self._news = asyncio.Event()
        self._ended = False
        self._error: Exception | None = None
        self._readers = 0
        self._given_up = False
        self._timer: asyncio.TimerHandle | None = None

    def start(
        self, keep: Callable[[list[Frame]], None], leave: Callable[[], None]
    ) -> asyncio.Task[None]:
        """Begin; the task that ends with it. ``keep`` is called, in a thread, with the frames of a
        whole answer; ``leave`` when there is nothing to take up any more, at the latest when all is
        done.
        """
        self._leave = leave
        self._task = asyncio.create_task(self._run(keep))
        self._task.add_done_callback(self._end)
        if self._locks:
            self._watch = asyncio.create_task(self._listen())
        return self._task

    async def read(self, after: int = 0) -> AsyncIterator[Frame]:
        """What was decided after frame ``after``, and then what is, as it is. Raises what
        became of the answer where it could not be finished.
        """
        self._readers += 1
        if self._timer:
            self._timer.cancel()
        try:
            at = self._place(after)
            while True:
                news = self._news
                while at < len(self._log):
                    at += 1
                    yield self._log[at - 1]
                if self._error:
                    raise self._error
                if self._ended:
                    return
                await news.wait()
        finally:
            self._readers -= 1
            if not self._readers and not self._ended:
                self._wait_for_a_reader()

    def _wait_for_a_reader(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._grace, self._without_reader)

    def _without_reader(self) -> None:
        """The grace is over; but a reader may have come back to another process."""
        if self._locks and self._locks.is_waited_for(self.key.key):
            self._wait_for_a_reader()
        else:
            self.abort()

    async def _listen(self) -> None:
        while not self._ended and not self.stop_if_requested():
            await asyncio.sleep(POLL_SECONDS)

    def stop_if_requested(self) -> bool:
        """Stop if that was said in another process; whether it was."""
        if told := self._locks is not None and self._locks.is_to_stop(self.key.key):
            self.abort()
        return told

    def _place(self, after: int) -> int:
        """Where in the log frame ``after`` ends."""
        if not after:
            return 0
        for at, frame in enumerate(self._log, 1):
            if frame.number == after:
                return at
        raise ahead_error(after)

    async def _run(self, keep: Callable[[list[Frame]], None]) -> None:
        try:
            async with aclosing(self._frames) as frames:
                async for frame in frames:
                    self._log.append(frame)
                    self._tell()
            await asyncio.to_thread(keep, self._log)
        except Exception as error:
            self._error = error
            if not isinstance(error, TenkyoError):  # perhaps nobody is there to be told
                logger.error("an answer could not be finished", exc_info=error)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._ended = True
        if task.cancelled():  # given up, perhaps before its first step, or the service ends
            self._error = stopped_error()
        self._leave()
        self._tell()

    def abort(self) -> asyncio.Task[None]:
        """Stop it; the task that ends when it has."""
        if not self._given_up:  # a second time would disturb its end
            self._given_up = True
            self._leave()  # at once: who comes now must not join what is being stopped
            self._task.cancel()
        return self._task

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


class ResumableAnswers:
    """Answers by their keys: those on their way here, those that are done in the history."""

    def __init__(
        self, asking: AnswerService, grace: float = GRACE_SECONDS, locks: ProcessLocks | None = None
    ) -> None:
        """``locks``: those that this process shares with others that serve the same history."""
        self._asking, self._grace, self._locks = asking, grace, locks
        self._running: dict[str, ResumableAnswer] = {}
        self._locked: Counter[str] = Counter()  # by what is about to begin, and has not ended
        self._stops: set[asyncio.Task] = set()

    async def frames(
        self, key: IdempotencyKey, asked: dict[str, Any], after: int = 0
    ) -> AsyncIterator[Frame]:
        """The frames of the answer to a question, after number ``after``.

        ``asked`` are the arguments of Asking.stream. The answer is begun if the key is new. Gone
        if it is, and the reader wants to go on with one; RequestRefused if the key belongs to
        another question.
        """
        history, locked = self._asking.history, False
        try:
            while (running := self._running.get(key.key)) is None or running.stop_if_requested():
                kept = await asyncio.to_thread(history.replies.find, key.key)
                if key.key in self._running:  # one may have begun meanwhile
                    continue
                if kept:
                    key.check(kept.request)
                    for frame in await asyncio.to_thread(replay_frames, history, kept, after):
                        yield frame
                    return
                if self._locks and not locked:
                    await self._acquire(self._locks, key)
                    locked = True
                    continue  # what was made elsewhere may be done by now
                if after:
                    raise stopped_error()
                running = self._begin(key, asked)
                break
        finally:
            if locked:
                self._release(key)
        key.check(running.key.request)
        async with aclosing(running.read(after)) as frames:
            async for frame in frames:
                yield frame

    async def _acquire(self, locks: ProcessLocks, key: IdempotencyKey) -> None:
        """Wait until no other process makes what a key stands for, and lock it for this one.

        While one of before is being stopped, this one waits too: it would be stopped in its place.
        """

        def taken() -> bool:
            if not locks.take(key.key):
                return False
            self._locked[key.key] += 1
            if to_stop := locks.is_to_stop(key.key):
                self._release(key)
            return not to_stop

        if not taken():
            with locks.waiting(key.key):
                while not taken():
                    await asyncio.sleep(POLL_SECONDS)

    def _release(self, key: IdempotencyKey) -> None:
        """Count one user of a lock less, and give it back after the last one here."""
        self._locked[key.key] -= 1
        if not self._locked[key.key]:
            del self._locked[key.key]
            if self._locks:
                self._locks.release(key.key)

    async def stop(self, key: IdempotencyKey, patience: float = STOP_SECONDS) -> bool:
        """Stop the answer that is made under a key, if one is: its reader does not come back.

        Whether it has ended. Where it has not, after ``patience`` seconds or when the caller is
        cancelled, it is stopped all the same; and never one that is asked for later.
        """
        if running := self._running.get(key.key):
            ending = running.abort()
        elif self._locks:
            ending = asyncio.create_task(self._stop_elsewhere(self._locks, key))
            self._stops.add(ending)
            ending.add_done_callback(self._stops.discard)
        else:
            return True
        return bool((await asyncio.wait([ending], timeout=patience))[0])

    async def _stop_elsewhere(self, locks: ProcessLocks, key: IdempotencyKey) -> None:
        """Say that what is made is to be stopped, until nothing is made any more."""
        with locks.stopping(key.key):
            while self._locked[key.key] or not locks.take(key.key):
                await asyncio.sleep(POLL_SECONDS)
            locks.release(key.key)

    def _begin(self, key: IdempotencyKey, asked: dict[str, Any]) -> ResumableAnswer:
        events = self._asking.stream(**asked, progress=True)
        running = ResumableAnswer(key, number_frames(events), self._grace, self._locks)

        def keep(log: list[Frame]) -> None:
            decided = [frame for frame in log if frame.number]
            made = decided[-1].data
            names = [frame.name for frame in decided]
            reply = StoredReply(key.request, names, made["id"], made["conversation_id"])
            try:
                self._asking.history.replies.keep(key.key, reply)
            except StoreError as error:  # the answer is whole, and its reader has it
                logger.warning("an answer cannot be given again under its key: %s", error)

        def leave() -> None:
            if self._running.get(key.key) is running:
                del self._running[key.key]

        self._running[key.key] = running
        self._locked[key.key] += 1
        running.start(keep, leave).add_done_callback(lambda _: self._release(key))
        return running


def replay_frames(history: History, kept: StoredReply, after: int) -> list[Frame]:
    """The frames of an answer that is done, after a number, made from the answer: the reply
    holds no more than their names in order.
    """
    answer = history.answer(kept.answer_id)
    if after > len(kept.body):
        raise ahead_error(after)
    begun = ("id", "conversation_id", "question", "evidence", "understood")
    parts: dict[str, Iterator[Any]] = {
        "evidence": iter([{name: answer.get(name) for name in begun}]),
        "claim": iter(answer["claims"]),
        "rejected": iter(answer["rejected"]),
        "answer": iter([answer]),
    }
    frames = [Frame(name, next(parts[name]), n) for n, name in enumerate(kept.body, 1)]
    return frames[after:]


def stopped_error() -> Gone:
    return Gone(
        "the answer was stopped, or the key is older than a day: ask again without Last-Event-ID"
    )


def ahead_error(after: int) -> RequestRefused:
    return RequestRefused(
        f"Last-Event-ID {after} is ahead of the answer: send the `id` of the last event that"
        " came, or leave it out to have all of them"
    )
