"""What every request and response goes through, as plain ASGI: it never buffers a stream."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from ipaddress import ip_address

from starlette.datastructures import Headers as _Sent
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from corpus.files.files import printable_path
from service.problems import problem_response

MAX_BODY = 1_000_000  # bytes; a question has at most 4,000 characters
MAX_UPLOADS = 1_000_000_000  # bytes of a request with files, each of which has its own limit
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class BodyLimit:
    """Answers 413 to a body of more than ``limit`` bytes, once that many have come.

    ``larger`` has the limits of paths that are for more.
    """

    def __init__(
        self, app: ASGIApp, limit: int = MAX_BODY, larger: Mapping[str, int] | None = None
    ) -> None:
        self.app, self.limit, self.larger = app, limit, larger or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        came = 0
        limit = self.larger.get(scope.get("path", ""), self.limit)
        what, close = f"The body is larger than {limit:,} bytes", {"Connection": "close"}

        async def counted() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > limit:
                raise HTTPException(413, what, close)
            return message

        await self.app(scope, counted if scope["type"] == "http" else receive, send)


class SameOrigin:
    """Answers 403 to what a page of another site sends a browser to write here.

    A page may have the browser of its reader post a form to any address, this machine's own
    included. Browsers say where such a request comes from; programs, which are not led by
    pages, say nothing, and pass. A path in ``but`` sees to it itself.
    """

    def __init__(self, app: ASGIApp, but: Collection[str] = ()) -> None:
        self.app, self.but = app, frozenset(but)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        writes = scope["type"] == "http" and scope["method"] not in _READING
        if writes and scope["path"] not in self.but:
            headers = _Sent(scope=scope)
            site, origin = headers.get("sec-fetch-site"), headers.get("origin")
            if site is not None:
                ours = site in ("same-origin", "none")
            else:
                ours = origin is None or _netloc(origin) == headers.get("host", "").lower()
            if not ours:
                detail = (
                    f"a page of {printable_path(origin or 'another site')[:200]} may not write here"
                )
                refused = problem_response(403, "Another site asked for this", detail)
                return await refused(scope, receive, send)
        await self.app(scope, receive, send)


class AllowedHosts:
    """Answers 421 to a request for a host that this service is not known by.

    A page can have its own name lead to 127.0.0.1, and is then of one origin with what it
    asks for there. It cannot change the name that the browser asks for: so only names that
    cannot be a stranger's are answered to.
    """

    def __init__(self, app: ASGIApp, names: Collection[str]) -> None:
        self.app, self.names = app, frozenset(name.lower() for name in names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            host = _Sent(scope=scope).get("host", "")
            name = _host_name(host)
            if not (name in self.names or name == "localhost" or _is_address(name)):
                detail = (
                    f"this service is not known by the name {printable_path(name)[:200]!r}: ask for it at"
                    " localhost, or name it in TENKYO_HOSTS"
                )
                refused = problem_response(421, "Another host is meant", detail)
                return await refused(scope, receive, send)
        await self.app(scope, receive, send)


def _netloc(origin: str) -> str:
    """Host and port of an origin, as a Host header has them; of "null", nothing."""
    return origin.partition("://")[2].lower()


def _host_name(host: str) -> str:
    """The name in a Host header, without its port."""
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
    """Adds headers to every response that does not set them itself."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self.app, self.headers = app, headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    present.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, with_headers if scope["type"] == "http" else send)
