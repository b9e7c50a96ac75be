"""Chat-completion requests of OpenAI's API, read as questions."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from service.openai_compat.questions import (
    EXAMPLE_QUESTION,
    ChatMessage,
    ChatQuestion,
    Refusals,
    check_model,
    read_question,
    refuse_unsupported,
)

_REFUSED: Refusals = {
    "n": ((None, 1), "a question has one answer: leave n out, or send 1"),
    "functions": ((None, []), "no functions are called: leave functions out"),
    "response_format": (
        (None, {"type": "text"}),
        "an answer is text with markers: leave response_format out, or use the JSON of"
        " POST /v1/answers",
    ),
    "modalities": ((None, ["text"]), "an answer is text: leave modalities out"),
    "logprobs": ((None, False), "verdicts have scores, tokens do not: leave logprobs out"),
}


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
                {"model": "tenkyo", "messages": [{"role": "user", "content": EXAMPLE_QUESTION}]}
            ]
        },
    )

    model: str = Field(description="`tenkyo`, or `tenkyo-quotes`, which uses no language model")
    messages: list[ChatMessage] = Field(description="the user's last message is the question")
    stream: bool | None = Field(
        None, description="stream a chunk for each sentence once it is checked"
    )
    stream_options: StreamOptions | None = None


def read_chat_request(request: ChatRequest) -> ChatQuestion:
    """Read the question from a chat-completion request.

    Raises:
        ChatRefused: There is no such model, no question, or the request needs what Tenkyo lacks.
        QuestionRefused: The question is empty, too long, or not text.
    """
    check_model(request.model)
    refuse_unsupported(request.model_extra or {}, _REFUSED)
    return read_question(request.model, request.messages, "messages")
