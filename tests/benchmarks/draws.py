"""The mutation test over many random draws of mutants: how much depends on its one draw.

    python -m tests.support.digest_library build/digests
    TENKYO_DATA_DIR=build/digests python tests/benchmarks/draws.py [NUMBER]

On the shipped digests, prints for each kind and language how many of all mutants of NUMBER draws
are caught, and for lies behind true clauses also how many of the same sentences without their lie
are supported. `make test` checks one draw, always the same.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from index.search import Library
from service.server import bootstrap
from service.verification.verifier import Verifier
from tests.support.digest_library import check_digests
from tests.support.lies_behind import COUNTS, lies_behind
from tests.support.mutants import KINDS, Statement, mutants, statements
from tests.support.mutation_gate import EACH, accepted_behind, caught


def main(draws: int) -> None:
    settings = bootstrap.load_settings()
    library = bootstrap.open_library(settings)
    check_digests(library.store)
    verifier = Verifier(bootstrap.create_checker(settings), library.embedder)
    found = statements(library.store)
    print("| | English | Japanese |\n| --- | --- | --- |")
    for kind in KINDS:
        row = []
        for language in ("en", "ja"):
            here = [each for each in found if each.language == language]
            tried = [
                mutant
                for seed in range(draws)
                for mutant in mutants(random.Random(seed).sample(here, len(here)), kind, EACH)
            ]
            got = sum(caught(mutant, library, verifier) for mutant in tried)
            row.append(f"{got} of {len(tried)}")
        print(f"| {kind} |", " | ".join(row), "|", flush=True)
    for count in COUNTS:
        row = [
            _behind(found, language, count, draws, library, verifier) for language in ("en", "ja")
        ]
        print(f"| behind {count} |", " | ".join(row), "|", flush=True)


def _behind(
    found: list[Statement],
    language: str,
    count: int,
    draws: int,
    library: Library,
    verifier: Verifier,
) -> str:
    """Say how many lies behind ``count`` true clauses are caught, and controls supported."""
    tried = [
        mutant
        for seed in range(draws)
        for mutant in lies_behind(found, language, count, EACH // len(COUNTS), seed)
    ]
    got = sum(caught(mutant, library, verifier) for mutant in tried)
    true = sum(accepted_behind(m.control, m, library, verifier) for m in tried)
    return f"{got} of {len(tried)} (controls supported: {true})"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
