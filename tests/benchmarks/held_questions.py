"""The questions of tests/benchmarks/held_out.py: on articles and passages that are held out.

The reader was not fitted on them. What ranks passages and abstains was, on many of them: see
``--halves`` of held_out.py.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

import questions  # noqa: E402

from corpus.text.sentences import sentence_spans  # noqa: E402
from service.evaluation.metrics import occurs  # noqa: E402
from training import sources  # noqa: E402
from training.sources import PAIRS_HELD  # noqa: E402

SETS = ("xquad", "jsquad", "ja-en", "en-ja", "near-xquad", "near-jsquad", "near-written")
PAIRS = ("en_en", "ja_en", "ja_ja", "en_ja")  # languages of question and passage
NEAR = 40  # questions of each near set
SEED = 7
WRITTEN = ROOT / "training" / "data"
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and what is known about its answer.

    Attributes:
        set: The row of the table in which it is counted.
        folder: The set of passages that is searched: xquad or jsquad.
        question: The question.
        gold: The id of its passage, which is a source.
        article: The title of the article that the passage is from.
        answers: Strings of which an answer has one; none if the passage has none of them, as
            where the answer is the title of its article.
        spans: The sentences of the passage that answer; none if they are not known.
        answerable: Whether the passage answers, and is searched.
        without: Whether the passage is left out of the search.
    """

    set: str
    folder: str
    question: str
    gold: str
    article: str
    answers: tuple[str, ...] = ()
    spans: tuple[Span, ...] = ()
    answerable: bool = True
    without: bool = False


class Passages:
    """The passages of XQuAD or JSQuAD and their own questions."""

    def __init__(self, name: str, shared: Path) -> None:
        read, folder, self.language = {
            "xquad": (sources.xquad, "xquad_en", "en"),
            "jsquad": (sources.jsquad, "jsquad_ja", "ja"),
        }[name]
        self.name = name
        self.passages, self.rows = read(shared)
        rows = sources.read(shared / "data" / "qa" / folder / "corpus.jsonl")
        self.texts = {row["id"]: questions.text_of(row) for row in rows}

    @property
    def bench(self) -> questions.Bench:
        """All passages, as sources."""
        return questions.Bench(self.name, self.language, list(self.texts.values()), [])

    def asked(self, kind: str, question: str, gold: str, **known: Any) -> Asked:
        """Return a question on a passage, with what is known of its answer."""
        return Asked(kind, self.name, question, gold, self.passages[gold].article, **known)

    def own(self) -> Iterator[Asked]:
        """Yield the questions of the set itself on held-out articles."""
        kind = f"{self.name}, {self.language}→{self.language}"
        for row in self.rows:
            if self.passages[row["doc_id"]].held:
                answers = self._strings(row)
                yield self.asked(kind, row["question"], row["doc_id"], answers=answers)

    def across(self) -> Iterator[Asked]:
        """Yield the questions in the other language that are held out."""
        other = "ja" if self.language == "en" else "en"
        kind, pair = f"{other}→{self.language}", f"{other}_{self.language}"
        own = {row["id"]: row for row in self.rows}
        for row in sources.handwritten(f"{self.name}_questions_{other}"):
            gold = own[row["id"]]["doc_id"]
            if self.passages[gold].held:
                answers = self._strings(own[row["id"]])
                yield self.asked(kind, row[other], gold, answers=answers)
        for row in sources.handwritten(f"{pair}_questions"):
            if row["label"] == "answerable" and self.passages[row["doc_id"]].held:
                yield self.asked(kind, row["question"], row["doc_id"])
        for row in sources.handwritten(f"pairs_{pair}"):
            if row["id"] in self.passages and sources.held("pairs" + row["id"], PAIRS_HELD):
                spans = self._spans(row["id"], row["s"])
                yield self.asked(kind, row["q"], row["id"], spans=spans)

    def near(self, most: int = NEAR) -> list[Asked]:
        """Choose own questions, always the same, that nothing answers without their passage.

        That is, their passage has an answer string, and no other of the article has one.
        """
        asked = [each for each in self.own() if each.answers and not self._elsewhere(each)]
        random.Random(SEED).shuffle(asked)
        kind = f"near, {self.name}"
        return [replace(a, set=kind, answerable=False, without=True) for a in asked[:most]]

    def _strings(self, row: Mapping[str, Any]) -> tuple[str, ...]:
        answers, text = tuple(row["answers"]), self.texts[row["doc_id"]].text
        return answers if any(occurs(answer, text) for answer in answers) else ()

    def _elsewhere(self, asked: Asked) -> bool:
        others = [
            passage.text
            for id, passage in self.passages.items()
            if passage.article == asked.article and id != asked.gold
        ]
        return any(occurs(answer, text) for answer in asked.answers for text in others)

    def _spans(self, gold: str, numbers: Iterable[int]) -> tuple[Span, ...]:
        """Return where the sentences of a passage with some numbers stand in its source."""
        inner = self.passages[gold].text
        place, spans = self.texts[gold].text.index(inner), sentence_spans(inner)
        return tuple((place + spans[n][0], place + spans[n][1]) for n in numbers)


def written(sets: Iterable[Passages], folder: Path = WRITTEN) -> Iterator[Asked]:
    """Yield the written questions near a passage, those on held-out articles apart.

    Files that do not exist, and rows on passages of other sets, are left out.
    """
    known = {id: each for each in sets for id in each.passages}
    for pair in PAIRS:
        file = folder / f"near_unanswerable_{pair}.jsonl"
        left = 0
        for row in sources.read(file) if file.exists() else ():
            gold = row.get("doc_id") or row["id"]
            if gold not in known:
                left += 1
                continue
            apart = "held-out" if known[gold].passages[gold].held else "other"
            kind = f"near, written, {pair.replace('_', '→')}, {apart} articles"
            answerable = row["label"] == "answerable"
            yield known[gold].asked(kind, row["question"], gold, answerable=answerable)
        if left:
            print(f"{file.name}: {left} rows are on passages of other sets", file=sys.stderr)


def choose(names: Sequence[str], sets: Mapping[str, Passages], limit: int | None) -> list[Asked]:
    """Return the questions of some sets; with a limit, so many of each, always the same."""
    makers = {
        "xquad": sets["xquad"].own,
        "jsquad": sets["jsquad"].own,
        "ja-en": sets["xquad"].across,
        "en-ja": sets["jsquad"].across,
        "near-xquad": sets["xquad"].near,
        "near-jsquad": sets["jsquad"].near,
        "near-written": lambda: written(sets.values()),
    }
    found: dict[str, list[Asked]] = {}
    for name in names:
        for each in makers[name]():
            found.setdefault(each.set, []).append(each)
    if limit is not None:
        chance = random.Random(SEED)
        found = {kind: chance.sample(all_, min(limit, len(all_))) for kind, all_ in found.items()}
    return [each for all_ in found.values() for each in all_]
