"""How well documents are found that a question describes, and the weights of that.

    python -m training.descriptions --out build/descriptions

``data/descriptions_calibration.jsonl`` and ``data/descriptions_held.jsonl`` have four descriptions
of each of 48 documents (of those for calibration, and of held-out ones with two writers' others):
two in English, two in Japanese, of each language the second by one thing in it. The first are for
the weights and thresholds of ``service.answering.described_source``; the second for measuring. All
documents of a file are in one library. Prints the weights that a conditional logit over the
candidates gives, and how many documents are found by those that ship, and taken for one that was
left out.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from corpus.store.store import Store
from corpus.types import Source
from index.inference.batch_scheduler import BatchScheduler
from index.inference.embedder import SentenceTransformerEmbedder
from index.inference.model_registry import BUNDLED_EMBEDDER
from index.inference.shared_models import SharedEmbedder
from index.search import Library
from index.storage.local_index import LocalIndex
from service.answering.described_source import candidates, described_source
from service.ingestion.pipeline import IngestRequest
from service.server.bootstrap import create_ingestion_pipeline
from service.settings import Settings
from training import documents
from training.documents import LANGUAGES, Row

DATA = Path(__file__).parent / "data"
RIDGE = 0.05
WRITERS = ("l1-", "l3-")  # of documents that are described beside the held-out ones


@dataclass(frozen=True)
class Described:
    """A description of a document, with the language of either."""

    document: str
    text: str
    languages: tuple[str, str]


def described_rows(name: str) -> tuple[list[Row], list[Described]]:
    """Return the documents of a file of descriptions, and the descriptions."""
    rows = list(documents.load("held" if name == "held" else "calibration"))
    if name == "held":
        rows += [row for row in documents.load() if row["id"].startswith(WRITERS)]
    by_id = {row["id"]: row for row in rows}
    found = []
    for line in (DATA / f"descriptions_{name}.jsonl").read_text(encoding="utf-8").splitlines():
        given = json.loads(line)
        found += [
            Described(given["id"], text, (language, by_id[given["id"]]["lang"]))
            for language in LANGUAGES
            for text in given[language]
        ]
    return rows, found


def open_library(rows: list[Row], folder: Path, models: Path) -> Library:
    """Open a library of documents; ingest them first if it is not there."""
    data = folder / "data"
    embedder = SentenceTransformerEmbedder(BUNDLED_EMBEDDER, models)
    if not (data / "index").exists():
        documents.export(rows, folder)
        pipeline = create_ingestion_pipeline(Settings(data_dir=data))
        pipeline.ingest(IngestRequest([str(folder / "sources")]))
    store = Store(f"sqlite:///{(data / 'tenkyo.db').resolve()}")
    remembering = SharedEmbedder(embedder, BatchScheduler())  # each text is compared many times
    return Library(store, LocalIndex.open(data / "index", embedder.name), remembering)


def name_of(source: Source) -> str:
    """Return the id of the document that a source was made of."""
    return Path(source.url).stem


def logit(cases: list[tuple[np.ndarray, int]]) -> np.ndarray:
    """Fit a conditional logit: of each case, features [n, d] of candidates and the right one."""
    weights = torch.zeros(cases[0][0].shape[1], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        said = [torch.log_softmax(torch.tensor(x) @ weights, 0)[right] for x, right in cases]
        total = RIDGE * (weights**2).sum() - torch.stack(said).sum()
        total.backward()
        return total

    optimizer.step(loss)
    return weights.detach().numpy()


def outcomes(library: Library, asked: list[Described]) -> Iterator[tuple[Described, str, str]]:
    """Yield what is taken for each description, and what if its document is left out."""
    ids = {name_of(source): source.id for source, *_ in library.store.sources()}
    for each in asked:
        others = [id for name, id in ids.items() if name != each.document]
        found = (described_source(each.text, library, within) for within in (None, others))
        taken, without = (name_of(source) if source else "" for source in found)
        right = "right" if taken == each.document else "wrong" if taken else "none"
        yield each, right, "wrong" if without else "none"


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--out", type=Path, required=True)
    ap.add_argument("--models", type=Path, default=Path("data/models"))
    args = ap.parse_args()
    libraries = {}
    for name in ("calibration", "held"):
        rows, asked = described_rows(name)
        libraries[name] = open_library(rows, args.out / name, args.models), asked
    library, asked = libraries["calibration"]
    cases = []
    for each in asked:
        found = candidates(each.text, library, None)
        right = [n for n, c in enumerate(found) if name_of(c.source) == each.document]
        if right:
            # Divided, so that the ridge weighs on both alike.
            cases.append((np.array([[10 * c.cosine, c.score / 2] for c in found]), right[0]))
    cosine, score = logit(cases) * (10, 0.5)
    print(f"fitted: {cosine:.1f} of the cosine, {score:.2f} of the search score\n")
    print("| descriptions → documents | n | right | wrong | left out: wrong |")
    print("|---|---|---|---|---|")
    for name, (library, asked) in libraries.items():
        counted: Counter[tuple[tuple[str, str], str]] = Counter()
        for each, right, without in outcomes(library, asked):
            counted[each.languages, right] += 1
            counted[each.languages, f"without {without}"] += 1
        for pair in itertools.product(LANGUAGES, LANGUAGES):
            n = sum(counted[pair, each] for each in ("right", "wrong", "none"))
            cells = [counted[pair, each] for each in ("right", "wrong", "without wrong")]
            print(f"| {name}, {pair[0]} → {pair[1]} | {n} | " + " | ".join(map(str, cells)) + " |")


if __name__ == "__main__":
    main()
