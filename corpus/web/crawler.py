"""The manners of a guest: how links are fetched that nobody named.

    crawler = Crawler(fetcher)
    fetched = await crawler.get("https://aclanthology.org/2020.acl-main.447/")

What a user names is fetched by the :class:`corpus.web.fetcher.Fetcher` itself, whatever robots.txt
says, as ``wget`` does: a person asks for one document, as in a browser. From there on this is
a crawler, and each request, redirects included, keeps to the site's robots.txt and waits for
its turn.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
from protego import Protego

from corpus.errors import AddressRefused, FetchFailed
from corpus.web.fetcher import USER_AGENT, Fetcher, TransientFetchFailure
from corpus.web.response import Fetched
from corpus.web.ssrf_guard import without_credentials

ROBOTS_AGENT = USER_AGENT.partition("/")[0]
CRAWL_DELAY = 1.0
MAX_CRAWL_DELAY = 30.0  # of what robots.txt may ask for
MAX_WAIT = 60.0  # of what Retry-After may ask for: for the Fetcher that is given

_MAX_ROBOTS = 512_000  # bytes; RFC 9309 wants 500 KiB at least


@dataclass(slots=True)
class _Host:
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    free_at: float = 0.0  # by time.monotonic
    pause: float = 0.0


class Crawler:
    """Fetches links with a Fetcher: one request at a time per host, with a pause after each.

    The pause is ``pause`` seconds, or the ``Crawl-delay`` of robots.txt up to ``max_pause``. A
    host that asks to be left alone (``Retry-After``) is, by all links; if it is for longer
    than the Fetcher's ``limits.max_wait``, they fail at once. ``hosts``, where there are any, are
    the only ones asked, with those below them. robots.txt is read once per site: where there is
    none (4xx), everything is allowed; where the site does not answer (5xx, 429, no
    connection), nothing is, as RFC 9309 has it. Belongs to one event loop.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        *,
        hosts: Sequence[str] = (),
        pause: float = CRAWL_DELAY,
        max_pause: float = MAX_CRAWL_DELAY,
    ) -> None:
        self._fetcher, self._only = fetcher, tuple(host.lower() for host in hosts)
        self._pause, self._max_pause = pause, max_pause
        self._hosts: dict[str, _Host] = {}
        self._rules: dict[str, asyncio.Task[Protego]] = {}

    def allows_host(self, host: str) -> bool:
        """Whether a host is one of those given, or below one of them."""
        return not self._only or any(f".{host}".endswith(f".{only}") for only in self._only)

    async def get(self, url: str, *, accept: str = "") -> Fetched:
        """The document behind a link; raises FetchFailed or AddressRefused."""
        return await self._fetcher.get(url, around=self._politely, accept=accept)

    @asynccontextmanager
    async def _politely(self, url: httpx.URL) -> AsyncIterator[None]:
        shown = without_credentials(url)
        self._check_bounds(url)
        try:
            rules = await self._rules_of(url)
        except AddressRefused as refused:
            raise AddressRefused(shown, refused.reason) from None
        if not rules.can_fetch(str(url), ROBOTS_AGENT):
            reason = "its robots.txt asks programs to leave it: save the page and ingest the file"
            raise FetchFailed(shown, reason)
        host = self._host(url)
        host.pause = min(max(host.pause, rules.crawl_delay(ROBOTS_AGENT) or 0.0), self._max_pause)
        async with self._turn(url):
            yield

    @asynccontextmanager
    async def _turn(self, url: httpx.URL) -> AsyncIterator[None]:
        """Wait until nothing is asked of the URL's host, and its pause is over."""
        self._check_bounds(url)
        host = self._host(url)
        async with host.turn:
            wait = host.free_at - time.monotonic()
            if wait > max(self._fetcher.limits.max_wait, self._max_pause):
                reason = f"{url.host} asks to be left alone for {wait:.0f} s: try again later"
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
            reason = f"{url.host} is none of the hosts that may be asked"
            raise FetchFailed(without_credentials(url), reason)

    def _host(self, url: httpx.URL) -> _Host:
        return self._hosts.setdefault(url.host, _Host(pause=self._pause))

    async def _rules_of(self, url: httpx.URL) -> Protego:
        """The rules of a URL's site; many links wait for one request."""
        site = f"{url.scheme}://{url.netloc.decode('ascii')}"
        if site not in self._rules:
            self._rules[site] = asyncio.create_task(self._read_rules(f"{site}/robots.txt"))
        return await asyncio.shield(self._rules[site])

    async def _read_rules(self, url: str) -> Protego:
        try:
            fetched = await self._fetcher.get(url, around=self._turn)
        except FetchFailed as failure:
            if failure.status and 400 <= failure.status < 500 and failure.status != 429:
                return Protego.parse("")
            reason = f"its site's robots.txt cannot be read ({failure.reason}): try again later"
            raise FetchFailed(url, reason, failure.status) from failure
        return Protego.parse(fetched.data[:_MAX_ROBOTS].decode("utf-8-sig", "replace"))
