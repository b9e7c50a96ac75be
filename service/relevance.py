"""Which passages, and which of their sentences, answer a question: scores put together.

All scores are log-odds up to a constant: the fused score of a search, and the checker's own
reading. The weights were fitted, by maximum likelihood, on questions about JSQuAD and XQuAD
passages in both languages, half of them with the passage that answers taken away; none of
the library's own questions was among them. docs/evaluation.md has the figures.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from index.embed import Floats
from service.types import Evidence

_READING = 2.0  # weight of the checker beside the score of the search
_ANSWERABLE = (0.66, 0.12, -13.4)  # of the checker's best, of the search's best, constant
_WITHIN_REACH = 108.3  # fused score of a search; between questions on and off the topics
_NEAREST = 5  # passages, as many as it was fitted on
_SENTENCE_COSINE = 40.0


def rerank(scores: Floats, reading: Floats) -> list[int]:
    """Positions of passages, best first, by search and by the checker's log-odds."""
    return [int(i) for i in np.argsort(-(scores + _READING * reading), kind="stable")]


def answerable(scores: Floats, reading: Floats) -> float:
    """Log-odds that some of the passages, nearest first, answer; above 0 means yes.

    Only the nearest few are looked at: among many, one is soon taken for an answer by chance.
    """
    read, searched, constant = _ANSWERABLE
    nearest = slice(_NEAREST)
    return float(read * reading[nearest].max() + searched * scores[nearest].max() + constant)


def within_reach(evidence: Sequence[Evidence]) -> bool:
    """Whether the nearest passage is about the question's matter, if not an answer to it."""
    return bool(evidence) and max(e.score for e in evidence) > _WITHIN_REACH


def sentence_scores(reading: Floats, cosine: Floats) -> Floats:
    """A score [n] for sentences: the checker's own reading of each, and how near each is."""
    return reading + _SENTENCE_COSINE * cosine
