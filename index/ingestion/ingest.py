"""The ingestion job: fetch -> extract -> passages -> store; ``index.ingestion.sync`` then embeds them.

    with Ingestion(store, tally) as ingestion:
        items = await ingestion.places(["https://…", "folder"], fetcher)
    sync(store, embedder, index_folder, tally)

Two halves, each complete in itself. Documents are committed to the store one by one, and
``sync`` brings the index up to what the store holds. A process killed between the two, or in
the midst of either, loses nothing: the next run goes on where it stopped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit

from corpus.errors import CorpusError, EmptyDocument, UnsupportedContent
from corpus.library.catalogue import CatalogueEntry
from corpus.links import Paper
from corpus.readers.sandbox import ReaderPool
from corpus.store.database import utc_now
from corpus.store.fingerprint import reading_fingerprint
from corpus.store.store import Store
from corpus.store.uploads import Upload, UploadStore
from corpus.types import Document, Passage, Source
from corpus.web.fetcher import Fetcher
from corpus.web.paper_resolver import DocumentGetter
from index.ingestion.report import IngestProgress, Item, remarks
from index.ingestion.tasks import (
    ALL_FILES,
    FileSelection,
    IngestTask,
    LoadedDocument,
    failure_reason,
    library_task,
    paper_task,
    place_tasks,
    upload_task,
)

MAX_CONCURRENT_FETCHES = 8
READER_PROCESSES = 2  # worker processes that read documents


class Ingestion:
    """Reads documents into a store, in worker processes of its own.

    Every method returns what became of each document, in the order in which they were named;
    one that cannot be read is an item with the reason, and costs the others nothing. What was
    read from the same bytes before is not read again, unless with ``reread``, for its links.
    """

    def __init__(
        self, store: Store, tally: IngestProgress | None = None, *, reread: bool = False
    ) -> None:
        self.store, self.tally, self._reread = store, tally or IngestProgress(), reread
        self._workers = ReaderPool()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._workers.close()

    async def library(self, entries: Sequence[CatalogueEntry], fetcher: Fetcher) -> list[Item]:
        """Ingest the works of the library: each original that can be fetched, else its digest."""
        return await self._run([library_task(self.store, entry, fetcher) for entry in entries])

    async def places(
        self, places: Iterable[str], fetcher: Fetcher, choice: FileSelection = ALL_FILES
    ) -> list[Item]:
        """Ingest URLs, files and folders; ``places`` as a user writes them.

        The address of a paper is read as ``papers`` reads it.
        """
        tasks, failed = place_tasks(self.store, places, fetcher, choice)
        return failed + await self._run(tasks)

    async def papers(
        self, papers: Mapping[Paper, Sequence[str]], get: DocumentGetter
    ) -> list[Item]:
        """Ingest papers, each with the ids of the sources that link to it.

        Each is read from its PDF, or else, with the reason why, from its page. A paper that
        the library lists is read under the id that it has there.
        """
        return await self._run(
            [paper_task(self.store, each, get, "paper", by) for each, by in papers.items()]
        )

    async def uploads(
        self, files: Sequence[Upload], uploads: UploadStore, password: str = "", source_id: str = ""
    ) -> list[Item]:
        """Ingest files that were handed over; ``source_id``: the one file is its new text.

        Of files with the same bytes the first gives the source its name.
        """
        first = {file.sha256: n for n, file in reversed(list(enumerate(files)))}
        tasks = [upload_task(self.store, uploads, file, password, source_id) for file in files]
        new = [task for n, task in enumerate(tasks) if n in first.values()]
        copies = [task for n, task in enumerate(tasks) if n not in first.values()]
        return await self._run(new) + await self._run(copies)

    async def preview(
        self, places: Iterable[str], fetcher: Fetcher, choice: FileSelection, *, open_them: bool
    ) -> list[Item]:
        """What ``places`` would ingest, as ``planned`` items; nothing is stored.

        Only with ``open_them`` are they fetched and read, for their titles and links.
        """
        tasks, items = place_tasks(self.store, places, fetcher, choice)
        for task in tasks:
            try:
                item = await self._preview(task) if open_them else Item(task.place, "planned")
            except CorpusError as error:
                item = Item(task.place, "failed", reason=failure_reason(error))
            items.append(item)
        return items

    async def _preview(self, task: IngestTask) -> Item:
        loaded = await task.load()
        document, _ = await asyncio.to_thread(self._read, loaded)
        source = document.source
        title = source.title or _name(task.place)
        return Item(task.place, "planned", title, source_id=source.id, links=document.links)

    async def _run(self, tasks: Sequence[IngestTask]) -> list[Item]:
        """Work off the tasks, several fetches and two readers at once; keeps their order."""
        slots = asyncio.Semaphore(MAX_CONCURRENT_FETCHES)
        readers = asyncio.Semaphore(READER_PROCESSES)
        self.tally.add_expected(len(tasks))

        async def commit(place: str, loaded: LoadedDocument) -> Item:
            async with readers:
                return await asyncio.to_thread(self._commit, place, loaded)

        async def load_and_commit(task: IngestTask) -> Item:
            try:
                return await commit(task.place, await task.load())
            except CorpusError as error:
                if task.otherwise is None:
                    raise
                return await commit(task.place, await task.otherwise(failure_reason(error)))

        async def one(task: IngestTask) -> Item:
            async with slots:
                try:
                    item = await load_and_commit(task)
                except CorpusError as error:
                    item = Item(task.place, "failed", reason=failure_reason(error))
                await asyncio.to_thread(self._remember, item)
            self.tally.add(item)
            return item

        try:
            return list(await asyncio.gather(*map(one, tasks)))
        except asyncio.CancelledError:
            self._workers.close()  # the loop cannot end before the threads that wait for them
            raise

    def _remember(self, item: Item) -> None:
        """Note a source that could not be read, so that an answer can say that it was not."""
        place, reason = item.place, item.reason
        if "://" not in place:  # a later run may be in another folder
            place = str(Path(place).resolve())
            if reason.startswith(item.place):
                reason = place + reason.removeprefix(item.place)
        if item.outcome in ("failed", "digest"):
            self.store.record_unread(place, reason, item.title)
        else:
            self.store.clear_unread(place)

    def _commit(self, place: str, loaded: LoadedDocument) -> Item:
        """Read what was loaded and store it; CorpusError if it cannot be read."""
        if loaded.outcome == "kept":
            return Item(place, "kept", loaded.source.title, reason=loaded.reason)
        source = replace(loaded.source, retrieved_at=utc_now())
        same = reading_fingerprint(loaded.data, _at(loaded), loaded.content_type, loaded.password)
        if not self._reread and loaded.outcome != "digest":
            known = self.store.find_unchanged(source, same)
            if known:
                title, count, pages = known.source.title, known.passages, known.pages
                return Item(place, "unchanged", title, count, loaded.reason, source.id, (), pages)
        document, passages = self._read(replace(loaded, source=source))
        if not document.source.title:
            document = replace(document, source=replace(document.source, title=_name(place)))
        if len(document.text) < loaded.least:
            raise UnsupportedContent("the page has next to no text without a browser")
        if not passages:
            raise EmptyDocument(f"{place} has headings and no text below them: check the file")
        change = self.store.put(document, passages, same)
        unchanged = change.added == change.removed == 0 and loaded.outcome != "digest"
        return Item(
            place,
            "unchanged" if unchanged else loaded.outcome,
            document.source.title,
            len(passages),
            "; ".join(filter(None, (loaded.reason, remarks(document)))),
            source.id,
            document.links,
            len(document.pages),
        )

    def _read(self, loaded: LoadedDocument) -> tuple[Document, list[Passage]]:
        """The document in what was loaded, and its passages."""
        document, passages = self._workers.read(
            loaded.data, _at(loaded), loaded.content_type, loaded.password
        )
        filled = replace(document.source, url=loaded.source.url)
        return replace(document, source=filled), passages


def _at(loaded: LoadedDocument) -> Source:
    """The source, at the address where it was found."""
    return replace(loaded.source, url=loaded.found_at or loaded.source.url)


def _name(place: str) -> str:
    """A title for what has none of its own: the last part of its address."""
    return unquote(urlsplit(place).path if "://" in place else place).rstrip("/").split("/")[-1]
