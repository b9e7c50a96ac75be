"""An engine with claims given by the test, and a reader of its frames."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from service.concurrency.idempotency import IdempotencyKey
from service.concurrency.resumable import ResumableAnswers
from service.conversations.store import History
from service.types import (
    Answer,
    Claim,
    Event,
    EvidenceFound,
    Rejected,
    Status,
    Verdict,
    to_json,
)

VERDICT = Verdict("supported", 1.0, "copy")


class Scripted:
    """An engine whose ``decided`` says what it sends: c for a claim, r for a withheld sentence."""

    def __init__(self, history: History, decided: str, pause: float = 0) -> None:
        self.history, self.decided, self.pause = history, decided, pause
        self.asked = self.closed = 0
        self.error: Exception | None = None
        self.saves = True
        self.closes_in: float = 0  # seconds that a model takes to be stopped

    async def stream(self, question: str, *, progress: bool = False):
        """Yield the events of an answer, with ``pause`` seconds before each sentence."""
        self.asked += 1
        conversation = self.history.new_conversation()
        claims, rejected = [], []
        made = f"a{self.asked}-{conversation}"[:24]
        try:
            yield Event("status", Status("searching"))
            yield Event("evidence", EvidenceFound(made, conversation, question, ()))
            for n, kind in enumerate(self.decided):
                await asyncio.sleep(self.pause)
                yield Event("status", Status("writing"))
                if kind == "c":
                    claims.append(Claim(f"文 {n}.", 0, 1, (), VERDICT))
                    yield Event("claim", claims[-1])
                else:
                    rejected.append(Rejected(f"no {n}", "why", VERDICT))
                    yield Event("rejected", rejected[-1])
            if self.error:
                raise self.error
            answer = Answer(
                made, conversation, question, "", "quoted", "", tuple(claims), (), tuple(rejected)
            )
            if self.saves:
                self.history.save_answer(made, conversation, to_json(answer))
            yield Event("answer", answer)
        finally:
            await asyncio.sleep(self.closes_in)
            self.closed += 1


async def read(
    answers: ResumableAnswers, key: IdempotencyKey, after: int = 0, most: int = 99
) -> list[str]:
    """Return up to ``most`` numbered frames after the number ``after``, as they are sent."""
    got: list[str] = []
    async with aclosing(answers.frames(key, {"question": "なぜ?"}, after)) as frames:
        async for frame in frames:
            if frame.number:
                got.append(frame.sent.decode())
            if len(got) == most:
                break
    return got
