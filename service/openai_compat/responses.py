"""Chat completions as OpenAI's and Perplexity's clients read them. Pure: no HTTP, no engine.

An answer becomes a completion, or the events of one become its chunks. The ``content`` is the
answer's text, markers and all, and each marker has an annotation:
``content[start_index:end_index]`` is the marker, such as ``[2]``, counted in code points from
0, end exclusive. That is what OpenAI's own annotations locate: the inline reference, not the
sentence before it. Where the sentences stand is in ``tenkyo.verdicts``, in the same unit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from service.disclosure import name_of
from service.generation.prompts import estimate_tokens
from service.source_urls import source_url
from service.types import Answer, Claim, Event, Evidence, EvidenceFound, append_claim


@dataclass(frozen=True, slots=True)
class CompletionHeader:
    """What all parts of a reply share: the model's name, seconds since 1970, the address of
    this service (it ends in a slash), and whether a stream ends with the usage.
    """

    model: str
    created: int
    base: str
    usage: bool = False


def completion(answer: Answer, head: CompletionHeader) -> dict[str, Any]:
    """A whole answer as a chat completion."""
    found = [a for claim in answer.claims for a in _annotations(claim, answer.evidence, head.base)]
    content = answer.reason or "" if answer.abstained else answer.text
    message = {"role": "assistant", "content": content, "refusal": None, "annotations": found}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return {
        **_part(answer.id, head, "chat.completion", [choice]),
        "usage": _usage(answer.question, content),
        **_sources(answer.evidence, head.base, answer.abstained),
        "tenkyo": _extension(answer, head.base),
    }


class Chunks:
    """The events of one answer to the chunks of one completion.

    A claim is one chunk, with its markers, their annotations and, as on Perplexity's chunks,
    the sources. Put together, the chunks are what ``completion`` makes of the answer; the
    ``index`` of an annotation, which only a delta has, is its place in the whole.
    """

    def __init__(self, head: CompletionHeader) -> None:
        self._head = head
        self._id, self._text = "", ""
        self._evidence: tuple[Evidence, ...] = ()
        self._annotated = 0

    def feed(self, event: Event) -> Iterator[dict[str, Any]]:
        match event.data:
            case EvidenceFound(id=id, evidence=evidence):
                self._id, self._evidence = id, evidence
            case Claim() as claim:
                longer, _ = append_claim(self._text, claim)
                found = list(_annotations(claim, self._evidence, self._head.base))
                yield self._chunk(longer[len(self._text) :], found)
                self._text, self._annotated = longer, self._annotated + len(found)
            case Answer() as answer:
                yield from self._end(answer)

    def _end(self, answer: Answer) -> Iterator[dict[str, Any]]:
        content = answer.text
        if answer.abstained:
            content = answer.reason or ""
            yield self._chunk(content, [], abstained=True)
        closing = self._part([{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}])
        yield closing | {
            **_sources(answer.evidence, self._head.base, answer.abstained),
            "tenkyo": _extension(answer, self._head.base),
        }
        if self._head.usage:
            yield self._part([]) | {"usage": _usage(answer.question, content)}

    def _chunk(
        self, content: str, found: Sequence[dict[str, Any]], abstained: bool = False
    ) -> dict[str, Any]:
        delta: dict[str, Any] = {"content": content}
        if not self._text:
            delta = {"role": "assistant", **delta}
        if found:
            numbered = enumerate(found, self._annotated)
            delta["annotations"] = [{"index": n, **annotation} for n, annotation in numbered]
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
        return self._part([choice]) | _sources(self._evidence, self._head.base, abstained)

    def _part(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        made = _part(self._id, self._head, "chat.completion.chunk", choices)
        return made | {"usage": None} if self._head.usage else made


def _part(
    id: str,
    head: CompletionHeader,
    kind: Literal["chat.completion", "chat.completion.chunk"],
    choices: list[dict[str, Any]],
) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{id}",
        "object": kind,
        "created": head.created,
        "model": head.model,
        "choices": choices,
    }


def _annotations(claim: Claim, evidence: Sequence[Evidence], base: str) -> Iterator[dict[str, Any]]:
    """One for each marker of a claim; they stand behind it as ``engine.append`` puts them."""
    start = claim.end + len(" ")
    for citation in claim.citations:
        source = evidence[citation.label - 1].source
        end = start + len(f"[{citation.label}]")
        yield {
            "type": "url_citation",
            "url_citation": {
                "start_index": start,
                "end_index": end,
                "url": source_url(source, base),
                "title": name_of(source),
            },
        }
        start = end


def _sources(evidence: Sequence[Evidence], base: str, abstained: bool) -> dict[str, Any]:
    """``citations`` and ``search_results``: what marker [n] stands for is the nth of each.

    An abstention cites nothing; what it looked at are search results all the same.
    """
    return {
        "citations": [] if abstained else [source_url(e.source, base) for e in evidence],
        "search_results": [
            {
                "title": e.source.title or e.source.id,
                "url": source_url(e.source, base),
                "date": e.source.published or None,
                "snippet": e.passage.text,
                "kind": e.source.kind,  # a digest is ours, not the work's own words
            }
            for e in evidence
        ],
    }


def _usage(question: str, content: str) -> dict[str, Any]:
    """An estimate, and marked as one: nothing is billed, and the engine counts no tokens."""
    asked, written = estimate_tokens(question), estimate_tokens(content)
    return {
        "prompt_tokens": asked,
        "completion_tokens": written,
        "total_tokens": asked + written,
        "estimated": True,
    }


def _extension(answer: Answer, base: str) -> dict[str, Any]:
    """What a chat completion has no place for; the whole of it is at ``answer_url``."""
    url = f"{base}v1/answers/{answer.id}"
    return {
        "answer_id": answer.id,
        "answer_url": url,
        "receipt_url": f"{url}/receipt",
        "conversation_id": answer.conversation_id,
        "understood": answer.understood,
        "mode": answer.mode,
        "model": answer.model or None,
        "abstained": answer.abstained,
        "abstention": answer.abstention,
        "reason": answer.reason,
        "verdicts": [
            {
                "start_index": claim.start,
                "end_index": claim.end,
                "label": claim.verdict.label,
                "score": claim.verdict.score,
                "method": claim.verdict.method,
                "secondary": claim.secondary,
                "disputed": bool(claim.disputed_by),
            }
            for claim in answer.claims
        ],
        "withheld": len(answer.rejected),
    }
