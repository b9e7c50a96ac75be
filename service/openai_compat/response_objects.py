"""Answers as objects of OpenAI's Responses API, whole or as the events of a stream.

A response has one message with one text, which is the answer's text with its markers; each marker
has a ``url_citation`` (see ``citations``). The id of a response is that of its answer after
``resp_``. Fields that repeat parameters of a request say what was done, not what was asked: none of
them has a part in an answer.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from service.generation.prompts import estimate_tokens
from service.openai_compat.citations import extension, text_of, url_citations
from service.openai_compat.response_requests import ID_PREFIX
from service.types import Answer, Claim, Event, Evidence, EvidenceFound, append_claim

Status = Literal["in_progress", "completed", "incomplete", "failed"]


@dataclass(frozen=True, slots=True)
class ResponseHeader:
    """What a response has besides its answer.

    Attributes:
        model: The name of the model that was requested.
        created: The time, in seconds since 1970.
        base: The address of this service, with a slash at its end.
        previous: The id of the response before it, as the request has it; None: there is none.
    """

    model: str
    created: int
    base: str
    previous: str | None = None


def response_of(
    answer: Answer, header: ResponseHeader, completed: int | None = None
) -> dict[str, Any]:
    """Return an answer as a whole response.

    Args:
        answer: The answer.
        header: What the response has besides it.
        completed: When it was completed, in seconds since 1970; None for now.
    """
    text, annotations = text_of(answer), _all_annotations(answer, header.base)
    return {
        **_body(answer.id, header, "completed", [_message(answer.id, text, annotations)]),
        "completed_at": int(time.time()) if completed is None else completed,
        "usage": _usage(answer.question, text),
        "tenkyo": extension(answer, header.base),
    }


class ResponseEvents:
    """Converter from the events of one answer to the events of one streamed response.

    A claim is one delta of the text, with its markers, followed by an event for the annotation of
    each marker. The last event has the whole response.
    """

    def __init__(self, header: ResponseHeader) -> None:
        self._header = header
        self._id, self._text = "", ""
        self._evidence: tuple[Evidence, ...] = ()
        self._annotations: list[dict[str, Any]] = []
        self._sent = 0

    def feed(self, event: Event) -> Iterator[dict[str, Any]]:
        """Yield the events that an event of the answer makes: none, one, or several."""
        match event.data:
            case EvidenceFound(id=id, evidence=evidence):
                self._id, self._evidence = id, evidence
                yield from self._begin()
            case Claim() as claim:
                longer, _ = append_claim(self._text, claim)
                yield self._delta(longer[len(self._text) :])
                for cited in _annotations([claim], self._evidence, self._header.base):
                    yield self._in_text(
                        "response.output_text.annotation.added",
                        annotation_index=len(self._annotations),
                        annotation=cited,
                    )
                    self._annotations.append(cited)
            case Answer() as answer:
                yield from self._end(answer)

    def fail(self, error: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the events that end a response which cannot be finished.

        The first is for clients that read events, the second for those that raise an error, as
        OpenAI's client does for an event with an ``error``.

        Args:
            error: The error in OpenAI's shape: message, type, param and code.
        """
        partial = [_message(self._id, self._text, self._annotations, "incomplete")]
        failed = _body(self._id, self._header, "failed", partial if self._text else [])
        failed["error"] = {"code": "server_error", "message": error["message"]}
        yield self._event("response.failed", response=failed)
        flat = {name: error[name] for name in ("code", "message", "param")}
        yield self._event("error", **flat, error=error)

    def _begin(self) -> Iterator[dict[str, Any]]:
        begun = _body(self._id, self._header, "in_progress", [])
        yield self._event("response.created", response=begun)
        yield self._event("response.in_progress", response=begun)
        item = _message(self._id, "", [], "in_progress") | {"content": []}
        yield self._event("response.output_item.added", output_index=0, item=item)
        yield self._in_text("response.content_part.added", part=_part("", []))

    def _end(self, answer: Answer) -> Iterator[dict[str, Any]]:
        text = text_of(answer)
        if rest := text[len(self._text) :]:
            yield self._delta(rest)
        yield self._in_text("response.output_text.done", text=text, logprobs=[])
        part = _part(text, self._annotations)
        yield self._in_text("response.content_part.done", part=part)
        item = _message(self._id, text, self._annotations)
        yield self._event("response.output_item.done", output_index=0, item=item)
        yield self._event("response.completed", response=response_of(answer, self._header))

    def _delta(self, text: str) -> dict[str, Any]:
        self._text += text
        return self._in_text("response.output_text.delta", delta=text, logprobs=[])

    def _in_text(self, type: str, **fields: Any) -> dict[str, Any]:
        place = {"item_id": f"msg_{self._id}", "output_index": 0, "content_index": 0}
        return self._event(type, **place, **fields)

    def _event(self, type: str, **fields: Any) -> dict[str, Any]:
        self._sent += 1
        return {"type": type, "sequence_number": self._sent - 1, **fields}


def _body(
    id: str, header: ResponseHeader, status: Status, output: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "id": f"{ID_PREFIX}{id}",
        "object": "response",
        "created_at": header.created,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "model": header.model,
        "output": output,
        "previous_response_id": header.previous,
        "instructions": None,
        "max_output_tokens": None,
        "metadata": {},
        "parallel_tool_calls": False,
        "reasoning": None,
        "store": True,  # every answer is kept in the history, whatever the request says
        "temperature": None,
        "text": {"format": {"type": "text"}},
        "tool_choice": "none",
        "tools": [],
        "top_p": None,
        "truncation": "disabled",
        "usage": None,
    }


def _message(
    id: str,
    text: str,
    annotations: Sequence[dict[str, Any]],
    status: Literal["in_progress", "completed", "incomplete"] = "completed",
) -> dict[str, Any]:
    return {
        "id": f"msg_{id}",
        "type": "message",
        "role": "assistant",
        "status": status,
        "content": [_part(text, annotations)],
    }


def _part(text: str, annotations: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "type": "output_text",
        "text": text,
        "annotations": list(annotations),
        "logprobs": [],
    }


def _all_annotations(answer: Answer, base: str) -> list[dict[str, Any]]:
    return list(_annotations(answer.claims, answer.evidence, base))


def _annotations(
    claims: Sequence[Claim], evidence: Sequence[Evidence], base: str
) -> Iterator[dict[str, Any]]:
    for claim in claims:
        for cited in url_citations(claim, evidence, base):
            yield {"type": "url_citation", **cited}


def _usage(question: str, text: str) -> dict[str, Any]:
    """Return the usage as an estimate, marked as one: the engine counts no tokens."""
    input_tokens, output_tokens = estimate_tokens(question), estimate_tokens(text)
    return {
        "input_tokens": input_tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": output_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": input_tokens + output_tokens,
        "estimated": True,
    }
