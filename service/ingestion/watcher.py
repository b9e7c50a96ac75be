"""Watched folders: files that are added to them or changed are ingested as it happens.

    watcher = FolderWatcher(pipeline, WatchedFolders(folders))
    result = watcher.start(on_progress)
    for notices in watcher.follow_changes(show): ...

The source of a deleted file stays: the deletion may be a mistake, or an unplugged disk. It prints
nothing: the caller presents the notices.
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
    """What happened to a changed file or to a watched folder.

    Attributes:
        path: The file or folder.
        outcome: That of the file's ingestion; ``gone``: the file was deleted; ``away``: the folder
            cannot be read; ``back``: it can be read again.
        title: The title of the source; empty where there is none.
        passages: How many passages the file has.
        reason: A remark, or why the file or folder cannot be read.
        source_id: The id of the source; empty where there is none.
    """

    path: str
    outcome: IngestOutcome | Literal["gone", "away", "back"]
    title: str = ""
    passages: int = 0
    reason: str = ""
    source_id: str = ""


class FolderWatcher:
    """Ingestion of the files of watched folders, and of each change to them.

    Args:
        pipeline: Ingests the files.
        watched: The folders.
        password: Opens encrypted PDFs in them.
        collection: The name of the collection to put the files in; empty for none.
    """

    def __init__(
        self,
        pipeline: IngestionPipeline,
        watched: WatchedFolders,
        password: str = "",
        collection: str = "",
    ) -> None:
        self._pipeline, self._watched, self._collection = pipeline, watched, collection
        self._selection = FileSelection(password=password)

    def start(self, on_progress: ProgressCallback) -> IngestResult:
        """Ingest all files of the watched folders."""
        return self._ingest(self._watched.files(), on_progress)

    def follow_changes(
        self, show: Callable[[], AbstractContextManager[ProgressCallback]]
    ) -> Iterator[list[WatchNotice]]:
        """Ingest files of the watched folders as they change, until the caller stops iterating.

        Args:
            show: Opens a display of progress for each ingestion.

        Yields:
            The notices of one moment: deleted files and folders that cannot be read, or the files
            that were ingested.
        """
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
        if not files:  # a request without places would ingest the library that ships
            return IngestResult([], 0)
        places = [str(file) for file in files]
        request = IngestRequest(places, self._selection, collection=self._collection)
        return self._pipeline.ingest(request, on_progress)

    def _of_files(self, files: Sequence[Path], items: Sequence[Item]) -> Iterator[WatchNotice]:
        """Notices of ingested files, but for failures of files that have changed again since.

        Those will be ingested again.
        """
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
        store = self._pipeline.store
        store.clear_unread(printable_path(file))  # a deleted file is not one that could not be read
        source = store.source_at(real.as_uri())
        if source is None:
            return WatchNotice(printable_path(file), "gone")
        reason = f"its source stays in the library until you run `tenkyo remove {source.id}`"
        return WatchNotice(
            printable_path(file), "gone", source.title, reason=reason, source_id=source.id
        )
