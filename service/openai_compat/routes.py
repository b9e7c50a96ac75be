"""HTTP routes of the OpenAI-compatible API: chat completions, responses and models.

An API key is accepted and ignored.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from corpus.errors import TenkyoError
from service.concurrency.answer_service import AnswerService, bypasses_cache
from service.concurrency.event_log import CLIENT_CLOSED_REQUEST, cancel_on_disconnect
from service.openai_compat.chat_completions import Chunks, CompletionHeader, completion
from service.openai_compat.chat_requests import ChatRequest, read_chat_request
from service.openai_compat.errors import (
    ERROR_SCHEMA,
    RESPONSES_PATH,
    UNFINISHED,
    Statuses,
    error_body,
    question_field,
    status_and_body,
    with_openai_errors,
)
from service.openai_compat.questions import check_model, models_as_json
from service.openai_compat.response_objects import ResponseEvents, ResponseHeader, response_of
from service.openai_compat.response_requests import (
    ResponseRequest,
    continue_response,
    read_response_request,
)
from service.openai_compat.stored_responses import stored_response
from service.types import Answer, Event

CHAT_PATH = "/v1/chat/completions"


@dataclass(frozen=True, slots=True)
class _Format:
    """How the answer to one request is sent: whole, or as server-sent events.

    Attributes:
        whole: Makes the reply from the answer.
        feed: Makes frames from an event of the answer.
        fail: Makes the last frames from an error in OpenAI's shape.
        end: The last frame of a complete stream, if it has one.
    """

    whole: Callable[[Answer], dict[str, Any]]
    feed: Callable[[Event], Iterator[bytes]]
    fail: Callable[[dict[str, Any]], Iterator[bytes]]
    end: bytes = b""


def router(answer_service: AnswerService, statuses: Statuses) -> APIRouter:
    """Create the routes of the OpenAI-compatible API.

    Args:
        answer_service: Answers the questions.
        statuses: Rows of an error class, its HTTP status and a title; the first row that fits an
            error decides.
    """

    class Route(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            return with_openai_errors(super().get_route_handler(), statuses)

    error_response: dict[str, Any] = {
        "description": 'An error in OpenAI\'s shape: `{"error": {…}}`',
        "content": {"application/json": {"schema": ERROR_SCHEMA}},
    }
    routes = APIRouter(
        route_class=Route, tags=["OpenAI-compatible"], responses={"default": error_response}
    )
    _add_chat(routes, answer_service, statuses)
    _add_responses(routes, answer_service, statuses)
    _add_models(routes)
    return routes


def _add_chat(routes: APIRouter, answer_service: AnswerService, statuses: Statuses) -> None:
    @routes.post(CHAT_PATH, summary="Answer the last user message, with citations as annotations")
    async def create_chat_completion(body: ChatRequest, request: Request) -> Response:
        chat = read_chat_request(body)
        usage = bool(body.stream_options and body.stream_options.include_usage)
        header = CompletionHeader(body.model, int(time.time()), str(request.base_url), usage)
        events = answer_service.stream(
            chat.question,
            mode=chat.mode,
            earlier=chat.earlier,
            fresh=bypasses_cache(request.headers.get("cache-control", "")),
        )
        return await _reply(request, bool(body.stream), events, _chat_format(header), statuses)


def _add_responses(routes: APIRouter, answer_service: AnswerService, statuses: Statuses) -> None:
    @routes.post(RESPONSES_PATH, summary="Answer the input, with citations as annotations")
    async def create_response(body: ResponseRequest, request: Request) -> Response:
        chat = read_response_request(body)
        previous, conversation_id, earlier = body.previous_response_id, None, chat.earlier
        if previous is not None:
            conversation_id, earlier = await run_in_threadpool(
                continue_response, answer_service.history, previous, earlier
            )
        header = ResponseHeader(body.model, int(time.time()), str(request.base_url), previous)
        events = answer_service.stream(
            chat.question,
            conversation_id,
            mode=chat.mode,
            earlier=earlier,
            fresh=bypasses_cache(request.headers.get("cache-control", "")),
        )
        return await _reply(request, bool(body.stream), events, _response_format(header), statuses)

    @routes.get(RESPONSES_PATH + "/{response_id}", summary="Get a stored answer as a response")
    def get_response(response_id: str, request: Request) -> JSONResponse:
        history, base = answer_service.history, str(request.base_url)
        return JSONResponse(stored_response(history, response_id, request.query_params, base))


def _add_models(routes: APIRouter) -> None:
    started = int(time.time())

    @routes.get("/v1/models", summary="List the two modes of answering, as models")
    def list_models() -> JSONResponse:
        return JSONResponse({"object": "list", "data": models_as_json(started)})

    @routes.get("/v1/models/{model:path}", summary="Get a model")
    def get_model(model: Annotated[str, Path(examples=["tenkyo"])]) -> JSONResponse:
        found = (m for m in models_as_json(started) if m["id"] == check_model(model))
        return JSONResponse(next(found))


def _chat_format(header: CompletionHeader) -> _Format:
    chunks = Chunks(header)

    def feed(event: Event) -> Iterator[bytes]:
        return map(_frame, chunks.feed(event))

    def fail(error: dict[str, Any]) -> Iterator[bytes]:
        yield b"event: error\n" + _frame(error)

    return _Format(lambda answer: completion(answer, header), feed, fail, b"data: [DONE]\n\n")


def _response_format(header: ResponseHeader) -> _Format:
    events = ResponseEvents(header)

    def named(event: dict[str, Any]) -> bytes:
        return f"event: {event['type']}\n".encode() + _frame(event)

    def feed(event: Event) -> Iterator[bytes]:
        return map(named, events.feed(event))

    def fail(error: dict[str, Any]) -> Iterator[bytes]:
        return map(named, events.fail(error["error"]))

    return _Format(lambda answer: response_of(answer, header), feed, fail)


async def _reply(
    request: Request,
    streams: bool,
    events: AsyncGenerator[Event, None],
    format: _Format,
    statuses: Statuses,
) -> Response:
    """Send an answer whole, or as it is made; stop its work when the client disconnects."""
    if not streams:
        answer = await cancel_on_disconnect(request, _last_data(events))
        return (
            JSONResponse(format.whole(answer))
            if answer
            else Response(status_code=CLIENT_CLOSED_REQUEST)
        )
    first = await cancel_on_disconnect(request, anext(events))  # most errors come before it
    if first is None:
        return Response(status_code=CLIENT_CLOSED_REQUEST)
    field = question_field(request.url.path)
    return StreamingResponse(
        _frames(format, first, events, statuses, field),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _last_data(events: AsyncGenerator[Event, None]) -> Any:
    """Read a stream to its end and return the data of its last event: the answer."""
    async with aclosing(events):
        async for event in events:
            last = event.data
    return last


async def _frames(
    format: _Format,
    first: Event,
    events: AsyncGenerator[Event, None],
    statuses: Statuses,
    field: str,
) -> AsyncIterator[bytes]:
    """Yield an answer as server-sent events; the last one is its end, or an error."""
    async with aclosing(events):
        try:
            for frame in format.feed(first):
                yield frame
            async for event in events:
                for frame in format.feed(event):
                    yield frame
        except TenkyoError as error:
            for frame in format.fail(status_and_body(error, statuses, field)[1]):
                yield frame
            return
        except Exception:  # else a client takes half an answer for a whole one
            for frame in format.fail(error_body(500, UNFINISHED, "internal_error")):
                yield frame
            raise
        if format.end:
            yield format.end


def _frame(value: dict[str, Any]) -> bytes:
    """Return one ``data:`` line, in ASCII: many clients split at every Unicode line separator."""
    return b"data: " + json.dumps(value).encode() + b"\n\n"
