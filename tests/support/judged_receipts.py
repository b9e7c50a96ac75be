"""Receipts of answers whose sentences a judge let through, without asking one."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, replace

from service.answering.engine import Engine
from service.conversations.store import History
from service.judging.decision import decide
from service.judging.evidence import number_evidence
from service.judging.record import record_judgements
from service.judging.types import Judgement
from service.types import Claim, Draft, Rejected, Verdict, append_claim, to_json
from service.verification import receipt
from service.verification.citation_selection import cited_sources, make_citation
from service.verification.provenance import Originals
from tests.support.scripted_model import Script

QUESTION = "How many hours of labelled audio was Whisper trained on?"
PLAIN = "Whisper was trained on 680,000 hours of audio."
FREE = "Its makers fed it with speech whose length exceeds seventy-five years of listening."


@dataclass
class FakeJudge:
    """The identity of a judge that is not asked."""

    name: str = "big"
    host: str = "judge.example:8080"
    able: bool = True
    window: int = 8000


JUDGE = FakeJudge()


class ReceiptMaker:
    """Makes receipts of answers as a judge lets them through."""

    def __init__(self, library, checker):
        self.library, self.checker = library, checker
        self.history = History(library.store.database)
        self.answer = asyncio.run(
            Engine(library, checker, self.history, Script(f"{PLAIN[:-1]} [1].")).answer(QUESTION)
        )
        _, self.noted = self.history.record(self.answer.id)
        self.numbered = number_evidence(self.answer.evidence, 100_000)
        self.originals = Originals(e.source for e in self.answer.evidence)

    def number(self, words):
        """Return the number of the first evidence sentence with some words."""
        return next(s.number for s in self.numbered.sentences if words in s.text)

    def claim(self, text, numbers, method="judge: big"):
        """Return a claim that is supported by some evidence sentences on a judge's word."""
        sentences = [self.numbered.sentences[n - 1] for n in numbers]
        citations = tuple(make_citation(s.evidence, s.start, s.end) for s in sentences)
        cited = cited_sources(citations, self.answer.evidence)
        return Claim(
            text, 0, len(text), citations, Verdict("supported", 1.0, method),
            secondary=self.originals.secondary(s.id for s in cited),
            works=self.originals.independent(cited),
        )  # fmt: skip

    def decided(self, text, judgement):
        """Return what becomes of a sentence by a judge's word."""
        made = decide(Draft(text), judgement, self.numbered, self.originals, "big")
        if made.verdict.label == "supported":
            return made
        return Rejected(made.text, made.reason, made.verdict, made.citations)

    def receipt(self, claims, rejected=(), judgements=None, judge=JUDGE):
        """Return the receipt of an answer with these claims and judgements."""
        text, placed = "", []
        for claim in claims:
            text, there = append_claim(text, claim)
            placed.append(there)
        answer = replace(
            self.answer,
            id=secrets.token_hex(6),
            text=text,
            claims=tuple(placed),
            rejected=tuple(rejected),
        )
        texts = [item.text for item in (*claims, *rejected)]
        drafts = [Draft(text, before=tuple(texts[:n])) for n, text in enumerate(texts)]
        judged = record_judgements(judge, self.answer.evidence, judgements or {}) if judge else None
        noted = receipt.make_record(
            self.library, self.checker, self.noted["index"]["revision"], drafts, (),
            self.noted["prompt"], judged,
        )  # fmt: skip
        self.history.save_answer(answer.id, answer.conversation_id, to_json(answer), noted)
        made = receipt.read_receipt(
            receipt.canonical(receipt.make_receipt(self.history, answer.id))
        )
        assert made is not None
        return made

    def judged(self):
        """Return a receipt with a claim that the checker supports, and one that it does not."""
        hours = self.number("680,000 hours")
        return self.receipt_of({
            PLAIN: Judgement("supported", (hours,)),
            FREE: Judgement("supported", (hours, hours + 1)),
            "It cost 90 dollars.": Judgement("unsupported", (), ("90 dollars",), False),
        })  # fmt: skip

    def receipt_of(self, judgements):
        """Return the receipt of an answer with these sentences, as they are decided."""
        items = [self.decided(text, judgement) for text, judgement in judgements.items()]
        claims = [item for item in items if isinstance(item, Claim)]
        rejected = [item for item in items if isinstance(item, Rejected)]
        return self.receipt(claims, rejected, judgements)
