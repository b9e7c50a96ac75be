"""The state of an answer while it is being made."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

from service.answering.abstention import FalsePremise
from service.generation import prompts
from service.query import language_of
from service.types import Abstention, Claim, Draft, Evidence, Rejected, append_claim
from service.verification.provenance import Originals


@dataclass
class AnswerState:
    """What is known of a question and its answer so far.

    ``understood`` is the question with what it leaves out, where it leaves out something;
    ``doubtful`` whether that is only one way to take it. ``nearest`` is the passage that
    the checker takes for the best answer, with its headings, and ``best`` how good it takes it
    to be, in log-odds.
    """

    id: str
    conversation_id: str
    question: str
    understood: str | None = None
    doubtful: bool = False
    best: float = -math.inf
    nearest: str = ""
    started: float = field(default_factory=time.perf_counter)
    evidence: tuple[Evidence, ...] = ()
    telling: int = 0  # so many of the first of them are what a model reads
    answerable: bool = False
    text: str = ""
    claims: list[Claim] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    timings: dict[str, float] = field(default_factory=dict)
    reason: str | None = None
    abstention: Abstention | None = None
    originals: Originals = field(default_factory=lambda: Originals(()))
    revision: str = ""  # of the passages, when they were searched
    drafts: list[Draft] = field(default_factory=list)  # of claims and rejected, in order
    prompt: list[prompts.Message] = field(default_factory=list)  # what a model was sent
    premise: FalsePremise | None = None
    unnamed: tuple[str, ...] = ()  # identifiers of the question that no evidence has

    @property
    def language(self) -> str:
        """The language of the question as it was asked."""
        return language_of(self.question)

    @property
    def asked(self) -> str:
        """The question to answer: as it was understood, where that differs."""
        return self.understood or self.question

    def record_time(self, step: str) -> None:
        """Record that a step ended now; its time runs from the end of the one before.

        A step that is done twice takes as long as both together.
        """
        before = sum(spent for name, spent in self.timings.items() if name != step)
        self.timings[step] = round(time.perf_counter() - self.started - before, 4)

    def add(self, claim: Claim) -> Claim:
        """Append a claim and its markers to the text; return the claim with its offsets."""
        self.text, placed = append_claim(self.text, claim)
        self.claims.append(placed)
        return placed
