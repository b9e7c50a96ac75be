"""What travels over HTTP besides service.types, and JSON back to values.

The routes of service.api.app answer with one of these, or with a value of service.types; their
schemas in /openapi.json are made from them, and service.client.requests reads them again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter

from corpus.store.versions import Version
from corpus.types import Passage, Source, Unread
from index.ingestion.report import IngestOutcome
from index.search import Hit
from service.conversations.feedback import Feedback
from service.conversations.shares import Share
from service.ingestion.job_store import Job
from service.types import Answer


@dataclass(frozen=True, slots=True)
class ReadItem:
    """What became of one document of a job: an Item of index.ingestion.report without its links."""

    place: str
    outcome: IngestOutcome
    title: str
    passages: int
    reason: str
    source_id: str
    pages: int


@dataclass(frozen=True, slots=True)
class SentJob(Job):
    """A job with what became of its documents until now, in the order in which they were done."""

    items: tuple[ReadItem, ...] = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Jobs:
    """Some jobs, newest first, without their items; ``next`` goes in ``before`` for the others."""

    jobs: tuple[Job, ...]
    next: str | None


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SentAnswer(Answer):
    """An Answer as it is sent: whether it abstained is said, not only to be told from ``mode``."""

    abstained: bool = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Hits:
    """The passages nearest to a question, best first."""

    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class ListedSource(Source):
    """A source with what is held of it: passages, printed pages, texts that it has had."""

    passages: int = field(kw_only=True)
    pages: int = field(kw_only=True)
    versions: int = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Sources:
    """``unread`` is what could not be read when it was last tried, the latest first; ``adds``
    tells whether this service takes new sources.
    """

    sources: tuple[ListedSource, ...]
    unread: tuple[Unread, ...]
    adds: bool


@dataclass(frozen=True, slots=True)
class SourceText(Source):
    """A source with its text, which offsets of passages and quotes count in.

    ``versions`` are the texts that it has had, the newest first.
    """

    text: str = field(kw_only=True)
    versions: tuple[Version, ...] = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class PassageInContext(Passage):
    """A passage with its source, and what stands before and after it there.

    One that is not ``current`` is of a former text of its source; ``replaced_by`` is the id of
    the passage that has its words now, if one has. ``ocr``: its page was read by OCR.
    """

    before: str = field(kw_only=True)
    after: str = field(kw_only=True)
    source: Source = field(kw_only=True)
    current: bool = field(kw_only=True)
    replaced_by: str | None = field(kw_only=True)
    ocr: bool = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Health:
    status: str


@dataclass(frozen=True, slots=True)
class Readiness:
    """What is answered from; ``model`` is null where answers are quotes. ``index_recall``: how
    many of the ten nearest vectors a search finds, 1 where it looks at all of them.
    """

    status: str
    model: str | None
    embedder: str
    sources: int
    passages: int
    index_revision: str
    index_recall: float


@dataclass(frozen=True, slots=True)
class ProblemDocument:
    """An RFC 9457 problem document: ``detail`` says what is wrong and how to mend it.

    ``retry_after``: the request may be met so many seconds later, as the header of that name says.
    """

    title: str
    status: int
    detail: str
    type: str = "about:blank"
    request_id: str = ""
    retry_after: int | None = None


def from_json(kind: type[T], data: bytes | str) -> T:
    """A value of a dataclass of this module, of service.types or of corpus.types from its JSON.

    ValueError where something is missing or of another type: nothing is converted or guessed.
    Members that the type does not have are left out: a newer service may say more.
    """
    return _adapter(kind).validate_json(data, strict=True)


def gives(
    kind: type[Any], status: int = 200, *, stream: str = ""
) -> dict[int | str, dict[str, Any]]:
    """What a route replies with, for its schema; the replies themselves are not gone over.

    ``stream`` names the events of one that can be asked for as a stream.
    """
    events = {"type": "string", "description": f"server-sent events: {stream}"}
    streamed = {"content": {"text/event-stream": {"schema": events}}} if stream else {}
    return {status: {"model": kind} | streamed}


def gives_file(*kinds: str) -> dict[int | str, dict[str, Any]]:
    """The same of a route whose reply is a file to save, of one of these media types."""
    content = {kind: {"schema": {"type": "string"}} for kind in kinds}
    return {200: {"description": "A file to save", "content": content}}


@cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


PROBLEM: dict[str, Any] = {
    "description": "A problem document (RFC 9457)",
    "content": {"application/problem+json": {"schema": _adapter(ProblemDocument).json_schema()}},
}


@dataclass(frozen=True, slots=True)
class WholeConversation:
    """A conversation with its answers, oldest first, each as ``GET /v1/answers/{id}`` has it."""

    id: str
    title: str
    answers: tuple[SentAnswer, ...]
    created_at: str
    last_asked_at: str


@dataclass(frozen=True, slots=True)
class SentShare(Share):
    """A link; ``url`` is its path."""

    url: str = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Links:
    shares: tuple[SentShare, ...]


@dataclass(frozen=True, slots=True)
class Ratings:
    feedback: tuple[Feedback, ...]


@dataclass(frozen=True, slots=True)
class Questions:
    """Questions that the library answers."""

    questions: tuple[str, ...]
