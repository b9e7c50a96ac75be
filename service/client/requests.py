"""The API as a client sees it, without a network: requests to build, and replies to read.

Each function that gives a Call is a route, and a method of both clients by the same name: see
``service.client.routes``.

``service.client.sync_client`` sends them, with and without asyncio; ``service.client.streams`` reads streams.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO, Generic, Literal, TypeVar, cast
from urllib.parse import quote

from corpus.errors import (
    CorpusError,
    ServiceError,
    ServiceFailed,
    ServiceProblem,
    ServiceRefused,
    ServiceUnreadable,
    StreamBroken,
)
from corpus.files.files import printable_path
from index.search import Hit
from service.answering.factcheck import Checked
from service.conversations.conversations import Conversation, Page
from service.conversations.feedback import Feedback, Rating
from service.conversations.shares import Shared
from service.ingestion.job_store import Job
from service.schemas import (
    Hits,
    Jobs,
    ListedSource,
    PassageInContext,
    ProblemDocument,
    Questions,
    SentJob,
    SentShare,
    Sources,
    SourceText,
    WholeConversation,
    from_json,
)
from service.types import Answer

T = TypeVar("T")
Files = Sequence[tuple[str, tuple[str, BinaryIO]]]
LONGEST_WAIT = 60  # seconds that a service that is busy may ask to stay away
Format = Literal["markdown", "bibtex"]


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request, and the type of its reply: ``str`` for a file, None for nothing.

    ``files`` are to be sent, beside the fields in ``form``, from where they lie. ``part`` is the
    one field of the reply that is asked for; empty: all of it.
    """

    method: Literal["GET", "POST", "PATCH", "DELETE"]
    path: str
    kind: type[Any]
    params: dict[str, Any] = field(default_factory=dict)
    body: dict[str, Any] | None = None
    form: dict[str, str] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    part: str = ""

    def read(self, url: str, status: int, data: bytes) -> T:
        """The reply of the service at ``url``; ServiceError for one that is none."""
        if not 200 <= status < 300:
            raise problem_error(url, status, data)
        try:
            if self.kind is str:
                return cast(T, data.decode())
            found = from_json(self.kind, data or b"null")
            return cast(T, getattr(found, self.part) if self.part else found)
        except ValueError as error:
            raise unreadable_reply(url, f"{self.method} {self.path}") from error

    @contextmanager
    def opened(self) -> Iterator[Files]:
        """The files, open for as long as they are sent; CorpusError if one cannot be."""
        with ExitStack() as stack:
            yield [("files", (path.name, stack.enter_context(_open(path)))) for path in self.files]


def answer(
    question: str,
    *,
    conversation_id: str | None = None,
    source_ids: Sequence[str] | None = None,
    mode: Literal["quoted"] | None = None,
) -> Call[Answer]:
    """The answer to a question; ``mode`` "quoted" asks for no language model."""
    asked = {"conversation_id": conversation_id, "source_ids": source_ids, "mode": mode}
    return Call("POST", "/v1/answers", Answer, body={"question": question, **_given(asked)})


def search(
    question: str, k: int = 10, *, source_ids: Sequence[str] | None = None
) -> Call[tuple[Hit, ...]]:
    """The ``k`` passages nearest to a question, best first."""
    params = {"q": question, "k": k, "source_id": list(source_ids or ())}
    return Call("GET", "/v1/search", Hits, params, part="hits")


def verify(text: str, *, source_ids: Sequence[str] | None = None) -> Call[Checked]:
    """The sentences of a text, each with its verdict and quotes."""
    body = {"text": text, **_given({"source_ids": source_ids})}
    return Call("POST", "/v1/verify", Checked, body=body)


def receipt(answer_id: str) -> Call[dict[str, Any]]:
    """The receipt of an answer, as ``tenkyo verify`` takes it."""
    return Call("GET", f"/v1/answers/{_quoted(answer_id)}/receipt", dict[str, Any])


# The library


def sources() -> Call[tuple[ListedSource, ...]]:
    """Every source of the library."""
    return Call("GET", "/v1/sources", Sources, part="sources")


def source(source_id: str) -> Call[SourceText]:
    """One source, with its text."""
    return Call("GET", f"/v1/sources/{_quoted(source_id)}", SourceText)


def passage(passage_id: str) -> Call[PassageInContext]:
    """One passage, with what stands around it."""
    return Call("GET", f"/v1/passages/{_quoted(passage_id)}", PassageInContext)


def remove(source_id: str) -> Call[None]:
    """Take a source out of the library."""
    return Call("DELETE", f"/v1/sources/{_quoted(source_id)}", type(None))


def add_urls(
    urls: Sequence[str], *, follow: bool = False, limit: int = 50, depth: int = 1
) -> Call[SentJob]:
    """Have web addresses read, with ``follow`` also the papers that they link to, at most
    ``limit`` of them, ``depth`` times.
    """
    followed = {"follow": "papers", "limit": limit, "depth": depth} if follow else {}
    return Call("POST", "/v1/sources", SentJob, body={"urls": list(urls), **followed})


def upload(
    paths: Sequence[str | PathLike[str]], *, password: str = "", source_id: str | None = None
) -> Call[SentJob]:
    """Have files read. ``password`` opens encrypted PDFs; with ``source_id`` the one file
    is a new text of that source. CorpusError for a file that cannot be opened.
    """
    form = {"password": password} if password else {}
    form |= {"source_id": source_id} if source_id is not None else {}
    files = tuple(map(Path, paths))
    return Call("POST", "/v1/documents", SentJob, form=form, files=files)


def job(job_id: str) -> Call[SentJob]:
    """One job, as far as it is."""
    return Call("GET", f"/v1/jobs/{_quoted(job_id)}", SentJob)


def jobs(limit: int = 20, before: str | None = None) -> Call[Jobs]:
    """The newest jobs; ``before``: those that are older than this one."""
    return Call("GET", "/v1/jobs", Jobs, {"limit": limit, **_given({"before": before})})


def cancel(job: Job | str) -> Call[SentJob]:
    """End a job; what it has read by then stays."""
    return Call("DELETE", f"/v1/jobs/{_quoted(id_of(job))}", SentJob)


# Conversations


def conversations(limit: int = 20, cursor: str | None = None) -> Call[Page]:
    """Conversations, the last asked first; ``cursor`` is ``next`` of the page before."""
    return Call("GET", "/v1/conversations", Page, {"limit": limit, **_given({"cursor": cursor})})


def conversation(conversation_id: str) -> Call[WholeConversation]:
    """A conversation, with its answers."""
    return Call("GET", _conversation(conversation_id), WholeConversation)


def rename(conversation_id: str, title: str) -> Call[Conversation]:
    """Give it a title; an empty one brings that of its first question back."""
    return Call("PATCH", _conversation(conversation_id), Conversation, body={"title": title})


def delete_conversation(conversation_id: str) -> Call[None]:
    """Delete a conversation with its answers."""
    return Call("DELETE", _conversation(conversation_id), type(None))


def share(conversation_id: str, expires_in: int | None = None) -> Call[SentShare]:
    """A link to what was answered until now; it ends in so many seconds, or never."""
    path = f"{_conversation(conversation_id)}/share"
    return Call("POST", path, SentShare, body=_given({"expires_in": expires_in}))


def shared(token: str) -> Call[Shared]:
    """What a link shows."""
    return Call("GET", f"/v1/shared/{_quoted(token)}", Shared)


def export(conversation_id: str, format: Format = "markdown") -> Call[str]:
    """A conversation as Markdown with footnotes, or what it cites as BibTeX."""
    return Call("GET", f"{_conversation(conversation_id)}/export", str, {"format": format})


def export_answer(answer_id: str, format: Format = "markdown") -> Call[str]:
    """An answer as Markdown with footnotes, or what it cites as BibTeX."""
    return Call("GET", f"/v1/answers/{_quoted(answer_id)}/export", str, {"format": format})


def feedback(
    answer_id: str, rating: Rating, reason: str = "", *, claim: int | None = None
) -> Call[Feedback]:
    """Rate an answer, or one of its claims, counted from 0."""
    given = {"answer_id": answer_id, "rating": rating, "reason": reason}
    return Call("POST", "/v1/feedback", Feedback, body=given | _given({"claim": claim}))


def related(answer_id: str) -> Call[tuple[str, ...]]:
    """Questions to go on with, which the library answers."""
    return Call("GET", f"/v1/answers/{_quoted(answer_id)}/related", Questions, part="questions")


def examples(language: Literal["en", "ja"] = "en") -> Call[tuple[str, ...]]:
    """Questions to begin with, which the library answers."""
    return Call("GET", "/v1/examples", Questions, {"language": language}, part="questions")


# What goes wrong


def problem_error(url: str, status: int, data: bytes) -> ServiceError:
    """The error that a problem document is; one that is no such document is unreadable."""
    try:
        found = from_json(ProblemDocument, data)
    except ValueError:
        return unreadable_reply(url, f"the status {status}")
    kind = ServiceRefused if found.status < 500 else ServiceFailed
    return kind(url, found.status, found.title, found.detail, found.retry_after)


def retry_delay(error: ServiceProblem, failed: int, retries: int) -> float:
    """Seconds after which a service that refused a request, and did nothing of it, may meet it;
    raises the error if it said no such thing, or has said so too often.
    """
    after = error.retry_after
    if error.status != 503 or after is None or after > LONGEST_WAIT or failed >= retries:
        raise error
    return float(after)


def unreadable_reply(url: str, what: str) -> ServiceUnreadable:
    return ServiceUnreadable(
        url, f"what {url} sent for {what} is not Tenkyo's: check the address, and its version"
    )


def stream_broken(url: str, reason: str) -> StreamBroken:
    return StreamBroken(url, f"the stream from {url} broke off ({reason}): ask again")


def id_of(job: Job | str) -> str:
    return job if isinstance(job, str) else job.id


def _quoted(id: str) -> str:
    return quote(id, safe="")


def _conversation(id: str) -> str:
    return f"/v1/conversations/{_quoted(id)}"


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise CorpusError(
            f"{printable_path(path)} cannot be read ({error.strerror}): check the path"
        ) from None
