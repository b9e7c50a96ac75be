"""The two ways to the server of service.mcp.tools: streamable HTTP, and a process's input and output.

The protocol's own package takes as long to import as the rest of the API: it is imported when
somebody asks for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
    from starlette.types import Message, Receive, Scope, Send

    from service.answering.engine import Engine
    from service.concurrency.answer_service import AnswerService
    from service.mcp.tools import Context

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_NOT_FOR_US = (403, 421)
NAME_SHOWN = 300  # characters of a name that was refused


class McpHttpApp:
    """The server by streamable HTTP, as an ASGI app that lives while ``running`` does.

    A browser that another site has in hand cannot use it: requests must name this machine, or
    the host of ``public_url``, as the host that they go to, and as the origin that they come
    from if they say one.
    """

    def __init__(self, asking: AnswerService, public_url: str = "", shared: bool = False) -> None:
        """``shared``: the next request of a client may go to another process, where nothing is
        known of its session: there are none then.
        """
        self._asking, self._public_url, self._shared = asking, public_url, shared
        self._open: asyncio.Future[StreamableHTTPSessionManager] | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self._open = asyncio.get_running_loop().create_future()
        self._wanted, self._over = asyncio.Event(), asyncio.Event()
        task = asyncio.create_task(self._run(self._open))
        try:
            yield
        finally:
            self._open = None
            self._over.set()
            self._wanted.set()
            await task

    async def _run(self, opened: asyncio.Future[StreamableHTTPSessionManager]) -> None:
        await self._wanted.wait()
        if self._over.is_set():
            return
        try:
            manager = await asyncio.to_thread(self._manager)
        except Exception as error:  # every request is told
            opened.set_exception(error)
            return
        async with manager.run():
            opened.set_result(manager)
            await self._over.wait()

    def _manager(self) -> StreamableHTTPSessionManager:
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
        from mcp.server.transport_security import TransportSecuritySettings

        from service.mcp.tools import make_server

        async def load() -> AnswerService:
            return self._asking

        hosts, origins = [], []
        for host in LOOPBACK:
            hosts += [host, f"{host}:*"]
            origins += [f"http://{host}", f"http://{host}:*"]
        if self._public_url:
            public = urlsplit(self._public_url)
            hosts.append(public.netloc)
            origins.append(f"{public.scheme}://{public.netloc}")
        # Clients of the protocol before 2026-07-28 can cancel a call only in a session.
        return StreamableHTTPSessionManager(
            make_server(load, self._public_url),
            stateless=self._shared,
            security_settings=TransportSecuritySettings(
                allowed_hosts=hosts, allowed_origins=origins
            ),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._open is None:
            raise HTTPException(503, "The service is starting or ending: try again")
        self._wanted.set()
        manager = await asyncio.shield(self._open)
        refused, reason = 0, bytearray()

        async def explain(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and _plain_refusal(message):
                refused = message["status"]
            if refused:
                reason.extend(message.get("body", b""))
            else:
                await send(message)

        await manager.handle_request(scope, receive, explain)
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
    from mcp.server.stdio import stdio_server

    from service.mcp.tools import make_server

    loading: asyncio.Task | None = None

    def begin() -> asyncio.Task:
        nonlocal loading
        failed = loading is not None and loading.done() and loading.exception() is not None
        if loading is None or failed:
            loading = asyncio.create_task(asyncio.to_thread(make))
        return loading

    asked: list[AnswerService] = []

    async def load() -> AnswerService:
        from service.concurrency.answer_service import AnswerService

        engine, _ = await asyncio.shield(begin())
        if not asked:
            asked.append(AnswerService(engine))
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
