"""How long rules and checker take for a sentence, and for a clause of it.

    python tests/benchmarks/sentences.py [--data data]

The true sentences of tests/data/strong about the library that ships, each checked once beside the
evidence that a search for its question finds. The first sentence of an answer is checked once
before, as the evidence is then read and embedded for the others too.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from index.inference.cross_encoder import CrossEncoder  # noqa: E402
from service.server.bootstrap import open_library  # noqa: E402
from service.settings import Settings  # noqa: E402
from service.text.clauses import clauses  # noqa: E402
from service.types import Draft  # noqa: E402
from service.verification.verifier import Verifier  # noqa: E402
from tests.support.mutation_gate import evidence_for  # noqa: E402
from tests.support.strong.rows import load  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=ROOT / "data", help="of the shipped library")
    given = parser.parse_args()
    library = open_library(Settings(data_dir=given.data))
    verifier = Verifier(CrossEncoder(cache=given.data / "models"), library.embedder)
    whole: list[float] = []
    each: list[float] = []
    for question in load().questions.values():
        if question.collection != "library":
            continue
        evidence = evidence_for(question.text, library)
        verifier.check(Draft(question.sentences[0].text, (1,)), evidence)
        for sentence in question.sentences:
            began = time.perf_counter()
            verifier.check(Draft(sentence.text, (1,)), evidence)
            spent = 1e3 * (time.perf_counter() - began)
            whole.append(spent)
            each.append(spent / len(clauses(sentence.text)))
    for name, spent in (("a sentence", whole), ("a clause", each)):
        tenth = statistics.quantiles(spent, n=10)[-1]
        middle = statistics.median(spent)
        print(f"ms {name}: median {middle:.0f}, nine in ten {tenth:.0f}, of {len(spent)}")


if __name__ == "__main__":
    main()
