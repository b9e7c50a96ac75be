"""Python client of a running Tenkyo for asyncio, with the methods of ``sync_client.Client``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from itertools import count
from typing import Literal, Self, TypeVar, cast

import httpx

from corpus.errors import ServiceFailed, ServiceUnreachable, StreamBroken
from service.client import requests
from service.client.requests import Call
from service.client.routes import AsyncRoutes
from service.client.streams import JobUpdate, ResumableStream, answer_stream, job_stream
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


class AsyncClient(AsyncRoutes):
    """An asynchronous client: the methods and arguments of ``Client``, awaited.

    Use it in an ``async with``. Close a ``stream`` or ``watch`` that is not read to its end, best
    by ``contextlib.aclosing``.
    """

    def __init__(
        self,
        url: str = URL,
        *,
        timeout: float = TIMEOUT,
        retries: int = RETRIES,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.url, self._timeout, self._retries = url.rstrip("/"), timeout, retries
        self._http = httpx.AsyncClient(timeout=http_limits(timeout), transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def answer(
        self,
        question: str,
        *,
        conversation_id: str | None = None,
        source_ids: Sequence[str] | None = None,
        collections: Sequence[str] | None = None,
        mode: Literal["quoted"] | None = None,
        model: str | None = None,
    ) -> Answer:
        """Answer a question; ``mode`` "quoted" asks no language model, ``model`` names one."""
        call = requests.answer(
            question,
            conversation_id=conversation_id,
            source_ids=source_ids,
            collections=collections,
            mode=mode,
            model=model,
        )
        stream = answer_stream(self.url, call, self._retries)
        *_, last = [event async for event in self._events(stream)]
        return cast(Answer, last.data)

    async def stream(
        self,
        question: str,
        *,
        conversation_id: str | None = None,
        source_ids: Sequence[str] | None = None,
        collections: Sequence[str] | None = None,
        mode: Literal["quoted"] | None = None,
        model: str | None = None,
    ) -> AsyncGenerator[Event, None]:
        """Answer a question, event by event; the last event is the answer."""
        call = requests.answer(
            question,
            conversation_id=conversation_id,
            source_ids=source_ids,
            collections=collections,
            mode=mode,
            model=model,
        )
        async with aclosing(self._events(answer_stream(self.url, call, self._retries))) as events:
            async for event in events:
                yield event

    async def watch(self, job: Job | str) -> AsyncGenerator[JobUpdate, None]:
        """Follow a job, given as a job or its id, until it ends; the last event is the job."""
        async with aclosing(
            self._events(job_stream(self.url, requests.id_of(job), self._retries))
        ) as events:
            async for event in events:
                yield event

    async def _call(self, call: Call[T]) -> T:
        for failed in count():
            with translate_errors(self.url, self._timeout), call.opened() as files:
                response = await self._http.request(**request_arguments(self.url, call, files))
            try:
                return call.read(self.url, response.status_code, response.content)
            except ServiceFailed as error:
                await asyncio.sleep(requests.retry_delay(error, failed, self._retries))
        raise AssertionError("retry_delay raises in the end")

    async def _events(self, stream: ResumableStream[E]) -> AsyncGenerator[E, None]:
        while not stream.ended:
            try:
                async with aclosing(self._connected(stream)) as events:
                    async for event in events:
                        yield event
            except (StreamBroken, ServiceUnreachable, ServiceFailed) as error:
                await asyncio.sleep(stream.pause(error))

    async def _connected(self, stream: ResumableStream[E]) -> AsyncGenerator[E, None]:
        arguments = request_arguments(self.url, stream.call) | {"headers": stream.headers}
        with translate_errors(self.url, self._timeout, stream):
            async with self._http.stream(**arguments) as response:
                kind = response.headers.get("content-type", "")
                if not stream.begin(response.status_code, kind):
                    raise stream.refuse(response.status_code, await response.aread())
                async for data in response.aiter_bytes():
                    for event in stream.feed(data):
                        yield event
                    if stream.ended:
                        return
                stream.close()
