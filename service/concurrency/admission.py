"""Admission control: limits on concurrent work, each with a bounded first-come queue.

A service that gets more requests than it can serve refuses the surplus at once, with a measured
time to retry after, and stays fast for those it has admitted:

    async with limiter.slot():
        ...
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import fmean
from typing import Self

from corpus.errors import TooBusy

MAX_RUNNING_ANSWERS = 100  # answers that are made at once
MAX_QUEUED_SECONDS = 30.0  # browsers and proxies give up after about a minute
MAX_RETRY_AFTER = 60  # seconds
DURATIONS_REMEMBERED = 50  # pieces of work whose mean duration predicts the next one's
MAX_CACHE_LOOKUPS = 4  # at once; each is one short transaction
MAX_RUNNING_SEARCHES = 32  # at once; a thread for each, and some are left for other requests
MAX_RUNNING_SUGGESTIONS = 2  # lists of suggested questions that are made at once
MAX_RUNNING_TEXTS = 2  # verified at once; answers must not wait behind many long texts


class ConcurrencyLimiter:
    """A semaphore with a bounded queue, first come, first served, that refuses the rest.

    A request is refused with TooBusy if the queue is full, or if it would wait, or has waited,
    for longer than ``max_queued_seconds``. The error says after how many seconds a slot may be
    free, estimated from how long recent work has taken. Use it in one event loop.
    """

    def __init__(
        self,
        work_name: str,
        max_running: int,
        max_queued: int,
        max_queued_seconds: float = MAX_QUEUED_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._work_name = work_name
        self._max_running, self._max_queued = max_running, max_queued
        self._max_queued_seconds = max_queued_seconds
        self._clock = clock
        self._start_times: dict[object, float] = {}  # of the running work
        self._queue: deque[asyncio.Future[None]] = deque()
        self._running = 0  # slots in use, or given to a waiter that has not resumed yet
        self._durations: deque[float] = deque(maxlen=DURATIONS_REMEMBERED)

    @property
    def running(self) -> int:
        """Return the number of slots in use."""
        return self._running

    @property
    def queued(self) -> int:
        """Return the number of requests that wait for a slot."""
        return len(self._queue)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold a slot while the block runs, waiting for one if necessary.

        Raises:
            TooBusy: The queue is full, or the wait is or would be too long.
        """
        await self._acquire()
        token = object()
        self._start_times[token] = self._clock()
        try:
            yield
        finally:
            self._durations.append(self._clock() - self._start_times.pop(token))
            self._release()

    async def _acquire(self) -> None:
        if self._running < self._max_running:
            self._running += 1
            return
        if len(self._queue) >= self._max_queued or self._expected_wait() > self._max_queued_seconds:
            raise self._busy_error()  # now, rather than after a wait in vain
        waiter = asyncio.get_running_loop().create_future()
        self._queue.append(waiter)
        try:
            async with asyncio.timeout(self._max_queued_seconds):
                await waiter
        except BaseException as error:
            if waiter in self._queue:
                self._queue.remove(waiter)
            elif waiter.done() and not waiter.cancelled():  # it got a slot as it was cancelled
                self._release()
            if isinstance(error, TimeoutError):
                raise self._busy_error() from None
            raise

    def _release(self) -> None:
        """Give the slot to the first waiter, or free it."""
        while self._queue:
            waiter = self._queue.popleft()
            if not waiter.done():
                return waiter.set_result(None)
        self._running -= 1

    def _busy_error(self) -> TooBusy:
        reason = (
            f"{self._running} {self._work_name} at once is the limit, and {len(self._queue)} wait"
        )
        return TooBusy(reason, self.retry_after())

    def retry_after(self) -> int:
        """Return the seconds after which a new request may get a slot, from 1 to 60."""
        return min(max(math.ceil(self._expected_wait()), 1), MAX_RETRY_AFTER)

    def _expected_wait(self) -> float:
        """Estimate the seconds that a new request would wait while all slots are in use.

        Running work that lasts longer than usual, such as that of a stalled model, counts
        before it has ended.
        """
        now = self._clock()
        ages = [now - start for start in self._start_times.values()]
        duration = max(fmean(self._durations or [0.0]), fmean(ages or [0.0]))
        return duration * (len(self._queue) + 1) / self._max_running


@dataclass(frozen=True, slots=True)
class Limiters:
    """The concurrency limits of a service, one for each kind of work, shared by all interfaces.

    ``followers`` limits requests that wait for the answer to an identical question.
    """

    answers: ConcurrencyLimiter
    texts: ConcurrencyLimiter
    searches: ConcurrencyLimiter
    cache_lookups: ConcurrencyLimiter
    followers: ConcurrencyLimiter
    suggestions: ConcurrencyLimiter

    @classmethod
    def for_readers(cls, readers: int = MAX_RUNNING_ANSWERS) -> Self:
        """Make the limits of a service that makes ``readers`` answers at once."""
        return cls(
            answers=ConcurrencyLimiter("answers", readers, readers),
            texts=ConcurrencyLimiter(
                "texts to verify",
                MAX_RUNNING_TEXTS,
                max(readers // 5, MAX_RUNNING_TEXTS),
                2 * MAX_QUEUED_SECONDS,
            ),
            searches=ConcurrencyLimiter("searches", MAX_RUNNING_SEARCHES, 4 * readers),
            cache_lookups=ConcurrencyLimiter(
                "lookups of cached answers", MAX_CACHE_LOOKUPS, 4 * readers
            ),
            followers=ConcurrencyLimiter(
                "requests for an answer that is already being made", 2 * readers, 0
            ),
            suggestions=ConcurrencyLimiter(
                "lists of suggestions", MAX_RUNNING_SUGGESTIONS, 4 * MAX_RUNNING_SUGGESTIONS
            ),
        )
