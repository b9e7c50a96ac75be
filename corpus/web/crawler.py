"""A crawler: fetches links within rate limits per host and according to robots.txt (RFC 9309).

    crawler = Crawler(fetcher)
    fetched = await crawler.get("https://aclanthology.org/2020.acl-main.447/")

A URL that a person names is fetched by :class:`corpus.web.fetcher.Fetcher` itself, regardless of
robots.txt, as ``wget`` or a browser does. Links found in documents are followed by the crawler:
each request, redirects included, is checked against the site's robots.txt and waits for its slot.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
from protego import Protego

from corpus.document_errors import FetchForbidden, HostNotNamed
from corpus.errors import AddressRefused, FetchFailed
from corpus.web.fetcher import USER_AGENT, Fetcher, TransientFetchFailure
from corpus.web.response import Fetched
from corpus.web.ssrf_guard import without_credentials

ROBOTS_AGENT = USER_AGENT.partition("/")[0]
CRAWL_DELAY = 1.0  # seconds between two requests to one host
MAX_CRAWL_DELAY = 30.0  # seconds; the longest Crawl-delay of a robots.txt that is respected
MAX_WAIT = 60.0  # seconds of Retry-After to wait, to be set as ``max_wait`` of the Fetcher

_MAX_ROBOTS = 512_000  # bytes; RFC 9309 requires at least 500 KiB


@dataclass(slots=True)
class _Host:
    slot: asyncio.Lock = field(default_factory=asyncio.Lock)
    free_at: float = 0.0  # by time.monotonic
    pause: float = 0.0


class Crawler:
    """Fetches links: one request at a time per host, with a pause after each.

    All links to a host wait while its ``Retry-After`` asks for a pause; if that is longer than
    the fetcher's ``limits.max_wait``, they fail at once. robots.txt is read once per site; as
    RFC 9309 says, everything is allowed where it is missing (4xx), and nothing where the site
    does not answer (5xx, 429, no connection). To be used from one event loop.

    Args:
        fetcher: sends the requests.
        hosts: if any, only these hosts and their subdomains are requested.
        pause: seconds between two requests to a host, unless its robots.txt asks for more.
        max_pause: the longest ``Crawl-delay`` of a robots.txt that is respected, in seconds.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        *,
        hosts: Sequence[str] = (),
        pause: float = CRAWL_DELAY,
        max_pause: float = MAX_CRAWL_DELAY,
    ) -> None:
        self._fetcher, self._allowed = fetcher, tuple(host.lower() for host in hosts)
        self._pause, self._max_pause = pause, max_pause
        self._hosts: dict[str, _Host] = {}
        self._rules: dict[str, asyncio.Task[Protego]] = {}

    def allows_host(self, host: str) -> bool:
        """Return whether a host may be requested: it is one of ``hosts`` or a subdomain of one."""
        return not self._allowed or any(f".{host}".endswith(f".{each}") for each in self._allowed)

    async def get(self, url: str, *, accept: str = "") -> Fetched:
        """Fetch the document at a URL as soon as its host's rate limit and robots.txt allow.

        Raises:
            FetchFailed: it cannot be fetched, or robots.txt forbids it.
            AddressRefused: its address is not on the public internet.
        """
        return await self._fetcher.get(url, around=self._limited, accept=accept)

    @asynccontextmanager
    async def _limited(self, url: httpx.URL) -> AsyncIterator[None]:
        """Wait for the slot of a URL's host, or raise if its robots.txt forbids the URL."""
        shown = without_credentials(url)
        self._check_bounds(url)
        try:
            rules = await self._rules_of(url)
        except AddressRefused as refused:
            raise type(refused)(shown, refused.reason) from None  # of the page that was asked for
        if not rules.can_fetch(str(url), ROBOTS_AGENT):
            reason = "its robots.txt forbids crawlers: save the page and ingest the file"
            raise FetchForbidden(shown, reason)
        host = self._host(url)
        host.pause = min(max(host.pause, rules.crawl_delay(ROBOTS_AGENT) or 0.0), self._max_pause)
        async with self._slot(url):
            yield

    @asynccontextmanager
    async def _slot(self, url: httpx.URL) -> AsyncIterator[None]:
        """Wait until no request to the URL's host is running and its pause is over."""
        self._check_bounds(url)
        host = self._host(url)
        async with host.slot:
            wait = host.free_at - time.monotonic()
            if wait > max(self._fetcher.limits.max_wait, self._max_pause):
                reason = f"{url.host} asks for a pause of {wait:.0f} s: try again later"
                raise FetchFailed(without_credentials(url), reason, 429)
            await asyncio.sleep(max(0.0, wait))
            pause = host.pause
            try:
                yield
            except TransientFetchFailure as failure:
                pause = max(pause, failure.wait)
                raise
            finally:
                host.free_at = time.monotonic() + pause

    def _check_bounds(self, url: httpx.URL) -> None:
        if not self.allows_host(url.host):
            reason = f"{url.host} is not one of the hosts allowed: name it with --host"
            raise HostNotNamed(without_credentials(url), reason)

    def _host(self, url: httpx.URL) -> _Host:
        return self._hosts.setdefault(url.host, _Host(pause=self._pause))

    async def _rules_of(self, url: httpx.URL) -> Protego:
        """Return the rules of a URL's site; links to the same site share one request for them."""
        site = f"{url.scheme}://{url.netloc.decode('ascii')}"
        if site not in self._rules:
            self._rules[site] = asyncio.create_task(self._read_rules(f"{site}/robots.txt"))
        return await asyncio.shield(self._rules[site])

    async def _read_rules(self, url: str) -> Protego:
        try:
            fetched = await self._fetcher.get(url, around=self._slot)
        except FetchFailed as failure:
            if failure.status and 400 <= failure.status < 500 and failure.status != 429:
                return Protego.parse("")
            reason = f"its site's robots.txt cannot be read ({failure.reason}): try again later"
            raise FetchFailed(url, reason, failure.status) from failure
        return Protego.parse(fetched.data[:_MAX_ROBOTS].decode("utf-8-sig", "replace"))
