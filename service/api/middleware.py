"""ASGI middleware: limits on request bodies, cross-site requests and host names; default headers.

It is written against ASGI itself, because Starlette's base class would buffer streams.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from ipaddress import ip_address

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from corpus.files.files import printable_path
from service.problems import problem_response

MAX_BODY = 1_000_000  # bytes; a question has at most 4,000 characters
MAX_UPLOADS = 1_000_000_000  # bytes of a request with files; each file has a limit of its own
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class BodyLimit:
    """Middleware that refuses request bodies above a size with status 413, as they arrive."""

    def __init__(
        self, app: ASGIApp, limit: int = MAX_BODY, larger: Mapping[str, int] | None = None
    ) -> None:
        """Wrap an application.

        Args:
            app: The application inside.
            limit: The most bytes of a body.
            larger: Paths with limits of their own, in bytes.
        """
        self.app, self.limit, self.larger = app, limit, larger or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        received = 0
        limit = self.larger.get(scope.get("path", ""), self.limit)
        title, close = f"The body is larger than {limit:,} bytes", {"Connection": "close"}

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise HTTPException(413, title, close)
            return message

        await self.app(scope, counted if scope["type"] == "http" else receive, send)


class SameOrigin:
    """Middleware that refuses writing requests from pages of other sites with status 403.

    A web page can make its reader's browser post a form to any address, this machine's included
    (cross-site request forgery). Browsers say which site such a request comes from. Programs say
    nothing and pass: no page controls them.
    """

    def __init__(self, app: ASGIApp, exempt: Collection[str] = ()) -> None:
        """Wrap an application; paths in ``exempt`` do their own check."""
        self.app, self.exempt = app, frozenset(exempt)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        writes = scope["type"] == "http" and scope["method"] not in _SAFE_METHODS
        if writes and scope["path"] not in self.exempt:
            headers = Headers(scope=scope)
            site, origin = headers.get("sec-fetch-site"), headers.get("origin")
            if site is not None:
                ours = site in ("same-origin", "none")
            else:
                ours = origin is None or _netloc(origin) == headers.get("host", "").lower()
            if not ours:
                detail = (
                    f"a page of {printable_path(origin or 'another site')[:200]} may not write"
                    " here: open the service's own page, or send the request from a program"
                )
                refused = problem_response(403, "The request comes from another site", detail)
                return await refused(scope, receive, send)
        await self.app(scope, receive, send)


class AllowedHosts:
    """Middleware that refuses requests for unknown host names with status 421.

    It protects against DNS rebinding: a web page can have its own name resolve to 127.0.0.1, and is
    then of one origin with what answers there. It cannot change the name in the request. So only
    names are allowed that no other site can have: localhost, IP addresses and configured names.
    """

    def __init__(self, app: ASGIApp, names: Collection[str]) -> None:
        """Wrap an application; ``names`` are allowed besides localhost and IP addresses."""
        self.app, self.names = app, frozenset(name.lower() for name in names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if scope["type"] == "http":
            host = Headers(scope=scope).get("host", "")
            name = _host_name(host)
            if not (name in self.names or name == "localhost" or _is_address(name)):
                detail = (
                    f"this service is not known by the name {printable_path(name)[:200]!r}: use"
                    " localhost, or add the name to TENKYO_HOSTS"
                )
                refused = problem_response(421, "The host name is not allowed", detail)
                return await refused(scope, receive, send)
        await self.app(scope, receive, send)


def _netloc(origin: str) -> str:
    """Return host and port of an origin, as in a Host header; of "null", an empty string."""
    return origin.partition("://")[2].lower()


def _host_name(host: str) -> str:
    """Return the name in a Host header, without the port."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].removesuffix(".")


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


class DefaultHeaders:
    """Middleware that adds headers to every response that does not set them itself."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self.app, self.headers = app, headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    present.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)
