"""Fit the calibration of verdicts from rules and checker, and measure the verifier's errors.

    python -m training.calibrate --shared ../shared [--checker FILE] [--write]

The data are claims written by hand in both languages on passages in both, which the checker was not
fitted on; true and altered sentences of such passages; and the development sets. All figures are
from five-fold cross-validation by passage; the weights that are written are fitted on all rows.
"""

from __future__ import annotations

import argparse
import json
import math
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from corpus.types import Passage, Source, text_hash
from index.inference.cross_encoder import WEIGHTS, CrossEncoder
from index.inference.embedder import SentenceTransformerEmbedder
from index.inference.model_registry import BUNDLED_EMBEDDER
from index.lexical.tokenizer import is_japanese
from service.types import Draft, Evidence
from service.verification.calibration import CALIBRATION_FILE, FEATURES, log_odds
from service.verification.citation_selection import PARTIAL, SUPPORTED
from service.verification.verifier import Verifier
from training import data, made, sources, spoil
from training.evaluate import auc, balanced
from training.sources import ENTAILMENT, NOT_SUPPORTED, Row

FOLDS = 5
RIDGE = 0.003
MOST = 400  # kept or spoiled sentences of each language, rows of each development set
ROUNDS = 6
DEPARTS = [
    FEATURES.index(name) for name in ("otherwise", "otherwise_close", "missing", "departs_across")
]


@dataclass(frozen=True, slots=True)
class Case:
    """A claim on a passage: features [candidate quotes, FEATURES], and which a rule decides [n]."""

    kind: str
    group: str
    supported: bool
    features: np.ndarray
    decided: np.ndarray


def rows(shared: Path) -> Iterator[Row]:
    """Yield claims on whole passages that no fit has seen, and the development sets."""
    rng = random.Random(11)
    pairs = [r for r in data.hand_rows(shared, rng) if r.head == "nli" and r.held]
    whole = _passages(shared)
    hand = [
        replace(row, second=next((t for t in whole if row.second in t), row.second))
        for row in pairs
    ]
    for row in hand:
        yield replace(row, source="written by hand")
    yield from _spoiled([row for row in hand if row.label == ENTAILMENT], rng)
    held = [p for p in data.passages_for_making(shared, []) if p.held]
    spoiled = list(made.claims(held, rng, 3, "kept or spoiled"))
    for japanese in (False, True):
        same = [r for r in spoiled if is_japanese(r.first) == japanese]
        yield from rng.sample(same, min(MOST, len(same)))
    yield from _answer_claims(shared)
    yield from _development(shared)


def _answer_claims(shared: Path) -> Iterator[Row]:
    """Yield sentences of answers as a strong model writes them, with false twins and lies.

    They were written for this purpose, and no checker was fitted on them. A lie stands behind one
    to four true clauses.
    """
    english, _ = sources.xquad(shared)
    japanese, _ = sources.jsquad(shared)
    passages = {id: passage.text for id, passage in (english | japanese).items()}
    for row in sources.handwritten("answer_claims"):
        if "file" in row:
            text = (shared / "corpus" / row["file"]).read_text(encoding="utf-8")
        else:
            text = passages[row["doc_id"]]
        text = text[row.get("start", 0) : row.get("end", len(text))]
        assert text_hash(text).startswith(row["sha256"]), "the passage is not the one that was read"
        kind = "lies behind true clauses" if row["kind"].startswith("lie") else "answers"
        yield Row("nli", row["claim"], text, sources.LABELS[row["label"]], kind, True)


def _spoiled(true: Sequence[Row], rng: random.Random) -> Iterator[Row]:
    """Pair true claims in another language than their passage with claims altered by rule."""
    beside: dict[str, list[str]] = defaultdict(list)
    for row in true:
        beside[row.second].append(row.first)
    for row in true:
        if is_japanese(row.first) == is_japanese(row.second):
            continue
        others = [claim for claim in beside[row.second] if claim != row.first]
        bad = spoil.spoiled(row.first, others, rng)
        if bad is not None:
            yield replace(row, source="spoiled by rule")
            yield replace(row, source="spoiled by rule", first=bad, label=NOT_SUPPORTED)


def _passages(shared: Path) -> list[str]:
    english, _ = sources.xquad(shared)
    japanese, _ = sources.jsquad(shared)
    texts = [p.text for p in (*english.values(), *japanese.values(), *sources.prose(shared))]
    return texts + [row["passage"] for row in sources.clapnq(shared)]


def cases(found: Sequence[Row], verifier: Verifier) -> Iterator[Case]:
    """Make a case of each row that the verifier finds a candidate quote for."""
    for row in found:
        id = text_hash(row.second)[:16]
        passage = Passage(id, id[:12], 0, len(row.second), row.second)
        evidence = Evidence(1, passage, Source(id[:12], "https://example.org"), 0.0)
        reading = verifier.read(Draft(row.first), [evidence])
        readings = [*reading.quotes, *([reading.joined] if reading.joined else [])]
        if not readings:
            continue
        pair = "→".join("ja" if is_japanese(t) else "en" for t in (row.first, row.second))
        matrix = np.array([r.features for r in readings])
        kind = f"{row.source}, {pair[:2] if row.source == 'kept or spoiled' else pair}"
        decided = np.array([r.conflict is not None for r in readings])
        yield Case(kind, id, row.label == ENTAILMENT, matrix, decided)


def fit(found: Sequence[Case]) -> np.ndarray:
    """Fit weights by ridge logistic regression (Newton's method), each claim by its best quote.

    Which quote is best depends on the weights, so it is chosen again a few times.
    """
    weights = np.zeros(len(FEATURES))
    weights[:2], weights[DEPARTS] = 0.5, -1.0
    wanted = np.array([case.supported for case in found], float)
    for _ in range(ROUNDS):
        best = np.array([case.features[(case.features @ weights).argmax()] for case in found])
        weights = logistic(best, wanted, RIDGE)
    return weights


def logistic(
    x: np.ndarray,
    wanted: np.ndarray,
    ridge: float,
    counts: np.ndarray | None = None,
    known: np.ndarray | float = 0.0,
) -> np.ndarray:
    """Return the weights [d] of a ridge logistic regression of ``wanted`` [n] on ``x`` [n, d].

    ``counts`` [n] says how much each row counts, 1 on average; None: all alike. ``known`` [n] is
    added to the log-odds.
    """
    counts = np.ones(len(x)) if counts is None else counts
    weights = np.zeros(x.shape[1])
    scale = x.std(0) + (x.std(0) == 0)  # the ridge is to hold all alike
    x = x / scale
    for _ in range(40):
        p = 1 / (1 + np.exp(-np.clip(x @ weights + known, -30, 30)))
        slope = counts * p * (1 - p)
        hessian = x.T @ (x * slope[:, None]) / len(x) + ridge * np.eye(x.shape[1])
        gradient = x.T @ (counts * (wanted - p)) / len(x) - ridge * weights
        weights += np.linalg.solve(hessian, gradient)
    return weights / scale


def scores(found: Sequence[Case], weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return log-odds [n] of each claim by its best quote, and whether it is accepted [n].

    A claim is accepted by quotes with which it has no exact conflict.
    """
    odds = np.array([(case.features @ weights).max() for case in found])
    accepted = []
    for case in found:
        weak = case.features.copy()
        weak[:, FEATURES.index("entailed")] = weak[:, FEATURES.index("weakest")]
        clean = ~case.decided & (weak @ weights >= log_odds(PARTIAL))
        copied = case.features[:, FEATURES.index("copied")] > 0
        enough = np.where(copied, log_odds(PARTIAL), log_odds(SUPPORTED))
        accepted.append(bool((clean & (case.features @ weights >= enough)).any()))
    return odds, np.array(accepted)


def cross_validated(found: Sequence[Case]) -> tuple[np.ndarray, np.ndarray]:
    """Return the same as ``scores``, by cross-validation over folds of passages."""
    fold = np.array([int(case.group, 16) % FOLDS for case in found])
    odds, accepted = np.zeros(len(found)), np.zeros(len(found), bool)
    for k in range(FOLDS):
        inside = np.flatnonzero(fold == k)
        weights = fit([case for case, f in zip(found, fold, strict=True) if f != k])
        odds[inside], accepted[inside] = scores([found[i] for i in inside], weights)
    return odds, accepted


def _development(shared: Path) -> Iterator[Row]:
    """Return held-out rows of the development sets, at most MOST of each.

    The first fit, from which the shipped weights continue, has seen these rows: they show what is
    retained, not what is new.
    """
    rng = random.Random(12)
    sets = {
        "FeverSymmetric": [r for r in sources.symmetric(shared) if r.held],
        "JSICK": [r for r in sources.jsick(shared) if r.held and r.source == "jsick_ja"],
        "JNLI": [r for r in sources.jnli(shared) if r.held],
        "WiCE": sources.held_wice(shared),
    }
    for name, found in sets.items():
        for row in rng.sample(found, min(MOST, len(found))):
            yield replace(row, source=name)


def interval(hits: int, n: int) -> list[float]:
    """Return a share with its 95 % interval (Wilson 1927): [share, low, high]."""
    if n == 0:
        return [0.0, 0.0, 1.0]
    z, p = 1.96, hits / n
    middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return [round(v, 3) for v in (p, (middle - half) / scale, (middle + half) / scale)]


def report(found: Sequence[Case]) -> dict[str, dict]:
    """Report errors by kind of claim, from cross-validation: counts, and shares with intervals."""
    odds, accepted = cross_validated(found)
    good = np.array([case.supported for case in found])
    kinds = np.array([case.kind for case in found])
    errors = {}
    for kind in dict.fromkeys(kinds):
        here = kinds == kind
        true, false = here & good, here & ~good
        errors[str(kind)] = {
            "supported": int(true.sum()),
            "unsupported": int(false.sum()),
            "false_rejects": interval(int((~accepted[true]).sum()), int(true.sum())),
            "false_accepts": interval(int(accepted[false].sum()), int(false.sum())),
        }
        if true.any() and false.any():
            errors[str(kind)] |= {
                "auc": round(auc(odds[here], good[here]), 3),
                "balanced_accuracy": round(balanced(odds[here], good[here]), 3),
            }
    return errors


def write_calibration(**parts: object) -> None:
    """Replace some parts of the calibration that ships with Tenkyo."""
    held = json.loads(CALIBRATION_FILE.read_text(encoding="utf-8")) | parts
    CALIBRATION_FILE.write_text(
        json.dumps(held, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--shared", type=Path, default=Path("../shared"))
    ap.add_argument("--checker", type=Path, default=WEIGHTS)
    ap.add_argument("--models", type=Path, default=Path("data/models"), help="a cache")
    ap.add_argument("--write", action="store_true", help=f"write {CALIBRATION_FILE.name}")
    args = ap.parse_args()
    embedder = SentenceTransformerEmbedder(BUNDLED_EMBEDDER, args.models)
    verifier = Verifier(CrossEncoder(args.checker), embedder)
    found = list(cases(list(rows(args.shared)), verifier))
    errors = report(found)
    weights = dict(zip(FEATURES, fit(found).round(4).tolist(), strict=True))
    print("| claims | true, false | AUC | true ones withheld | false ones let through |")
    print("|---|---|---|---|---|")
    for kind, e in errors.items():
        rejects, accepts = (
            f"{v[0]:.1%} ({v[1]:.1%} to {v[2]:.1%})"
            for v in (e["false_rejects"], e["false_accepts"])
        )
        n = f"{e['supported']}, {e['unsupported']}"
        print(f"| {kind} | {n} | {e.get('auc', '–')} | {rejects} | {accepts} |")
    print(json.dumps(weights))
    if args.write:
        write_calibration(weights=weights, errors=errors)


if __name__ == "__main__":
    main()
