"""The HTTP route that has a quote of the library translated by the language model.

It takes offsets, never a text: so nobody can use the model through it for texts of their own.
"""

from __future__ import annotations

import asyncio

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from corpus.errors import RequestRefused
from service import schemas
from service.answering.engine import Engine
from service.concurrency.admission import ConcurrencyLimiter
from service.concurrency.event_log import CLIENT_CLOSED_REQUEST, cancel_on_disconnect
from service.disclosure import model_name
from service.generation.translation import LONGEST_QUOTE, Language, Translator
from service.schemas import gives
from service.types import to_json

MAX_RUNNING = 2  # translations at once: answers come first
MAX_QUEUED = 16


class Quote(BaseModel):
    """The request body of ``POST /v1/translations``: a quote of the library, and a language."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"passage_id": "…", "start": 0, "end": 40, "language": "en"}]
        },
    )

    passage_id: str = Field(max_length=64, description="as in a citation")
    start: int = Field(ge=0, description="offset in the source's text, as in a citation")
    end: int = Field(ge=1, description=f"at most {LONGEST_QUOTE:,} characters after `start`")
    language: Language


def add_translation_route(app: FastAPI, engine: Engine) -> None:
    """Add the route that translates quotes; without a language model it gives no translation."""
    limiter = ConcurrencyLimiter("translations", MAX_RUNNING, MAX_QUEUED)
    translator = Translator()

    def find(quote: Quote) -> str:
        text = engine.library.store.locate_passage(quote.passage_id).document.text
        if not quote.start < quote.end <= min(len(text), quote.start + LONGEST_QUOTE):
            raise RequestRefused(
                f"start and end mark no quote of at most {LONGEST_QUOTE:,} characters: send those"
                " of a citation"
            )
        return text[quote.start : quote.end]

    @app.post(
        "/v1/translations",
        summary="Translate a quote by the language model; the translation is not checked",
        responses=gives(schemas.Translation),
    )
    async def translate_quote(quote: Quote, request: Request) -> Response:
        words, model = await asyncio.to_thread(find, quote), engine.model
        if model is None:
            return JSONResponse(to_json(schemas.Translation(words, quote.language, None, None)))

        async def translate() -> str:
            async with limiter.slot():
                return await translator.translate(model, words, quote.language)

        text = await cancel_on_disconnect(request, translate())
        if text is None:
            return Response(status_code=CLIENT_CLOSED_REQUEST)
        name = model_name(model.name)
        return JSONResponse(to_json(schemas.Translation(words, quote.language, text, name)))
