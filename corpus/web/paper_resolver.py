"""Resolution of a paper's URL to its full text and metadata, by way of its landing page.

Publishers describe a paper on its page in ``citation_*`` tags (made for Google Scholar), which also
give the URL of its PDF. Everything is fetched through the function that the caller passes.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urljoin

from lxml import etree
from lxml.html import HtmlElement, HTMLParser, document_fromstring

from corpus.errors import CorpusError
from corpus.library.catalogue import entries
from corpus.links import Paper, paper
from corpus.readers.encoding import decode
from corpus.readers.html_metadata import page_metadata
from corpus.text.blocks import iso_date, one_line
from corpus.types import Source
from corpus.web.http_cache import HttpCache
from corpus.web.response import Fetched

CSL = "application/vnd.citationstyles.csl+json"
_VENUES = ("citation_journal_title", "citation_conference_title", "citation_inbook_title")
_MAX_HEAD = 1_000_000  # characters of a page that are searched for its tags


class DocumentGetter(Protocol):
    """A function that fetches a document, such as ``Fetcher.get`` or ``Crawler.get``."""

    async def __call__(self, url: str, *, accept: str = "") -> Fetched:
        """Fetch a URL; raise CorpusError where that fails."""


@dataclass(frozen=True, slots=True)
class PaperMetadata:
    """The metadata of a paper as its page or registry gives it, each empty where not given.

    ``published`` is an ISO date, year-month or year; ``pdf`` is an absolute URL.
    """

    title: str = ""
    authors: tuple[str, ...] = ()
    venue: str = ""
    published: str = ""
    pdf: str = ""


@dataclass(frozen=True, slots=True)
class ResolvedPaper:
    """A paper's text and metadata.

    ``shortfall`` is the reason why ``text`` is only the landing page; it is empty for a PDF.
    """

    metadata: PaperMetadata
    text: Fetched
    shortfall: str = ""


async def resolve_paper(paper: Paper, get: DocumentGetter) -> ResolvedPaper:
    """Fetch the PDF of a paper, or else its landing page, with its metadata.

    The metadata comes from the page, or from the registry of its DOI where the page has none.

    Args:
        paper: the paper.
        get: fetches documents.

    Raises:
        CorpusError: neither can be fetched; it is the error that ``get`` raised for the page.
    """
    if paper.publisher == "pdf":
        return ResolvedPaper(PaperMetadata(), await get(paper.url))
    page, metadata, failure = None, PaperMetadata(), None
    try:
        page = await get(paper.url)
    except CorpusError as error:
        failure = error
    if page and is_pdf(page):
        return ResolvedPaper(metadata, page)
    if page:
        metadata = await asyncio.to_thread(read_page, page)
    if not metadata.title and paper.publisher == "doi":
        metadata = await _read_registry(paper.url, get)
    shortfall = "its page names no PDF"
    if pdf := metadata.pdf or paper.pdf:
        try:
            text = await get(pdf)
            if is_pdf(text):
                return ResolvedPaper(metadata, text)
            shortfall = f"{pdf} is not a PDF"
        except CorpusError as error:
            shortfall = str(error)
            failure = failure or error
    if page is None:
        raise failure or CorpusError(f"{paper.url} cannot be read: {shortfall}")
    return ResolvedPaper(metadata, page, shortfall)


def is_pdf(fetched: Fetched) -> bool:
    """Return whether a fetched document is a PDF, by its content and not by its header."""
    return b"%PDF-" in fetched.data[:1024]


def read_page(page: Fetched) -> PaperMetadata:
    """Read the metadata of a paper from the ``citation_*`` tags of its landing page.

    Returns:
        The metadata; all empty without a ``citation_title``, since it may be a login page.
    """
    root = _root(decode(page.data, page.content_type) or "")
    if root is None:
        return PaperMetadata()
    tags: dict[str, str] = {}
    for element in root.iter("meta"):
        if value := one_line(element.get("content") or ""):
            tags.setdefault((element.get("name") or "").lower(), value)
    if "citation_title" not in tags:
        return PaperMetadata()
    draft = page_metadata(root)
    return PaperMetadata(
        tags["citation_title"],
        draft.authors,
        next((tags[name] for name in _VENUES if name in tags), ""),
        draft.published,
        _absolute(page.url, tags.get("citation_pdf_url", "")),
    )


def _root(text: str) -> HtmlElement | None:
    try:
        parser = HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
        return document_fromstring(text[:_MAX_HEAD].encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, ValueError):  # no element at all
        return None


def _absolute(base: str, href: str) -> str:
    try:
        return urljoin(base, href) if href else ""
    except ValueError:  # such as http://[
        return ""


async def _read_registry(url: str, get: DocumentGetter) -> PaperMetadata:
    """Fetch the metadata of a DOI from its registry; all empty where it does not answer."""
    try:
        answer = await get(url, accept=CSL)
        data = json.loads(answer.data)
    except (CorpusError, ValueError, RecursionError):
        return PaperMetadata()
    return read_csl(data) if isinstance(data, dict) else PaperMetadata()


def read_csl(data: Mapping[str, Any]) -> PaperMetadata:
    """Read the metadata of a paper from an item in CSL JSON, which the registries of DOIs send."""
    links = (link for link in _list(data.get("link")) if isinstance(link, dict))
    pdfs = (link.get("URL") for link in links if link.get("content-type") == "application/pdf")
    return PaperMetadata(
        _text(data.get("title")),
        tuple(filter(None, map(_person, _list(data.get("author"))))),
        _text(data.get("container-title")),
        _date(data.get("issued")),
        next((url for url in pdfs if isinstance(url, str)), ""),
    )


def _text(value: Any) -> str:
    """Return a string, or the first of a list of strings, as one line."""
    first = next(iter(value), "") if isinstance(value, list) else value
    return one_line(first) if isinstance(first, str) else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _person(value: Any) -> str:
    if not isinstance(value, dict):
        return ""
    parts = [value.get("given"), value.get("family")]
    parts = parts if any(parts) else [value.get("literal") or value.get("name")]
    return one_line(" ".join(part for part in parts if isinstance(part, str)))


def _date(issued: Any) -> str:
    """Convert ``{"date-parts": [[2022, 2, 9]]}`` to an ISO date, year-month or year."""
    parts = issued.get("date-parts") if isinstance(issued, dict) else None
    first = next(iter(_list(parts)), None)
    return iso_date("-".join(str(part) for part in _list(first)[:3]))


def remove_from_cache(source: Source, cache: HttpCache) -> None:
    """Remove what was fetched of a source from the HTTP cache: its page, and the PDF of a paper.

    To be called before ``Store.delete``: a process that is killed between the two leaves a
    source that can be deleted again.
    """
    for url in list(_addresses(source, cache)):
        cache.forget(url)


def _addresses(source: Source, cache: HttpCache) -> Iterator[str]:
    """Yield the URLs from which an ingestion fetches the text of a source."""
    yield source.url
    yield from (e.fetch_url for e in entries() if e.source.id == source.id and e.fetch_url)
    if known := paper(source.url):
        if known.pdf:
            yield known.pdf
        page = cache.get(source.url)
        if page and (pdf := read_page(page).pdf):
            yield pdf
