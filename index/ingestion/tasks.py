"""Ingestion tasks: each loads the bytes of one document and says which source they belong to."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from corpus.document_errors import AddressInvalid, DocumentProblem, PageWithoutText, problem_of
from corpus.errors import AddressRefused, CorpusError, FetchFailed, NotFound
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

MIN_ORIGINAL_CHARACTERS = 1500  # a login or consent page, which answers 200, has fewer


@dataclass(frozen=True, slots=True)
class LoadedDocument:
    """The bytes of a document that a task loaded, and the source that they belong to.

    Attributes:
        source: The source.
        outcome: What the report will say; ``kept``: the stored text stays, and there are no bytes.
        data: The bytes.
        content_type: Their media type, if the server named one.
        reason: Why it is not the original, or what was stored before, for the report.
        problem: The same as a code for programs.
        min_characters: A shorter text is not the document, but, say, a login page.
        found_at: Where redirects ended, from which relative links are resolved, or the name of an
            uploaded file; empty for the source's own address.
        password: Opens an encrypted PDF.
    """

    source: Source
    outcome: Literal["fetched", "read", "digest", "kept"]
    data: bytes = b""
    content_type: str = ""
    reason: str = ""
    problem: DocumentProblem = ""
    min_characters: int = 0
    found_at: str = ""
    password: str = ""


@dataclass(frozen=True, slots=True)
class IngestTask:
    """A document to ingest, with the functions that load it.

    Attributes:
        place: Its name in the report: an address or a path.
        load: Loads its bytes.
        fallback: Loads something else, given the error of ``load`` or of the reader.
        uploaded: Whether it is an uploaded file, which a command line cannot name.
    """

    place: str
    load: Callable[[], Awaitable[LoadedDocument]]
    fallback: Callable[[CorpusError], Awaitable[LoadedDocument]] | None = None
    uploaded: bool = False


@dataclass(frozen=True, slots=True)
class FileSelection:
    """A selection of the files in folders to ingest.

    Attributes:
        include: Patterns that a file must match, as for ``corpus.files.files.list_files``.
        exclude: Patterns that it must not match.
        password: Opens encrypted PDFs among them.
    """

    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    password: str = ""


ALL_FILES = FileSelection()


def place_tasks(
    store: Store, places: Iterable[str], fetcher: Fetcher, selection: FileSelection
) -> tuple[list[IngestTask], list[Item]]:
    """Turn URLs, files and folders, as a person writes them, into tasks, one for each document.

    Returns:
        The tasks, and failed items for places without a document.
    """
    urls: dict[str, None] = {}
    files: dict[Path, Path] = {}
    failed: list[Item] = []
    for place in places:
        if "://" in place:
            if refused := refusal_reason(place):
                failed.append(refused_item(refused))
            else:
                urls[canonical_url(place)] = None
            continue
        if (url := meant_url(place)) and not os.path.lexists(place):
            reason = f"{printable_path(place)} does not exist: did you mean {printable_path(url)}?"
            failed.append(Item(printable_path(place), "failed", reason=reason))
            continue
        try:
            found = list(list_files([Path(place)], selection.include, selection.exclude))
            if not found:
                raise CorpusError(
                    f"{printable_path(place)} holds no files to read: name a folder that does"
                )
            files |= {path.resolve(): path for path in found}
        except CorpusError as error:
            failed.append(Item(printable_path(place), "failed", reason=str(error)))
    tasks = [_url_task(store, url, fetcher) for url in urls]
    return tasks + [_file_task(store, path, selection.password) for path in files.values()], failed


def library_task(store: Store, entry: CatalogueEntry, fetcher: Fetcher) -> IngestTask:
    """Make a task for a work of the library that ships: its original or, if that fails, digest.

    An original that ships with its work is read from there; others are fetched.
    """

    async def load() -> LoadedDocument:
        if entry.text_path is not None:
            data = await asyncio.to_thread(entry.text_path.read_bytes)
            return LoadedDocument(entry.source, "read", data, "text/markdown")
        if not entry.fetch_url:
            raise PageWithoutText("its page is an application, without text to read")
        page = await fetcher.get(entry.fetch_url)
        return LoadedDocument(
            entry.source,
            "fetched",
            page.data,
            page.content_type,
            min_characters=MIN_ORIGINAL_CHARACTERS,
        )

    async def fallback(error: CorpusError) -> LoadedDocument:
        reason, problem = failure_reason(error), problem_of(error)
        if await asyncio.to_thread(_has_original, store, entry.source.id):
            return LoadedDocument(entry.source, "kept", reason=reason, problem=problem)
        source, data = await asyncio.to_thread(entry.digest)
        return LoadedDocument(source, "digest", data, "text/markdown", reason, problem)

    return IngestTask(entry.source.url, load, fallback)


def paper_task(
    store: Store, paper: Paper, get: DocumentGetter, kind: Kind, citing: Sequence[str] = ()
) -> IngestTask:
    """Make a task for a paper: its PDF or, where that cannot be read, its landing page.

    Args:
        store: The store, which may know the paper already.
        paper: The paper.
        get: Fetches a URL.
        kind: The kind of source that a new paper becomes.
        citing: The ids of sources that link to it.
    """
    shortfall = ""

    async def load() -> LoadedDocument:
        nonlocal shortfall
        found = await resolve_paper(paper, get)
        metadata, text, shortfall = found.metadata, found.text, found.shortfall
        source = await asyncio.to_thread(_source_at, store, paper.url, kind)
        source = replace(
            source,
            title=source.title or metadata.title,
            authors=source.authors or metadata.authors,
            venue=source.venue or metadata.venue,
            published=source.published or metadata.published,
            cited_by=tuple(dict.fromkeys([*source.cited_by, *citing])),
        )
        loaded = LoadedDocument(source, "fetched", text.data, text.content_type)
        if not shortfall:
            return loaded
        return replace(
            loaded,
            reason=shortfall,
            problem="no pdf",
            min_characters=MIN_ORIGINAL_CHARACTERS,
            found_at=text.url,
        )

    async def fallback(error: CorpusError) -> LoadedDocument:
        reason = failure_reason(error)
        reason = f"{shortfall}; its page: {reason}" if shortfall else reason
        known = await asyncio.to_thread(store.source_at, paper.url)
        if known is not None:
            await asyncio.to_thread(store.add_citing, known.id, citing)
            if known.kind != "digest":
                return LoadedDocument(known, "kept", reason=reason, problem=problem_of(error))
        raise CorpusError(reason)

    return IngestTask(paper.url, load, fallback)


def _url_task(store: Store, url: str, fetcher: Fetcher) -> IngestTask:
    known = paper(url)
    if known and known.publisher != "pdf":
        return paper_task(store, known, fetcher.get, "paper")

    async def load() -> LoadedDocument:
        page = await fetcher.get(url)
        source = await asyncio.to_thread(_source_at, store, url, "web")
        # A login page that answers in place of a PDF must not count as a page of its own.
        found_at = "" if known else page.url
        return LoadedDocument(source, "fetched", page.data, page.content_type, found_at=found_at)

    return IngestTask(url, load)


def _file_task(store: Store, path: Path, password: str) -> IngestTask:
    async def load() -> LoadedDocument:
        data = await asyncio.to_thread(read_file, path)
        source = await asyncio.to_thread(_source_at, store, path.resolve().as_uri(), "upload")
        return LoadedDocument(source, "read", data, password=password)

    return IngestTask(printable_path(path), load)


def upload_task(store: Store, uploads: UploadStore, upload: Upload, source_id: str) -> IngestTask:
    """Make a task for an uploaded file.

    An upload is identified by its bytes: the same bytes under another name are the same source.

    Args:
        store: The store.
        uploads: Where the bytes are.
        upload: The file.
        source_id: The source whose text the file replaces; empty for a source of its own. It
            keeps its id, so answers that cite it still lead somewhere; the bytes that it had
            are a new source if they are uploaded again.
    """

    async def load() -> LoadedDocument:
        source = await asyncio.to_thread(_upload_source, store, upload, source_id)
        data = await asyncio.to_thread(uploads.read, upload)
        return LoadedDocument(source, "read", data, found_at=upload.name)

    return IngestTask(printable_path(upload.name), load, uploaded=True)


def _upload_source(store: Store, upload: Upload, source_id: str) -> Source:
    if not source_id:
        known = store.source_with_prefix(upload.place)
        return known or Source(_free_id(store, upload), upload.url, kind="upload")
    try:
        known = store.source(source_id)
    except NotFound:
        raise CorpusError(
            f"the source {source_id!r} was deleted: upload the file without it"
        ) from None
    if known.url.startswith(upload.place):
        return known
    if known.kind == "upload":  # its metadata described the file before
        return Source(known.id, upload.url, kind="upload", cited_by=known.cited_by)
    return replace(known, url=upload.url, kind="upload", language="")


def _free_id(store: Store, upload: Upload) -> str:
    """An id for the bytes; not the usual one if that source was given a new text since."""
    for n in itertools.count():
        candidate = _id(f"upload:{upload.sha256}" + (f"/{n}" if n else ""))
        try:
            store.source(candidate)
        except NotFound:
            return candidate
    raise AssertionError("there is always one more")


def _source_at(store: Store, url: str, kind: Kind) -> Source:
    """The source of an address that is to be read again.

    It keeps who cites it and, for a work of the library that ships, its id and metadata.
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


def refused_item(refused: AddressInvalid | AddressRefused) -> Item:
    """Make the item of an address that is never fetched."""
    return Item(refused.url, "failed", reason=str(refused), problem=problem_of(refused))


def failed_item(task: IngestTask, error: CorpusError) -> Item:
    """Make the item of a document that could not be read."""
    reason, problem = failure_reason(error), problem_of(error)
    if task.uploaded and problem == "password":
        reason = f"{task.place} is encrypted: send it again with its password"
    return Item(task.place, "failed", reason=reason, problem=problem)


def failure_reason(error: CorpusError) -> str:
    """Say why a document could not be loaded, without its address, which the report shows too."""
    return error.reason if isinstance(error, FetchFailed) else str(error)
