"""Resident memory that each of the checker's networks takes when it is first used.

    python tests/benchmarks/network_memory.py [--models data/models]

The models must have been used once, so that they are converted.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import measure

sys.path.insert(0, str(Path(__file__).parents[2]))
from index.inference.cross_encoder import CrossEncoder


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--models", type=Path, default=Path("data/models"))
    checker = CrossEncoder(cache=ap.parse_args().models)
    pair = [("The mill closed in 1931.", "When did the mill close?")]
    uses = {
        "checker": lambda: checker.answers(pair),
        "reader": lambda: checker.read(pair),
        "parser": lambda: checker.parse([pair[0][1]]),
    }
    before = measure.memory()["now"]
    for name, use in uses.items():
        use()
        now = measure.memory()["now"]
        print(f"{name}: {now - before:.0f} MB")
        before = now


if __name__ == "__main__":
    main()
