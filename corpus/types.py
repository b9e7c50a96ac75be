"""Immutable value types of the library: sources, documents, sections, pages and passages.

Offsets count Unicode code points from 0 and always refer to ``Document.text``, the one string that
a document has; spans are half-open, ``text[start:end]``.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Literal

from corpus.document_errors import DocumentProblem, GapProblem

Kind = Literal["article", "paper", "digest", "web", "upload"]

_start = attrgetter("start")


@dataclass(frozen=True, slots=True)
class Source:
    """The metadata of one citable text: its id, address, title, authors, dates and licence.

    Every field but ``id`` and ``url`` is empty where not known.

    Attributes:
        id: the name under which the library keeps it.
        url: where it was read. For a ``digest``, the address of the original.
        kind: what sort of source it is. A ``digest`` is our own summary of a work that could not
            be fetched, and is labelled as such wherever it is shown.
        published: an ISO date, year-month or year.
        language: an ISO 639-1 code.
        cited_by: ids of the sources that link to this one.
        retrieved_at: when it was read, an ISO date-time in UTC.
        version: the SHA-256 of the document's text.
        work: the id of the oldest source that is a text of the same work (a preprint, its
            published version and a translation are one work); its own id where there is no
            other, empty for a source that does not come from a store.
    """

    id: str
    url: str
    title: str = ""
    kind: Kind = "web"
    authors: tuple[str, ...] = ()
    venue: str = ""
    published: str = ""
    language: str = ""
    licence: str = ""
    cited_by: tuple[str, ...] = ()
    retrieved_at: str = ""
    version: str = ""
    work: str = ""

    @property
    def work_key(self) -> str:
        """The id of the work; equal for two sources exactly if they are texts of one work."""
        return self.work or self.id


@dataclass(frozen=True, slots=True)
class Unread:
    """An address or a file that could not be read, with the reason.

    ``place`` is the URL or path, ``tried_at`` an ISO date-time in UTC. ``problem`` is the reason
    as a code for programs, empty where only ``reason`` tells it or an earlier release stored it.
    """

    place: str
    title: str
    reason: str
    tried_at: str
    problem: DocumentProblem = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and the span of text below it, up to the next heading of any level.

    ``start`` is where the heading line itself starts; ``level`` is 1 for the outermost.
    """

    heading: str
    level: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class PageSpan:
    """The span of a document's text that one printed page holds; ``number`` counts from 1.

    ``ocr`` is set where the text was recognised in an image of the page and may have misread
    letters.
    """

    number: int
    start: int
    end: int
    ocr: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """A printed page without readable text; ``GAP_REASONS`` has its problem in words."""

    page: int
    problem: GapProblem


@dataclass(frozen=True, slots=True)
class Link:
    """A hyperlink in a document: its absolute URL and the text that it is shown with."""

    url: str
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """The text of a source, with the spans of its sections and pages, and its links.

    ``gaps`` are the printed pages that are missing from the text; they are known only when the
    document has just been read, and are not stored.
    """

    source: Source
    text: str
    sections: tuple[Section, ...] = ()
    pages: tuple[PageSpan, ...] = ()
    links: tuple[Link, ...] = ()
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """A span of a document's text, a few sentences long: the unit of search and of evidence.

    ``document.text[start:end] == text`` always holds. ``heading`` is the chain of headings
    above it, outermost first, joined by `` › ``; ``page`` is the printed page on which it
    starts, or None. ``id`` is made by ``passage_id``.
    """

    id: str
    source_id: str
    start: int
    end: int
    text: str
    heading: str = ""
    page: int | None = None


def page_at(pages: Sequence[PageSpan], offset: int) -> PageSpan | None:
    """Find the page of a document on which an offset of its text lies; None if it has none."""
    at = bisect_right(pages, offset, key=_start) - 1
    return pages[at] if at >= 0 else None


def pages_between(pages: Sequence[PageSpan], start: int, end: int) -> Sequence[PageSpan]:
    """Find the pages of a document on which a span of its text lies, in order."""
    first = max(bisect_right(pages, start, key=_start) - 1, 0)
    return pages[first : bisect_left(pages, end, key=_start)]


def text_hash(text: str) -> str:
    """Compute the SHA-256 of a text in hexadecimal; lone surrogates are hashed as they stand."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def passage_id(source_id: str, document_hash: str, start: int, end: int) -> str:
    """Make the id of a passage from its source, its document's hash and its span.

    The same words at the same offsets are the same passage; two sources with the same text have
    different passages. No model plays a part, so ids survive a change of the embedder.

    Returns:
        16 hexadecimal digits.
    """
    return text_hash(f"{source_id}\0{document_hash}\0{start}\0{end}")[:16]
