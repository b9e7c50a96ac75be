"""An HTTP fetcher: a URL to its bytes, within limits of time, size and redirects.

    async with Fetcher() as fetcher:
        fetched = await fetcher.get("https://arxiv.org/abs/2305.14627")

:mod:`corpus.web.ssrf_guard` decides for every request, redirects included, whether its address may
be reached. URLs that a person names are fetched as a browser would; links found in documents are
for :mod:`corpus.web.crawler`. No document is parsed here, except pages that only forward.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType

import httpx

from corpus.document_errors import RedirectFailed, RedirectInvalid, ResponseTooLarge
from corpus.errors import FetchFailed
from corpus.readers.meta_refresh import MAX_FORWARDING_CHARACTERS, forwards_to
from corpus.web.http_cache import HttpCache
from corpus.web.response import Fetched
from corpus.web.ssrf_guard import (
    GuardedTransport,
    Resolve,
    check_form,
    parse_url,
    resolve,
    without_credentials,
)

RequestContext = Callable[[httpx.URL], AbstractAsyncContextManager[None]]
"""A context manager entered around each request to a URL: it may wait, or raise to refuse."""

USER_AGENT = "Tenkyo/0.1 (answer engine that cites its sources)"
MAX_RESPONSE_BYTES = 100_000_000
MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TRANSIENT_STATUSES = frozenset({429, 502, 503, 504})
_STORED_HEADERS = ("etag", "last-modified", "cache-control")
_ADVICE = {
    401: "it needs a login: save the page and ingest the file",
    403: "it refuses programs or needs a login: save the page and ingest the file",
    404: "check the address",
    410: "the page was removed: leave it out",
    429: "too many requests: try again later",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of time, in seconds, and of size, in bytes, for fetching one document.

    Attributes:
        connect: to open a connection.
        read: without a byte received.
        deadline: for all requests of one ``get``, redirects included.
        max_wait: the longest pause before a second try.
        max_bytes: of a body, both as sent and decompressed.
    """

    connect: float = 5.0
    read: float = 15.0
    deadline: float = 60.0
    max_wait: float = 5.0
    max_bytes: int = MAX_RESPONSE_BYTES


LIMITS = Limits()


class TransientFetchFailure(FetchFailed):
    """A failure that may pass: one more try, ``wait`` seconds later, is worthwhile."""

    def __init__(self, url: str, reason: str, status: int | None, wait: float) -> None:
        super().__init__(url, reason, status)
        self.wait = wait


@dataclass(slots=True)
class _FetchAttempt:
    """The state of one call of ``get``; ``seconds_left`` bounds the requests still to come."""

    around: RequestContext
    accept: str
    known: Fetched | None
    seconds_left: float


class Fetcher:
    """An HTTP client that fetches documents; to be used as an async context manager.

    A request that fails for a reason that may pass (429, 502-504, no connection) is retried
    once, after at most ``limits.max_wait`` seconds.

    Args:
        limits: limits of time and size.
        cache: stores documents, which are then transferred again only if they have changed.
        trust_private: whether this machine and its own network may be reached too.
        transport: replaces the network, for tests.
        resolve: replaces the DNS, for tests.
    """

    def __init__(
        self,
        *,
        limits: Limits = LIMITS,
        cache: HttpCache | None = None,
        trust_private: bool = False,
        transport: httpx.AsyncBaseTransport | None = None,
        resolve: Resolve = resolve,
    ) -> None:
        self.limits, self._cache = limits, cache
        # Connections are pooled by address, here the IP: kept alive, one whose certificate was
        # verified for one host would be reused for another host at the same address.
        inner = transport or httpx.AsyncHTTPTransport(
            trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
        )
        self._guard = GuardedTransport(inner, resolve, trust_private)
        self._client = httpx.AsyncClient(
            transport=self._guard,
            timeout=httpx.Timeout(limits.read, connect=limits.connect),
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip"},
            follow_redirects=False,
            # A proxy from the environment would resolve the host itself, bypassing the guard;
            # a .netrc would send the user's passwords along.
            trust_env=False,
        )

    async def __aenter__(self) -> Fetcher:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._client.aclose()

    async def get(
        self, url: str, *, around: RequestContext | None = None, accept: str = ""
    ) -> Fetched:
        """Fetch the document at a URL, following redirects, and from the cache if unchanged.

        Args:
            url: an http or https URL.
            around: entered around each request, redirects included.
            accept: a media type to ask for, instead of the server's choice; such a response is
                not cached.

        Raises:
            AddressInvalid: it is not a valid URL.
            FetchFailed: no document was received.
            AddressRefused: the URL, or one that it redirects to, may not be fetched.
        """
        start = parse_url(url)
        cache = None if accept else self._cache
        known = await asyncio.to_thread(cache.get, url) if cache else None
        attempt = _FetchAttempt(around or _without_waiting, accept, known, self.limits.deadline)
        fetched = await self._get_with_retry(start, attempt)
        if cache and fetched is not known:
            await asyncio.to_thread(cache.put, url, fetched)
        return fetched

    async def check(self, url: str, seconds: float = 3.0) -> None:
        """Check whether a URL is valid and its address allowed, without a request to its server.

        A host whose address is not found within ``seconds`` passes, and fails in ``get``.

        Raises:
            AddressRefused: the URL may not be fetched.
            AddressInvalid: it is not a valid URL.
        """
        try:
            parsed = parse_url(url)
            check_form(parsed)
            async with asyncio.timeout(seconds):
                await self._guard.check(parsed)
        except (TimeoutError, httpx.ConnectError):
            return

    async def _get_with_retry(self, url: httpx.URL, attempt: _FetchAttempt) -> Fetched:
        """Fetch a URL, once more after a transient failure.

        This is one of the project's two retries; the other is around the model call.
        """
        try:
            return await self._follow(url, attempt)
        except TransientFetchFailure as failure:
            if failure.wait > self.limits.max_wait:
                raise
            await asyncio.sleep(failure.wait)
        return await self._follow(url, attempt)

    async def _follow(self, url: httpx.URL, attempt: _FetchAttempt) -> Fetched:
        shown = without_credentials(url)
        for _ in range(MAX_REDIRECTS + 1):
            check_form(url)  # the transport does too, but the client fails on some URLs before it
            async with attempt.around(url):
                answer = await self._request_in_time(url, attempt)
            if isinstance(answer, Fetched):
                return answer
            url = answer
        raise RedirectFailed(shown, f"more than {MAX_REDIRECTS} redirects: check the address")

    async def _request_in_time(self, url: httpx.URL, attempt: _FetchAttempt) -> Fetched | httpx.URL:
        started = time.monotonic()
        try:
            async with asyncio.timeout(attempt.seconds_left):
                return await self._request(url, attempt)
        except TimeoutError:
            reason = f"no complete answer within {self.limits.deadline:g} s: try again later"
            raise FetchFailed(without_credentials(url), reason) from None
        finally:
            attempt.seconds_left -= time.monotonic() - started

    async def _request(self, url: httpx.URL, attempt: _FetchAttempt) -> Fetched | httpx.URL:
        """Send one request; return the document, or the URL that a redirect leads to."""
        shown = without_credentials(url)
        # The cached validators belong to one address: hosts that redirect to it do not get them.
        known = attempt.known if attempt.known and attempt.known.url == shown else None
        headers = {"Accept": attempt.accept} if attempt.accept else {}
        if known and _sendable(known.etag):
            headers["If-None-Match"] = known.etag
        if known and _sendable(known.last_modified):
            headers["If-Modified-Since"] = known.last_modified
        try:
            async with self._client.stream("GET", url, headers=headers) as response:
                if response.status_code in _REDIRECTS and "location" in response.headers:
                    return url.join(response.headers["location"])
                if response.status_code == 304 and known:
                    return known
                if response.status_code != 200:
                    raise self._failure(shown, response)
                data = await self._body(shown, response)
                if target := _forwards_to(shown, response, data):
                    return url.join(target)
                sent = (response.headers.get(name, "") for name in _STORED_HEADERS)
                return Fetched(shown, response.headers.get("content-type", ""), data, *sent)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            reason = str(error) or "nothing answered at that address"
            raise TransientFetchFailure(shown, f"no connection: {reason}", None, 0.2) from error
        except httpx.TimeoutException as error:
            raise FetchFailed(shown, "the server stopped answering: try again later") from error
        except (httpx.InvalidURL, UnicodeError) as error:
            raise RedirectInvalid(shown, error) from error
        except httpx.HTTPError as error:
            if isinstance(error.__context__, httpx.InvalidURL):  # the client parses redirects too
                raise RedirectInvalid(shown, error.__context__) from error
            reason = str(error) or type(error).__name__
            raise FetchFailed(shown, f"the connection broke ({reason}): try again later") from error

    def _failure(self, shown: str, response: httpx.Response) -> FetchFailed:
        status = response.status_code
        reason = f"the server answered {status} {response.reason_phrase}".rstrip()
        if status in _ADVICE:
            reason += f" ({_ADVICE[status]})"
        if status in _TRANSIENT_STATUSES:
            wait = _seconds(response.headers.get("retry-after", ""))
            return TransientFetchFailure(shown, reason, status, wait)
        return FetchFailed(shown, reason, status)

    async def _body(self, shown: str, response: httpx.Response) -> bytes:
        """Read the decompressed body, with never more than ``max_bytes`` of it in memory."""
        too_large = ResponseTooLarge(shown, self.limits.max_bytes)
        declared = response.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self.limits.max_bytes:
            raise too_large
        encoding = response.headers.get("content-encoding", "").strip().lower()
        if encoding not in ("", "identity", "gzip", "x-gzip"):
            raise FetchFailed(shown, f"it came in an encoding not asked for, {encoding}", 200)
        chunks = response.aiter_raw()
        chunks = _gunzip(chunks, self.limits.max_bytes) if encoding.endswith("gzip") else chunks
        data = bytearray()
        try:
            async for chunk in chunks:
                data += chunk
                if len(data) > self.limits.max_bytes:
                    raise too_large
        except (zlib.error, EOFError) as error:
            raise FetchFailed(shown, f"its compressed body is damaged ({error})", 200) from error
        return bytes(data)


def _forwards_to(shown: str, response: httpx.Response, data: bytes) -> str:
    """Return the address that an HTML page without other content forwards to, or ""."""
    if (
        "html" not in response.headers.get("content-type", "")
        or len(data) > MAX_FORWARDING_CHARACTERS
    ):
        return ""
    return forwards_to(data.decode("utf-8", "replace"), shown)


def _sendable(value: str) -> bool:
    """Return whether a received header value may be sent back; some servers send Latin-1."""
    return bool(value) and value.isascii() and value.isprintable()


def _without_waiting(url: httpx.URL) -> AbstractAsyncContextManager[None]:
    return nullcontext()


async def _gunzip(chunks: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    """Decompress a gzip stream of any number of members, at most 1 MiB at a time.

    httpx decodes a whole chunk at once, which lets 64 kB of zeros become 64 MB, or 64 GB when
    the server names the encoding twice.

    Raises:
        zlib.error: the data is damaged, or more than ``limit`` bytes were received.
        EOFError: the stream is incomplete.
    """
    member = zlib.decompressobj(zlib.MAX_WBITS | 16)
    received = 0
    async for chunk in chunks:
        received += len(chunk)
        if received > limit:
            raise zlib.error(f"more than {limit / 1e6:g} MB")
        while chunk:
            if member.eof:
                member = zlib.decompressobj(zlib.MAX_WBITS | 16)
            yield member.decompress(chunk, 1 << 20)
            chunk = member.unused_data if member.eof else member.unconsumed_tail
    if received and not member.eof:
        raise EOFError("cut short")


def _seconds(retry_after: str) -> float:
    """Convert a Retry-After header (seconds or a date) to seconds from now; 1.0 if invalid."""
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        until = parsedate_to_datetime(retry_after)
    except ValueError:
        return 1.0
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())
