"""What rules and checker say of a claim and a quote, put together as one probability.

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

from corpus.sentences import sentences
from index.tokens import is_japanese
from service.rules import Finding
from service.words import covered, in_order, words

COPIED = 0.95  # share of a claim's words, in order, from which it says nothing of its own
FILE = Path(__file__).with_name("calibration.json")
FEATURES = (
    "entailed", "contradicted", "entailed_across", "across", "covered", "in_order",
    "joined", "copied", "otherwise", "missing", "departs_across", "constant",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Calibration:
    """Weights by feature, and what the verifier was measured to get wrong with them.

    ``reading`` is the weight of the checker's log-odds beside the score of a search;
    ``answerable`` those of ``service.relevance.signs``.
    """

    weights: tuple[float, ...]
    errors: dict[str, Any]
    reading: float
    answerable: tuple[float, ...]

    def probability(self, features: Sequence[float]) -> float:
        """That the quote supports the claim, 0 to 1; ``features`` in the order of FEATURES."""
        return _logistic(sum(w * x for w, x in zip(self.weights, features, strict=True)))


def features(
    claim: str, quote: str, probabilities: Sequence[float], found: Sequence[Finding]
) -> tuple[float, ...]:
    """The numbers of FEATURES. ``probabilities`` are the checker's: entailment, neutral,
    contradiction; ``found`` is what the rules found. ``joined`` is how much more of the claim
    stands in the whole quote than in any one sentence of it: the mark of a splice. ``copied``
    is 1 where it only leaves words of the quote out. ``otherwise`` is 1 where a rule found the
    quote to say something else, ``missing`` where only nothing of the kind; across languages the
    two are ``departs_across``."""
    entailed, contradicted = log_odds(probabilities[0]), log_odds(probabilities[2])
    across = float(is_japanese(claim) != is_japanese(quote))
    within = 1 - across
    share = within * covered(claim, quote)
    ordered = within * in_order(words(claim), words(quote)) if share else 0.0
    departs = float(bool(found))
    otherwise = within * any(finding.contradicts for finding in found)
    parts = sentences(quote)
    alone = max(covered(claim, part) for part in parts) if len(parts) > 1 else share
    joined = max(0.0, share - alone) * within
    whole = max(in_order(words(claim), words(part)) for part in parts) if joined else ordered
    copied = float(whole >= COPIED and not found)
    return (
        entailed, contradicted, entailed * across, across, share, ordered, joined,
        copied, otherwise, departs * within - otherwise, departs * across, 1.0,
    )  # fmt: skip


@cache
def calibration() -> Calibration:
    """The one that ships."""
    read = json.loads(FILE.read_text(encoding="utf-8"))
    return Calibration(
        weights=tuple(read["weights"][name] for name in FEATURES),
        errors=read["errors"],
        reading=read["relevance"]["reading"],
        answerable=tuple(read["relevance"]["answerable"]),
    )


def log_odds(probability: float) -> float:
    """log(p / (1 - p)), kept within what a float32 can tell."""
    p = min(max(probability, 1e-6), 1 - 1e-6)
    return math.log(p / (1 - p))


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))
