"""HTTP routes of the OpenAI-compatible API: chat completions and models.

Errors have the shape that OpenAI's clients read, with the statuses of our own API, except that 422
becomes 400, as OpenAI has it. An API key is accepted and ignored.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Sequence
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


def router(answer_service: AnswerService, statuses: Statuses) -> APIRouter:
    """Create the routes of the OpenAI-compatible API.

    Args:
        answer_service: Answers the questions.
        statuses: Rows of an error class, its HTTP status and a title; the first row that fits an
            error decides.
    """

    class Route(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            return _with_openai_errors(super().get_route_handler(), statuses)

    error_response = {"description": 'An error in OpenAI\'s shape: `{"error": {…}}`'}
    routes = APIRouter(
        route_class=Route, tags=["OpenAI-compatible"], responses={"default": error_response}
    )
    started = int(time.time())

    @routes.post(
        "/v1/chat/completions",
        summary="Answer the last user message, with citations as annotations",
    )
    async def chat_completions(body: ChatRequest, request: Request) -> Response:
        chat = read_chat_request(body)
        usage = bool(body.stream_options and body.stream_options.include_usage)
        header = CompletionHeader(body.model, int(time.time()), str(request.base_url), usage)
        fresh = bypasses_cache(request.headers.get("cache-control", ""))
        events = answer_service.stream(
            chat.question, mode=chat.mode, earlier=chat.earlier, fresh=fresh
        )
        if not body.stream:
            answer = await cancel_on_disconnect(request, _last_data(events))
            return (
                JSONResponse(completion(answer, header))
                if answer
                else Response(status_code=CLIENT_CLOSED_REQUEST)
            )
        first = await cancel_on_disconnect(request, anext(events))  # most errors come before it
        if first is None:
            return Response(status_code=CLIENT_CLOSED_REQUEST)
        return StreamingResponse(
            _frames(Chunks(header), first, events, statuses),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    @routes.get("/v1/models", summary="List the two modes of answering, as models")
    def listed() -> JSONResponse:
        return JSONResponse({"object": "list", "data": list_models(started)})

    @routes.get("/v1/models/{model:path}", summary="Get a model")
    def model(model: Annotated[str, Path(examples=["tenkyo"])]) -> JSONResponse:
        return JSONResponse(next(m for m in list_models(started) if m["id"] == check_model(model)))

    return routes


async def _last_data(events: AsyncGenerator[Event, None]) -> Any:
    """Read a stream to its end and return the data of its last event: the answer."""
    async with aclosing(events):
        async for event in events:
            last = event.data
    return last


async def _frames(
    chunks: Chunks, first: Event, events: AsyncGenerator[Event, None], statuses: Statuses
) -> AsyncIterator[bytes]:
    """Yield chunks as server-sent events; the last one is ``[DONE]``, or an error."""
    async with aclosing(events):
        try:
            for chunk in chunks.feed(first):
                yield _frame(chunk)
            async for event in events:
                for chunk in chunks.feed(event):
                    yield _frame(chunk)
        except TenkyoError as error:
            yield b"event: error\n" + _frame(_status_and_body(error, statuses)[1])
            return
        except Exception:  # else a client takes half an answer for a whole one
            yield b"event: error\n" + _frame(_error(500, UNFINISHED, "internal_error"))
            raise
        yield b"data: [DONE]\n\n"


def _frame(value: dict[str, Any]) -> bytes:
    """Return one ``data:`` line, in ASCII: many clients split at every Unicode line separator."""
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def _with_openai_errors(
    handler: Callable[[Request], Coroutine[Any, Any, Response]], statuses: Statuses
) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    """Wrap a handler so that its errors become responses in OpenAI's shape."""

    async def handle(request: Request) -> Response:
        headers: dict[str, str] = {}
        try:
            return await handler(request)
        except TenkyoError as error:
            status, body = _status_and_body(error, statuses)
            if isinstance(error, NotNow):
                headers["Retry-After"] = str(error.retry_after)
        except RequestValidationError as error:
            status, body = 400, _validation_error(error)
        except HTTPException as error:
            detail = f"{error.detail}: send less"  # the only one is 413
            status, body = error.status_code, _error(error.status_code, detail, "request_refused")
        except Exception:
            logger.exception("a chat completion failed")
            status, body = 500, _error(500, UNFINISHED, "internal_error")
        return JSONResponse(body, status, headers)

    return handle


def _status_and_body(error: TenkyoError, statuses: Statuses) -> tuple[int, dict[str, Any]]:
    if isinstance(error, ChatRefused):
        return error.status, _error(error.status, str(error), error.code, error.param)
    kind, status = next((kind, status) for kind, status, _ in statuses if isinstance(error, kind))
    status = 400 if status == 422 else status
    code = "".join(f"_{c.lower()}" if c.isupper() else c for c in kind.__name__)[1:]
    if error.public != str(error):
        logger.warning("a chat completion failed: %s", error)
    return status, _error(status, error.public, code, "messages" if status == 400 else None)


def _validation_error(error: RequestValidationError) -> dict[str, Any]:
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
