"""The state of an answer while it is being made."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from corpus.text.chunking import with_headings
from index.inference.parsed_question import Intent
from service.answering.abstention import FalsePremise
from service.answering.evidence_reading import QuestionPart
from service.answering.question_reading import ReadPassage
from service.answering.writers import Writers
from service.catalogue.overview import Overview
from service.generation import prompts
from service.judging.types import JudgeCall, Judgement
from service.query import language_of
from service.questions.comparisons import ComparedSide
from service.questions.premise_check import PremiseFinding
from service.scope import EVERYWHERE, Scope
from service.types import (
    Abstention,
    Claim,
    Decision,
    Draft,
    Event,
    Evidence,
    Rejected,
    append_claim,
)
from service.verification.provenance import Originals

# Calibrated log-odds from which a question is answered that is not one for documents, such as one
# for an opinion: facts about its subject, however near, do not answer it.
ELSEWHERE_ANSWERED_FROM = 4.0
# Hiragana are left out: where Japanese has none, there is no particle or verb, thus no question.
_ONE_WORD = re.compile(r"[^\W\u3041-\u3096]+(?:-\w+)*")


@dataclass
class JudgeCost:
    """What a judge has cost for one answer; ``seconds`` is the time that was waited for it."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0

    def add(self, call: JudgeCall, seconds: float) -> None:
        """Count one more call, which took some seconds."""
        self.calls += 1
        self.prompt_tokens += call.prompt_tokens
        self.completion_tokens += call.completion_tokens
        self.seconds += seconds


@dataclass
class AnswerState:
    """What is known of a question and its answer so far.

    ``understood`` is a follow-up with what it leaves out, None for a question that stands alone;
    ``as_asked`` the answer to the same without that, if it may stand alone after all; ``written``
    whether a model is to write the answer, from all passages that were found. ``parts`` are the
    questions in it, one or several, each with the evidence as it was read for it.
    """

    id: str
    conversation_id: str
    question: str
    understood: str | None = None
    as_asked: AnswerState | None = None
    writers: Writers = field(default_factory=Writers)  # the engine's, when the answer began
    written: bool = False
    started: float = field(default_factory=time.perf_counter)
    evidence: tuple[Evidence, ...] = ()
    relevant: int = 0  # how many pieces of evidence, from the first, a model is to read
    parts: tuple[QuestionPart, ...] = ()
    text: str = ""
    claims: list[Claim] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    timings: dict[str, float] = field(default_factory=dict)
    reason: str | None = None
    abstention: Abstention | None = None
    originals: Originals = field(default_factory=lambda: Originals(()))
    revision: str = ""  # of the passages, when they were searched
    drafts: list[Draft] = field(default_factory=list)  # of claims and rejected, in order
    judgements: dict[str, Judgement] = field(default_factory=dict)  # by the text of the draft
    judge_cost: JudgeCost = field(default_factory=JudgeCost)
    prompt: list[prompts.Message] = field(default_factory=list)  # what a model was sent
    premise: FalsePremise | PremiseFinding | None = None
    doubted: str = ""  # what the question takes for granted, if no text clearly says it
    unnamed: tuple[str, ...] = ()  # identifiers of the question that no evidence has
    intent: Intent = "fact"  # what the question asks for
    overview: Overview | None = None  # of the works that it asks to sum up or to compare
    compared: tuple[str, ...] = ()  # two things that it compares, by their names
    sides: tuple[ComparedSide, ...] = ()  # the two, if it compares them in some respect
    scope: Scope = EVERYWHERE  # where the reader asks
    within: Sequence[str] | None = None  # ids of the sources to which the search is limited
    unknown: str = ""  # a sentence on what the catalogue does not know, if the question asks for it
    decide_answers: Callable[[Claim], Decision | None] = lambda claim: None

    @property
    def nearest(self) -> str:
        """The passage that comes first by search and reader, below its headings."""
        if not self._passages:
            return ""
        e = max(self._passages, key=lambda passage: passage.score(passage.answers())).evidence
        return with_headings(e.passage.text, e.passage, e.source)

    @property
    def _passages(self) -> list[ReadPassage]:
        return [passage for part in self.parts for passage in part.passages]

    @property
    def answerability(self) -> float:
        """The calibrated log-odds that the evidence answers, of the part that it answers best."""
        return max((part.certainty for part in self.parts), default=-math.inf)

    @property
    def language(self) -> str:
        """The language of the question as it was asked."""
        return language_of(self.question)

    @property
    def asked(self) -> str:
        """The question to answer: as it was understood, where that differs."""
        return self.understood or self.question

    @property
    def elsewhere(self) -> bool:
        """Whether the question is not one for documents: for an opinion, or of signs alone."""
        other = self.intent == "elsewhere" and not self.one_word
        return other or not any(map(str.isalpha, self.asked))

    @property
    def one_word(self) -> bool:
        """Whether the question is a word alone, such as a name, and does not say what it asks."""
        return _ONE_WORD.fullmatch(self.asked.strip(" .?!。？！")) is not None

    @property
    def plausible(self) -> bool:
        """Whether there is evidence, and nothing in the question that it conflicts with exactly."""
        conflicts = self.unnamed or isinstance(self.premise, FalsePremise)
        return bool(self.evidence) and (self.overview is not None or not conflicts)

    @property
    def answerable(self) -> bool:
        """Whether the evidence seems to answer the question, by search and checker.

        A word alone is answered only by what would get a tick.
        """
        if self.overview:
            return True
        if self.elsewhere and self.answerability <= ELSEWHERE_ANSWERED_FROM:
            return False
        shown = [p.surely_answered if self.one_word else p.answered for p in self.parts]
        return self.plausible and self.premise is None and any(shown)

    def record_time(self, step: str) -> None:
        """Record that a step ended now; its time runs from the end of the one before.

        A step that is done twice takes as long as both together.
        """
        before = sum(spent for name, spent in self.timings.items() if name != step)
        self.timings[step] = round(time.perf_counter() - self.started - before, 4)

    def record(self, draft: Draft, claim: Claim) -> Event:
        """Record what a draft became, and return the event that says so."""
        self.drafts.append(draft)
        if claim.verdict.label == "supported":
            return Event("claim", self.add(replace(claim, answers=self.decide_answers(claim))))
        rejected = Rejected(claim.text, claim.reason, claim.verdict, claim.citations)
        self.rejected.append(rejected)
        return Event("rejected", rejected)

    def add(self, claim: Claim) -> Claim:
        """Append a claim and its markers to the text; return the claim with its offsets."""
        self.text, placed = append_claim(self.text, claim)
        self.claims.append(placed)
        return placed
