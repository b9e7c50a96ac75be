"""The values of a judge's work: numbered evidence, judgements, and what a call gave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from service.types import Evidence

Ruling = Literal["supported", "contradicted", "unsupported"]
# Why a call gave no verdict that counts: no reply in time, no connection, a reply that is not what
# was asked for, a control sentence that was judged wrongly or that could not be made, or more to
# judge than fits the window.
Failure = Literal["timeout", "unreachable", "unreadable", "control", "no control", "window"]


@dataclass(frozen=True, slots=True)
class NumberedSentence:
    """A sentence of the evidence under the number that a judge sees: passage text[start:end]."""

    number: int
    evidence: Evidence
    start: int
    end: int

    @property
    def text(self) -> str:
        """The words of the sentence."""
        return self.evidence.passage.text[self.start : self.end]


@dataclass(frozen=True, slots=True)
class NumberedEvidence:
    """The evidence of an answer as a judge sees it.

    Attributes:
        sentences: Its sentences, numbered from 1.
        left_out: Labels of evidence that did not fit the judge's window, in whole or in part.
    """

    sentences: tuple[NumberedSentence, ...]
    left_out: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a judge says of one sentence.

    Attributes:
        ruling: Whether the evidence supports it, says otherwise, or neither.
        numbers: The evidence sentences on which that rests, which exist.
        unsupported: Words of the sentence that the evidence does not support.
        answers: Whether it answers the question, or a part of it.
    """

    ruling: Ruling
    numbers: tuple[int, ...] = ()
    unsupported: tuple[str, ...] = ()
    answers: bool = True


@dataclass(frozen=True, slots=True)
class JudgeCall:
    """One call of a judge: a judgement for each sentence asked about, or why there is none.

    Attributes:
        judgements: One for each sentence; none if the call failed.
        failure: Why none counts.
        prompt_tokens: How many tokens were read.
        completion_tokens: How many were written.
        seconds: How long it took.
        replied: Whether a model wrote a reply, readable or not; a page of a gateway is none.
    """

    judgements: tuple[Judgement, ...] = ()
    failure: Failure | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    replied: bool = True


class Judge(Protocol):
    """A language model that judges sentences; ``service.judging.judge.ModelJudge`` is one."""

    @property
    def name(self) -> str:
        """Name of the model, as it appears in verdicts and receipts."""
        ...

    @property
    def host(self) -> str:
        """Host to which question, sentences and evidence are sent, without a path."""
        ...

    @property
    def able(self) -> bool:
        """Whether it passed the self-test and still judges well; else it is not asked."""
        ...

    @property
    def window(self) -> int:
        """How many tokens it reads and writes in all."""
        ...

    async def judge(
        self,
        question: str,
        evidence: NumberedEvidence,
        sentences: Sequence[str],
        before: Sequence[str] = (),
    ) -> JudgeCall:
        """Judge some sentences of one answer, in one call.

        Args:
            question: What the answer is to.
            evidence: The same for each call of an answer.
            sentences: The sentences to judge, in order.
            before: The sentences of the answer before them, to understand pronouns by.

        Returns:
            As many judgements as sentences, or none and the failure; it never raises.
        """
        ...
