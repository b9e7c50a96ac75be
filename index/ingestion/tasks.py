"""What there is to ingest: each a task that brings bytes, and says which source they are of."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from corpus.errors import CorpusError, FetchFailed, NotFound, UnsupportedContent
from corpus.files.files import list_files, printable_path, read_file
from corpus.library.catalogue import CatalogueEntry
from corpus.links import Paper, canonical_url, meant_url, paper
from corpus.store.store import Store
from corpus.store.uploads import Upload, UploadStore
from corpus.types import Kind, Source, text_hash
from corpus.web.fetcher import Fetcher
from corpus.web.paper_resolver import DocumentGetter, resolve_paper
from corpus.web.ssrf_guard import refusal_reason
from index.ingestion.report import Item

MIN_ORIGINAL_CHARACTERS = 1500  # characters: a login or consent wall answers 200, with fewer


@dataclass(frozen=True, slots=True)
class LoadedDocument:
    """What a task brought: bytes to read as ``source``, or nothing where that is kept.

    A text of fewer than ``least`` characters is not the document that was hoped for.
    ``found_at`` is where the redirects ended, if relative links are to be taken from there, or
    the name that a reader is to call it by; ``password`` opens an encrypted PDF.
    """

    source: Source
    outcome: Literal["fetched", "read", "digest", "kept"]
    data: bytes = b""
    content_type: str = ""
    reason: str = ""
    least: int = 0
    found_at: str = ""
    password: str = ""


@dataclass(frozen=True, slots=True)
class IngestTask:
    """One document to ingest: ``load`` does the waiting, ``place`` names it in the report.

    ``otherwise`` is called with the reason if what was loaded cannot be read.
    """

    place: str
    load: Callable[[], Awaitable[LoadedDocument]]
    otherwise: Callable[[str], Awaitable[LoadedDocument]] | None = None


@dataclass(frozen=True, slots=True)
class FileSelection:
    """Which files of folders to take, by patterns as for :func:`corpus.files.files.list_files`, and the
    password of encrypted PDFs among them.
    """

    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    password: str = ""


ALL_FILES = FileSelection()


def place_tasks(
    store: Store, places: Iterable[str], fetcher: Fetcher, choice: FileSelection
) -> tuple[list[IngestTask], list[Item]]:
    """What some URLs, files and folders come to, each once, and those that come to nothing."""
    urls: dict[str, None] = {}
    files: dict[Path, Path] = {}
    failed = []
    for place in places:
        if "://" in place:
            if refused := refusal_reason(place):
                failed.append(Item(refused.url, "failed", reason=str(refused)))
            else:
                urls[canonical_url(place)] = None
            continue
        if (url := meant_url(place)) and not os.path.lexists(place):
            reason = f"{printable_path(place)} does not exist: did you mean {printable_path(url)}?"
            failed.append(Item(printable_path(place), "failed", reason=reason))
            continue
        try:
            found = list(list_files([Path(place)], choice.include, choice.exclude))
            if not found:
                raise CorpusError(
                    f"{printable_path(place)} holds no files to read: name a folder that does"
                )
            files |= {path.resolve(): path for path in found}
        except CorpusError as error:
            failed.append(Item(printable_path(place), "failed", reason=str(error)))
    tasks = [_url_task(store, url, fetcher) for url in urls]
    return tasks + [_file_task(store, path, choice.password) for path in files.values()], failed


def library_task(store: Store, entry: CatalogueEntry, fetcher: Fetcher) -> IngestTask:
    """A work of the library: its original if that can be fetched, else its digest."""

    async def load() -> LoadedDocument:
        if not entry.fetch_url:
            raise UnsupportedContent("its page is an application, with no text to read")
        page = await fetcher.get(entry.fetch_url)
        return LoadedDocument(
            entry.source, "fetched", page.data, page.content_type, least=MIN_ORIGINAL_CHARACTERS
        )

    async def otherwise(reason: str) -> LoadedDocument:
        if await asyncio.to_thread(_has_original, store, entry.source.id):
            return LoadedDocument(entry.source, "kept", reason=reason)
        source, data = await asyncio.to_thread(entry.digest)
        return LoadedDocument(source, "digest", data, "text/markdown", reason)

    return IngestTask(entry.source.url, load, otherwise)


def paper_task(
    store: Store, paper: Paper, get: DocumentGetter, kind: Kind, citing: Sequence[str] = ()
) -> IngestTask:
    """A paper: its PDF, or else, with the reason why, its page; ``citing`` link to it."""
    shortfall = ""

    async def load() -> LoadedDocument:
        nonlocal shortfall
        found = await resolve_paper(paper, get)
        said, text, shortfall = found.metadata, found.text, found.shortfall
        source = await asyncio.to_thread(_source_at, store, paper.url, kind)
        source = replace(
            source,
            title=source.title or said.title,
            authors=source.authors or said.authors,
            venue=source.venue or said.venue,
            published=source.published or said.published,
            cited_by=tuple(dict.fromkeys([*source.cited_by, *citing])),
        )
        least, found_at = (MIN_ORIGINAL_CHARACTERS, text.url) if shortfall else (0, "")
        return LoadedDocument(
            source, "fetched", text.data, text.content_type, shortfall, least, found_at
        )

    async def otherwise(reason: str) -> LoadedDocument:
        reason = f"{shortfall}; of its page: {reason}" if shortfall else reason
        known = await asyncio.to_thread(store.source_at, paper.url)
        if known is not None:
            await asyncio.to_thread(store.add_citing, known.id, citing)
            if known.kind != "digest":
                return LoadedDocument(known, "kept", reason=reason)
        raise CorpusError(reason)

    return IngestTask(paper.url, load, otherwise)


def _url_task(store: Store, url: str, fetcher: Fetcher) -> IngestTask:
    known = paper(url)
    if known and known.publisher != "pdf":
        return paper_task(store, known, fetcher.get, "paper")

    async def load() -> LoadedDocument:
        page = await fetcher.get(url)
        source = await asyncio.to_thread(_source_at, store, url, "web")
        # A login page that answers for a PDF must not pass for a page of its own.
        found_at = "" if known else page.url
        return LoadedDocument(source, "fetched", page.data, page.content_type, found_at=found_at)

    return IngestTask(url, load)


def _file_task(store: Store, path: Path, password: str) -> IngestTask:
    async def load() -> LoadedDocument:
        data = await asyncio.to_thread(read_file, path)
        source = await asyncio.to_thread(_source_at, store, path.resolve().as_uri(), "upload")
        return LoadedDocument(source, "read", data, password=password)

    return IngestTask(printable_path(path), load)


def upload_task(
    store: Store, uploads: UploadStore, upload: Upload, password: str, source_id: str
) -> IngestTask:
    """A file that was handed over: a new text of ``source_id`` if that is given, else the source
    of these bytes, whatever they were called when they first came.
    """

    async def load() -> LoadedDocument:
        source = await asyncio.to_thread(_upload_source, store, upload, source_id)
        data = await asyncio.to_thread(uploads.read, upload)
        return LoadedDocument(source, "read", data, found_at=upload.name, password=password)

    return IngestTask(printable_path(upload.name), load)


def _upload_source(store: Store, upload: Upload, source_id: str) -> Source:
    if not source_id:
        known = store.source_with_prefix(upload.place)
        return known or Source(_free_id(store, upload), upload.url, kind="upload")
    try:
        known = store.source(source_id)
    except NotFound:
        raise CorpusError(f"the source {source_id!r} is gone: upload without it") from None
    if known.url.startswith(upload.place):
        return known
    if known.kind == "upload":  # its particulars were those of the file before
        return Source(known.id, upload.url, kind="upload", cited_by=known.cited_by)
    return replace(known, url=upload.url, kind="upload", language="")


def _free_id(store: Store, upload: Upload) -> str:
    """An id for the bytes; another one where its source was given a new text since."""
    for n in itertools.count():
        candidate = _id(f"upload:{upload.sha256}" + (f"/{n}" if n else ""))
        try:
            store.source(candidate)
        except NotFound:
            return candidate
    raise AssertionError("there is always one more")


def _source_at(store: Store, url: str, kind: Kind) -> Source:
    """The source of an address, to be read anew: what stays is who cites it, and, for a work
    of the library that ships, its id and its particulars.
    """
    known = store.source_at(url)
    if known is None or known.id == _id(url):
        return Source(_id(url), url, kind=kind, cited_by=known.cited_by if known else ())
    return replace(known, kind=kind if known.kind == "digest" else known.kind, language="")


def _has_original(store: Store, source_id: str) -> bool:
    try:
        return store.source(source_id).kind != "digest"
    except NotFound:
        return False


def _id(url: str) -> str:
    return text_hash(url)[:12]


def failure_reason(error: CorpusError) -> str:
    """Why a document could not be had, without its address, which stands beside it."""
    return error.reason if isinstance(error, FetchFailed) else str(error)
