"""Question files and data folders for `tenkyo eval`, from XQuAD, JSQuAD and CLAPNQ.

    python tests/benchmarks/questions.py --shared ../shared --out /tmp/bench

makes the data folders /tmp/bench/{xquad,jsquad,clapnq}, each with a database, an index and
questions.jsonl; then

    TENKYO_DATA_DIR=/tmp/bench/xquad tenkyo eval /tmp/bench/xquad/questions.jsonl

XQuAD and JSQuAD: 60 questions that a passage answers, and 20 on articles that are not in the data
folder, so that nothing answers them; none are on articles that were used in `training/`. CLAPNQ:
all questions and passages; the passages of questions without an answer are related but do not
answer them. Each passage is a separate source. The choice is always the same.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from corpus.store.store import Store
from corpus.text.chunking import split_into_passages
from corpus.text.sentences import sentences
from corpus.types import Document, Source, text_hash
from index.inference.embedder import SentenceTransformerEmbedder
from index.inference.model_registry import BUNDLED_EMBEDDER
from index.ingestion.report import IngestProgress
from index.ingestion.sync import sync
from training import sources

SEED = 7
ANSWERABLE, UNANSWERABLE = 60, 20


@dataclass(frozen=True)
class Text:
    """One passage, to be ingested as a source with its id."""

    id: str
    title: str
    text: str


@dataclass(frozen=True)
class Bench:
    """Passages and questions for `tenkyo eval`."""

    name: str
    language: str
    texts: list[Text]
    questions: list[dict]


def read(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def squad(name: str, language: str, folder: Path, leave_out: int, held: set[str]) -> Bench:
    """Read a set in the format of SQuAD, with questions on the passages in ``held`` by id.

    Some of their articles, of at most ``leave_out`` passages together, are left out.
    """
    chance = random.Random(SEED)
    texts = [text_of(row) for row in read(folder / "corpus.jsonl")]
    outside = articles([text for text in texts if text.id in held], leave_out, chance)
    place = {text.id: text for text in texts}
    rows = read(folder / "queries.jsonl")
    chance.shuffle(rows)
    others = [row for row in rows if place[row["doc_id"]].title in outside]
    inside = [
        row
        for row in rows
        if row["doc_id"] in held
        and place[row["doc_id"]].title not in outside
        and any(answer in place[row["doc_id"]].text for answer in row["answers"])
    ]
    questions = [
        _row(row, language, True)
        | {
            "answers": row["answers"],
            "sources": [row["doc_id"]],
            "quotes": gold_sentences(place[row["doc_id"]].text, row["answers"]),
        }
        for row in inside[:ANSWERABLE]
    ] + [_row(row, language, False) for row in others[:UNANSWERABLE]]
    kept = [text for text in texts if text.title not in outside]
    return Bench(name, language, kept, questions)


def articles(texts: Sequence[Text], passages: int, chance: random.Random) -> set[str]:
    """Choose random titles of articles that have up to a number of passages together."""
    titles = sorted({text.title for text in texts})
    chance.shuffle(titles)
    chosen: set[str] = set()
    for title in titles:
        size = sum(text.title == title for text in texts)
        if size <= passages:
            chosen.add(title)
            passages -= size
    return chosen


def gold_sentences(text: str, answers: Sequence[str]) -> list[str]:
    """Find the one sentence of a passage that has the answer; none if several have it.

    The sets' offsets do not help: XQuAD's are those of the first occurrence.
    """
    found = [s for s in sentences(text) if any(answer in s for answer in answers)]
    return found if len(found) == 1 else []


def text_of(row: dict) -> Text:
    """Return the text of a passage, without the title at the start of JSQuAD's."""
    text = row["text"].removeprefix(f"{row['title']} [SEP] ")
    return Text(row["id"], row["title"].replace("_", " "), text)


def _row(row: dict, language: str, answerable: bool) -> dict:
    found = {"id": row["id"], "language": language, "question": row["question"]}
    return found | {"answerable": answerable}


def clapnq(path: Path) -> Bench:
    """Read CLAPNQ; the gold data is passages and sentences, since long answers are not verbatim.

    Where two people marked sentences, the first one's count.
    """
    texts, questions = {}, []
    for row in read(path):
        text = Text(text_hash(row["passage"])[:12], row["title"], row["passage"].strip())
        texts[text.id] = text
        question = _row(row, "en", row["answerable"])
        if row["answerable"]:
            question |= {"sources": [text.id], "quotes": row["selected_sentences"][0]}
        questions.append(question)
    return Bench("clapnq", "en", list(texts.values()), questions)


def document(text: Text, language: str) -> Document:
    """Return a passage as the document of a source of its own."""
    source = Source(text.id, f"https://example.org/{text.id}", text.title, language=language)
    return Document(source, text.text)


def prepare(bench: Bench, folder: Path, embedder: SentenceTransformerEmbedder) -> None:
    """Ingest and index the passages in a data folder, with the questions beside it."""
    store = Store(f"sqlite:///{(folder / 'tenkyo.db').resolve()}")
    wanted = {text.id for text in bench.texts}
    for source, _ in store.sources():
        if source.id not in wanted:
            store.delete(source.id)
    for text in bench.texts:
        read = document(text, bench.language)
        store.put(read, split_into_passages(read))
    sync(store, embedder, folder / "index", IngestProgress())
    models = folder / "models"
    if not models.exists():
        models.symlink_to(Path("..") / "models")
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in bench.questions]
    (folder / "questions.jsonl").write_text("".join(lines), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    qa = given.shared / "data" / "qa"
    apart = [
        {id for id, passage in passages.items() if passage.held}
        for passages, _ in (sources.xquad(given.shared), sources.jsquad(given.shared))
    ]
    embedder = SentenceTransformerEmbedder(BUNDLED_EMBEDDER, given.out / "models")
    for bench in (
        squad("xquad", "en", qa / "xquad_en", 10, apart[0]),
        squad("jsquad", "ja", qa / "jsquad_ja", 15, apart[1]),
        clapnq(qa / "clapnq_en.jsonl"),
    ):
        prepare(bench, given.out / bench.name, embedder)
        answerable = sum(question["answerable"] for question in bench.questions)
        print(
            f"{bench.name}: {len(bench.texts)} passages, {answerable} answerable questions,"
            f" {len(bench.questions) - answerable} others",
            flush=True,
        )


if __name__ == "__main__":
    main()
