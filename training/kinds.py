"""Fit the model that says what kind of answer a question asks for, and measure its errors.

    python -m training.kinds [--models CACHE] [--write]

It is fitted on ``data/question_kinds.jsonl``, and on questions of the quadruples
(``data/pairs_*.jsonl``), of which it is only known that each asks for a fact. The strength of the
penalty and the thresholds are chosen by five-fold cross-validation on the former. There are
Japanese rows that say the same as the English row in the same place, so folds are blocks of places.
The rows in ``tests/data``, by another writer, are measured and used for nothing else.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from index.inference.embedder import Embedder, SentenceTransformerEmbedder
from index.inference.model_registry import BUNDLED_EMBEDDER
from service.questions.kinds import (
    FACT,
    GROUPS,
    WEIGHTS_FILE,
    KindModel,
    feature_names,
    kind_features,
)
from training.sources import handwritten, read

FOLDS = 5
STRENGTHS = (0.3, 1.0, 3.0)  # weight of the data against the penalty
VECTOR_SCALE = 0.2  # a dimension's standard deviation: words weigh more than the vector
FACT_WEIGHT = 0.3  # of a question that is only known to ask for a fact
PER_SET = 400  # such questions of each set; every other one is kept for measuring
MOST_LOST = 0.01  # of the questions for a fact
LEAST = 0.4  # the lowest threshold
LOSING = ("catalogue", "greeting", "help", "other")  # taken for one of these, a fact is lost
REWRITING = ("comparison", "summary")
KINDS = tuple(kind for kinds in GROUPS.values() for kind in kinds)
GROUP = {kind: group for group, kinds in GROUPS.items() for kind in kinds}
IS_FACT = np.array([GROUP[kind] == FACT for kind in KINDS])
HELD = Path(__file__).parents[1] / "tests" / "data" / "question_kinds.jsonl"


@dataclass(frozen=True)
class Rows:
    """Questions: features [n, d], kinds as indexes into KINDS [n], folds [n]."""

    x: np.ndarray
    kinds: np.ndarray
    folds: np.ndarray
    languages: list[str]

    @property
    def groups(self) -> np.ndarray:
        return np.array([GROUP[KINDS[kind]] for kind in self.kinds])


def features(questions: list[str], embedder: Embedder) -> np.ndarray:
    """Return the features [n, d] of questions."""
    vectors = embedder.embed_queries(questions)
    return np.array([kind_features(v, q) for v, q in zip(vectors, questions, strict=True)])


def labelled(rows: list[dict], embedder: Embedder) -> Rows:
    """Read labelled questions; those of a kind and language are in order of their place."""
    many = Counter((row["kind"], row["language"]) for row in rows)
    seen: Counter[tuple[str, str]] = Counter()
    folds = []
    for row in rows:
        key = row["kind"], row["language"]
        folds.append(seen[key] * FOLDS // many[key])
        seen[key] += 1
    kinds = np.array([KINDS.index(row["kind"]) for row in rows])
    x = features([row["question"] for row in rows], embedder)
    return Rows(x, kinds, np.array(folds), [row["language"] for row in rows])


def fact_questions() -> list[str]:
    """Draw questions of the quadruples, each of which asks for a fact."""
    rng = random.Random(1)
    found = []
    for name in ("pairs_en_en", "pairs_ja_ja", "pairs_en_ja", "pairs_ja_en"):
        questions = sorted({row["q"] for row in handwritten(name) if row.get("q")})
        found += rng.sample(questions, min(PER_SET, len(questions)))
    return found


def fit(x: np.ndarray, kinds: np.ndarray, facts: np.ndarray, strength: float) -> np.ndarray:
    """Fit weights [d, kinds] by penalised maximum likelihood; the last feature is a constant.

    Of the questions ``facts`` [m, d], the likelihood is that of any kind of fact.
    """
    dim = x.shape[1] - len(feature_names()) - 1
    scale = np.ones(x.shape[1])
    mean = np.zeros(x.shape[1])
    mean[:dim], scale[:dim] = x[:, :dim].mean(0), VECTOR_SCALE / x[:, :dim].std(0)
    data, unkind = (torch.tensor((each - mean) * scale) for each in (x, facts))
    wanted, is_fact = torch.tensor(kinds), torch.tensor(IS_FACT)
    weights = torch.zeros(x.shape[1], len(KINDS), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [weights], max_iter=200, line_search_fn="strong_wolfe", tolerance_change=1e-6
    )

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        said = torch.nn.functional.cross_entropy(data @ weights, wanted, reduction="sum")
        any_fact = torch.log_softmax(unkind @ weights, 1)[:, is_fact].logsumexp(1).sum()
        total = strength * (said - FACT_WEIGHT * any_fact) + (weights[:-1] ** 2).sum() / 2
        total.backward()
        return total

    optimizer.step(loss)
    found = weights.detach().numpy() * scale[:, None]
    found[-1] -= mean @ found
    return found


def probabilities(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the probability of each kind [n, kinds] from features [n, d]."""
    log_odds = x @ weights
    odds = np.exp(log_odds - log_odds.max(1, keepdims=True))
    return odds / odds.sum(1, keepdims=True)


def cross_validated(rows: Rows, facts: np.ndarray, strength: float) -> np.ndarray:
    """Return the probabilities [n, kinds] of rows, each fold with weights from the others."""
    found = np.zeros((len(rows.x), len(KINDS)))
    for fold in range(FOLDS):
        out = rows.folds == fold
        weights = fit(rows.x[~out], rows.kinds[~out], facts, strength)
        found[out] = probabilities(rows.x[out], weights)
    return found


def grouped(found: np.ndarray) -> dict[str, np.ndarray]:
    """Sum probabilities [n, kinds] by group."""
    return {g: found[:, [KINDS.index(k) for k in kinds]].sum(1) for g, kinds in GROUPS.items()}


def thresholds(rows: Rows, found: np.ndarray, groups: tuple[str, ...]) -> dict[str, float]:
    """Choose thresholds that keep most questions of the groups.

    The facts that any of them takes are at most the share MOST_LOST together.
    """
    of_group, is_fact = grouped(found), rows.groups == FACT
    most = int(MOST_LOST * is_fact.sum())
    choices = []
    for group in groups:
        score = of_group[group]
        tried = {max(LEAST, float(s)) for s in np.sort(score[is_fact])[::-1][: most + 1]}
        choices.append(
            [
                (t, int((score[is_fact] > t).sum()), int((score[rows.groups == group] > t).sum()))
                for t in tried
            ]
        )
    allowed = [c for c in itertools.product(*choices) if sum(lost for _, lost, _ in c) <= most]
    best = max(allowed, key=lambda c: (sum(kept for *_, kept in c), [t for t, *_ in c]))
    return {group: round(t + 5e-5, 4) for group, (t, *_) in zip(groups, best, strict=True)}


def report(title: str, rows: Rows, found: np.ndarray, chosen: dict[str, float]) -> None:
    """Print how often kinds and groups are right, and the confusion of the groups."""
    taken = classify(found, chosen)
    names, truth = [t[0] for t in taken], [KINDS[k] for k in rows.kinds]
    groups = np.array([t[1] for t in taken])
    right = np.array([a == b for a, b in zip(names, truth, strict=True)])
    likeliest = found.argmax(1) == rows.kinds
    print(
        f"\n{title}: {len(truth)} questions; likeliest kind right {likeliest.mean():.3f};"
        f" with thresholds: kind {right.mean():.3f}, group {(groups == rows.groups).mean():.3f}"
    )
    for language in ("en", "ja"):
        of = np.array([each == language for each in rows.languages])
        print(
            f"  {language}: kind {right[of].mean():.3f},"
            f" group {(groups == rows.groups)[of].mean():.3f}"
        )
    facts = rows.groups == FACT
    print(
        f"  kinds of fact: {likeliest[facts].mean():.3f} likeliest, {right[facts].mean():.3f}"
        f" with thresholds; facts lost {np.isin(groups[facts], LOSING).mean():.4f}, taken for"
        f" comparison or summary {np.isin(groups[facts], REWRITING).mean():.4f}"
    )
    print(f"  {'truth, taken for':20}" + "".join(f"{g:>11}" for g in GROUPS) + "     recall")
    for group in GROUPS:
        of = groups[rows.groups == group]
        print(
            f"  {group:20}"
            + "".join(f"{(of == g).sum():11}" for g in GROUPS)
            + f"{(of == group).mean():11.2f}"
        )
    by_kind = defaultdict(list)
    for kind, correct in zip(truth, likeliest, strict=True):
        by_kind[kind].append(correct)
    print("  likeliest kind: " + ", ".join(f"{k} {np.mean(v):.2f}" for k, v in by_kind.items()))


def classify(found: np.ndarray, chosen: dict[str, float]) -> list[tuple[str, str]]:
    """Return (kind, group) as the engine takes them, for probabilities [n, kinds]."""
    model = KindModel("", 0, KINDS, np.eye(len(KINDS), dtype=np.float32), chosen)
    taken = [model.classify(np.log(np.maximum(row, 1e-30)).astype(np.float32)) for row in found]
    return [(each.name, each.group) for each in taken]


def main() -> None:
    ap = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    ap.add_argument("--models", type=Path, default=Path("data/models"), help="a cache")
    ap.add_argument("--write", action="store_true", help=f"write {WEIGHTS_FILE.name}")
    args = ap.parse_args()
    embedder = SentenceTransformerEmbedder(BUNDLED_EMBEDDER, args.models)
    rows = labelled(handwritten("question_kinds"), embedder)
    natural = features(fact_questions(), embedder)
    fitted_on, kept = natural[::2], natural[1::2]
    losses = {}
    for strength in STRENGTHS:
        found = cross_validated(rows, fitted_on, strength)
        losses[strength] = -np.log(found[np.arange(len(found)), rows.kinds]).mean()
    strength = min(losses, key=losses.__getitem__)
    print("log loss by strength:", {s: round(float(v), 3) for s, v in losses.items()})
    found = cross_validated(rows, fitted_on, strength)
    chosen = thresholds(rows, found, LOSING) | thresholds(rows, found, REWRITING)
    print("thresholds:", chosen)
    report("cross-validation", rows, found, chosen)
    weights = np.round(fit(rows.x, rows.kinds, fitted_on, strength), 4)
    taken = Counter(group for _, group in classify(probabilities(kept, weights), chosen))
    print(f"\n{len(kept)} questions for facts that were not fitted on: {dict(taken)}")
    held = labelled(read(HELD), embedder)
    report("another writer", held, probabilities(held.x, weights), chosen)
    if args.write:
        stored = {
            "embedder": embedder.name,
            "dim": embedder.dim,
            "features": feature_names(),
            "thresholds": chosen,
            "weights": {k: weights[:, i].tolist() for i, k in enumerate(KINDS)},
        }
        # A line for each kind, so that a change can be read.
        lines = json.dumps(stored).replace('], "', '],\n"')
        WEIGHTS_FILE.write_text(lines + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
