"""Reader processes that the ingestions of many tests use, one after the other."""

from __future__ import annotations

import contextlib

from corpus.readers.sandbox import ReaderPool

_kept = []


class KeptReaders(ReaderPool):
    """A pool that leaves its idle processes to the next one: starting one takes half a second.

    No reader process remembers a file, and one that is reading is ended with its pool as ever.
    """

    def __init__(self) -> None:
        super().__init__()
        with contextlib.suppress(IndexError):  # there is none left
            while True:
                self._idle.append(_kept.pop())

    def close(self) -> None:
        with self._lock:
            _kept.extend(self._idle)
            self._idle = []
        super().close()


def end_kept_readers() -> None:
    """End the processes that no pool has."""
    while _kept:
        _kept.pop().end()
