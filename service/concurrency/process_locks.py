"""Locks by key between the processes that serve one library, as locked files.

The operating system releases a lock when its process ends, however it ends: no heartbeats, no
timeout after which a process counts as dead, no rows to clean up. Two signals to a lock's holder,
that a process waits for its result and that it is to stop, are locked files beside it. Files are
removed with their locks; those of a killed process at the next start.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

_POLL = 0.01  # seconds between two attempts to get a lock


class ProcessLocks:
    """Exclusive locks by key, each with two signals to its holder.

    Locks hold between processes that use the same folder on one machine; threads of one process
    that ``take`` a key share its lock. A key becomes part of a file name: letters and digits only.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._mutex = threading.Lock()
        self._held: dict[str, FileLock] = {}
        for path in folder.iterdir():
            _is_locked(path)

    def take(self, key: str) -> bool:
        """Take a lock without waiting; return whether this process has it now."""
        with self._mutex:
            if key not in self._held:
                lock = _lock(self._path(key))
                if not _acquired(lock):
                    return False
                self._held[key] = lock
            return True

    def release(self, key: str) -> None:
        """Release a lock that ``take`` took."""
        with self._mutex:
            _remove(self._held.pop(key))

    def held(self, key: str) -> AbstractContextManager[None]:
        """Wait for a lock and hold it for this thread alone. Blocks."""
        return _locked(self._path(key))

    def waiting(self, key: str) -> AbstractContextManager[None]:
        """Signal, for as long as the context lasts, that this process waits for a result.

        The process that holds the lock of the key sees it by ``is_waited_for``; the signal is a
        locked file beside the lock's.
        """
        return _locked(self._path(key, "waiting", secrets.token_hex(8)))

    def stopping(self, key: str) -> AbstractContextManager[None]:
        """Signal, for as long as the context lasts, that the process which holds a lock is to stop.

        It sees the signal, a locked file beside the lock's, by ``is_to_stop``. Without a holder
        nothing happens.
        """
        return _locked(self._path(key, "stopping", secrets.token_hex(8)))

    def is_waited_for(self, key: str) -> bool:
        """Return whether another process signals that it waits.

        Only the lock's holder may call this: concurrent probes mistake each other for signals.
        """
        return self._is_signalled(key, "waiting")

    def is_to_stop(self, key: str) -> bool:
        """Return whether another process signals to stop. Only the lock's holder may call this."""
        return self._is_signalled(key, "stopping")

    def _is_signalled(self, key: str, signal: str) -> bool:
        return any(map(_is_locked, self._folder.glob(f"{key}.{signal}.*")))

    def _path(self, key: str, *signal: str) -> Path:
        return self._folder / ".".join((key, *signal, "lock"))


def _lock(path: Path) -> FileLock:
    return FileLock(path, thread_local=False)  # another thread may release it


def _acquired(lock: FileLock) -> bool:
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return False
    return True


def _is_locked(path: Path) -> bool:
    """Return whether a file is locked; one that is not is removed."""
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
    """Release a lock and remove its file.

    The file is removed while it is locked: a process that has opened it sees, once it has the
    lock, that the file has no name any more, and filelock opens another. Windows does not remove
    open files: there filelock does it afterwards.
    """
    with suppress(OSError):
        Path(lock.lock_file).unlink()
    lock.release()
