"""The rows of tests/data/strong, and the words of the quotes that they name by offsets."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.paths import DATA

STRONG = DATA / "strong"
COLLECTIONS = ("library", "papers", "posts")
_HASH = 16  # hex digits


class ChangedText(ValueError):
    """A text is not the one that the quotes were taken from; the message says which."""


@dataclass(frozen=True, slots=True)
class Quote:
    """Characters [start, end) of a source's text, with the first digits of their SHA-256."""

    source: str
    start: int
    end: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Judged:
    """What the blind judge said of a sentence, and the quotes on which that rests."""

    verdict: str
    quotes: tuple[Quote, ...]
    words: tuple[str, ...]
    answers: bool


@dataclass(frozen=True, slots=True)
class Sentence:
    """A true sentence, with the quotes that its writer rested it on."""

    text: str
    quotes: tuple[Quote, ...]
    judge: Judged


@dataclass(frozen=True, slots=True)
class Fact:
    """What an answer must give: by any of some sentences, or all quotes of an alternative."""

    fact: str
    sentences: tuple[int, ...]
    alternatives: tuple[tuple[Quote, ...], ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its true answer."""

    id: str
    collection: str
    language: str
    evidence: str
    parts: int
    text: str
    sentences: tuple[Sentence, ...]
    needs: tuple[Fact, ...]

    @property
    def pair(self) -> str:
        """The languages of question and evidence."""
        return f"{self.language}→{self.evidence}"


@dataclass(frozen=True, slots=True)
class Twin:
    """A false sentence in the place of a true one."""

    question: str
    place: int
    kind: str
    text: str
    judge: Judged


@dataclass(frozen=True, slots=True)
class Lie:
    """A sentence with a lie behind ``clauses`` true clauses."""

    question: str
    number: int
    clauses: int
    kind: str
    text: str
    judge: Judged


@dataclass(frozen=True, slots=True)
class Rows:
    """Questions by id, the twins of each one's sentences in order, and lies by number."""

    questions: dict[str, Question]
    twins: dict[str, tuple[Twin, ...]]
    lies: dict[int, tuple[Lie, ...]]

    def of(self, collections: Iterable[str], limit: int | None = None) -> Rows:
        """Return the rows on some collections, of the first ``limit`` questions of each."""
        chosen: dict[str, Question] = {}
        for name in collections:
            here = [q for q in self.questions.values() if q.collection == name]
            chosen |= {q.id: q for q in here[:limit]}
        twins = {id: twins for id, twins in self.twins.items() if id in chosen}
        lies = {n: lies for n, lies in self.lies.items() if lies[0].question in chosen}
        return Rows(chosen, twins, lies)


def load(folder: Path = STRONG) -> Rows:
    """Read all rows."""
    questions = {row["id"]: _question(row) for row in _lines(folder / "answers.jsonl")}
    twins: dict[str, tuple[Twin, ...]] = {}
    for row in _lines(folder / "twins.jsonl"):
        twin = Twin(row["id"], row["sentence"], row["kind"], row["text"], _judged(row["judge"]))
        twins[twin.question] = (*twins.get(twin.question, ()), twin)
    lies: dict[int, tuple[Lie, ...]] = {}
    for row in _lines(folder / "lies.jsonl"):
        fields = (row["id"], row["lie"], row["clauses"], row["kind"], row["text"])
        lie = Lie(*fields, _judged(row["judge"]))
        lies[lie.number] = (*lies.get(lie.number, ()), lie)
    return Rows(questions, twins, lies)


def quotes_of(rows: Rows) -> Iterator[Quote]:
    """Yield every quote that some rows name, some of them several times."""
    for question in rows.questions.values():
        for sentence in question.sentences:
            yield from (*sentence.quotes, *sentence.judge.quotes)
        for fact in question.needs:
            for alternative in fact.alternatives:
                yield from alternative
    for false in (*rows.twins.values(), *rows.lies.values()):
        for each in false:
            yield from each.judge.quotes


def words_of(quotes: Iterable[Quote], texts: Mapping[str, str]) -> dict[Quote, str]:
    """Return the words of each quote.

    Args:
        quotes: The quotes.
        texts: The text of each source.

    Raises:
        ChangedText: A source is absent, or other words stand at a quote's offsets.
    """
    found: dict[Quote, str] = {}
    for quote in dict.fromkeys(quotes):
        words = texts.get(quote.source, "")[quote.start : quote.end]
        if hashlib.sha256(words.encode()).hexdigest()[:_HASH] != quote.sha256:
            at = f"{quote.source} [{quote.start}:{quote.end}]"
            raise ChangedText(f"{at} is not what was quoted: the source or its reader has changed")
        found[quote] = words
    return found


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _quotes(rows: Iterable[dict[str, Any]]) -> tuple[Quote, ...]:
    return tuple(Quote(**row) for row in rows)


def _judged(row: dict[str, Any]) -> Judged:
    return Judged(row["verdict"], _quotes(row["quotes"]), tuple(row["words"]), row["answers"])


def _question(row: dict[str, Any]) -> Question:
    sentences = tuple(
        Sentence(each["text"], _quotes(each["quotes"]), _judged(each["judge"]))
        for each in row["sentences"]
    )
    needs = tuple(
        Fact(each["fact"], tuple(each["sentences"]), tuple(map(_quotes, each["quotes"])))
        for each in row["needs"]
    )
    named = (row["id"], row["collection"], row["language"], row["evidence"], row["parts"])
    return Question(*named, row["question"], sentences, needs)
