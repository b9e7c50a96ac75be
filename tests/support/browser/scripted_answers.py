"""Models and engines whose output and pace are set by the test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

from corpus.types import Passage, Source
from service.answering.engine import Engine
from service.types import (
    Answer,
    Citation,
    Claim,
    Event,
    Evidence,
    EvidenceFound,
    Verdict,
    append_claim,
)

WHISPER = "How many hours of labelled audio was Whisper trained on?"
WHISPER_JA = "Whisperは何時間の音声で学習されましたか？"
UNKNOWN = "Who won the Tour de France in 2031?"


class Paced:
    """A language model that writes one more sentence each time the test allows it."""

    name = "paced"

    def __init__(self) -> None:
        self.say()

    def say(self, *sentences: str, allowed: int = 0) -> None:
        self.sentences, self.allowed, self.closed = sentences, allowed, threading.Event()

    def go_on(self, sentences: int = 1) -> None:
        self.allowed += sentences

    async def stream(self, messages: Any) -> AsyncIterator[str]:
        closed = self.closed
        try:
            for said, sentence in enumerate(self.sentences):
                while said >= self.allowed:
                    await asyncio.sleep(0.01)
                yield f"{sentence}\n"
        finally:
            closed.set()


class Recital(Engine):
    """An engine whose answers are written by the test, for cases that no real answer has."""

    made: Answer

    async def stream(self, question: str, *_: Any, **__: Any) -> AsyncIterator[Event]:
        made = self.made
        yield Event("evidence", EvidenceFound(made.id, "c", made.question, made.evidence))
        for claim in made.claims:
            yield Event("claim", claim)
            await asyncio.sleep(0)
        for rejected in made.rejected:
            yield Event("rejected", rejected)
        yield Event("answer", made)


def evidence(text: str, *, label: int = 1, passage: dict[str, Any] | None = None, **of: Any):
    """Return evidence from a source with the metadata ``of``."""
    about = {"id": f"s{label}", "url": "https://example.org/a", "title": "A title"} | of
    more = {"heading": "", "page": None} | (passage or {})
    held = Passage(f"p{label}", about["id"], 0, len(text), text, **more)
    return Evidence(label, held, Source(**about), 1.0)


def cite(shown: Evidence, quote: str) -> Citation:
    start = shown.passage.text.index(quote)
    end = start + len(quote)
    before, after = shown.passage.text[:start], shown.passage.text[end:]
    source, passage = shown.source, shown.passage
    return Citation(
        shown.label, source.id, passage.id, quote, start, end, source.url, None, before, after
    )


def recited(claims: list[tuple[str, Evidence, str]], **more: Any) -> Answer:
    """Return an answer of claims (text, evidence, quote), each supported."""
    text, placed = "", []
    for words, shown, quote in claims:
        made = Claim(words, 0, 0, (cite(shown, quote),), Verdict("supported", 0.9, "test"))
        text, made = append_claim(text, made)
        placed.append(made)
    shown = {e.label: e for _, e, _ in claims}
    given = {"id": "recited", "question": "?", "mode": "generated", "model": "test"} | more
    return Answer(
        conversation_id="c",
        text=text,
        claims=tuple(placed),
        evidence=tuple(shown.values()),
        **given,
    )
