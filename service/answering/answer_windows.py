"""Answer windows: the least part of a passage that answers and can be understood alone.

A window has one to three adjacent sentences. It begins with the sentence that answers best. A
neighbour joins it that seems to hold a part of the answer, or without which it cannot be
understood: the sentence that says who "he" is, the items behind a colon, the head of a table.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from index.inference.cross_encoder import Checker
from service.answering.question_reading import ReadPassage, Span, read_passages
from service.text.leaning import leans_on_previous
from service.types import Evidence
from service.verification.provenance import Originals

MAX_WINDOWS = 6  # parts of the evidence that are looked at as answers
MAX_SENTENCES = 3  # of a window
JOINS = 1.5  # log-odds that a neighbour may answer worse than the best sentence, to join it
MAX_BEFORE = 2  # sentences before a window that say what its pronoun stands for
SECONDARY_PENALTY = 0.5  # log-odds by which a work goes before one that reports on it


@dataclass(frozen=True, slots=True)
class AnswerWindow:
    """A part of a passage, ``text[start:end]``, that may answer the question.

    Attributes:
        passage: The passage.
        start: Where the window begins.
        end: Where it ends.
        odds: The log-odds that it answers, by the reader.
        score: How it compares with windows of other passages, in log-odds up to a constant.
    """

    passage: ReadPassage
    start: int
    end: int
    odds: float
    score: float

    @property
    def certainty(self) -> float:
        """The calibrated log-odds that the window answers."""
        return self.passage.certainty(self.odds)

    @property
    def text(self) -> str:
        """The words of the window."""
        return self.passage.evidence.passage.text[self.start : self.end]


@dataclass(frozen=True, slots=True)
class QuestionPart:
    """A question, or one of several in it, with the evidence as it was read for it.

    Attributes:
        question: The part.
        passages: The evidence, in the order of its labels.
        windows: Where it answers best, best first.
    """

    question: str
    passages: tuple[ReadPassage, ...]
    windows: tuple[AnswerWindow, ...]

    @property
    def certainty(self) -> float:
        """The calibrated log-odds that the evidence answers the part."""
        return self.windows[0].certainty if self.windows else -math.inf


def read_evidence(
    asked: Sequence[str], evidence: Sequence[Evidence], originals: Originals, checker: Checker
) -> tuple[tuple[Evidence, ...], tuple[QuestionPart, ...]]:
    """Read the evidence for each part of a question.

    Args:
        asked: The question, or the questions in it.
        evidence: Passages, in any order.
        originals: Tells which sources only report on others.
        checker: Reads the passages.

    Returns:
        The evidence, numbered again by how well it answers any part, best first, and the parts.
    """
    read = [read_passages(question, evidence, checker) for question in asked]
    scores = [
        max(each.score(each.answers()) for each in column) for column in zip(*read, strict=True)
    ]
    order = sorted(range(len(evidence)), key=lambda n: -scores[n])
    numbered = tuple(replace(evidence[n], label=label) for label, n in enumerate(order, 1))
    parts = []
    for question, passages in zip(asked, read, strict=True):
        ordered = tuple(
            replace(passages[n], evidence=shown) for n, shown in zip(order, numbered, strict=True)
        )
        windows = tuple(answer_windows(ordered, originals, MAX_WINDOWS))
        parts.append(QuestionPart(question, ordered, windows))
    return numbered, tuple(parts)


def answer_windows(
    passages: Sequence[ReadPassage], originals: Originals, most: int
) -> list[AnswerWindow]:
    """Return the windows of all passages that answer best, best first; none overlaps another."""
    sentences = [
        (_score(passage, passage.answers(*span), originals), passage, n)
        for passage in passages
        for n, span in enumerate(passage.sentences)
    ]
    sentences.sort(key=lambda each: -each[0])
    found: list[AnswerWindow] = []
    for score, passage, n in sentences:
        if len(found) == most:
            break
        start, end = passage.sentences[n]
        if any(w.passage is passage and start < w.end and w.start < end for w in found):
            continue
        start, end = window_around(passage, n)
        taken = [(w.start, w.end) for w in found if w.passage is passage]
        start, end = _beside(start, end, passage.sentences[n], taken)
        found.append(AnswerWindow(passage, start, end, passage.answers(start, end), score))
    return found


def window_around(passage: ReadPassage, n: int) -> Span:
    """Return the window of a passage around its sentence number ``n``."""
    spans, text = passage.sentences, passage.evidence.passage.text
    odds = [passage.answers(*span) for span in spans]
    low = high = n
    while high - low + 1 < MAX_SENTENCES:
        beside = [m for m in (low - 1, high + 1) if 0 <= m < len(spans)]
        joining = [m for m in beside if odds[m] > odds[n] - JOINS]
        if not joining:
            break
        best = max(joining, key=lambda m: odds[m])
        low, high = min(low, best), max(high, best)
    for _ in range(MAX_BEFORE):
        if low == 0 or not leans_on_previous(text[slice(*spans[low])]):
            break
        low -= 1
    if high + 1 < len(spans) and text[slice(*spans[high])].rstrip().endswith((":", "：")):
        high += 1
    return spans[low][0], spans[high][1]


def _score(passage: ReadPassage, odds: float, originals: Originals) -> float:
    penalty = SECONDARY_PENALTY * originals.reports(passage.evidence.source)
    return passage.score(odds) - penalty


def _beside(start: int, end: int, core: Span, taken: Iterable[Span]) -> Span:
    """Cut a window so that it overlaps none that was taken before."""
    for a, b in taken:
        if a < end and start < b:
            if a >= core[1]:
                end = min(end, a)
            else:
                start = max(start, b)
    return start, end
