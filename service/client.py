"""A client of a running Tenkyo, plain and asynchronous; each method is one route of its API.

    with Client("http://127.0.0.1:8000") as tenkyo:
        print(tenkyo.answer("How many hours of audio was Whisper trained on?").text)

Whatever goes wrong is a ServiceError: see corpus.errors for the tree. Nothing is retried.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, Self, TypeVar

import httpx

from corpus.errors import ServiceUnreachable
from index.search import Hit
from service import calls
from service.calls import Call, EventReader
from service.factcheck import Checked
from service.types import Answer, Event
from service.wire import ListedSource, PassageInContext, SourceText

T = TypeVar("T")
URL = "http://127.0.0.1:8000"
TIMEOUT = 120.0  # seconds that the service may be silent: a long text takes its time
STREAM = {"Accept": "text/event-stream"}


class Client:
    """Asks the service at ``url``, which may be silent for ``timeout`` seconds.

    One connection pool for its life: close it, or use it in a ``with``. ``transport`` replaces
    the network, for tests.
    """

    def __init__(
        self,
        url: str = URL,
        *,
        timeout: float = TIMEOUT,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.url, self._timeout = url.rstrip("/"), timeout
        self._http = httpx.Client(timeout=_timeout(timeout), transport=transport)

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
        return self._call(calls.answer(question, conversation_id, source_ids, mode))

    def stream(
        self,
        question: str,
        *,
        conversation_id: str | None = None,
        source_ids: Sequence[str] | None = None,
        mode: Literal["quoted"] | None = None,
    ) -> Iterator[Event]:
        """The events of an answer as they are decided; the last one is the answer.

        A stream that ends before it raises StreamBroken. Who stops reading stops the work.
        """
        call = calls.answer(question, conversation_id, source_ids, mode)
        reader = EventReader(self.url)
        with (
            _reached(self.url, self._timeout, reader),
            self._http.stream(**_request(self.url, call), headers=STREAM) as response,
        ):
            if not _is_stream(response):
                raise calls.problem(self.url, response.status_code, response.read())
            for data in response.iter_bytes():
                yield from reader.feed(data)
                if reader.ended:
                    return
            reader.close()

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

    def verify(self, text: str, *, source_ids: Sequence[str] | None = None) -> Checked:
        """The sentences of a text, each with its verdict and quotes."""
        return self._call(calls.verify(text, source_ids))

    def receipt(self, answer_id: str) -> dict[str, Any]:
        """The receipt of an answer, as ``tenkyo verify`` takes it."""
        return self._call(calls.receipt(answer_id))

    def _call(self, call: Call[T]) -> T:
        with _reached(self.url, self._timeout):
            response = self._http.request(**_request(self.url, call))
        return call.read(self.url, response.status_code, response.content)


class AsyncClient:
    """``Client`` for asyncio: the same methods, awaited; use it in an ``async with``."""

    def __init__(
        self,
        url: str = URL,
        *,
        timeout: float = TIMEOUT,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.url, self._timeout = url.rstrip("/"), timeout
        self._http = httpx.AsyncClient(timeout=_timeout(timeout), transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._http.aclose()

    async def answer(
        self,
        question: str,
        *,
        conversation_id: str | None = None,
        source_ids: Sequence[str] | None = None,
        mode: Literal["quoted"] | None = None,
    ) -> Answer:
        return await self._call(calls.answer(question, conversation_id, source_ids, mode))

    async def stream(
        self,
        question: str,
        *,
        conversation_id: str | None = None,
        source_ids: Sequence[str] | None = None,
        mode: Literal["quoted"] | None = None,
    ) -> AsyncIterator[Event]:
        """As ``Client.stream``; who stops early closes it, best by ``contextlib.aclosing``."""
        call = calls.answer(question, conversation_id, source_ids, mode)
        reader = EventReader(self.url)
        with _reached(self.url, self._timeout, reader):
            async with self._http.stream(**_request(self.url, call), headers=STREAM) as response:
                if not _is_stream(response):
                    raise calls.problem(self.url, response.status_code, await response.aread())
                async for data in response.aiter_bytes():
                    for event in reader.feed(data):
                        yield event
                    if reader.ended:
                        return
                reader.close()

    async def search(
        self, question: str, k: int = 10, *, source_ids: Sequence[str] | None = None
    ) -> tuple[Hit, ...]:
        return (await self._call(calls.search(question, k, source_ids))).hits

    async def sources(self) -> tuple[ListedSource, ...]:
        return (await self._call(calls.sources())).sources

    async def source(self, source_id: str) -> SourceText:
        return await self._call(calls.source(source_id))

    async def passage(self, passage_id: str) -> PassageInContext:
        return await self._call(calls.passage(passage_id))

    async def verify(self, text: str, *, source_ids: Sequence[str] | None = None) -> Checked:
        return await self._call(calls.verify(text, source_ids))

    async def receipt(self, answer_id: str) -> dict[str, Any]:
        return await self._call(calls.receipt(answer_id))

    async def _call(self, call: Call[T]) -> T:
        with _reached(self.url, self._timeout):
            response = await self._http.request(**_request(self.url, call))
        return call.read(self.url, response.status_code, response.content)


def _timeout(seconds: float) -> httpx.Timeout:
    return httpx.Timeout(seconds, connect=min(seconds, 5.0))


def _is_stream(response: httpx.Response) -> bool:
    return calls.is_stream(response.status_code, response.headers.get("content-type", ""))


def _request(url: str, call: Call[Any]) -> dict[str, Any]:
    made = {"method": call.method, "url": url + call.path, "params": call.params or None}
    return made if call.body is None else made | {"json": call.body}


@contextmanager
def _reached(url: str, timeout: float, reader: EventReader | None = None) -> Iterator[None]:
    """What the network may raise, as what is wrong and how to mend it.

    With a ``reader`` to which something has come, it is the stream that broke.
    """
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        silent = isinstance(error, httpx.TimeoutException)
        reason = f"silent for {timeout:g} s" if silent else str(error) or type(error).__name__
        if reader is not None and reader.begun:
            raise calls.broken(url, reason) from error
        fix = (
            "give it longer, or see what it is at" if silent else "start it, or correct the address"
        )
        raise ServiceUnreachable(
            url, f"no Tenkyo can be reached at {url} ({reason}): {fix}"
        ) from error
