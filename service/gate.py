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

READERS = 100  # answers that are made at once
PATIENCE = 30.0  # seconds in the line; browsers and proxies wait for a minute
LONGEST = 60  # seconds that anybody is told to stay away
RECENT = 50  # pieces of work from which the pace is told
KEPT = 4  # kept answers looked for at once; each is one short transaction
SEARCHES = 32  # at once; a thread for each, and some are left for other requests
SUGGESTIONS = 2  # lists of questions to go on with; what is not known is tried one at a time
TEXTS = 2  # verified at once; answers must not wait behind any number of long ones


class Gate:
    """``at_work`` places, and a line of ``waiting`` for them, first come, first served.

    Who comes when the line is full, or would stand in it for more than ``patience`` seconds, gets
    TooBusy, which tells in how many seconds there may be a place, from how long work has taken
    of late; and so does who has stood in it for so long all the same. Lives in one event loop.
    """

    def __init__(
        self,
        what: str,
        at_work: int,
        waiting: int,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what, self._places, self._most, self._patience = what, at_work, waiting, patience
        self._clock = clock
        self._begun: dict[object, float] = {}  # when each began that is at work
        self._line: deque[asyncio.Future[None]] = deque()
        self._given = 0  # places that are taken, or handed to one who has not begun yet
        self._took: deque[float] = deque(maxlen=RECENT)

    @property
    def at_work(self) -> int:
        return self._given

    @property
    def waiting(self) -> int:
        return len(self._line)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
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
        if self._given < self._places:
            self._given += 1
            return
        if len(self._line) >= self._most or self._expected() > self._patience:
            raise self._busy()  # now, rather than when the patience has been waited out
        turn = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        try:
            async with asyncio.timeout(self._patience):
                await turn
        except BaseException as error:
            if turn in self._line:
                self._line.remove(turn)
            elif turn.done() and not turn.cancelled():  # a place came as its reader left
                self._hand_on()
            if isinstance(error, TimeoutError):
                raise self._busy() from None
            raise

    def _hand_on(self) -> None:
        while self._line:
            turn = self._line.popleft()
            if not turn.done():
                return turn.set_result(None)
        self._given -= 1

    def _busy(self) -> TooBusy:
        why = f"{self._given} {self._what} at once are all that can be, and {len(self._line)} wait"
        return TooBusy(why, self.retry_after())

    def retry_after(self) -> int:
        """Whole seconds until somebody who comes now may find a place, LONGEST at most."""
        return min(max(math.ceil(self._expected()), 1), LONGEST)

    def _expected(self) -> float:
        """Seconds until somebody who comes now may have a place, where all are taken.

        Work that lasts longer than it used to, such as that of a model that has stalled, counts
        before it has ended.
        """
        now = self._clock()
        ages = [now - begun for begun in self._begun.values()]
        lasts = max(fmean(self._took or [0.0]), fmean(ages or [0.0]))
        return lasts * (len(self._line) + 1) / self._places


@dataclass(frozen=True, slots=True)
class Gates:
    """The gates of a service: before answers, at whichever door they are asked for; before
    texts that are verified; before searches, which are short; before the look whether an answer is
    kept, which is shorter; before the wait for one that another reader asked for; and before
    questions that are suggested, which need not be."""

    answers: Gate
    texts: Gate
    searches: Gate
    kept: Gate
    followers: Gate
    suggestions: Gate

    @classmethod
    def for_readers(cls, readers: int = READERS) -> Self:
        return cls(
            Gate("answers", readers, readers),
            Gate("texts to verify", TEXTS, max(readers // 5, TEXTS), 2 * PATIENCE),
            Gate("searches", SEARCHES, 4 * readers),
            Gate("looks for kept answers", KEPT, 4 * readers),
            Gate("readers of what another asked for", 2 * readers, 0),
            Gate("suggestions", SUGGESTIONS, 4 * SUGGESTIONS),
        )
