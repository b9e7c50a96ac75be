"""Requests of the client: one function for each route of the API. No I/O.

Those for collections and conversations are in modules of their own beside this one. Each function
that returns a ``Call`` is also a method of both clients, under the same name: see
``service.client.routes``. ``service.client.streams`` reads the replies that are streams.
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
from service.ingestion.job_store import Job
from service.schemas import (
    Hits,
    Jobs,
    ListedSource,
    PassageInContext,
    PrintedBoxes,
    ProblemDocument,
    SentJob,
    Sources,
    SourceText,
    Translation,
    from_json,
)
from service.types import Answer

T = TypeVar("T")
Files = Sequence[tuple[str, tuple[str, BinaryIO]]]
MAX_RETRY_AFTER = 60  # seconds; an error whose Retry-After is longer is raised


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request to the API, and how to read its reply.

    Attributes:
        kind: The type of the reply; ``str`` or ``bytes`` for a file, ``NoneType`` for no content.
        body: The JSON body, if any.
        form: The fields of a form with files.
        files: The paths of the files to upload.
        part: The field of the reply to return; empty for all of it.
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
        """Read a reply of the service at ``url``; ServiceError if it is an error or unreadable."""
        if not 200 <= status < 300:
            raise problem_error(url, status, data)
        try:
            if self.kind is bytes:
                return cast(T, data)
            if self.kind is str:
                return cast(T, data.decode())
            reply = from_json(self.kind, data or b"null")
            return cast(T, getattr(reply, self.part) if self.part else reply)
        except ValueError as error:
            raise unreadable_reply(url, f"{self.method} {self.path}") from error

    @contextmanager
    def opened(self) -> Iterator[Files]:
        """Open the files while they are sent; CorpusError if one cannot be opened."""
        with ExitStack() as stack:
            yield [("files", (path.name, stack.enter_context(_open(path)))) for path in self.files]


def answer(
    question: str,
    *,
    conversation_id: str | None = None,
    source_ids: Sequence[str] | None = None,
    collections: Sequence[str] | None = None,
    mode: Literal["quoted"] | None = None,
    model: str | None = None,
) -> Call[Answer]:
    """Answer a question; ``mode`` "quoted" asks no language model, ``model`` names one."""
    scope = {"source_ids": source_ids, "collections": collections}
    asked = {"conversation_id": conversation_id, "mode": mode, "model": model, **scope}
    return Call("POST", "/v1/answers", Answer, body={"question": question, **without_none(asked)})


def search(
    question: str,
    k: int = 10,
    *,
    source_ids: Sequence[str] | None = None,
    collections: Sequence[str] | None = None,
) -> Call[tuple[Hit, ...]]:
    """Search: the ``k`` passages that match a question best, best first."""
    scope = {"source_id": list(source_ids or ()), "collection": list(collections or ())}
    params = {"q": question, "k": k, **scope}
    return Call("GET", "/v1/search", Hits, params, part="hits")


def verify(
    text: str,
    *,
    source_ids: Sequence[str] | None = None,
    collections: Sequence[str] | None = None,
) -> Call[Checked]:
    """Verify every sentence of a text against the library, with verdicts and quotes."""
    body = {"text": text, **without_none({"source_ids": source_ids, "collections": collections})}
    return Call("POST", "/v1/verify", Checked, body=body)


def receipt(answer_id: str) -> Call[dict[str, Any]]:
    """Get the receipt of an answer, as ``tenkyo verify`` reads it."""
    return Call("GET", f"/v1/answers/{escaped(answer_id)}/receipt", dict[str, Any])


# The library


def sources() -> Call[tuple[ListedSource, ...]]:
    """List the sources of the library."""
    return Call("GET", "/v1/sources", Sources, part="sources")


def source(source_id: str) -> Call[SourceText]:
    """Get a source with its text."""
    return Call("GET", f"/v1/sources/{escaped(source_id)}", SourceText)


def passage(passage_id: str) -> Call[PassageInContext]:
    """Get a passage with the text around it."""
    return Call("GET", f"/v1/passages/{escaped(passage_id)}", PassageInContext)


def page_image(source_id: str, number: int, *, width: int = 1200, version: str = "") -> Call[bytes]:
    """Get a page of a source that is a PDF, as a WebP image; ``number`` counts from 1."""
    path = f"/v1/sources/{escaped(source_id)}/pages/{number}"
    return Call("GET", path, bytes, {"width": width, "version": version})


def boxes(source_id: str, start: int, end: int, *, version: str = "") -> Call[PrintedBoxes]:
    """Find where a span of the text of a source that is a PDF is printed."""
    params = {"start": start, "end": end, "version": version}
    return Call("GET", f"/v1/sources/{escaped(source_id)}/boxes", PrintedBoxes, params)


def translate(
    passage_id: str, start: int, end: int, language: Literal["en", "ja"]
) -> Call[Translation]:
    """Have a quote translated by the service's language model; the translation is not checked.

    Args:
        passage_id: The passage of the quote, as in its citation.
        start: Where the quote begins in the text of its source.
        end: Where it ends.
        language: The language to translate into.
    """
    body = {"passage_id": passage_id, "start": start, "end": end, "language": language}
    return Call("POST", "/v1/translations", Translation, body=body)


def remove(source_id: str) -> Call[None]:
    """Remove a source from the library."""
    return Call("DELETE", f"/v1/sources/{escaped(source_id)}", type(None))


def add_urls(
    urls: Sequence[str],
    *,
    follow: bool = False,
    limit: int = 50,
    depth: int = 1,
    collection: str = "",
) -> Call[SentJob]:
    """Start a job that ingests web addresses.

    Args:
        urls: The addresses.
        follow: Whether to ingest the papers that they link to, too.
        limit: The largest number of papers.
        depth: How many links away from ``urls`` a paper may be.
        collection: The name of the collection to put them in, made if there is none; empty: none.
    """
    followed = {"follow": "papers", "limit": limit, "depth": depth} if follow else {}
    followed |= {"collection": collection} if collection else {}
    return Call("POST", "/v1/sources", SentJob, body={"urls": list(urls), **followed})


def upload(
    paths: Sequence[str | PathLike[str]],
    *,
    password: str = "",
    source_id: str | None = None,
    collection: str = "",
) -> Call[SentJob]:
    """Start a job that uploads and ingests files.

    Args:
        paths: The files.
        password: Opens encrypted PDFs.
        source_id: The source whose text the only file replaces; None to add sources.
        collection: As for ``add_urls``.

    Raises:
        CorpusError: A file cannot be opened.
    """
    given = {"password": password, "source_id": source_id, "collection": collection}
    form = {name: value for name, value in given.items() if value}
    files = tuple(map(Path, paths))
    return Call("POST", "/v1/documents", SentJob, form=form, files=files)


def job(job_id: str) -> Call[SentJob]:
    """Get a job, with its progress and items."""
    return Call("GET", f"/v1/jobs/{escaped(job_id)}", SentJob)


def watch(job: Job | str) -> Call[SentJob]:
    """Follow a job, given as a job or its id, until it ends; the last event is the job."""
    return Call("GET", f"/v1/jobs/{escaped(_id_of(job))}", SentJob)


def jobs(limit: int = 20, before: str | None = None) -> Call[Jobs]:
    """List the newest jobs, or those older than the job with id ``before``."""
    return Call("GET", "/v1/jobs", Jobs, {"limit": limit, **without_none({"before": before})})


def cancel(job: Job | str) -> Call[SentJob]:
    """Cancel a job; what it has ingested stays."""
    return Call("DELETE", f"/v1/jobs/{escaped(_id_of(job))}", SentJob)


# Errors


def problem_error(url: str, status: int, data: bytes) -> ServiceError:
    """Make the error that a problem document describes, or one for an unreadable reply."""
    try:
        problem = from_json(ProblemDocument, data)
    except ValueError:
        return unreadable_reply(url, f"the status {status}")
    kind = ServiceRefused if problem.status < 500 else ServiceFailed
    return kind(url, problem.status, problem.title, problem.detail, problem.retry_after)


def retry_delay(error: ServiceProblem, failed: int, retries: int) -> float:
    """Return the seconds after which to send a refused request again, or raise the error.

    Only a 503 with a Retry-After is worth another try: then the service has done nothing.

    Args:
        error: The service's refusal.
        failed: How often the request was refused before.
        retries: How often to send it again.
    """
    after = error.retry_after
    if error.status != 503 or after is None or after > MAX_RETRY_AFTER or failed >= retries:
        raise error
    return float(after)


def unreadable_reply(url: str, what: str) -> ServiceUnreadable:
    """Make the error for a reply that does not come from a Tenkyo of this version."""
    return ServiceUnreadable(
        url, f"the reply of {url} for {what} is not Tenkyo's: check the address, and its version"
    )


def stream_broken(url: str, reason: str) -> StreamBroken:
    """Make the error for a stream that ended early and cannot be resumed."""
    return StreamBroken(url, f"the stream from {url} broke off ({reason}): ask again")


def escaped(id: str) -> str:
    """Quote an id for the path of a URL."""
    return quote(id, safe="")


def without_none(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values that are not None."""
    return {name: value for name, value in values.items() if value is not None}


def _id_of(job: Job | str) -> str:
    return job if isinstance(job, str) else job.id


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise CorpusError(
            f"{printable_path(path)} cannot be read ({error.strerror}): check the path"
        ) from None
