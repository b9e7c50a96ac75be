"""HTTP routes for the library: search it, read its sources and passages, delete a source.

Deleting needs no job. A search leaves out passages that the database no longer has, and searches
again where too few remain; so no search finds a source once the request that deletes it has ended,
however long the index takes to follow.
"""

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
from corpus.store.uploads import upload_name
from index.search import Hit, Library
from service import schemas
from service.api.limited import run_limited
from service.api.page_views import PageViews
from service.api.source_pages import add_page_routes
from service.concurrency.admission import MAX_RUNNING_SEARCHES, ConcurrencyLimiter
from service.concurrency.event_log import CLIENT_CLOSED_REQUEST
from service.disclosure import is_local, name_of, page_of, public
from service.executors import PriorityThreadPool
from service.ingestion.worker import IngestionWorker
from service.query import check_question
from service.schemas import gives, gives_file
from service.scope import Scope, find_scope, scope_of
from service.types import to_json

CONTEXT_CHARACTERS = 600  # on each side of a passage, for /v1/passages


def add_library_routes(
    app: FastAPI,
    library: Library,
    worker: IngestionWorker | None,
    searches: ConcurrencyLimiter,
    views: PageViews | None = None,
) -> None:
    """Add the routes that search and read the library.

    Args:
        app: The application that gets the routes.
        library: What is searched and read.
        worker: Adds the routes that download an uploaded file and delete a source; None: read-only.
        searches: Bounds how many searches run at once.
        views: Adds the routes for pages of PDFs; None: there are no images of pages.
    """
    _add_search(app, library, searches)
    _add_sources(app, library.store, adds=worker is not None)
    _add_passages(app, library.store, views)
    if views:
        add_page_routes(app, views)
    if worker:
        _add_files(app, worker)


def _add_search(app: FastAPI, library: Library, searches: ConcurrencyLimiter) -> None:
    store, threads = library.store, PriorityThreadPool("searches", MAX_RUNNING_SEARCHES)

    def find(question: str, k: int, scope: Scope) -> bytes:
        source_ids = find_scope(store, scope).source_ids
        hits = [_without_local_url(hit) for hit in library.search(question, k, source_ids)]
        return json_of({"hits": hits})  # faster than json.dumps of asdict

    @app.get(
        "/v1/search",
        summary="Search for the passages nearest to a question",
        responses=gives(schemas.Hits),
    )
    async def search(
        request: Request,
        q: Annotated[str, Query(examples=["Whisper training hours"])],
        k: Annotated[int, Query(ge=1, le=100)] = 10,
        source_id: Annotated[list[str] | None, Query()] = None,
        collection: Annotated[list[str] | None, Query(description="by its name")] = None,
    ) -> Response:
        question, scope = check_question(q), scope_of(source_id, collection)
        body = await run_limited(request, searches, threads, find, question, k, scope)
        if body is None:
            return Response(status_code=CLIENT_CLOSED_REQUEST)
        return Response(body, media_type="application/json")


def _add_sources(app: FastAPI, store: Store, adds: bool) -> None:
    @app.get(
        "/v1/sources",
        summary="List the sources, and what could not be read",
        responses=gives(schemas.Sources),
    )
    def list_sources() -> JSONResponse:
        listed = [
            to_json(each.source)
            | {"passages": each.passages, "pages": each.pages, "versions": each.versions}
            for each in store.source_summaries()
        ]
        unread = [to_json(each) for each in store.unread()]
        shown = public({"sources": listed, "unread": unread})
        return JSONResponse(shown | {"adds": adds})

    @app.get(
        "/v1/sources/{source_id}",
        summary="Get a source with its text, or with an earlier version of it",
        responses=gives(schemas.SourceText),
    )
    def get_source(
        source_id: Annotated[str, InPath(examples=["whisper"])], version: str = ""
    ) -> JSONResponse:
        document = store.document(source_id, version)
        versions = [to_json(each) for each in store.versions(source_id)]
        more = {"text": document.text, "versions": versions}
        return JSONResponse(public(to_json(document.source)) | more)


def _add_passages(app: FastAPI, store: Store, views: PageViews | None) -> None:
    @app.get(
        "/v1/passages/{passage_id}",
        summary="Get a passage with the text before and after it",
        responses=gives(schemas.PassageInContext),
    )
    def get_passage(passage_id: str) -> JSONResponse:
        located = store.locate_passage(passage_id)
        found, document = located.passage, located.document
        more = {
            "before": document.text[max(0, found.start - CONTEXT_CHARACTERS) : found.start],
            "after": document.text[found.end : found.end + CONTEXT_CHARACTERS],
            "source": public(to_json(document.source)),
            "current": located.current,
            "replaced_by": located.replaced_by,
            "ocr": located.ocr,
            "page_image": views.availability(located) if views else "no",
        }
        return JSONResponse(to_json(found) | more)


def _without_local_url(hit: Hit) -> Hit:
    """Replace an address on this machine by that of the service's page of the source."""
    if not is_local(hit.source.url):
        return hit
    source = replace(hit.source, url=page_of(hit.source.id), title=name_of(hit.source))
    return replace(hit, source=source)


def _add_files(app: FastAPI, worker: IngestionWorker) -> None:
    @app.get(
        "/v1/sources/{source_id}/file",
        summary="Download the file of an uploaded source",
        responses=gives_file("application/octet-stream"),
        response_class=Response,
    )
    def download_file(source_id: str) -> FileResponse:
        source = worker.means.store.source(source_id)
        path = worker.means.uploads.file(source)
        name = upload_name(source).replace("\\", "/").split("/")[-1]
        plain = re.sub(r"[^A-Za-z0-9. _-]", "_", name)
        # Anybody may have made the file, and it comes from our origin: browsers must save it, never
        # render or run it.
        headers = {
            "Content-Disposition": (
                f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
            ),
            "Content-Security-Policy": "sandbox",
            "X-Content-Type-Options": "nosniff",
        }
        return FileResponse(path, media_type="application/octet-stream", headers=headers)

    @app.delete("/v1/sources/{source_id}", status_code=204, summary="Delete a source")
    def delete_source(source_id: str) -> Response:
        worker.remove(source_id)
        return Response(status_code=204)
