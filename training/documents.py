"""Documents written for fitting: whole papers, posts and manuals, with plain questions about them.

    python -m training.documents [FILE …]       # checks files, by default all in data/documents
    python -m training.documents --export DIR   # writes the held-out ones for newcomer.py

A line of a file is a document: its ``title``, its ``text`` in Markdown and in one language
(``lang``); ``questions`` as a newcomer would type them, each in English and Japanese, with the
sentences ``s`` that answer and the shortest words ``a`` in them; ``near`` questions, which it
seems to answer but does not; and ``premises``: questions that take for granted what the sentences
``s`` show to be ``false``, or say to be ``true``.

Unlike the passages of ``passages.py``, a document is read and split as the engine does it, so that
there are headings, tables, captions and the other passages of the same document. Files in
``data/documents/calibration`` are for what depends on a fit (``relevance.py``), those in
``data/documents/held`` for measuring only.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from corpus.readers.markdown import read_markdown
from corpus.text.blocks import join_blocks
from corpus.text.chunking import split_into_passages
from corpus.text.sentences import sentence_spans
from corpus.types import Document, Source
from corpus.types import Passage as Split
from index.lexical.tokenizer import is_japanese
from training.near import Index
from training.passages import LANGUAGES, BadRow, Part, Row, report_faults

FOLDER = Path(__file__).parent / "data" / "documents"
Span = tuple[int, int]


def split(row: Row) -> list[Split]:
    """Read a document and split it into its passages, as the engine does."""
    text, sections, _ = join_blocks(read_markdown(row["text"]).blocks)
    source = Source(row["id"], f"https://example.org/{row['id']}", row["title"])
    return split_into_passages(Document(source, text, sections))


def places(text: str, part: str) -> list[Span]:
    """Find where a text has a part, whatever markup, blanks and punctuation are in either."""
    at = [n for n, c in enumerate(text) if c.isalnum()]
    letters, wanted = "".join(text[n] for n in at), "".join(filter(str.isalnum, part))
    found, start = [], letters.find(wanted) if wanted else -1
    while start >= 0:
        found.append((at[start], at[start + len(wanted) - 1] + 1))
        start = letters.find(wanted, start + 1)
    return found


def answers(passages: list[Split], question: Row) -> tuple[int, tuple[Span, ...], tuple[Span, ...]]:
    """Find which passage answers a question.

    Returns:
        The number of the passage with most of the sentences that answer, where these stand in it,
        and where the shortest words that answer do.

    Raises:
        BadRow: No passage has them.
    """
    found = []
    for number, passage in enumerate(passages):
        there = [span for part in question["s"] for span in places(passage.text, part)[:1]]
        sentences = [
            (a, b)
            for a, b in sentence_spans(passage.text)
            if any(a < end and start < b for start, end in there)
        ]
        shortest = [
            (a, b)
            for a, b in places(passage.text, question["a"])
            if any(start <= a and b <= end for start, end in sentences)
        ]
        found.append((len(shortest), len(sentences), -number, sentences, shortest))
    _, _, number, sentences, shortest = max(found)
    if not shortest:
        raise BadRow(f"not in the text, in sentences that answer: {question['a']!r}")
    return -number, tuple(sentences), tuple(shortest)


def speaks_of(passages: list[Split], question: Row) -> int:
    """Return the number of the passage with most of a question's sentences ``s``.

    Raises:
        BadRow: No passage has one of them.
    """
    found = [sum(bool(places(p.text, part)) for part in question["s"]) for p in passages]
    if not max(found):
        raise BadRow(f"not in the text: {question['s']!r}")
    return found.index(max(found))


def sentences_of(passage: Split, question: Row) -> tuple[Span, ...]:
    """Return the spans of those of a passage's sentences that have a question's sentences ``s``."""
    there = [span for part in question["s"] for span in places(passage.text, part)[:1]]
    spans = sentence_spans(passage.text)
    return tuple((a, b) for a, b in spans if any(a < end and start < b for start, end in there))


def nearest(passages: list[Split], row: Row, question: Row) -> int:
    """Return the number of the passage that shares most words with a question."""
    found = Index([passage.text for passage in passages]).near(question[row["lang"]], 1)
    return found[0] if found else 0


def check(row: Row) -> None:
    """Raise BadRow where a document breaks the format that the module describes."""
    passages = split(row)
    if len(passages) < 2:
        raise BadRow("the document is too short")
    if is_japanese(row["text"]) != (row["lang"] == "ja"):
        raise BadRow(f"the text is not in {row['lang']}")
    for question in row["questions"]:
        answers(passages, question)
    premises = row.get("premises", {"false": [], "true": []})
    for question in [*premises["false"], *premises["true"]]:
        speaks_of(passages, question)
    for question in [*row["questions"], *row["near"], *premises["false"], *premises["true"]]:
        for language in LANGUAGES:
            japanese = any(map(is_japanese, question[language]))
            if japanese != (language == "ja"):
                raise BadRow(f"not in {language}: {question[language]!r}")


def load(part: Part = "fit") -> Iterator[Row]:
    """Read the documents of a part, in a fixed order."""
    for path in sorted((FOLDER if part == "fit" else FOLDER / part).glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def export(rows: Iterable[Row], folder: Path) -> None:
    """Write documents, and what is asked of them, as ``tests/benchmarks/newcomer.py`` reads it.

    A question with a true premise is right if it is not declined: its answer may be unknown.
    """
    (folder / "sources").mkdir(parents=True, exist_ok=True)
    names, questions = [], []
    for row in rows:
        name = f"sources/{row['id']}.md"
        title = json.dumps(row["title"], ensure_ascii=False)
        text = f"---\ntitle: {title}\n---\n\n{row['text']}\n"
        (folder / name).write_text(text, encoding="utf-8")
        names.append(name)
        premises = row["premises"]
        kinds = (
            ("fact", "answer", row["questions"]),
            ("unanswerable", "abstain", row["near"]),
            ("false_premise", "false_premise", premises["false"]),
            ("true_premise", "answer", premises["true"]),
        )
        for asks, reply, asked in kinds:
            for number, each in enumerate(asked):
                must = [[each["a"]]] if "a" in each else []
                about = {"asks": asks, "reply": reply, "must_contain": must, "sources": [name]}
                for language in LANGUAGES:
                    id = f"{row['id']}-{asks}-{number}-{language}"
                    said = {"id": id, "question": each[language], "language": language}
                    questions.append(json.dumps(said | about, ensure_ascii=False))
    (folder / "sources.txt").write_text("\n".join(names) + "\n", encoding="utf-8")
    (folder / "questions.jsonl").write_text("\n".join(questions) + "\n", encoding="utf-8")


def main() -> int:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("files", nargs="*", type=Path, default=sorted(FOLDER.rglob("*.jsonl")))
    ap.add_argument("--export", type=Path, metavar="DIR", help="write the held-out ones there")
    args = ap.parse_args()
    if args.export:
        export(load("held"), args.export)
        return 0
    return bool(report_faults(args.files, check, "documents"))


if __name__ == "__main__":
    sys.exit(main())
