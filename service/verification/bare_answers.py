"""Bare answers: a name or number alone, which says something only together with its question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from index.inference.cross_encoder import Checker
from service.text.alignment import coverage_share
from service.types import Draft
from service.verification.candidate_quotes import CandidateQuote

MAX_READ = 4  # sentences that have the answer, and as many others, which are read


def with_question(draft: Draft) -> Draft:
    """Return a bare answer as a sentence that can be read beside a quote: question and answer."""
    return replace(draft, text=f"{draft.question} {draft.text}")


def answering_quotes(
    draft: Draft, singles: Sequence[CandidateQuote], checker: Checker
) -> list[CandidateQuote]:
    """Return the sentences that have a bare answer's words, if none without them answers better.

    A sentence may have the words and be about something else. Then another one answers the
    question, and the bare answer is not what it says.

    Args:
        draft: The bare answer, with its question.
        singles: The sentences of the evidence.
        checker: Tells how well a sentence answers the question.
    """
    near = sorted(singles, key=lambda s: -coverage_share(draft.question, s.text))
    having = [s for s in near if coverage_share(draft.text, s.text) == 1]
    others = [s for s in near if s not in having]
    having, others = having[:MAX_READ], others[:MAX_READ]
    if not having:
        return []
    read = [*having, *others]
    readings = checker.read([(s.in_context, draft.question) for s in read])
    odds = [
        reading.answers(len(s.in_context) - len(s.text))
        for s, reading in zip(read, readings, strict=True)
    ]
    return having if odds.index(max(odds)) < len(having) else []
