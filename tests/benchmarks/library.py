"""How many questions quote mode answers correctly from the digests of the library.

    python -m tests.support.digest_library build/digests
    TENKYO_DATA_DIR=build/digests python tests/benchmarks/library.py [QUESTIONS.jsonl …]

A question that the library can answer is right if the quote of the first citation has what an
answer must have; one that it cannot answer is right if the engine abstains.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from service.answering.engine import Engine
from service.types import Answer, Claim

DATA = Path(__file__).parents[1] / "data"


@dataclass(frozen=True)
class Result:
    """One question: ``right`` is a supporting first citation, or a due abstention."""

    question: dict
    answer: Answer
    right: bool

    @property
    def line(self) -> str:
        said = self.answer.claims[0].citations[0].quote if self.answer.claims else "(abstains)"
        return f"{self.question['id']} {self.question['question']} -> {said}"


def supports(question: dict, quote: str) -> bool:
    """Whether a quote has one string of each group that an answer must have."""
    folded = quote.casefold()
    return all(any(s.casefold() in folded for s in group) for group in question["must_contain"])


def cites_answer(question: dict, claim: Claim) -> bool:
    """Whether the first citation of a claim supports the answer.

    A field of the catalogue is a value alone: it has to be what was asked for, the last of the
    groups, and its card that of a source with the answer.
    """
    first = claim.citations[0]
    if not first.metadata:
        return supports(question, first.quote)
    asked = question | {"must_contain": question["must_contain"][-1:]}
    return first.source_id in question["sources"] and supports(asked, first.quote)


def ask_all(engine: Engine, questions: list[dict]) -> list[Result]:
    async def run() -> list[Result]:
        results = []
        for question in questions:
            answer = await engine.answer(question["question"], mode="quoted")
            if question["answerable"]:
                right = bool(answer.claims) and cites_answer(question, answer.claims[0])
            else:
                right = answer.abstained
            results.append(Result(question, answer, right))
        return results

    return asyncio.run(run())


def read(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def summary(results: list[Result]) -> dict[str, str]:
    """Count right answers and questions of each kind."""
    kinds = {
        "answerable": lambda q: q["answerable"],
        "English": lambda q: q["answerable"] and q["language"] == "en",
        "Japanese": lambda q: q["answerable"] and q["language"] == "ja",
        "Japanese, only in English digests": lambda q: q["cross_lingual"],
        "unanswerable": lambda q: not q["answerable"],
    }
    counted = {}
    for name, belongs in kinds.items():
        rows = [r for r in results if belongs(r.question)]
        counted[name] = f"{sum(r.right for r in rows)} of {len(rows)}"
    return counted


def main() -> None:
    sys.path.insert(0, str(DATA.parents[1]))
    from corpus.store.store import Store
    from index.inference.cross_encoder import CrossEncoder
    from index.inference.embedder import SentenceTransformerEmbedder
    from index.search import Library
    from index.storage.local_index import LocalIndex
    from service.conversations.store import History
    from service.settings import read_settings
    from tests.support.digest_library import check_digests

    settings = read_settings()
    embedder = SentenceTransformerEmbedder(settings.embedder, settings.models_dir)
    index = LocalIndex.open(settings.index_dir, embedder.name)
    store = Store(settings.database)
    check_digests(store)
    engine = Engine(
        Library(store, index, embedder),
        CrossEncoder(cache=settings.models_dir),
        History(store.database),
    )
    names = sys.argv[1:] or [
        str(DATA / "library_questions.jsonl"),
        str(DATA / "library_questions_oblique.jsonl"),
    ]
    for name in names:
        results = ask_all(engine, read(Path(name)))
        print(f"## {Path(name).stem}")
        for result in results:
            if not result.right:
                print("  wrong:", result.line)
        for kind, figure in summary(results).items():
            print(f"| {kind} | {figure} |")


if __name__ == "__main__":
    main()
