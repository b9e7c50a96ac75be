"""The OpenAI-compatible door: chat completions and models, thin over Asking.

Its errors have the shape that OpenAI's clients read, with the statuses of our own table but
for 422, which they know as 400. A key is taken, and not looked at.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response, StreamingResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from corpus.errors import ChatRefused, NotNow, TenkyoError
from service.concurrency.answer_service import AnswerService, bypasses_cache
from service.concurrency.event_log import CLIENT_CLOSED_REQUEST, cancel_on_disconnect
from service.openai_compat.requests import ChatRequest, check_model, list_models, read_chat_request
from service.openai_compat.responses import Chunks, CompletionHeader, completion
from service.types import Event

logger = logging.getLogger(__name__)

Statuses = Sequence[tuple[type[TenkyoError], int, str]]
UNFINISHED = "the answer could not be finished: ask again; the log has the reason"


def router(asking: AnswerService, statuses: Statuses) -> APIRouter:
    """The routes; ``statuses`` is the table from errors to statuses, the first row that fits
    decides.
    """

    class Route(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            return _refusing(super().get_route_handler(), statuses)

    refused = {"description": 'An error in OpenAI\'s shape: `{"error": {…}}`'}
    routes = APIRouter(
        route_class=Route, tags=["OpenAI-compatible"], responses={"default": refused}
    )
    since = int(time.time())

    @routes.post("/v1/chat/completions", summary="Answer the last message, with annotations")
    async def chat_completions(body: ChatRequest, request: Request) -> Response:
        asked = read_chat_request(body)
        usage = bool(body.stream_options and body.stream_options.include_usage)
        head = CompletionHeader(body.model, int(time.time()), str(request.base_url), usage)
        fresh = bypasses_cache(request.headers.get("cache-control", ""))
        events = asking.stream(asked.question, mode=asked.mode, earlier=asked.earlier, fresh=fresh)
        if not body.stream:
            answer = await cancel_on_disconnect(request, _answer(events))
            return (
                JSONResponse(completion(answer, head))
                if answer
                else Response(status_code=CLIENT_CLOSED_REQUEST)
            )
        first = await cancel_on_disconnect(request, anext(events))  # what is wrong is known by then
        if first is None:
            return Response(status_code=CLIENT_CLOSED_REQUEST)
        return StreamingResponse(
            _frames(Chunks(head), first, events, statuses),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    @routes.get("/v1/models", summary="The two ways to be answered, as models")
    def listed() -> JSONResponse:
        return JSONResponse({"object": "list", "data": list_models(since)})

    @routes.get("/v1/models/{model:path}", summary="One of them")
    def model(model: Annotated[str, Path(examples=["tenkyo"])]) -> JSONResponse:
        return JSONResponse(next(m for m in list_models(since) if m["id"] == check_model(model)))

    return routes


async def _answer(events: AsyncIterator[Event]) -> Any:
    async with aclosing(events):
        async for event in events:
            last = event.data
    return last


async def _frames(
    chunks: Chunks, first: Event, events: AsyncIterator[Event], statuses: Statuses
) -> AsyncIterator[bytes]:
    """Server-sent events; [DONE] ends a whole answer only, an error ends any other."""
    async with aclosing(events):
        try:
            for chunk in chunks.feed(first):
                yield _frame(chunk)
            async for event in events:
                for chunk in chunks.feed(event):
                    yield _frame(chunk)
        except TenkyoError as error:
            yield b"event: error\n" + _frame(_described(error, statuses)[1])
            return
        except Exception:  # a client must not take half an answer for a whole one
            yield b"event: error\n" + _frame(_error(500, UNFINISHED, "internal_error"))
            raise
        yield b"data: [DONE]\n\n"


def _frame(value: dict[str, Any]) -> bytes:
    """One ``data:`` line. All ASCII: many clients split at any line end that Unicode knows."""
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def _refusing(
    handler: Callable[[Request], Coroutine[Any, Any, Response]], statuses: Statuses
) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    """A handler whose errors are answered in OpenAI's shape."""

    async def handle(request: Request) -> Response:
        headers: dict[str, str] = {}
        try:
            return await handler(request)
        except TenkyoError as error:
            status, body = _described(error, statuses)
            if isinstance(error, NotNow):
                headers["Retry-After"] = str(error.retry_after)
        except RequestValidationError as error:
            status, body = 400, _invalid(error)
        except HTTPException as error:
            detail = f"{error.detail}: send less"  # the one there is: a body that is too large
            status, body = error.status_code, _error(error.status_code, detail, "request_refused")
        except Exception:
            logger.exception("a chat completion failed")
            status, body = 500, _error(500, UNFINISHED, "internal_error")
        return JSONResponse(body, status, headers)

    return handle


def _described(error: TenkyoError, statuses: Statuses) -> tuple[int, dict[str, Any]]:
    if isinstance(error, ChatRefused):
        return error.status, _error(error.status, str(error), error.code, error.param)
    kind, status = next((kind, status) for kind, status, _ in statuses if isinstance(error, kind))
    status = 400 if status == 422 else status
    code = "".join(f"_{c.lower()}" if c.isupper() else c for c in kind.__name__)[1:]
    if error.public != str(error):
        logger.warning("a chat completion failed: %s", error)
    return status, _error(status, error.public, code, "messages" if status == 400 else None)


def _invalid(error: RequestValidationError) -> dict[str, Any]:
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        fix = 'the body is not JSON: send {"model": "tenkyo", "messages": [{"role": "user", …}]}'
        return _error(400, fix, "invalid_json")
    where = ".".join(str(part) for part in first["loc"][1:]) or "body"
    detail = f"{where}: {first['msg']}; see /openapi.json for what is expected"
    return _error(400, detail, "invalid_value", where)


def _error(status: int, message: str, code: str, param: str | None = None) -> dict[str, Any]:
    kind = "invalid_request_error" if status < 500 else "server_error"
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}
