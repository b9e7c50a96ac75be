"""What the conversation half of the API replies with, for its schema in /openapi.json."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from service.feedback import Feedback
from service.shares import Share


@dataclass(frozen=True, slots=True)
class WholeConversation:
    """A conversation with its answers, oldest first, each as ``GET /v1/answers/{id}`` has it."""

    id: str
    title: str
    answers: tuple[dict[str, Any], ...]
    created_at: str
    last_asked_at: str


@dataclass(frozen=True, slots=True)
class SentShare(Share):
    """A link; ``url`` is its path."""

    url: str = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Links:
    shares: tuple[SentShare, ...]


@dataclass(frozen=True, slots=True)
class Ratings:
    feedback: tuple[Feedback, ...]


@dataclass(frozen=True, slots=True)
class Questions:
    """Questions that the library answers."""

    questions: tuple[str, ...]


def replies(kind: type[Any], status: int = 200) -> dict[int | str, dict[str, Any]]:
    """What a route replies with, for its schema; the replies themselves are not gone over."""
    return {status: {"model": kind}}


FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A file to save",
        "content": {
            kind: {"schema": {"type": "string"}}
            for kind in ("text/markdown", "application/x-bibtex")
        },
    }
}
