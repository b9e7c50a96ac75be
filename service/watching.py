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

from corpus.files import shown
from corpus.watch import Changes, Watched, wakes
from index.report import Item, Outcome, Progress
from index.tasks import Choice
from service.ingestion import Desk, Done, Wanted

Tell = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Notice:
    """What became of a file that was changed, or of a folder that is watched.

    ``gone``: a file was deleted. ``away``, ``back``: a folder cannot be looked at, or can be
    again. ``source_id`` is empty where there is no such source.
    """

    path: str
    outcome: Outcome | Literal["gone", "away", "back"]
    title: str = ""
    passages: int = 0
    reason: str = ""
    source_id: str = ""


class Watch:
    """Ingests the files of watched folders, and then those that are added or changed."""

    def __init__(self, desk: Desk, watched: Watched, password: str = "") -> None:
        self._desk, self._watched = desk, watched
        self._choice = Choice(password=password)

    def start(self, tell: Tell) -> Done:
        """Ingest every file that there is."""
        return self._ingest(self._watched.files(), tell)

    def go_on(self, show: Callable[[], AbstractContextManager[Tell]]) -> Iterator[list[Notice]]:
        """What is noticed from then on, without an end; ``show`` says how far an ingestion is."""
        for _ in wakes(self._watched):
            changes = self._watched.look()
            gone = [self._gone(file, real) for file, real in changes.gone.items()]
            if notices := [*self._of_folders(changes), *gone]:
                yield notices
            if changes.files:
                with show() as tell:
                    items = self._ingest(changes.files, tell).items
                yield list(self._of_files(changes.files, items))

    def _ingest(self, files: Sequence[Path], tell: Tell) -> Done:
        if not files:  # without places, it would be the library that ships
            return Done([], 0)
        return self._desk.ingest(Wanted([str(file) for file in files], self._choice), tell)

    def _of_files(self, files: Sequence[Path], items: Sequence[Item]) -> Iterator[Notice]:
        """What became of files; not of those that it is tried with again, being changed since."""
        named = {shown(file): file for file in files}
        for item in items:
            if item.outcome == "unchanged":
                continue
            if item.outcome != "failed" or self._watched.rests(named[item.place]):
                yield Notice(
                    item.place, item.outcome, item.title, item.passages, item.reason, item.source_id
                )

    def _of_folders(self, changes: Changes) -> Iterator[Notice]:
        for folder, reason in changes.away.items():
            yield Notice(shown(folder), "away", reason=reason)
        for folder in changes.back:
            yield Notice(shown(folder), "back")

    def _gone(self, file: Path, real: Path) -> Notice:
        store = self._desk.store
        store.forget_unread(shown(file))  # there is nothing left to be read
        source = store.source_at(real.as_uri())
        if source is None:
            return Notice(shown(file), "gone")
        reason = f"its source stays until `tenkyo remove {source.id}`"
        return Notice(shown(file), "gone", source.title, reason=reason, source_id=source.id)
