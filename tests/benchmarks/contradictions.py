"""How often a false sentence is contradicted by a quote of the true sentence that it was made from.

    python tests/benchmarks/contradictions.py

A number, a name, a date or the sense of sentences of the library is changed by rule (see
tests/support/mutants.py), or a lie is put behind a true clause (see tests/support/lies_behind.py),
and each is verified against what a search for it finds. Prints how many
are withheld, how many of these are called contradicted, and for how many the quote is the original.
"""

from __future__ import annotations

import random
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from service.answering.evidence import select_evidence
from service.server import bootstrap
from service.settings import read_settings
from service.types import Draft
from tests.support.lies_behind import lies_behind
from tests.support.mutants import Mutant, Statement, mutants, statements

EACH = 40  # mutants of a kind and language
TOP_K, CHARACTERS = 8, 8000
_MONTHS = (
    "January February March April May June July August September October November December".split()
)
_DATE = re.compile(
    rf"\b(?:{'|'.join(_MONTHS)})\b(?= \d| of|,)|(?<!\d)(?:1[0-2]|[1-9])(?=月)|\b(?:19|20)\d\d\b"
)


def dated(found: Sequence[Statement], most: int) -> Iterator[Mutant]:
    """Make mutants with another month or year."""
    rng = random.Random("date")
    for s in rng.sample(list(found), len(found)):
        match = _DATE.search(s.text)
        if not match or most <= 0:
            continue
        old = match[0]
        if old in _MONTHS:
            new = rng.choice([m for m in _MONTHS if m != old])
        elif len(old) == 4:
            new = str(int(old) - rng.randint(1, 9))
        else:
            new = str(rng.choice([n for n in range(1, 13) if n != int(old)]))
        most -= 1
        changed = s.text[: match.start()] + new + s.text[match.end() :]
        yield Mutant("date", s.language, changed, s)


def made_of(here: Sequence[Statement], language: str, kind: str) -> Iterable[Mutant]:
    """Make the mutants of a kind; of lies behind true clauses, those behind one."""
    if kind == "behind":
        return lies_behind(here, language, 1, EACH)
    return dated(here, EACH) if kind == "date" else mutants(here, kind, EACH)


def main() -> None:
    engine, _ = bootstrap.create_engine(read_settings())
    found = statements(engine.library.store)
    for language in ("en", "ja"):
        here = [s for s in found if s.language == language]
        for kind in ("number", "name", "date", "negation", "behind"):
            made = made_of(here, language, kind)
            total: Counter[str] = Counter()
            for mutant in made:
                hits = engine.library.search(mutant.claim, TOP_K)
                evidence = select_evidence(hits, TOP_K, CHARACTERS)
                claim = engine.verifier.check(Draft(mutant.claim, (1,)), evidence)
                total["of"] += 1
                if claim.verdict.label == "supported":
                    continue
                total["withheld"] += 1
                total[claim.verdict.label] += 1
                quoted = any(mutant.original.text in c.quote for c in claim.citations)
                total["original quoted"] += quoted
                if not quoted and "-v" in sys.argv:
                    there = any(mutant.original.text in e.passage.text for e in evidence)
                    print(f"  {claim.verdict.label}, {claim.reason}\n    {mutant.claim}")
                    print(f"    of   {mutant.original.text}", "" if there else "(not found)")
                    print("    says", *(c.quote for c in claim.citations))
            print(f"{language} {kind:<9}", dict(total), flush=True)


if __name__ == "__main__":
    main()
