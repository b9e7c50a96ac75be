"""A whole reply of a language model, and what an OpenAI-compatible server says around it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from service.generation.prompts import Message, estimate_tokens

# Statuses by which servers refuse a request for structured output; some have no clear one for it.
NO_SCHEMA = frozenset({400, 404, 415, 422, 501})


@dataclass(frozen=True, slots=True)
class Completion:
    """A reply that came as a whole, with the tokens that were read and written for it."""

    text: str
    prompt_tokens: int
    completion_tokens: int


@runtime_checkable
class CompletionModel(Protocol):
    """A language model that replies as a whole; ``service.generation.llm.ChatModel`` is one."""

    @property
    def name(self) -> str:
        """The model's name."""
        ...

    @property
    def host(self) -> str:
        """Host and port of its server, without path and credentials."""
        ...

    @property
    def address(self) -> str:
        """URL of its server without credentials, by which what is known of it is kept."""
        ...

    async def identify(self) -> None:
        """Ask the server for its model's name, where none was set.

        Raises ModelUnavailable if the server cannot be reached.
        """
        ...

    async def complete(
        self,
        messages: Sequence[Message],
        max_tokens: int,
        schema: dict[str, Any] | None = None,
        timeout: float | None = None,
    ) -> Completion:
        """Return the reply to some messages, at temperature 0.

        Raises ModelUnavailable or ModelBadOutput.
        """
        ...


def schema_option(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the field of a request that asks for a reply by a JSON schema."""
    wanted = {"name": "reply", "strict": True, "schema": schema}
    return {"response_format": {"type": "json_schema", "json_schema": wanted}}


def read_usage(data: str, messages: Sequence[Message], text: str) -> tuple[int, int]:
    """Return how many tokens were read and written, estimated where the server does not say.

    Args:
        data: The reply of the server, a JSON object.
        messages: What it was sent.
        text: What the model wrote.
    """
    usage = json.loads(data).get("usage")
    stated = usage if isinstance(usage, dict) else {}
    read, written = _count(stated, "prompt_tokens"), _count(stated, "completion_tokens")
    if read is None:
        read = sum(estimate_tokens(message["content"]) for message in messages)
    return read, estimate_tokens(text) if written is None else written


def _count(usage: dict[str, object], name: str) -> int | None:
    value = usage.get(name)
    return value if isinstance(value, int) and value >= 0 else None
