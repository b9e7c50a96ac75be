"""Chat completions as OpenAI's clients ask for them: a request to a question. Pure."""

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

# What would change the reply and cannot be given, what it may say all the same, and the fix.
# Everything else that is not known, such as temperature or max_tokens, is looked over.
_QUESTION_ALONE = "to answer from some sources alone, send source_ids to POST /v1/answers"
_REFUSED: dict[str, tuple[tuple[Any, ...], str]] = {
    "n": ((None, 1), "there is one answer to a question: leave n out, or send 1"),
    "tools": ((None, []), "no tools are called: leave tools out, or send tool_choice none"),
    "functions": ((None, []), "no functions are called: leave functions out"),
    "response_format": (
        (None, {"type": "text"}),
        "an answer is text with markers: leave response_format out, or take the JSON of"
        " POST /v1/answers",
    ),
    "modalities": ((None, ["text"]), "an answer is text: leave modalities out"),
    "logprobs": ((None, False), "a verdict has a score, a token has none: leave logprobs out"),
    "search_domain_filter": ((None, []), _QUESTION_ALONE),
    "search_recency_filter": ((None,), _QUESTION_ALONE),
    "search_after_date_filter": ((None,), _QUESTION_ALONE),
    "search_before_date_filter": ((None,), _QUESTION_ALONE),
}


class Part(BaseModel):
    """A piece of a message: ``{"type": "text", "text": …}``, or something that is not read."""

    model_config = ConfigDict(extra="allow")

    type: str
    text: str | None = None


class ChatMessage(BaseModel):
    model_config = ConfigDict(extra="allow")

    role: str
    content: str | list[Part] | None = None


class StreamOptions(BaseModel):
    model_config = ConfigDict(extra="allow")

    include_usage: bool | None = None


class ChatRequest(BaseModel):
    """What ``POST /v1/chat/completions`` takes; other parameters are described in docs/api.md."""

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
    messages: list[ChatMessage] = Field(description="the last one of the user is the question")
    stream: bool | None = Field(None, description="chunks, one for each sentence as it is checked")
    stream_options: StreamOptions | None = None


@dataclass(frozen=True, slots=True)
class ChatQuestion:
    """A request as the engine can take it; ``earlier`` are the turns before the question."""

    question: str
    mode: Mode | None
    earlier: tuple[Message, ...]


def read_chat_request(request: ChatRequest) -> ChatQuestion:
    """What is asked. ChatRefused for what cannot be given, QuestionRefused as of
    ``check_question``.
    """
    check_model(request.model)
    more = request.model_extra or {}
    for name, (harmless, fix) in _REFUSED.items():
        if name in ("tools", "functions") and more.get("tool_choice") == "none":
            continue
        if more.get(name) not in harmless:
            raise ChatRefused(f"{name} cannot be given: {fix}", name, "unsupported_parameter")
    at = max((i for i, m in enumerate(request.messages) if m.role == "user"), default=None)
    if at is None:
        raise ChatRefused(
            "no message is the user's: send the question as the last one with the role user",
            "messages",
            "invalid_value",
        )
    for part in _parts(request.messages[at]):
        if part.type != "text":
            raise ChatRefused(
                f"the question has a part of the type {part.type!r}, and only text is read: ask in"
                " words, and ingest the document with `tenkyo ingest`",
                f"messages[{at}].content",
                "unsupported_content",
            )
    earlier = tuple(_turns(request.messages[:at]))
    return ChatQuestion(check_question(_text(request.messages[at])), MODELS[request.model], earlier)


def check_model(model: str) -> str:
    """The name itself; ChatRefused if there is no such model."""
    if model not in MODELS:
        raise ChatRefused(
            f"there is no model {model!r}: use {' or '.join(MODELS)}",
            "model",
            "model_not_found",
            404,
        )
    return model


def list_models(created: int) -> list[dict[str, Any]]:
    return [
        {"id": name, "object": "model", "created": created, "owned_by": "tenkyo"} for name in MODELS
    ]


def _parts(message: ChatMessage) -> list[Part]:
    content = message.content
    return content if isinstance(content, list) else [Part(type="text", text=content)]


def _text(message: ChatMessage) -> str:
    return "\n".join(part.text or "" for part in _parts(message) if part.type == "text")


def _turns(messages: Sequence[ChatMessage]) -> Iterator[Message]:
    """What the two sides said. Orders to the model (system, developer) are no part of it."""
    for message in messages:
        text = _text(message)
        if text and message.role in ("user", "assistant"):
            yield Message(role=message.role, content=text)
