"""Python client of a running Tenkyo for asyncio, with the methods of ``sync_client.Client``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from itertools import count
from typing import Any, Self, TypeVar

import httpx

from corpus.errors import ServiceFailed, ServiceUnreachable, StreamBroken
from service.client import requests
from service.client.requests import Call
from service.client.routes import AsyncRoutes
from service.client.streams import ResumableStream, StreamType
from service.client.transport import (
    RETRIES,
    TIMEOUT,
    URL,
    http_limits,
    request_arguments,
    translate_errors,
)

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

    async def _call(self, call: Call[T]) -> T:
        for failed in count():
            with translate_errors(self.url, self._timeout), call.opened() as files:
                response = await self._http.request(**request_arguments(self.url, call, files))
            try:
                return call.read(self.url, response.status_code, response.content)
            except ServiceFailed as error:
                await asyncio.sleep(requests.retry_delay(error, failed, self._retries))
        raise AssertionError("retry_delay raises in the end")

    async def _events(self, call: Call[Any], kind: StreamType[E]) -> AsyncGenerator[E, None]:
        stream = ResumableStream(self.url, call, kind, self._retries)
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
