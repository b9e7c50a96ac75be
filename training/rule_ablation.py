"""Leave each rule of the verifier out in turn, and measure what that does.

    python -m training.rule_ablation --shared ../shared [--most 120] [--calibration 1200]

Each time the calibration is fitted anew, on claims written by hand and sentences altered by rule;
it is measured on third-party sets (see ``third_party.py``) and on sentences as a strong model
writes them (``answer_claims``), none of which it was fitted on. The networks read each pair of
texts once; only the rules are applied again. A rule earns its place where verdicts get worse
without it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from index.inference.cross_encoder import WEIGHTS, CrossEncoder
from index.inference.embedder import SentenceTransformerEmbedder
from index.inference.model_registry import BUNDLED_EMBEDDER
from index.types import Floats
from service.verification.rules import registry
from service.verification.verifier import Verifier
from training import calibrate, third_party
from training.evaluate import auc
from training.sources import ENTAILMENT, Row

ANSWERS = ("answers", "lies behind true clauses")
RESAMPLES = 2000
LEAST = 1e-4  # probability of a claim of which the verifier reads nothing


class RememberingChecker(CrossEncoder):
    """The checker, which reads no pair of texts twice."""

    _known: dict[tuple[str, str], Floats]

    def supports(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        """Return the probabilities of ``CrossEncoder.supports``."""
        known = self.__dict__.setdefault("_known", {})
        if new := [pair for pair in dict.fromkeys(pairs) if pair not in known]:
            known.update(zip(new, super().supports(new), strict=True))
        return np.array([known[pair] for pair in pairs], np.float32).reshape(-1, 3)


class RememberingEmbedder(SentenceTransformerEmbedder):
    """The embedder, which embeds no text twice."""

    def embed_query(self, text: str) -> Floats:
        """Return the vector of ``SentenceTransformerEmbedder.embed_query``."""
        known: dict[str, Floats] = self.__dict__.setdefault("_queries", {})
        if text not in known:
            known[text] = super().embed_query(text)
        return known[text]

    def embed_passages(self, texts: Sequence[str]) -> Floats:
        """Return the vectors of ``SentenceTransformerEmbedder.embed_passages``."""
        known: dict[str, Floats] = self.__dict__.setdefault("_passages", {})
        if new := [text for text in dict.fromkeys(texts) if text not in known]:
            known.update(zip(new, super().embed_passages(new), strict=True))
        return np.array([known[text] for text in texts], np.float32).reshape(-1, self.dim)


class Verdicts:
    """What the verifier says of rows [n], calibrated on others.

    Attributes:
        odds: Log-odds that each is supported.
        accepted: Whether each would be shown.
    """

    def __init__(self, fitted_on: Sequence[Row], rows: Sequence[Row], verifier: Verifier) -> None:
        weights = calibrate.fit(list(calibrate.cases(fitted_on, verifier)))
        self.odds = np.full(len(rows), np.log(LEAST))
        self.accepted = np.zeros(len(rows), bool)
        for n, row in enumerate(rows):
            if case := next(calibrate.cases([row], verifier), None):
                odds, accepted = calibrate.scores([case], weights)
                self.odds[n], self.accepted[n] = odds[0], accepted[0]

    def losses(self, good: np.ndarray) -> np.ndarray:
        """Return the log-loss of each row, by whether it is ``good``."""
        odds = np.clip(self.odds, np.log(LEAST), -np.log(LEAST))
        return np.logaddexp(0, np.where(good, -odds, odds))


def mean_of_sets(values: np.ndarray, sets: np.ndarray) -> float:
    """Return the mean over sets of the means of each set's values."""
    return float(np.mean([values[sets == name].mean() for name in np.unique(sets)]))


def change_in_loss(before: np.ndarray, after: np.ndarray, sets: np.ndarray) -> list[float]:
    """Return the mean change of the log-loss, with its 95 % bootstrap interval over rows."""
    rng, change = np.random.default_rng(16), after - before
    parts = [change[sets == name] for name in np.unique(sets)]
    drawn = np.mean([rng.choice(p, (RESAMPLES, len(p))).mean(1) for p in parts], axis=0)
    return [mean_of_sets(change, sets), *np.quantile(drawn, (0.025, 0.975)).tolist()]


def mean_auc(odds: np.ndarray, good: np.ndarray, sets: np.ndarray) -> float:
    """Return the mean AUC of the sets that have true and false rows."""
    each = [auc(odds[sets == name], good[sets == name]) for name in np.unique(sets)]
    return float(np.nanmean(each))


def line(name: str, verdicts: Verdicts, whole: Verdicts, good: np.ndarray, sets: np.ndarray) -> str:
    """Return a row of the table for the verdicts without a rule, beside those with all rules."""
    change = change_in_loss(whole.losses(good), verdicts.losses(good), sets)
    shown = [int(verdicts.accepted[part].sum()) for part in (good, ~good)]
    cells = [name, f"{mean_auc(verdicts.odds, good, sets):.3f}", *map(str, shown)]
    cells.append("{:+.4f} ({:+.4f} to {:+.4f})".format(*change))
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--shared", type=Path, default=Path("../shared"))
    ap.add_argument("--most", type=int, default=120, help="rows of each set")
    ap.add_argument("--calibration", type=int, default=1200, help="rows that are fitted on")
    ap.add_argument("--models", type=Path, default=Path("data/models"), help="a cache")
    args = ap.parse_args()
    found = third_party.plan(args.shared, args.most, args.calibration)
    fitted_on = found.pop("calibration")
    for row in calibrate.rows(args.shared):
        if row.source in ANSWERS:
            found.setdefault(row.source, []).append(row)
    rows = [row for each in found.values() for row in each]
    sets = np.array([name for name, each in found.items() for _ in each])
    good = np.array([row.label == ENTAILMENT for row in rows])
    embedder = RememberingEmbedder(BUNDLED_EMBEDDER, args.models)
    verifier = Verifier(RememberingChecker(WEIGHTS), embedder)
    whole, rules = Verdicts(fitted_on, rows, verifier), registry.RULES
    print(f"{good.sum()} true and {(~good).sum()} false claims of {len(found)} sets")
    print("| left out | AUC | true shown | false shown | change of the log-loss (95 %) |")
    print("|---|---|---|---|---|")
    print(line("nothing", whole, whole, good, sets), flush=True)
    try:
        for rule in rules:
            registry.RULES = tuple(other for other in rules if other is not rule)
            print(
                line(rule.name, Verdicts(fitted_on, rows, verifier), whole, good, sets), flush=True
            )
        registry.RULES = ()
        print(line("all", Verdicts(fitted_on, rows, verifier), whole, good, sets))
    finally:
        registry.RULES = rules


if __name__ == "__main__":
    main()
