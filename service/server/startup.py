"""An app that listens before what it serves is there. Nothing heavy is imported.

``/healthz`` says at once that the process lives, ``/readyz`` that it is starting, and whatever
else is asked for waits until it can be answered, or is told when to ask again.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from corpus.errors import NotReady
from service.api.request_id import RequestIds
from service.logs import current

MAX_WAIT_SECONDS = 10.0  # seconds that a request waits
STARTING_RETRY_AFTER = 1
IMMEDIATE_PATHS = ("/healthz", "/readyz")  # whose requests do not
OPENAI_PATHS = ("/v1/chat/completions", "/v1/models")  # errors there have OpenAI's shape
STARTING_HEADERS = {  # what is sent here is data, and no page
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}

Scope = dict[str, Any]


def run_in_daemon_thread(work: Callable[[], Any]) -> Future[Any]:
    """What ``work`` returns, from a thread that the end of the process does not wait for."""
    made: Future[Any] = Future()
    made.set_running_or_notify_cancel()  # so that nobody who gives it up can cancel it

    def run() -> None:
        try:
            made.set_result(work())
        except BaseException as error:
            made.set_exception(error)

    threading.Thread(target=run, name="loading", daemon=True).start()
    return made


class StartingApp:
    """The app that ``load`` makes, in a thread, from the moment that it is made.

    ``opened`` is called when it can answer, ``failed`` with what kept it from that.
    """

    def __init__(
        self,
        load: Callable[[], Any],
        opened: Callable[[], None],
        failed: Callable[[Exception], None],
        patience: float = MAX_WAIT_SECONDS,
    ) -> None:
        self._load, self._opened, self._failed = load, opened, failed
        self._patience = patience
        self._app: Any = None
        self._early = RequestIds(_early)

    async def __call__(self, scope: Scope, receive: Callable, send: Callable) -> None:
        if scope["type"] == "lifespan":
            return await self._live(receive, send)
        if self._app is None and scope.get("path") not in IMMEDIATE_PATHS:
            await asyncio.wait([self._settled], timeout=self._patience)
        await (self._app or self._early)(scope, receive, send)

    async def _live(self, receive: Callable, send: Callable) -> None:
        await receive()  # startup
        self._settled = asyncio.get_running_loop().create_future()
        self._over = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._open())
        await send({"type": "lifespan.startup.complete"})
        await receive()  # shutdown
        self._over.set_result(None)
        await task
        await send({"type": "lifespan.shutdown.complete"})

    async def _open(self) -> None:
        loading = asyncio.wrap_future(run_in_daemon_thread(self._load))
        try:
            await asyncio.wait([loading, self._over], return_when=asyncio.FIRST_COMPLETED)
            if self._over.done():
                return
            app = loading.result()
            async with app.router.lifespan_context(app):
                self._app = app
                self._settled.set_result(None)
                self._opened()
                await self._over
                self._app = None
        except Exception as error:
            self._failed(error)
        finally:
            loading.cancel()  # the thread goes on, and nobody hears of it
            if not self._settled.done():
                self._settled.set_result(None)


async def _early(scope: Scope, _receive: Callable, send: Callable) -> None:
    """The reply of a service that is starting, in the shape of what is asked for."""
    if scope.get("path") == "/healthz":
        return await _reply(send, 200, {"status": "ok"})
    error = NotReady("the index and the models are being loaded", STARTING_RETRY_AFTER)
    if scope.get("path", "").startswith(OPENAI_PATHS):
        described = {"message": str(error), "type": "server_error", "param": None}
        return await _reply(send, 503, {"error": described | {"code": "not_ready"}})
    body = {
        "type": "about:blank",
        "title": "The service is starting",
        "status": 503,
        "detail": str(error),
        "retry_after": error.retry_after,
        "request_id": current(),
    }
    await _reply(send, 503, body, "application/problem+json")


async def _reply(
    send: Callable, status: int, body: dict[str, Any], kind: str = "application/json"
) -> None:
    data = json.dumps(body).encode()
    headers = {"content-type": kind, "content-length": str(len(data)), **STARTING_HEADERS}
    if status == 503:
        headers["retry-after"] = str(STARTING_RETRY_AFTER)
    sent = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": sent})
    await send({"type": "http.response.body", "body": data})
