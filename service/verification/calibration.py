"""Calibration of the verifier: one probability of support from the rules and the checker.

A logistic regression on a few numbers that anyone can look at. ``training/calibrate.py`` fits
its weights and measures its errors, and writes both to ``calibration.json``; docs/evaluation.md
shows them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from corpus.text.sentences import sentences
from index.lexical.tokenizer import is_japanese
from service.text.alignment import content_words, coverage_share, order_share
from service.verification.rules.finding import Finding

COPIED_SHARE = 0.95  # share of a claim's words, in order, from which it says nothing of its own
CLOSE_SHARE = 0.8  # the same, from which a rule's finding is hardly ever wrong: 3 times in 113
CALIBRATION_FILE = Path(__file__).with_name("calibration.json")
FEATURES = (
    "entailed", "weakest", "across", "covered", "copied", "otherwise", "otherwise_close", "missing",
    "departs_across", "constant",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RankingWeights:
    """What other scores, and another language, count beside the reader's log-odds.

    Attributes:
        search: The score of a search.
        across: Another language than the question's.
        again: The checker's log-odds that a window answers, which it read by itself.
    """

    search: float
    across: float
    again: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """The weights of the logistic regression, and the verifier's measured error rates.

    ``ranking`` and ``answers`` are the weights of ``service.answering.reranking``: of its combined
    score, and of its features of an answer. By the languages of question and passage,
    ``answered_from`` has the log-odds from which a question is answered, and ``ticked_from`` those
    from which a claim is said to answer it: of such claims of the fit, 85 % did.
    """

    weights: tuple[float, ...]
    errors: dict[str, Any]
    ranking: RankingWeights
    answers: tuple[float, ...]
    answered_from: dict[str, float]
    ticked_from: dict[str, float]

    def probability(self, features: Sequence[float]) -> float:
        """Return the probability, 0 to 1, that the quote supports the claim.

        ``features`` are in the order of FEATURES.
        """
        return probability(sum(w * x for w, x in zip(self.weights, features, strict=True)))


def features(
    claim: str, quote: str, entailment: float, weakest: float, found: Sequence[Finding]
) -> tuple[float, ...]:
    """Return the features of a claim and a quote, in the order of FEATURES.

    Args:
        claim: The sentence.
        quote: What it is compared with.
        entailment: The checker's probability that the quote entails it.
        weakest: The same of the clause that is worst off, each by its own quote.
        found: In what the two differ, by the rules.

    Returns:
        ``entailed`` and ``weakest``: the log-odds of the two probabilities. ``covered``: the share
        of the claim's words in the quote. ``copied``: 1 where the claim only leaves words of one
        sentence of the quote out. ``otherwise``: 1 where a rule found the quote to say something
        else, ``otherwise_close`` where the claim also copies most of its words in order, and
        ``missing`` where a rule only found nothing of the kind. Across languages these four are 0,
        and any finding counts as ``departs_across``.
    """
    across = float(is_japanese(claim) != is_japanese(quote))
    within = 1 - across
    departs = float(bool(found))
    otherwise = within * any(finding.contradicts for finding in found)
    close = within * _copied_share(claim, quote)
    return (
        log_odds(entailment), log_odds(weakest), across, within * coverage_share(claim, quote),
        float(not found and close >= COPIED_SHARE), otherwise, otherwise * (close >= CLOSE_SHARE),
        departs * within - otherwise, departs * across, 1.0,
    )  # fmt: skip


def _copied_share(claim: str, quote: str) -> float:
    """The share of the claim's words that one sentence of the quote has in the same order."""
    ours = content_words(claim)
    return max((order_share(ours, content_words(part)) for part in sentences(quote)), default=0.0)


@cache
def load_calibration() -> Calibration:
    """Return the calibration that ships with Tenkyo."""
    read = json.loads(CALIBRATION_FILE.read_text(encoding="utf-8"))
    return Calibration(
        weights=tuple(read["weights"][name] for name in FEATURES),
        errors=read["errors"],
        ranking=RankingWeights(**read["relevance"]["ranking"]),
        answers=tuple(read["relevance"]["answers"]),
        answered_from=read["relevance"]["answered_from"],
        ticked_from=read["relevance"]["ticked_from"],
    )


def log_odds(probability: float) -> float:
    """Return log(p / (1 - p)) of a probability, kept within the precision of a float32."""
    p = min(max(probability, 1e-6), 1 - 1e-6)
    return math.log(p / (1 - p))


def probability(log_odds: float) -> float:
    """Return the probability that corresponds to log-odds."""
    return 1 / (1 + math.exp(min(-log_odds, 60.0)))  # beyond which it would overflow
