"""Real documents for the benchmarks, cut into passages as Tenkyo cuts them, with questions."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from pathlib import Path

from questions import read

from corpus.readers.extract import extract
from corpus.text.chunking import split_into_passages, with_headings
from corpus.text.sentences import sentences
from corpus.types import Document, Source

DIGESTS = Path(__file__).parents[2] / "corpus" / "library" / "digests"
SEED = 7
Texts = list[str]  # the passages of one document, each below its title and headings
Asked = tuple[str, frozenset[int]]  # a question, and the positions of what answers it


@dataclass(frozen=True)
class Corpus:
    """Documents as lists of passages, and questions; positions count passages of all documents."""

    name: str
    documents: list[Texts]
    asked: list[Asked]

    @property
    def passages(self) -> int:
        return sum(map(len, self.documents))

    def cut(self, passages: int) -> Corpus:
        """Keep the first documents, of at least that number of passages, and their questions."""
        ends = list(accumulate(map(len, self.documents)))
        count = min(bisect_left(ends, passages) + 1, len(ends))
        asked = [each for each in self.asked if max(each[1]) < ends[count - 1]]
        return Corpus(self.name, self.documents[:count], asked)


def mixed(shared: Path) -> Corpus:
    """Load the library, and posts, JSQuAD and XQuAD if they are there, in a fixed mixed order."""
    found = [*_files(DIGESTS)]
    if shared.is_dir():
        found += [*_files(shared / "corpus"), *_files(shared / "corpus" / "posts")]
        for name in ("jsquad_ja", "xquad_en"):
            found += squad(shared / "data" / "qa" / name).documents
    random.Random(SEED).shuffle(found)
    return Corpus("mixed", found, [])


def squad(folder: Path) -> Corpus:
    """Load JSQuAD or XQuAD: each article is a document, and long paragraphs are cut."""
    documents, places, position = [], {}, 0
    rows = sorted(read(folder / "corpus.jsonl"), key=lambda row: row["title"])
    for title, paragraphs in groupby(rows, lambda row: row["title"]):
        texts = []
        for row in paragraphs:
            text = row["text"].removeprefix(f"{title} [SEP] ")
            source = Source(row["id"], "", title.replace("_", " "))
            cut = _texts(Document(source, text))
            places[row["id"]] = frozenset(range(position, position + len(cut)))
            position += len(cut)
            texts += cut
        documents.append(texts)
    asked = [(row["question"], places[row["doc_id"]]) for row in read(folder / "queries.jsonl")]
    random.Random(SEED).shuffle(asked)
    return Corpus(folder.name, documents, asked)


def library() -> Corpus:
    """Load the shipped digests, with their first sentences as questions."""
    documents = list(_files(DIGESTS))
    texts = [text for document in documents for text in document]
    asked = [(sentences(text)[-1], frozenset([n])) for n, text in enumerate(texts)]
    return Corpus("library", documents, asked)


def searched(shared: Path) -> Corpus:
    """Load JSQuAD if the measurement data is there, else the library."""
    folder = shared / "data" / "qa" / "jsquad_ja"
    return squad(folder) if folder.is_dir() else library()


def first_ranked(found: Sequence[Sequence[int]], asked: Sequence[Asked]) -> float:
    """Return the share of questions whose first hit answers them."""
    right = [
        bool(hits) and hits[0] in wanted for hits, (_, wanted) in zip(found, asked, strict=True)
    ]
    return sum(right) / len(right)


def _files(folder: Path) -> Iterator[Texts]:
    for path in sorted([*folder.glob("*.md"), *folder.glob("*.txt")]):
        yield _texts(extract(path.read_bytes(), Source(path.name, path.name)))


def _texts(document: Document) -> Texts:
    return [with_headings(p.text, p, document.source) for p in split_into_passages(document)]
