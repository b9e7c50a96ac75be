"""Folders as they change: which of their files have come to rest in another state than before.

    watched = Watched([Path("docs")])
    for _ in wakes(watched):
        changes = watched.look()

The system's notices only wake; what has changed is found by looking, with the same ``list_files``
that an ingestion uses. So a notice that is lost, comes twice or comes in another order does no
harm, and file systems that send none, such as those of a network, are looked at now and then.
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

SETTLE_SECONDS = 1.0  # seconds for which a file has to stay as it is to be taken for whole
NOTICE_SECONDS = 0.5  # seconds between two looks while something has not come to rest
FULL_SCAN_SECONDS = 10.0  # seconds between two looks while nothing says that there is need

FileState = tuple[int, ...]
"""What tells two contents of a file apart, most likely, without reading it."""
T = TypeVar("T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FolderChanges:
    """What has come to rest since the look before.

    ``files`` were added or changed; ``gone`` were deleted or moved away, each with its real
    path. ``away`` are folders that cannot be looked at any more, and why; ``back`` those that
    can be again. The files of a folder that is away are not gone.
    """

    files: list[Path] = field(default_factory=list)
    gone: dict[Path, Path] = field(default_factory=dict)
    away: dict[Path, str] = field(default_factory=dict)
    back: list[Path] = field(default_factory=list)


class WatchedFolders:
    """The files of some folders, as ``list_files`` finds them by its patterns.

    Those below the folder ``without`` are left out. Raises CorpusError for a folder that is
    not there, is none, or may not be listed; later on, it may go and come back.
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
        self._listed: dict[Path, dict[Path, Path]] = {}  # by folder: real path -> as it is named
        self._places: dict[Path, FileState | None] = {}  # which folder it was, of that name
        self._names: dict[Path, Path] = {}  # real path -> as it is, or was, named
        self.took = 0.0  # seconds, of the last look
        for folder in self.folders:
            if folder.is_file():
                raise CorpusError(
                    f"{printable_path(folder)} is a file: watch the folder that it is in"
                )
            self._take(folder, *self._list(folder))
        self._files = _Debouncer(self._states(()))
        self._away: _Debouncer[str] = _Debouncer({})

    def files(self) -> list[Path]:
        """Every file that there was when the folders were last looked at."""
        return [self._names[real] for real in self._files.settled]

    def is_settled(self, path: Path) -> bool:
        """Whether a file is still in the state in which it was last named."""
        return _state(path) == self._files.settled.get(path.resolve())

    @property
    def is_settling(self) -> bool:
        """Whether something has changed and not come to rest yet."""
        return self._files.moving or self._away.moving

    def poll(self) -> FolderChanges:
        """What has come to rest in another state than it was in."""
        now = self._clock()
        found: dict[Path, tuple[dict[Path, Path], FileState | None]] = {}
        refused: dict[Path, str] = {}
        for folder in self.folders:
            try:
                found[folder] = self._list(folder)
            except CorpusError as error:
                refused[folder] = str(error)
        before = set(self._away.settled)
        folders = self._away.poll(refused, now)
        away = self._away.settled.keys()  # until one that is back has rested, it counts as away
        for folder in found.keys() - away:
            self._take(folder, *found[folder])
        changed = self._files.poll(self._states(refused.keys() | away), now)
        self.took = self._clock() - now
        return FolderChanges(
            files=[self._names[real] for real, state in changed.items() if state],
            gone={self._names.pop(real): real for real, state in changed.items() if not state},
            away={folder: why for folder, why in folders.items() if why and folder not in before},
            back=[folder for folder, why in folders.items() if not why],
        )

    def _list(self, folder: Path) -> tuple[dict[Path, Path], FileState | None]:
        """The files of a folder, by their real paths, and which folder it is.

        CorpusError if they are not to be had.
        """
        files = {path.resolve(): path for path in list_files([folder], *self._patterns)}
        if self._without:
            files = {r: p for r, p in files.items() if not r.is_relative_to(self._without)}
        place = _place(folder)
        if not files and self._listed.get(folder) and place != self._places[folder]:
            raise CorpusError(
                f"{printable_path(folder)} is empty, and not the folder it was: mount it"
            )
        return files, place

    def _take(self, folder: Path, files: dict[Path, Path], place: FileState | None) -> None:
        self._listed[folder], self._places[folder] = files, place
        self._names |= files

    def _states(self, away: Container[Path]) -> dict[Path, FileState]:
        """The states of the files; of those in folders that are away, as they were."""
        states: dict[Path, FileState] = {}
        for folder, listed in self._listed.items():
            of = self._files.settled.get if folder in away else _state
            states |= {real: state for real in listed if (state := of(real))}
        return states


class _Debouncer(Generic[T]):
    """Values that count once they have stayed the same for REST seconds; ``settled`` are those."""

    def __init__(self, first: Mapping[Path, T]) -> None:
        self.settled = dict(first)
        self._moving: dict[Path, tuple[T | None, float]] = {}

    @property
    def moving(self) -> bool:
        return bool(self._moving)

    def poll(self, found: Mapping[Path, T], now: float) -> dict[Path, T | None]:
        """Those that have settled in another value, None where there is none any more."""
        changed: dict[Path, T | None] = {}
        moving: dict[Path, tuple[T | None, float]] = {}
        for path in [*found, *(path for path in self.settled if path not in found)]:
            value = found.get(path)
            if value == self.settled.get(path):
                continue
            before, since = self._moving.get(path, (None, now))
            if path not in self._moving or before != value:
                moving[path] = value, now
            elif now - since < SETTLE_SECONDS:
                moving[path] = value, since
            else:
                changed[path] = value
        self._moving = moving
        for path, value in changed.items():
            if value is None:
                del self.settled[path]
            else:
                self.settled[path] = value
        return changed


def poll_times(watched: WatchedFolders) -> Iterator[None]:
    """Yields when it is time to look: upon a notice, while something moves, and now and then."""
    looked, told = time.monotonic(), True  # something may have happened before this
    for notice in _notices(watched.folders):
        told = told or notice
        pause = 4 * watched.took  # looking at many files takes long: it is not to go on always
        if not (told or watched.is_settling):
            pause = max(pause, FULL_SCAN_SECONDS)
        if time.monotonic() - looked >= pause:
            told = False
            yield
            looked = time.monotonic()


def _notices(folders: Sequence[Path]) -> Iterator[bool]:
    """Every TICK at least: whether something may have changed in the folders."""
    tick = int(NOTICE_SECONDS * 1000)
    while True:
        places = [_place(folder) for folder in folders]
        there = [folder for folder, place in zip(folders, places, strict=True) if place]
        try:
            for changes in watchfiles.watch(
                *there,
                watch_filter=None,
                debounce=tick,
                rust_timeout=tick,
                yield_on_timeout=True,
                ignore_permission_denied=True,
            ):
                moved = places != [_place(folder) for folder in folders]
                yield moved or bool(changes)
                if moved:  # the system watches a folder, not what is called so
                    break
        except (OSError, RuntimeError) as error:  # gone just now; or more than it can watch
            _log.info("no notices of %s: %s", ", ".join(map(printable_path, there)), error)
            yield from _without_notices(folders, places)


def _without_notices(folders: Sequence[Path], places: Sequence[FileState | None]) -> Iterator[bool]:
    """As ``_notices``, where there are none; for some time, until they are asked for again."""
    for _ in range(int(60 / NOTICE_SECONDS)):
        time.sleep(NOTICE_SECONDS)
        moved = list(places) != [_place(folder) for folder in folders]
        yield moved
        if moved:
            return


def _state(path: Path) -> FileState | None:
    """The state of a file; None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _place(folder: Path) -> FileState | None:
    """Which folder has this name; None if none has."""
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
