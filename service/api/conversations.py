"""The conversation half of the API: looking back, sharing, exporting, rating, going on."""

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
from service.concurrency.admission import MAX_RUNNING_SUGGESTIONS, ConcurrencyLimiter
from service.concurrency.event_log import CLIENT_CLOSED_REQUEST, cancel_on_disconnect
from service.concurrency.idempotency import IdempotentCall, read_idempotency_key
from service.concurrency.process_locks import ProcessLocks
from service.conversations.bibtex import bibtex
from service.conversations.conversations import MAX_TITLE_LENGTH, Conversation, Page, title_of
from service.conversations.feedback import Feedback
from service.conversations.markdown import markdown
from service.conversations.shares import Share, Shared
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

LONGEST_REASON = 2_000  # characters
_YEAR = 366 * 24 * 3600
_FILE = gives_file("text/markdown", "application/x-bibtex")
_PRIVATE = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow"}

Format = Literal["markdown", "bibtex"]
Id = Annotated[str, Path(max_length=64)]


class Title(BaseModel):
    """What ``PATCH /v1/conversations/{id}`` takes."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"title": "Speech recognition"}]}
    )

    title: str = Field(
        max_length=MAX_TITLE_LENGTH, description="empty: the one made from the first question"
    )


class Sharing(BaseModel):
    """What ``POST /v1/conversations/{id}/share`` takes; it may be left out."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"expires_in": 86400}]}
    )

    expires_in: int | None = Field(
        None, ge=1, le=_YEAR, description="seconds until the link ends; left out: never"
    )


class Rated(BaseModel):
    """What ``POST /v1/feedback`` takes."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"answer_id": "…", "rating": "up", "claim": 0}]},
    )

    answer_id: str = Field(max_length=64)
    rating: Literal["up", "down"]
    reason: str = Field("", max_length=LONGEST_REASON)
    claim: int | None = Field(None, ge=0, description="which claim, from 0; left out: all of it")


def add_conversation_routes(
    app: FastAPI,
    engine: Engine,
    suggestions: ConcurrencyLimiter,
    locks: ProcessLocks | None = None,
    public_url: str = "",
) -> None:
    """Add the routes to an app. The engine's history is not touched before a request comes.

    ``public_url`` is the service's address, which exports name; empty: as it was asked.
    """
    once = IdempotentCall(locks)
    _add_conversations(app, engine)
    _add_sharing(app, engine, once, public_url)
    _add_exports(app, engine, public_url)
    _add_feedback(app, engine, once)
    _add_suggestions(app, Suggestions(engine), suggestions)


def _add_conversations(app: FastAPI, engine: Engine) -> None:
    @app.get(
        "/v1/conversations",
        responses=gives(Page),
        summary="Every conversation, the last asked first",
    )
    def conversations(
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        cursor: Annotated[str, Query(description="`next` of the page before")] = "",
    ) -> JSONResponse:
        page = engine.history.conversations.page(limit, cursor)
        return JSONResponse(asdict(page))

    @app.get(
        "/v1/conversations/{conversation_id}",
        responses=gives(WholeConversation),
        summary="A conversation, with its answers",
    )
    def conversation(conversation_id: Id) -> JSONResponse:
        found = asdict(engine.history.conversations.find(conversation_id))
        return JSONResponse(found | {"answers": engine.history.conversation(conversation_id)})

    @app.patch(
        "/v1/conversations/{conversation_id}",
        responses=gives(Conversation),
        summary="Give a conversation a title",
    )
    def rename(conversation_id: Id, body: Title) -> JSONResponse:
        engine.history.conversations.rename(conversation_id, body.title)
        return JSONResponse(asdict(engine.history.conversations.find(conversation_id)))

    @app.delete(
        "/v1/conversations/{conversation_id}",
        summary="Delete a conversation, its answers and all that was kept beside them",
        status_code=204,
    )
    def delete(conversation_id: Id) -> Response:
        engine.history.conversations.delete(conversation_id)
        return Response(status_code=204)


def _add_sharing(app: FastAPI, engine: Engine, once: IdempotentCall, public_url: str) -> None:
    @app.post(
        "/v1/conversations/{conversation_id}/share",
        responses=gives(SentShare, 201),
        summary="A link by which others read what was answered until now",
        status_code=201,
    )
    def share(conversation_id: Id, request: Request, body: Sharing | None = None) -> JSONResponse:
        seconds = body.expires_in if body else None
        made = once(
            engine.history.replies,
            read_idempotency_key(request, {"expires_in": seconds}),
            lambda: _link(engine.history.shares.make(conversation_id, seconds)),
            conversation_id=conversation_id,
        )
        return JSONResponse(made, 201)

    @app.get(
        "/v1/conversations/{conversation_id}/shares",
        responses=gives(Links),
        summary="The links to a conversation",
    )
    def shares(conversation_id: Id) -> JSONResponse:
        listed = engine.history.shares.of(conversation_id)
        return JSONResponse({"shares": [_link(each) for each in listed]})

    @app.delete(
        "/v1/conversations/{conversation_id}/shares/{token}",
        summary="End a link to a conversation",
        status_code=204,
    )
    def revoke(conversation_id: Id, token: Id) -> Response:
        engine.history.shares.revoke(conversation_id, token)
        return Response(status_code=204)

    @app.get(
        "/v1/shared/{token}",
        responses=gives(Shared),
        summary="A conversation that somebody shared, to read only",
    )
    def shared(token: Id) -> JSONResponse:
        return JSONResponse(asdict(engine.history.shares.shared(token)), headers=_PRIVATE)

    @app.get(
        "/v1/shared/{token}/export",
        responses=_FILE,
        response_class=Response,
        summary="It, as Markdown or BibTeX",
    )
    def export_shared(token: Id, request: Request, format: Format = "markdown") -> Response:
        found = engine.history.shares.shared(token)
        base = public_url or str(request.base_url)
        made = _file(format, found.title, list(found.answers), "shared", base)
        made.headers.update(_PRIVATE)
        return made


def _add_exports(app: FastAPI, engine: Engine, public_url: str) -> None:
    @app.get(
        "/v1/conversations/{conversation_id}/export",
        responses=_FILE,
        response_class=Response,
        summary="A conversation as Markdown with footnotes, or what it cites as BibTeX",
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
        summary="An answer as Markdown with footnotes, or what it cites as BibTeX",
    )
    def export_answer(answer_id: Id, request: Request, format: Format = "markdown") -> Response:
        answer = engine.history.answer(answer_id)
        base = public_url or str(request.base_url)
        return _file(format, title_of(answer["question"]), [answer], f"answer-{answer_id}", base)


def _add_feedback(app: FastAPI, engine: Engine, once: IdempotentCall) -> None:
    @app.post(
        "/v1/feedback",
        responses=gives(Feedback),
        summary="Rate an answer, or one of its claims; the last rating counts",
    )
    def rate(body: Rated, request: Request) -> JSONResponse:
        given = Feedback(body.answer_id, body.rating, body.reason, body.claim)
        made = once(
            engine.history.replies,
            read_idempotency_key(request, body.model_dump()),
            lambda: asdict(engine.history.feedback.put(given)),
            answer_id=body.answer_id,
        )
        return JSONResponse(made)

    @app.get(
        "/v1/answers/{answer_id}/feedback",
        responses=gives(Ratings),
        summary="How an answer was rated",
    )
    def ratings(answer_id: Id) -> JSONResponse:
        listed = engine.history.feedback.of(answer_id)
        return JSONResponse({"feedback": [asdict(each) for each in listed]})


def _add_suggestions(app: FastAPI, suggestions: Suggestions, gate: ConcurrencyLimiter) -> None:
    threads = PriorityThreadPool("suggestions", MAX_RUNNING_SUGGESTIONS, priority=Priority.LATER)

    async def listed(request: Request, find: Callable[[str], list[str]], given: str) -> Response:
        async def in_turn() -> list[str]:
            async with gate.slot():
                return await threads.run_to_completion(find, given)

        try:
            found = await cancel_on_disconnect(request, in_turn())
        except TooBusy:  # the page asks for them of its own accord: there are none then
            found = []
        return (
            Response(status_code=CLIENT_CLOSED_REQUEST)
            if found is None
            else JSONResponse({"questions": found})
        )

    @app.get(
        "/v1/answers/{answer_id}/related",
        responses=gives(Questions),
        summary="At most three questions to go on with, which the library answers",
    )
    async def related(answer_id: Id, request: Request) -> Response:
        return await listed(request, suggestions.related, answer_id)

    @app.get(
        "/v1/examples",
        responses=gives(Questions),
        summary="A few questions to begin with, which the library answers",
    )
    async def examples(request: Request, language: Literal["en", "ja"] = "en") -> Response:
        return await listed(request, suggestions.examples, language)


def _link(share: Share) -> dict[str, Any]:
    return asdict(share) | {"url": share.url}


def _file(format: Format, title: str, answers: list[dict], name: str, base: str) -> Response:
    """An export to save: never shown by a browser as anything but text."""
    if format == "markdown":
        text, media, ending = markdown(title, answers, base), "text/markdown", "md"
    else:
        text, media, ending = bibtex(answers, base), "application/x-bibtex", "bib"
    named = f'attachment; filename="{name}.{ending}"'
    data = text.encode("utf-8", "replace")  # half a character can stand in a PDF's text
    return Response(data, media_type=media, headers={"Content-Disposition": named})
