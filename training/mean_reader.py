"""Write a weighted mean of readers' weights (model soups, Wortsman et al. 2022).

python -m training.mean_reader --out reader.safetensors r2.float=0.3 r5.float=0.7

A part is the .float file of a fit, or a reader as it ships.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from training.fit_reader import start_weights, write_reader


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("parts", nargs="+", help="FILE=SHARE; the shares add up to 1")
    ap.add_argument("--out", type=Path, required=True)
    args = ap.parse_args()
    parts = [(name, float(share)) for name, _, share in (p.rpartition("=") for p in args.parts)]
    if abs(sum(share for _, share in parts) - 1) > 1e-6:
        ap.error("the shares must add up to 1")
    read = [(start_weights(Path(name)), share) for name, share in parts]
    names = read[0][0]
    write_reader({n: sum(w[n] * share for w, share in read) for n in names}, args.out)


if __name__ == "__main__":
    main()
