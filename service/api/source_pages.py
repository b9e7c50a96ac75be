"""HTTP routes for the pages of PDFs: a page as an image, and where a span of the text is on it."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Query, Request
from fastapi import Path as InPath
from fastapi.responses import JSONResponse, Response

from service import schemas
from service.api.limited import run_limited
from service.api.page_views import PageViews, rounded
from service.concurrency.admission import ConcurrencyLimiter
from service.concurrency.event_log import CLIENT_CLOSED_REQUEST
from service.executors import PriorityThreadPool
from service.schemas import gives, gives_file
from service.types import to_json

MIN_WIDTH, MAX_WIDTH = 100, 3000  # pixels
MAX_RUNNING, MAX_QUEUED = 2, 60  # of each kind: requests served at once, and those that wait


def add_page_routes(app: FastAPI, views: PageViews) -> None:
    """Add the routes that show pages of PDFs.

    Args:
        app: The application that gets the routes.
        views: Draws the pages.
    """
    _add_image(app, views)
    _add_boxes(app, views)


def _add_image(app: FastAPI, views: PageViews) -> None:
    limiter = ConcurrencyLimiter("pages", MAX_RUNNING, MAX_QUEUED)
    threads = PriorityThreadPool("pages", MAX_RUNNING)

    def draw(
        source_id: str, version: str, number: int, width: int, known: str
    ) -> tuple[str, bytes | None]:
        """Return the image and its ETag; without the image if that is known already."""
        file = views.find(source_id, version)
        tag = f'"{file.mark[:32]}-{number}-{rounded(width)}"'
        return tag, None if tag in known else views.image(file, number, width)

    @app.get(
        "/v1/sources/{source_id}/pages/{number}",
        summary="Get a page of a PDF as an image",
        responses=gives_file("image/webp"),
        response_class=Response,
    )
    async def get_page_image(
        request: Request,
        source_id: str,
        number: Annotated[int, InPath(ge=1, le=100_000, examples=[1])],
        width: Annotated[int, Query(ge=MIN_WIDTH, le=MAX_WIDTH)] = 1200,
        version: str = "",
    ) -> Response:
        known = request.headers.get("if-none-match", "")
        done = await run_limited(
            request, limiter, threads, draw, source_id, version, number, width, known
        )
        if done is None:
            return Response(status_code=CLIENT_CLOSED_REQUEST)
        tag, image = done
        headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
        if image is None:
            return Response(status_code=304, headers=headers)
        return Response(image, media_type="image/webp", headers=headers)


def _add_boxes(app: FastAPI, views: PageViews) -> None:
    limiter = ConcurrencyLimiter("PDFs to find words in", MAX_RUNNING, MAX_QUEUED)
    threads = PriorityThreadPool("boxes", MAX_RUNNING)

    def locate(source_id: str, version: str, start: int, end: int) -> schemas.PrintedBoxes:
        return views.boxes(views.find(source_id, version), start, end)

    @app.get(
        "/v1/sources/{source_id}/boxes",
        summary="Find where a span of a PDF's text is printed",
        responses=gives(schemas.PrintedBoxes),
    )
    async def get_boxes(
        request: Request,
        source_id: str,
        start: Annotated[int, Query(ge=0, examples=[0])],
        end: Annotated[int, Query(ge=1, examples=[40])],
        version: str = "",
    ) -> Response:
        found = await run_limited(request, limiter, threads, locate, source_id, version, start, end)
        if found is None:
            return Response(status_code=CLIENT_CLOSED_REQUEST)
        return JSONResponse(to_json(found))
