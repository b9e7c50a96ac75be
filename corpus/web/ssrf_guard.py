"""Protection against server-side request forgery (SSRF): checks where each request goes.

A URL is untrusted text (from a person, a page, a redirect), and the host that it names may be a
router, a cloud's metadata service or a database in the local network. So for every single request,
redirects included, the host is resolved here, refused unless *all* of its addresses are on the
public internet, and connected to at an address that was checked: a second lookup by the HTTP
library could get another answer from the same DNS server (DNS rebinding).
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address

import httpx

from corpus.document_errors import AddressInvalid, PrivateAddress
from corpus.errors import AddressRefused
from corpus.web.special_networks import GLOBAL, SPECIAL, UNFETCHABLE, Address, embedded_ipv4, is_in

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""(host, port) -> textual IP addresses, best first; raises OSError when there are none."""

_MAX_ADDRESSES = 3  # of a host, tried one after the other
_NO_ADDRESS = "the host {} has no address: check its name, and this machine's connection"


async def resolve(host: str, port: int) -> list[str]:
    """Look up the IP addresses of a host with this machine's resolver.

    Raises:
        OSError: the host has none.
    """
    loop = asyncio.get_running_loop()
    rows = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(row[4][0]) for row in rows))


def without_credentials(url: httpx.URL) -> str:
    """Remove user name and password from a URL, so that it may be logged and shown."""
    return str(url.copy_with(userinfo=b""))


def is_public(address: Address) -> bool:
    """Return whether an IP address is that of a single host on the public internet.

    Every IPv4 address embedded in it, such as that of a tunnel's other end, has to be too.
    """
    if not is_in(address, GLOBAL) or is_in(address, SPECIAL):
        return False
    return all(map(is_public, embedded_ipv4(address)))


def is_reachable(address: Address) -> bool:
    """Return whether an IP address may be fetched from by someone who trusts their own network.

    Addresses of no single host, link-local addresses and the metadata services of clouds, which
    hand out credentials, stay refused: nobody publishes documents there.
    """
    return not is_in(address, UNFETCHABLE) and all(map(is_reachable, embedded_ipv4(address)))


def parse_url(url: str) -> httpx.URL:
    """Parse a URL, in which any character may be.

    Raises:
        AddressInvalid: it is not a valid URL.
    """
    try:
        return httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError) as error:
        shown = url.encode("utf-8", "backslashreplace").decode()  # no lone surrogate can be printed
        cause = str(error) if shown == url else "a character of it is damaged"
        raise AddressInvalid(shown, f"this is not a URL ({cause}): check the address") from None


def check_form(url: httpx.URL) -> None:
    """Check the parts of a URL that forbid fetching it regardless of where its host is.

    Raises:
        AddressRefused: its scheme is not http or https, it has a user name or password, or its
            host is missing or invalid.
    """
    shown = without_credentials(url)
    if url.scheme not in ("http", "https"):
        raise AddressRefused(shown, "only http and https addresses can be fetched")
    if url.userinfo:
        raise AddressRefused(shown, "it carries a user name or password: leave that out")
    try:
        host = url.host
    except UnicodeError:  # a label that begins with xn-- and is not valid punycode
        raise AddressRefused(shown, "its host is misspelt: check the address") from None
    if not host:
        raise AddressRefused(shown, "it names no host: write it as https://host/path")


def refusal_reason(url: str) -> AddressInvalid | AddressRefused | None:
    """Return the error for a URL whose form alone forbids fetching it, or None."""
    try:
        parsed = parse_url(url)
        check_form(parsed)
    except AddressRefused as refused:
        return refused if parsed.userinfo else AddressRefused(url, refused.reason)
    except AddressInvalid as invalid:
        # The fetcher reports it as any other failure, unless the URL cannot even be stored.
        return None if invalid.url == url else invalid
    return None


class GuardedTransport(httpx.AsyncBaseTransport):
    """An httpx transport that checks the address of each request and connects to exactly that.

    Args:
        inner: the transport that sends the requests.
        resolve: looks up the IP addresses of a host.
        trust_private: whether private addresses are allowed too.
    """

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
        """Send a request, trying the host's addresses in turn until one answers.

        Raises:
            AddressRefused: an address of the host is not allowed.
            httpx.ConnectError: the host has no address, or none answers.
        """
        *others, last = await self.check(request.url)
        for address in others:
            try:
                return await self._send(request, address)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue  # such as IPv6 where only IPv4 is connected
        return await self._send(request, last)

    async def _send(self, request: httpx.Request, address: str) -> httpx.Response:
        # The Host header was set from the original URL, and TLS checks the certificate against
        # `sni_hostname`. Only the address to connect to is replaced.
        pinned = httpx.Request(
            request.method,
            request.url.copy_with(host=address),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": request.url.raw_host.decode()},
        )
        return await self._inner.handle_async_request(pinned)

    async def aclose(self) -> None:
        """Close the inner transport."""
        await self._inner.aclose()

    async def check(self, url: httpx.URL) -> Sequence[str]:
        """Resolve the host of a URL and check all of its addresses.

        Returns:
            The addresses to connect to, best first.

        Raises:
            AddressRefused: the URL's form or one of the addresses is not allowed.
            httpx.ConnectError: the host has no address.
        """
        check_form(url)
        shown = without_credentials(url)
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            found = await self._resolve(url.raw_host.decode(), port)
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError(_NO_ADDRESS.format(url.host)) from error
        if not found:
            raise httpx.ConnectError(_NO_ADDRESS.format(url.host))
        for address in found:
            if not self._allowed(ip_address(address)):
                raise PrivateAddress(
                    shown, f"{url.host} is at {address}, which is not on the public internet"
                )
        return found[:_MAX_ADDRESSES]
