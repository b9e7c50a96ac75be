"""Ingestion of documents into the store: fetch, read, split into passages, commit.

    with Ingestion(store, progress) as ingestion:
        items = await ingestion.places(["https://…", "folder"], fetcher)
    update_index(store, embedder, index_folder, progress)

Documents are committed to the store one by one; afterwards ``work_linking.update_index`` updates
the index. A process killed at any moment loses nothing: the next run continues
where it stopped.

A digest, which ships with the library, stands in for a source that cannot be fetched, under the
source's own id. An original that is read later replaces it, and is never replaced by it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit

from corpus.document_errors import PageWithoutText
from corpus.errors import CorpusError, EmptyDocument
from corpus.library.catalogue import CatalogueEntry
from corpus.links import Paper
from corpus.readers.sandbox import ReaderPool
from corpus.store.database import utc_now
from corpus.store.fingerprint import reading_fingerprint
from corpus.store.originals import OriginalStore
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
    failed_item,
    library_task,
    paper_task,
    place_tasks,
    upload_task,
)

MAX_CONCURRENT_FETCHES = 8
READER_PROCESSES = 2


class Ingestion:
    """Ingestion of documents into a store, with reader processes of its own.

    Every method returns an item for each document, in the order in which they were named. A
    document that cannot be read is an item with the reason, and does not affect the others.

    Args:
        store: The store that receives the documents.
        progress: Counts what is done.
        reread: Read documents again whose bytes were read before, for their links; otherwise they
            are reported as ``unchanged``.
        originals: Keeps the PDFs that are fetched, so that their pages can be shown.
    """

    def __init__(
        self,
        store: Store,
        progress: IngestProgress | None = None,
        *,
        reread: bool = False,
        originals: OriginalStore | None = None,
    ) -> None:
        self.store, self.progress, self._reread = store, progress or IngestProgress(), reread
        self._originals = originals
        self._readers = ReaderPool()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._readers.close()

    async def library(self, entries: Sequence[CatalogueEntry], fetcher: Fetcher) -> list[Item]:
        """Ingest works of the library that ships: each original or, if that fails, its digest."""
        return await self._run([library_task(self.store, entry, fetcher) for entry in entries])

    async def places(
        self, places: Iterable[str], fetcher: Fetcher, selection: FileSelection = ALL_FILES
    ) -> list[Item]:
        """Ingest URLs, files and folders, as a person writes them.

        The address of a paper's page is resolved to the paper itself, as ``papers`` does.

        Args:
            places: The URLs and paths.
            fetcher: Fetches the URLs.
            selection: Which files of folders to read.
        """
        tasks, failed = place_tasks(self.store, places, fetcher, selection)
        return failed + await self._run(tasks)

    async def papers(
        self, papers: Mapping[Paper, Sequence[str]], get: DocumentGetter
    ) -> list[Item]:
        """Ingest papers: each from its PDF or, where that cannot be read, its landing page.

        A paper that the library lists keeps the id that it has there.

        Args:
            papers: The papers, each with the ids of the sources that link to it.
            get: Fetches a URL.
        """
        return await self._run(
            [paper_task(self.store, each, get, "paper", by) for each, by in papers.items()]
        )

    async def uploads(
        self, files: Sequence[Upload], uploads: UploadStore, source_id: str = ""
    ) -> list[Item]:
        """Ingest uploaded files.

        Args:
            files: The files. Of those with the same bytes, the first gives the source its name.
            uploads: Where their bytes are.
            source_id: The source whose text the one file replaces; empty for sources of their own.
        """
        first = {file.sha256: n for n, file in reversed(list(enumerate(files)))}
        tasks = [upload_task(self.store, uploads, file, source_id) for file in files]
        new = [task for n, task in enumerate(tasks) if n in first.values()]
        copies = [task for n, task in enumerate(tasks) if n not in first.values()]
        return await self._run(new) + await self._run(copies)

    async def preview(
        self, places: Iterable[str], fetcher: Fetcher, selection: FileSelection, *, open_them: bool
    ) -> list[Item]:
        """List the documents that ``places`` would ingest, as ``planned`` items; store nothing.

        Args:
            places: URLs and paths.
            fetcher: Fetches the URLs.
            selection: Which files of folders to read.
            open_them: Fetch and read them, for their titles and links.
        """
        tasks, items = place_tasks(self.store, places, fetcher, selection)
        for task in tasks:
            try:
                item = await self._preview(task) if open_them else Item(task.place, "planned")
            except CorpusError as error:
                item = failed_item(task, error)
            items.append(item)
        return items

    async def _preview(self, task: IngestTask) -> Item:
        loaded = await task.load()
        document, _ = await asyncio.to_thread(self._read, loaded)
        source = document.source
        title = source.title or _name(task.place)
        return Item(task.place, "planned", title, source_id=source.id, links=document.links)

    async def _run(self, tasks: Sequence[IngestTask]) -> list[Item]:
        """Run tasks, with several fetches and two readers at once; the items keep their order."""
        slots = asyncio.Semaphore(MAX_CONCURRENT_FETCHES)
        readers = asyncio.Semaphore(READER_PROCESSES)
        self.progress.add_expected(len(tasks))

        async def commit(place: str, loaded: LoadedDocument) -> Item:
            async with readers:
                return await asyncio.to_thread(self._commit, place, loaded)

        async def load_and_commit(task: IngestTask) -> Item:
            try:
                return await commit(task.place, await task.load())
            except CorpusError as error:
                if task.fallback is None:
                    raise
                return await commit(task.place, await task.fallback(error))

        async def one(task: IngestTask) -> Item:
            async with slots:
                try:
                    item = await load_and_commit(task)
                except CorpusError as error:
                    item = failed_item(task, error)
                await asyncio.to_thread(self._record_outcome, item)
            self.progress.add(item)
            return item

        try:
            return list(await asyncio.gather(*map(one, tasks)))
        except asyncio.CancelledError:
            self._readers.close()  # the loop cannot end before the threads that wait for readers
            raise

    def _record_outcome(self, item: Item) -> None:
        """Record a source that could not be read, so that an abstention can name it."""
        place, reason = item.place, item.reason
        if "://" not in place:  # a later run may be started in another folder
            place = str(Path(place).resolve())
            if reason.startswith(item.place):
                reason = place + reason.removeprefix(item.place)
        if item.outcome in ("failed", "digest"):
            self.store.record_unread(place, reason, item.title, item.problem)
        else:
            self.store.clear_unread(place)

    def _commit(self, place: str, loaded: LoadedDocument) -> Item:
        """Read what was loaded and store it; CorpusError if it cannot be read."""
        if loaded.outcome == "kept":
            title, reason, problem = loaded.source.title, loaded.reason, loaded.problem
            return Item(place, "kept", title, reason=reason, problem=problem)
        source = replace(loaded.source, retrieved_at=utc_now())
        fingerprint = reading_fingerprint(
            loaded.data, _at(loaded), loaded.content_type, loaded.password
        )
        if not self._reread and loaded.outcome != "digest":
            known = self.store.find_unchanged(source, fingerprint)
            if known:
                self._keep(loaded, known.source)
                return Item(
                    place,
                    "unchanged",
                    known.source.title,
                    known.passages,
                    loaded.reason,
                    source.id,
                    pages=known.pages,
                    problem=loaded.problem,
                )
        document, passages = self._read(replace(loaded, source=source))
        if not document.source.title:
            document = replace(document, source=replace(document.source, title=_name(place)))
        if len(document.text) < loaded.min_characters:
            raise PageWithoutText(
                "the page has almost no text without a browser: save it there, and ingest the file"
            )
        if not passages:
            raise EmptyDocument(f"{place} has headings but no text below them: check the file")
        change = self.store.put(document, passages, fingerprint)
        self._keep(loaded, document.source)
        said = remarks(document)
        unchanged = change.added == change.removed == 0 and loaded.outcome != "digest"
        return Item(
            place,
            "unchanged" if unchanged else loaded.outcome,
            document.source.title,
            len(passages),
            "; ".join(filter(None, (loaded.reason, *(each.words for each in said)))),
            source.id,
            document.links,
            len(document.pages),
            loaded.problem,
            said,
        )

    def _keep(self, loaded: LoadedDocument, source: Source) -> None:
        """Keep the file of a version of a source, if it was fetched and is not kept yet."""
        if self._originals and loaded.outcome == "fetched" and not self._originals.find(source):
            self._originals.keep(source, loaded.data)

    def _read(self, loaded: LoadedDocument) -> tuple[Document, list[Passage]]:
        """Read the document in what was loaded, and its passages."""
        document, passages = self._readers.read(
            loaded.data, _at(loaded), loaded.content_type, loaded.password
        )
        source = replace(document.source, url=loaded.source.url)
        return replace(document, source=source), passages


def _at(loaded: LoadedDocument) -> Source:
    """The source, at the address where it was found, which relative links start from."""
    return replace(loaded.source, url=loaded.found_at or loaded.source.url)


def _name(place: str) -> str:
    """A title for a document without one: the last part of its address."""
    return unquote(urlsplit(place).path if "://" in place else place).rstrip("/").split("/")[-1]
