"""Write a weighted mean of the weights of fits (model soups, Wortsman et al. 2022).

    python -m training.mean --out reader.safetensors r2.float=0.3 r5.float=0.7
    python -m training.mean --out checker.safetensors index/checker.safetensors=0.4 f2.float=0.6

A part is the .float file of a fit, or a checker or reader as it ships: all of one of the two. The
tokenizer and the limits of a checker are those of the first part that has a tokenizer.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from training.fit_reader import write_reader
from training.model import CONFIG, write_weights
from training.start import read_start


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("parts", nargs="+", help="FILE=SHARE; the shares add up to 1")
    ap.add_argument("--out", type=Path, required=True)
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
    shipped = next(((config, packed) for _, config, packed, _ in read if packed), None)
    if shipped is None:
        ap.error("one part must be a checker as it ships, since it has the tokenizer")
    write_weights(args.out, mean, CONFIG | shipped[0], shipped[1])


if __name__ == "__main__":
    main()
