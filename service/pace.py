"""How fast something goes, and how long it will take. Pure: the clock is given."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

SMOOTHING = 20.0  # seconds: what happened that long ago counts for about a third
SOON = 1.0  # seconds before there is anything to say


class Pace:
    """Measures a count that grows, from its first value on.

    The rate is the count over the time, both fading with their age: a plain mean at first, so
    that nothing swings, and later one of what happened of late. A count that stands still
    slows the rate while it does. One that sinks is of something new, and is measured anew.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._restart(None)

    def note(self, done: int) -> None:
        """The count is ``done`` now."""
        if self._last is None or done < self._last:
            self._restart(done)
            return
        counted, seconds, weight = self._faded()
        self._counted, self._seconds = counted + (done - self._last) * weight, seconds
        self._last, self._at = done, max(self._at, self._clock())

    def rate(self) -> float | None:
        """How many a second; None as long as that is unknown."""
        counted, seconds, _ = self._faded()
        return counted / seconds if counted and self._clock() - self._began >= SOON else None

    def left(self, of: int) -> float | None:
        """Seconds until the count is ``of``; None as long as that is unknown."""
        rate = self.rate()
        if self._last is None or not rate:
            return None
        return max(of - self._last, 0) / rate

    def _restart(self, done: int | None) -> None:
        self._last = done
        self._began = self._at = self._clock()
        self._counted = self._seconds = 0.0

    def _faded(self) -> tuple[float, float, float]:
        """What was counted, in how much time, as they count now; and what counts since the last
        note, as a part of itself."""
        passed = max(self._clock() - self._at, 0.0)  # a clock may be set back
        fading = math.exp(-passed / SMOOTHING)
        weight = SMOOTHING * (1 - fading) / passed if passed else 1.0
        return self._counted * fading, self._seconds * fading + passed * weight, weight


def clock_time(seconds: float | None) -> str:
    """Seconds as ``0:07``, ``12:34`` or ``1:02:03``; empty for None."""
    if seconds is None:
        return ""
    minutes, rest = divmod(min(math.ceil(seconds), 359_999), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
