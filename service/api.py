"""The HTTP door: routes, server-sent events, and one table from errors to statuses.

Thin over Engine: no retrieval, no prompt, no model here.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse
from fastapi.sse import format_sse_event
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from corpus.errors import (
    CorpusError,
    IndexMismatch,
    IndexMissing,
    ModelError,
    NotFound,
    QuestionRefused,
    StoreError,
    TenkyoError,
    TextRefused,
)
from index.local import read_manifest
from service import plain, receipt
from service.engine import Engine
from service.factcheck import FactChecker, check_text
from service.mcp_serving import Door
from service.middleware import BodyLimit, Headers
from service.question import check_question
from service.types import Event, to_json

logger = logging.getLogger(__name__)

STATIC = Path(__file__).with_name("static")
VERIFIED_AT_ONCE = 2  # texts; answers must not wait behind any number of long ones
CONTEXT = 600  # characters around a passage that /v1/passages gives

# The first row that fits decides; a later one is for the rest of its branch of the tree.
STATUSES: tuple[tuple[type[TenkyoError], int, str], ...] = (
    (QuestionRefused, 422, "The question cannot be read"),
    (TextRefused, 422, "The text cannot be verified"),
    (NotFound, 404, "Not found"),
    (IndexMissing, 503, "There is no index yet"),
    (IndexMismatch, 503, "The index does not fit"),
    (StoreError, 503, "The database cannot be used"),
    (ModelError, 502, "The model failed"),
    (CorpusError, 422, "The source cannot be read"),
    (TenkyoError, 500, "Something went wrong"),
)
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        " connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


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


def create_app(
    engine: Engine,
    *,
    index_dir: Path,
    on_close: Callable[[], Awaitable[None]] | None = None,
    warm_up: Callable[[], None] | None = None,
    public_url: str = "",
) -> FastAPI:
    """The service over an engine.

    ``warm_up`` runs in a thread before the first request is taken, so that a service that
    answers at all answers at full speed; ``on_close`` is awaited when the service ends.
    ``public_url`` is the address that readers reach it at; empty: this machine.
    """
    door = Door(engine, public_url)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if warm_up:
            await run_in_threadpool(warm_up)
        async with door.running():
            yield
        if on_close:
            await on_close()

    app = FastAPI(
        title="Tenkyo",
        summary="Answers whose every sentence carries the passage it rests on, checked",
        lifespan=lifespan,
        docs_url=None,  # its pages load their scripts from elsewhere
        redoc_url=None,
    )
    app.add_middleware(BodyLimit)
    app.add_middleware(Headers, headers=HEADERS)
    _handle_errors(app)
    _add_answers(app, engine)
    _add_verify(app, engine)
    _add_library(app, engine)
    _add_health(app, engine, index_dir)
    _add_page(app)
    plain.add(app, engine.library.store, public_url)
    app.add_route("/mcp", door, include_in_schema=False)
    return app


def problem(status: int, title: str, detail: str, **more: Any) -> JSONResponse:
    """An RFC 9457 problem document."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    return JSONResponse(body, status, media_type="application/problem+json")


def _as_problem(error: TenkyoError) -> JSONResponse:
    status, title = next((s, t) for kind, s, t in STATUSES if isinstance(error, kind))
    return problem(status, title, str(error))


def _handle_errors(app: FastAPI) -> None:
    @app.exception_handler(TenkyoError)
    async def known(_request: Request, error: TenkyoError) -> Response:
        return _as_problem(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:]) or "body"
        if first["type"] == "json_invalid":
            name = "text" if request.url.path == "/v1/verify" else "question"
            return problem(400, "The body is not JSON", f'send JSON like {{"{name}": "…"}}')
        detail = f"{where}: {first['msg']}; see /openapi.json for what is expected"
        return problem(422, "The request is not as expected", detail)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        detail = f"{request.method} {request.url.path}: see /openapi.json for what there is"
        return problem(error.status_code, str(error.detail), detail)


def _add_answers(app: FastAPI, engine: Engine) -> None:
    @app.post("/v1/answers", summary="Answer a question, as JSON or as a stream of checked claims")
    async def answers(question: Question, request: Request) -> Response:
        check_question(question.question)
        asked = {
            "conversation_id": question.conversation_id,
            "source_ids": question.source_ids,
            "mode": question.mode,
        }
        if question.stream or "text/event-stream" in request.headers.get("accept", ""):
            events = engine.stream(question.question, **asked)
            first = await anext(events)  # what is wrong with a question is known by then
            return StreamingResponse(
                _frames(first, events),
                media_type="text/event-stream",
                headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
            )
        return JSONResponse(to_json(await engine.answer(question.question, **asked)))

    @app.get("/v1/answers/{answer_id}", summary="An answer given before")
    def answer(answer_id: str) -> JSONResponse:
        return JSONResponse(engine.library.store.answer(answer_id))

    @app.get("/v1/answers/{answer_id}/receipt", summary="A record to re-check an answer by")
    def answer_receipt(answer_id: str) -> JSONResponse:
        made = receipt.make(engine.library.store, answer_id)
        name = f'attachment; filename="receipt-{made["id"]}.json"'
        return JSONResponse(made, headers={"Content-Disposition": name})


def _add_verify(app: FastAPI, engine: Engine) -> None:
    facts = FactChecker(engine.library, engine.verifier)
    turns = asyncio.Semaphore(VERIFIED_AT_ONCE)

    @app.post("/v1/verify", summary="The sentences of any text, each with its verdict and quotes")
    async def verify(body: Text) -> JSONResponse:
        text = check_text(body.text)
        async with turns:
            found = await run_in_threadpool(facts.check, text, body.source_ids)
        return JSONResponse(to_json(found))


async def _frames(first: Event, events: AsyncIterator[Event]) -> AsyncIterator[bytes]:
    """Server-sent events, numbered from 1; an error after the first is one of them."""
    number = 1
    async with aclosing(events):
        yield _frame(first.name, to_json(first.data), number)
        try:
            async for event in events:
                number += 1
                yield _frame(event.name, to_json(event.data), number)
        except TenkyoError as error:
            yield _frame("error", json.loads(_as_problem(error).body), number + 1)
        except Exception:  # a reader must not take half an answer for a whole one
            detail = "the answer could not be finished: ask again; the log has the reason"
            failed = problem(500, "Something went wrong", detail)
            yield _frame("error", json.loads(failed.body), number + 1)
            raise


def _frame(name: str, data: Any, number: int) -> bytes:
    text = json.dumps(data, ensure_ascii=False)
    return format_sse_event(data_str=text, event=name, id=str(number))


def _add_library(app: FastAPI, engine: Engine) -> None:
    store = engine.library.store

    @app.get("/v1/search", summary="The passages nearest to a question")
    def search(
        q: str,
        k: Annotated[int, Query(ge=1, le=100)] = 10,
        source_id: Annotated[list[str] | None, Query()] = None,
    ) -> JSONResponse:
        hits = engine.library.search(check_question(q), k, source_id)
        return JSONResponse({"hits": [to_json(hit) for hit in hits]})

    @app.get("/v1/sources", summary="Every source, with the number of its passages")
    def sources() -> JSONResponse:
        listed = [to_json(source) | {"passages": n} for source, n in store.sources()]
        return JSONResponse({"sources": listed})

    @app.get("/v1/sources/{source_id}", summary="One source, with its text")
    def source(source_id: str) -> JSONResponse:
        document = store.document(source_id)
        return JSONResponse(to_json(document.source) | {"text": document.text})

    @app.get("/v1/passages/{passage_id}", summary="One passage, with what stands around it")
    def passage(passage_id: str) -> JSONResponse:
        found = store.passage(passage_id)
        document = store.document(found.source_id)
        before = document.text[max(0, found.start - CONTEXT) : found.start]
        after = document.text[found.end : found.end + CONTEXT]
        more = {"before": before, "after": after, "source": to_json(document.source)}
        return JSONResponse(to_json(found) | more)


def _add_health(app: FastAPI, engine: Engine, index_dir: Path) -> None:
    @app.get("/healthz", summary="Whether the process lives")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz", summary="Whether questions can be answered, and from what")
    def readyz() -> JSONResponse:
        manifest = read_manifest(index_dir)
        return JSONResponse(
            {
                "status": "ok",
                "model": engine.model.name if engine.model else None,
                "embedder": manifest["embedder"],
                "sources": len(engine.library.store.sources()),
                "passages": len(engine.library.index),
                "index_revision": manifest["corpus_revision"],
            }
        )


def _add_page(app: FastAPI) -> None:
    app.mount("/static", StaticFiles(directory=STATIC), name="static")

    @app.get("/", include_in_schema=False)
    def page() -> FileResponse:
        return FileResponse(STATIC / "index.html")
