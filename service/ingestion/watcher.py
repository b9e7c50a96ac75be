"""A library kept up with folders: what is added to them or changed is ingested. No printing.

    watch = Watch(desk, Watched(folders))
    done = watch.start(tell)
    for notices in watch.go_on(show): ...

What is deleted keeps its source: that a file is gone may be a mistake, or a disk that was
pulled out, and nothing that was read is lost by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from corpus.files.files import printable_path
from corpus.files.watcher import FolderChanges, WatchedFolders, poll_times
from index.ingestion.report import IngestOutcome, Item, Progress
from index.ingestion.tasks import FileSelection
from service.ingestion.pipeline import IngestionPipeline, IngestRequest, IngestResult

ProgressCallback = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class WatchNotice:
    """What became of a file that was changed, or of a folder that is watched.

    ``gone``: a file was deleted. ``away``, ``back``: a folder cannot be looked at, or can be
    again. ``source_id`` is empty where there is no such source.
    """

    path: str
    outcome: IngestOutcome | Literal["gone", "away", "back"]
    title: str = ""
    passages: int = 0
    reason: str = ""
    source_id: str = ""


class FolderWatcher:
    """Ingests the files of watched folders, and then those that are added or changed."""

    def __init__(
        self, desk: IngestionPipeline, watched: WatchedFolders, password: str = ""
    ) -> None:
        self._desk, self._watched = desk, watched
        self._choice = FileSelection(password=password)

    def start(self, on_progress: ProgressCallback) -> IngestResult:
        """Ingest every file that there is."""
        return self._ingest(self._watched.files(), on_progress)

    def follow_changes(
        self, show: Callable[[], AbstractContextManager[ProgressCallback]]
    ) -> Iterator[list[WatchNotice]]:
        """What is noticed from then on, without an end; ``show`` says how far an ingestion is."""
        for _ in poll_times(self._watched):
            changes = self._watched.poll()
            gone = [self._gone(file, real) for file, real in changes.gone.items()]
            if notices := [*self._of_folders(changes), *gone]:
                yield notices
            if changes.files:
                with show() as on_progress:
                    items = self._ingest(changes.files, on_progress).items
                yield list(self._of_files(changes.files, items))

    def _ingest(self, files: Sequence[Path], on_progress: ProgressCallback) -> IngestResult:
        if not files:  # without places, it would be the library that ships
            return IngestResult([], 0)
        return self._desk.ingest(
            IngestRequest([str(file) for file in files], self._choice), on_progress
        )

    def _of_files(self, files: Sequence[Path], items: Sequence[Item]) -> Iterator[WatchNotice]:
        """What became of files; not of those that it is tried with again, being changed since."""
        named = {printable_path(file): file for file in files}
        for item in items:
            if item.outcome == "unchanged":
                continue
            if item.outcome != "failed" or self._watched.is_settled(named[item.place]):
                yield WatchNotice(
                    item.place, item.outcome, item.title, item.passages, item.reason, item.source_id
                )

    def _of_folders(self, changes: FolderChanges) -> Iterator[WatchNotice]:
        for folder, reason in changes.away.items():
            yield WatchNotice(printable_path(folder), "away", reason=reason)
        for folder in changes.back:
            yield WatchNotice(printable_path(folder), "back")

    def _gone(self, file: Path, real: Path) -> WatchNotice:
        store = self._desk.store
        store.clear_unread(printable_path(file))  # there is nothing left to be read
        source = store.source_at(real.as_uri())
        if source is None:
            return WatchNotice(printable_path(file), "gone")
        reason = f"its source stays until `tenkyo remove {source.id}`"
        return WatchNotice(
            printable_path(file), "gone", source.title, reason=reason, source_id=source.id
        )
