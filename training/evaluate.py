"""Measure checkers on held-out rows: AUC and best balanced accuracy for each set.

python -m training.evaluate --pack .train/pack checker.safetensors [others…]
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from index.inference.cross_encoder_torch import Network, read_weights, run
from index.inference.pair_network import pair_ids
from training import packing
from training.sources import ENTAILMENT


def auc(scores: np.ndarray, good: np.ndarray) -> float:
    """Return the area under the ROC curve (Mann-Whitney); ties count half."""
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]  # from 1; equal scores share their mean
    n = int(good.sum())
    if n in (0, len(good)):
        return float("nan")
    return float((ranks[good].sum() - n * (n + 1) / 2) / (n * (len(good) - n)))


def balanced(scores: np.ndarray, good: np.ndarray) -> float:
    """Return the balanced accuracy at the best threshold."""
    order = np.argsort(-scores, kind="stable")
    hit = good[order]
    right = np.r_[0, hit.cumsum()] / max(1, hit.sum())
    wrong = np.r_[0, (~hit).cumsum()] / max(1, (~hit).sum())
    return float(((right + 1 - wrong) / 2).max())


def held_out(
    folder: Path, most: int = 1500
) -> dict[str, tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray]]]]:
    """Return the held-out rows of each set, at most `most`; windows of a claim stay together.

    Passages of our own are a set for each language pair.
    """
    texts, table, names = packing.unpack(folder)
    found = {}
    for number, name in enumerate(names):
        whole = table[(table["source"] == number) & table["held"]]
        parts = {name: whole}
        if name.startswith("own_"):
            pairs = enumerate(packing.PAIR_NAMES)
            parts = {f"{name} {pair}": whole[whole["pair"] == n] for n, pair in pairs}
        for title, rows in parts.items():
            if len(rows) > most and (rows["group"] < 0).all():
                rows = rows[np.linspace(0, len(rows) - 1, most).astype(int)]
            if len(rows):
                pairs_of_texts = zip(rows["first"], rows["second"], strict=True)
                found[title] = rows, [(texts[a], texts[b]) for a, b in pairs_of_texts]
    return found


def measure(
    network: Network, sets: dict, budget: int = 4096
) -> dict[str, tuple[float, float, int]]:
    """Return AUC, best balanced accuracy and number of decisions of each set."""
    results = {}
    for name, (rows, pairs) in sets.items():
        ids = [pair_ids(list(a), list(b), network.config) for a, b in pairs]
        support, answer = run(network, ids, budget)  # in the order of the heads
        is_answer = bool(rows["question"][0])
        scores = (answer if is_answer else entailment(support)).numpy().astype(np.float64)
        good = rows["label"] == (1 if is_answer else ENTAILMENT)
        if (rows["group"] >= 0).all():
            each = [rows["group"] == group for group in np.unique(rows["group"])]
            scores = np.array([scores[chosen].max() for chosen in each])
            good = np.array([good[chosen].any() for chosen in each])
        results[name] = auc(scores, good), balanced(scores, good), len(good)
        print(f"{name}: {results[name][0]:.3f}", file=sys.stderr, flush=True)  # it takes minutes
    return results


def entailment(logits: Tensor) -> Tensor:
    """Return log p/(1-p) of entailment, which does not saturate."""
    return logits[:, 0] - torch.logsumexp(logits[:, 1:], 1)


def table(columns: dict[str, dict[str, tuple[float, float, int]]]) -> str:
    """Format AUC and balanced accuracy as a Markdown table, sets by checkers."""
    names = list(next(iter(columns.values())))
    lines = ["| held out | n | " + " | ".join(columns) + " |", "|---|---|" + "---|" * len(columns)]
    for name in names:
        n = next(iter(columns.values()))[name][2]
        cells = [f"{column[name][0]:.3f} {column[name][1]:.2f}" for column in columns.values()]
        lines.append(f"| {name} | {n} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("checkers", nargs="+", type=Path)
    ap.add_argument("--pack", type=Path, required=True)
    ap.add_argument("--json", type=Path, help="write the figures here too")
    ap.add_argument("--most", type=int, default=1500, help="rows of one set")
    ap.add_argument("--bf16", action="store_true", help="compute in bfloat16")
    ap.add_argument("--without", action="append", default=[], help="a set to leave out")
    args = ap.parse_args()
    sets = held_out(args.pack, args.most)
    sets = {name: rows for name, rows in sets.items() if name not in args.without}
    device = "cuda" if torch.cuda.is_available() else "cpu"
    columns = {}
    for path in args.checkers:
        weights, config, _ = read_weights(path)
        network = Network(weights, config).to(device)
        network.compute = torch.bfloat16 if args.bf16 else None
        columns[str(path)] = measure(network, sets)
    print(table(columns))
    if args.json:
        args.json.write_text(json.dumps(columns))


if __name__ == "__main__":
    main()
