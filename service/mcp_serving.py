"""The two ways to the server of service.mcp: streamable HTTP, and a process's input and output."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mcp.server.stdio import stdio_server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

from service.mcp import Context, make_server

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

    from service.asking import Asking
    from service.engine import Engine

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_NOT_FOR_US = (403, 421)
NAME_SHOWN = 300  # characters of a name that was refused


class Door:
    """The server by streamable HTTP, as an ASGI app that lives while ``running`` does.

    A browser that another site has in hand cannot use it: requests must name this machine, or
    the host of ``public_url``, as the host that they go to, and as the origin that they come
    from if they say one.
    """

    def __init__(self, asking: Asking, public_url: str = "") -> None:
        async def load() -> Asking:
            return asking

        hosts, origins = [], []
        for host in LOOPBACK:
            hosts += [host, f"{host}:*"]
            origins += [f"http://{host}", f"http://{host}:*"]
        if public_url:
            public = urlsplit(public_url)
            hosts.append(public.netloc)
            origins.append(f"{public.scheme}://{public.netloc}")
        self._server = make_server(load, public_url)
        self._security = TransportSecuritySettings(allowed_hosts=hosts, allowed_origins=origins)
        self._manager: StreamableHTTPSessionManager | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        # Clients of the protocol before 2026-07-28 can cancel a call only in a session.
        manager = StreamableHTTPSessionManager(self._server, security_settings=self._security)
        async with manager.run():
            self._manager = manager
            try:
                yield
            finally:
                self._manager = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._manager is None:
            raise HTTPException(503, "The service is starting or ending: try again")
        refused, reason = 0, bytearray()

        async def explain(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and _plain_refusal(message):
                refused = message["status"]
            if refused:
                reason.extend(message.get("body", b""))
            else:
                await send(message)

        await self._manager.handle_request(scope, receive, explain)
        if refused in _NOT_FOR_US:
            raise _not_for_us(Headers(scope=scope))
        if refused:
            raise HTTPException(refused, reason.decode("utf-8", "replace") or None)


def _plain_refusal(start: Message) -> bool:
    """Whether a reply refuses otherwise than by an error of the protocol, which is JSON."""
    if start["status"] in _NOT_FOR_US:
        return True
    kind = Headers(raw=start.get("headers", [])).get("content-type", "")
    return start["status"] >= 400 and not kind.startswith("application/json")


def _not_for_us(headers: Headers) -> HTTPException:
    names = {name: headers.get(name, "none")[:NAME_SHOWN] for name in ("host", "origin")}
    return HTTPException(
        403,
        f"Requests to {names['host']!r} from {names['origin']!r} are refused, lest another site"
        " use the reader's browser: set TENKYO_PUBLIC_URL to the address of this service",
    )


async def serve_stdio(
    make: Callable[[], tuple[Engine, Callable[[], Awaitable[None]]]], base: str
) -> None:
    """Serve one client by standard input and output, until the input ends.

    ``make`` gives the engine and what to await when it is done with. It is called in a thread
    when the first message has been answered, and again by the next tool where it failed.
    """
    loading: asyncio.Task | None = None

    def begin() -> asyncio.Task:
        nonlocal loading
        failed = loading is not None and loading.done() and loading.exception() is not None
        if loading is None or failed:
            loading = asyncio.create_task(asyncio.to_thread(make))
        return loading

    asked: list[Asking] = []

    async def load() -> Asking:
        from service.asking import Asking

        engine, _ = await asyncio.shield(begin())
        if not asked:
            asked.append(Asking(engine))
        return asked[0]

    async def greet_first(context: Context, call_next: Callable) -> Any:
        result = await call_next(context)
        if loading is None:
            begin()
        return result

    server = make_server(load, base)
    server.middleware.append(greet_first)
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())
    if loading is not None:
        (made,) = await asyncio.gather(loading, return_exceptions=True)
        if not isinstance(made, BaseException):
            await made[1]()
