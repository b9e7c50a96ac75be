"""What the two clients share: how a call goes over httpx, and what the network may raise."""

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
TIMEOUT = 120.0  # seconds that the service may be silent: a long text takes its time
RETRIES = 4  # of a broken stream, in a row: within four seconds, while the service keeps it


def http_limits(seconds: float) -> httpx.Timeout:
    return httpx.Timeout(seconds, connect=min(seconds, 5.0))


def request_arguments(url: str, call: Call[Any], files: requests.Files = ()) -> dict[str, Any]:
    """The arguments of httpx that send a call, and the files that were opened for it."""
    made = {"method": call.method, "url": url + call.path, "params": call.params or None}
    if call.method == "POST" and call.body is None:
        return made | {"files": files, "data": call.form}
    return made if call.body is None else made | {"json": call.body}


@contextmanager
def translate_errors(
    url: str, timeout: float, following: ResumableStream[Any] | None = None
) -> Iterator[None]:
    """What the network may raise, as what is wrong and how to mend it.

    With a stream of which something has come, it is the stream that broke.
    """
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        silent = isinstance(error, httpx.TimeoutException)
        reason = f"silent for {timeout:g} s" if silent else str(error) or type(error).__name__
        if following is not None and following.begun:
            raise requests.stream_broken(url, reason) from error
        fix = (
            "give it longer, or see what it is at" if silent else "start it, or correct the address"
        )
        raise ServiceUnreachable(
            url, f"no Tenkyo can be reached at {url} ({reason}): {fix}"
        ) from error
