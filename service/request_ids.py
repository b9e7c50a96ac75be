"""An id for every request: in its reply, in log lines, and in problem documents."""

from __future__ import annotations

import logging
import re
import secrets
from contextvars import ContextVar

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "X-Request-ID"
_SANE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~:/+=@-]{0,127}")  # fits a log line and a header
_current: ContextVar[str] = ContextVar("request_id", default="")


def current() -> str:
    """The id of the request that is being answered; empty outside of one."""
    return _current.get()


class RequestIds:
    """Takes the id over that a request brings if it is sane, else makes one.

    The outermost layer: what nothing within has caught is answered here with a problem
    document, so that this reply too has its id; and then raised, to be logged.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        given = Headers(scope=scope).get(HEADER, "")
        request_id = given if _SANE.fullmatch(given) else secrets.token_urlsafe(12)
        _current.set(request_id)  # never reset: a request has a task, and so a context, to itself
        started = False

        async def with_id(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        try:
            await self.app(scope, receive, with_id)
        except Exception:
            if not started:
                from service.problems import problem  # which itself asks for the id

                detail = f"the log has the reason, under the request id {request_id}: look there"
                await problem(500, "Something went wrong", detail)(scope, receive, with_id)
            raise


class InLogLines(logging.Filter):
    """Gives every record ``request``, the request's id in brackets after a blank, or nothing."""

    def filter(self, record: logging.LogRecord) -> bool:
        request_id = current()
        record.request = f" [{request_id}]" if request_id else ""
        return True


def log_to_standard_error(level: str) -> None:
    """Log lines of ``level`` and above to standard error, with the request's id."""
    handler = logging.StreamHandler()
    handler.addFilter(InLogLines())
    line = "%(levelname)s %(name)s%(request)s: %(message)s"
    logging.basicConfig(level=level.upper(), format=line, handlers=[handler])
