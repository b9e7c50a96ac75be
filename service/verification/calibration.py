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
CALIBRATION_FILE = Path(__file__).with_name("calibration.json")
FEATURES = (
    "entailed", "across", "covered", "copied", "otherwise", "missing", "departs_across", "constant",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Calibration:
    """The weights of the logistic regression, and the verifier's measured error rates.

    ``reading`` is the weight of the checker's log-odds beside the score of a search;
    ``answerable`` those of ``service.answering.reranking.answerability_features``.
    """

    weights: tuple[float, ...]
    errors: dict[str, Any]
    reading: float
    answerable: tuple[float, ...]

    def probability(self, features: Sequence[float]) -> float:
        """Return the probability, 0 to 1, that the quote supports the claim.

        ``features`` are in the order of FEATURES.
        """
        return _logistic(sum(w * x for w, x in zip(self.weights, features, strict=True)))


def features(
    claim: str, quote: str, entailment: float, found: Sequence[Finding]
) -> tuple[float, ...]:
    """Return the features of a claim and a quote, in the order of FEATURES.

    ``entailment`` is the checker's probability of it, ``found`` what the rules found. ``copied`` is
    1 where the claim only leaves words of one sentence of the quote out; ``otherwise`` where a rule
    found the quote to say something else, ``missing`` where only nothing of the kind; across
    languages the two are ``departs_across``.
    """
    across = float(is_japanese(claim) != is_japanese(quote))
    within = 1 - across
    departs = float(bool(found))
    otherwise = within * any(finding.contradicts for finding in found)
    copied = within * (not found and _copied(claim, quote))
    return (
        log_odds(entailment), across, within * coverage_share(claim, quote), copied,
        otherwise, departs * within - otherwise, departs * across, 1.0,
    )  # fmt: skip


def _copied(claim: str, quote: str) -> bool:
    ours = content_words(claim)
    return any(order_share(ours, content_words(part)) >= COPIED_SHARE for part in sentences(quote))


@cache
def load_calibration() -> Calibration:
    """Return the calibration that ships with Tenkyo."""
    read = json.loads(CALIBRATION_FILE.read_text(encoding="utf-8"))
    return Calibration(
        weights=tuple(read["weights"][name] for name in FEATURES),
        errors=read["errors"],
        reading=read["relevance"]["reading"],
        answerable=tuple(read["relevance"]["answerable"]),
    )


def log_odds(probability: float) -> float:
    """Return log(p / (1 - p)) of a probability, kept within the precision of a float32."""
    p = min(max(probability, 1e-6), 1 - 1e-6)
    return math.log(p / (1 - p))


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))
