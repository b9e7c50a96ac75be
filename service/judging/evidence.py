"""Numbering of evidence: each sentence that a judge may rest a verdict on gets a number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from service.generation.prompts import estimate_tokens
from service.judging.orders import speaks_to_a_judge
from service.judging.types import NumberedEvidence, NumberedSentence
from service.text.prompt_injection import neutral, speaks_to_a_model
from service.types import Evidence
from service.verification.candidate_quotes import reader_spans


def number_evidence(evidence: Sequence[Evidence], tokens: int) -> NumberedEvidence:
    """Number the sentences of some evidence, from 1 and in its order.

    Sentences that give orders to a language model or to a judge are not among them.

    Args:
        evidence: The evidence of an answer.
        tokens: How many tokens it may have as text (``evidence_text``), by estimate. From the
            first sentence that does not fit, the rest is left out.
    """
    found: list[NumberedSentence] = []
    room = tokens
    for n, one in enumerate(evidence):
        room -= estimate_tokens(_heading(one)) + 1
        for start, end in reader_spans(one.passage.text):
            sentence = NumberedSentence(len(found) + 1, one, start, end)
            if not neutral(sentence.text) or speaks_to_a_judge(sentence.text):
                continue
            room -= estimate_tokens(_line(sentence)) + 1
            if room < 0:
                return NumberedEvidence(tuple(found), frozenset(e.label for e in evidence[n:]))
            found.append(sentence)
    return NumberedEvidence(tuple(found))


def evidence_text(numbered: NumberedEvidence) -> str:
    """Return numbered evidence as the text that a judge reads, the same for the same evidence."""
    return "\n".join(_lines(numbered))


def _lines(numbered: NumberedEvidence) -> Iterator[str]:
    for _, sentences in groupby(numbered.sentences, key=lambda s: s.evidence.passage.id):
        listed = list(sentences)
        yield _heading(listed[0].evidence)
        yield from map(_line, listed)


def _line(sentence: NumberedSentence) -> str:
    return f"[{sentence.number}] {neutral(sentence.text)}"


def _heading(evidence: Evidence) -> str:
    """The line before the sentences of a passage: where they stand."""
    names = (neutral(evidence.source.title), neutral(evidence.passage.heading))
    spoken = [name for name in names if speaks_to_a_model(name) or speaks_to_a_judge(name)]
    shown = [f"“{name}”" for name in names if name and name not in spoken]
    return f"From {', '.join(shown)}:" if shown else "From another text:"
