"""Re-ranking: orders passages and sentences by how well they answer a question.

All scores are log-odds up to a constant: the fused score of a search, and the checker's own
score. ``training/relevance.py`` fits the weights, on questions about XQuAD and JSQuAD passages
in both languages; none of the library's own questions is among them. docs/evaluation.md has
the figures.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from index.lexical.tokenizer import is_japanese
from index.types import Floats
from service.types import Evidence
from service.verification.calibration import load_calibration

_WITHIN_REACH = 108.3  # fused score of a search; between questions on and off the topics
ANSWER_FROM = -0.5  # log-odds from which a question is answered: refusing is the worse error
JUDGED_PASSAGES = 5  # passages, as many as it was fitted on
_TELLING = 3.0  # log-odds by which a passage may seem less of an answer than the best one
_SENTENCE_COSINE = 40.0
_SENTENCE_PASSAGE = 0.4


def rerank(scores: Floats, reading: Floats) -> list[int]:
    """Return the positions of passages, best first, by search and by the checker's log-odds."""
    return [
        int(i) for i in np.argsort(-(scores + load_calibration().reading * reading), kind="stable")
    ]


def combined_score(search: float, odds: float) -> float:
    """Combine a passage's search score with the log-odds that a part of it answers."""
    return search + load_calibration().reading * odds


def answerability_features(
    scores: Floats, reading: Floats, japanese: bool, across: bool
) -> tuple[float, ...]:
    """Return the features that tell whether some of the passages, nearest first, answer.

    The checker's best score, the search's best, and the two languages, on which the level of both
    depends. Only the nearest few are looked at: among many, one is soon taken for an answer by
    chance.
    """
    nearest = slice(JUDGED_PASSAGES)
    read, searched = float(reading[nearest].max()), float(scores[nearest].max())
    pair = (japanese and not across, japanese and across, across and not japanese)
    return (read, searched, *map(float, pair), 1.0)


def answerable(
    question: str, evidence: Sequence[Evidence], scores: Floats, reading: Floats
) -> float:
    """Return the log-odds that some of the evidence, nearest first, answers; above 0 is yes."""
    japanese = is_japanese(question)
    across = is_japanese(evidence[int(reading[:JUDGED_PASSAGES].argmax())].passage.text) != japanese
    found = answerability_features(scores, reading, japanese, across)
    weighed = sum(w * x for w, x in zip(load_calibration().answerable, found, strict=True))
    return weighed - ANSWER_FROM


def count_relevant(reading: Floats) -> int:
    """Return how many of the passages, best first, a language model is to read.

    Up to the last that seems about as much of an answer as the best. The others only mislead a
    small model.
    """
    return int(np.flatnonzero(reading >= reading.max() - _TELLING)[-1]) + 1


def within_reach(evidence: Sequence[Evidence]) -> bool:
    """Return whether the nearest passage is about the question's topic, if not an answer."""
    return bool(evidence) and max(e.score for e in evidence) > _WITHIN_REACH


def sentence_scores(reading: Floats, cosine: Floats, passage: Floats) -> Floats:
    """Return a score [n] for sentences, from three scores [n].

    The checker's own of each, its cosine with the question, and the search's of the passage that it
    stands in.
    """
    scores: Floats = reading + _SENTENCE_COSINE * cosine + _SENTENCE_PASSAGE * passage
    return scores
