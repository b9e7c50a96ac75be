"""HTTP routes for conversations: list, read, rename, delete, share, export, rate, suggest.

No route opens the database of the history before a request comes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Path, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from corpus.errors import TooBusy
from index.inference.batch_scheduler import Priority
from service.answering.engine import Engine
from service.answering.suggestions import Suggestions
from service.api.limited import run_limited
from service.concurrency.admission import MAX_RUNNING_SUGGESTIONS, ConcurrencyLimiter
from service.concurrency.event_log import CLIENT_CLOSED_REQUEST
from service.concurrency.idempotency import IdempotentCall, read_idempotency_key
from service.concurrency.process_locks import ProcessLocks
from service.conversations.bibtex import bibtex
from service.conversations.conversations import MAX_TITLE_LENGTH, Conversation, Page
from service.conversations.feedback import Feedback
from service.conversations.markdown import markdown
from service.conversations.search import MAX_QUERY_LENGTH
from service.conversations.shares import Share, Shared
from service.conversations.titles import title_of
from service.executors import PriorityThreadPool
from service.schemas import (
    Links,
    Questions,
    Ratings,
    SentShare,
    WholeConversation,
    gives,
    gives_file,
)
from service.types import with_decisions

MAX_REASON_LENGTH = 2_000  # characters
_YEAR = 366 * 24 * 3600
_FILE = gives_file("text/markdown", "application/x-bibtex")
_PRIVATE = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow"}

Format = Literal["markdown", "bibtex"]
Id = Annotated[str, Path(max_length=64)]


class Title(BaseModel):
    """The request body of ``PATCH /v1/conversations/{id}``: a new title."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"title": "Speech recognition"}]}
    )

    title: str = Field(
        max_length=MAX_TITLE_LENGTH,
        description="empty: the default, what the first question is about",
    )


class Sharing(BaseModel):
    """The request body of ``POST /v1/conversations/{id}/share``, which may be omitted."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"expires_in": 86400}]}
    )

    expires_in: int | None = Field(
        None, ge=1, le=_YEAR, description="seconds until the link expires; omitted: never"
    )


class Rated(BaseModel):
    """The request body of ``POST /v1/feedback``: a rating of an answer or of one claim."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"answer_id": "…", "rating": "up", "claim": 0}]},
    )

    answer_id: str = Field(max_length=64)
    rating: Literal["up", "down"]
    reason: str = Field("", max_length=MAX_REASON_LENGTH)
    claim: int | None = Field(
        None, ge=0, description="index of the claim, from 0; omitted: the whole answer"
    )


def add_conversation_routes(
    app: FastAPI,
    engine: Engine,
    suggestions: Suggestions,
    limiter: ConcurrencyLimiter,
    locks: ProcessLocks | None = None,
    public_url: str = "",
) -> None:
    """Add the routes for conversations, shared links, exports, feedback and suggested questions.

    Args:
        app: The application that gets the routes.
        engine: Its history holds the conversations.
        suggestions: Suggests the questions.
        limiter: Bounds how many requests for suggested questions run at once.
        locks: Shared with the other processes that serve the same library; None: there are none.
        public_url: The service's address, which exports name; empty: the one that a request used.
    """
    idempotent = IdempotentCall(locks)
    _add_conversations(app, engine)
    _add_sharing(app, engine, idempotent, public_url)
    _add_exports(app, engine, public_url)
    _add_feedback(app, engine, idempotent)
    _add_suggestions(app, suggestions, limiter)


def _add_conversations(app: FastAPI, engine: Engine) -> None:
    @app.get(
        "/v1/conversations",
        responses=gives(Page),
        summary="List the conversations, the most recently used first",
    )
    def list_conversations(
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        cursor: Annotated[str, Query(description="`next` of the previous page")] = "",
        q: Annotated[
            str,
            Query(
                max_length=MAX_QUERY_LENGTH,
                description="words to find in titles, questions and answers; `found` says where",
            ),
        ] = "",
    ) -> JSONResponse:
        page = engine.history.conversations.page(limit, cursor, q)
        return JSONResponse(asdict(page))

    @app.get(
        "/v1/conversations/{conversation_id}",
        responses=gives(WholeConversation),
        summary="Get a conversation with its answers",
    )
    def get_conversation(conversation_id: Id) -> JSONResponse:
        found = asdict(engine.history.conversations.find(conversation_id))
        del found["found"]
        answers = map(with_decisions, engine.history.conversation(conversation_id))
        return JSONResponse(found | {"answers": list(answers)})

    @app.patch(
        "/v1/conversations/{conversation_id}",
        responses=gives(Conversation),
        summary="Rename a conversation",
    )
    def rename_conversation(conversation_id: Id, body: Title) -> JSONResponse:
        engine.history.conversations.rename(conversation_id, body.title)
        return JSONResponse(asdict(engine.history.conversations.find(conversation_id)))

    @app.delete(
        "/v1/conversations/{conversation_id}",
        summary="Delete a conversation, its answers, feedback and links",
        status_code=204,
    )
    def delete_conversation(conversation_id: Id) -> Response:
        engine.history.conversations.delete(conversation_id)
        return Response(status_code=204)


def _add_sharing(app: FastAPI, engine: Engine, idempotent: IdempotentCall, public_url: str) -> None:
    @app.post(
        "/v1/conversations/{conversation_id}/share",
        responses=gives(SentShare, 201),
        summary="Create a read-only link to the conversation as it is now",
        status_code=201,
    )
    def share_conversation(
        conversation_id: Id, request: Request, body: Sharing | None = None
    ) -> JSONResponse:
        seconds = body.expires_in if body else None
        response = idempotent(
            engine.history.replies,
            read_idempotency_key(request, {"expires_in": seconds}),
            lambda: _link(engine.history.shares.make(conversation_id, seconds)),
            conversation_id=conversation_id,
        )
        return JSONResponse(response, 201)

    @app.get(
        "/v1/conversations/{conversation_id}/shares",
        responses=gives(Links),
        summary="List the shared links of a conversation",
    )
    def list_shares(conversation_id: Id) -> JSONResponse:
        listed = engine.history.shares.of(conversation_id)
        return JSONResponse({"shares": [_link(each) for each in listed]})

    @app.delete(
        "/v1/conversations/{conversation_id}/shares/{token}",
        summary="Revoke a shared link",
        status_code=204,
    )
    def revoke_share(conversation_id: Id, token: Id) -> Response:
        engine.history.shares.revoke(conversation_id, token)
        return Response(status_code=204)

    @app.get(
        "/v1/shared/{token}",
        responses=gives(Shared),
        summary="Read a shared conversation",
    )
    def get_shared_conversation(token: Id) -> JSONResponse:
        found = engine.history.shares.shared(token)
        answers = [with_decisions(answer) for answer in found.answers]
        return JSONResponse(asdict(found) | {"answers": answers}, headers=_PRIVATE)


def _add_exports(app: FastAPI, engine: Engine, public_url: str) -> None:
    @app.get(
        "/v1/conversations/{conversation_id}/export",
        responses=_FILE,
        response_class=Response,
        summary="Export a conversation as Markdown with footnotes, or its sources as BibTeX",
    )
    def export_conversation(
        conversation_id: Id, request: Request, format: Format = "markdown"
    ) -> Response:
        title = engine.history.conversations.find(conversation_id).title
        answers = engine.history.conversation(conversation_id)
        name = f"conversation-{conversation_id}"
        return _file(format, title, answers, name, public_url or str(request.base_url))

    @app.get(
        "/v1/answers/{answer_id}/export",
        responses=_FILE,
        response_class=Response,
        summary="Export an answer as Markdown with footnotes, or its sources as BibTeX",
    )
    def export_answer(answer_id: Id, request: Request, format: Format = "markdown") -> Response:
        answer = engine.history.answer(answer_id)
        base = public_url or str(request.base_url)
        return _file(format, title_of(answer["question"]), [answer], f"answer-{answer_id}", base)

    @app.get(
        "/v1/shared/{token}/export",
        responses=_FILE,
        response_class=Response,
        summary="Export a shared conversation as Markdown or BibTeX",
    )
    def export_shared_conversation(
        token: Id, request: Request, format: Format = "markdown"
    ) -> Response:
        found = engine.history.shares.shared(token)
        base = public_url or str(request.base_url)
        file = _file(format, found.title, list(found.answers), "shared", base)
        file.headers.update(_PRIVATE)
        return file


def _add_feedback(app: FastAPI, engine: Engine, idempotent: IdempotentCall) -> None:
    @app.post(
        "/v1/feedback",
        responses=gives(Feedback),
        summary="Rate an answer or one of its claims; the last rating counts",
    )
    def rate_answer(body: Rated, request: Request) -> JSONResponse:
        given = Feedback(body.answer_id, body.rating, body.reason, body.claim)
        response = idempotent(
            engine.history.replies,
            read_idempotency_key(request, body.model_dump()),
            lambda: asdict(engine.history.feedback.put(given)),
            answer_id=body.answer_id,
        )
        return JSONResponse(response)

    @app.get(
        "/v1/answers/{answer_id}/feedback",
        responses=gives(Ratings),
        summary="List the ratings of an answer",
    )
    def list_ratings(answer_id: Id) -> JSONResponse:
        listed = engine.history.feedback.of(answer_id)
        return JSONResponse({"feedback": [asdict(each) for each in listed]})


def _add_suggestions(app: FastAPI, suggestions: Suggestions, limiter: ConcurrencyLimiter) -> None:
    threads = PriorityThreadPool("suggestions", MAX_RUNNING_SUGGESTIONS, priority=Priority.LATER)

    async def suggest(
        request: Request, find: Callable[[str], list[str]], argument: str
    ) -> Response:
        try:
            questions = await run_limited(request, limiter, threads, find, argument)
        except TooBusy:  # no reader asked for them, the page did: an error would only disturb
            questions = []
        return (
            Response(status_code=CLIENT_CLOSED_REQUEST)
            if questions is None
            else JSONResponse({"questions": questions})
        )

    @app.get(
        "/v1/answers/{answer_id}/related",
        responses=gives(Questions),
        summary="Suggest up to three follow-up questions that the library answers",
    )
    async def suggest_follow_ups(answer_id: Id, request: Request) -> Response:
        return await suggest(request, suggestions.related, answer_id)

    @app.get(
        "/v1/examples",
        responses=gives(Questions),
        summary="Suggest up to three first questions that the library answers",
    )
    async def suggest_first_questions(
        request: Request, language: Literal["en", "ja"] = "en"
    ) -> Response:
        return await suggest(request, suggestions.examples, language)


def _link(share: Share) -> dict[str, Any]:
    return asdict(share) | {"url": share.url}


def _file(
    format: Format, title: str, answers: list[dict[str, Any]], name: str, base: str
) -> Response:
    """Make an export that a browser saves and never renders."""
    if format == "markdown":
        text, media, extension = markdown(title, answers, base), "text/markdown", "md"
    else:
        text, media, extension = bibtex(answers, base), "application/x-bibtex", "bib"
    disposition = f'attachment; filename="{name}.{extension}"'
    data = text.encode("utf-8", "replace")  # the text of a PDF can have unpaired surrogates
    return Response(data, media_type=media, headers={"Content-Disposition": disposition})
