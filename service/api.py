"""The HTTP door: routes.

Thin over Engine: no retrieval, no prompt, no model here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Header, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from corpus.errors import NotEnded, RequestRefused
from index.local import read_manifest
from service import openai_api, plain, receipt, wire
from service.asking import AnswerService, bypasses_cache
from service.claims import ProcessLocks
from service.disclosure import model_name, public
from service.engine import Engine
from service.factcheck import Checked, FactChecker, check_text
from service.frames import Frame, number_frames, streaming_response, without_status
from service.gate import MAX_RUNNING_TEXTS, ConcurrencyLimiter, Limiters
from service.gone import CLIENT_CLOSED_REQUEST, cancel_on_disconnect
from service.history_api import add_conversation_routes
from service.jobs_api import add_job_routes
from service.kept import AnswerCache
from service.library_api import add_library_routes
from service.mcp_serving import McpHttpApp
from service.middleware import MAX_UPLOADS, AllowedHosts, BodyLimit, DefaultHeaders, SameOrigin
from service.once import read_idempotency_key
from service.problems import STATUSES, handle_errors
from service.question import check_question
from service.request_ids import RequestIds
from service.runner import IngestionWorker
from service.running import GRACE_SECONDS, ResumableAnswers, parse_last_event_id
from service.threads import PriorityThreadPool
from service.types import to_json
from service.wire import gives

STATIC = Path(__file__).with_name("static")
RETRY_AFTER = 1  # seconds, where an answer that is stopped does not end: a stop waits by itself

SECURITY_HEADERS = {
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


@dataclass(frozen=True, slots=True)
class Options:
    """How a service presents itself, and what it keeps.

    ``hosts`` are the names that it is to be asked by, besides IP addresses and localhost; None:
    any. ``public_url`` is the address that readers reach it at; empty: this machine. An answer
    that its reader said to come back to goes on for ``grace`` seconds without one. ``kept`` is
    how many questions have their answers kept, to be given again.
    """

    hosts: Collection[str] | None = None
    public_url: str = ""
    grace: float = GRACE_SECONDS
    kept: int = 0


DEFAULTS = Options()


def create_app(
    engine: Engine,
    *,
    index_dir: Path,
    on_close: Callable[[], Awaitable[None]] | None = None,
    runner: IngestionWorker | None = None,
    limiters: Limiters | None = None,
    locks: ProcessLocks | None = None,
    options: Options = DEFAULTS,
) -> FastAPI:
    """The service over an engine.

    ``on_close`` is awaited when the service ends. ``runner`` works off ingestions; without one
    the library can only be read. ``gates`` bound how much is done at once. ``locks`` are shared
    with other processes that serve the same library.
    """
    kept = AnswerCache(engine, index_dir, options.kept) if options.kept else None
    asking = AnswerService(engine, limiters, kept)
    door = McpHttpApp(asking, options.public_url, shared=locks is not None)
    app = FastAPI(
        title="Tenkyo",
        summary="Answers whose every sentence carries the passage it rests on, checked",
        lifespan=_lifespan(door, runner, on_close),
        docs_url=None,  # its pages load their scripts from elsewhere
        redoc_url=None,
        responses={"default": wire.PROBLEM},
    )
    _add_middleware(app, options.hosts)
    handle_errors(app)
    _add_answers(app, ResumableAnswers(asking, options.grace, locks), asking)
    _add_given_answers(app, asking)
    add_conversation_routes(app, engine, asking.limiters.suggestions, locks, options.public_url)
    _add_verify(app, engine, asking.limiters.texts)
    add_library_routes(app, engine.library, runner, asking.limiters.searches)
    if runner:
        add_job_routes(app, runner)
    _add_health(app, engine, index_dir)
    app.include_router(openai_api.router(asking, STATUSES))
    _add_page(app)
    plain.add_page_routes(app, engine.library.store, options.public_url)
    app.add_route("/mcp", door, include_in_schema=False)
    return app


def _lifespan(
    door: McpHttpApp, runner: IngestionWorker | None, on_close: Callable[[], Awaitable[None]] | None
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """What an app does before its first request and after its last."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if runner:
            await run_in_threadpool(runner.start)
        async with door.running():
            yield
        if runner:
            await run_in_threadpool(runner.close)
        if on_close:
            await on_close()

    return lifespan


def _add_middleware(app: FastAPI, hosts: Collection[str] | None) -> None:
    """What every request passes through; the last one added is the outermost."""
    app.add_middleware(BodyLimit, larger={"/v1/documents": MAX_UPLOADS})
    app.add_middleware(SameOrigin, but={"/mcp"})
    if hosts is not None:
        app.add_middleware(AllowedHosts, names=hosts)
    app.add_middleware(DefaultHeaders, headers=SECURITY_HEADERS)
    app.add_middleware(RequestIds)


def _add_answers(app: FastAPI, keyed: ResumableAnswers, asking: AnswerService) -> None:
    @app.post(
        "/v1/answers",
        summary="Answer a question, as JSON or as a stream of checked claims",
        responses=gives(
            wire.SentAnswer, stream="evidence, then claim or rejected, then answer; or error"
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


def _add_given_answers(app: FastAPI, asking: AnswerService) -> None:
    @app.get(
        "/v1/answers/{answer_id}",
        summary="An answer given before",
        responses=gives(wire.SentAnswer),
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


def _add_verify(app: FastAPI, engine: Engine, gate: ConcurrencyLimiter) -> None:
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


def _add_health(app: FastAPI, engine: Engine, index_dir: Path) -> None:
    @app.get("/healthz", summary="Whether the process lives", responses=gives(wire.Health))
    async def healthz() -> dict[str, str]:  # in the loop: told also when no thread is free
        return {"status": "ok"}

    @app.get(
        "/readyz",
        summary="Whether questions can be answered, and from what",
        responses=gives(wire.Readiness),
    )
    def readyz() -> JSONResponse:
        manifest = read_manifest(index_dir)
        return JSONResponse(
            {
                "status": "ok",
                "model": model_name(engine.model.name) if engine.model else None,
                "embedder": model_name(manifest["embedder"]),
                "sources": len(engine.library.store.sources()),
                "passages": len(engine.library.index),
                "index_revision": manifest["corpus_revision"],
                "index_recall": manifest["recall"],
            }
        )


def _add_page(app: FastAPI) -> None:
    app.mount("/static", StaticFiles(directory=STATIC), name="static")

    @app.get("/", include_in_schema=False)
    def page() -> FileResponse:
        return FileResponse(STATIC / "index.html")

    @app.get("/shared/{token}", include_in_schema=False)
    def reading(token: str) -> FileResponse:
        """The same page: by its address it knows what it is to show, and that to read only."""
        hidden = {"X-Robots-Tag": "noindex, nofollow", "Cache-Control": "no-store"}
        return FileResponse(STATIC / "index.html", headers=hidden)
