"""How many may be at work at once, and how many wait for it: a service that is asked for more
says so at once, and stays quick for those it has let in.

    async with gate.place():
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
MAX_QUEUED_SECONDS = 30.0  # seconds in the line; browsers and proxies wait for a minute
MAX_RETRY_AFTER = 60  # seconds that anybody is told to stay away
DURATIONS_REMEMBERED = 50  # pieces of work from which the pace is told
MAX_CACHE_LOOKUPS = 4  # kept answers looked for at once; each is one short transaction
MAX_RUNNING_SEARCHES = 32  # at once; a thread for each, and some are left for other requests
MAX_RUNNING_SUGGESTIONS = (
    2  # lists of questions to go on with; what is not known is tried one at a time
)
MAX_RUNNING_TEXTS = 2  # verified at once; answers must not wait behind any number of long ones


class ConcurrencyLimiter:
    """``at_work`` places, and a line of ``waiting`` for them, first come, first served.

    Who comes when the line is full, or would stand in it for more than ``patience`` seconds, gets
    TooBusy, which tells in how many seconds there may be a place, from how long work has taken
    of late; and so does who has stood in it for so long all the same. Lives in one event loop.
    """

    def __init__(
        self,
        what: str,
        max_running: int,
        max_queued: int,
        max_queued_seconds: float = MAX_QUEUED_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what, self._max_running, self._max_queued, self._max_queued_seconds = (
            what,
            max_running,
            max_queued,
            max_queued_seconds,
        )
        self._clock = clock
        self._begun: dict[object, float] = {}  # when each began that is at work
        self._queue: deque[asyncio.Future[None]] = deque()
        self._running = 0  # places that are taken, or handed to one who has not begun yet
        self._took: deque[float] = deque(maxlen=DURATIONS_REMEMBERED)

    @property
    def running(self) -> int:
        return self._running

    @property
    def queued(self) -> int:
        return len(self._queue)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """A place, given back at the end, however that comes."""
        await self._enter()
        token = object()
        self._begun[token] = self._clock()
        try:
            yield
        finally:
            self._took.append(self._clock() - self._begun.pop(token))
            self._hand_on()

    async def _enter(self) -> None:
        if self._running < self._max_running:
            self._running += 1
            return
        if len(self._queue) >= self._max_queued or self._expected() > self._max_queued_seconds:
            raise self._busy()  # now, rather than when the patience has been waited out
        turn = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            async with asyncio.timeout(self._max_queued_seconds):
                await turn
        except BaseException as error:
            if turn in self._queue:
                self._queue.remove(turn)
            elif turn.done() and not turn.cancelled():  # a place came as its reader left
                self._hand_on()
            if isinstance(error, TimeoutError):
                raise self._busy() from None
            raise

    def _hand_on(self) -> None:
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                return turn.set_result(None)
        self._running -= 1

    def _busy(self) -> TooBusy:
        why = (
            f"{self._running} {self._what} at once are all that can be, and {len(self._queue)} wait"
        )
        return TooBusy(why, self.retry_after())

    def retry_after(self) -> int:
        """Whole seconds until somebody who comes now may find a place, LONGEST at most."""
        return min(max(math.ceil(self._expected()), 1), MAX_RETRY_AFTER)

    def _expected(self) -> float:
        """Seconds until somebody who comes now may have a place, where all are taken.

        Work that lasts longer than it used to, such as that of a model that has stalled, counts
        before it has ended.
        """
        now = self._clock()
        ages = [now - begun for begun in self._begun.values()]
        lasts = max(fmean(self._took or [0.0]), fmean(ages or [0.0]))
        return lasts * (len(self._queue) + 1) / self._max_running


@dataclass(frozen=True, slots=True)
class Limiters:
    """The gates of a service: before answers, at whichever door they are asked for; before
    texts that are verified; before searches, which are short; before the look whether an answer is
    kept, which is shorter; before the wait for one that another reader asked for; and before
    questions that are suggested, which need not be.
    """

    answers: ConcurrencyLimiter
    texts: ConcurrencyLimiter
    searches: ConcurrencyLimiter
    cache_lookups: ConcurrencyLimiter
    followers: ConcurrencyLimiter
    suggestions: ConcurrencyLimiter

    @classmethod
    def for_readers(cls, readers: int = MAX_RUNNING_ANSWERS) -> Self:
        return cls(
            ConcurrencyLimiter("answers", readers, readers),
            ConcurrencyLimiter(
                "texts to verify",
                MAX_RUNNING_TEXTS,
                max(readers // 5, MAX_RUNNING_TEXTS),
                2 * MAX_QUEUED_SECONDS,
            ),
            ConcurrencyLimiter("searches", MAX_RUNNING_SEARCHES, 4 * readers),
            ConcurrencyLimiter("looks for kept answers", MAX_CACHE_LOOKUPS, 4 * readers),
            ConcurrencyLimiter("readers of what another asked for", 2 * readers, 0),
            ConcurrencyLimiter("suggestions", MAX_RUNNING_SUGGESTIONS, 4 * MAX_RUNNING_SUGGESTIONS),
        )
