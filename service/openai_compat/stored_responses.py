"""Stored answers as objects of OpenAI's Responses API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from corpus.errors import ChatRefused, NotFound
from service.conversations.store import History
from service.openai_compat.response_objects import ResponseHeader, response_of
from service.openai_compat.response_requests import ID_PREFIX, find_response
from service.schemas import from_json
from service.types import Answer


def stored_response(
    history: History, response_id: str, query: Mapping[str, str], base: str
) -> dict[str, Any]:
    """Return a stored answer as the response that it was sent as. Blocks.

    The request is not stored: the model is the one that makes such an answer, the response before
    it is the one before it in its conversation, and it was created when the answer was stored.

    Args:
        history: Has the answers.
        response_id: The id of the response.
        query: The parameters of the request.
        base: The address of this service, with a slash at its end.

    Raises:
        ChatRefused: There is no such response, or it is to be streamed.
    """
    if query.get("stream") == "true":
        raise ChatRefused(
            "a stored response is whole and not streamed: leave stream out",
            "stream",
            "unsupported_parameter",
        )
    try:
        answers, position = find_response(history, response_id)
        stored_at, _ = history.record(answers[position]["id"])
    except NotFound as error:
        raise ChatRefused(
            f"there is no response {response_id!r}: send the id of one that was not deleted",
            "response_id",
            "response_not_found",
            404,
        ) from error
    answer = from_json(Answer, json.dumps(answers[position]))
    created = int(datetime.fromisoformat(stored_at).timestamp())
    model = "tenkyo-quotes" if answer.mode == "quoted" else "tenkyo"
    previous = f"{ID_PREFIX}{answers[position - 1]['id']}" if position else None
    return response_of(answer, ResponseHeader(model, created, base, previous), created)
