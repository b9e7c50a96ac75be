"""HTTP transport of both clients: arguments for httpx, timeouts, and translation of its errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from corpus.errors import ServiceUnreachable
from service.client import requests
from service.client.requests import Call
from service.client.streams import ResumableStream

URL = "http://127.0.0.1:8000"
TIMEOUT = 120.0  # seconds without a byte; verifying a long text takes a while
RETRIES = 4  # in a row, of a broken stream: they take four seconds, well within the grace


def http_limits(seconds: float) -> httpx.Timeout:
    """Make the timeouts of a client: ``seconds`` for a reply, at most five to connect."""
    return httpx.Timeout(seconds, connect=min(seconds, 5.0))


def request_arguments(url: str, call: Call[Any], files: requests.Files = ()) -> dict[str, Any]:
    """Return the arguments with which httpx sends a call and the files opened for it."""
    arguments = {"method": call.method, "url": url + call.path, "params": call.params or None}
    if call.method == "POST" and call.body is None:
        return arguments | {"files": files, "data": call.form}
    return arguments if call.body is None else arguments | {"json": call.body}


@contextmanager
def translate_errors(
    url: str, timeout: float, stream: ResumableStream[Any] | None = None
) -> Iterator[None]:
    """Turn network errors into errors of this project that say how to fix them.

    Args:
        url: The address of the service.
        timeout: The client's timeout in seconds, for the message.
        stream: The stream that is being read, if any.

    Raises:
        StreamBroken: The connection broke after a part of the stream had come.
        ServiceUnreachable: Any other network error.
    """
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        slow = isinstance(error, httpx.TimeoutException)
        silent = slow and not isinstance(error, httpx.ConnectTimeout)
        reason = f"silent for {timeout:g} s" if silent else str(error) or type(error).__name__
        if stream is not None and stream.begun:
            raise requests.stream_broken(url, reason) from error
        fix = (
            "raise the timeout, or see what keeps it busy"
            if silent
            else "start it, or correct the address"
        )
        raise ServiceUnreachable(
            url, f"no Tenkyo can be reached at {url} ({reason}): {fix}"
        ) from error
