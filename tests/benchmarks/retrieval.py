"""How often the right passage comes first: dense, BM25 and hybrid search in one run.

    python tests/benchmarks/retrieval.py [../shared/data/qa]

prints a table for docs/evaluation.md: JSQuAD (all passages, 500 questions), XQuAD, and, asked
across languages, both sets of passages in one index with the questions of training/data.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from index.embed import Embedder, Floats
from index.lexical import LexicalIndex
from index.local import LocalIndex

ROOT = Path(__file__).parents[2]
DEPTH = 50  # hits looked at
Asked = tuple[str, str]  # a question and the id of the passage that answers it


@dataclass(frozen=True)
class Row:
    """One line of the table; each figure is a share of the questions."""

    method: str
    first: float
    among_five: float
    mrr: float  # mean of 1 / rank, 0 where the rank is over 10


class Bench:
    """Passages in an index, and three ways to search them."""

    def __init__(self, passages: Sequence[dict], embedder: Embedder) -> None:
        texts = [p["text"] for p in passages]
        self.row = {p["id"]: i for i, p in enumerate(passages)}
        self.embedder = embedder
        self.vectors = embedder.embed_passages(texts)
        self.lexical = LexicalIndex()
        self.lexical.add(texts)
        self.index = LocalIndex(embedder.dim)
        self.index.add(range(len(texts)), self.vectors, texts)

    def table(self, asked: Sequence[Asked]) -> list[Row]:
        ranks: dict[str, list[int]] = {"dense": [], "BM25": [], "hybrid": []}
        for question, answer in asked:
            wanted = self.row[answer]
            vector = self.embedder.embed_query(question)
            hits = [hit.row for hit in self.index.search(vector, question, DEPTH)]
            ranks["dense"].append(_rank(self.vectors @ vector, wanted))
            ranks["BM25"].append(_rank(self.lexical.scores(question), wanted))
            ranks["hybrid"].append(hits.index(wanted) if wanted in hits else DEPTH)
        return [_row(method, np.array(found)) for method, found in ranks.items()]


def _rank(scores: Floats, wanted: int) -> int:
    """From 0; the worst that the score allows where others score the same."""
    return int((scores >= scores[wanted]).sum()) - 1


def _row(method: str, ranks: np.ndarray) -> Row:
    reciprocal = np.where(ranks < 10, 1 / (ranks + 1), 0)
    return Row(method, (ranks < 1).mean(), (ranks < 5).mean(), reciprocal.mean())


def read(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def questions(folder: Path, limit: int) -> list[Asked]:
    """A fixed random choice of the questions of a set."""
    rows = read(folder / "queries.jsonl")
    random.Random(7).shuffle(rows)
    return [(row["question"], row["doc_id"]) for row in rows[:limit]]


def translated(folder: Path, name: str, key: str) -> list[Asked]:
    """The questions of training/data, written in the language that the passage is not in."""
    place = {row["id"]: row["doc_id"] for row in read(folder / "queries.jsonl")}
    rows = read(ROOT / "training" / "data" / name)
    return [(row[key], place[row["id"]]) for row in rows if row["id"] in place]


def main() -> None:
    from index.embed import SentenceTransformerEmbedder
    from index.models import BUNDLED

    qa = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT.parent / "shared" / "data" / "qa"
    embedder = SentenceTransformerEmbedder(BUNDLED, ROOT / "data" / "models")
    ja, en = qa / "jsquad_ja", qa / "xquad_en"
    japanese, english = read(ja / "corpus.jsonl"), read(en / "corpus.jsonl")
    both = Bench(japanese + english, embedder)
    held_out = [
        (row["question"], row["doc_id"])
        for row in read(ROOT / "training" / "data" / "ja_en_questions.jsonl")
        if row["label"] == "answerable"
    ]
    runs = [
        ("JSQuAD, its passages", Bench(japanese, embedder), questions(ja, 500)),
        ("XQuAD, its passages", Bench(english, embedder), questions(en, 632)),
        ("JSQuAD, both languages' passages", both, questions(ja, 500)),
        ("XQuAD, both languages' passages", both, questions(en, 632)),
        ("Japanese questions, English answers (held out), both", both, held_out),
        ("Japanese questions, English answers, both", both,
         translated(en, "xquad_questions_ja.jsonl", "ja")),
        ("English questions, Japanese answers, both", both,
         translated(ja, "jsquad_questions_en.jsonl", "en")),
    ]  # fmt: skip
    print("| questions | n | method | R@1 | R@5 | MRR@10 |\n|---|---|---|---|---|---|")
    for name, bench, asked in runs:
        for row in bench.table(asked):
            figures = f"{row.first:.3f} | {row.among_five:.3f} | {row.mrr:.3f}"
            print(f"| {name} | {len(asked)} | {row.method} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
