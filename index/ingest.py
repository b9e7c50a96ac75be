"""The ingestion job: fetch -> extract -> passages -> store -> embed -> index.

Two halves, each complete in itself. ``ingest`` commits documents to the store one by one;
``sync`` brings the index up to what the store holds. A process killed between the two, or
in the midst of either, loses nothing: the next run goes on where it stopped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from corpus.catalogue import Entry
from corpus.errors import (
    CorpusError,
    EmptyDocument,
    FetchFailed,
    IndexMissing,
    NotFound,
    UnsupportedContent,
)
from corpus.extract import extract
from corpus.fetch import Fetched, Fetcher
from corpus.files import read, walk
from corpus.links import canonical_url
from corpus.passages import split
from corpus.store import Store, now
from corpus.types import Passage, Source, text_hash
from index.embed import Embedder
from index.local import LocalIndex, check_manifest, read_manifest

Outcome = Literal["fetched", "read", "digest", "unchanged", "kept", "failed"]
Progress = Callable[[str, int, int], None]  # what is being done, how much of it, of how much

EMBED_BATCH = 64
CHECKPOINT = 4096  # passages embedded between two writes of the index
FETCHES_AT_ONCE = 8
INCOMPLETE = "incomplete"  # the corpus revision of an index that is still being filled


@dataclass(frozen=True, slots=True)
class Item:
    """What became of one source.

    ``digest``: the original could not be fetched (``reason``), its digest was ingested.
    ``kept``: it could not be fetched now, and what an earlier run fetched stays.
    """

    place: str
    outcome: Outcome
    title: str = ""
    passages: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an ingestion did; ``embedded`` counts the passages that had to be embedded."""

    items: tuple[Item, ...]
    embedded: int

    @property
    def failed(self) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.outcome == "failed")


@dataclass(frozen=True, slots=True)
class _Job:
    """One thing to ingest: ``load`` does the waiting, ``place`` names it in the report."""

    place: str
    load: Callable[[], Awaitable[tuple[Source, bytes, str, Outcome, str]]]


async def ingest_library(
    store: Store, entries: Sequence[Entry], fetcher: Fetcher, progress: Progress
) -> list[Item]:
    """Ingest the works of the library: each original that can be fetched, else its digest."""

    def job(entry: Entry) -> _Job:
        async def load() -> tuple[Source, bytes, str, Outcome, str]:
            reason = "its page is an application, with no text to read"
            if entry.fetch_url:
                try:
                    page = await fetcher.get(entry.fetch_url)
                    _check_readable(entry.source, page)
                    return entry.source, page.data, page.content_type, "fetched", ""
                except CorpusError as error:
                    reason = error.reason if isinstance(error, FetchFailed) else str(error)
            if _has_original(store, entry.source.id):
                return entry.source, b"", "", "kept", reason
            source, data = await asyncio.to_thread(entry.digest)
            return source, data, "text/markdown", "digest", reason

        return _Job(entry.source.url, load)

    return await _run(store, [job(entry) for entry in entries], progress)


async def ingest_places(
    store: Store, places: Iterable[str], fetcher: Fetcher, progress: Progress
) -> list[Item]:
    """Ingest URLs, files and folders; ``places`` as a user writes them."""
    places = list(places)
    urls = dict.fromkeys(canonical_url(p) for p in places if "://" in p)
    jobs = [_url_job(url, fetcher) for url in urls]
    failed = []
    for place in (p for p in places if "://" not in p):
        try:
            files = list(walk([Path(place)]))
            if not files:
                raise CorpusError(f"{place} holds no files to read: name a folder that does")
            jobs += [_file_job(path) for path in files]
        except CorpusError as error:
            failed.append(Item(place, "failed", reason=str(error)))
    return failed + await _run(store, jobs, progress)


def sync(
    store: Store,
    embedder: Embedder,
    folder: Path,
    progress: Progress,
    *,
    rebuild: bool = False,
) -> int:
    """Bring the index in ``folder`` up to the store; returns how many passages it embedded.

    Only new passages are embedded. An index by another embedder or format, or one that
    cannot be read, raises IndexMismatch, unless ``rebuild`` starts it anew.
    """
    revision = store.revision()  # before the rows: a change in between leaves a mismatch to see
    wanted = np.array(store.rows(), np.int64)
    index = None if rebuild else _open_any(folder, embedder)
    if index is not None and read_manifest(folder)["corpus_revision"] == revision:
        return 0
    if index is None:
        index = LocalIndex(embedder.dim)
    index.remove(np.setdiff1d(index.rows(), wanted))
    new = np.setdiff1d(wanted, index.rows())
    if len(new) and len(late := index.rows()[index.rows() > new[0]]):
        # PostgreSQL numbers rows before they are committed, so a lower one may turn up later.
        index.remove(late)
        new = np.setdiff1d(wanted, index.rows())
    for start in range(0, len(new), CHECKPOINT):
        done = (start, len(new))
        _embed(store, embedder, index, new[start : start + CHECKPOINT], done, progress)
        if start + CHECKPOINT < len(new):
            index.save(folder, embedder.name, INCOMPLETE)
    index.save(folder, embedder.name, revision)
    return len(new)


def searchable_text(passage: Passage, source: Source) -> str:
    """What is embedded and matched on: the passage below its title and headings."""
    heads = [source.title] if source.title and source.title not in passage.heading else []
    heads += [passage.heading] if passage.heading else []
    return "\n".join([" › ".join(heads), passage.text]) if heads else passage.text


def _embed(
    store: Store,
    embedder: Embedder,
    index: LocalIndex,
    rows: np.ndarray,
    done: tuple[int, int],
    progress: Progress,
) -> None:
    """Embed some rows and add them; ``done`` is (embedded so far, to embed in all)."""
    found, texts, vectors = [], [], []
    so_far, total = done
    for start in range(0, len(rows), EMBED_BATCH):
        progress("embedding", so_far + start, total)
        batch = store.passages(rows[start : start + EMBED_BATCH].tolist())
        batch = dict(sorted(batch.items()))
        new = [searchable_text(passage, source) for passage, source in batch.values()]
        found += batch
        texts += new
        vectors.append(embedder.embed_passages(new))
    index.add(found, np.concatenate(vectors), texts)
    progress("embedding", so_far + len(rows), total)


def _open_any(folder: Path, embedder: Embedder) -> LocalIndex | None:
    try:
        return LocalIndex.open(folder, embedder.name)
    except IndexMissing:
        return None


def check_index(folder: Path, embedder: str) -> None:
    """Raise IndexMismatch if ``sync`` would; cheap, so that no work is done in vain."""
    try:
        check_manifest(folder, read_manifest(folder), embedder)
    except IndexMissing:
        return


async def _run(store: Store, jobs: Sequence[_Job], progress: Progress) -> list[Item]:
    """Work off the jobs, several fetches at once and one parse at a time; keeps their order."""
    slots = asyncio.Semaphore(FETCHES_AT_ONCE)
    parsing = asyncio.Lock()
    done = 0
    progress("reading", 0, len(jobs))

    async def one(job: _Job) -> Item:
        nonlocal done
        async with slots:
            try:
                source, data, content_type, outcome, reason = await job.load()
                if outcome == "kept":
                    item = Item(job.place, outcome, source.title, reason=reason)
                else:
                    async with parsing:
                        item = await asyncio.to_thread(
                            _commit, store, job.place, source, data, content_type, outcome, reason
                        )
            except CorpusError as error:
                item = Item(job.place, "failed", reason=str(error))
        done += 1
        progress("reading", done, len(jobs))
        return item

    return list(await asyncio.gather(*map(one, jobs)))


def _commit(
    store: Store,
    place: str,
    source: Source,
    data: bytes,
    content_type: str,
    outcome: Outcome,
    reason: str,
) -> Item:
    source = replace(source, retrieved_at=now())
    document = extract(data, source, content_type)
    passages = split(document)
    if not passages:
        raise EmptyDocument(f"{place} has headings and no text below them: check the file")
    change = store.put(document, passages)
    if change.added == change.removed == 0 and outcome != "digest":
        outcome = "unchanged"
    return Item(place, outcome, document.source.title, len(passages), reason)


def _check_readable(source: Source, page: Fetched) -> None:
    """A page behind a login or a consent wall answers 200, with next to no text."""
    document = extract(page.data, source, page.content_type)
    if len(document.text) < 1500:
        raise UnsupportedContent(f"{page.url} has next to no text without a browser")


def _has_original(store: Store, source_id: str) -> bool:
    try:
        return store.source(source_id).kind != "digest"
    except NotFound:
        return False


def _url_job(url: str, fetcher: Fetcher) -> _Job:
    async def load() -> tuple[Source, bytes, str, Outcome, str]:
        page = await fetcher.get(url)
        return Source(_id(url), url), page.data, page.content_type, "fetched", ""

    return _Job(url, load)


def _file_job(path: Path) -> _Job:
    async def load() -> tuple[Source, bytes, str, Outcome, str]:
        data = await asyncio.to_thread(read, path)
        url = path.resolve().as_uri()
        return Source(_id(url), url, kind="upload"), data, "", "read", ""

    return _Job(str(path), load)


def _id(url: str) -> str:
    return text_hash(url)[:12]
