"""Fit the weights of search score and checker: for re-ranking hits, and for abstaining.

    python tests/benchmarks/questions.py --shared ../shared --out /tmp/bench
    python -m training.relevance --bench /tmp/bench --shared ../shared [--checker FILE] [--write]

The data are questions on passages of XQuAD and JSQuAD, in the passages' language and in the other,
that the checker was not fitted on and `tenkyo eval` does not ask; for half of them, the passages
that answer are removed. Figures are from two-fold cross-validation by article; the weights that are
written are fitted on all.
"""

from __future__ import annotations

import argparse
import json
import pickle
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from corpus.store.store import Store
from corpus.text.chunking import with_headings
from index.inference.cross_encoder import WEIGHTS, Checker, CrossEncoder
from index.inference.embedder import SentenceTransformerEmbedder
from index.inference.model_registry import BUNDLED_EMBEDDER
from index.search import Library
from index.storage.local_index import LocalIndex
from service.answering.evidence import select_evidence
from service.answering.reranking import ANSWER_FROM, answerability_features
from service.verification.calibration import CALIBRATION_FILE
from training import sources
from training.calibrate import logistic
from training.data import PAIRS_HELD

TOP_K, CHARACTERS = 8, 5000
OF_EACH = 220  # questions of a set and language
GRID = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and its hits, with search score and checker's log-odds, and which answer."""

    kind: str
    group: int  # of its article, 0 or 1
    search: np.ndarray  # [hits]
    reading: np.ndarray  # [hits]
    gold: int  # position of the passage that answers, -1 where it was taken away or not found
    answerable: bool


def questions(shared: Path, bench: Path) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield (set, kind, question, gold source, article) of questions for the fit.

    Neither was the checker fitted on them nor does `tenkyo eval` ask them.
    """
    for name, reader, language in (
        ("xquad", sources.xquad, "en"),
        ("jsquad", sources.jsquad, "ja"),
    ):
        passages, rows = reader(shared)
        lines = (bench / name / "questions.jsonl").read_text(encoding="utf-8").splitlines()
        used = {json.loads(line)["id"] for line in lines}
        within = [
            (row["question"], row["doc_id"])
            for row in rows
            if passages[row["doc_id"]].held and row["id"] not in used
        ]
        other = "ja" if language == "en" else "en"
        place = {row["id"]: row["doc_id"] for row in rows}
        across = [
            (row[other], place[row["id"]])
            for row in sources.handwritten(f"{name}_questions_{other}")
            if passages[place[row["id"]]].held
        ] + [
            (row["question"], row["doc_id"])
            for row in sources.handwritten(f"{other}_{language}_questions")
            if row["label"] == "answerable"
        ] + [
            (row["q"], row["id"])
            for row in sources.handwritten(f"pairs_{other}_{language}")
            if row["id"] in passages and sources.held("pairs" + row["id"], PAIRS_HELD)
        ]  # fmt: skip
        for kind, found in ((f"{language}→{language}", within), (f"{other}→{language}", across)):
            for question, gold in found:
                yield name, kind, question, gold, passages[gold].article


def ask(
    library: Library, checker: Checker, row: tuple[str, str, str, str, str], without: bool
) -> Asked | None:
    """Search and score the hits as the engine does, ``without`` those that answer."""
    _, kind, question, gold, article = row
    hits = library.search(question, 2 * TOP_K)
    if without:
        hits = [hit for hit in hits if hit.source.id != gold]
    shown = select_evidence(hits, TOP_K, CHARACTERS)
    if not shown:
        return None
    pairs = [(with_headings(e.passage.text, e.passage, e.source), question) for e in shown]
    found = [i for i, e in enumerate(shown) if e.source.id == gold]
    search = np.array([e.score for e in shown])
    group = int(sources.held("relevance" + article, 0.5))
    position = found[0] if found else -1
    return Asked(kind, group, search, checker.answers(pairs), position, not without)


def first(asked: Sequence[Asked], weight: float) -> float:
    """Return R@1 of the answerable questions with a weight for the checker."""
    right = [int((a.search + weight * a.reading).argmax()) == a.gold for a in asked if a.answerable]
    return float(np.mean(right)) if right else float("nan")


def best_weight(asked: Sequence[Asked]) -> float:
    """Return the weight of the grid with the most right passages first, each kind counting equally.

    Among equals, the smallest.
    """
    kinds = [[a for a in asked if a.kind == kind] for kind in dict.fromkeys(a.kind for a in asked)]
    return max(GRID, key=lambda weight: (sum(first(k, weight) for k in kinds), -weight))


def features(a: Asked) -> tuple[float, ...]:
    asked, _, read = a.kind.partition("→")
    return answerability_features(a.search, a.reading, asked == "ja", asked != read)


def fit(asked: Sequence[Asked]) -> np.ndarray:
    """Fit the weights of ``features`` for the log-odds that any hit answers."""
    x = np.array([features(a) for a in asked])
    return logistic(x, np.array([a.answerable for a in asked], float), ridge=1e-4)


def table(asked: Sequence[Asked]) -> str:
    """Return figures by kind of question, each half with weights fitted on the other."""
    lines = [
        "| questions | n | R@1, search | R@1, re-ranked | answerable refused | others answered |",
        "|---|---|---|---|---|---|",
    ]
    fitted = {
        g: (best_weight(h), fit(h)) for g in (0, 1) if (h := [a for a in asked if a.group != g])
    }
    for kind in dict.fromkeys(a.kind for a in asked):
        here = [a for a in asked if a.kind == kind]
        ranked = np.mean([first([a], fitted[a.group][0]) for a in here if a.answerable])
        says = [np.dot(features(a), fitted[a.group][1]) > ANSWER_FROM for a in here]
        refused = np.mean([not s for s, a in zip(says, here, strict=True) if a.answerable])
        wrong = np.mean([s for s, a in zip(says, here, strict=True) if not a.answerable])
        lines.append(
            f"| {kind} | {len(here)} | {first(here, 0.0):.3f} | {ranked:.3f} | {refused:.3f} |"
            f" {wrong:.3f} |"
        )
    return "\n".join(lines)


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--bench", type=Path, required=True)
    ap.add_argument("--shared", type=Path, default=Path("../shared"))
    ap.add_argument("--checker", type=Path, default=WEIGHTS)
    ap.add_argument("--each", type=int, default=OF_EACH)
    ap.add_argument("--keep", type=Path, help="what was read, as a pickle, to look at")
    ap.add_argument("--write", action="store_true", help=f"write {CALIBRATION_FILE.name}")
    args = ap.parse_args()
    checker = CrossEncoder(args.checker)
    embedder = SentenceTransformerEmbedder(BUNDLED_EMBEDDER, args.bench / "models")
    libraries = {}
    for name in ("xquad", "jsquad"):
        folder = args.bench / name
        store = Store(f"sqlite:///{(folder / 'tenkyo.db').resolve()}")
        index = LocalIndex.open(folder / "index", embedder.name)
        libraries[name] = Library(store, index, embedder)
    rng = random.Random(5)
    rows = list(questions(args.shared, args.bench))
    asked = []
    there = {s.id for library in libraries.values() for s, _ in library.store.sources()}
    for kind in dict.fromkeys(row[1] for row in rows):
        here = [row for row in rows if row[1] == kind and row[3] in there]
        for n, row in enumerate(rng.sample(here, min(args.each, len(here)))):
            found = ask(libraries[row[0]], checker, row, n % 2 == 1)
            if found is not None:
                asked.append(found)
    print(table(asked))
    if args.keep:
        args.keep.write_bytes(pickle.dumps(asked))
    weight, answers = best_weight(asked), [round(float(w), 4) for w in fit(asked)]
    print(f"reading {weight}, answerable {answers}")
    if args.write:
        held = json.loads(CALIBRATION_FILE.read_text(encoding="utf-8"))
        held["relevance"] = {"reading": weight, "answerable": answers}
        CALIBRATION_FILE.write_text(
            json.dumps(held, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
