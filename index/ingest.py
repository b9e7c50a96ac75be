"""The ingestion job: fetch -> extract -> passages -> store -> embed -> index.

Two halves, each complete in itself. ``ingest`` commits documents to the store one by one;
``sync`` brings the index up to what the store holds. A process killed between the two, or
in the midst of either, loses nothing: the next run goes on where it stopped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

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
from corpus.fetch import Fetcher
from corpus.files import read, shown, walk
from corpus.guard import refusal
from corpus.links import Paper, canonical_url, paper
from corpus.papers import Get, find
from corpus.passages import in_context
from corpus.store import Store, now
from corpus.types import Document, Kind, Link, Passage, Source, text_hash
from corpus.worker import Workers
from index.embed import Embedder, Floats
from index.local import LocalIndex, check_manifest, read_manifest, text_key

Outcome = Literal["fetched", "read", "digest", "unchanged", "kept", "planned", "skipped", "failed"]
Progress = Callable[[str, int, int], None]  # what is being done, how much of it, of how much

EMBED_BATCH = 64
CHECKPOINT = 4096  # passages embedded between two writes of the index
FETCHES_AT_ONCE = 8
READERS = 2  # worker processes that read documents
LEAST_ORIGINAL = 1500  # characters: a login or consent wall answers 200, with fewer
INCOMPLETE = "incomplete"  # the corpus revision of an index that is still being filled


@dataclass(frozen=True, slots=True)
class Item:
    """What became of one source.

    ``digest``: the original could not be fetched (``reason``), its digest was ingested.
    ``kept``: it could not be fetched now, and what an earlier run fetched stays.
    ``planned``: it would be ingested. ``skipped``: the bounds of the run leave it out.
    ``source_id`` and ``links`` are those of what was read.
    """

    place: str
    outcome: Outcome
    title: str = ""
    passages: int = 0
    reason: str = ""
    source_id: str = ""
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an ingestion did; ``embedded`` counts the passages that had to be embedded."""

    items: tuple[Item, ...]
    embedded: int

    @property
    def failed(self) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.outcome == "failed")


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What a job brought: bytes to read as ``source``, or nothing where that is kept.

    A text of fewer than ``least`` characters is not the document that was hoped for.
    ``found_at`` is where the redirects ended, if relative links are to be taken from there;
    ``password`` opens an encrypted PDF.
    """

    source: Source
    outcome: Outcome
    data: bytes = b""
    content_type: str = ""
    reason: str = ""
    least: int = 0
    found_at: str = ""
    password: str = ""


@dataclass(frozen=True, slots=True)
class _Job:
    """One thing to ingest: ``load`` does the waiting, ``place`` names it in the report.

    ``otherwise`` is called with the reason if what was loaded cannot be read.
    """

    place: str
    load: Callable[[], Awaitable[_Loaded]]
    otherwise: Callable[[str], Awaitable[_Loaded]] | None = None


async def ingest_library(
    store: Store, entries: Sequence[Entry], fetcher: Fetcher, progress: Progress
) -> list[Item]:
    """Ingest the works of the library: each original that can be fetched, else its digest."""

    def job(entry: Entry) -> _Job:
        async def load() -> _Loaded:
            if not entry.fetch_url:
                raise UnsupportedContent("its page is an application, with no text to read")
            page = await fetcher.get(entry.fetch_url)
            return _Loaded(
                entry.source, "fetched", page.data, page.content_type, least=LEAST_ORIGINAL
            )

        async def otherwise(reason: str) -> _Loaded:
            if _has_original(store, entry.source.id):
                return _Loaded(entry.source, "kept", reason=reason)
            source, data = await asyncio.to_thread(entry.digest)
            return _Loaded(source, "digest", data, "text/markdown", reason)

        return _Job(entry.source.url, load, otherwise)

    return await _run(store, [job(entry) for entry in entries], progress)


async def ingest_places(
    store: Store,
    places: Iterable[str],
    fetcher: Fetcher,
    progress: Progress,
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    password: str = "",
) -> list[Item]:
    """Ingest URLs, files and folders; ``places`` as a user writes them.

    ``include`` and ``exclude`` are patterns for what is in folders, as for
    :func:`corpus.files.walk`; ``password`` opens encrypted PDFs among the files. The address of
    a paper is read as ``ingest_papers`` reads it.
    """
    jobs, failed = _jobs(store, places, fetcher, include, exclude, password)
    return failed + await _run(store, jobs, progress)


async def preview_places(
    store: Store,
    places: Iterable[str],
    fetcher: Fetcher,
    *,
    open_them: bool,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    password: str = "",
) -> list[Item]:
    """What ``ingest_places`` would ingest, as ``planned`` items; nothing is stored.

    Only with ``open_them`` are they fetched and read, for their titles and links.
    """
    jobs, items = _jobs(store, places, fetcher, include, exclude, password)
    with Workers() as workers:
        for job in jobs:
            try:
                item = await _preview(workers, job) if open_them else Item(job.place, "planned")
            except CorpusError as error:
                item = Item(job.place, "failed", reason=_reason(error))
            items.append(item)
    return items


async def _preview(workers: Workers, job: _Job) -> Item:
    loaded = await job.load()
    document, _ = await asyncio.to_thread(_read, workers, loaded)
    source = document.source
    title = source.title or _name(job.place)
    return Item(job.place, "planned", title, source_id=source.id, links=document.links)


async def ingest_papers(
    store: Store, papers: Mapping[Paper, Sequence[str]], get: Get, progress: Progress
) -> list[Item]:
    """Ingest papers, each with the ids of the sources that link to it.

    Each is read from its PDF, or else, with the reason why, from its page. A paper that the
    library lists is read under the id that it has there.
    """
    jobs = [_paper_job(store, each, get, "paper", citing) for each, citing in papers.items()]
    return await _run(store, jobs, progress)


def sync(
    store: Store,
    embedder: Embedder,
    folder: Path,
    progress: Progress,
    *,
    rebuild: bool = False,
) -> int:
    """Bring the index in ``folder`` up to the store; returns how many passages it embedded.

    Only passages that say something new are embedded: where a document was changed, those
    that read as they did keep their vectors. An index by another embedder or format, or one
    that cannot be read, raises IndexMismatch, unless ``rebuild`` starts it anew.
    """
    revision = store.revision()  # before the rows: a change in between leaves a mismatch to see
    wanted = np.array(store.rows(), np.int64)
    index = None if rebuild else _open_any(folder, embedder)
    if index is not None and read_manifest(folder)["corpus_revision"] == revision:
        return 0
    if index is None:
        index = LocalIndex(embedder.dim)
    new = np.setdiff1d(wanted, index.rows())
    if len(new):
        # PostgreSQL numbers rows before they are committed, so a lower one may turn up later;
        # those above it are taken out, and added again in their order.
        new = wanted[wanted >= new[0]]
    gone = np.setdiff1d(index.rows(), np.setdiff1d(wanted, new))
    known = index.vectors(gone)
    index.remove(gone)
    embedded = 0
    for start in range(0, len(new), CHECKPOINT):
        rows, done = new[start : start + CHECKPOINT], (start, len(new))
        embedded += _embed(store, embedder, index, known, rows, done, progress)
        if start + CHECKPOINT < len(new):
            index.save(folder, embedder.name, INCOMPLETE)
    index.save(folder, embedder.name, revision)
    return embedded


def _embed(
    store: Store,
    embedder: Embedder,
    index: LocalIndex,
    known: dict[bytes, Floats],
    rows: np.ndarray,
    done: tuple[int, int],
    progress: Progress,
) -> int:
    """Add some rows, and embed what is not ``known``, by its text; returns how many that were.

    ``done`` is (added so far, to add in all).
    """
    found, texts, vectors = [], [], []
    embedded = 0
    so_far, total = done
    for start in range(0, len(rows), EMBED_BATCH):
        progress("embedding", so_far + start, total)
        batch = store.passages(rows[start : start + EMBED_BATCH].tolist())
        batch = dict(sorted(batch.items()))
        new = [in_context(passage.text, passage, source) for passage, source in batch.values()]
        unknown = [text for text in new if text_key(text) not in known]
        made = iter(embedder.embed_passages(unknown))
        found += batch
        texts += new
        vectors += [next(made) if key not in known else known[key] for key in map(text_key, new)]
        embedded += len(unknown)
    index.add(found, np.array(vectors, np.float32).reshape(-1, index.dim), texts)
    progress("embedding", so_far + len(rows), total)
    return embedded


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
    """Work off the jobs, several fetches and two readers at once; keeps their order."""
    slots = asyncio.Semaphore(FETCHES_AT_ONCE)
    readers = asyncio.Semaphore(READERS)
    done = 0
    progress("reading", 0, len(jobs))

    async def commit(place: str, loaded: _Loaded) -> Item:
        async with readers:
            return await asyncio.to_thread(_commit, store, workers, place, loaded)

    async def one(job: _Job) -> Item:
        nonlocal done
        async with slots:
            try:
                item = await _load_and_commit(job, commit)
            except CorpusError as error:
                item = Item(job.place, "failed", reason=_reason(error))
            await asyncio.to_thread(_remember, store, item)
        done += 1
        progress("reading", done, len(jobs))
        return item

    with Workers() as workers:
        return list(await asyncio.gather(*map(one, jobs)))


def _remember(store: Store, item: Item) -> None:
    """Note a source that could not be read, so that an answer can say that it was not."""
    if item.outcome in ("failed", "digest"):
        store.note_unread(item.place, item.reason, item.title)
    else:
        store.forget_unread(item.place)


async def _load_and_commit(job: _Job, commit: Callable[[str, _Loaded], Awaitable[Item]]) -> Item:
    try:
        return await commit(job.place, await job.load())
    except CorpusError as error:
        if job.otherwise is None:
            raise
        return await commit(job.place, await job.otherwise(_reason(error)))


def _commit(store: Store, workers: Workers, place: str, loaded: _Loaded) -> Item:
    """Read what was loaded and store it; CorpusError if it cannot be read."""
    outcome = loaded.outcome
    if outcome == "kept":
        return Item(place, outcome, loaded.source.title, reason=loaded.reason)
    source = replace(loaded.source, retrieved_at=now())
    document, passages = _read(workers, replace(loaded, source=source))
    if not document.source.title:
        document = replace(document, source=replace(document.source, title=_name(place)))
    if len(document.text) < loaded.least:
        raise UnsupportedContent("the page has next to no text without a browser")
    if not passages:
        raise EmptyDocument(f"{place} has headings and no text below them: check the file")
    change = store.put(document, passages)
    if change.added == change.removed == 0 and outcome != "digest":
        outcome = "unchanged"
    title, count = document.source.title, len(passages)
    return Item(place, outcome, title, count, loaded.reason, source.id, document.links)


def _read(workers: Workers, loaded: _Loaded) -> tuple[Document, list[Passage]]:
    """The document in what was loaded, and its passages."""
    source = loaded.source
    at = replace(source, url=loaded.found_at or source.url)
    document, passages = workers.read(loaded.data, at, loaded.content_type, loaded.password)
    return replace(document, source=replace(document.source, url=source.url)), passages


def _name(place: str) -> str:
    """A title for what has none of its own: the last part of its address."""
    return unquote(urlsplit(place).path if "://" in place else place).rstrip("/").split("/")[-1]


def _reason(error: CorpusError) -> str:
    return error.reason if isinstance(error, FetchFailed) else str(error)


def _has_original(store: Store, source_id: str) -> bool:
    try:
        return store.source(source_id).kind != "digest"
    except NotFound:
        return False


def _jobs(
    store: Store,
    places: Iterable[str],
    fetcher: Fetcher,
    include: Sequence[str],
    exclude: Sequence[str],
    password: str,
) -> tuple[list[_Job], list[Item]]:
    """What some places come to, each once, and those that come to nothing."""
    urls: dict[str, None] = {}
    files: dict[Path, Path] = {}
    failed = []
    for place in places:
        if "://" in place:
            if refused := refusal(place):
                failed.append(Item(refused.url, "failed", reason=str(refused)))
            else:
                urls[canonical_url(place)] = None
            continue
        try:
            found = list(walk([Path(place)], include, exclude))
            if not found:
                raise CorpusError(f"{shown(place)} holds no files to read: name a folder that does")
            files |= {path.resolve(): path for path in found}
        except CorpusError as error:
            failed.append(Item(shown(place), "failed", reason=str(error)))
    jobs = [_url_job(store, url, fetcher) for url in urls]
    return jobs + [_file_job(store, path, password) for path in files.values()], failed


def _url_job(store: Store, url: str, fetcher: Fetcher) -> _Job:
    known = paper(url)
    if known and known.publisher != "pdf":
        return _paper_job(store, known, fetcher.get, "paper")

    async def load() -> _Loaded:
        page = await fetcher.get(url)
        source = await asyncio.to_thread(_source_at, store, url, "web")
        # A login page that answers for a PDF must not pass for a page of its own.
        found_at = "" if known else page.url
        return _Loaded(source, "fetched", page.data, page.content_type, found_at=found_at)

    return _Job(url, load)


def _paper_job(
    store: Store, paper: Paper, get: Get, kind: Kind, citing: Sequence[str] = ()
) -> _Job:
    shortfall = ""

    async def load() -> _Loaded:
        nonlocal shortfall
        found = await find(paper, get)
        said, text, shortfall = found.particulars, found.text, found.shortfall
        source = await asyncio.to_thread(_source_at, store, paper.url, kind)
        source = replace(
            source,
            title=source.title or said.title,
            authors=source.authors or said.authors,
            venue=source.venue or said.venue,
            published=source.published or said.published,
            cited_by=tuple(dict.fromkeys([*source.cited_by, *citing])),
        )
        least, found_at = (LEAST_ORIGINAL, text.url) if shortfall else (0, "")
        return _Loaded(source, "fetched", text.data, text.content_type, shortfall, least, found_at)

    async def otherwise(reason: str) -> _Loaded:
        reason = f"{shortfall}; of its page: {reason}" if shortfall else reason
        known = await asyncio.to_thread(store.source_at, paper.url)
        if known is not None:
            await asyncio.to_thread(store.add_citing, known.id, citing)
            if known.kind != "digest":
                return _Loaded(known, "kept", reason=reason)
        raise CorpusError(reason)

    return _Job(paper.url, load, otherwise)


def _file_job(store: Store, path: Path, password: str) -> _Job:
    async def load() -> _Loaded:
        data = await asyncio.to_thread(read, path)
        source = await asyncio.to_thread(_source_at, store, path.resolve().as_uri(), "upload")
        return _Loaded(source, "read", data, password=password)

    return _Job(shown(path), load)


def _source_at(store: Store, url: str, kind: Kind) -> Source:
    """The source of an address, to be read anew: what stays is who cites it, and, for a work
    of the library that ships, its id and its particulars."""
    known = store.source_at(url)
    if known is None or known.id == _id(url):
        return Source(_id(url), url, kind=kind, cited_by=known.cited_by if known else ())
    return replace(known, kind=kind if known.kind == "digest" else known.kind, language="")


def _id(url: str) -> str:
    return text_hash(url)[:12]
