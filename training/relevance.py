"""Fit the weights that rank passages and tell whether a part of one answers.

    python -m training.relevance --shared ../shared --out build/relevance [--reader FILE] [--write]

All passages of XQuAD and JSQuAD are in one index. The questions are on articles and passages that
the reader was not fitted on, in the passages' language and in the other: those of the sets, those
of the hand-written pairs, and near unanswerable ones with their controls
(``data/near_unanswerable_*.jsonl``). Every third answerable question is asked a second time while
its own passage is left out of the search and its neighbours stay. Figures are from two-fold
cross-validation by article; the weights that are written are fitted on all.
"""

from __future__ import annotations

import argparse
import json
import pickle
import random
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from corpus.store.store import Store
from corpus.text.chunking import split_into_passages
from corpus.text.sentences import sentence_spans
from corpus.types import Document, Source
from index.inference.cross_encoder import READER_WEIGHTS, Checker, CrossEncoder
from index.inference.embedder import SentenceTransformerEmbedder
from index.inference.model_registry import BUNDLED_EMBEDDER
from index.ingestion.report import IngestProgress
from index.ingestion.sync import sync
from index.lexical.tokenizer import is_japanese
from index.search import Library
from index.storage.local_index import LocalIndex
from service.answering.answer_windows import answer_windows
from service.answering.evidence import reserve_languages, select_evidence
from service.answering.question_reading import ReadPassage, read_passages
from service.answering.reranking import answer_features
from service.verification.calibration import CALIBRATION_FILE
from service.verification.provenance import Originals
from training import reading, sources
from training.calibrate import logistic
from training.reading import Asked
from training.sources import Passage

TOP_K, CHARACTERS = 8, 5000
OF_EACH = 260  # questions of a set and language
NEAR = tuple(f"near_unanswerable_{pair}" for pair in ("en_en", "ja_en", "en_ja", "ja_ja"))
SEARCH = (0.0, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0)
ACROSS = (-8.0, -6.0, -4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0)


@dataclass(frozen=True, slots=True)
class Read:
    """A question and the passages that were read for it.

    ``gold`` is the id of the passage that answers, "" where none does; ``half`` that of its
    article, 0 or 1.
    """

    kind: str
    half: int
    asked: Asked
    gold: str
    passages: tuple[ReadPassage, ...]

    @property
    def pair(self) -> str:
        """The languages of question and passage."""
        return self.kind.split(",")[0]

    def answered_by(self, passage: ReadPassage, start: int, end: int) -> bool:
        """Whether a part of a passage has the answer."""
        if not self.gold or passage.evidence.source.id != self.gold:
            return False
        text = passage.evidence.passage.text[start:end]
        if self.asked.answers:
            return any(answer in text for answer in self.asked.answers)
        return any(a < end and start < b for a, b in self.asked.sentences)


def library(
    passages: dict[str, Passage], folder: Path, embedder: SentenceTransformerEmbedder
) -> Library:
    """Open the index over some passages, each a source; made if it is not there."""
    if not (folder / "index").exists():
        partial = folder.with_suffix(".part")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        store = Store(f"sqlite:///{(partial / 'tenkyo.db').resolve()}")
        for key, passage in passages.items():
            language = "ja" if is_japanese(passage.text) else "en"
            title = passage.article.replace("_", " ")
            source = Source(key, f"https://example.org/{key}", title, language=language)
            document = Document(source, passage.text)
            store.put(document, split_into_passages(document))
        sync(store, embedder, partial / "index", IngestProgress())
        del store
        partial.rename(folder)
    store = Store(f"sqlite:///{(folder / 'tenkyo.db').resolve()}")
    return Library(store, LocalIndex.open(folder / "index", embedder.name), embedder)


def questions(shared: Path) -> tuple[dict[str, Passage], list[tuple[str, Asked]]]:
    """Return the passages of both sets, and (kind, question) of all that are held out."""
    _, _, held = reading.collect(shared)
    passages = {**sources.xquad(shared)[0], **sources.jsquad(shared)[0]}
    found = [asked for asked in held if asked.home in passages]
    for name in NEAR:
        for row in sources.handwritten(name):
            spans = sentence_spans(passages[row["doc_id"]].text)
            gold = tuple(spans[n] for n in row.get("s", ()))
            found.append(Asked(row["question"], row["doc_id"], gold, source=name))
    named = []
    for asked in found:
        pair = "→".join(
            "ja" if is_japanese(text) else "en"
            for text in (asked.question, passages[asked.home].text)
        )
        near = asked.source.startswith("near")
        kind = "near" if near else "pairs" if asked.source.startswith("pairs") else "own"
        named.append((f"{pair}, {kind}", asked))
    return passages, named


def read(
    found: Library, checker: Checker, kind: str, asked: Asked, article: str, without: bool
) -> Read:
    """Search and read as the engine does, perhaps ``without`` the passage that answers."""
    within = None
    if without:
        within = [s.id for s, _ in found.store.sources() if s.id != asked.home]
    hits = reserve_languages(found.search(asked.question, 2 * TOP_K, within), TOP_K)
    chosen = select_evidence(hits, TOP_K, CHARACTERS)
    passages = tuple(read_passages(asked.question, chosen, checker))
    gold = "" if without or not asked.sentences else asked.home
    half = int(sources.held("relevance" + article, 0.5))
    return Read(kind + (", without" if without else ""), half, asked, gold, passages)


def first(asked: Sequence[Read], search: float, across: float) -> float:
    """Return the share of questions whose passage is first with some weights."""
    right = []
    for each in asked:
        scores = [
            search * p.evidence.score + p.answers() + across * p.across for p in each.passages
        ]
        best = each.passages[int(np.argmax(scores))]
        right.append(best.evidence.source.id == each.gold)
    return float(np.mean(right))


def best_ranking(asked: Sequence[Read]) -> tuple[float, float]:
    """Return the weights of the grid with the most right passages first, each pair alike."""
    there = [a for a in asked if a.gold]
    pairs = [[a for a in there if a.pair == pair] for pair in sorted({a.pair for a in there})]
    grid = [(search, across) for search in SEARCH for across in ACROSS]
    return max(grid, key=lambda w: (sum(first(p, *w) for p in pairs), -abs(w[1]), -w[0]))


def features(asked: Read) -> tuple[tuple[float, ...], bool]:
    """Return the features of the best window, and whether it has the answer."""
    (window,) = answer_windows(asked.passages, Originals(()), 1)
    passage = window.passage
    found = answer_features(
        window.odds, passage.answers(), passage.evidence.score, passage.japanese, passage.across
    )
    return found, asked.answered_by(passage, window.start, window.end)


def fit(asked: Sequence[Read]) -> np.ndarray:
    """Fit the weights of the features for the log-odds that the best window answers.

    Each pair of languages counts alike, and so do questions with and without an answer.
    """
    rows = [features(a) for a in asked]
    x, y = np.array([r[0] for r in rows]), np.array([r[1] for r in rows], float)
    groups = [(a.pair, bool(a.gold)) for a in asked]
    size = {group: groups.count(group) for group in set(groups)}
    counts = np.array([1 / size[group] for group in groups])
    return logistic(x, y, 1e-3, counts / counts.mean())


def table(asked: Sequence[Read], threshold: float) -> str:
    """Return figures by kind of question, each half with weights fitted on the other."""
    lines = []
    fitted = {g: fit([a for a in asked if a.half != g]) for g in (0, 1)}
    for kind in sorted({a.kind for a in asked}):
        here = [a for a in asked if a.kind == kind]
        rows = [features(a) for a in here]
        odds = np.array([np.dot(x, fitted[a.half]) for (x, _), a in zip(rows, here, strict=True)])
        right = np.array([r for _, r in rows])
        has = np.array([bool(a.gold) for a in here])
        parts = [kind, str(len(here))]
        for some, label in ((has, "answerable"), (~has, "not")):
            if some.any():
                parts.append(
                    f"{label}: first {right[some].mean():.3f}, refused"
                    f" {(odds[some] <= threshold).mean():.3f}, wrong with a tick"
                    f" {((odds[some] > 0) & ~right[some]).mean():.3f}"
                )
        lines.append(" | ".join(parts))
    return "\n".join(lines)


def rows_of(
    found: Library, checker: Checker, named: Sequence[tuple[str, Asked]], each: int
) -> Iterator[Read]:
    """Read the questions, at most so many of a kind, always the same."""
    rng = random.Random(5)
    article = {s.id: s.title for s, _ in found.store.sources()}
    for kind in sorted({kind for kind, _ in named}):
        here = [asked for k, asked in named if k == kind]
        for n, asked in enumerate(rng.sample(here, min(each, len(here)))):
            yield read(found, checker, kind, asked, article[asked.home], False)
            if n % 3 == 0 and asked.sentences:
                yield read(found, checker, kind, asked, article[asked.home], True)


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--shared", type=Path, default=Path("../shared"))
    ap.add_argument("--out", type=Path, required=True, help="folder of the index, which is kept")
    ap.add_argument("--reader", type=Path, default=READER_WEIGHTS)
    ap.add_argument("--each", type=int, default=OF_EACH)
    ap.add_argument("--keep", type=Path, help="what was read, as a pickle, made or used again")
    ap.add_argument("--write", action="store_true", help=f"write {CALIBRATION_FILE.name}")
    args = ap.parse_args()
    if args.keep and args.keep.exists():
        asked = pickle.loads(args.keep.read_bytes())
    else:
        passages, named = questions(args.shared)
        embedder = SentenceTransformerEmbedder(BUNDLED_EMBEDDER, args.out / "models")
        found = library(passages, args.out / "both", embedder)
        asked = list(rows_of(found, CrossEncoder(reader=args.reader), named, args.each))
        if args.keep:
            args.keep.write_bytes(pickle.dumps(asked))
    search, across = best_ranking(asked)
    print(f"search {search}, across {across}")
    print(table(asked, -0.5))
    weights = [round(float(w), 4) for w in fit(asked)]
    print(f"answers {weights}")
    if args.write:
        held = json.loads(CALIBRATION_FILE.read_text(encoding="utf-8"))
        ranking = {"search": search, "across": across}
        held["relevance"] = {"ranking": ranking, "answers": weights}
        CALIBRATION_FILE.write_text(
            json.dumps(held, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
