"""The address guard: the one transport through which Tenkyo reaches the network.

A URL is text from a stranger (a user, a page, a redirect), and the host it names may be a
router, a cloud's metadata service or a database beside us. So each single request, redirects
included, is resolved here, refused unless *every* address is on the public internet, and then
sent to the address that was checked: a second look-up by the HTTP library could get another
answer from the same DNS server.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address

import httpx

from corpus.errors import AddressRefused
from corpus.web.special_networks import GLOBAL, SPECIAL, UNFETCHABLE, Address, embedded_ipv4, is_in

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""(host, port) -> textual IP addresses, best first; raises OSError when there are none."""

_MOST_TRIED = 3


async def resolve(host: str, port: int) -> list[str]:
    """The addresses that this machine's resolver gives for a host; may raise OSError."""
    loop = asyncio.get_running_loop()
    rows = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(row[4][0]) for row in rows))


def without_credentials(url: httpx.URL) -> str:
    """The URL as it may be shown: a password must not end up in a log or on a page."""
    return str(url.copy_with(userinfo=b""))


def is_public(address: Address) -> bool:
    """Return whether an address is that of one host on the public internet.

    So must be every IPv4 address that it carries, such as that of a tunnel's other end.
    """
    if not is_in(address, GLOBAL) or is_in(address, SPECIAL):
        return False
    return all(map(is_public, embedded_ipv4(address)))


def is_reachable(address: Address) -> bool:
    """Return whether an address may be fetched by someone who trusts their own network.

    What is of no host, link-local addresses and the metadata services of clouds, which hand out
    credentials, stay refused: nobody keeps documents there.
    """
    return not is_in(address, UNFETCHABLE) and all(map(is_reachable, embedded_ipv4(address)))


def check_form(url: httpx.URL) -> None:
    """Raise AddressRefused for a URL that is never fetched, wherever its host may be."""
    shown = without_credentials(url)
    if url.scheme not in ("http", "https"):
        raise AddressRefused(shown, "only http and https addresses can be fetched")
    if url.userinfo:
        raise AddressRefused(shown, "it carries a user name or password: leave that out")
    try:
        host = url.host
    except UnicodeError:  # what begins with xn-- and is not punycode
        raise AddressRefused(shown, "its host is misspelt: check the address") from None
    if not host:
        raise AddressRefused(shown, "it names no host: write it as https://host/path")


def refusal_reason(url: str) -> AddressRefused | None:
    """Why a URL is never fetched, if its form alone says so."""
    try:
        parsed = httpx.URL(url)
        check_form(parsed)
    except AddressRefused as refused:
        return refused if parsed.userinfo else AddressRefused(url, refused.reason)
    except httpx.InvalidURL:  # it cannot be fetched either, and the fetcher says why
        pass
    return None


class GuardedTransport(httpx.AsyncBaseTransport):
    """Checks where a request goes, then sends it to exactly that address through ``inner``."""

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        resolve: Resolve = resolve,
        trust_private: bool = False,
    ) -> None:
        self._inner = inner
        self._resolve = resolve
        self._allowed = is_reachable if trust_private else is_public

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises AddressRefused, or httpx.ConnectError where a host has no address."""
        *others, last = await self.check(request.url)
        for address in others:
            try:
                return await self._send(request, address)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue  # such as IPv6 where only IPv4 is connected
        return await self._send(request, last)

    async def _send(self, request: httpx.Request, address: str) -> httpx.Response:
        # The Host header was set from the original URL; TLS checks the certificate against
        # `sni_hostname`. Only the place to connect to is replaced.
        pinned = httpx.Request(
            request.method,
            request.url.copy_with(host=address),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": request.url.raw_host.decode()},
        )
        return await self._inner.handle_async_request(pinned)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def check(self, url: httpx.URL) -> Sequence[str]:
        """The addresses to connect to, best first: all that the host has are allowed.

        Raises as ``handle_async_request`` does.
        """
        check_form(url)
        shown = without_credentials(url)
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            found = await self._resolve(url.raw_host.decode(), port)
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError(f"the host {url.host} has no address ({error})") from error
        if not found:
            raise httpx.ConnectError(f"the host {url.host} has no address")
        for text in found:
            if not self._allowed(ip_address(text)):
                raise AddressRefused(
                    shown, f"{url.host} is at {text}, which is not on the public internet"
                )
        return found[:_MOST_TRIED]
