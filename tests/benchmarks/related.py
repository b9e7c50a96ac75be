"""Suggested questions: how many answers get some, whether the library answers them, and the time.

    python tests/benchmarks/related.py FOLDER [QUESTIONS]

FOLDER is made by `python -m tests.support.digest_library FOLDER`; it is not changed. QUESTIONS is a
file like tests/data/library_questions.jsonl (the default): its first 15 answerable questions in each
language are asked in quote mode, and then every question that is suggested after them.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

from corpus.store.database import Database
from corpus.store.store import Store
from index.inference.cross_encoder import CrossEncoder
from index.inference.embedder import SentenceTransformerEmbedder
from index.inference.model_registry import BUNDLED_EMBEDDER
from index.search import Library
from index.storage.local_index import LocalIndex
from service.answering.engine import Engine
from service.answering.suggestions import Suggestions
from service.conversations.store import History

EACH = 15
QUESTIONS = Path(__file__).parents[1] / "data" / "library_questions.jsonl"


def main(folder: Path, questions: Path = QUESTIONS) -> None:
    sys.path.insert(0, str(Path(__file__).parents[2]))
    from tests.support.digest_library import check_digests

    embedder = SentenceTransformerEmbedder(BUNDLED_EMBEDDER, folder / "models")
    index = LocalIndex.open(folder / "index", embedder.name)
    library = Library(Store(f"sqlite:///{folder / 'tenkyo.db'}"), index, embedder)
    check_digests(library.store)
    with tempfile.TemporaryDirectory() as kept:
        history = History(Database(f"sqlite:///{Path(kept) / 'history.db'}"))
        engine = Engine(library, CrossEncoder(cache=folder / "models"), history)
        engine.warm_up()
        measure(engine, chosen(questions))


def chosen(questions: Path) -> list[str]:
    rows = [json.loads(line) for line in questions.read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if row.get("answerable", True)]
    of = {lang: [r["question"] for r in rows if r["language"] == lang] for lang in ("en", "ja")}
    return [question for listed in of.values() for question in listed[:EACH]]


def measure(engine: Engine, questions: list[str]) -> None:
    suggestions, counts, seconds, answered, failed = Suggestions(engine), [], [], set(), set()
    for question in questions:
        answer = asyncio.run(engine.answer(question, mode="quoted"))
        started = time.perf_counter()
        found = suggestions.related(answer.id)
        seconds.append(time.perf_counter() - started)
        counts.append(len(found))
        print(f"{question}\n   " + "\n   ".join(found))
        for related in found:
            if related not in answered | failed:
                made = asyncio.run(engine.answer(related, mode="quoted"))
                (answered if made.claims else failed).add(related)
    seconds.sort()
    some = sum(count >= 2 for count in counts)
    print(
        f"\n{len(counts)} answers, {some} with two related questions or more, {sum(counts)} in all"
    )
    print(f"{len(answered) + len(failed)} different ones asked, {len(answered)} answered", *failed)
    print(f"seconds: median {seconds[len(seconds) // 2]:.2f}, longest {seconds[-1]:.2f}")
    for language in ("en", "ja"):
        print(language, *suggestions.examples(language), sep="\n   ")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
