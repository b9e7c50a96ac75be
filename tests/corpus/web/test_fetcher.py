"""corpus.web.fetcher and corpus.web.ssrf_guard, against a simulated internet (an ASGI app)."""

from __future__ import annotations

import asyncio
import gzip
import socket
import time
from collections.abc import Callable, Sequence
from email.utils import formatdate
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import Any

import httpx
import pytest

from corpus.document_errors import AddressInvalid, RedirectFailed
from corpus.errors import AddressRefused, CorpusError, FetchFailed
from corpus.web.fetcher import USER_AGENT, Fetcher, Limits
from corpus.web.http_cache import HttpCache
from corpus.web.response import Fetched
from corpus.web.ssrf_guard import is_public, is_reachable, refusal_reason

DNS = {
    "ex.com": ["93.184.216.34"],
    "paper.org": ["93.184.216.35", "2606:2800:220:1::1"],
    "router.lan": ["192.168.1.1"],
    "half.org": ["93.184.216.36", "10.0.0.7"],
    "metadata.cloud": ["169.254.169.254"],
    "93.184.216.34": ["93.184.216.34"],
    "127.0.0.1": ["127.0.0.1"],
    "2130706433": ["127.0.0.1"],  # what a resolver makes of a decimal address
    "::1": ["::1"],
    "168.63.129.16": ["168.63.129.16"],
    "2001:470:1:1::5efe:7f00:1": ["2001:470:1:1::5efe:7f00:1"],
    "xn--wgv71a119e.jp": ["93.184.216.37"],
}


async def resolve(host: str, port: int) -> Sequence[str]:
    if host not in DNS:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return DNS[host]


class Internet:
    """An ASGI app that serves pages by path and records (host header, address, path)."""

    def __init__(self, **pages: Any) -> None:
        self.pages = {name.replace("__", "/"): page for name, page in pages.items()}
        self.requests: list[tuple[str, str, str]] = []
        self.headers: list[dict[str, str]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = {key.decode(): value.decode() for key, value in scope["headers"]}
        path = scope["path"].lstrip("/")
        self.headers.append(headers)
        self.requests.append((headers["host"], scope["server"][0], scope["path"]))
        page = self.pages.get(path, (404, {}, b"no such page"))
        if isinstance(page, list):  # one answer after the other, the last again and again
            page = page.pop(0) if len(page) > 1 else page[0]
        if callable(page):
            page = await page()
        status, extra, body = page
        raw = [(key.encode(), value.encode()) for key, value in extra.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": body})


def get(internet: Callable[..., Any], url: str, **options: Any) -> Fetched:
    async def fetch() -> Fetched:
        transport = httpx.ASGITransport(app=internet)
        bounds = {name: options.pop(name) for name in ("deadline", "max_bytes") if name in options}
        limits = Limits(max_wait=0.3, **bounds)
        settings = {"transport": transport, "resolve": resolve, "limits": limits, **options}
        async with Fetcher(**settings) as fetcher:
            return await fetcher.get(url)

    return asyncio.run(fetch())


def to(location: str, status: int = 302) -> tuple[int, dict[str, str], bytes]:
    return status, {"location": location}, b""


def page(body: bytes = b"hello", **headers: str) -> tuple[int, dict[str, str], bytes]:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return 200, {"content-type": "text/html; charset=utf-8", **named}, body


def test_no_store_response_is_fetched_again(tmp_path: Path) -> None:
    cache = HttpCache(tmp_path)
    secret = page(cache_control="private, no-store", etag='"1"')
    internet = Internet(a=[page(etag='"1"'), secret])
    get(internet, "https://ex.com/a", cache=cache)
    assert cache.get("https://ex.com/a")
    for _ in range(2):
        assert get(internet, "https://ex.com/a", cache=cache).data == b"hello"
        assert cache.get("https://ex.com/a") is None
    assert ["if-none-match" in headers for headers in internet.headers] == [False, True, False]


def test_fetch_returns_final_url_and_content_type() -> None:
    internet = Internet(a=to("/b?x=1#part"), b=page())
    fetched = get(internet, "https://ex.com/a")
    assert fetched == Fetched("https://ex.com/b?x=1#part", "text/html; charset=utf-8", b"hello")
    assert internet.headers[0]["user-agent"] == USER_AGENT and "Tenkyo" in USER_AGENT


def test_connects_to_the_address_that_was_checked() -> None:
    internet = Internet(a=to("https://paper.org/b"), b=page())
    get(internet, "https://ex.com/a")
    assert internet.requests == [
        ("ex.com", "93.184.216.34", "/a"),
        ("paper.org", "93.184.216.35", "/b"),
    ]


def test_certificate_is_checked_against_host_name() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, stream=httpx.ByteStream(b"hello"))

    get(Internet(), "https://日本語.jp:8443/a", transport=httpx.MockTransport(answer))
    assert seen[0].extensions["sni_hostname"] == "xn--wgv71a119e.jp"
    assert seen[0].headers["host"] == "xn--wgv71a119e.jp:8443"
    assert str(seen[0].url) == "https://93.184.216.37:8443/a"


def test_next_address_is_tried_when_one_does_not_answer() -> None:
    tried: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        tried.append(request.url.host)
        if len(tried) == 1:
            raise httpx.ConnectError("no route")
        return httpx.Response(200, stream=httpx.ByteStream(b"hello"))

    get(Internet(), "https://paper.org/a", transport=httpx.MockTransport(answer))
    assert tried == DNS["paper.org"]


def test_dns_rebinding_is_prevented_by_one_lookup_per_request() -> None:
    answers = iter([["93.184.216.34"], ["127.0.0.1"]])

    async def rebinding(host: str, port: int) -> Sequence[str]:
        return next(answers)

    internet = Internet(a=page())
    assert get(internet, "http://ex.com/a", resolve=rebinding).data == b"hello"
    assert internet.requests == [("ex.com", "93.184.216.34", "/a")]


@pytest.mark.parametrize(
    "url",
    [
        "http://router.lan/",
        "http://half.org/",  # one public address among private ones does not help
        "http://metadata.cloud/latest/meta-data",
        "http://127.0.0.1:8000/",
        "http://2130706433/",
        "http://[::1]/",
        "http://168.63.129.16/metadata",
        "http://[2001:470:1:1::5efe:7f00:1]/",
        "file:///etc/passwd",
        "ftp://ex.com/a",
        "gopher://ex.com/",
        "https://user:geheim@ex.com/",
        "ex.com/a",
        "http:///a",
    ],
)
@pytest.mark.parametrize("redirected", [False, True])
def test_refuses_urls_outside_the_public_internet(url: str, redirected: bool) -> None:
    if redirected and "://" not in url:
        pytest.skip("as a redirect this is a path")
    internet = Internet(go=to(url))
    with pytest.raises(AddressRefused) as caught:
        get(internet, "https://ex.com/go" if redirected else url)
    assert "geheim" not in str(caught.value) and "\n" not in str(caught.value)
    assert len(internet.requests) == redirected


def test_public_ip_address_is_fetched() -> None:
    assert get(Internet(a=page()), "http://93.184.216.34/a").data == b"hello"


def test_trust_private_allows_private_but_not_link_local_addresses() -> None:
    internet = Internet(a=page())
    assert get(internet, "http://router.lan/a", trust_private=True).data == b"hello"
    with pytest.raises(AddressRefused):
        get(internet, "http://metadata.cloud/a", trust_private=True)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("64:ff9b::808:808", True),  # NAT64 of 8.8.8.8
        ("64:ff9b::7f00:1", False),
        ("64:ff9b:1::808:808", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("::127.0.0.1", False),
        ("2002:7f00:1::", False),  # 6to4 of 127.0.0.1
        ("2002:808:808::", True),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("fec0::1", False),
        ("ff02::1", False),
        ("224.0.0.1", False),
        ("0.0.0.0", False),
        ("100.64.0.1", False),
        ("255.255.255.255", False),
        ("240.0.0.1", False),
    ],
)
def test_recognises_public_addresses(address: str, public: bool) -> None:
    assert is_public(ip_address(address)) is public
    assert public <= is_reachable(ip_address(address))


SPECIAL = """
    0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 168.63.129.16/32 169.254.0.0/16 172.16.0.0/12
    192.0.0.0/24 192.0.2.0/24 192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16
    192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
    2001::/23 2001:db8::/32 2620:4f:8000::/48 3ffe::/16 3fff::/20
    ::/8 100::/64 100:0:0:1::/64 4000::/2 5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8
    ::ffff:a00:0/104 64:ff9b::a00:0/104 2002:a00::/24
""".split()
NEIGHBOURS = [  # the neighbours of special networks that are hosts' own
    "1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
    "128.0.0.0", "168.63.129.15", "168.63.129.17", "169.253.255.255", "169.255.0.0", "172.15.255.255",
    "172.32.0.0", "191.255.255.255", "192.0.1.0", "192.0.3.0", "192.31.195.255", "192.31.197.0",
    "192.52.192.255", "192.52.194.0", "192.88.98.255", "192.88.100.0", "192.167.255.255", "192.169.0.0",
    "192.175.47.255", "192.175.49.0", "198.17.255.255", "198.20.0.0", "198.51.99.255", "198.51.101.0",
    "203.0.112.255", "203.0.114.0", "223.255.255.255", "2000::1", "2001:200::1",
    "2001:db7:ffff::1", "2001:db9::1", "2003::1", "2620:4f:7fff::1", "2620:4f:8001::1",
    "3ffd:ffff::1", "3fff:1000::1",
]  # fmt: skip


@pytest.fixture
def forbid_python_network_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make Python's own tables of networks, which differ by patch release, raise when used."""

    def asked(_: object) -> None:
        raise AssertionError("what Python makes of an address depends on its patch release")

    for kind in (IPv4Address, IPv6Address):
        for name in dir(kind):
            if name.startswith("is_") or name in ("ipv4_mapped", "sixtofour", "teredo"):
                monkeypatch.setattr(kind, name, property(asked))


@pytest.mark.usefixtures("forbid_python_network_tables")
@pytest.mark.parametrize("network", SPECIAL)
def test_special_purpose_networks_are_not_public(network: str) -> None:
    whole = ip_network(network)
    for address in (whole[0], whole[whole.num_addresses // 2], whole[-1]):
        assert not is_public(address), address


@pytest.mark.usefixtures("forbid_python_network_tables")
@pytest.mark.parametrize("address", NEIGHBOURS)
def test_neighbours_of_special_purpose_networks_are_public(address: str) -> None:
    assert is_public(ip_address(address)) and is_reachable(ip_address(address))


@pytest.mark.usefixtures("forbid_python_network_tables")
@pytest.mark.parametrize(
    ("form", "public"),
    [
        ("::ffff:{}", True),
        ("64:ff9b::{}", True),
        ("2002:{}::1", True),
        ("2606:4700::5efe:{}", True),  # ISATAP, with any prefix
        ("2606:4700:1:2:200:5efe:{}", True),
        ("::{}", False),
        ("::ffff:0:{}", False),
        ("64:ff9b:1::{}", False),
        ("fe80::5efe:{}", False),
        ("2001:0:{}::1", False),  # Teredo
    ],
)
def test_embedded_ipv4_address_decides_for_ipv6(form: str, public: bool) -> None:
    def inside(ipv4: str) -> IPv6Address:
        number = int(IPv4Address(ipv4))
        return IPv6Address(form.format(f"{number >> 16:x}:{number & 0xFFFF:x}"))

    assert is_public(inside("8.8.8.8")) is public
    for ipv4 in ("127.0.0.1", "10.0.0.1", "169.254.169.254", "168.63.129.16", "192.88.99.1"):
        assert not is_public(inside(ipv4)), ipv4
    for ipv4 in ("0.0.0.0", "169.254.169.254", "168.63.129.16", "100.100.100.200", "224.0.0.1"):
        assert not is_reachable(inside(ipv4)), ipv4


def test_teredo_client_address_is_checked() -> None:
    """A Teredo address holds its client's IPv4 address with all bits inverted."""
    turned = int(IPv4Address("169.254.169.254")) ^ 0xFFFFFFFF
    address = IPv6Address(int(IPv6Address("2001:0:808:808::")) | turned)
    assert not is_public(address) and not is_reachable(address)


@pytest.mark.usefixtures("forbid_python_network_tables")
@pytest.mark.parametrize(
    ("address", "reachable"),
    [
        ("127.0.0.1", True), ("::1", True), ("10.1.2.3", True), ("192.168.1.1", True),
        ("100.64.0.7", True), ("fd12:3456::1", True), ("2606:4700::5efe:a00:1", True),
        ("::ffff:192.168.1.1", True), ("64:ff9b::10.0.0.1", True),
        ("0.0.0.0", False), ("::", False), ("169.254.1.1", False), ("fe80::1", False),
        ("224.0.0.251", False), ("ff02::fb", False), ("255.255.255.255", False),
        ("169.254.170.2", False), ("168.63.129.16", False), ("100.100.100.200", False),
        ("192.0.0.192", False), ("fd00:ec2::254", False), ("fd20:ce::254", False),
    ],
)  # fmt: skip
def test_reachable_addresses_of_trusted_network(address: str, reachable: bool) -> None:
    assert is_reachable(ip_address(address)) is reachable


def test_follows_five_redirects_at_most() -> None:
    hops: dict[str, Any] = {f"r{i}": to(f"/r{i + 1}", 301 + i % 2) for i in range(6)}
    assert get(Internet(**{**hops, "r5": page()}), "https://ex.com/r0").data == b"hello"
    with pytest.raises(RedirectFailed, match="more than 5 redirects"):
        get(Internet(**hops, r6=page()), "https://ex.com/r0")


@pytest.mark.parametrize("location", ["http://[::1", "https://xn--zzzzzz.com/", "https://-ü.com/"])
def test_redirect_to_what_is_no_address_is_not_a_connection_that_broke(location: str) -> None:
    with pytest.raises(RedirectFailed, match=r"redirects to an invalid URL .*: check the address$"):
        get(Internet(go=to(location)), "https://ex.com/go")


def refresh(content: str, body: str = "Moved.") -> tuple[int, dict[str, str], bytes]:
    head = f"<!doctype html><head><title>Moved</title><meta HTTP-EQUIV=Refresh content='{content}'>"
    return page(f"{head}<body>{body}".encode())


@pytest.mark.parametrize(
    "content",
    ["0; url=/b", "5;URL=b", '0;url="https://ex.com/b"', "0, /b", " 0.5 ; url = https://ex.com/b "],
)
def test_forwarding_page_is_followed_like_a_redirect(content: str) -> None:
    found = get(Internet(a=refresh(content), b=page()), "https://ex.com/a")
    assert (found.url, found.data) == ("https://ex.com/b", b"hello")


@pytest.mark.parametrize(
    ("content", "body"),
    [
        ("0", "Moved."),
        ("30;url=https://ex.com/a#top", "It comes again, with the latest."),
        ("600; url=/b", "Stay and read."),
        ("0; url=/b", "A page with a text of its own. " * 20),
        ("0; url=javascript:alert(1)", "Moved."),
        ("0; url=http://[", "Moved."),
    ],
)
def test_page_with_content_or_slow_refresh_is_not_a_redirect(content: str, body: str) -> None:
    found = get(Internet(a=refresh(content, body), b=page()), "https://ex.com/a")
    assert found.url == "https://ex.com/a" and body.encode() in found.data


def test_forwarding_pages_are_limited_and_guarded_like_redirects() -> None:
    ring = Internet(a=refresh("0;url=/b"), b=refresh("0;url=/a"))
    with pytest.raises(RedirectFailed, match="more than 5 redirects"):
        get(ring, "https://ex.com/a")
    assert len(ring.requests) == 6
    for place in ("http://metadata.cloud/", "https://router.lan/", "file:///etc/passwd"):
        with pytest.raises(AddressRefused):
            get(Internet(a=refresh(f"0;url={place}")), "https://ex.com/a")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 500, 304, 204])
def test_other_status_codes_fail(status: int) -> None:
    internet = Internet(a=(status, {}, b"why"))
    with pytest.raises(FetchFailed, match=f"https://ex.com/a: the server answered {status}") as e:
        get(internet, "https://ex.com/a")
    assert e.value.status == status
    assert len(internet.requests) == 1


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_transient_status_is_retried_once(status: int) -> None:
    busy = (status, {"retry-after": "0"}, b"")
    assert get(Internet(a=[busy, page()]), "https://ex.com/a").data == b"hello"
    internet = Internet(a=busy)
    with pytest.raises(FetchFailed) as caught:
        get(internet, "https://ex.com/a")
    assert caught.value.status == status
    assert len(internet.requests) == 2


def test_retry_after_is_respected_up_to_a_limit() -> None:
    soon = formatdate(time.time() - 5, usegmt=True)
    assert get(Internet(a=[(429, {"retry-after": soon}, b""), page()]), "https://ex.com/a")
    for late in ("3600", formatdate(time.time() + 3600, usegmt=True)):
        internet = Internet(a=[(429, {"retry-after": late}, b""), page()])
        with pytest.raises(FetchFailed, match="try again later"):
            get(internet, "https://ex.com/a")
        assert len(internet.requests) == 1


def test_lost_connection_is_retried_once() -> None:
    async def lost() -> Any:
        raise httpx.ConnectError("refused")

    assert get(Internet(a=[lost, page()]), "https://ex.com/a").data == b"hello"
    with pytest.raises(FetchFailed, match="no connection: refused"):
        get(Internet(a=lost), "https://ex.com/a")


def test_host_without_address_is_named_with_the_fix_and_without_the_words_of_the_system() -> None:
    with pytest.raises(FetchFailed) as caught:
        get(Internet(), "https://no.where/a")
    assert str(caught.value) == (
        "cannot fetch https://no.where/a: no connection: the host no.where has no address: check"
        " its name, and this machine's connection"
    )


def test_fetch_has_a_deadline() -> None:
    async def slow() -> Any:
        await asyncio.sleep(30)

    begun = time.monotonic()
    with pytest.raises(FetchFailed, match=r"no complete answer within 0\.1 s"):
        get(Internet(a=slow), "https://ex.com/a", deadline=0.1)
    assert time.monotonic() - begun < 5


def test_body_larger_than_limit_is_refused() -> None:
    assert len(get(Internet(a=page(b"x" * 1000)), "https://ex.com/a", max_bytes=1000).data) == 1000
    declared = page(b"x", content_length="1001")
    for answer in (page(b"x" * 1001), declared):
        with pytest.raises(FetchFailed, match=r"larger than 0\.001 MB"):
            get(Internet(a=answer), "https://ex.com/a", max_bytes=1000)


def test_compressed_bodies_are_decompressed_within_the_limit() -> None:
    text = b"hello " * 1000
    packed = gzip.compress(text[:600], mtime=0) + gzip.compress(text[600:], mtime=0)
    fetched = get(Internet(a=page(packed, content_encoding="gzip")), "https://ex.com/a")
    assert fetched.data == text
    bomb = page(gzip.compress(b"0" * 10_000_000, mtime=0), content_encoding="gzip")
    with pytest.raises(FetchFailed, match="larger than 1 MB"):
        get(Internet(a=bomb), "https://ex.com/a", max_bytes=1_000_000)


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(b"hello" * 100, mtime=0)[:-9], "gzip"),
        (b"not gzip", "gzip"),
        (b"hello", "br"),
        (gzip.compress(gzip.compress(b"hello", mtime=0), mtime=0), "gzip, gzip"),
    ],
)
def test_damaged_or_unknown_content_encodings_fail(body: bytes, encoding: str) -> None:
    with pytest.raises(FetchFailed, match=r"damaged|encoding not asked for"):
        get(Internet(a=page(body, content_encoding=encoding)), "https://ex.com/a")


@pytest.mark.parametrize(
    "url", ["http://ex.com:port/", "http://[::1", "https://ex.com/\x00", "http://xn--a/"]
)
def test_invalid_url_fails_with_one_line(url: str) -> None:
    with pytest.raises(CorpusError) as caught:
        get(Internet(), url)
    assert "\n" not in str(caught.value)
    with pytest.raises(CorpusError):
        get(Internet(a=to(url)), "https://ex.com/a")


@pytest.mark.parametrize("url", ["https://ex.com/\ud800", "https://\ud800.com/"])
def test_damaged_character_in_a_url_is_named_in_words_that_can_be_printed(url: str) -> None:
    wanted = (
        f"cannot fetch {url.replace(chr(0xD800), chr(92) + 'ud800')}: this is not a URL"
        " (a character of it is damaged): check the address"
    )
    with pytest.raises(AddressInvalid) as caught:
        get(Internet(), url)
    assert str(caught.value) == wanted == str(refusal_reason(url))


def test_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert get(Internet(a=page()), "http://ex.com/a").data == b"hello"


@pytest.mark.server
def test_fetches_over_a_real_socket() -> None:
    async def scenario() -> tuple[Fetched, list[bytes]]:
        heads: list[bytes] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello")
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, Fetcher(trust_private=True) as fetcher:
            fetched = await fetcher.get(f"http://localhost:{port}/a?b=1")
        async with Fetcher() as fetcher:
            with pytest.raises(AddressRefused):
                await fetcher.get(f"http://localhost:{port}/")
        return fetched, heads

    fetched, heads = asyncio.run(scenario())
    assert fetched.data == b"hello"
    assert len(heads) == 1
    assert heads[0].startswith(b"GET /a?b=1 HTTP/1.1\r\nHost: localhost:")
