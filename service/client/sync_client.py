"""Python client of a running Tenkyo; each method is one route of its API.

    with Client("http://127.0.0.1:8000") as tenkyo:
        print(tenkyo.answer("How many hours of audio was Whisper trained on?").text)

All errors of the service are ServiceErrors: see ``corpus.errors``. A broken stream is resumed, and
a request that a busy service refused is sent again after the time in its Retry-After; nothing else
is tried twice.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import count
from typing import Any, Self, TypeVar

import httpx

from corpus.errors import ServiceFailed, ServiceUnreachable, StreamBroken
from service.client import requests
from service.client.async_client import AsyncClient
from service.client.requests import Call
from service.client.routes import BlockingRoutes
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

__all__ = ["AsyncClient", "Client"]


class Client(BlockingRoutes):
    """A synchronous client with its own connection pool: close it, or use it in a ``with``.

    With retries, the service goes on making an answer for twenty seconds without its reader;
    without, whoever stops reading ends the work.

    Args:
        url: The address of the service.
        timeout: The seconds for which the service may be silent.
        retries: How often in a row a broken stream is resumed, that of ``answer`` included.
        transport: Replaces the network, for tests.
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
        """Close the connections."""
        self._http.close()

    def _call(self, call: Call[T]) -> T:
        for failed in count():
            with translate_errors(self.url, self._timeout), call.opened() as files:
                response = self._http.request(**request_arguments(self.url, call, files))
            try:
                return call.read(self.url, response.status_code, response.content)
            except ServiceFailed as error:
                time.sleep(requests.retry_delay(error, failed, self._retries))
        raise AssertionError("retry_delay raises in the end")

    def _events(self, call: Call[Any], kind: StreamType[E]) -> Iterator[E]:
        stream = ResumableStream(self.url, call, kind, self._retries)
        while not stream.ended:
            try:
                yield from self._connected(stream)
            except (StreamBroken, ServiceUnreachable, ServiceFailed) as error:
                time.sleep(stream.pause(error))

    def _connected(self, stream: ResumableStream[E]) -> Iterator[E]:
        """Give the events of one connection."""
        arguments = request_arguments(self.url, stream.call) | {"headers": stream.headers}
        with (
            translate_errors(self.url, self._timeout, stream),
            self._http.stream(**arguments) as response,
        ):
            if not stream.begin(response.status_code, response.headers.get("content-type", "")):
                raise stream.refuse(response.status_code, response.read())
            for data in response.iter_bytes():
                yield from stream.feed(data)
                if stream.ended:
                    return
            stream.close()
