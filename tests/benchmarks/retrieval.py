"""How often the right passage is ranked first, by dense, BM25 and hybrid search.

    python tests/benchmarks/retrieval.py [../shared/data/qa]
    python tests/benchmarks/retrieval.py --read build/relevance [../shared/data/qa]

Prints a table for docs/evaluation.md: JSQuAD (all passages, 500 questions), XQuAD, and, across
languages, both sets of passages in one index with the questions of training/data. For questions on
articles that the checker was not fitted on, also re-ranking of the first ten hits by the checker,
and its time.

With ``--read`` and the folder of ``training/relevance.py``, whose index it uses or makes: how often
the passage that answers is among those that the engine reads, by the languages of question and
passage, on questions that no model was fitted on.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from index.inference.cross_encoder import Checker, CrossEncoder
from index.inference.embedder import Embedder, SentenceTransformerEmbedder
from index.inference.model_registry import BUNDLED_EMBEDDER
from index.lexical.bm25 import Scorer
from index.lexical.postings import LexicalQuery, Postings, Statistics
from index.lexical.tokenizer import is_japanese
from index.storage.local_index import LocalIndex
from index.types import Floats
from service.answering.evidence import reserve_languages, select_evidence
from service.answering.reranking import combined_score
from service.verification.calibration import load_calibration
from training import sources

ROOT = Path(__file__).parents[2]
DEPTH = 50  # hits looked at
RERANKED = 10
EACH = 150  # questions of each pair of languages whose evidence is looked at
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
        self.read = [text.replace(" [SEP] ", "\n") for text in texts]  # below their titles
        self.row = {p["id"]: i for i, p in enumerate(passages)}
        self.embedder = embedder
        self.seconds: list[float] = []  # that re-ranking took, a question
        self.vectors = embedder.embed_passages(texts)
        self.lexical = Postings.of(texts)
        self.index = LocalIndex(embedder.dim)
        self.index.add(range(len(texts)), self.vectors, texts)

    def _bm25(self, question: str) -> Floats:
        query = LexicalQuery.of(question, Statistics.of([(self.lexical, None)]))
        return Scorer(self.lexical, query).scores(np.arange(len(self.lexical)))

    def table(self, asked: Sequence[Asked], checker: Checker | None = None) -> list[Row]:
        """Make a row for each method; with a checker, also one re-ranked as the engine does it."""
        ranks: dict[str, list[int]] = {"dense": [], "BM25": [], "hybrid": []}
        for question, answer in asked:
            wanted = self.row[answer]
            vector = self.embedder.embed_query(question)
            found = self.index.search(vector, question, DEPTH)
            hits = [hit.row for hit in found]
            ranks["dense"].append(_rank(self.vectors @ vector, wanted))
            ranks["BM25"].append(_rank(self._bm25(question), wanted))
            ranks["hybrid"].append(hits.index(wanted) if wanted in hits else DEPTH)
            if checker:
                first = [self.read[row] for row in hits[:RERANKED]]
                started = time.perf_counter()
                readings = checker.read([(text, question) for text in first])
                self.seconds.append(time.perf_counter() - started)
                japanese = is_japanese(question)
                weights = load_calibration().ranking
                across = [is_japanese(text) != japanese for text in first]
                scores = [
                    combined_score(hit.score, reading.answers(), differs, weights)
                    for hit, reading, differs in zip(found, readings, across, strict=False)
                ]
                best = np.argsort(-np.array(scores), kind="stable")
                order = [hits[i] for i in best] + hits[RERANKED:]
                rank = order.index(wanted) if wanted in order else DEPTH
                ranks.setdefault("re-ranked", []).append(rank)
        return [_row(method, np.array(found)) for method, found in ranks.items()]


def _rank(scores: Floats, wanted: int) -> int:
    """Return the rank, from 0; among equal scores the worst possible."""
    return int((scores >= scores[wanted]).sum()) - 1


def _row(method: str, ranks: np.ndarray) -> Row:
    reciprocal = np.where(ranks < 10, 1 / (ranks + 1), 0)
    return Row(method, (ranks < 1).mean(), (ranks < 5).mean(), reciprocal.mean())


def read(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def questions(folder: Path, limit: int) -> list[Asked]:
    """Choose questions of a set, at random but always the same."""
    rows = read(folder / "queries.jsonl")
    random.Random(7).shuffle(rows)
    return [(row["question"], row["doc_id"]) for row in rows[:limit]]


def apart(passages: dict[str, sources.Passage], rows: Sequence[dict]) -> list[Asked]:
    """Return the questions on articles that the checker was not fitted on."""
    return [(r["question"], r["doc_id"]) for r in rows if passages[r["doc_id"]].held]


def translated(folder: Path, name: str, key: str) -> list[Asked]:
    """Return the questions of training/data, which are in another language than their passages."""
    place = {row["id"]: row["doc_id"] for row in read(folder / "queries.jsonl")}
    rows = read(ROOT / "training" / "data" / name)
    return [(row[key], place[row["id"]]) for row in rows if row["id"] in place]


def print_read(shared: Path, folder: Path, embedder: SentenceTransformerEmbedder) -> None:
    """Print how often the passage that answers is among those that the engine reads."""
    from training import relevance

    passages, named = relevance.questions(shared)
    found = relevance.open_library(passages, folder / "both", embedder)
    of_pair: dict[str, list[tuple[str, str]]] = {}
    for kind, asked in named:
        if asked.sentences:
            of_pair.setdefault(kind.split(",")[0], []).append((asked.question, asked.home))
    limit = relevance.TOP_K
    print("| question→passage | n | first in the search | read |\n|---|---|---|---|")
    for pair, rows in sorted(of_pair.items()):
        first, read = [], []
        chosen = random.Random(5).sample(rows, min(EACH, len(rows)))
        for question, home in chosen:
            hits = found.search(question, 2 * limit)
            evidence = select_evidence(reserve_languages(hits, limit), limit, relevance.CHARACTERS)
            first.append(hits[0].source.id == home)
            read.append(any(e.source.id == home for e in evidence))
        print(
            f"| {pair} | {len(chosen)} | {np.mean(first):.3f} | {np.mean(read):.3f} |", flush=True
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("qa", nargs="?", type=Path, default=ROOT.parent / "shared" / "data" / "qa")
    parser.add_argument("--read", type=Path, metavar="FOLDER")
    args = parser.parse_args()
    qa = args.qa
    embedder = SentenceTransformerEmbedder(BUNDLED_EMBEDDER, ROOT / "data" / "models")
    if args.read:
        print_read(qa.parents[1], args.read, embedder)
        return
    ja, en = qa / "jsquad_ja", qa / "xquad_en"
    japanese, english = read(ja / "corpus.jsonl"), read(en / "corpus.jsonl")
    both = Bench(japanese + english, embedder)
    held_out = [
        (row["question"], row["doc_id"])
        for row in read(ROOT / "training" / "data" / "ja_en_questions.jsonl")
        if row["label"] == "answerable"
    ]
    checker = CrossEncoder(cache=ROOT / "data" / "models")
    of_ja, of_en = Bench(japanese, embedder), Bench(english, embedder)
    shared = qa.parents[1]
    runs = [
        ("JSQuAD, its passages", of_ja, questions(ja, 500), None),
        ("XQuAD, its passages", of_en, questions(en, 632), None),
        ("JSQuAD, its passages (held out)", of_ja, apart(*sources.jsquad(shared)), checker),
        ("XQuAD, its passages (held out)", of_en, apart(*sources.xquad(shared)), checker),
        ("JSQuAD, both languages' passages", both, questions(ja, 500), None),
        ("XQuAD, both languages' passages", both, questions(en, 632), None),
        ("Japanese questions, English answers (held out), both", both, held_out, checker),
        ("Japanese questions, English answers, both", both,
         translated(en, "xquad_questions_ja.jsonl", "ja"), None),
        ("English questions, Japanese answers, both", both,
         translated(ja, "jsquad_questions_en.jsonl", "en"), None),
    ]  # fmt: skip
    print("| questions | n | method | R@1 | R@5 | MRR@10 |\n|---|---|---|---|---|---|")
    for name, bench, asked, judge in runs:
        for row in bench.table(asked, judge):
            figures = f"{row.first:.3f} | {row.among_five:.3f} | {row.mrr:.3f}"
            print(f"| {name} | {len(asked)} | {row.method} | {figures} |", flush=True)
    for bench in (of_ja, of_en, both):
        print(f"re-ranking {RERANKED}: {1000 * np.median(bench.seconds):.0f} ms at the median")


if __name__ == "__main__":
    main()
