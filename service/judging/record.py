"""What a receipt, a cached answer and an evaluation keep of a judge and its judgements."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from service.judging.evidence import number_evidence
from service.judging.prompt import PROMPT_VERSION
from service.judging.types import Judge, Judgement, NumberedSentence
from service.types import Evidence
from service.verification.receipt import Judged, JudgedDraft, JudgeIdentity, NamedSentence


def judge_identity(judge: Judge) -> JudgeIdentity:
    """Return the identity of a judge: its name, its host and the version of its prompt."""
    return JudgeIdentity(judge.name, judge.host, PROMPT_VERSION)


def record_judgements(
    judge: Judge, evidence: Sequence[Evidence], judgements: Mapping[str, Judgement]
) -> Judged:
    """Return what a receipt keeps of a judge.

    Args:
        judge: The judge of an answer.
        evidence: The evidence of the answer, of which it saw as much as fitted its window.
        judgements: What it said of each draft, by the draft's text.
    """
    places = number_places(evidence)
    drafts = (
        JudgedDraft(
            text,
            said.ruling,
            tuple(places[number] for number in said.numbers),
            said.unsupported,
            said.answers,
        )
        for text, said in judgements.items()
    )
    return Judged(judge_identity(judge), tuple(drafts))


def number_places(evidence: Sequence[Evidence]) -> dict[int, NamedSentence]:
    """Return where the sentences of the evidence stand, by the numbers that a judge sees.

    If some are left out for it, they are the last ones.
    """
    numbered = number_evidence(evidence, sys.maxsize)
    return {sentence.number: _named(sentence) for sentence in numbered.sentences}


def _named(sentence: NumberedSentence) -> NamedSentence:
    begin = sentence.evidence.passage.start
    label = sentence.evidence.label
    return NamedSentence(sentence.number, label, begin + sentence.start, begin + sentence.end)
