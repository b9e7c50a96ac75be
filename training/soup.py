"""Average several fits from one start (model soups, Wortsman et al. 2022) and write the best.

    python -m training.soup --pack .train/pack --out checker.safetensors a.float b.float c.float

Each fit and each average is measured; the best has the highest mean AUC over the sets in GOALS. The
method is arXiv 2203.05482.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from index.inference.cross_encoder_torch import Network, read_weights
from training import evaluate
from training.model import CONFIG, write_weights

GOALS = (
    "wice", "symmetric", "jsick_ja", "jnli", "jsquad", "clapnq", "ja_en_claims",
    "ja_en_questions", "pawsx_xling", "citint_dev", "jsquad_en", "clapnq_ja",
)  # fmt: skip


def average(fits: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Return the mean of each weight."""
    return {name: torch.stack([fit[name] for fit in fits]).mean(0) for name in fits[0]}


def goal(column: dict[str, tuple[float, float, int]]) -> float:
    """Return the mean AUC over the sets in GOALS."""
    return float(np.mean([column[name][0] for name in GOALS if name in column]))


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("fits", nargs="+", type=Path)
    ap.add_argument("--pack", type=Path, required=True)
    ap.add_argument("--tokenizer", type=Path, required=True, help="xz-compressed tokenizer.json")
    ap.add_argument("--out", type=Path, required=True)
    args = ap.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    sets = evaluate.held_out(args.pack)
    fits = {path.stem: load_file(str(path)) for path in args.fits}
    found: dict[str, dict[str, Tensor]] = dict(fits)
    if len(fits) > 1:
        for left_out in (None, *fits) if len(fits) > 2 else (None,):
            names = [name for name in fits if name != left_out]
            found["+".join(names)] = average([fits[name] for name in names])
    columns = {}
    for name, weights in found.items():
        columns[name] = evaluate.measure(Network(weights, CONFIG).to(device), sets, 65536)
        print(f"{goal(columns[name]):.4f} {name}", flush=True)
    best = max(columns, key=lambda name: goal(columns[name]))
    write_weights(args.out, found[best], CONFIG, args.tokenizer.read_bytes())
    save_file(found[best], str(args.out.with_suffix(".float")))
    weights, config, _ = read_weights(args.out)
    columns[best + " int8"] = evaluate.measure(Network(weights, config).to(device), sets, 65536)
    print("best:", best)
    print(evaluate.table(columns))
    args.out.with_suffix(".json").write_text(json.dumps(columns))


if __name__ == "__main__":
    main()
