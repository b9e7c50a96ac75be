"""What a newcomer sees of `make serve`: how long it takes, and how long it says nothing."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

_SERVES = re.compile(r"Tenkyo is ready: (https?://\S+)\s*")


@dataclass(frozen=True, slots=True)
class Start:
    """A start of the service.

    Attributes:
        url: Where it serves.
        seconds: How long it took.
        silence: The longest time in which no line was printed, in seconds.
        before: The line after which that was; empty for the beginning.
    """

    url: str
    seconds: float
    silence: float
    before: str


def watch_start(said: Iterable[str], clock: Callable[[], float] = time.perf_counter) -> Start:
    """Read lines as they are printed, until one says where the service is; AssertionError if none does."""
    began = last = clock()
    lines, silences = [""], []
    for line in said:
        now = clock()
        silences.append((now - last, lines[-1]))
        lines.append(line)
        last = now
        if found := _SERVES.fullmatch(line):
            return Start(found[1], now - began, *max(silences))
    raise AssertionError("".join(lines))
