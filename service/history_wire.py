"""What the conversation half of the API replies with, for its schema in /openapi.json."""

from __future__ import annotations

from dataclasses import dataclass, field

from service.feedback import Feedback
from service.shares import Share
from service.wire import SentAnswer


@dataclass(frozen=True, slots=True)
class WholeConversation:
    """A conversation with its answers, oldest first, each as ``GET /v1/answers/{id}`` has it."""

    id: str
    title: str
    answers: tuple[SentAnswer, ...]
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
