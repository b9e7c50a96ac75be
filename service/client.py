"""A client of a running Tenkyo, plain and asynchronous; each method is one route of its API.

    with Client("http://127.0.0.1:8000") as tenkyo:
        print(tenkyo.answer("How many hours of audio was Whisper trained on?").text)

Whatever goes wrong with the service is a ServiceError: see corpus.errors for the tree. A stream
that breaks is taken up again, and what a service that is busy refused is asked again when it said
that it may be; nothing else is tried twice.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import count
from os import PathLike
from typing import Any, Literal, Self, TypeVar

import httpx

from corpus.errors import ServiceFailed, ServiceUnreachable, StreamBroken
from index.search import Hit
from service import calls
from service.async_client import AsyncClient
from service.calls import Call, Format
from service.conversations import Conversation, Page
from service.factcheck import Checked
from service.feedback import Feedback, Rating
from service.following import Following, JobNews, answering, watching
from service.history_wire import SentShare, WholeConversation
from service.jobs import Job
from service.jobs_wire import Jobs, SentJob
from service.reaching import RETRIES, TIMEOUT, URL, id_of, limits, reached, request
from service.shares import Shared
from service.types import Answer, Event
from service.wire import ListedSource, PassageInContext, SourceText

E = TypeVar("E")
T = TypeVar("T")

__all__ = ["AsyncClient", "Client"]


class Client:
    """Asks the service at ``url``, which may be silent for ``timeout`` seconds.

    A stream that breaks, that of ``answer`` too, is taken up where it was, up to ``retries``
    times in a row. For that the service keeps an answer for twenty seconds for a reader who is
    gone; with 0 it keeps none, and who stops reading stops the work.

    One connection pool for its life: close it, or use it in a ``with``. ``transport`` replaces
    the network, for tests.
    """

    def __init__(
        self,
        url: str = URL,
        *,
        timeout: float = TIMEOUT,
        retries: int = RETRIES,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.url, self._timeout, self._retries = url.rstrip("/"), timeout, retries
        self._http = httpx.Client(timeout=limits(timeout), transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def answer(
        self,
        question: str,
        *,
        conversation_id: str | None = None,
        source_ids: Sequence[str] | None = None,
        mode: Literal["quoted"] | None = None,
    ) -> Answer:
        """The answer to a question; ``mode`` "quoted" asks for no language model."""
        call = calls.answer(question, conversation_id, source_ids, mode)
        *_, last = self._events(answering(self.url, call, self._retries))
        return last.data

    def stream(
        self,
        question: str,
        *,
        conversation_id: str | None = None,
        source_ids: Sequence[str] | None = None,
        mode: Literal["quoted"] | None = None,
    ) -> Iterator[Event]:
        """The events of an answer as they are decided; the last one is the answer.

        A stream that ends before it, and cannot be taken up, raises StreamBroken.
        """
        call = calls.answer(question, conversation_id, source_ids, mode)
        yield from self._events(answering(self.url, call, self._retries))

    def verify(self, text: str, *, source_ids: Sequence[str] | None = None) -> Checked:
        """The sentences of a text, each with its verdict and quotes."""
        return self._call(calls.verify(text, source_ids))

    def receipt(self, answer_id: str) -> dict[str, Any]:
        """The receipt of an answer, as ``tenkyo verify`` takes it."""
        return self._call(calls.receipt(answer_id))

    # The library

    def search(
        self, question: str, k: int = 10, *, source_ids: Sequence[str] | None = None
    ) -> tuple[Hit, ...]:
        """The ``k`` passages nearest to a question, best first."""
        return self._call(calls.search(question, k, source_ids)).hits

    def sources(self) -> tuple[ListedSource, ...]:
        return self._call(calls.sources()).sources

    def source(self, source_id: str) -> SourceText:
        return self._call(calls.source(source_id))

    def passage(self, passage_id: str) -> PassageInContext:
        return self._call(calls.passage(passage_id))

    def remove(self, source_id: str) -> None:
        """Take a source out of the library."""
        self._call(calls.remove(source_id))

    def add_urls(
        self, urls: Sequence[str], *, follow: bool = False, limit: int = 50, depth: int = 1
    ) -> SentJob:
        """Have web addresses read, with ``follow`` also the papers that they link to, at most
        ``limit`` of them, ``depth`` times."""
        return self._call(calls.add_urls(urls, follow, limit, depth))

    def upload(
        self,
        paths: Sequence[str | PathLike[str]],
        *,
        password: str = "",
        source_id: str | None = None,
    ) -> SentJob:
        """Have files read. ``password`` opens encrypted PDFs; with ``source_id`` the one file
        is a new text of that source. CorpusError for a file that cannot be opened."""
        return self._call(calls.upload(paths, password, source_id))

    def job(self, job_id: str) -> SentJob:
        return self._call(calls.job(job_id))

    def jobs(self, limit: int = 20, before: str | None = None) -> Jobs:
        """The newest jobs; ``before``: those that are older than this one."""
        return self._call(calls.jobs(limit, before))

    def watch(self, job: Job | str) -> Iterator[JobNews]:
        """What happens in a job, named by its id, until it has ended; the last one is the job.
        Taken up like the stream of an answer."""
        yield from self._events(watching(self.url, id_of(job), self._retries))

    def cancel(self, job: Job | str) -> SentJob:
        """End a job; what it has read by then stays."""
        return self._call(calls.cancel(id_of(job)))

    # Conversations

    def conversations(self, limit: int = 20, cursor: str | None = None) -> Page:
        """Conversations, the last asked first; ``cursor`` is ``next`` of the page before."""
        return self._call(calls.conversations(limit, cursor))

    def conversation(self, conversation_id: str) -> WholeConversation:
        return self._call(calls.conversation(conversation_id))

    def rename(self, conversation_id: str, title: str) -> Conversation:
        """Give it a title; an empty one brings that of its first question back."""
        return self._call(calls.rename(conversation_id, title))

    def delete_conversation(self, conversation_id: str) -> None:
        self._call(calls.delete_conversation(conversation_id))

    def share(self, conversation_id: str, expires_in: int | None = None) -> SentShare:
        """A link to what was answered until now; it ends in so many seconds, or never."""
        return self._call(calls.share(conversation_id, expires_in))

    def shared(self, token: str) -> Shared:
        """What a link shows."""
        return self._call(calls.shared(token))

    def export(self, conversation_id: str, format: Format = "markdown") -> str:
        """A conversation as Markdown with footnotes, or what it cites as BibTeX."""
        return self._call(calls.export(conversation_id, format))

    def export_answer(self, answer_id: str, format: Format = "markdown") -> str:
        return self._call(calls.export_answer(answer_id, format))

    def feedback(
        self, answer_id: str, rating: Rating, reason: str = "", *, claim: int | None = None
    ) -> Feedback:
        """Rate an answer, or one of its claims, counted from 0."""
        return self._call(calls.feedback(answer_id, rating, reason, claim))

    def related(self, answer_id: str) -> tuple[str, ...]:
        """Questions to go on with, which the library answers."""
        return self._call(calls.related(answer_id)).questions

    def examples(self, language: Literal["en", "ja"] = "en") -> tuple[str, ...]:
        """Questions to begin with, which the library answers."""
        return self._call(calls.examples(language)).questions

    def _call(self, call: Call[T]) -> T:
        for failed in count():
            with reached(self.url, self._timeout), call.opened() as files:
                response = self._http.request(**request(self.url, call, files))
            try:
                return call.read(self.url, response.status_code, response.content)
            except ServiceFailed as error:
                time.sleep(calls.patience(error, failed, self._retries))
        raise AssertionError("patience ends")

    def _events(self, following: Following[E]) -> Iterator[E]:
        while not following.ended:
            try:
                yield from self._connected(following)
            except (StreamBroken, ServiceUnreachable, ServiceFailed) as error:
                time.sleep(following.pause(error))

    def _connected(self, following: Following[E]) -> Iterator[E]:
        """What one connection brings."""
        asked = request(self.url, following.call) | {"headers": following.headers}
        with (
            reached(self.url, self._timeout, following),
            self._http.stream(**asked) as response,
        ):
            if not following.begin(response.status_code, response.headers.get("content-type", "")):
                raise following.refuse(response.status_code, response.read())
            for data in response.iter_bytes():
                yield from following.feed(data)
                if following.ended:
                    return
            following.close()
