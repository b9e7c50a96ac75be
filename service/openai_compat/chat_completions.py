"""Answers as chat completions, whole or in chunks, for clients of OpenAI's and Perplexity's APIs.

The ``content`` is the answer's text with its markers, and each marker has an annotation (see
``citations``).

Clients of Perplexity read the sources from the first chunk of a stream. That is therefore the first
checked sentence, with all sources: a chunk with only the sources would cite them for an answer that
may still become an abstention.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from service.generation.prompts import estimate_tokens
from service.openai_compat.citations import extension, text_of, url_citations
from service.source_urls import source_url
from service.types import Answer, Claim, Event, Evidence, EvidenceFound, append_claim


@dataclass(frozen=True, slots=True)
class CompletionHeader:
    """What all chunks of a completion have in common.

    Attributes:
        model: The name of the model that was requested.
        created: The time, in seconds since 1970.
        base: The address of this service, with a slash at its end.
        usage: Whether a stream ends with the usage.
    """

    model: str
    created: int
    base: str
    usage: bool = False


def completion(answer: Answer, header: CompletionHeader) -> dict[str, Any]:
    """Return an answer as a whole chat completion."""
    annotations = [
        annotation
        for claim in answer.claims
        for annotation in _annotations(claim, answer.evidence, header.base)
    ]
    content = text_of(answer)
    message = {
        "role": "assistant",
        "content": content,
        "refusal": None,
        "annotations": annotations,
    }
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return {
        **_body(answer.id, header, "chat.completion", [choice]),
        "usage": _usage(answer.question, content),
        **_sources(answer.evidence, header.base, cites=bool(answer.claims)),
        "tenkyo": extension(answer, header.base),
    }


class Chunks:
    """Converter from the events of one answer to the chunks of one streamed completion.

    A claim is one chunk, with its markers, their annotations and, as in Perplexity's chunks, the
    sources. Joined, the chunks equal what ``completion`` makes of the answer. The ``index`` of an
    annotation, which only chunks have, counts the annotations of the whole answer.
    """

    def __init__(self, header: CompletionHeader) -> None:
        self._header = header
        self._id, self._text = "", ""
        self._evidence: tuple[Evidence, ...] = ()
        self._annotated = 0

    def feed(self, event: Event) -> Iterator[dict[str, Any]]:
        """Yield the chunks that an event makes: none, one, or those at the end."""
        match event.data:
            case EvidenceFound(id=id, evidence=evidence):
                self._id, self._evidence = id, evidence
            case Claim() as claim:
                longer, _ = append_claim(self._text, claim)
                annotations = list(_annotations(claim, self._evidence, self._header.base))
                yield self._chunk(longer[len(self._text) :], annotations)
                self._text, self._annotated = longer, self._annotated + len(annotations)
            case Answer() as answer:
                yield from self._end(answer)

    def _end(self, answer: Answer) -> Iterator[dict[str, Any]]:
        content = text_of(answer)
        rest = content[len(self._text) :]
        if rest or not answer.claims:
            yield self._chunk(rest, [], cites=bool(answer.claims))
        closing = self._chunk_body(
            [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}]
        )
        yield closing | {
            **_sources(answer.evidence, self._header.base, cites=bool(answer.claims)),
            "tenkyo": extension(answer, self._header.base),
        }
        if self._header.usage:
            yield self._chunk_body([]) | {"usage": _usage(answer.question, content)}

    def _chunk(
        self, content: str, annotations: Sequence[dict[str, Any]], cites: bool = True
    ) -> dict[str, Any]:
        delta: dict[str, Any] = {"content": content}
        if not self._text:
            delta = {"role": "assistant", **delta}
        if annotations:
            numbered = enumerate(annotations, self._annotated)
            delta["annotations"] = [{"index": n, **annotation} for n, annotation in numbered]
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
        return self._chunk_body([choice]) | _sources(self._evidence, self._header.base, cites)

    def _chunk_body(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        body = _body(self._id, self._header, "chat.completion.chunk", choices)
        return body | {"usage": None} if self._header.usage else body


def _body(
    id: str,
    header: CompletionHeader,
    kind: Literal["chat.completion", "chat.completion.chunk"],
    choices: list[dict[str, Any]],
) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{id}",
        "object": kind,
        "created": header.created,
        "model": header.model,
        "choices": choices,
    }


def _annotations(claim: Claim, evidence: Sequence[Evidence], base: str) -> Iterator[dict[str, Any]]:
    for cited in url_citations(claim, evidence, base):
        yield {"type": "url_citation", "url_citation": cited}


def _sources(evidence: Sequence[Evidence], base: str, cites: bool) -> dict[str, Any]:
    """Return ``citations`` and ``search_results``: marker [n] stands for the nth item of each.

    An abstention cites nothing, but its evidence is still in the search results.
    """
    return {
        "citations": [source_url(e.source, base) for e in evidence] if cites else [],
        "search_results": [
            {
                "title": e.source.title or e.source.id,
                "url": source_url(e.source, base),
                "date": e.source.published or None,
                "snippet": e.passage.text,
                "kind": e.source.kind,  # a digest is our summary, not the work's own words
            }
            for e in evidence
        ],
    }


def _usage(question: str, content: str) -> dict[str, Any]:
    """Return the usage as an estimate, marked as one: the engine counts no tokens."""
    prompt_tokens, completion_tokens = estimate_tokens(question), estimate_tokens(content)
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "estimated": True,
    }
