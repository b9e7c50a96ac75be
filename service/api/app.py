"""The FastAPI application: middleware, the routes of all HTTP interfaces, and the chat page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.routing import Route

from index.storage.manifest import read_manifest
from service import schemas
from service.answering.engine import Engine
from service.answering.suggestions import Suggestions
from service.api import pages
from service.api.answers import add_answer_routes, add_stored_answer_routes, add_verify_route
from service.api.collections import add_collection_routes
from service.api.conversations import add_conversation_routes
from service.api.described import DescribedApp
from service.api.jobs import add_job_routes
from service.api.library import add_library_routes
from service.api.middleware import MAX_UPLOADS, AllowedHosts, BodyLimit, DefaultHeaders, SameOrigin
from service.api.model_connection import add_connection_routes
from service.api.page_views import PageViews
from service.api.request_id import RequestIds
from service.api.start_page import StartPage, add_chat_page
from service.api.translations import add_translation_route
from service.concurrency.admission import Limiters
from service.concurrency.answer_cache import AnswerCache
from service.concurrency.answer_service import AnswerService
from service.concurrency.process_locks import ProcessLocks
from service.concurrency.resumable import GRACE_SECONDS, ResumableAnswers
from service.connection.connection import ModelConnection
from service.disclosure import model_name
from service.ingestion.worker import IngestionWorker
from service.judging.service_judge import judge_status, proving
from service.mcp.transport import McpHttpApp
from service.openai_compat import routes as openai_routes
from service.problems import STATUSES, handle_errors
from service.schemas import gives
from service.verification.receipt import tenkyo_version

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        " connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the HTTP application.

    Attributes:
        hosts: Host names that requests may use besides localhost and IP addresses; None: any.
        public_url: The address at which readers reach the service; empty: the one that a request
            used.
        grace: Seconds for which an answer with an ``Idempotency-Key`` continues without a reader.
        kept: The number of questions whose answers are cached; 0: no cache.
        connection: Exchanges the language model on the page; None: it stays as it is.
        ahead: Whether to find example questions before the first reader comes.
    """

    hosts: Collection[str] | None = None
    public_url: str = ""
    grace: float = GRACE_SECONDS
    kept: int = 0
    connection: ModelConnection | None = None
    ahead: bool = False


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
    """Create the HTTP application that serves an engine.

    Args:
        engine: Answers the questions.
        index_dir: The folder of the index, whose manifest ``/readyz`` reports.
        on_close: Awaited when the service ends.
        runner: Runs the ingestion jobs; without it the library is read-only.
        limiters: Bound how much work runs at once; None: the defaults.
        locks: Shared with the other processes that serve the same library; None: there are none.
        options: See ``Options``.
    """
    cache = AnswerCache(engine, index_dir, options.kept) if options.kept else None
    answer_service = AnswerService(engine, limiters, cache)
    limits = answer_service.limiters
    views = _page_views(runner) if runner else None
    readiness = partial(_readiness, engine, index_dir)
    suggestions = Suggestions(engine)  # one, so that no question is tried for each of them
    start = StartPage(engine, suggestions, readiness, runner is not None, options.connection)
    mcp_app = McpHttpApp(answer_service, options.public_url, shared=locks is not None)
    app = DescribedApp(
        title="Tenkyo",
        version=tenkyo_version(),
        summary="Answers whose every sentence carries the passage it rests on, checked",
        lifespan=_lifespan(mcp_app, engine, runner, views, on_close, options, start),
        docs_url=None,  # FastAPI's pages load their scripts from elsewhere: see service.api.pages
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,  # clients' methods are named by it
        responses={"default": schemas.PROBLEM},
    )
    _add_middleware(app, options.hosts)
    handle_errors(app)
    add_answer_routes(app, ResumableAnswers(answer_service, options.grace, locks), answer_service)
    add_stored_answer_routes(app, answer_service)
    add_conversation_routes(app, engine, suggestions, limits.suggestions, locks, options.public_url)
    add_verify_route(app, engine, limits.texts, changes=options.connection is not None)
    add_library_routes(app, engine.library, runner, limits.searches, views)
    add_collection_routes(app, engine.library.store, changes=runner is not None)
    add_translation_route(app, engine)
    if runner:
        add_job_routes(app, runner)
    _add_health(app, readiness)
    app.include_router(openai_routes.router(answer_service, STATUSES))
    add_connection_routes(app, engine, options.connection)
    add_chat_page(app, start)
    pages.add_page_routes(app, engine.library.store, options.public_url)
    app.router.routes.append(Route("/mcp", mcp_app, include_in_schema=False))
    return app


def _page_views(runner: IngestionWorker) -> PageViews:
    means = runner.means
    return PageViews(means.store, means.uploads, means.originals)


def _lifespan(
    mcp_app: McpHttpApp,
    engine: Engine,
    runner: IngestionWorker | None,
    views: PageViews | None,
    on_close: Callable[[], Awaitable[None]] | None,
    options: Options,
    start: StartPage,
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Return what an application does before its first request and after its last one."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if runner:
            await run_in_threadpool(runner.start)
        connection = options.connection
        judging = connection.running() if connection else proving(engine.judge)
        async with judging, start.running(options.ahead), mcp_app.running():
            yield
        if runner:
            await run_in_threadpool(runner.close)
        if views:
            await run_in_threadpool(views.close)
        if on_close:
            await on_close()

    return lifespan


def _add_middleware(app: FastAPI, hosts: Collection[str] | None) -> None:
    """Add what every request passes through; the one added last is the outermost."""
    app.add_middleware(BodyLimit, larger={"/v1/documents": MAX_UPLOADS})
    app.add_middleware(SameOrigin, exempt={"/mcp"})
    if hosts is not None:
        app.add_middleware(AllowedHosts, names=hosts)
    app.add_middleware(DefaultHeaders, headers=SECURITY_HEADERS)
    app.add_middleware(RequestIds)


def _readiness(engine: Engine, index_dir: Path) -> dict[str, Any]:
    """Return the reply of ``/readyz``."""
    manifest = read_manifest(index_dir)
    return {
        "status": "ok",
        "model": model_name(engine.model.name) if engine.model else None,
        "models": engine.writers.names,
        "judge": judge_status(engine.judge),
        "embedder": model_name(manifest["embedder"]),
        "sources": len(engine.library.store.sources()),
        "passages": len(engine.library.index),
        "index_revision": manifest["corpus_revision"],
        "index_recall": manifest["recall"],
    }


def _add_health(app: FastAPI, readiness: Callable[[], dict[str, Any]]) -> None:
    @app.get("/healthz", summary="Whether the process is alive", responses=gives(schemas.Health))
    async def check_health() -> dict[str, str]:  # async: it answers even when no thread is free
        return {"status": "ok"}

    @app.get(
        "/readyz",
        summary="Whether questions can be answered, and the size of the library",
        responses=gives(schemas.Readiness),
    )
    def check_readiness() -> JSONResponse:
        return JSONResponse(readiness())
