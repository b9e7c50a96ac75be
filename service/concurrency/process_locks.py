"""Locks by key among the processes that serve one library.

A lock is a file that filelock holds: the system takes it back when its process ends, however that
ends. Two signals to a lock's holder, that others wait for its result and that it is to stop, are
locked files beside it. A file is removed with its lock; what a killed process left, at a start.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

_POLL = 0.01  # seconds between two tries for a lock that is waited for


class ProcessLocks:
    """Exclusive locks by key, each with two signals to its holder.

    A key is a file's name: letters and digits. Locks hold between processes that use the same
    folder, on one machine; threads of one process that ``take`` a key share its lock.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._mutex = threading.Lock()
        self._held: dict[str, FileLock] = {}
        for path in folder.iterdir():
            _is_locked(path)

    def take(self, key: str) -> bool:
        """Take a lock unless another process has it; whether this process has it now."""
        with self._mutex:
            if key not in self._held:
                lock = _lock(self._path(key))
                if not _acquired(lock):
                    return False
                self._held[key] = lock
            return True

    def release(self, key: str) -> None:
        """Give back a lock that was taken."""
        with self._mutex:
            _remove(self._held.pop(key))

    def held(self, key: str) -> AbstractContextManager[None]:
        """Wait for a lock and hold it, without other threads. Blocks."""
        return _locked(self._path(key))

    def waiting(self, key: str) -> AbstractContextManager[None]:
        """Signal to the holder of a lock that somebody waits for its result."""
        return _locked(self._path(key, "waiting", secrets.token_hex(8)))

    def stopping(self, key: str) -> AbstractContextManager[None]:
        """Signal to the holder of a lock that it is to stop."""
        return _locked(self._path(key, "stopping", secrets.token_hex(8)))

    def is_waited_for(self, key: str) -> bool:
        """Whether somebody signals that they wait. Only the lock's holder may ask: of two who
        look at once, one takes the other's look for a signal.
        """
        return self._is_signalled(key, "waiting")

    def is_to_stop(self, key: str) -> bool:
        """Whether somebody signals to stop. Only the lock's holder may ask."""
        return self._is_signalled(key, "stopping")

    def _is_signalled(self, key: str, signal: str) -> bool:
        return any(map(_is_locked, self._folder.glob(f"{key}.{signal}.*")))

    def _path(self, key: str, *signal: str) -> Path:
        return self._folder / ".".join((key, *signal, "lock"))


def _lock(path: Path) -> FileLock:
    return FileLock(path, thread_local=False)  # another thread may give it back


def _acquired(lock: FileLock) -> bool:
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return False
    return True


def _is_locked(path: Path) -> bool:
    """Whether anybody holds the lock of a file; a file that nobody does is removed."""
    lock = _lock(path)
    if acquired := _acquired(lock):
        _remove(lock)
    return not acquired


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    lock = _lock(path)
    lock.acquire(poll_interval=_POLL)
    try:
        yield
    finally:
        _remove(lock)


def _remove(lock: FileLock) -> None:
    """Give back a lock and remove its file.

    Removed while it is held: who has opened the file meanwhile finds, once the lock is theirs,
    that it has no name any more, and filelock opens another. Windows removes no open file:
    there filelock does it afterwards.
    """
    with suppress(OSError):
        Path(lock.lock_file).unlink()
    lock.release()
