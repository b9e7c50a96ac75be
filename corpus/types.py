"""Sources, documents and passages: plain frozen values, standard library only.

Offsets are Unicode code points, 0-based, end exclusive, and always refer to
``Document.text``, the one string a document has.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

Kind = Literal["article", "paper", "digest", "web", "upload"]


@dataclass(frozen=True, slots=True)
class Source:
    """A work that can be cited.

    ``kind`` ``digest`` is our own summary of a source that could not be fetched: it says so
    wherever it is shown, and ``url`` leads to the original. ``language`` is an ISO 639-1
    code, ``published`` an ISO date (or year, or year-month), ``retrieved_at`` an ISO date-time
    in UTC, ``version`` the SHA-256 of the document's text; each is empty where not known.
    ``cited_by`` holds ids of the sources that link to this one. ``work`` is the id of the
    source that was there first of those that are texts of one work, such as a preprint, its
    published version and a translation: its own where there is no other; empty for a source
    that was not read from a store.
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
        """What tells whether two sources are texts of one work."""
        return self.work or self.id


@dataclass(frozen=True, slots=True)
class Unread:
    """An address or a file that could not be read, and why; ``tried_at`` is in UTC."""

    place: str
    title: str
    reason: str
    tried_at: str


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
    """The span of text that stands on one printed page; ``number`` counts from 1.

    ``ocr`` where the text was read off a picture of the page: a letter may be another one.
    """

    number: int
    start: int
    end: int
    ocr: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """A printed page of which nothing could be read, and why, with the fix in brackets."""

    page: int
    reason: str


@dataclass(frozen=True, slots=True)
class Link:
    url: str
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """What a source says: its text, and where in the text its sections and pages are.

    ``gaps`` are the pages that are missing from the text, known when it was read.
    """

    source: Source
    text: str
    sections: tuple[Section, ...] = ()
    pages: tuple[PageSpan, ...] = ()
    links: tuple[Link, ...] = ()
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """A span of a document small enough to be read as evidence.

    ``document.text[start:end] == text`` always holds. ``heading`` is the chain of headings
    above it, outermost first, joined by `` › ``; ``page`` is the printed page on which it
    starts, or None.
    """

    id: str
    source_id: str
    start: int
    end: int
    text: str
    heading: str = ""
    page: int | None = None


def text_hash(text: str) -> str:
    """SHA-256 of a text, in hexadecimal; lone surrogates are hashed as they stand."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def passage_id(source_id: str, document_hash: str, start: int, end: int) -> str:
    """16 hexadecimal digits: the same words at the same place are the same passage."""
    return text_hash(f"{source_id}\0{document_hash}\0{start}\0{end}")[:16]
