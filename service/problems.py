"""HTTP error responses: a table from errors to statuses, and problem documents (RFC 9457)."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from corpus.document_errors import problem_of
from corpus.errors import (
    CollectionExists,
    CollectionRefused,
    CorpusError,
    Gone,
    IndexMismatch,
    IndexMissing,
    JobEnded,
    ModelError,
    NotEnded,
    NotFound,
    NotNow,
    NotReady,
    PageNotDrawn,
    PageNotFound,
    QuestionRefused,
    RequestRefused,
    StoreError,
    TenkyoError,
    TextRefused,
    TooBusy,
    TooManyJobs,
    UploadRefused,
    UploadTooLarge,
)
from index.inference.http_embedder import EmbedderChanged
from index.inference.model_errors import SearchModelError
from service.errors import (
    CollectionNotFound,
    ConversationNotFound,
    LinkGone,
    LinkNotFound,
    ModelFixed,
    ModelKeyRefused,
    ModelNotConnected,
)
from service.logs import current_request_id

logger = logging.getLogger(__name__)

# The first row whose class matches decides, so subclasses stand before their base class.
STATUSES: tuple[tuple[type[TenkyoError], int, str], ...] = (
    (QuestionRefused, 422, "The question cannot be read"),
    (TextRefused, 422, "The text cannot be verified"),
    (CollectionExists, 409, "This collection already exists"),
    (CollectionRefused, 422, "The collection cannot have this name"),
    (UploadRefused, 422, "The upload cannot be read"),
    (UploadTooLarge, 413, "The upload is too large"),
    (TooManyJobs, 503, "Too many jobs are waiting"),
    (TooBusy, 503, "Too many requests at once"),
    (NotEnded, 503, "The answer is still being stopped"),
    (NotReady, 503, "The service is starting"),
    (JobEnded, 409, "The job has ended"),
    (ModelFixed, 422, "Settings decide which model answers"),
    (ModelKeyRefused, 422, "This is no key"),
    (ModelNotConnected, 422, "This model is not connected"),
    (RequestRefused, 422, "The request cannot be processed"),
    (LinkGone, 410, "No longer shared"),
    (Gone, 410, "No longer available"),
    (ConversationNotFound, 404, "This conversation does not exist"),
    (CollectionNotFound, 404, "There is no such collection"),
    (LinkNotFound, 404, "There is no such link"),
    (NotFound, 404, "Not found"),
    (IndexMissing, 503, "There is no index yet"),
    (IndexMismatch, 503, "The index does not match the library"),
    (StoreError, 503, "The database cannot be used"),
    (EmbedderChanged, 502, "The embedding model is another one"),
    (SearchModelError, 502, "A model for searching or checking failed"),
    (ModelError, 502, "The model failed"),
    (PageNotDrawn, 422, "The page cannot be drawn"),
    (CorpusError, 422, "The source cannot be read"),
    (TenkyoError, 500, "Something went wrong"),
)
# By these words, which do not change, a client can say it in words of its own, as the page does.
CODES: dict[type[TenkyoError], str] = {
    QuestionRefused: "question",
    TextRefused: "text",
    CollectionExists: "collection_exists",
    CollectionRefused: "collection_name",
    UploadRefused: "upload",
    UploadTooLarge: "upload_too_large",
    TooManyJobs: "too_many_jobs",
    TooBusy: "busy_now",
    NotEnded: "busy_now",
    NotReady: "busy_now",
    JobEnded: "job_ended",
    ModelFixed: "model_fixed",
    ModelKeyRefused: "model_key",
    ModelNotConnected: "no_model",
    RequestRefused: "request",
    LinkGone: "expired",
    Gone: "stopped",
    ConversationNotFound: "no_conversation",
    CollectionNotFound: "no_collection",
    LinkNotFound: "no_link",
    NotFound: "not_here",
    IndexMissing: "no_index",
    IndexMismatch: "index_mismatch",
    StoreError: "store",
    EmbedderChanged: "embedder_changed",
    SearchModelError: "search_model",
    ModelError: "model",
    PageNotDrawn: "page",
    CorpusError: "source",
    TenkyoError: "error",
}
_EXAMPLES = {  # by a part of the path; the first match is shown
    "/verify": '{"text": "…"}',
    "/collections": '{"name": "…"}',
    "/sources": '{"url": "https://…"}',
    "/translations": '{"passage_id": "…", "start": 0, "end": 40, "language": "en"}',
    "/feedback": '{"answer_id": "…", "rating": "up"}',
    "/share": '{"expires_in": 86400}',
    "/conversations": '{"title": "…"}',
    "": '{"question": "…"}',
}


def problem_response(status: int, title: str, detail: str, **more: Any) -> JSONResponse:
    """Make a problem document (RFC 9457), with the id of the request if there is one.

    Args:
        status: The HTTP status.
        title: The kind of problem.
        detail: What is wrong and how to fix it; lone surrogates in it are escaped.
        **more: Further members of the document.
    """
    detail = detail.encode("utf-8", "backslashreplace").decode()
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    if request_id := current_request_id():
        body["request_id"] = request_id
    return JSONResponse(body, status, media_type="application/problem+json")


def as_problem(error: TenkyoError) -> JSONResponse:
    """Make the problem document for an error; its text for readers has no local paths."""
    kind, status, title = next(row for row in STATUSES if isinstance(error, row[0]))
    more: dict[str, Any] = {"code": CODES[kind]}
    if isinstance(error, CorpusError):
        more["code"] = problem_of(error) or CODES[kind]
    if isinstance(error, NotNow):
        more["retry_after"] = error.retry_after
    if isinstance(error, (PageNotDrawn, PageNotFound)):
        more["code"] = error.code
    if error.public != str(error):  # readers do not get all of it
        logger.warning("%s: %s", title, error)
    response = problem_response(status, title, error.public, **more)
    if isinstance(error, NotNow):
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, UploadTooLarge):
        response.headers["Connection"] = "close"  # so that the rest of it is not sent
    return response


def handle_errors(app: FastAPI) -> None:
    """Make an app reply to every error with a problem document."""

    @app.exception_handler(TenkyoError)
    async def known(_request: Request, error: TenkyoError) -> Response:
        return as_problem(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        location = ".".join(str(part) for part in first["loc"][1:]) or "body"
        if first["type"] == "json_invalid":
            example = next(text for part, text in _EXAMPLES.items() if part in request.url.path)
            detail = f"send JSON like {example}"
            return problem_response(400, "The body is not JSON", detail, code="request")
        detail = f"{location}: {first['msg']}; see /openapi.json for what is expected"
        return problem_response(422, "The request is not as expected", detail, code="request")

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        detail = f"{request.method} {request.url.path}: see /openapi.json for the routes"
        response = problem_response(error.status_code, str(error.detail), detail)
        response.headers.update(error.headers or {})
        return response
