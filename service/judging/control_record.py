"""The record of a judge's control sentences, by which one that was good once is asked no more."""

from __future__ import annotations

from collections import deque

_IN_A_ROW = 3  # wrong calls one after the other, after which a judge is asked no more
_LATEST = 10  # calls of which no more than half may be wrong


class ControlRecord:
    """How the latest calls of a judge ended: with its controls judged rightly, or not."""

    def __init__(self) -> None:
        self._latest: deque[bool] = deque(maxlen=_LATEST)
        self._failed = False

    @property
    def failed(self) -> bool:
        """Whether three calls in a row were wrong, or more than half of ten, at some time."""
        return self._failed

    def add(self, right: bool) -> bool:
        """Note how a call ended, and return whether the judge has failed by this very call."""
        self._latest.append(right)
        last = list(self._latest)[-_IN_A_ROW:]
        wrong = self._latest.count(False)
        fails = (len(last) == _IN_A_ROW and not any(last)) or (
            len(self._latest) == _LATEST and 2 * wrong > _LATEST
        )
        new = fails and not self._failed
        self._failed = self._failed or fails
        return new
