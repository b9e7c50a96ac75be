"""Average several fits from one start (model soups, Wortsman et al. 2022) and write the best.

    python -m training.soup --pack .train/pack --out checker.safetensors a.float b.float c.float

A fit is a .float file or a checker as it ships. Each fit and each average is measured; the best has
the highest mean AUC over the sets in GOALS. The method is arXiv 2203.05482.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from index.inference.cross_encoder_torch import Network, read_weights
from training import evaluate
from training.model import CONFIG, write_float, write_weights
from training.packing import PAIR_NAMES
from training.start import read_start

GOALS = (
    "wice", "symmetric", "jsick_ja", "jnli", "jsquad", "clapnq", "ja_en_claims",
    "ja_en_questions", "pawsx_xling", "citint_dev", "jsquad_en", "clapnq_ja",
    *(f"own_sentences {pair}" for pair in PAIR_NAMES),
)  # fmt: skip


def average(fits: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Return the mean of each weight that all have."""
    names = [name for name in fits[0] if all(name in fit for fit in fits)]
    return {name: torch.stack([fit[name] for fit in fits]).mean(0) for name in names}


def goal(column: dict[str, tuple[float, float, int]]) -> float:
    """Return the mean AUC over the sets in GOALS."""
    return float(np.mean([column[name][0] for name in GOALS if name in column]))


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("fits", nargs="+", type=Path)
    ap.add_argument("--pack", type=Path, required=True)
    ap.add_argument("--tokenizer", type=Path, help="xz-compressed tokenizer.json, if no fit has it")
    ap.add_argument("--most", type=int, default=1500, help="rows of one set")
    ap.add_argument("--out", type=Path, required=True)
    args = ap.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    sets = evaluate.held_out(args.pack, args.most)
    sets = {name: rows for name, rows in sets.items() if name in GOALS}
    read = {path.stem: read_start(path) for path in args.fits}
    fits = {name: weights for name, (weights, _, _) in read.items()}
    packed = args.tokenizer.read_bytes() if args.tokenizer else b""
    packed = packed or next(found for _, _, found in read.values() if found)
    configs = [CONFIG | config for _, config, _ in read.values()]
    config = max(configs, key=lambda config: config["max_tokens"])
    found: dict[str, dict[str, Tensor]] = dict(fits)
    if len(fits) > 1:
        for left_out in (None, *fits) if len(fits) > 2 else (None,):
            names = [name for name in fits if name != left_out]
            found["+".join(names)] = average([fits[name] for name in names])
    columns, goals = {}, {}
    for name, weights in found.items():
        columns[name] = evaluate.measure(Network(weights, config).to(device), sets, 65536)
        goals[name] = goal(columns[name])
        print(f"{goals[name]:.4f} {name}", flush=True)
    best = max(goals, key=lambda name: goals[name])
    write_weights(args.out, found[best], config, packed)
    write_float(args.out.with_suffix(".float"), found[best], config)
    weights, config, _ = read_weights(args.out)
    columns[best + " int8"] = evaluate.measure(Network(weights, config).to(device), sets, 65536)
    print("best:", best)
    print(evaluate.table(columns))
    args.out.with_suffix(".json").write_text(json.dumps(columns))


if __name__ == "__main__":
    main()
