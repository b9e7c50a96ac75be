"""Numbered evidence: the sentences of an answer's evidence as a judge sees them."""

from __future__ import annotations

from collections.abc import Sequence

from service.generation.prompts import estimate_tokens
from service.judging.types import NumberedEvidence, NumberedSentence
from service.types import Evidence
from service.verification.candidate_quotes import single_sentences


def number_evidence(evidence: Sequence[Evidence], tokens: int) -> NumberedEvidence:
    """Number the sentences of the evidence from 1, as many as fit in a number of tokens."""
    numbered: list[NumberedSentence] = []
    left_out = set()
    for e in evidence:
        for quote in single_sentences(e):
            tokens -= estimate_tokens(quote.text)
            if tokens < 0:
                left_out.add(e.label)
                break
            numbered.append(NumberedSentence(len(numbered) + 1, e, quote.start, quote.end))
    return NumberedEvidence(tuple(numbered), frozenset(left_out))
