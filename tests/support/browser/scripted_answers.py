"""Fake language models and engines whose output and timing the test controls."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

from corpus.types import Passage, Source
from service.answering.engine import Engine
from service.scope import WHOLE_LIBRARY, FoundScope
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
from tests.support.library_service import House

WHISPER = "How many hours of labelled audio was Whisper trained on?"
WHISPER_JA = "Whisperは何時間の音声で学習されましたか？"
UNKNOWN = "Who won the Tour de France in 2031?"


class Paced:
    """An AnswerModel that sends a sentence only when the test allows one more."""

    name = "paced"

    def __init__(self) -> None:
        self.say()

    def say(self, *sentences: str, allowed: int = 0) -> None:
        """Set the sentences of the next answer, and how many may be sent at once."""
        self.sentences, self.allowed, self.closed = sentences, allowed, threading.Event()

    def go_on(self, sentences: int = 1) -> None:
        """Allow more sentences."""
        self.allowed += sentences

    async def stream(self, messages: Any) -> AsyncIterator[str]:
        """Yield the sentences, each as soon as it is allowed."""
        closed = self.closed
        try:
            for said, sentence in enumerate(self.sentences):
                while said >= self.allowed:
                    await asyncio.sleep(0.01)
                yield f"{sentence}\n"
        finally:
            closed.set()


class Trusting(Engine):
    """An engine that takes every suggested question for one that it can answer, without reading.

    For the servers of tests of other things: finding out takes seconds for each of them.
    """

    def can_answer(self, question: str, found: FoundScope = WHOLE_LIBRARY) -> bool:
        """Say yes."""
        return True


def trusting(house: House) -> House:
    """Let the engine of a service be ``Trusting``; returns the service."""
    house.engine.can_answer = lambda *_: True
    return house


class Recital(Trusting):
    """An engine that sends a given answer, for answers that no source or model would give."""

    made: Answer

    async def stream(self, question: str, *_: Any, **__: Any) -> AsyncIterator[Event]:
        """Yield the events of the given answer."""
        made = self.made
        yield Event("evidence", EvidenceFound(made.id, "c", made.question, made.evidence))
        for claim in made.claims:
            yield Event("claim", claim)
            await asyncio.sleep(0)
        for rejected in made.rejected:
            yield Event("rejected", rejected)
        yield Event("answer", made)


def evidence(text: str, *, label: int = 1, passage: dict[str, Any] | None = None, **of: Any):
    """Make a piece of evidence; ``of`` is metadata of its source."""
    about = {"id": f"s{label}", "url": "https://example.org/a", "title": "A title"} | of
    more = {"heading": "", "page": None} | (passage or {})
    held = Passage(f"p{label}", about["id"], 0, len(text), text, **more)
    return Evidence(label, held, Source(**about), 1.0)


def cite(shown: Evidence, quote: str) -> Citation:
    """Cite a quote in a piece of evidence."""
    source, passage = shown.source, shown.passage
    before, _, after = passage.text.partition(quote)
    start = passage.start + len(before)
    end = start + len(quote)
    page = shown.page_at(len(before))
    return Citation(
        shown.label, source.id, passage.id, quote, start, end, source.url, page, before, after
    )


def recited(claims: list[tuple[str, Evidence, str]], **more: Any) -> Answer:
    """Make an answer of supported claims, given as (text, evidence, quote)."""
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
