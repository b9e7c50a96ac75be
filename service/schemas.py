"""Types of the API's JSON besides ``service.types``, and parsing of JSON into them.

Routes reply with these types or those of ``service.types``; the schemas in ``/openapi.json`` are
made from them, and the Python client parses replies into them.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, TypeVar, cast

from pydantic import TypeAdapter

from corpus.document_errors import DocumentProblem
from corpus.readers.page_reader import Box
from corpus.store.collections import Collection
from corpus.store.versions import Version
from corpus.types import Passage, Source, Unread
from index.ingestion.report import IngestOutcome, Remark
from index.search import Hit
from service.conversations.feedback import Feedback
from service.conversations.shares import Share
from service.ingestion.job_store import Job
from service.judging.service_judge import JudgeStatus
from service.types import Answer, Claim, Decision, Evidence

PageImage = Literal["yes", "no", "gone"]


@dataclass(frozen=True, slots=True)
class ReadItem:
    """The outcome of one document of a job, as in ``index.ingestion.report`` but without links."""

    place: str
    outcome: IngestOutcome
    title: str
    passages: int
    reason: str
    source_id: str
    pages: int
    problem: DocumentProblem = ""  # items of earlier releases lack it, and remarks
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True, slots=True)
class SentJob(Job):
    """A job with the outcomes of its documents so far, in the order in which they were finished."""

    items: tuple[ReadItem, ...] = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Jobs:
    """A page of jobs without items, newest first; ``next`` is ``before`` of the next page."""

    jobs: tuple[Job, ...]
    next: str | None


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SentClaim(Claim):
    """A claim as sent over HTTP: ``supports`` says of its verdict whether it is supported."""

    supports: Decision = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class SentAnswer(Answer):
    """An answer as sent over HTTP, with ``abstained`` besides ``mode``."""

    claims: tuple[SentClaim, ...] = ()
    abstained: bool = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class SentCheck:
    """A verified text as sent over HTTP: an ``answering.factcheck.Checked``."""

    claims: tuple[SentClaim, ...]
    evidence: tuple[Evidence, ...]
    error_rates: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Hits:
    """The passages that a search found, best first."""

    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class ListedSource(Source):
    """A source with its numbers of passages, printed pages and versions."""

    passages: int = field(kw_only=True)
    pages: int = field(kw_only=True)
    versions: int = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Sources:
    """The sources of the library.

    ``unread`` lists documents that could not be read at the last attempt, latest first; ``adds``
    says whether this service accepts new sources.
    """

    sources: tuple[ListedSource, ...]
    unread: tuple[Unread, ...]
    adds: bool


@dataclass(frozen=True, slots=True)
class ListedCollection:
    """A collection: its name, how many sources are in it, and their ids."""

    id: str
    name: str
    sources: int
    source_ids: tuple[str, ...]

    @staticmethod
    def of(collection: Collection) -> ListedCollection:
        """Return a collection as it is listed."""
        ids = collection.source_ids
        return ListedCollection(collection.id, collection.name, len(ids), ids)


@dataclass(frozen=True, slots=True)
class Collections:
    """The collections of the library."""

    collections: tuple[ListedCollection, ...]


@dataclass(frozen=True, slots=True)
class SourceText(Source):
    """A source with the text to which the offsets of passages and quotes refer.

    ``versions`` are the texts that it has or had, newest first.
    """

    text: str = field(kw_only=True)
    versions: tuple[Version, ...] = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class PassageInContext(Passage):
    """A passage with its source and the text before and after it.

    A passage that is not ``current`` is of an earlier version of its source; ``replaced_by`` is
    the id of the passage that has its words now, if any. ``ocr``: a page on which it lies was read
    by OCR. ``page_image``: whether the page can be had as an image; it cannot where the file is
    ``gone``.
    """

    before: str = field(kw_only=True)
    after: str = field(kw_only=True)
    source: Source = field(kw_only=True)
    current: bool = field(kw_only=True)
    replaced_by: str | None = field(kw_only=True)
    ocr: bool = field(kw_only=True)
    page_image: PageImage = field(default="no", kw_only=True)


@dataclass(frozen=True, slots=True)
class PrintedBoxes:
    """Where a span of a PDF's text is printed.

    ``page`` is the page on which it starts, of ``pages`` in all, and ``ratio`` how many times as
    high as wide that page is. ``boxes`` has a rectangle for each printed line, as parts of the
    page's width and height; it is empty where the places of the characters are not known.
    """

    page: int
    pages: int
    ratio: float
    boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class Translation:
    """A quote and its translation; ``text`` and ``model`` are null without a language model."""

    quote: str
    language: str
    text: str | None
    model: str | None


@dataclass(frozen=True, slots=True)
class Health:
    """The reply of the health check."""

    status: str


@dataclass(frozen=True, slots=True)
class Readiness:
    """The reply of the readiness check: models and size of the library.

    ``model`` is null without a language model, and ``judge`` without one that is to judge its
    sentences. ``index_recall`` is the share of the ten nearest vectors that a search finds, 1
    where it compares all of them. ``models`` are those that a question can name, as far as their
    server has said.
    """

    status: str
    model: str | None
    judge: JudgeStatus | None
    embedder: str
    sources: int
    passages: int
    index_revision: str
    index_recall: float
    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProblemDocument:
    """An RFC 9457 problem document; ``detail`` says what is wrong and how to fix it.

    ``retry_after`` is the number of seconds after which to try again, as in the header. ``code``
    is a word for the kind of problem that does not change, unlike the sentences.
    """

    title: str
    status: int
    detail: str
    type: str = "about:blank"
    request_id: str = ""
    retry_after: int | None = None
    code: str = ""


def from_json(kind: type[T], data: bytes | str) -> T:
    """Parse JSON into a value of a dataclass, without converting types.

    Members that the type does not have are ignored: a newer service may send more.

    Raises:
        ValueError: A member is missing or has another type.
    """
    adapter: TypeAdapter[T] = _adapter(cast(Hashable, kind))
    return adapter.validate_json(data, strict=True)


def gives(
    kind: type[Any], status: int = 200, *, stream: str = ""
) -> dict[int | str, dict[str, Any]]:
    """Describe a route's JSON reply for ``/openapi.json``; replies are not validated against it.

    Args:
        kind: The type of the reply.
        status: Its HTTP status.
        stream: The events of the reply where it can be streamed instead; else empty.
    """
    events = {"type": "string", "description": f"server-sent events: {stream}"}
    streamed = {"content": {"text/event-stream": {"schema": events}}} if stream else {}
    return {status: {"model": kind} | streamed}


def gives_file(*kinds: str) -> dict[int | str, dict[str, Any]]:
    """Describe a route's reply for ``/openapi.json``, where it is a file of these media types."""
    content = {kind: {"schema": {"type": "string"}} for kind in kinds}
    return {200: {"description": "A file to save", "content": content}}


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


PROBLEM: dict[str, Any] = {
    "description": "A problem document (RFC 9457)",
    "content": {"application/problem+json": {"schema": _adapter(ProblemDocument).json_schema()}},
}


@dataclass(frozen=True, slots=True)
class WholeConversation:
    """A conversation with its answers, oldest first."""

    id: str
    title: str
    answers: tuple[SentAnswer, ...]
    created_at: str
    last_asked_at: str


@dataclass(frozen=True, slots=True)
class SentShare(Share):
    """A shared link; ``url`` is its path."""

    url: str = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Links:
    """The shared links of a conversation."""

    shares: tuple[SentShare, ...]


@dataclass(frozen=True, slots=True)
class Ratings:
    """The ratings of an answer and its claims."""

    feedback: tuple[Feedback, ...]


@dataclass(frozen=True, slots=True)
class Questions:
    """Suggested questions, which the library answers."""

    questions: tuple[str, ...]
