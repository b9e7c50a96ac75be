"""HTTP routes for ingestion jobs: upload files or send web addresses, then poll or stream the job.

A job is in the database before its client receives the id, and so is every event of it, with a
number that is used once. A stream polls the database for them, so it can be resumed after a lost
connection and after a restart.
"""

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
from service.ingestion.unlocking import unlock_uploads
from service.ingestion.worker import IngestionWorker
from service.schemas import Jobs, SentJob, gives

MAX_URLS = 100
POLL_SECONDS = 0.2  # between two reads of a job's new events
KEEPALIVE_SECONDS = 15.0  # without an event, after which a comment keeps the connection open
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
                        "password": {
                            "type": "string",
                            "description": "opens encrypted PDFs; it is never stored",
                        },
                        "source_id": {
                            "type": "string",
                            "description": "the file, only one, is a new version of this source",
                        },
                        "collection": {
                            "type": "string",
                            "description": "the collection to put the documents in, by its name;"
                            " it is made if there is none",
                        },
                    },
                }
            }
        },
    }
}


class Places(BaseModel):
    """The request body of ``POST /v1/sources``: the web addresses to ingest."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"url": "https://arxiv.org/abs/2212.04356"}]},
    )

    url: str | None = Field(None, description="the address of a web page, a paper or a file")
    urls: list[str] | None = Field(None, description="several addresses", max_length=MAX_URLS)
    follow: Literal["papers"] | None = Field(
        None, description="also ingest the papers that they link to"
    )
    limit: int = Field(50, ge=1, le=500, description="with `follow`: the most papers to ingest")
    depth: int = Field(1, ge=1, le=3, description="with `follow`: how many links deep")
    collection: str = Field(
        "",
        description="the collection to put the documents in, by its name; it is made if there is"
        " none",
    )

    @property
    def all_urls(self) -> list[str]:
        """The addresses of both fields, in order."""
        return [*([self.url] if self.url is not None else []), *(self.urls or [])]


def add_job_routes(app: FastAPI, worker: IngestionWorker) -> None:
    """Add the routes that create, list, show, stream and cancel ingestion jobs."""
    _add_creation(app, worker)
    _add_reading(app, worker)


def _add_creation(app: FastAPI, worker: IngestionWorker) -> None:
    @app.post(
        "/v1/documents",
        status_code=202,
        summary="Upload documents: a job reads them",
        responses=gives(SentJob, 202),
        openapi_extra=_FORM,
    )
    async def upload_documents(request: Request) -> Response:
        await run_in_threadpool(worker.table.check_room)
        async with receive_upload(request, worker) as received:
            return _accepted(await run_in_threadpool(_add_uploads, worker, received))

    @app.post(
        "/v1/sources",
        status_code=202,
        summary="Send web addresses: a job reads them",
        responses=gives(SentJob, 202),
    )
    async def add_sources(body: Places) -> Response:
        urls = list(dict.fromkeys(body.all_urls))
        if not urls or len(urls) > MAX_URLS:
            count = "no url" if not urls else f"more than {MAX_URLS}"
            raise CorpusError(f"the request has {count}: send `url`, or up to {MAX_URLS} in `urls`")
        await run_in_threadpool(worker.table.check_room)
        async with await run_in_threadpool(worker.means.fetcher) as fetcher:
            await asyncio.gather(*map(fetcher.check, urls))
        arguments = (urls, body.follow is not None, body.limit, body.depth, body.collection)
        return _accepted(await run_in_threadpool(worker.add_places, *arguments))


def _add_reading(app: FastAPI, worker: IngestionWorker) -> None:
    table = worker.table

    @app.get("/v1/jobs", summary="List the jobs, newest first", responses=gives(Jobs))
    def list_jobs(
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        before: Annotated[str | None, Query(description="`next` of the previous page")] = None,
    ) -> JSONResponse:
        found = table.jobs(limit + 1, before)
        more = found[limit - 1].id if len(found) > limit else None
        return JSONResponse({"jobs": [_job(job) for job in found[:limit]], "next": more})

    @app.get(
        "/v1/jobs/{job_id}",
        summary="Get a job, as JSON or as a stream of its events",
        responses=gives(SentJob, stream="progress and item as they happen, then job at the end")
        | {204: {"description": "The stream has ended: there are no more events"}},
    )
    async def get_job(
        job_id: str,
        request: Request,
        last_event_id: Annotated[str | None, Header()] = None,
    ) -> Response:
        if "text/event-stream" not in request.headers.get("accept", ""):
            return JSONResponse(await run_in_threadpool(_with_items, worker, table.job, job_id))
        last_id = last_event_id or ""
        after = int(last_id) if last_id.isdecimal() and len(last_id) < 10 else 0
        events, ended = await run_in_threadpool(table.events, job_id, after)
        if ended and not events:
            return Response(status_code=204)  # a browser does not reconnect after 204
        return StreamingResponse(
            _stream(worker, job_id, after, events, ended),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    @app.delete(
        "/v1/jobs/{job_id}",
        summary="Cancel a job that has not ended",
        responses=gives(SentJob),
    )
    def cancel_job(job_id: str) -> JSONResponse:
        return JSONResponse(_with_items(worker, worker.cancel, job_id))


def _add_uploads(worker: IngestionWorker, received: ReceivedForm) -> Job:
    source_id = received.source_id
    replaced = worker.means.store.source(source_id) if source_id else None
    refused = received.refused
    if received.password:
        refused = [*refused, *unlock_uploads(worker, received.files, received.password)]
    return worker.add_uploads(received.files, refused, replaced, received.collection)


def _accepted(job: Job) -> JSONResponse:
    return JSONResponse(_job(job) | {"items": []}, 202, {"Location": f"/v1/jobs/{job.id}"})


def _with_items(worker: IngestionWorker, get: Callable[[str], Job], job_id: str) -> dict[str, Any]:
    """Return the JSON of a job with its items."""
    return _job(get(job_id)) | {"items": [_item(item) for item in worker.table.items(job_id)]}


def _job(job: Job) -> dict[str, Any]:
    """Return the JSON of a job without its items, and without paths of this machine."""
    return _item(public(asdict(job)))


def _item(data: dict[str, Any]) -> dict[str, Any]:
    """Remove paths of this machine from the reason of a job or of one of its documents.

    The place of a document stays: it is a file name or an address that the client sent.
    """
    return data | {"reason": without_paths(data["reason"])} if "reason" in data else data


async def _stream(
    worker: IngestionWorker, job_id: str, after: int, events: list[JobEvent], ended: bool
) -> AsyncIterator[bytes]:
    """Yield the events of a job as server-sent events, until the job or the service ends.

    Args:
        worker: Its table has the events.
        job_id: The job.
        after: The number of the last event that the client has.
        events: The first events after that one.
        ended: Whether the job has ended with those.
    """
    last, seen_changes, last_sent = after, -1, time.monotonic()
    while True:
        for event in events:
            last, last_sent = event.number, time.monotonic()
            data = public(event.data) if event.name == "job" else event.data
            text = json.dumps(_item(data), ensure_ascii=False)
            yield format_sse_event(data_str=text, event=event.name, id=str(event.number))
        if ended or worker.closing:
            return
        if time.monotonic() - last_sent > KEEPALIVE_SECONDS:
            last_sent = time.monotonic()
            yield b": keep-alive\n\n"
        await asyncio.sleep(POLL_SECONDS)
        events = []
        if worker.shared or seen_changes != worker.table.changes:
            seen_changes = worker.table.changes
            events, ended = await run_in_threadpool(worker.table.events, job_id, last)
