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
from typing import Literal, Self, TypeVar, cast

import httpx

from corpus.errors import ServiceFailed, ServiceUnreachable, StreamBroken
from service.client import requests
from service.client.async_client import AsyncClient
from service.client.requests import Call
from service.client.routes import BlockingRoutes
from service.client.streams import JobNews, ResumableStream, answer_stream, job_stream
from service.client.transport import (
    RETRIES,
    TIMEOUT,
    URL,
    http_limits,
    request_arguments,
    translate_errors,
)
from service.ingestion.job_store import Job
from service.types import Answer, Event

E = TypeVar("E")
T = TypeVar("T")

__all__ = ["AsyncClient", "Client"]


class Client(BlockingRoutes):
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
        self._http = httpx.Client(timeout=http_limits(timeout), transport=transport)

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
        call = requests.answer(
            question, conversation_id=conversation_id, source_ids=source_ids, mode=mode
        )
        *_, last = self._events(answer_stream(self.url, call, self._retries))
        return cast(Answer, last.data)

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
        call = requests.answer(
            question, conversation_id=conversation_id, source_ids=source_ids, mode=mode
        )
        yield from self._events(answer_stream(self.url, call, self._retries))

    def watch(self, job: Job | str) -> Iterator[JobNews]:
        """What happens in a job, named by its id, until it has ended; the last one is the job.
        Taken up like the stream of an answer.
        """
        yield from self._events(job_stream(self.url, requests.id_of(job), self._retries))

    def _call(self, call: Call[T]) -> T:
        for failed in count():
            with translate_errors(self.url, self._timeout), call.opened() as files:
                response = self._http.request(**request_arguments(self.url, call, files))
            try:
                return call.read(self.url, response.status_code, response.content)
            except ServiceFailed as error:
                time.sleep(requests.retry_delay(error, failed, self._retries))
        raise AssertionError("patience ends")

    def _events(self, following: ResumableStream[E]) -> Iterator[E]:
        while not following.ended:
            try:
                yield from self._connected(following)
            except (StreamBroken, ServiceUnreachable, ServiceFailed) as error:
                time.sleep(following.pause(error))

    def _connected(self, following: ResumableStream[E]) -> Iterator[E]:
        """What one connection brings."""
        asked = request_arguments(self.url, following.call) | {"headers": following.headers}
        with (
            translate_errors(self.url, self._timeout, following),
            self._http.stream(**asked) as response,
        ):
            if not following.begin(response.status_code, response.headers.get("content-type", "")):
                raise following.refuse(response.status_code, response.read())
            for data in response.iter_bytes():
                yield from following.feed(data)
                if following.ended:
                    return
            following.close()
