"""Questions in the requests of OpenAI's APIs: the models, the messages, and what is refused.

A parameter that would change the answer and that Tenkyo does not have, such as tools, is refused
with a fix. One that cannot make an answer wrong, such as a temperature, is accepted and ignored:
clients send those by default.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from corpus.errors import ChatRefused
from service.generation.prompts import Message
from service.query import check_question
from service.types import Mode

MODELS: dict[str, Mode | None] = {"tenkyo": None, "tenkyo-quotes": "quoted"}
EXAMPLE_QUESTION = "Whisperは何時間の音声で学習しましたか？"

# Of each refused parameter: the values that mean nothing and are accepted, and the fix.
Refusals = Mapping[str, tuple[tuple[Any, ...], str]]
_USE_SOURCE_IDS = (
    "to answer only from some sources, send source_ids or collections to POST /v1/answers"
)
_REFUSED: Refusals = {
    "tools": (
        (None, []),
        "no tools are called, and every question is looked up in the library: leave tools out, or"
        " send tool_choice none",
    ),
    "search_domain_filter": ((None, []), _USE_SOURCE_IDS),
    "search_recency_filter": ((None,), _USE_SOURCE_IDS),
    "search_after_date_filter": ((None,), _USE_SOURCE_IDS),
    "search_before_date_filter": ((None,), _USE_SOURCE_IDS),
}
_TEXT_PARTS = frozenset({"text", "input_text", "output_text"})


class Part(BaseModel):
    """A part of a message: ``{"type": "text", "text": …}``, or another type, which is not read."""

    model_config = ConfigDict(extra="allow")

    type: str
    text: str | None = None


class ChatMessage(BaseModel):
    """A message of the request, from the system, the user or the assistant."""

    model_config = ConfigDict(extra="allow")

    role: str
    content: str | list[Part] | None = None


@dataclass(frozen=True, slots=True)
class ChatQuestion:
    """A question for the engine, its mode, and the messages before it, oldest first."""

    question: str
    mode: Mode | None
    earlier: tuple[Message, ...]


def read_question(model: str, messages: Sequence[ChatMessage], field: str) -> ChatQuestion:
    """Read the question, which is the last message of the user, and the messages before it.

    Args:
        model: The model that is asked.
        messages: The messages of the request, oldest first.
        field: The name of their field in the request.

    Raises:
        ChatRefused: There is no such model, or no question.
        QuestionRefused: The question is empty, too long, or not text.
    """
    check_model(model)
    last = max((i for i, m in enumerate(messages) if m.role == "user"), default=None)
    if last is None:
        raise ChatRefused(
            "there is no user message: send the question as the last message with the role user",
            field,
            "invalid_value",
        )
    for part in _parts(messages[last]):
        if part.type not in _TEXT_PARTS:
            raise ChatRefused(
                f"the question has a part of the type {part.type!r}, and only text is read: ask in"
                " words, and ingest the document with `tenkyo ingest`",
                f"{field}[{last}].content",
                "unsupported_content",
            )
    earlier = tuple(_turns(messages[:last]))
    return ChatQuestion(check_question(_text(messages[last])), MODELS[model], earlier)


def refuse_unsupported(sent: Mapping[str, Any], refused: Refusals) -> None:
    """Refuse parameters that would change the answer and that Tenkyo does not have.

    Args:
        sent: The parameters of the request.
        refused: Those that only this API has.

    Raises:
        ChatRefused: One of them is sent, with a value that means something.
    """
    for name, (accepted, fix) in {**_REFUSED, **refused}.items():
        if name in ("tools", "functions") and sent.get("tool_choice") == "none":
            continue
        if sent.get(name) not in accepted:
            raise ChatRefused(f"{name} is not supported: {fix}", name, "unsupported_parameter")


def check_model(model: str) -> str:
    """Return the name of a model; raise ChatRefused if there is no such model."""
    if model not in MODELS:
        raise ChatRefused(
            f"there is no model {model!r}: use {' or '.join(MODELS)}",
            "model",
            "model_not_found",
            404,
        )
    return model


def models_as_json(created: int) -> list[dict[str, Any]]:
    """Return the models in OpenAI's shape; ``created`` is in seconds since 1970."""
    return [
        {"id": name, "object": "model", "created": created, "owned_by": "tenkyo"} for name in MODELS
    ]


def _parts(message: ChatMessage) -> list[Part]:
    content = message.content
    return content if isinstance(content, list) else [Part(type="text", text=content)]


def _text(message: ChatMessage) -> str:
    return "\n".join(part.text or "" for part in _parts(message) if part.type in _TEXT_PARTS)


def _turns(messages: Sequence[ChatMessage]) -> Iterator[Message]:
    """Yield the messages of user and assistant; those of system and developer are not followed."""
    for message in messages:
        text = _text(message)
        if text and message.role == "user":
            yield Message(role="user", content=text)
        elif text and message.role == "assistant":
            yield Message(role="assistant", content=text)
