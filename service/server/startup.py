"""An ASGI app that answers while the real app, with its models, is still loading.

Loading takes about two seconds, in which a reader or a health check should find the port open.
``/healthz`` says at once that the process lives, ``/readyz`` that it is starting; other requests
wait until the real app can answer, or get 503 with Retry-After. This module imports nothing heavy.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from starlette.types import ASGIApp, Receive, Scope, Send

from corpus.errors import NotReady
from service.api.request_id import RequestIds
from service.logs import current_request_id

MAX_WAIT_SECONDS = 10.0  # that a request waits for the real app
STARTING_RETRY_AFTER = 1  # seconds
IMMEDIATE_PATHS = ("/healthz", "/readyz")  # requests for these do not wait
OPENAI_PATHS = ("/v1/chat/completions", "/v1/responses", "/v1/models")  # errors in OpenAI's shape
STARTING_HEADERS = {  # the replies are data, not pages
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}

T = TypeVar("T")


def run_in_daemon_thread(work: Callable[[], T]) -> Future[T]:
    """Run a function in a thread that does not keep the process from ending."""
    result: Future[T] = Future()
    result.set_running_or_notify_cancel()  # from now on it cannot be cancelled

    def run() -> None:
        try:
            result.set_result(work())
        except BaseException as error:
            result.set_exception(error)

    threading.Thread(target=run, name="loading", daemon=True).start()
    return result


class StartingApp:
    """An ASGI app that loads the real one in a thread and passes requests on to it.

    Args:
        load: Makes the real app; runs in a thread.
        opened: Called when the real app can answer.
        failed: Called with the error that kept it from loading.
        max_wait: The seconds that a request waits for the real app.
    """

    def __init__(
        self,
        load: Callable[[], Any],
        opened: Callable[[], None],
        failed: Callable[[Exception], None],
        max_wait: float = MAX_WAIT_SECONDS,
    ) -> None:
        self._load, self._opened, self._failed = load, opened, failed
        self._max_wait = max_wait
        self._app: ASGIApp | None = None
        self._starting_app = RequestIds(_reply_starting)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on to the real app, or reply that the service is starting."""
        if scope["type"] == "lifespan":
            return await self._run_lifespan(receive, send)
        if self._app is None and scope.get("path") not in IMMEDIATE_PATHS:
            await asyncio.wait([self._loaded], timeout=self._max_wait)
        await (self._app or self._starting_app)(scope, receive, send)

    async def _run_lifespan(self, receive: Receive, send: Send) -> None:
        await receive()  # startup
        self._loaded = asyncio.get_running_loop().create_future()
        self._shutdown = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._serve_real_app())
        await send({"type": "lifespan.startup.complete"})
        await receive()  # shutdown
        self._shutdown.set_result(None)
        await task
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve_real_app(self) -> None:
        loading = asyncio.wrap_future(run_in_daemon_thread(self._load))
        try:
            await asyncio.wait([loading, self._shutdown], return_when=asyncio.FIRST_COMPLETED)
            if self._shutdown.done():
                return
            app = loading.result()
            async with app.router.lifespan_context(app):
                self._app = app
                self._loaded.set_result(None)
                self._opened()
                await self._shutdown
                self._app = None
        except Exception as error:
            self._failed(error)
        finally:
            loading.cancel()  # the thread goes on, and its result is dropped
            if not self._loaded.done():
                self._loaded.set_result(None)


async def _reply_starting(scope: Scope, _receive: Receive, send: Send) -> None:
    """Reply that the service is starting, in the format of the interface that was asked."""
    if scope.get("path") == "/healthz":
        return await _reply(send, 200, {"status": "ok"})
    error = NotReady("the index and the models are being loaded", STARTING_RETRY_AFTER)
    if scope.get("path", "").startswith(OPENAI_PATHS):
        openai_error = {"message": str(error), "type": "server_error", "param": None}
        return await _reply(send, 503, {"error": openai_error | {"code": "not_ready"}})
    body = {
        "type": "about:blank",
        "title": "The service is starting",
        "status": 503,
        "detail": str(error),
        "retry_after": error.retry_after,
        "request_id": current_request_id(),
    }
    await _reply(send, 503, body, "application/problem+json")


async def _reply(
    send: Send, status: int, body: dict[str, Any], media_type: str = "application/json"
) -> None:
    data = json.dumps(body).encode()
    headers = {"content-type": media_type, "content-length": str(len(data)), **STARTING_HEADERS}
    if status == 503:
        headers["retry-after"] = str(STARTING_RETRY_AFTER)
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": data})
