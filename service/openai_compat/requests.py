"""Chat-completion requests of OpenAI's API, read as questions.

A parameter that would change the answer and that Tenkyo does not have, such as tools, is refused
with a fix. One that cannot make an answer wrong, such as a temperature, is accepted and ignored:
clients send those by default.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from corpus.errors import ChatRefused
from service.generation.prompts import Message
from service.query import check_question
from service.types import Mode

MODELS: dict[str, Mode | None] = {"tenkyo": None, "tenkyo-quotes": "quoted"}

# Of each refused parameter: the values that mean nothing and are accepted, and the fix.
_USE_SOURCE_IDS = "to answer only from some sources, send source_ids to POST /v1/answers"
_REFUSED: dict[str, tuple[tuple[Any, ...], str]] = {
    "n": ((None, 1), "a question has one answer: leave n out, or send 1"),
    "tools": ((None, []), "no tools are called: leave tools out, or send tool_choice none"),
    "functions": ((None, []), "no functions are called: leave functions out"),
    "response_format": (
        (None, {"type": "text"}),
        "an answer is text with markers: leave response_format out, or use the JSON of"
        " POST /v1/answers",
    ),
    "modalities": ((None, ["text"]), "an answer is text: leave modalities out"),
    "logprobs": ((None, False), "verdicts have scores, tokens do not: leave logprobs out"),
    "search_domain_filter": ((None, []), _USE_SOURCE_IDS),
    "search_recency_filter": ((None,), _USE_SOURCE_IDS),
    "search_after_date_filter": ((None,), _USE_SOURCE_IDS),
    "search_before_date_filter": ((None,), _USE_SOURCE_IDS),
}


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


class StreamOptions(BaseModel):
    """Options of a streamed reply: whether it ends with the usage."""

    model_config = ConfigDict(extra="allow")

    include_usage: bool | None = None


class ChatRequest(BaseModel):
    """The request body of ``POST /v1/chat/completions``; docs/api.md has the other parameters."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "model": "tenkyo",
                    "messages": [
                        {"role": "user", "content": "Whisperは何時間の音声で学習しましたか？"}
                    ],
                }
            ]
        },
    )

    model: str = Field(description="`tenkyo`, or `tenkyo-quotes`, which uses no language model")
    messages: list[ChatMessage] = Field(description="the user's last message is the question")
    stream: bool | None = Field(
        None, description="stream a chunk for each sentence once it is checked"
    )
    stream_options: StreamOptions | None = None


@dataclass(frozen=True, slots=True)
class ChatQuestion:
    """A question for the engine, its mode, and the messages before it, oldest first."""

    question: str
    mode: Mode | None
    earlier: tuple[Message, ...]


def read_chat_request(request: ChatRequest) -> ChatQuestion:
    """Read the question from a chat-completion request.

    Raises:
        ChatRefused: There is no such model, no question, or the request needs what Tenkyo lacks.
        QuestionRefused: The question is empty, too long, or not text.
    """
    check_model(request.model)
    extra = request.model_extra or {}
    for name, (accepted, fix) in _REFUSED.items():
        if name in ("tools", "functions") and extra.get("tool_choice") == "none":
            continue
        if extra.get(name) not in accepted:
            raise ChatRefused(f"{name} is not supported: {fix}", name, "unsupported_parameter")
    last = max((i for i, m in enumerate(request.messages) if m.role == "user"), default=None)
    if last is None:
        raise ChatRefused(
            "there is no user message: send the question as the last message with the role user",
            "messages",
            "invalid_value",
        )
    for part in _parts(request.messages[last]):
        if part.type != "text":
            raise ChatRefused(
                f"the question has a part of the type {part.type!r}, and only text is read: ask in"
                " words, and ingest the document with `tenkyo ingest`",
                f"messages[{last}].content",
                "unsupported_content",
            )
    earlier = tuple(_turns(request.messages[:last]))
    return ChatQuestion(
        check_question(_text(request.messages[last])), MODELS[request.model], earlier
    )


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


def list_models(created: int) -> list[dict[str, Any]]:
    """Return the models in OpenAI's shape; ``created`` is in seconds since 1970."""
    return [
        {"id": name, "object": "model", "created": created, "owned_by": "tenkyo"} for name in MODELS
    ]


def _parts(message: ChatMessage) -> list[Part]:
    content = message.content
    return content if isinstance(content, list) else [Part(type="text", text=content)]


def _text(message: ChatMessage) -> str:
    return "\n".join(part.text or "" for part in _parts(message) if part.type == "text")


def _turns(messages: Sequence[ChatMessage]) -> Iterator[Message]:
    """Yield the messages of user and assistant; those of system and developer are not followed."""
    for message in messages:
        text = _text(message)
        if text and message.role == "user":
            yield Message(role="user", content=text)
        elif text and message.role == "assistant":
            yield Message(role="assistant", content=text)
