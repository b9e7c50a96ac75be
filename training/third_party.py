"""Measure the verifier on third-party sets, calibrated without them, beside an earlier version.

    git worktree add ../before 310ac02
    python -m training.third_party --shared ../shared [--before ../before] [--json FILE]

Each side is a process that reads the same claims and passages with the code of its own checkout,
and fits its own calibration on the same rows: claims written by hand, and sentences altered by
rule. Passages that share a sentence with one of the sets are left out of those. Of the sets, only
rows are used that this repository's fits of the checker hold out. (The first fit, from which they
continue, has seen some of them. Both sides have the same checker.)
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from corpus.text.sentences import sentences
from index.inference.cross_encoder import WEIGHTS, CrossEncoder
from index.inference.embedder import SentenceTransformerEmbedder
from index.inference.model_registry import BUNDLED_EMBEDDER
from service.verification.calibration import FEATURES
from service.verification.verifier import Verifier
from training import calibrate, sources
from training.evaluate import auc, balanced
from training.sources import ENTAILMENT, NOT_SUPPORTED, Row

KINDS = ("written by hand", "spoiled by rule", "kept or spoiled")  # what calibrations are fitted on
MOST = 400  # rows of each set
UNREAD = -100.0  # log-odds of a claim of which the verifier reads nothing
RESAMPLES = 2000
ROOT = Path(__file__).resolve().parents[1]


def third_party(shared: Path, most: int) -> dict[str, list[Row]]:
    """Return at most ``most`` rows of each set, half of them true if it has as many."""
    plain, paws = sources.plain_sets(shared), sources.paws(shared)
    sets = {
        "FeverSymmetric": sources.symmetric(shared),
        "WiCE": sources.held_wice(shared),
        "JSICK": [r for r in sources.jsick(shared) if r.source == "jsick_ja"],
        "JNLI": sources.jnli(shared),
        "FM2": [r for r in plain if r.source == "fm2_gold"],
        "CondaQA": [r for r in plain if r.source == "condaqa_claims"],
        "PAWS-X ja": [r for r in paws if r.source == "pawsx_ja"],
        "PAWS-X en": [r for r in paws if r.source == "pawsx_en"],
        "citation integrity": [r for r in plain if r.source == "citint_dev"],
    }
    return {name: halves(held_out(rows), most) for name, rows in sets.items()}


def held_out(rows: Sequence[Row]) -> list[Row]:
    """Return the rows that the fits of the checker held out; all if there are none of them."""
    return [row for row in rows if row.held] or list(rows)


def halves(rows: Sequence[Row], most: int) -> list[Row]:
    """Draw at most ``most`` rows, and at most half as many of each label: always the same."""
    rng = random.Random(13)
    drawn: list[Row] = []
    for true in (True, False):
        same = [row for row in rows if (row.label == ENTAILMENT) == true]
        drawn += rng.sample(same, min(most // 2, len(same)))
    return drawn


def apart(rows: Iterable[Row], sets: Iterable[Row]) -> list[Row]:
    """Return the rows whose passage shares no sentence with a claim or passage of ``sets``."""
    taken = {part for row in sets for text in (row.first, row.second) for part in sentences(text)}
    return [row for row in rows if taken.isdisjoint(sentences(row.second))]


def plan(shared: Path, most: int, calibration: int) -> dict[str, list[Row]]:
    """Return the rows of each set, and those that calibrations are fitted on, as "calibration".

    Of the latter at most ``calibration`` are drawn, always the same.
    """
    sets = third_party(shared, most)
    fitted = [row for row in calibrate.rows(shared) if row.source in KINDS]
    fitted = apart(fitted, (r for rows in sets.values() for r in rows))
    drawn = random.Random(15).sample(fitted, min(calibration, len(fitted)))
    return {"calibration": drawn, **sets}


def verdicts(rows: dict[str, list[Row]], verifier: Verifier) -> dict[str, list[tuple[float, bool]]]:
    """Return log-odds of each row of each set, and whether the claim is accepted.

    The weights are fitted on the rows called "calibration".
    """
    weights = calibrate.fit(list(calibrate.cases(rows["calibration"], verifier)))
    print(dict(zip(FEATURES, weights.round(3).tolist(), strict=True)), file=sys.stderr)
    decided = {}
    for name, found in rows.items():
        if name == "calibration":
            continue
        read = [next(calibrate.cases([row], verifier), None) for row in found]
        odds, accepted = calibrate.scores([case for case in read if case], weights)
        known = iter(zip(odds.tolist(), accepted.tolist(), strict=True))
        decided[name] = [next(known) if case else (UNREAD, False) for case in read]
        print(f"{name}: {len(read)} rows, {read.count(None)} unread", file=sys.stderr)
    return decided


def verdicts_of(checkout: Path, rows: dict[str, list[Row]], models: Path) -> dict[str, np.ndarray]:
    """Return the verdicts [n, 2] of the code in a checkout, which runs in a process of its own.

    The columns are the log-odds, and whether the claim is accepted.
    """
    print(f"reading with {checkout}", file=sys.stderr)
    packed = {
        name: [(r.first, r.second, r.label == ENTAILMENT, r.source) for r in found]
        for name, found in rows.items()
    }
    with tempfile.TemporaryDirectory() as folder:
        task, out = Path(folder, "rows.json"), Path(folder, "verdicts.json")
        task.write_text(json.dumps(packed))
        paths = ["--rows", task, "--json", out, "--models", models.resolve()]
        # -P: modules come from that checkout, none from the folder of this file.
        command = [sys.executable, "-P", __file__, *map(str, paths)]
        environment = os.environ | {"PYTHONPATH": str(checkout.resolve())}
        subprocess.run(command, env=environment, check=True)
        return {name: np.array(found) for name, found in json.loads(out.read_text()).items()}


def answer(task: Path, out: Path, models: Path) -> None:
    """Read the rows of a file with the code of this process, and write their verdicts."""
    rows = {
        name: [
            Row("nli", claim, text, ENTAILMENT if true else NOT_SUPPORTED, source)
            for claim, text, true, source in found
        ]
        for name, found in json.loads(task.read_text()).items()
    }
    embedder = SentenceTransformerEmbedder(BUNDLED_EMBEDDER, models)
    out.write_text(json.dumps(verdicts(rows, Verifier(CrossEncoder(WEIGHTS), embedder))))


def figures(decided: np.ndarray, good: np.ndarray) -> dict[str, float]:
    """Return what is measured of a set: ``decided`` [n, 2] log-odds and accepted, ``good`` [n]."""
    odds, accepted = decided[:, 0], decided[:, 1] > 0
    return {
        "AUC": auc(odds, good),
        "true ones accepted": float(accepted[good].mean()),
        "false ones accepted": float(accepted[~good].mean()),
        "balanced accuracy": balanced_accuracy(accepted, good),
        "at the best threshold": balanced(odds, good),
    }


def balanced_accuracy(accepted: np.ndarray, good: np.ndarray) -> float:
    """Return the mean of the shares of true claims accepted and of false claims withheld."""
    return float((accepted[good].mean() + (~accepted[~good]).mean()) / 2)


def gain(before: np.ndarray, after: np.ndarray, good: np.ndarray) -> list[float]:
    """Return what balanced accuracy gained, and its 95 % interval: [gain, low, high].

    The interval is a bootstrap over rows, true and false ones drawn apart; ``before`` and
    ``after`` are which rows were accepted.
    """
    rng = np.random.default_rng(14)
    right = (after == good).astype(float) - (before == good)
    drawn = np.mean(
        [rng.choice(part, (RESAMPLES, len(part))).mean(1) for part in (right[good], right[~good])],
        axis=0,
    )
    middle = (right[good].mean() + right[~good].mean()) / 2
    return [float(v) for v in (middle, *np.quantile(drawn, (0.025, 0.975)))]


def measured(
    sides: Sequence[dict[str, np.ndarray]], good: dict[str, np.ndarray]
) -> dict[str, dict]:
    """Return the figures of each set, for each side in order, and the gain between two sides."""
    found = {}
    for name, labels in good.items():
        each = {
            "true": int(labels.sum()),
            "false": int((~labels).sum()),
            "sides": [figures(side[name], labels) for side in sides],
        }
        if len(sides) > 1:
            before, after = (side[name][:, 1] > 0 for side in sides)
            each["gain"] = gain(before, after, labels)
        found[name] = each
    return found


def table(found: dict[str, dict]) -> str:
    """Format figures as a Markdown table, sets by figures, each before and after."""
    first = next(iter(found.values()))
    names, two = list(first["sides"][0]), len(first["sides"]) > 1
    heads = ["set", "true, false", *names, *(["gain (95 %)"] if two else [])]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for name, each in found.items():
        cells = [name, f"{each['true']}, {each['false']}"]
        cells += [" → ".join(_cell(n, side[n]) for side in each["sides"]) for n in names]
        if two:
            cells.append("{:+.3f} ({:+.3f} to {:+.3f})".format(*each["gain"]))
        lines.append("| " + " | ".join(cells) + " |")
    means = [
        " → ".join(
            _cell(n, float(np.mean([each["sides"][k][n] for each in found.values()])))
            for k in range(len(first["sides"]))
        )
        for n in names
    ]
    lines.append("| " + " | ".join(["mean", "", *means, *([""] if two else [])]) + " |")
    return "\n".join(lines)


def _cell(name: str, value: float) -> str:
    return f"{value:.1%}" if name.endswith("accepted") else f"{value:.3f}"


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--shared", type=Path, default=Path("../shared"))
    ap.add_argument("--before", type=Path, help="a checkout of the version to compare with")
    ap.add_argument("--most", type=int, default=MOST, help="rows of each set")
    ap.add_argument("--calibration", type=int, default=1500, help="rows that are fitted on")
    ap.add_argument("--models", type=Path, default=Path("data/models"), help="a cache")
    ap.add_argument("--json", type=Path, help="write figures and verdicts here too")
    ap.add_argument("--rows", type=Path, help=argparse.SUPPRESS)  # of a process that reads them
    args = ap.parse_args()
    if args.rows:
        answer(args.rows, args.json, args.models)
        return
    rows = plan(args.shared, args.most, args.calibration)
    checkouts = [*([args.before] if args.before else []), ROOT]
    sides = [verdicts_of(checkout, rows, args.models) for checkout in checkouts]
    good = {
        name: np.array([row.label == ENTAILMENT for row in found])
        for name, found in rows.items()
        if name != "calibration"
    }
    found = measured(sides, good)
    print(f"calibrated on {len(rows['calibration'])} rows")
    print(table(found))
    if args.json:
        each = [{name: side[name].tolist() for name in good} for side in sides]
        labels = {name: labels.tolist() for name, labels in good.items()}
        args.json.write_text(json.dumps({"sets": found, "verdicts": each, "labels": labels}))


if __name__ == "__main__":
    main()
