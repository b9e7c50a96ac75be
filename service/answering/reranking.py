"""Re-ranking: scores that order passages and their parts, and the probability that one answers.

Pure functions. All scores that they combine are log-odds up to a constant: the fused score of a
search, the reader's, and those of the checker's head for whole passages. ``training/relevance.py``
fits the weights on questions in both languages about passages of XQuAD and JSQuAD and passages that
were written for it; none of the library's own questions is among them. docs/evaluation.md has the
figures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from index.types import Floats
from service.types import Evidence
from service.verification.calibration import RankingWeights

# Names of the pairs in the calibration, by whether question and passage are in Japanese.
LANGUAGE_PAIRS = (("en→en", "en→ja"), ("ja→en", "ja→ja"))
_WITHIN_REACH = 108.3  # fused score of a search; between questions on and off the topics
MAX_MARGIN = 5.0  # log-odds from which it does not matter how far an answer is ahead of others
NO_ANSWER = -3.0  # log-odds that a part is compared with where nothing else seems to answer
_MAX_BEHIND = 3.0  # log-odds by which a passage that a model reads may be behind the best one


def language_pair(japanese: bool, across: bool) -> str:
    """Return the name of a pair of languages in the calibration, such as ``en→ja``.

    Args:
        japanese: Whether the question is in Japanese.
        across: Whether the passage is in the other language.
    """
    return LANGUAGE_PAIRS[japanese][japanese != across]


def combined_score(search: float, odds: float, across: bool, weights: RankingWeights) -> float:
    """Combine a passage's search score with the log-odds that it, or a part of it, answers.

    Args:
        search: The fused score of the search.
        odds: The reader's log-odds.
        across: Whether passage and question are in different languages.
        weights: What the search score and another language count.
    """
    return weights.search * search + odds + weights.across * across


def margin_of(odds: float, score: float, rival: float | None) -> float:
    """Return how far a part is ahead of its nearest rival: the best other answer, or no answer.

    Args:
        odds: The reader's log-odds that the part answers.
        score: The part's score among all parts; see ``combined_score``.
        rival: The score of the best part elsewhere with another answer; None if there is none.
    """
    return min(odds - NO_ANSWER, math.inf if rival is None else score - rival)


def answer_features(
    odds: float,
    whole: float,
    passage_odds: float,
    search: float,
    margin: float,
    japanese: bool,
    across: bool,
) -> tuple[float, ...]:
    """Return the features that tell whether a part of a passage answers a question.

    Args:
        odds: The reader's log-odds that the part answers.
        whole: The same of the whole passage.
        passage_odds: The log-odds of the checker's head for whole passages.
        search: The passage's score in the search.
        margin: Log-odds by which the part is ahead of any other answer; see ``margin_of``.
        japanese: Whether the question is in Japanese.
        across: Whether the passage is in the other language.

    Returns:
        The four scores; how far the search score is below those of questions on the topic; the
        margin, of 0 to MAX_MARGIN; all of the four but the second again where the languages differ,
        else 0; three indicators of the pair of languages; and a constant.
    """
    off_topic = max(0.0, _WITHIN_REACH - search) / 10
    ahead = min(max(0.0, margin), MAX_MARGIN)
    search = search / 100
    pair = (japanese and not across, japanese and across, across and not japanese)
    within = (odds, whole, passage_odds, search)
    beyond = (odds * across, passage_odds * across, search * across)
    return (*within, off_topic, ahead, *beyond, *map(float, pair), 1.0)


def answer_log_odds(features: Sequence[float], weights: Sequence[float]) -> float:
    """Return the calibrated log-odds that a part of a passage answers.

    Args:
        features: The features of the part; see ``answer_features``.
        weights: The weight of each feature.
    """
    return sum(w * x for w, x in zip(weights, features, strict=True))


def count_relevant(odds: Floats) -> int:
    """Return how many of the first passages a language model is to read.

    The last of them is the last whose log-odds come near the best. What follows only misleads a
    small model.

    Args:
        odds: The reader's log-odds [n] that each passage answers, in the order of the evidence.
    """
    return int(np.flatnonzero(odds >= odds.max() - _MAX_BEHIND)[-1]) + 1


def within_reach(evidence: Sequence[Evidence]) -> bool:
    """Return whether the best hit is about the question's topic, even if it does not answer."""
    return bool(evidence) and max(e.score for e in evidence) > _WITHIN_REACH
