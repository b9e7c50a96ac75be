"""Find the windows that the engine would quote for the questions that are fitted on.

    python -m training.first_windows --shared ../shared --out build/first_windows [--minutes 25]

The passages of XQuAD and JSQuAD that such questions ask about are in one index, with those of the
documents that were written for fitting, each in one language. For each question the engine
searches, reads and ranks, as when it answers; its best windows, each below its title and headings,
become rows that answer or do not. So the checker's head for questions is fitted on what it is there
to tell apart: the right window, and those that the reader takes for right. ``rows.jsonl`` in the
folder has them, for ``training.data --windows``.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from corpus.text.chunking import with_headings
from index.inference.cross_encoder import Checker, CrossEncoder
from index.inference.embedder import SentenceTransformerEmbedder
from index.inference.model_registry import BUNDLED_EMBEDDER
from index.search import Library
from service.answering.evidence import reserve_languages, select_evidence
from service.answering.evidence_reading import READ_FIRST, read_evidence
from service.verification.provenance import Originals
from training import reading
from training.reading import Asked
from training.relevance import CHARACTERS, TOP_K, ReadQuestion, open_library

# Shares of the questions of a set that are asked, and of those on documents.
SETS = {"xquad": 0.35, "jsquad": 0.012, "xquad_ja": 0.6, "jsquad_en": 0.25}
NEW = ("l18", "l19", "l20", "l21")  # libraries that the reader was not fitted on: it errs there
OF_NEW, OF_OLD = 1.0, 0.4


def chosen(asked: Sequence[Asked], rng: random.Random) -> list[Asked]:
    """Draw the questions, in random order."""
    found = []
    for each in asked:
        share = SETS.get(each.source, 0.0)
        if each.document:
            share = OF_NEW if each.home.startswith(NEW) else OF_OLD
        if rng.random() < share:
            found.append(each)
    rng.shuffle(found)
    return found


def rows_of(library: Library, checker: Checker, asked: Asked) -> Iterator[dict[str, Any]]:
    """Search and read for a question as the engine does, and yield its best windows as rows.

    Those that have the answer's words in another article are left out: they may answer or not.
    """
    hits = reserve_languages(library.search(asked.question, 2 * TOP_K), TOP_K)
    evidence = select_evidence(hits, TOP_K, CHARACTERS)
    read = read_evidence([asked.question], evidence, Originals(()), checker, first=READ_FIRST)
    (part,) = read[1]
    home = asked.home if asked.sentences else ""
    question = ReadQuestion("fit", 0, asked, home, part.passages)
    for window in part.windows:
        passage = window.passage.evidence
        right = question.answered_by(window.passage, window.start, window.end)
        if not right and not asked.document and any(a in window.text for a in asked.answers):
            continue
        yield {
            "question": asked.question,
            "text": with_headings(window.text, passage.passage, passage.source),
            "answers": int(right),
            "set": "windows_documents" if asked.document else "windows_sets",
        }


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--shared", type=Path, default=Path("../shared"))
    ap.add_argument("--out", type=Path, required=True, help="folder of the index, which is kept")
    ap.add_argument("--minutes", type=float, default=float("inf"), help="stop after this long")
    args = ap.parse_args()
    passages, fitted, _ = reading.collect(args.shared)
    asked = chosen(fitted, random.Random(1))
    homes = {each.home for each in fitted if each.source in SETS or each.document}
    whole, _ = reading.document_questions()
    kept = {key: p for key, p in passages.items() if key in homes} | whole
    embedder = SentenceTransformerEmbedder(BUNDLED_EMBEDDER, args.out / "models")
    library = open_library(kept, args.out / "both", embedder)
    checker, began = CrossEncoder(), time.monotonic()
    with (args.out / "rows.jsonl").open("w", encoding="utf-8") as file:
        for number, each in enumerate(asked):
            if time.monotonic() - began > 60 * args.minutes:
                break
            for row in rows_of(library, checker, each):
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
            if number % 100 == 0:
                print(f"{number} of {len(asked)} questions", flush=True)


if __name__ == "__main__":
    main()
