"""Which of several processes makes the answer that a key stands for.

A claim is a lock on one byte of a file: it costs nothing where nobody else wants it, and ends
with the process that holds it, however that ends. Two more bytes of each key let the others say
that they wait for what is made, or that it is to be stopped. For processes of one machine.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MAKING, _WAITING, _STOPPING, _KINDS = 0, 1, 2, 3


class Claims:
    """The claims on a file. Between threads of one process they do not count: those have to
    agree by other means."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._lock = threading.Lock()
        self._shared: Counter[int] = Counter()

    def take(self, key: str) -> bool:
        """Whether this process may make what a key stands for, from now on."""
        return self._locked(_byte(key, _MAKING), fcntl.LOCK_EX)

    def release(self, key: str) -> None:
        self._unlock(_byte(key, _MAKING))

    @contextmanager
    def held(self, key: str) -> Iterator[None]:
        """A claim, waited for. Blocks."""
        fcntl.lockf(self._file, fcntl.LOCK_EX, 1, _byte(key, _MAKING))
        try:
            yield
        finally:
            self.release(key)

    @contextmanager
    def waiting(self, key: str) -> Iterator[None]:
        """Tell who makes it that somebody waits for it here."""
        with self._said(_byte(key, _WAITING)):
            yield

    @contextmanager
    def stopping(self, key: str) -> Iterator[None]:
        """Tell who makes it that it is to be stopped."""
        with self._said(_byte(key, _STOPPING)):
            yield

    def is_waited_for(self, key: str) -> bool:
        """Whether another process waits for what is made here."""
        return self._is_said(_byte(key, _WAITING))

    def is_to_stop(self, key: str) -> bool:
        """Whether what is made here is to be stopped."""
        return self._is_said(_byte(key, _STOPPING))

    @contextmanager
    def _said(self, byte: int) -> Iterator[None]:
        with self._lock:
            self._shared[byte] += 1
            fcntl.lockf(self._file, fcntl.LOCK_SH, 1, byte)  # at most for as long as a look takes
        try:
            yield
        finally:
            with self._lock:
                self._shared[byte] -= 1
                if not self._shared[byte]:
                    del self._shared[byte]
                    self._unlock(byte)

    def _is_said(self, byte: int) -> bool:
        """To be asked by who has the claim alone: of two that look at once, one takes the other's
        look for a word."""
        with self._lock:
            if byte in self._shared or not self._locked(byte, fcntl.LOCK_EX):
                return True
            self._unlock(byte)
            return False

    def _locked(self, byte: int, how: int) -> bool:
        try:
            fcntl.lockf(self._file, how | fcntl.LOCK_NB, 1, byte)
        except OSError:
            return False
        return True

    def _unlock(self, byte: int) -> None:
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, byte)


def _byte(key: str, kind: int) -> int:
    """The place in the file, of which nothing is ever written, of a key in hexadecimal."""
    return int(key[:14], 16) * _KINDS + kind
