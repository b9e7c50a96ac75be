"""Transports of the MCP server: streamable HTTP, and standard input and output.

The package of the protocol takes as long to import as the rest of the API, so it is imported with
the first request.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

if TYPE_CHECKING:
    from mcp.server.context import CallNext, HandlerResult
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
    from starlette.types import Message, Receive, Scope, Send

    from service.answering.engine import Engine
    from service.concurrency.answer_service import AnswerService
    from service.mcp.tools import Context

    MakeEngine = Callable[[], tuple[Engine, Callable[[], Awaitable[None]]]]

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_WRONG_SITE = (403, 421)  # statuses of the package for a host or an origin that is not allowed
MAX_NAME_SHOWN = 300  # characters of a refused name


class McpHttpApp:
    """An ASGI application that serves MCP by streamable HTTP, within the context of ``running``.

    It protects against web pages of other sites that use the reader's browser: the host of a
    request, and its origin if it has one, must be this machine or the host of ``public_url``.
    """

    def __init__(
        self, answer_service: AnswerService, public_url: str = "", shared: bool = False
    ) -> None:
        """Create the application.

        Args:
            answer_service: Answers the calls of the tools.
            public_url: The address at which clients reach the service; empty: this machine's.
            shared: Whether other processes serve the same clients. There are no sessions then,
                because the next request of a client may reach another process.
        """
        self._answer_service = answer_service
        self._public_url, self._shared = public_url, shared
        self._open: asyncio.Future[StreamableHTTPSessionManager] | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve requests while the context is open; it can be opened again."""
        self._open = asyncio.get_running_loop().create_future()
        self._requested, self._closing = asyncio.Event(), asyncio.Event()
        task = asyncio.create_task(self._run(self._open))
        try:
            yield
        finally:
            self._open = None
            self._closing.set()
            self._requested.set()
            await task

    async def _run(self, opened: asyncio.Future[StreamableHTTPSessionManager]) -> None:
        await self._requested.wait()
        if self._closing.is_set():
            return
        try:
            manager = await asyncio.to_thread(self._manager)
        except Exception as error:  # every request raises it
            opened.set_exception(error)
            return
        async with manager.run():
            opened.set_result(manager)
            await self._closing.wait()

    def _manager(self) -> StreamableHTTPSessionManager:
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
        from mcp.server.transport_security import TransportSecuritySettings

        from service.mcp.tools import make_server

        async def load() -> AnswerService:
            return self._answer_service

        hosts, origins = [], []
        for host in LOOPBACK:
            hosts += [host, f"{host}:*"]
            origins += [f"http://{host}", f"http://{host}:*"]
        if self._public_url:
            public = urlsplit(self._public_url)
            hosts.append(public.netloc)
            origins.append(f"{public.scheme}://{public.netloc}")

        def judge_host() -> str:
            judge = self._answer_service.engine.judge  # another may have taken its place
            return judge.host if judge else ""

        # A client of the protocol before 2026-07-28 needs a session to cancel a call.
        return StreamableHTTPSessionManager(
            make_server(load, self._public_url, judge_host),
            stateless=self._shared,
            security_settings=TransportSecuritySettings(
                allowed_hosts=hosts, allowed_origins=origins
            ),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI).

        Raises:
            HTTPException: The package refused the request in plain text; or nothing runs.
        """
        if self._open is None:
            raise HTTPException(503, "The service is starting or ending: try again")
        self._requested.set()
        manager = await asyncio.shield(self._open)
        refused, reason = 0, bytearray()

        async def hold_back_refusals(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and _plain_refusal(message):
                refused = message["status"]
            if refused:
                reason.extend(message.get("body", b""))
            else:
                await send(message)

        await manager.handle_request(scope, receive, hold_back_refusals)
        if refused in _WRONG_SITE:
            raise _wrong_site(Headers(scope=scope))
        if refused:
            raise HTTPException(refused, reason.decode("utf-8", "replace") or None)


def _plain_refusal(start: Message) -> bool:
    """Return whether a response refuses without an error of the protocol, which would be JSON."""
    if start["status"] in _WRONG_SITE:
        return True
    kind = Headers(raw=start.get("headers", [])).get("content-type", "")
    return start["status"] >= 400 and not kind.startswith("application/json")


def _wrong_site(headers: Headers) -> HTTPException:
    names = {name: headers.get(name, "none")[:MAX_NAME_SHOWN] for name in ("host", "origin")}
    return HTTPException(
        403,
        f"Requests to {names['host']!r} from {names['origin']!r} are refused, so that no other site"
        " can use the reader's browser: set TENKYO_PUBLIC_URL to the address of this service",
    )


class _LazyAnswerService:
    """An answer service that is loaded in a thread, once; again after a failure."""

    def __init__(self, make: MakeEngine) -> None:
        self._make = make
        self._loading: asyncio.Task[tuple[Engine, Callable[[], Awaitable[None]]]] | None = None
        self._answer_service: AnswerService | None = None
        self._background = AsyncExitStack()

    def start(self) -> None:
        """Begin to load, if that has not begun."""
        if self._loading is None:
            self._load()

    def _load(self) -> asyncio.Task[tuple[Engine, Callable[[], Awaitable[None]]]]:
        loading = self._loading
        failed = loading is not None and loading.done() and loading.exception() is not None
        if loading is None or failed:
            loading = self._loading = asyncio.create_task(asyncio.to_thread(self._make))
        return loading

    async def get(self) -> AnswerService:
        """Wait until it is loaded; raises what went wrong."""
        from service.concurrency.answer_service import AnswerService
        from service.judging.service_judge import proving

        engine, _ = await asyncio.shield(self._load())
        if self._answer_service is None:
            self._answer_service = AnswerService(engine)
            await self._background.enter_async_context(proving(engine.judge))
        return self._answer_service

    async def close(self) -> None:
        """Wait for a load that has begun, and close what it made."""
        if self._loading is None:
            return
        await self._background.aclose()
        (loaded,) = await asyncio.gather(self._loading, return_exceptions=True)
        if not isinstance(loaded, BaseException):
            _, close_engine = loaded
            await close_engine()


async def serve_stdio(make: MakeEngine, base: str, judge_host: str = "") -> None:
    """Serve one MCP client by standard input and output, until the input ends.

    Args:
        make: Returns the engine, and what to await to close it. It is called in a thread once the
            first message has been answered, and again by the next tool if it failed.
        base: The address of this service, for sources without one on the web.
        judge_host: The host to which a judge sends text; empty: there is no judge.
    """
    from mcp.server.stdio import stdio_server

    from service.mcp.tools import make_server

    answer_service = _LazyAnswerService(make)

    async def start_after_handshake(ctx: Context, call_next: CallNext) -> HandlerResult:
        result = await call_next(ctx)
        answer_service.start()
        return result

    server = make_server(answer_service.get, base, lambda: judge_host)
    server.middleware.append(start_after_handshake)
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())
    await answer_service.close()
