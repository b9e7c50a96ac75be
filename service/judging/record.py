"""What a receipt, a cached answer and an evaluation keep of a judge and its judgements."""

from __future__ import annotations

from collections.abc import Mapping

from service.judging.prompt import PROMPT_VERSION
from service.judging.types import Judge, Judgement, NumberedEvidence, NumberedSentence
from service.verification.receipt import Judged, JudgedDraft, JudgeIdentity, NamedSentence


def judge_identity(judge: Judge) -> JudgeIdentity:
    """Return the identity of a judge: its name, its host and the version of its prompt."""
    return JudgeIdentity(judge.name, judge.host, PROMPT_VERSION)


def record_judgements(
    judge: Judge, numbered: NumberedEvidence, judgements: Mapping[str, Judgement]
) -> Judged:
    """Return what a receipt keeps of a judge.

    Args:
        judge: The judge of an answer.
        numbered: The evidence as it saw it.
        judgements: What it said of each draft, by the draft's text.
    """
    places = {sentence.number: _named(sentence) for sentence in numbered.sentences}
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


def _named(sentence: NumberedSentence) -> NamedSentence:
    begin = sentence.evidence.passage.start
    label = sentence.evidence.label
    return NamedSentence(sentence.number, label, begin + sentence.start, begin + sentence.end)
