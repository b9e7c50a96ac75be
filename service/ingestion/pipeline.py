"""The ingestion pipeline: a request to ingest or remove sources, from reading to the index.

    pipeline = IngestionPipeline(store, cache, uploads, embedder, index_folder)
    result = pipeline.ingest(IngestRequest(("https://…", "folder")), on_progress)

It prints nothing: the caller presents the result.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from corpus.errors import NotFound
from corpus.library.catalogue import entries
from corpus.links import canonical_url
from corpus.store.originals import OriginalStore
from corpus.store.store import Store
from corpus.store.uploads import UploadStore
from corpus.store.work_links import WorkLink
from corpus.types import Source
from corpus.web.crawler import MAX_WAIT, Crawler
from corpus.web.fetcher import Fetcher, Limits
from corpus.web.http_cache import HttpCache
from index.inference.embedder import Embedder
from index.ingestion import link_following
from index.ingestion.ingest import Ingestion
from index.ingestion.removal import remove_sources
from index.ingestion.report import IN_LIBRARY, IngestProgress, Item, Progress
from index.ingestion.sync import check_index
from index.ingestion.tasks import ALL_FILES, FileSelection
from index.ingestion.work_linking import update_index

# For the library that ships: it has digests to use in place of a slow server.
LIBRARY_LIMITS = Limits(connect=4, read=8, deadline=20)
MAX_SERVER_WAIT_SECONDS = 5.0  # to wait for a busy web server, where no links are followed


@dataclass(frozen=True, slots=True)
class IngestRequest:
    """A request to ingest documents: which ones, and how far to follow links to papers.

    Attributes:
        places: URLs, files and folders, as a person writes them; none for the library that ships.
        choice: Which files of folders to read.
        depth: How many times to follow links to papers; 0 for never.
        limit: The highest number of papers to follow in all.
        hosts: The only hosts to follow links to; none for all.
        trust_private: Whether private network addresses may be fetched.
        collection: The name of the collection to put the documents in, which is made if there is
            none; empty for none.
    """

    places: Sequence[str] = ()
    choice: FileSelection = ALL_FILES
    depth: int = 0
    limit: int = 50
    hosts: Sequence[str] = ()
    trust_private: bool = False
    collection: str = ""


@dataclass(frozen=True, slots=True)
class IngestResult:
    """The result of an ingestion.

    Attributes:
        items: What became of each document; the last ``followed`` ones were only linked to.
        embedded: How many passages were embedded.
        followed: How many of the items were linked to by the others.
    """

    items: list[Item]
    embedded: int
    followed: int = 0

    @property
    def named(self) -> list[Item]:
        """The items of the documents that were named, or of the library that ships."""
        return self.items[: len(self.items) - self.followed]


@dataclass(frozen=True, slots=True)
class RemovedSource:
    """A source that was removed, and how many passages it had."""

    source: Source
    passages: int


@dataclass(frozen=True, slots=True)
class IngestionPipeline:
    """Ingestion into, and removal from, one library.

    Attributes:
        store: The store of documents.
        cache: The HTTP cache.
        uploads: The uploaded files.
        embedder: Makes the vectors of the index.
        index: The index folder.
        originals: The PDFs that were fetched; None keeps none.
    """

    store: Store
    cache: HttpCache
    uploads: UploadStore
    embedder: Embedder
    index: Path
    originals: OriginalStore | None = None

    def preview(self, request: IngestRequest) -> IngestResult:
        """List the documents that a request would ingest, as ``planned`` items; store nothing."""
        with Ingestion(self.store) as ingestion:
            return asyncio.run(self._preview(ingestion, request))

    def ingest(
        self, request: IngestRequest, on_progress: Callable[[Progress], None] = lambda _: None
    ) -> IngestResult:
        """Read documents into the store, and update the index.

        What is wrong with one document is in its item.

        Args:
            request: What to ingest.
            on_progress: Is called with the progress at each change, in this thread or another.

        Raises:
            IndexMismatch: The index is of another embedder or format; nothing was read.
            CollectionRefused: The collection cannot have this name; nothing was read.
            StoreError: The data folder or database cannot be used.
        """
        check_index(self.index, self.embedder.name)
        collections = self.store.collections
        filled = collections.ensure(request.collection) if request.collection else None
        progress = IngestProgress(on_progress)
        reread, kept = request.depth > 0, self.originals
        with Ingestion(self.store, progress, reread=reread, originals=kept) as ingestion:
            named, followed = asyncio.run(self._read(ingestion, request))
        if filled:
            read = [i.source_id for i in (*named, *followed) if i.outcome in IN_LIBRARY]
            collections.add(filled.id, read, skip_unknown=True)
        embedded, links = update_index(self.store, self.embedder, self.index, progress)
        items = [_linked(item, links) for item in (*named, *followed)]
        return IngestResult(items, embedded, len(followed))

    def remove(
        self, names: Sequence[str], on_progress: Callable[[Progress], None] = lambda _: None
    ) -> list[RemovedSource]:
        """Remove sources from the store and the index.

        Args:
            names: Each an id, an address, or the path of a file.
            on_progress: Is called with the progress at each change.

        Raises:
            NotFound: One of them does not exist; none was removed.
        """
        sources = {source.id: source for source in map(self.find, names)}
        check_index(self.index, self.embedder.name)
        removed = [
            RemovedSource(each, len(self.store.rows([each.id]))) for each in sources.values()
        ]
        remove_sources(self.store, self.cache, self.uploads, list(sources), self.originals)
        update_index(self.store, self.embedder, self.index, IngestProgress(on_progress))
        return removed

    def find(self, name: str) -> Source:
        """Find a source by its id, its address or the path of its file.

        Raises:
            NotFound: There is none.
        """
        return find_source(self.store, name)

    async def _preview(self, ingestion: Ingestion, request: IngestRequest) -> IngestResult:
        if not request.places:
            return IngestResult(
                [Item(e.source.url, "planned", e.source.title) for e in entries()], 0
            )
        followed = request.depth > 0
        async with Fetcher(cache=self.cache, trust_private=request.trust_private) as fetcher:
            items = await ingestion.preview(
                request.places, fetcher, request.choice, open_them=followed
            )
            if not followed:
                return IngestResult(items, 0)
            crawler = Crawler(fetcher, hosts=request.hosts)
            linked = link_following.preview_links(items, crawler.allows_host, request.limit)
            return IngestResult(items + linked, 0, len(linked))

    async def _read(
        self, ingestion: Ingestion, request: IngestRequest
    ) -> tuple[Sequence[Item], Sequence[Item]]:
        """Ingest the named documents, and the papers that they link to if those are followed."""
        if not request.places:
            async with Fetcher(limits=LIBRARY_LIMITS, cache=self.cache) as fetcher:
                return await ingestion.library(entries(), fetcher), ()
        wait = MAX_WAIT if request.depth else MAX_SERVER_WAIT_SECONDS
        private = request.trust_private
        limits = Limits(max_wait=wait)
        async with Fetcher(limits=limits, cache=self.cache, trust_private=private) as fetcher:
            named = await ingestion.places(request.places, fetcher, request.choice)
            if not request.depth:
                return named, ()
            crawler = Crawler(fetcher, hosts=request.hosts)
            return named, await link_following.follow_links(
                ingestion, named, crawler, depth=request.depth, limit=request.limit
            )


def find_source(store: Store, name: str) -> Source:
    """Find a source of a store, as ``IngestionPipeline.find`` does."""
    try:
        return store.source(name)
    except NotFound:
        for url in _addresses(name):
            if found := store.source_at(url):
                return found
        raise


def _linked(item: Item, links: Mapping[str, WorkLink]) -> Item:
    """The item, with a remark on the work that it is another text of."""
    link = links.get(item.source_id)
    remarks = (item.reason, link.description if link else "")
    return replace(item, reason="; ".join(filter(None, remarks)))


def _addresses(name: str) -> list[str]:
    """The addresses that a source of this name may have, as ingestion writes them."""
    return [name, canonical_url(name) if "://" in name else Path(name).resolve().as_uri()]
