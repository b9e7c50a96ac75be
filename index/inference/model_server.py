"""A client of servers that embed or re-rank texts: JSON out, JSON in, one sentence if it fails."""

from __future__ import annotations

import json
import math
import threading
import time
import weakref
from collections.abc import Mapping
from typing import Any

import httpx

from index.inference.model_errors import SearchModelBadOutput, SearchModelUnavailable
from index.inference.server_errors import error_message

_MOST_BYTES = 64_000_000  # of one reply; 32 vectors of 4,096 numbers are about 3 MB
_MENDABLE = frozenset({429, 500, 502, 503, 504})
_MOST_WAIT = 20.0  # seconds between two tries


class ModelServer:
    """A server with a model, whose failures name the setting that mends them; safe for threads.

    Args:
        what: What the model is, such as ``embedding model``.
        settings: The settings with its URL and with the name of its model; that of the key is like
            the first, but for ending in ``KEY``.
        url: The URL below which its API is.
        key: The key that it wants; empty for none.
        timeout: Seconds that an answer may take.
        retries: How often a request is sent again to a server that is overloaded.
    """

    def __init__(
        self,
        what: str,
        settings: tuple[str, str],
        url: str,
        key: str = "",
        *,
        timeout: float,
        retries: int = 0,
    ) -> None:
        self._url = url.rstrip("/")
        self._named = f"the {what} at {_without_secrets(self._url)}"
        (self._url_setting, self._model_setting), self._timeout = settings, timeout
        self._retries, self._key = retries, key
        self._lock = threading.Lock()
        self._model: str | None = None
        self._client = httpx.Client(
            timeout=httpx.Timeout(timeout, connect=min(timeout, 5.0)),
            headers={b"Authorization": f"Bearer {key}".encode()} if key else None,
        )
        weakref.finalize(self, self._client.close)  # it lives as long as the model is used

    @property
    def named(self) -> str:
        """What errors call it: the model and its address, without credentials."""
        return self._named

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Send JSON to a path below the URL and return the JSON of the reply.

        Raises:
            ModelUnavailable: The server cannot be reached, refuses, or is silent for too long;
                ``status`` is what it answered with.
            ModelBadOutput: The reply is not JSON.
        """
        return self._request("POST", path, body)

    def first_model(self) -> str:
        """Return the name of the first model that the server lists; it is asked once.

        Raises:
            ModelUnavailable: It lists none, or cannot be reached.
            ModelBadOutput: The reply is not JSON.
        """
        with self._lock:
            if self._model is None:
                listed = self._request("GET", "/models")
                try:
                    self._model = str(listed["data"][0]["id"])
                except (KeyError, TypeError, IndexError):
                    raise SearchModelUnavailable(
                        f"{self._named} has no models: load one there, or name it in"
                        f" {self._model_setting}"
                    ) from None
            return self._model

    def bad_output(self, problem: str) -> SearchModelBadOutput:
        """Make the error for a reply that is not what was asked for.

        Args:
            problem: What is wrong with the reply, with the fix.
        """
        return SearchModelBadOutput(f"{self._named} {problem}")

    def _request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        response = self._sent(method, path, body)
        for n in range(self._retries):
            if response.status_code not in _MENDABLE:
                break
            time.sleep(_seconds(response.headers.get("retry-after"), 2.0**n))
            response = self._sent(method, path, body)
        if not response.is_success:
            raise self._refusal(response, path)
        try:
            return json.loads(response.content)
        except (ValueError, RecursionError):
            page = "html" in response.headers.get("content-type", "")
            said = "is a web page" if page else "did not answer in JSON"
            raise self.bad_output(
                f"{said}: set {self._url_setting} to the URL of its API, which usually ends in /v1"
            ) from None

    def _sent(self, method: str, path: str, body: Mapping[str, Any] | None) -> httpx.Response:
        """Send a request and read the whole reply, within a limit of bytes and of time."""
        until = time.monotonic() + self._timeout
        try:
            with self._client.stream(method, self._url + path, json=body) as response:
                read = bytearray()
                for piece in response.iter_bytes():
                    read += piece
                    if len(read) > _MOST_BYTES:
                        raise self.bad_output(
                            f"sent more than an answer: check {self._url_setting}"
                        )
                    if time.monotonic() > until:
                        raise httpx.ReadTimeout("")
                return httpx.Response(
                    response.status_code,
                    headers={
                        name: response.headers[name]
                        for name in ("content-type", "retry-after")
                        if name in response.headers
                    },
                    content=bytes(read),
                )
        except (httpx.ReadTimeout, httpx.WriteTimeout, httpx.PoolTimeout):
            raise SearchModelUnavailable(
                f"{self._named} gave no answer within {self._timeout:g} s: see whether it is"
                " overloaded, or use a smaller model"
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError):  # the last: no name of a host
            raise SearchModelUnavailable(
                f"{self._named} cannot be reached: start it, or correct {self._url_setting}"
            ) from None

    def _refusal(self, response: httpx.Response, path: str) -> SearchModelUnavailable:
        status, said = response.status_code, error_message(_decoded(response.content), self._key)
        detail = f": {said}" if said else ""
        if status in (401, 403):
            problem = f"wants another key: set {self._url_setting.removesuffix('URL')}KEY"
        elif status in (404, 405) or 300 <= status < 400:
            problem = (
                f"has no {path}: set {self._url_setting} to the URL of its API, which usually ends"
                f" in /v1, and {self._model_setting} to a model that it has"
            )
        elif status in _MENDABLE:
            problem = "is overloaded or broken: try again later, or see its log"
        else:
            problem = f"refused the texts: check that {self._model_setting} is such a model"
        return SearchModelUnavailable(
            f"{self._named} {problem} (it answered {status}{detail})", status
        )


def _without_secrets(url: str) -> str:
    """Return a URL for messages, without name and password, and without its query."""
    scheme, _, rest = url.partition("?")[0].partition("://")
    place, slash, path = rest.partition("/")
    return f"{scheme}://{place.rpartition('@')[2]}{slash}{path}"


def _decoded(content: bytes) -> object:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _seconds(retry_after: str | None, otherwise: float) -> float:
    try:
        wait = float(retry_after or otherwise)
    except ValueError:
        wait = otherwise
    return min(max(wait, 0.0), _MOST_WAIT) if math.isfinite(wait) else otherwise
