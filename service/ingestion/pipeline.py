"""An ingestion put together: what is wanted, the parts that it takes, what became of it.

    desk = Desk(store, cache, uploads, embedder, index_folder)
    done = desk.ingest(Wanted(("https://…", "folder")), tell)

It prints nothing: whoever asks for an ingestion says what became of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from corpus.errors import NotFound
from corpus.library.catalogue import entries
from corpus.links import canonical_url
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
from index.ingestion.report import IngestProgress, Item, Progress
from index.ingestion.sync import check_index
from index.ingestion.tasks import ALL_FILES, FileSelection
from index.ingestion.work_linking import update_index

LIBRARY = Limits(connect=4, read=8, deadline=20)  # it ships: a slow server is passed over


@dataclass(frozen=True, slots=True)
class IngestRequest:
    """What to ingest: ``places`` as a user writes them, or none: the library that ships.

    With ``depth`` above 0 the papers that they link to are followed, so many times, at most
    ``limit`` of them in all, and where ``hosts`` are named, only to those.
    """

    places: Sequence[str] = ()
    choice: FileSelection = ALL_FILES
    depth: int = 0
    limit: int = 50
    hosts: Sequence[str] = ()
    trust_private: bool = False


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What became of each document, and how many passages were embedded.

    The last ``followed`` of the items were linked to by the others, and named by nobody.
    """

    items: list[Item]
    embedded: int
    followed: int = 0

    @property
    def named(self) -> list[Item]:
        """The items of what the user named, or of the library that ships."""
        return self.items[: len(self.items) - self.followed]


@dataclass(frozen=True, slots=True)
class RemovedSource:
    """A source that was taken out, and how many passages it had."""

    source: Source
    passages: int


@dataclass(frozen=True, slots=True)
class IngestionPipeline:
    """Where documents come into a library, and go out of it: one after another, or at once."""

    store: Store
    cache: HttpCache
    uploads: UploadStore
    embedder: Embedder
    index: Path

    def preview(self, wanted: IngestRequest) -> IngestResult:
        """What would be ingested, as ``planned`` items; nothing is stored."""
        with Ingestion(self.store) as ingestion:
            return asyncio.run(self._preview(ingestion, wanted))

    def ingest(
        self, wanted: IngestRequest, on_progress: Callable[[Progress], None] = lambda _: None
    ) -> IngestResult:
        """Read what is wanted into the store, and bring the index up to it.

        Raises IndexMismatch before anything is read, and StoreError; what is wrong with one
        document is in its item.
        """
        check_index(self.index, self.embedder.name)
        tally = IngestProgress(on_progress)
        with Ingestion(self.store, tally, reread=wanted.depth > 0) as ingestion:
            named, followed = asyncio.run(self._read(ingestion, wanted))
        embedded, links = update_index(self.store, self.embedder, self.index, tally)
        items = [_linked(item, links) for item in (*named, *followed)]
        return IngestResult(items, embedded, len(followed))

    def remove(
        self, names: Sequence[str], on_progress: Callable[[Progress], None] = lambda _: None
    ) -> list[RemovedSource]:
        """Take sources out, each named by its id, its address, or the path of its file.

        NotFound if one of them is not there: then none is taken out.
        """
        sources = {source.id: source for source in map(self.find, names)}
        check_index(self.index, self.embedder.name)
        removed = [
            RemovedSource(each, len(self.store.rows([each.id]))) for each in sources.values()
        ]
        remove_sources(self.store, self.cache, self.uploads, list(sources))
        update_index(self.store, self.embedder, self.index, IngestProgress(on_progress))
        return removed

    def find(self, name: str) -> Source:
        """The source of an id, an address or a path; NotFound if there is none."""
        try:
            return self.store.source(name)
        except NotFound:
            for url in _addresses(name):
                if found := self.store.source_at(url):
                    return found
            raise

    async def _preview(self, ingestion: Ingestion, wanted: IngestRequest) -> IngestResult:
        if not wanted.places:
            return IngestResult(
                [Item(e.source.url, "planned", e.source.title) for e in entries()], 0
            )
        followed = wanted.depth > 0
        async with Fetcher(cache=self.cache, trust_private=wanted.trust_private) as fetcher:
            items = await ingestion.preview(
                wanted.places, fetcher, wanted.choice, open_them=followed
            )
            if not followed:
                return IngestResult(items, 0)
            crawler = Crawler(fetcher, hosts=wanted.hosts)
            linked = link_following.preview_links(items, crawler.allows_host, wanted.limit)
            return IngestResult(items + linked, 0, len(linked))

    async def _read(
        self, ingestion: Ingestion, wanted: IngestRequest
    ) -> tuple[Sequence[Item], Sequence[Item]]:
        """Read what is named, and what that links to if it is to be followed."""
        if not wanted.places:
            async with Fetcher(limits=LIBRARY, cache=self.cache) as fetcher:
                return await ingestion.library(entries(), fetcher), ()
        wait, private = MAX_WAIT if wanted.depth else 5.0, wanted.trust_private
        limits = Limits(max_wait=wait)
        async with Fetcher(limits=limits, cache=self.cache, trust_private=private) as fetcher:
            named = await ingestion.places(wanted.places, fetcher, wanted.choice)
            if not wanted.depth:
                return named, ()
            crawler = Crawler(fetcher, hosts=wanted.hosts)
            return named, await link_following.follow_links(
                ingestion, named, crawler, depth=wanted.depth, limit=wanted.limit
            )


def _linked(item: Item, links: Mapping[str, WorkLink]) -> Item:
    """The item, with a word on the work that it is another text of."""
    link = links.get(item.source_id)
    return replace(item, reason="; ".join(filter(None, (item.reason, link and link.description))))


def _addresses(name: str) -> list[str]:
    """The addresses that a source of this name may have, as ingestion writes them."""
    return [name, canonical_url(name) if "://" in name else Path(name).resolve().as_uri()]
