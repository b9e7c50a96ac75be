"""Requests of OpenAI's Responses API, read as questions."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from corpus.errors import ChatRefused, NotFound
from service.conversations.store import History
from service.generation.prompts import Message
from service.openai_compat.questions import (
    EXAMPLE_QUESTION,
    ChatMessage,
    ChatQuestion,
    Refusals,
    check_model,
    read_question,
    refuse_unsupported,
)
from service.query import printable

ID_PREFIX = "resp_"  # before the id of the answer, as OpenAI's ids have it

_NO_SCORES = "verdicts have scores, tokens do not: leave it out"
_REFUSED: Refusals = {
    "background": (
        (None, False),
        "an answer is made while its client waits: leave background out, and send stream to follow",
    ),
    "conversation": ((None,), "to continue a conversation, send previous_response_id"),
    "prompt": ((None,), "no prompts are stored here: send the question as input"),
    "moderation": ((None,), "nothing is moderated: leave moderation out"),
    "top_logprobs": ((None, 0), _NO_SCORES),
}
_LOGPROBS = "message.output_text.logprobs"


class InputItem(ChatMessage):
    """A message of the input; items of other types, such as reasoning, are not read."""

    type: str | None = "message"
    role: str = ""


def _as_items(value: Any) -> Any:
    return [{"role": "user", "content": value}] if isinstance(value, str) else value


Items = Annotated[
    list[InputItem], BeforeValidator(_as_items, json_schema_input_type=str | list[InputItem])
]


class ResponseRequest(BaseModel):
    """The request body of ``POST /v1/responses``; docs/api.md has the other parameters."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={"examples": [{"model": "tenkyo", "input": EXAMPLE_QUESTION}]},
    )

    model: str = Field(description="`tenkyo`, or `tenkyo-quotes`, which uses no language model")
    input: Items = Field(
        description="the question, or messages, of which the user's last is the question"
    )
    previous_response_id: str | None = Field(
        None, description="the `id` of an earlier response: continues its conversation"
    )
    instructions: Any = Field(
        None, description="accepted and not followed: answers come from the sources"
    )
    stream: bool | None = Field(
        None, description="stream events, with a delta for each sentence once it is checked"
    )


def read_response_request(request: ResponseRequest) -> ChatQuestion:
    """Read the question from a request of the Responses API.

    Raises:
        ChatRefused: There is no such model, no question, or the request needs what Tenkyo lacks.
        QuestionRefused: The question is empty, too long, or not text.
    """
    check_model(request.model)
    sent = request.model_extra or {}
    refuse_unsupported(sent, _REFUSED)
    text = sent.get("text") or {}
    if not isinstance(text, dict) or text.get("format") not in (None, {"type": "text"}):
        raise ChatRefused(
            "text.format is not supported: an answer is text with markers: leave text out, or use"
            " the JSON of POST /v1/answers",
            "text.format",
            "unsupported_parameter",
        )
    if isinstance(include := sent.get("include"), list) and _LOGPROBS in include:
        raise ChatRefused(
            f"{_LOGPROBS} is not supported: {_NO_SCORES}", "include", "unsupported_parameter"
        )
    messages: list[ChatMessage] = [
        item if item.type in (None, "message") else ChatMessage(role="") for item in request.input
    ]
    return read_question(request.model, messages, "input")


def continue_response(
    history: History, response_id: str, earlier: tuple[Message, ...]
) -> tuple[str | None, tuple[Message, ...]]:
    """Find the conversation that a question continues, or the messages that it follows.

    A conversation is continued at its end only. A question that follows an earlier response of it,
    or messages of its own, begins another conversation, as with OpenAI: nothing that was said after
    that response has a part in the answer. Blocks.

    Args:
        history: Has the conversations.
        response_id: The id of the response before the question.
        earlier: The messages of the request before its question.

    Returns:
        The id of the conversation, or None and the messages.

    Raises:
        ChatRefused: There is no such response.
    """
    try:
        answers, position = find_response(history, response_id)
    except NotFound as error:
        raise ChatRefused(
            f"there is no response {response_id!r}: send the id of one that was not deleted, or"
            " leave previous_response_id out to start a conversation",
            "previous_response_id",
            "previous_response_not_found",
        ) from error
    if position == len(answers) - 1 and not earlier:
        return answers[position]["conversation_id"], ()
    said: list[Message] = []
    for answer in answers[: position + 1]:
        said.append(Message(role="user", content=answer.get("understood") or answer["question"]))
        said.append(Message(role="assistant", content=answer["text"] or answer["reason"] or ""))
    return None, (*said, *earlier)


def find_response(history: History, response_id: str) -> tuple[list[dict[str, Any]], int]:
    """Return the answers of a response's conversation, and its position among them. Blocks.

    Raises:
        NotFound: There is no such response.
    """
    answer_id = printable(response_id.removeprefix(ID_PREFIX))
    answers = history.conversation(history.answer(answer_id)["conversation_id"])
    for position, answer in enumerate(answers):
        if answer["id"] == answer_id:
            return answers, position
    raise NotFound(f"no answer {answer_id!r}")  # it was deleted between the two
