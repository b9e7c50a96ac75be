"""Ranking: orders passages and their parts by how well they answer, and says how likely they do.

All scores are log-odds up to a constant: the fused score of a search, and the reader's own score.
``training/relevance.py`` fits the weights, on questions about XQuAD and JSQuAD passages in both
languages; none of the library's own questions is among them. docs/evaluation.md has the figures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from index.types import Floats
from service.types import Evidence
from service.verification.calibration import load_calibration

# Names of the pairs in the calibration, by whether question and passage are in Japanese.
LANGUAGE_PAIRS = (("en→en", "en→ja"), ("ja→en", "ja→ja"))
_WITHIN_REACH = 108.3  # fused score of a search; between questions on and off the topics
_TELLING = 3.0  # log-odds by which a passage may seem less of an answer than the best one


def combined_score(search: float, odds: float, across: bool) -> float:
    """Combine a passage's search score with the log-odds that it, or a part of it, answers.

    Args:
        search: The fused score of the search.
        odds: The reader's log-odds.
        across: Whether passage and question are in different languages.
    """
    weights = load_calibration().ranking
    return weights.search * search + odds + weights.across * across


def answer_features(
    odds: float, whole: float, search: float, japanese: bool, across: bool
) -> tuple[float, ...]:
    """Return the features that tell whether a part of a passage answers a question.

    Args:
        odds: The reader's log-odds that the part answers.
        whole: The same of the whole passage.
        search: The passage's score in the search.
        japanese: Whether the question is in Japanese.
        across: Whether the passage is in the other language.

    Returns:
        The scores, how far the search's is below those of questions on the topic, two of them again
        where the languages differ, the languages, and a constant.
    """
    beyond = max(0.0, _WITHIN_REACH - search) / 10
    search = search / 100
    pair = (japanese and not across, japanese and across, across and not japanese)
    return (odds, whole, search, beyond, odds * across, search * across, *map(float, pair), 1.0)


def answer_log_odds(features: Sequence[float]) -> float:
    """Return the calibrated log-odds that a part of a passage answers, from its features."""
    return sum(w * x for w, x in zip(load_calibration().answers, features, strict=True))


def answered_from(japanese: bool, across: bool) -> float:
    """Return the calibrated log-odds from which a question is answered.

    Args:
        japanese: Whether the question is in Japanese.
        across: Whether the passage is in the other language.
    """
    passage = japanese != across
    return load_calibration().answered_from[LANGUAGE_PAIRS[japanese][passage]]


def probability(log_odds: float) -> float:
    """Return the probability of some log-odds."""
    return 1 / (1 + math.exp(min(-log_odds, 60.0)))


def count_relevant(odds: Floats) -> int:
    """Return how many of the passages, best first, a language model is to read.

    Up to the last that seems about as much of an answer as the best. The others only mislead a
    small model.
    """
    return int(np.flatnonzero(odds >= odds.max() - _TELLING)[-1]) + 1


def within_reach(evidence: Sequence[Evidence]) -> bool:
    """Return whether the nearest passage is about the question's topic, if not an answer."""
    return bool(evidence) and max(e.score for e in evidence) > _WITHIN_REACH
