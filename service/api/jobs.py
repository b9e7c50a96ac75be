"""The HTTP door to ingestion: what is handed over becomes a job, to be polled or streamed."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Header, Query, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from fastapi.sse import format_sse_event
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from corpus.errors import CorpusError
from service.api.multipart import ReceivedForm, receive_upload
from service.disclosure import public, without_paths
from service.ingestion.job_store import Job, JobEvent
from service.ingestion.worker import IngestionWorker
from service.schemas import Jobs, SentJob, gives

MAX_URLS = 100
POLL_SECONDS = 0.2  # seconds between two looks for new events of a job
KEEPALIVE_SECONDS = 15.0  # seconds of silence after which a comment keeps the connection open
_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["files"],
                    "properties": {
                        "files": {"type": "array", "items": {"type": "string", "format": "binary"}},
                        "password": {"type": "string", "description": "opens encrypted PDFs"},
                        "source_id": {
                            "type": "string",
                            "description": "the one file is a new text of this source",
                        },
                    },
                }
            }
        },
    }
}


class Places(BaseModel):
    """What ``POST /v1/sources`` takes: ``url`` or ``urls``."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"url": "https://arxiv.org/abs/2212.04356"}]},
    )

    url: str | None = Field(None, description="of a page, a paper or a file")
    urls: list[str] | None = Field(None, description="several of them", max_length=MAX_URLS)
    follow: Literal["papers"] | None = Field(None, description="also the papers they link to")
    limit: int = Field(50, ge=1, le=500, description="with `follow`: at most so many papers")
    depth: int = Field(1, ge=1, le=3, description="with `follow`: so many times in all")

    @property
    def named(self) -> list[str]:
        return [*([self.url] if self.url is not None else []), *(self.urls or [])]


def add_job_routes(app: FastAPI, runner: IngestionWorker) -> None:
    """The routes that make jobs, and those that show and cancel them."""
    _add_making(app, runner)
    _add_showing(app, runner)


def _add_making(app: FastAPI, runner: IngestionWorker) -> None:
    @app.post(
        "/v1/documents",
        status_code=202,
        summary="Upload documents; they are read in a job",
        responses=gives(SentJob, 202),
        openapi_extra=_FORM,
    )
    async def documents(request: Request) -> Response:
        await run_in_threadpool(runner.table.check_room)
        async with receive_upload(request, runner) as received:
            return _accepted(await run_in_threadpool(_add_uploads, runner, received))

    @app.post(
        "/v1/sources",
        status_code=202,
        summary="Read web addresses in a job",
        responses=gives(SentJob, 202),
    )
    async def sources(places: Places) -> Response:
        urls = list(dict.fromkeys(places.named))
        if not urls or len(urls) > MAX_URLS:
            count = "no url" if not urls else f"more than {MAX_URLS}"
            raise CorpusError(f"there is {count} in it: send `url`, or up to {MAX_URLS} in `urls`")
        await run_in_threadpool(runner.table.check_room)
        async with await run_in_threadpool(runner.means.fetcher) as fetcher:
            await asyncio.gather(*map(fetcher.check, urls))
        asked = (urls, places.follow is not None, places.limit, places.depth)
        return _accepted(await run_in_threadpool(runner.add_places, *asked))


def _add_showing(app: FastAPI, runner: IngestionWorker) -> None:
    table = runner.table

    @app.get("/v1/jobs", summary="The jobs, newest first", responses=gives(Jobs))
    def jobs(
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        before: Annotated[str | None, Query(description="`next` of the page before")] = None,
    ) -> JSONResponse:
        found = table.jobs(limit + 1, before)
        more = found[limit - 1].id if len(found) > limit else None
        return JSONResponse({"jobs": [_job(job) for job in found[:limit]], "next": more})

    @app.get(
        "/v1/jobs/{job_id}",
        summary="A job, as JSON or as a stream of what happens in it",
        responses=gives(SentJob, stream="progress and item by turns, then job, the end")
        | {204: {"description": "The stream has ended, and nothing more will come"}},
    )
    async def job(
        job_id: str,
        request: Request,
        last_event_id: Annotated[str | None, Header()] = None,
    ) -> Response:
        if "text/event-stream" not in request.headers.get("accept", ""):
            return JSONResponse(await run_in_threadpool(_whole, runner, table.job, job_id))
        known = last_event_id or ""
        after = int(known) if known.isdecimal() and len(known) < 10 else 0
        events, ended = await run_in_threadpool(table.events, job_id, after)
        if ended and not events:
            return Response(status_code=204)  # tells a browser not to ask again
        return StreamingResponse(
            _stream(runner, job_id, after, events, ended),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    @app.delete(
        "/v1/jobs/{job_id}",
        summary="Cancel a job that has not ended",
        responses=gives(SentJob),
    )
    def cancel(job_id: str) -> JSONResponse:
        return JSONResponse(_whole(runner, runner.cancel, job_id))


def _add_uploads(runner: IngestionWorker, received: ReceivedForm) -> Job:
    source_id = received.source_id
    replaced = runner.means.store.source(source_id) if source_id else None
    return runner.add_uploads(received.files, received.refused, received.password, replaced)


def _accepted(job: Job) -> JSONResponse:
    return JSONResponse(_job(job) | {"items": []}, 202, {"Location": f"/v1/jobs/{job.id}"})


def _whole(runner: IngestionWorker, get: Callable[[str], Job], job_id: str) -> dict[str, Any]:
    """A job with its items."""
    return _job(get(job_id)) | {"items": [_item(item) for item in runner.table.items(job_id)]}


def _job(job: Job) -> dict[str, Any]:
    """A job as readers elsewhere may have it."""
    return _item(public(asdict(job)))


def _item(told: dict[str, Any]) -> dict[str, Any]:
    """What is told of a job or a document in it, without this machine's paths: the document's
    own place is a name or an address that the asker gave.
    """
    return told | {"reason": without_paths(told["reason"])} if "reason" in told else told


async def _stream(
    runner: IngestionWorker, job_id: str, after: int, events: list[JobEvent], ended: bool
) -> AsyncIterator[bytes]:
    """The events of a job until it has ended, or the service does."""
    last, seen, spoke = after, -1, time.monotonic()
    while True:
        for event in events:
            last, spoke = event.number, time.monotonic()
            told = public(event.data) if event.name == "job" else event.data
            text = json.dumps(_item(told), ensure_ascii=False)
            yield format_sse_event(data_str=text, event=event.name, id=str(event.number))
        if ended or runner.closing:
            return
        if time.monotonic() - spoke > KEEPALIVE_SECONDS:
            spoke = time.monotonic()
            yield b": still at it\n\n"
        await asyncio.sleep(POLL_SECONDS)
        events = []
        if runner.shared or seen != runner.table.changes:
            seen = runner.table.changes
            events, ended = await run_in_threadpool(runner.table.events, job_id, last)
