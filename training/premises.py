"""Measure what the engine makes of premises, which are what questions take for granted.

    python -m training.premises --out build/premises [--part calibration] [--models data/models]

Each question with a premise of ``data/documents`` is asked of the documents that its writer wrote.
Printed are, for false and for true premises, how many have a statement, how many are said to be
unsupported, and how many are doubted; and how well true ones can be told from false ones, as AUC:
by the checker's reading of the text that agrees best with the statement (``premise_check.py``), by
its reading of the text that agrees worst, and by the reader's certainty that something answers.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from corpus.readers.markdown import read_markdown
from corpus.store.store import Store
from corpus.text.blocks import join_blocks
from corpus.text.chunking import split_into_passages
from corpus.types import Document, Source
from index.inference.cross_encoder import CrossEncoder
from index.inference.embedder import SentenceTransformerEmbedder
from index.inference.model_registry import BUNDLED_EMBEDDER
from index.ingestion.report import IngestProgress
from index.ingestion.sync import sync
from index.search import Library
from index.storage.local_index import LocalIndex
from service.answering.evidence_finder import EvidenceFinder
from service.answering.state import AnswerState
from service.questions.presuppositions import open_presupposition, presupposition
from service.verification.candidate_quotes import CandidateQuote
from training import documents
from training.evaluate import auc
from training.passages import LANGUAGES, Row

SIGNS = ("best text", "worst text", "certainty")


@dataclass(frozen=True, slots=True)
class ReadPremise:
    """A question with a premise, as the engine read it.

    Attributes:
        pair: The languages of question and document, such as ``ja→en``.
        true: Whether the document says what the question takes for granted.
        outcome: ``no statement``, ``unsupported``, ``doubted`` or ``accepted``.
        signs: By name, of SIGNS: the greatest and the least difference of the probabilities that a
            text which seems to answer says the statement and that it says otherwise, and the
            reader's log-odds that something answers; empty without a statement.
    """

    pair: str
    true: bool
    outcome: str
    signs: Mapping[str, float]


def open_library(rows: list[Row], folder: Path, embedder: SentenceTransformerEmbedder) -> Library:
    """Put documents into the index of a new folder."""
    folder.mkdir(parents=True)
    store = Store(f"sqlite:///{(folder / 'tenkyo.db').resolve()}")
    for row in rows:
        text, sections, _ = join_blocks(read_markdown(row["text"]).blocks)
        address = f"https://example.org/{row['id']}"
        source = Source(row["id"], address, row["title"], language=row["lang"])
        document = Document(source, text, sections)
        store.put(document, split_into_passages(document))
    sync(store, embedder, folder / "index", IngestProgress())
    return Library(store, LocalIndex.open(folder / "index", embedder.name), embedder)


def read(rows: list[Row], library: Library, checker: CrossEncoder) -> Iterator[ReadPremise]:
    """Ask all questions with a premise."""
    finder = EvidenceFinder(library, checker, {})
    shelves: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        shelves[row["id"].partition("-")[0]].append(row["id"])
    for row in rows:
        within = shelves[row["id"].partition("-")[0]]
        for kind, asked in row["premises"].items():
            for language in LANGUAGES:
                pair = f"{language}→{row['lang']}"
                for each in asked:
                    found = _read_one(each[language], within, finder, checker)
                    yield ReadPremise(pair, kind == "true", *found)


def _read_one(
    question: str, within: list[str], finder: EvidenceFinder, checker: CrossEncoder
) -> tuple[str, dict[str, float]]:
    statement = presupposition(question) or open_presupposition(question)
    state = AnswerState("", "", question, within=within)
    finder.read(state, finder.search(state))
    outcome = "unsupported" if state.premise else "doubted" if state.doubted else "accepted"
    if not statement or not state.parts:
        return "no statement", {}
    windows = [
        CandidateQuote(window.passage.evidence, window.start, window.end)
        for window in state.parts[0].windows
    ]
    texts = [f"{w.evidence.source.title}. {w.in_context}" for w in windows]
    scores = checker.supports([(text, statement) for text in texts]) if texts else np.zeros((0, 3))
    agreement = [float(says - denies) for says, _, denies in scores] or [0.0]
    found = max(agreement), min(agreement), state.answerability
    return outcome, dict(zip(SIGNS, found, strict=True))


def report(found: list[ReadPremise]) -> str:
    """Return the tables of the module's docstring in Markdown."""
    names = ("unsupported", "doubted", "accepted", "no statement")
    lines = [f"| premises | n | {' | '.join(names)} |", "|---|---|" + "---|" * len(names)]
    for true in (False, True):
        outcomes = Counter(each.outcome for each in found if each.true is true)
        counted = " | ".join(str(outcomes[name]) for name in names)
        lines.append(f"| {'true' if true else 'false'} | {outcomes.total()} | {counted} |")
    lines += ["", f"| languages | n | {' | '.join(SIGNS)} |", "|---|---|" + "---|" * len(SIGNS)]
    for pair in (*sorted({each.pair for each in found}), "all"):
        here = [e for e in found if e.signs and pair in (e.pair, "all")]
        holds = np.array([e.true for e in here])
        shares = [f"{auc(np.array([e.signs[name] for e in here]), holds):.2f}" for name in SIGNS]
        lines.append(f"| {pair} | {len(here)} | {' | '.join(shares)} |")
    return "\n".join(lines)


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--part", choices=("fit", "calibration", "held"), default="calibration")
    ap.add_argument("--out", type=Path, required=True, help="a folder to make, for the index")
    ap.add_argument("--models", type=Path, default=Path("data/models"))
    args = ap.parse_args()
    rows = [row for row in documents.load(args.part) if "premises" in row]
    embedder = SentenceTransformerEmbedder(BUNDLED_EMBEDDER, args.models)
    library = open_library(rows, args.out, embedder)
    print(report(list(read(rows, library, CrossEncoder()))))


if __name__ == "__main__":
    main()
