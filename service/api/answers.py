"""Routes that answer questions and verify texts."""

from __future__ import annotations

from collections.abc import AsyncIterator
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
    without_status,
)
from service.concurrency.idempotency import read_idempotency_key
from service.concurrency.resumable import ResumableAnswers, parse_last_event_id
from service.disclosure import public
from service.executors import PriorityThreadPool
from service.query import check_question
from service.schemas import gives
from service.types import to_json
from service.verification import receipt

RETRY_AFTER = 1  # seconds, where an answer that is stopped does not end: a stop waits by itself


class Question(BaseModel):
    """What ``POST /v1/answers`` takes."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"question": "Whisperは何時間の音声で学習しましたか？"}]},
    )

    question: str = Field(description="in English or Japanese, at most 4,000 characters")
    conversation_id: str | None = Field(None, description="of an earlier answer, to go on from it")
    source_ids: list[str] | None = Field(None, description="answer from these sources alone")
    mode: Literal["quoted"] | None = Field(None, description="`quoted`: use no language model")
    stream: bool = Field(False, description="events as they are decided, as with Accept")
    progress: bool = Field(False, description="`status` events too, of what is being done")


class Text(BaseModel):
    """What ``POST /v1/verify`` takes."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"text": "Whisper was trained on 680,000 hours of audio."}]
        },
    )

    text: str = Field(description="at most 20,000 characters and 200 sentences")
    source_ids: list[str] | None = Field(None, description="look in these sources alone")


def add_answer_routes(app: FastAPI, keyed: ResumableAnswers, asking: AnswerService) -> None:
    @app.post(
        "/v1/answers",
        summary="Answer a question, as JSON or as a stream of checked claims",
        responses=gives(
            schemas.SentAnswer, stream="evidence, then claim or rejected, then answer; or error"
        ),
    )
    async def answers(question: Question, request: Request) -> Response:
        check_question(question.question)
        asked = question.model_dump(exclude={"stream", "progress"})
        key, after = (
            read_idempotency_key(request, asked),
            parse_last_event_id(request.headers.get("last-event-id")),
        )
        streams = question.stream or "text/event-stream" in request.headers.get("accept", "")
        asked["fresh"] = bypasses_cache(request.headers.get("cache-control", ""))
        if key:
            frames = keyed.frames(key, asked, after if streams else 0)
        elif after:
            raise RequestRefused(
                "only an answer asked for under an Idempotency-Key can be taken up: send the key"
                " with both requests, or ask again without Last-Event-ID"
            )
        else:
            frames = number_frames(asking.stream(**asked, progress=question.progress))
        if not question.progress:
            frames = without_status(frames)
        if streams:
            return await cancel_on_disconnect(request, streaming_response(frames)) or Response(
                status_code=CLIENT_CLOSED_REQUEST
            )
        made = await cancel_on_disconnect(request, _last(frames))
        return JSONResponse(made) if made else Response(status_code=CLIENT_CLOSED_REQUEST)

    @app.delete(
        "/v1/answers",
        summary="Stop the answer that is being made under an Idempotency-Key",
        status_code=204,
    )
    async def stop(
        request: Request, idempotency_key: Annotated[str, Header(examples=["k-1"])] = ""
    ) -> Response:
        if not (key := read_idempotency_key(request, {})):
            raise RequestRefused(
                "which answer is to be stopped is not said: send the Idempotency-Key that it was"
                " asked for with"
            )
        if not await keyed.stop(key):
            raise NotEnded("the answer is being stopped, and has not ended yet", RETRY_AFTER)
        return Response(status_code=204)


def add_stored_answer_routes(app: FastAPI, asking: AnswerService) -> None:
    @app.get(
        "/v1/answers/{answer_id}",
        summary="An answer given before",
        responses=gives(schemas.SentAnswer),
    )
    def answer(answer_id: str) -> JSONResponse:
        return JSONResponse(asking.history.answer(answer_id))

    @app.get(
        "/v1/answers/{answer_id}/receipt",
        summary="A record to re-check an answer by",
        responses=gives(receipt.Receipt),
    )
    def answer_receipt(answer_id: str) -> JSONResponse:
        made = receipt.make_receipt(asking.history, answer_id)
        name = f'attachment; filename="receipt-{made["id"]}.json"'
        return JSONResponse(made, headers={"Content-Disposition": name})


async def _last(frames: AsyncIterator[Frame]) -> Any:
    """What the last of some frames has: the answer."""
    async with aclosing(frames):
        return [frame async for frame in frames][-1].data


def add_verify_route(app: FastAPI, engine: Engine, gate: ConcurrencyLimiter) -> None:
    facts = FactChecker(engine.library, engine.verifier)
    threads = PriorityThreadPool("texts", MAX_RUNNING_TEXTS, MAX_RUNNING_TEXTS)

    @app.post(
        "/v1/verify",
        summary="The sentences of any text, each with its verdict and quotes",
        responses=gives(Checked),
    )
    async def verify(body: Text, request: Request) -> Response:
        text = check_text(body.text)

        async def checked() -> Checked:
            async with gate.slot():
                return await threads.run_to_completion(facts.check, text, body.source_ids)

        found = await cancel_on_disconnect(request, checked())
        return (
            JSONResponse(public(to_json(found)))
            if found
            else Response(status_code=CLIENT_CLOSED_REQUEST)
        )
