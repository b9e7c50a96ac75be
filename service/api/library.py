"""The HTTP door to the library: its sources and passages, and what is searched in them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Annotated
from urllib.parse import quote

from fastapi import FastAPI, Query, Request
from fastapi import Path as InPath
from fastapi.responses import FileResponse, JSONResponse, Response
from pydantic_core import to_json as json_of

from corpus.store.store import Store
from corpus.store.uploads import upload_name as upload_name
from index.search import Hit, Library
from service import schemas
from service.concurrency.admission import MAX_RUNNING_SEARCHES, ConcurrencyLimiter
from service.concurrency.event_log import CLIENT_CLOSED_REQUEST, cancel_on_disconnect
from service.disclosure import is_local, name_of, page_of, public
from service.executors import PriorityThreadPool
from service.ingestion.worker import IngestionWorker
from service.query import check_question
from service.schemas import gives, gives_file
from service.types import to_json

CONTEXT_CHARACTERS = 600  # characters around a passage that /v1/passages gives


def add_library_routes(
    app: FastAPI, library: Library, runner: IngestionWorker | None, searches: ConcurrencyLimiter
) -> None:
    """The routes that read the library, and, with a runner, those that give out and remove."""
    _add_search(app, library, searches)
    _add_sources(app, library.store, adds=runner is not None)
    _add_passages(app, library.store)
    if runner:
        _add_originals(app, runner)


def _add_search(app: FastAPI, library: Library, searches: ConcurrencyLimiter) -> None:
    store, threads = library.store, PriorityThreadPool("searches", MAX_RUNNING_SEARCHES)

    def found(question: str, k: int, source_ids: list[str] | None) -> bytes:
        for each in source_ids or ():
            store.source(each)  # NotFound, as for an answer, and not a silent nothing
        hits = [_shown(hit) for hit in library.search(question, k, source_ids)]
        return json_of({"hits": hits})  # the quickest there is

    @app.get(
        "/v1/search", summary="The passages nearest to a question", responses=gives(schemas.Hits)
    )
    async def search(
        request: Request,
        q: Annotated[str, Query(examples=["Whisper training hours"])],
        k: Annotated[int, Query(ge=1, le=100)] = 10,
        source_id: Annotated[list[str] | None, Query()] = None,
    ) -> Response:
        question = check_question(q)

        async def in_turn() -> bytes:
            async with searches.slot():
                return await threads.run_to_completion(found, question, k, source_id)

        made = await cancel_on_disconnect(request, in_turn())
        if made is None:
            return Response(status_code=CLIENT_CLOSED_REQUEST)
        return Response(made, media_type="application/json")


def _add_sources(app: FastAPI, store: Store, adds: bool) -> None:
    @app.get(
        "/v1/sources",
        summary="Every source, with what is held of it, and what could not be read",
        responses=gives(schemas.Sources),
    )
    def sources() -> JSONResponse:
        listed = [
            to_json(held.source)
            | {"passages": held.passages, "pages": held.pages, "versions": held.versions}
            for held in store.source_summaries()
        ]
        unread = [to_json(each) for each in store.unread()]
        found = public({"sources": listed, "unread": unread})
        return JSONResponse(found | {"adds": adds})

    @app.get(
        "/v1/sources/{source_id}",
        summary="One source, with its text or a former one",
        responses=gives(schemas.SourceText),
    )
    def source(
        source_id: Annotated[str, InPath(examples=["whisper"])], version: str = ""
    ) -> JSONResponse:
        document = store.document(source_id, version)
        versions = [to_json(each) for each in store.versions(source_id)]
        more = {"text": document.text, "versions": versions}
        return JSONResponse(public(to_json(document.source)) | more)


def _add_passages(app: FastAPI, store: Store) -> None:
    @app.get(
        "/v1/passages/{passage_id}",
        summary="One passage, with what stands around it",
        responses=gives(schemas.PassageInContext),
    )
    def passage(passage_id: str) -> JSONResponse:
        standing = store.locate_passage(passage_id)
        found, document = standing.passage, standing.document
        more = {
            "before": document.text[max(0, found.start - CONTEXT_CHARACTERS) : found.start],
            "after": document.text[found.end : found.end + CONTEXT_CHARACTERS],
            "source": public(to_json(document.source)),
            "current": standing.current,
            "replaced_by": standing.replaced_by,
            "ocr": standing.ocr,
        }
        return JSONResponse(to_json(found) | more)


def _shown(hit: Hit) -> Hit:
    """A hit as readers elsewhere may have it."""
    if not is_local(hit.source.url):
        return hit
    source = replace(hit.source, url=page_of(hit.source.id), title=name_of(hit.source))
    return replace(hit, source=source)


def _add_originals(app: FastAPI, runner: IngestionWorker) -> None:
    @app.get(
        "/v1/sources/{source_id}/file",
        summary="The file that a source was uploaded as",
        responses=gives_file("application/octet-stream"),
        response_class=Response,
    )
    def file(source_id: str) -> FileResponse:
        source = runner.means.store.source(source_id)
        path = runner.means.uploads.file(source)
        name = upload_name(source).replace("\\", "/").split("/")[-1]
        plain = re.sub(r"[^A-Za-z0-9. _-]", "_", name)
        # It is a stranger's file under our own origin: saved, never shown or run.
        headers = {
            "Content-Disposition": (
                f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
            ),
            "Content-Security-Policy": "sandbox",
            "X-Content-Type-Options": "nosniff",
        }
        return FileResponse(path, media_type="application/octet-stream", headers=headers)

    @app.delete("/v1/sources/{source_id}", status_code=204, summary="Take a source out")
    def remove(source_id: str) -> Response:
        runner.remove(source_id)
        return Response(status_code=204)
