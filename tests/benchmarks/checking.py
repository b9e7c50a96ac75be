"""Effect of verifying the likeliest quote first: pairs saved, and verdicts that change.

    python -m tests.support.digest_library build/digests
    python tests/benchmarks/checking.py [--data FOLDER] [--each N]

Verifies claims twice, once with all candidate quotes and once with the likeliest first: true
sentences of the library (every other one without its note in brackets), their mutants, and the
facts of ../shared where that is there. Prints how many pairs of quote and claim the checker read,
and which verdicts differ. Then runs the checker on each pair alone and on eight at once: the other
pairs of a batch must not change a probability.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from corpus.store.store import Store  # noqa: E402
from index.inference.cross_encoder import CrossEncoder  # noqa: E402
from index.inference.embedder import SentenceTransformerEmbedder  # noqa: E402
from index.inference.model_registry import BUNDLED_EMBEDDER  # noqa: E402
from index.search import Library  # noqa: E402
from index.storage.local_index import LocalIndex  # noqa: E402
from index.types import Floats  # noqa: E402
from service.answering.evidence import originals_of, select_evidence  # noqa: E402
from service.types import Claim, Draft, Evidence  # noqa: E402
from service.verification.calibration import features, load_calibration  # noqa: E402
from service.verification.citation_selection import SUPPORTED  # noqa: E402
from service.verification.claim_reading import ClaimReading  # noqa: E402
from service.verification.verifier import Verifier  # noqa: E402
from tests.support.digest_library import check_digests  # noqa: E402
from tests.support.mutants import KINDS, mutants, statements, without_note  # noqa: E402

FACTS = ROOT.parent / "shared" / "facts" / "facts.jsonl"


@dataclass
class Counting:
    """A checker that records the pairs it reads."""

    checker: CrossEncoder
    name: str = "counting"
    read: list[tuple[str, str]] = field(default_factory=list)

    def supports(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        self.read += pairs
        return self.checker.supports(pairs)

    def reads_whole(self, claim: str) -> bool:
        return self.checker.reads_whole(claim)


class Whole(Verifier):
    """A verifier that always reads all candidate quotes."""

    def _clear(self, *_: object) -> ClaimReading | None:
        return None


Case = tuple[str, Draft, tuple[Evidence, ...]]


def cases(library: Library, each: int) -> Iterator[Case]:
    """Yield (kind, draft, evidence); each draft cites its own passage, or else the nearest one."""

    def found(claim: str) -> tuple[Evidence, ...]:
        return select_evidence(library.search(claim, 8), 8, 8000)

    known = statements(library.store)
    for language in ("en", "ja"):
        here = [s for s in known if s.language == language]
        for n, text in enumerate(list(dict.fromkeys(s.text for s in here))[:each]):
            claim = without_note(text) if n % 2 else text
            evidence = found(claim)
            own = [e.label for e in evidence if claim[:60] in e.passage.text]
            yield f"{language}, true", Draft(claim, tuple(own[:1]) or (1,)), evidence
        for mutant in (m for kind in KINDS for m in mutants(here, kind, max(1, each // 12))):
            other = mutant.passage
            evidence = (Evidence(1, other.passage, other.source, 0.0),) if other else ()
            yield f"{language}, false", Draft(mutant.claim, (1,)), evidence or found(mutant.claim)
    for line in FACTS.read_text(encoding="utf-8").splitlines() if FACTS.exists() else ():
        fact = json.loads(line)["fact"]
        yield "facts", Draft(fact, (1,)), found(fact)


def compare(library: Library, checker: CrossEncoder, each: int) -> set[tuple[str, str]]:
    """Print how the verdicts of the two ways differ; return all pairs that were read."""
    counting, originals = Counting(checker), originals_of(library.store)
    ways = [kind(counting, library.embedder) for kind in (Whole, Verifier)]
    table: dict[str, Counter[str]] = defaultdict(Counter)
    pairs: set[tuple[str, str]] = set()
    for kind, draft, evidence in cases(library, each):
        row, made = table[kind], []
        row["claims"] += 1
        for way, verifier in zip(("all", "first"), ways, strict=True):
            counting.read, began = [], time.process_time()
            made.append(verifier.check(draft, evidence, originals))
            row[f"ms, {way}"] += round(1e3 * (time.process_time() - began))
            row[f"read, {way}"] += len(counting.read)
            pairs.update(counting.read)
        whole, first = made
        row["other verdict"] += whole.verdict.label != first.verdict.label
        row["other passage"] += cited(whole, "passage_id") != cited(first, "passage_id")
        row["other quote"] += cited(whole, "quote") != cited(first, "quote")
    for kind, row in table.items():
        print(kind, dict(row))
    return pairs


def cited(claim: Claim, name: str) -> list[str]:
    return [getattr(citation, name) for citation in claim.citations]


def neighbours(pairs: Sequence[tuple[str, str]], checker: CrossEncoder) -> None:
    """Print by how much probabilities differ between batches of one and of eight."""
    alone = np.concatenate([checker.supports([pair]) for pair in pairs])
    eights = [checker.supports(pairs[i : i + 8]) for i in range(0, len(pairs), 8)]
    together = np.concatenate(eights)
    off = np.abs(alone - together).max(1)
    borne = [
        [
            load_calibration().probability(features(b, a, float(p[0]), float(p[0]), ()))
            >= SUPPORTED
            for p in two
        ]
        for (a, b), two in zip(pairs, zip(alone, together, strict=True), strict=True)
    ]
    print(
        f"{len(pairs)} pairs alone and eight at once: probabilities off by"
        f" {np.quantile(off, 0.5):.4f} (median), {np.quantile(off, 0.95):.4f} (95 %),"
        f" {off.max():.4f} (most); support otherwise: {sum(a != b for a, b in borne)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--data", type=Path, default=ROOT / "build" / "digests", help="of the shipped digests"
    )
    parser.add_argument("--each", type=int, default=150, help="true claims in each language")
    parser.add_argument("--every", type=int, default=1, help="pair is read alone, too")
    given = parser.parse_args()
    embedder = SentenceTransformerEmbedder(BUNDLED_EMBEDDER, given.data / "models")
    checker = CrossEncoder(cache=given.data / "models")
    index = LocalIndex.open(given.data / "index", embedder.name)
    library = Library(Store(f"sqlite:///{given.data / 'tenkyo.db'}"), index, embedder)
    check_digests(library.store)
    neighbours(sorted(compare(library, checker, given.each))[:: given.every], checker)


if __name__ == "__main__":
    main()
