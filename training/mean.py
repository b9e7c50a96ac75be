"""Write a weighted mean of the weights of fits (model soups, Wortsman et al. 2022).

    python -m training.mean --out reader.safetensors r2.float=0.3 r5.float=0.7
    python -m training.mean --out checker.safetensors index/checker.safetensors=0.4 f2.float=0.6

A part is the .float file of a fit, or a checker or reader as it ships: all of one of the two. The
tokenizer and the limits of a checker are those of the first part that has a tokenizer.

    python -m training.mean --changed --out training/weights/f2.safetensors f2.float=1

With --changed, what the checker that ships has too is left out: embeddings, lowest layers and
tokenizer, two thirds of the file. Whatever reads a part, or the start of a fit, puts them back.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from index.inference.cross_encoder import WEIGHTS
from training.fit_reader import write_reader
from training.model import CONFIG, write_weights
from training.start import read_start


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("parts", nargs="+", help="FILE=SHARE; the shares add up to 1")
    ap.add_argument("--out", type=Path, required=True)
    ap.add_argument("--changed", action="store_true", help="of a checker: not what ships too")
    args = ap.parse_args()
    parts = [(name, float(share)) for name, _, share in (p.rpartition("=") for p in args.parts)]
    if abs(sum(share for _, share in parts) - 1) > 1e-6:
        ap.error("the shares must add up to 1")
    read = [(*read_start(Path(name)), share) for name, share in parts]
    # A fit's .float file may also have the head for unsupported words, which ships with nobody.
    names = [name for name in read[0][0] if all(name in weights for weights, *_ in read)]
    mean = {name: sum(weights[name] * share for weights, *_, share in read) for name in names}
    if "read.weight" in mean:
        return write_reader(mean, args.out)
    if args.changed:
        ships = read_start(WEIGHTS)[0]
        changed = {
            name: weight
            for name, weight in mean.items()
            if name not in ships or not torch.equal(weight, ships[name])
        }
        return write_weights(args.out, changed, CONFIG, b"")
    shipped = next(((config, packed) for _, config, packed, _ in read if packed), None)
    if shipped is None:
        ap.error("one part must be a checker as it ships, since it has the tokenizer")
    write_weights(args.out, mean, CONFIG | shipped[0], shipped[1])


if __name__ == "__main__":
    main()
