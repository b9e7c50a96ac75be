"""Resumable answers: an answer asked for under an Idempotency-Key survives a broken connection.

Without a key an answer is made for one reader, and stops when that reader disconnects. A key says
that the reader may come back: the work then goes on without one for ``grace`` seconds, and the same
request resumes it. One header thus serves for a request that is sent twice and for a stream that
breaks, even before the first event, when the answer has no id yet.

A finished answer is replayed from the history; only the order of its events is stored besides. Of
two identical requests the second waits for the first, rather than get a 409: all that a client
could do with one is to wait and ask again. Several processes may serve one library: what one of
them is making the others wait for, so there is never a second answer under one key.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

from corpus.errors import RequestRefused, StoreError, TenkyoError
from service.concurrency.answer_service import AnswerService
from service.concurrency.event_log import Frame, number_frames
from service.concurrency.idempotency import IdempotencyKey
from service.concurrency.process_locks import ProcessLocks
from service.concurrency.replay import ahead_error, replay_frames, stopped_error
from service.conversations.store import StoredReply

logger = logging.getLogger(__name__)

GRACE_SECONDS = 20.0  # a browser reconnects after 3 s, a phone that changes cells after 10
POLL_SECONDS = 0.1  # between two checks of what another process does
STOP_SECONDS = 5.0  # how long a request to stop an answer waits for its end
_NUMBER = re.compile(r"[0-9]{1,9}")


def parse_last_event_id(header: str | None) -> int:
    """Parse a Last-Event-ID header.

    Returns:
        The number of the last frame that the client has; 0 if the header is missing or empty.

    Raises:
        RequestRefused: The header is not a frame number.
    """
    if header is None or header == "":
        return 0
    if not _NUMBER.fullmatch(header):
        raise RequestRefused(
            f"the Last-Event-ID {header[:40]!r} is not one of ours: send the `id` of the last"
            " event that came, or leave it out to have all of them"
        )
    return int(header)


class ResumableAnswer:
    """One answer that is being made: its frames so far, and readers that follow them.

    It is stopped after ``grace`` seconds without a reader. Use it in one event loop.
    """

    def __init__(
        self,
        key: IdempotencyKey,
        frames: AsyncGenerator[Frame, None],
        grace: float,
        locks: ProcessLocks | None = None,
    ) -> None:
        self.key, self._locks = key, locks
        self._frames, self._grace = frames, grace
        self._log: list[Frame] = []
        self._draft: Frame | None = None  # the last one, until a sentence of it is decided
        self._changed = asyncio.Event()
        self._ended = False
        self._error: Exception | None = None
        self._readers = 0
        self._aborted = False
        self._timer: asyncio.TimerHandle | None = None

    def start(
        self, keep: Callable[[list[Frame]], None], leave: Callable[[], None]
    ) -> asyncio.Task[None]:
        """Begin to make the answer.

        Args:
            keep: Called in a thread with all frames of a complete answer.
            leave: Called once it cannot be joined any more, at the latest at its end.

        Returns:
            The task that ends with the answer.
        """
        self._leave = leave
        self._task = asyncio.create_task(self._run(keep))
        self._task.add_done_callback(self._end)
        if self._locks:
            self._watcher = asyncio.create_task(self._watch_for_stop())
        return self._task

    async def read(self, after: int = 0) -> AsyncGenerator[Frame, None]:
        """Give the frames after number ``after``, then each new one as it comes.

        Raises:
            Gone: The answer was stopped.
            RequestRefused: There is no frame with that number.
            Exception: Whatever kept the answer from being finished.
        """
        self._readers += 1
        if self._timer:
            self._timer.cancel()
        try:
            position, draft = self._position_after(after), None
            while True:
                changed = self._changed
                while position < len(self._log):
                    position += 1
                    yield self._log[position - 1]
                if self._draft and self._draft is not draft and not self._ended:
                    draft = self._draft
                    yield draft
                    continue  # more may have come meanwhile
                if self._error:
                    raise self._error
                if self._ended:
                    return
                await changed.wait()
        finally:
            self._readers -= 1
            if not self._readers and not self._ended:
                self._start_grace_timer()

    def _start_grace_timer(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._grace, self._end_grace)

    def _end_grace(self) -> None:
        """Stop the answer, unless a reader waits for it in another process."""
        if self._locks and self._locks.is_waited_for(self.key.key):
            self._start_grace_timer()
        else:
            self.abort()

    async def _watch_for_stop(self) -> None:
        while not self._ended and not self.stop_if_requested():
            await asyncio.sleep(POLL_SECONDS)

    def stop_if_requested(self) -> bool:
        """Stop the answer if another process signals so; return whether one does."""
        if requested := self._locks is not None and self._locks.is_to_stop(self.key.key):
            self.abort()
        return requested

    def _position_after(self, after: int) -> int:
        """Return the position in the log behind the frame with a number."""
        if not after:
            return 0
        for position, frame in enumerate(self._log, 1):
            if frame.number == after:
                return position
        raise ahead_error(after)

    async def _run(self, keep: Callable[[list[Frame]], None]) -> None:
        try:
            async with aclosing(self._frames) as frames:
                async for frame in frames:
                    if frame.name == "draft":
                        self._draft = frame
                    else:
                        self._log.append(frame)
                    if frame.number:
                        self._draft = None  # another follows, if there is still one
                    self._wake_readers()
            await asyncio.to_thread(keep, self._log)
        except Exception as error:
            self._error = error
            if not isinstance(error, TenkyoError):  # there may be no reader to get it
                logger.error("an answer could not be finished", exc_info=error)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._ended = True
        if task.cancelled():  # aborted, perhaps before its first step, or the service ends
            self._error = stopped_error()
        self._leave()
        self._wake_readers()

    def abort(self) -> asyncio.Task[None]:
        """Stop the answer; return the task that ends when it has stopped. Idempotent."""
        if not self._aborted:  # a second cancellation would disturb the first
            self._aborted = True
            self._leave()  # at once: a new request must not join an answer that is being stopped
            self._task.cancel()
        return self._task

    def _wake_readers(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class ResumableAnswers:
    """Answers by idempotency key: running ones in this process, finished ones in the history.

    Args:
        answers: The service that makes the answers.
        grace: The seconds for which an answer goes on without a reader.
        locks: The locks shared with other processes that serve the same history, if any.
    """

    def __init__(
        self,
        answers: AnswerService,
        grace: float = GRACE_SECONDS,
        locks: ProcessLocks | None = None,
    ) -> None:
        self._answers, self._grace, self._locks = answers, grace, locks
        self._running: dict[str, ResumableAnswer] = {}
        self._lock_users: Counter[str] = Counter()  # requests and answers that need a key's lock
        self._stops: set[asyncio.Task[None]] = set()

    async def frames(
        self, key: IdempotencyKey, asked: dict[str, Any], after: int = 0
    ) -> AsyncGenerator[Frame, None]:
        """Give the frames of an answer after number ``after``, making it if the key is new.

        Args:
            key: The key of the request.
            asked: The arguments of ``AnswerService.stream``.
            after: The number of the last frame that the reader has.

        Raises:
            Gone: The reader wants to resume an answer that is not there.
            RequestRefused: The key belongs to another request, or ``after`` is too large.
        """
        history, locked = self._answers.history, False
        try:
            while (running := self._running.get(key.key)) is None or running.stop_if_requested():
                stored = await asyncio.to_thread(history.replies.find, key.key)
                if key.key in self._running:  # it began during the lookup
                    continue
                if stored:
                    key.check(stored.request)
                    for frame in await asyncio.to_thread(replay_frames, history, stored, after):
                        yield frame
                    return
                if self._locks and not locked:
                    await self._acquire(self._locks, key)
                    locked = True
                    continue  # another process may have finished the answer by now
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
        """Wait until no other process makes the answer of a key, and lock the key.

        It also waits while an earlier answer of the key is being stopped: the signal to stop
        would hit the new one.
        """

        def try_lock() -> bool:
            if not locks.take(key.key):
                return False
            self._lock_users[key.key] += 1
            if being_stopped := locks.is_to_stop(key.key):
                self._release(key)
            return not being_stopped

        if not try_lock():
            with locks.waiting(key.key):
                while not try_lock():
                    await asyncio.sleep(POLL_SECONDS)

    def _release(self, key: IdempotencyKey) -> None:
        """Count one user of a key's lock less, and release the lock after the last one."""
        self._lock_users[key.key] -= 1
        if not self._lock_users[key.key]:
            del self._lock_users[key.key]
            if self._locks:
                self._locks.release(key.key)

    async def stop(self, key: IdempotencyKey, timeout: float = STOP_SECONDS) -> bool:
        """Stop the answer that is being made under a key, in whichever process.

        It is stopped even if this call is cancelled or times out. Answers that are asked for
        later are not affected.

        Args:
            key: The key of the answer.
            timeout: The seconds to wait for its end.

        Returns:
            Whether no answer is being made under the key any more.
        """
        if running := self._running.get(key.key):
            ending = running.abort()
        elif self._locks:
            ending = asyncio.create_task(self._stop_elsewhere(self._locks, key))
            self._stops.add(ending)
            ending.add_done_callback(self._stops.discard)
        else:
            return True
        return bool((await asyncio.wait([ending], timeout=timeout))[0])

    async def _stop_elsewhere(self, locks: ProcessLocks, key: IdempotencyKey) -> None:
        """Signal other processes to stop an answer until none is being made."""
        with locks.stopping(key.key):
            while self._lock_users[key.key] or not locks.take(key.key):
                await asyncio.sleep(POLL_SECONDS)
            locks.release(key.key)

    def _begin(self, key: IdempotencyKey, asked: dict[str, Any]) -> ResumableAnswer:
        events = self._answers.stream(**asked, progress=True)
        running = ResumableAnswer(key, number_frames(events), self._grace, self._locks)

        def keep(log: list[Frame]) -> None:
            decided = [frame for frame in log if frame.number]
            answer = decided[-1].data
            names = [frame.name for frame in decided]
            reply = StoredReply(key.request, names, answer["id"], answer["conversation_id"])
            try:
                self._answers.history.replies.keep(key.key, reply)
            except StoreError as error:  # the answer is complete, and its reader has it
                logger.warning("an answer cannot be replayed under its key: %s", error)

        def leave() -> None:
            if self._running.get(key.key) is running:
                del self._running[key.key]

        self._running[key.key] = running
        self._lock_users[key.key] += 1
        running.start(keep, leave).add_done_callback(lambda _: self._release(key))
        return running
