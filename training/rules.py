"""Count how often each rule finds something in true and in false claims of third-party sets.

    python -m training.rules --shared ../shared [--all]

Prints a table: for each rule and set, on how many true and false rows it fires, first over all
rows, then over near copies only. "conflict" is the exact conflict that decides alone. A rule earns
its place where it fires more often on false rows than on true ones. None of the sets was used to
write a rule. With ``--all`` every set of ``data/verify/nli`` is read too.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from service.verification.rules.pair import Pair
from service.verification.rules.registry import RULES, findings
from training.sources import read

SETS = (
    "fever_symmetric_en wice_en citint_dev fm2_gold condaqa_claims pawsx_en jsick_ja jnli_ja"
    " pawsx_ja janli pawsx_xling jsick_xling"
).split()
MOST = 600  # rows of each set
TRUE = ("SUPPORTS", "supported", "entailment")

Labelled = tuple[str, str, bool]  # claim, quote, whether the quote supports the claim


def rows(folder: Path, name: str) -> Iterator[Labelled]:
    """Yield the claims of a set; of WiCE, on the sentences that annotators marked."""
    path = folder / f"{name}.jsonl"
    for row in read(path if path.exists() else folder / "nli" / f"{name}.jsonl.xz"):
        claim, evidence = (row.get("claim") or row["hypothesis"]), row.get("evidence")
        if isinstance(evidence, list):
            marked = next(iter(row["supporting_sentences"]), [])
            evidence = " ".join(evidence[i] for i in marked)
        evidence = evidence or row.get("premise", "")
        if evidence and row["label"] != "NOT ENOUGH INFO":
            yield claim, evidence, row["label"] in TRUE


def count(labelled: list[Labelled]) -> Counter[tuple[str, bool, bool]]:
    """Count the rows on which each rule fires, by (rule, true row, near copies only)."""
    counts: Counter[tuple[str, bool, bool]] = Counter()
    for claim, quote, true in labelled:
        found = findings(claim, quote)
        fired = {"rows", *(f.rule for f in found)}
        fired |= {"any"} if found else set()
        fired |= {"contradicts" for f in found if f.contradicts}
        fired |= {"conflict" for f in found if f.decides}
        counts.update((name, true, False) for name in fired)
        if Pair(claim, quote).near:
            counts.update((name, true, True) for name in fired)
    return counts


def main() -> None:
    """Print the two tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--all", action="store_true")
    options = parser.parse_args()
    folder = options.shared / "data" / "verify"
    names = [*SETS]
    if options.all:
        names += sorted({p.name.split(".")[0] for p in (folder / "nli").iterdir()} - set(SETS))
    counts = {}
    for name in names:
        labelled = list(rows(folder, name))
        chosen = random.Random(1).sample(labelled, min(MOST, len(labelled)))
        counts[name] = count(chosen)
    shown = ("rows", *(rule.name for rule in RULES), "any", "contradicts", "conflict")
    for near in (False, True):
        print("near copies" if near else "all rows", "(true rows / false rows)")
        print(f"{'':<12}", *(f"{name[:11]:>11}" for name in names), f"{'all':>11}", sep=" ")
        for rule in shown:
            cells = [[c[rule, true, near] for true in (True, False)] for c in counts.values()]
            cells.append([sum(column) for column in zip(*cells, strict=True)])
            print(f"{rule:<12}", *(f"{f'{a}/{b}':>11}" for a, b in cells), sep=" ")
        print()


if __name__ == "__main__":
    main()
