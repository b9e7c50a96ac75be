"""A URL to its bytes, politely and within bounds. Nothing is parsed here but forwarding pages.

    async with Fetcher() as fetcher:
        fetched = await fetcher.get("https://arxiv.org/abs/2305.14627")

Where a request may go is decided by :mod:`corpus.web.ssrf_guard`, for every hop. What a user names is
fetched as a browser would; links that nobody named are for :mod:`corpus.web.crawler`.
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

from corpus.errors import FetchFailed
from corpus.readers.meta_refresh import MAX_FORWARDING_CHARACTERS, forwards_to
from corpus.web.http_cache import HttpCache
from corpus.web.response import Fetched
from corpus.web.ssrf_guard import (
    GuardedTransport,
    Resolve,
    check_form,
    resolve,
    without_credentials,
)

RequestContext = Callable[[httpx.URL], AbstractAsyncContextManager[None]]
"""Entered around each request, redirects included: it may wait, or raise to refuse."""

USER_AGENT = "Tenkyo/0.1 (answer engine that cites its sources)"
MAX_RESPONSE_BYTES = 100_000_000
MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TRANSIENT_STATUSES = frozenset({429, 502, 503, 504})
_KEPT = ("etag", "last-modified", "cache-control")
_ADVICE = {
    401: "it needs a login: save the page and ingest the file",
    403: "it turns programs away or needs a login: save the page and ingest the file",
    404: "check the address",
    410: "the page was taken down",
    429: "too many requests: try again later",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a document may take to come, in seconds, and how large it may be, in bytes.

    ``connect`` and ``read`` bound single operations, ``deadline`` all requests of one ``get``,
    and ``max_wait`` the pause before a second try. ``max_bytes`` bounds a body both as sent and
    decompressed.
    """

    connect: float = 5.0
    read: float = 15.0
    deadline: float = 60.0
    max_wait: float = 5.0
    max_bytes: int = MAX_RESPONSE_BYTES


LIMITS = Limits()


class TransientFetchFailure(FetchFailed):
    """A failure that one more try, ``wait`` seconds later, may get over."""

    def __init__(self, url: str, reason: str, status: int | None, wait: float) -> None:
        super().__init__(url, reason, status)
        self.wait = wait


@dataclass(slots=True)
class _FetchAttempt:
    """One call of ``get``: ``left`` is how many seconds it may still spend with servers."""

    around: RequestContext
    accept: str
    known: Fetched | None
    left: float


class Fetcher:
    """Fetches documents over one HTTP client; use it as an async context manager.

    A failure that may pass (429, 502-504, no connection) is tried once more, after at most
    ``limits.max_wait`` seconds. ``cache`` keeps what was fetched: it is then asked for only if
    it has changed. ``trust_private`` also allows the user's own machine and network.
    ``transport`` and ``resolve`` replace the network and the DNS, for tests.
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
        # A connection is keyed by address, and here that is the IP: kept alive, one that was
        # verified for one host would be used again for another behind the same address.
        inner = transport or httpx.AsyncHTTPTransport(
            trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
        )
        self._guard = GuardedTransport(inner, resolve, trust_private)
        self._client = httpx.AsyncClient(
            transport=self._guard,
            timeout=httpx.Timeout(limits.read, connect=limits.connect),
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip"},
            follow_redirects=False,
            # A proxy from the environment would resolve the host by itself, behind the
            # guard's back; a .netrc would send the user's passwords along.
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
        """The document at a URL; raises FetchFailed or AddressRefused.

        ``around`` is entered around each request. ``accept`` asks for a media type in place of
        what the server thinks best; such an answer is not kept.
        """
        try:
            start = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise FetchFailed(url, f"this is not a URL ({error})") from None
        cache = None if accept else self._cache
        known = await asyncio.to_thread(cache.get, url) if cache else None
        visit = _FetchAttempt(around or _at_once, accept, known, self.limits.deadline)
        fetched = await self._get_patiently(start, visit)
        if cache and fetched is not known:
            await asyncio.to_thread(cache.put, url, fetched)
        return fetched

    async def check(self, url: str, seconds: float = 3.0) -> None:
        """Raise what ``get`` would, as far as that is known before a server is asked.

        AddressRefused, or FetchFailed for what is no URL. A host whose address cannot be found
        out, within so many seconds, is for ``get`` to speak of.
        """
        try:
            parsed = httpx.URL(url)
            check_form(parsed)
            async with asyncio.timeout(seconds):
                await self._guard.check(parsed)
        except (httpx.InvalidURL, UnicodeError) as error:
            raise FetchFailed(url, f"this is not a URL ({error})") from None
        except (TimeoutError, httpx.ConnectError):
            return

    async def _get_patiently(self, url: httpx.URL, visit: _FetchAttempt) -> Fetched:
        """One of the two retries of this project; the other is around the model call."""
        try:
            return await self._follow(url, visit)
        except TransientFetchFailure as failure:
            if failure.wait > self.limits.max_wait:
                raise
            await asyncio.sleep(failure.wait)
        return await self._follow(url, visit)

    async def _follow(self, url: httpx.URL, visit: _FetchAttempt) -> Fetched:
        shown = without_credentials(url)
        for _ in range(MAX_REDIRECTS + 1):
            check_form(url)  # the transport does too, but the client stumbles before it
            async with visit.around(url):
                answer = await self._request_in_time(url, visit)
            if isinstance(answer, Fetched):
                return answer
            url = answer
        raise FetchFailed(shown, f"more than {MAX_REDIRECTS} redirects, one after the other")

    async def _request_in_time(self, url: httpx.URL, visit: _FetchAttempt) -> Fetched | httpx.URL:
        begun = time.monotonic()
        try:
            async with asyncio.timeout(visit.left):
                return await self._request(url, visit)
        except TimeoutError:
            reason = f"no whole answer within {self.limits.deadline:g} s"
            raise FetchFailed(without_credentials(url), reason) from None
        finally:
            visit.left -= time.monotonic() - begun

    async def _request(self, url: httpx.URL, visit: _FetchAttempt) -> Fetched | httpx.URL:
        """One request: the document, or where a redirect leads."""
        shown = without_credentials(url)
        # What is known is of one address: a host on the way there is not told of it.
        known = visit.known if visit.known and visit.known.url == shown else None
        headers = {"Accept": visit.accept} if visit.accept else {}
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
                sent = (response.headers.get(name, "") for name in _KEPT)
                return Fetched(shown, response.headers.get("content-type", ""), data, *sent)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            reason = str(error) or "nothing answered at that address"
            raise TransientFetchFailure(shown, f"no connection: {reason}", None, 0.2) from error
        except httpx.TimeoutException as error:
            raise FetchFailed(shown, "the server stopped answering: try again later") from error
        except (httpx.InvalidURL, UnicodeError) as error:
            raise FetchFailed(shown, f"it redirects to what is not a URL ({error})") from error
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise FetchFailed(shown, f"the connection broke: {reason}") from error

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
        """The body, decompressed, and never more of it in memory than ``max_bytes``."""
        too_large = FetchFailed(shown, f"it is larger than {self.limits.max_bytes / 1e6:g} MB", 200)
        declared = response.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self.limits.max_bytes:
            raise too_large
        encoding = response.headers.get("content-encoding", "").strip().lower()
        if encoding not in ("", "identity", "gzip", "x-gzip"):
            raise FetchFailed(shown, f"it came in an encoding not asked for, {encoding}", 200)
        chunks = response.aiter_raw()
        if encoding.endswith("gzip"):
            chunks = _gunzip(chunks, self.limits.max_bytes)
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
    """Where an HTML page leads that holds nothing else; its redirect counts as any other."""
    if (
        "html" not in response.headers.get("content-type", "")
        or len(data) > MAX_FORWARDING_CHARACTERS
    ):
        return ""
    return forwards_to(data.decode("utf-8", "replace"), shown)


def _sendable(value: str) -> bool:
    """Whether a header that was received may be sent back; other people's may be in Latin-1."""
    return bool(value) and value.isascii() and value.isprintable()


def _at_once(url: httpx.URL) -> AbstractAsyncContextManager[None]:
    return nullcontext()


async def _gunzip(chunks: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    """Decompress a gzip stream of any number of members, a bounded piece at a time.

    httpx decodes a whole chunk at once, which lets 64 kB of zeros become 64 MB, or 64 GB when
    the server names the encoding twice. Raises zlib.error, EOFError when it is cut short.
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
    """A Retry-After header, seconds or a date, as seconds from now; 1 where it says nothing."""
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        until = parsedate_to_datetime(retry_after)
    except ValueError:
        return 1.0
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())
