"""A watcher of folders: reports files that were added, changed or deleted, once they are stable.

    watched = WatchedFolders([Path("docs")])
    for _ in poll_times(watched):
        changes = watched.poll()

Notifications of the operating system (inotify and the like) only trigger a scan; what has changed
is found by scanning, with the same ``list_files`` that an ingestion uses. So a notification that
is lost, repeated or out of order does no harm, and file systems that send none, such as network
drives, are scanned at intervals. Changes are debounced: a file counts once its size, times and
inode have stayed the same for a second, so neither half-written files nor editors that save by
renaming need rules of their own.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

import watchfiles

from corpus.errors import CorpusError
from corpus.files.files import list_files, printable_path

SETTLE_SECONDS = 1.0  # seconds without a change after which a file is taken to be complete
NOTICE_SECONDS = 0.5  # seconds between two scans while a change has not settled
FULL_SCAN_SECONDS = 10.0  # seconds between two scans without any notification

FileState = tuple[int, ...]
"""Numbers that differ, most likely, when a file's content does, without reading it."""
T = TypeVar("T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FolderChanges:
    """The changes in watched folders that have settled since the previous poll.

    Attributes:
        files: files that were added or changed.
        gone: files that were deleted or moved away, each with its resolved path.
        away: folders that can no longer be listed, each with the reason. Their files do not
            count as gone: nothing is lost because a disk was unplugged.
        back: folders that can be listed again.
    """

    files: list[Path] = field(default_factory=list)
    gone: dict[Path, Path] = field(default_factory=dict)
    away: dict[Path, str] = field(default_factory=dict)
    back: list[Path] = field(default_factory=list)


class WatchedFolders:
    """Some folders whose changes can be polled. Polling neither blocks nor needs notifications.

    Args:
        folders: the folders to watch; later on, each may disappear and come back.
        include: patterns of files to watch, as in ``list_files``.
        exclude: patterns of files to leave out, as in ``list_files``.
        without: a folder below which nothing is watched, such as the data folder.
        clock: returns seconds from any fixed start.

    Raises:
        CorpusError: a folder does not exist, is a file, or may not be listed.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        *,
        without: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folders = list(folders)
        self._patterns = include, exclude
        self._without = without.resolve() if without else None
        self._clock = clock
        self._listed: dict[Path, dict[Path, Path]] = {}  # folder -> {resolved path: listed path}
        self._identities: dict[Path, FileState | None] = {}  # device and inode of each folder
        self._names: dict[Path, Path] = {}  # resolved path -> path as it is, or was, listed
        self.scan_seconds = 0.0  # duration of the latest scan
        for folder in self.folders:
            if folder.is_file():
                raise CorpusError(
                    f"{printable_path(folder)} is a file: watch the folder that it is in"
                )
            self._remember(folder, *self._list(folder))
        self._files = _Debouncer(self._states(()))
        self._away: _Debouncer[str] = _Debouncer({})

    def files(self) -> list[Path]:
        """List all files that the folders held at the latest poll."""
        return [self._names[real] for real in self._files.settled]

    def is_settled(self, path: Path) -> bool:
        """Return whether a file is unchanged since it was last reported."""
        return _file_state(path) == self._files.settled.get(path.resolve())

    @property
    def is_settling(self) -> bool:
        """Whether a change has been seen that has not settled yet."""
        return self._files.pending or self._away.pending

    def poll(self) -> FolderChanges:
        """Scan the folders and return the changes that have settled since the previous poll."""
        now = self._clock()
        listed: dict[Path, tuple[dict[Path, Path], FileState | None]] = {}
        refused: dict[Path, str] = {}
        for folder in self.folders:
            try:
                listed[folder] = self._list(folder)
            except CorpusError as error:
                refused[folder] = str(error)
        before = set(self._away.settled)
        folders = self._away.poll(refused, now)
        away = self._away.settled.keys()  # a folder that is back counts as away until it settles
        for folder in listed.keys() - away:
            self._remember(folder, *listed[folder])
        changed = self._files.poll(self._states(refused.keys() | away), now)
        self.scan_seconds = self._clock() - now
        return FolderChanges(
            files=[self._names[real] for real, state in changed.items() if state],
            gone={self._names.pop(real): real for real, state in changed.items() if not state},
            away={
                each: reason for each, reason in folders.items() if reason and each not in before
            },
            back=[each for each, reason in folders.items() if not reason],
        )

    def _list(self, folder: Path) -> tuple[dict[Path, Path], FileState | None]:
        """List the files of a folder, by their resolved paths, with the folder's identity.

        Raises CorpusError where it cannot be listed, and for an empty folder in place of another
        one: a disk that was unmounted leaves such a mount point behind.
        """
        files = {path.resolve(): path for path in list_files([folder], *self._patterns)}
        if self._without:
            files = {r: p for r, p in files.items() if not r.is_relative_to(self._without)}
        identity = _folder_identity(folder)
        if not files and self._listed.get(folder) and identity != self._identities[folder]:
            raise CorpusError(
                f"{printable_path(folder)} is empty, and not the folder it was: mount it"
            )
        return files, identity

    def _remember(self, folder: Path, files: dict[Path, Path], identity: FileState | None) -> None:
        self._listed[folder], self._identities[folder] = files, identity
        self._names |= files

    def _states(self, away: Container[Path]) -> dict[Path, FileState]:
        """Return the state of each file; the last known one in folders that are away."""
        states: dict[Path, FileState] = {}
        for folder, listed in self._listed.items():
            state_of = self._files.settled.get if folder in away else _file_state
            states |= {real: state for real in listed if (state := state_of(real))}
        return states


class _Debouncer(Generic[T]):
    """Values by path that count (``settled``) once unchanged for SETTLE_SECONDS."""

    def __init__(self, first: Mapping[Path, T]) -> None:
        self.settled = dict(first)
        self._pending: dict[Path, tuple[T | None, float]] = {}  # new value, and since when

    @property
    def pending(self) -> bool:
        return bool(self._pending)

    def poll(self, current: Mapping[Path, T], now: float) -> dict[Path, T | None]:
        """Return the values that have settled on a new one; None where the path is gone."""
        changed: dict[Path, T | None] = {}
        pending: dict[Path, tuple[T | None, float]] = {}
        for path in [*current, *(path for path in self.settled if path not in current)]:
            value = current.get(path)
            if value == self.settled.get(path):
                continue
            before, since = self._pending.get(path, (None, now))
            if path not in self._pending or before != value:
                pending[path] = value, now
            elif now - since < SETTLE_SECONDS:
                pending[path] = value, since
            else:
                changed[path] = value
        self._pending = pending
        for path, value in changed.items():
            if value is None:
                del self.settled[path]
            else:
                self.settled[path] = value
        return changed


def poll_times(watched: WatchedFolders) -> Iterator[None]:
    """Wait for the times at which watched folders should be polled, and yield at each.

    These are after a notification of the operating system, while a change is settling, and at
    least every FULL_SCAN_SECONDS. The pause is at least four times the duration of the latest
    scan: in folders with many files, scanning must not take up all the time. It never ends.
    """
    last_poll, notified = time.monotonic(), True  # something may have changed before this call
    for notice in _notices(watched.folders):
        notified = notified or notice
        pause = 4 * watched.scan_seconds
        if not (notified or watched.is_settling):
            pause = max(pause, FULL_SCAN_SECONDS)
        if time.monotonic() - last_poll >= pause:
            notified = False
            yield
            last_poll = time.monotonic()


def _notices(folders: Sequence[Path]) -> Iterator[bool]:
    """Yield, at least every NOTICE_SECONDS, whether something may have changed in the folders."""
    tick = int(NOTICE_SECONDS * 1000)
    while True:
        identities = [_folder_identity(folder) for folder in folders]
        existing = [each for each, known in zip(folders, identities, strict=True) if known]
        try:
            for changes in watchfiles.watch(
                *existing,
                watch_filter=None,
                debounce=tick,
                rust_timeout=tick,
                yield_on_timeout=True,
                ignore_permission_denied=True,
            ):
                moved = identities != [_folder_identity(folder) for folder in folders]
                yield moved or bool(changes)
                if moved:  # the system watches an inode, not whichever folder has the name now
                    break
        except (OSError, RuntimeError) as error:  # a folder has just gone, or too many to watch
            names = ", ".join(map(printable_path, existing))
            _log.info("no notifications of changes in %s: %s", names, error)
            yield from _without_notices(folders, identities)


def _without_notices(
    folders: Sequence[Path], identities: Sequence[FileState | None]
) -> Iterator[bool]:
    """Yield like ``_notices`` without the system's help, for a minute; then try that again."""
    for _ in range(int(60 / NOTICE_SECONDS)):
        time.sleep(NOTICE_SECONDS)
        moved = list(identities) != [_folder_identity(folder) for folder in folders]
        yield moved
        if moved:
            return


def _file_state(path: Path) -> FileState | None:
    """Return the inode, size and times of a file; None if it does not exist."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _folder_identity(folder: Path) -> FileState | None:
    """Return the device and inode of the folder with this name; None if there is none."""
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
