"""HTTP routes that answer questions, return stored answers, and fact-check texts.

An answer is made for the client that asked, and stops when that client disconnects. A client that
sends an ``Idempotency-Key`` may reconnect: its answer continues for a while without a reader (see
``service.concurrency.resumable``). One header therefore serves for a question that is sent twice
and for a stream that breaks, and it works before the first event, when the answer's id is not known
yet.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Header, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from corpus.errors import NotEnded, RequestRefused
from service import schemas
from service.answering.engine import Engine
from service.answering.factcheck import Checked, FactChecker, check_text
from service.concurrency.admission import MAX_RUNNING_TEXTS, ConcurrencyLimiter
from service.concurrency.answer_service import AnswerService, bypasses_cache
from service.concurrency.event_log import (
    CLIENT_CLOSED_REQUEST,
    Frame,
    cancel_on_disconnect,
    number_frames,
    streaming_response,
    without,
)
from service.concurrency.idempotency import read_idempotency_key
from service.concurrency.resumable import ResumableAnswers, parse_last_event_id
from service.disclosure import public
from service.executors import PriorityThreadPool
from service.query import check_question
from service.schemas import gives
from service.scope import scope_of
from service.types import to_json, with_decisions
from service.verification import receipt

# Said of texts to check, whether or not a language model judges them.
SEARCHED = (
    "Where models for the search are on servers, these get sentences and passages too; they are"
    " sent nowhere else."
)
RETRY_AFTER = 1  # seconds; short, because a request to stop an answer itself waits for the end


class Question(BaseModel):
    """The request body of ``POST /v1/answers``: a question and how to answer it."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"question": "Whisperは何時間の音声で学習しましたか？"}]},
    )

    question: str = Field(description="in English or Japanese, at most 4,000 characters")
    conversation_id: str | None = Field(
        None, description="from an earlier answer: continues its conversation"
    )
    source_ids: list[str] | None = Field(None, description="answer only from these sources")
    collections: list[str] | None = Field(
        None, description="answer only from these collections, by their names"
    )
    mode: Literal["quoted"] | None = Field(
        None, description="`quoted`: answer with quotes, without a language model"
    )
    model: str | None = Field(
        None,
        max_length=300,
        description="the language model that writes, one of `models` of `/readyz`; omitted: the"
        " first of them",
    )
    stream: bool = Field(
        False, description="server-sent events, as with `Accept: text/event-stream`"
    )
    progress: bool = Field(False, description="in a stream, also `status` events: the current step")
    draft: bool = Field(
        False,
        description="in a stream, also `draft` events: what the model has written and what is not"
        " checked yet",
    )

    def identity(self) -> dict[str, Any]:
        """Return what makes it the same question, for an idempotency key."""
        asked = self.model_dump(exclude={"stream", "progress", "draft"})
        for later in ("collections", "model"):  # keys from before there were these stay valid
            if asked[later] is None:
                del asked[later]
        return asked

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of ``AnswerService.stream``."""
        asked = self.model_dump(include={"question", "conversation_id", "mode", "model"})
        return asked | {"scope": scope_of(self.source_ids, self.collections)}


class Text(BaseModel):
    """The request body of ``POST /v1/verify``: a text to fact-check."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"text": "Whisper was trained on 680,000 hours of audio."}]
        },
    )

    text: str = Field(description="at most 20,000 characters and 200 sentences")
    source_ids: list[str] | None = Field(None, description="check only against these sources")
    collections: list[str] | None = Field(
        None, description="check only against these collections, by their names"
    )


def add_answer_routes(
    app: FastAPI, resumable: ResumableAnswers, answer_service: AnswerService
) -> None:
    """Add the routes that answer a question and that stop an answer.

    Args:
        app: The application that gets the routes.
        resumable: Answers the questions that come with an ``Idempotency-Key``.
        answer_service: Answers the others.
    """

    @app.post(
        "/v1/answers",
        summary="Answer a question, as JSON or as a stream of checked claims",
        responses=gives(
            schemas.SentAnswer, stream="evidence, then claim or rejected, then answer; or error"
        ),
    )
    async def ask(question: Question, request: Request) -> Response:
        check_question(question.question)
        arguments = question.arguments()
        key = read_idempotency_key(request, question.identity())
        after = parse_last_event_id(request.headers.get("last-event-id"))
        streams = question.stream or "text/event-stream" in request.headers.get("accept", "")
        arguments["fresh"] = bypasses_cache(request.headers.get("cache-control", ""))
        if key:
            frames = resumable.frames(key, arguments, after if streams else 0)
        elif after:
            raise RequestRefused(
                "only an answer that was requested with an Idempotency-Key can be resumed: send the"
                " key with both requests, or ask again without Last-Event-ID"
            )
        else:
            progress = question.progress or question.draft
            frames = number_frames(answer_service.stream(**arguments, progress=progress))
        wanted = {"status": question.progress, "draft": question.draft and streams}
        frames = without({name for name, sent in wanted.items() if not sent}, frames)
        if streams:
            return await cancel_on_disconnect(request, streaming_response(frames)) or Response(
                status_code=CLIENT_CLOSED_REQUEST
            )
        answer = await cancel_on_disconnect(request, _last_data(frames))
        return JSONResponse(answer) if answer else Response(status_code=CLIENT_CLOSED_REQUEST)

    @app.delete(
        "/v1/answers",
        summary="Stop the running answer that was requested with an Idempotency-Key",
        status_code=204,
    )
    async def stop_answer(
        request: Request, idempotency_key: Annotated[str, Header(examples=["k-1"])] = ""
    ) -> Response:
        if not (key := read_idempotency_key(request, {})):
            raise RequestRefused(
                "no answer to stop is named: send the Idempotency-Key with which it was requested"
            )
        if not await resumable.stop(key):
            raise NotEnded("the answer is being stopped and has not ended yet", RETRY_AFTER)
        return Response(status_code=204)


def add_stored_answer_routes(app: FastAPI, answer_service: AnswerService) -> None:
    """Add the routes that return an answer of the history, and its receipt."""

    @app.get(
        "/v1/answers/{answer_id}",
        summary="Get a stored answer",
        responses=gives(schemas.SentAnswer),
    )
    def get_answer(answer_id: str) -> JSONResponse:
        return JSONResponse(with_decisions(answer_service.history.answer(answer_id)))

    @app.get(
        "/v1/answers/{answer_id}/receipt",
        summary="Get the receipt of an answer, by which it can be verified again",
        responses=gives(receipt.Receipt),
    )
    def get_receipt(answer_id: str) -> JSONResponse:
        made = receipt.make_receipt(answer_service.history, answer_id)
        disposition = f'attachment; filename="receipt-{made["id"]}.json"'
        return JSONResponse(made, headers={"Content-Disposition": disposition})


async def _last_data(frames: AsyncGenerator[Frame, None]) -> Any:
    """Read a stream to its end and return the data of its last frame: the answer."""
    async with aclosing(frames):
        return [frame async for frame in frames][-1].data


def add_verify_route(
    app: FastAPI, engine: Engine, limiter: ConcurrencyLimiter, changes: bool = False
) -> None:
    """Add the route that fact-checks a text, sentence by sentence.

    Args:
        app: The application that gets the route.
        engine: Its library and verifier are what texts are checked with.
        limiter: Bounds how many texts are checked at once.
        changes: Whether another model may judge later on.
    """
    fact_checker = FactChecker(engine.library, engine.verifier)
    threads = PriorityThreadPool("texts", MAX_RUNNING_TEXTS, MAX_RUNNING_TEXTS)

    @app.post(
        "/v1/verify",
        summary="Check each sentence of a text: a verdict and the quotes that decide",
        description=_where_sent(engine, changes),
        responses=gives(schemas.SentCheck),
    )
    async def verify(body: Text, request: Request) -> Response:
        scope = scope_of(body.source_ids, body.collections)
        arguments = check_text(body.text), scope, None, threads.run_to_completion
        fact_checker.judge = engine.judge  # another may have taken its place

        async def check() -> Checked:
            async with limiter.slot():
                return await fact_checker.check_async(*arguments)

        result = await cancel_on_disconnect(request, check())
        return (
            JSONResponse(public(to_json(result)))
            if result
            else Response(status_code=CLIENT_CLOSED_REQUEST)
        )


def _where_sent(engine: Engine, changes: bool) -> str:
    """Say where the text of a request is sent, for the documentation of the API."""
    if changes:
        return (
            "Where `judge` of `/readyz` is able, its language model judges the sentences: they and"
            f" the passages found for them are sent to its host. {SEARCHED}"
        )
    if engine.judge is None:
        return f"The text is checked by this service. {SEARCHED}"
    return (
        f"A language model at {engine.judge.host} judges the sentences once it has passed its"
        f" self-test: they and the passages found for them are sent there. {SEARCHED}"
    )
