"""The chat page, with what its first view shows in it: nothing of it moves or comes later.

The values are in a script element of JSON, which is data and never run: the Content-Security-Policy
allows no script within a page.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.concurrency import run_in_threadpool
from starlette.middleware.gzip import GZipMiddleware

from corpus.errors import TenkyoError
from corpus.types import Source
from index.inference.batch_scheduler import Priority
from service.answering.engine import Engine
from service.answering.suggestions import Suggestions
from service.connection.connection import ModelConnection
from service.disclosure import name_of
from service.executors import PriorityThreadPool

logger = logging.getLogger(__name__)

STATIC = Path(__file__).parents[1] / "static"
TITLES_SHOWN = 4  # of the newest sources
# Seconds; where finding them takes longer, the page asks for them later. Painting takes half a
# second more, and a first view should take less than one.
EXAMPLES_WAITED = 0.3

_PLACE = "<!-- start -->"
_ESCAPED = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}  # no text ends the element
_UNKEPT = {"Cache-Control": "no-store"}


class StartPage:
    """What the first view of the page shows: the library, the model, and examples of questions.

    Args:
        engine: Its library and models are shown.
        suggestions: Finds the examples.
        readiness: Returns the reply of ``/readyz``; it may raise TenkyoError.
        adds: Whether documents can be added.
        connection: Exchanges the model, if it can be exchanged.
    """

    def __init__(
        self,
        engine: Engine,
        suggestions: Suggestions,
        readiness: Callable[[], dict[str, Any]],
        adds: bool,
        connection: ModelConnection | None = None,
    ) -> None:
        self._engine, self._readiness, self._adds = engine, readiness, adds
        self._connection = connection
        self._suggestions = suggestions
        self._threads = PriorityThreadPool("first examples", 1, priority=Priority.LATER)
        self._finding: asyncio.Task[None] | None = None
        self._examples: dict[str, list[str]] = {}  # of the library as of so many changes:
        self._changes: int | None = None

    @asynccontextmanager
    async def running(self, ahead: bool) -> AsyncIterator[None]:
        """Find examples while this is open; ``ahead``: before anybody asks for the page."""
        if ahead:
            await self.examples(wait=0)
        yield
        if self._finding:
            self._finding.cancel()
            await asyncio.gather(self._finding, return_exceptions=True)

    async def values(self) -> dict[str, Any]:
        """Return the values as JSON."""
        if self._connection:
            self._connection.freshen()
        examples = asyncio.ensure_future(self.examples(EXAMPLES_WAITED))
        shown = await run_in_threadpool(self._library)
        return shown | {
            "models": self._engine.writers.names,
            "adds": self._adds,
            "examples": await examples,
        }

    async def examples(self, wait: float | None = None) -> dict[str, list[str]]:
        """Return example questions by language; without those that take longer than ``wait``."""
        try:
            changes = await run_in_threadpool(self._engine.library.store.change_count)
        except TenkyoError:
            return {}
        finding = self._finding
        if finding is None or finding.cancelled() or changes != self._changes:
            if finding:
                finding.cancel()
            self._changes, self._examples = changes, {}
            finding = self._finding = asyncio.create_task(self._find(self._examples))
        if not finding.done():
            await asyncio.wait([finding], timeout=wait)
        return dict(self._examples)

    async def _find(self, found: dict[str, list[str]]) -> None:
        try:
            for language in ("en", "ja"):
                found[language] = await self._threads(self._suggestions.examples, language)
        except TenkyoError as error:  # such as that there is no index yet
            logger.info("no example questions were found: %s", error)
            if self._examples is found:
                self._changes = None  # they are looked for again when the page is next asked for

    def _library(self) -> dict[str, Any]:
        try:
            ready, found = self._readiness(), self._engine.library.store.sources()
        except TenkyoError:  # the page says that it is not ready yet
            return {"ready": None, "newest": []}
        newest = sorted((source for source, _ in found), key=_age, reverse=True)[:TITLES_SHOWN]
        titles = [{"title": name_of(each), "language": each.language} for each in newest]
        return {"ready": ready, "newest": titles}


def _age(source: Source) -> str:
    return source.retrieved_at


def add_chat_page(app: FastAPI, start: StartPage) -> None:
    """Add the page, what its first view shows, and the page of a shared conversation."""
    app.mount("/static", GZipMiddleware(StaticFiles(directory=STATIC)), name="static")

    @app.get("/", include_in_schema=False)
    async def page() -> HTMLResponse:
        values = json.dumps(await start.values(), ensure_ascii=False)
        for character, escaped in _ESCAPED.items():
            values = values.replace(character, escaped)
        data = f'<script type="application/json" id="start">{values}</script>'
        html = (STATIC / "index.html").read_text(encoding="utf-8")
        whole = html.replace(_PLACE, data).encode("utf-8", "replace")
        return HTMLResponse(whole, headers=_UNKEPT)

    @app.get("/page/start", include_in_schema=False)
    async def show_start() -> JSONResponse:
        return JSONResponse(await start.values(), headers=_UNKEPT)

    @app.get("/shared/{token}", include_in_schema=False)
    def shared_page(token: str) -> FileResponse:
        """Serve the same page: its script reads the token from the address."""
        hidden = {"X-Robots-Tag": "noindex, nofollow", "Cache-Control": "no-store"}
        return FileResponse(STATIC / "index.html", headers=hidden)
