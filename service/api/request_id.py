"""Middleware that gives every request an id: in its response, log lines and problem documents."""

from __future__ import annotations

import re
import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.logs import set_request_id

REQUEST_ID_HEADER = "X-Request-ID"
_VALID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~:/+=@-]{0,127}")  # fits a log line and a header


class RequestIds:
    """Middleware that keeps the id a request brings, if it is valid, or makes one.

    It is the outermost middleware. An exception that nothing inside has caught is answered here
    with a problem document, so that this response has an id too, then raised again to be logged.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        given = Headers(scope=scope).get(REQUEST_ID_HEADER, "")
        request_id = given if _VALID.fullmatch(given) else secrets.token_urlsafe(12)
        set_request_id(request_id)
        started = False

        async def send_with_id(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                MutableHeaders(scope=message)[REQUEST_ID_HEADER] = request_id
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        except Exception:
            if not started:
                from service.problems import problem_response  # heavy: see service.server.startup

                detail = f"look in the log: it has the reason under the request id {request_id}"
                await problem_response(500, "Something went wrong", detail, code="error")(
                    scope, receive, send_with_id
                )
            raise
