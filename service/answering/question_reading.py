"""Readings of the evidence: where each passage answers a question, and how likely.

Passages are read whole, below their titles and headings. The one that seems to answer best is read
a second time, by the checker's head for whole texts: about whether there is an answer, two networks
that were fitted on different questions err less often together. Which passages come first, and
which sentences may be quoted, is arithmetic on these readings; see ``evidence_reading`` for what
follows.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from corpus.text.chunking import with_headings
from index.inference.cross_encoder import Checker
from index.inference.reading import NEVER, UNREAD, Reading
from index.lexical.tokenizer import is_japanese
from service.answering.reranking import (
    answer_features,
    answer_log_odds,
    combined_score,
    language_pair,
    margin_of,
)
from service.text.numerals import mentioned, stated
from service.types import Evidence
from service.verification.calibration import Calibration, load_calibration
from service.verification.candidate_quotes import reader_spans

Span = tuple[int, int]
SHORTEST_ANSWER = 2  # characters of words by which two sentences may give the same answer


@dataclass(frozen=True, slots=True)
class ReadPassage:
    """A passage as it was read for a question.

    Attributes:
        evidence: The passage.
        reading: The reading of the passage below its title and headings; UNREAD if it was not read.
        lead: How many characters of that text come before the passage.
        japanese: Whether the question is in Japanese.
        calibration: The weights of scores and certainties.
        passage_odds: The log-odds that the passage of the best window answers, by the checker's
            head for whole texts; the same for all passages of a question, and 0 until it is read.
        rival: The score of the best sentence of another passage that has another answer; None if
            there is none.
    """

    evidence: Evidence
    reading: Reading
    lead: int
    japanese: bool
    calibration: Calibration
    passage_odds: float = 0.0
    rival: float | None = None

    def answers(self, start: int = 0, end: int | None = None) -> float:
        """Return the log-odds that ``passage.text[start:end]`` answers the question."""
        return self.reading.answers(start + self.lead, None if end is None else end + self.lead)

    @property
    def in_context(self) -> str:
        """The passage below its title and headings, as the checker reads it."""
        return with_headings(
            self.evidence.passage.text, self.evidence.passage, self.evidence.source
        )

    @property
    def across(self) -> bool:
        """Whether the passage is in another language than the question."""
        return is_japanese(self.evidence.passage.text) != self.japanese

    def score(self, odds: float) -> float:
        """Return the score by which a part with these log-odds is ranked among all passages."""
        return combined_score(self.evidence.score, odds, self.across, self.calibration.ranking)

    def certainty(self, odds: float) -> float:
        """Return the calibrated log-odds that a part with these log-odds answers."""
        return answer_log_odds(self.features(odds), self.calibration.answers)

    def features(self, odds: float) -> tuple[float, ...]:
        """Return the features of a part with these log-odds; see ``answer_features``."""
        margin = margin_of(odds, self.score(odds), self.rival)
        scores = odds, self.answers(), self.passage_odds, self.evidence.score, margin
        return answer_features(*scores, self.japanese, self.across)

    @property
    def answered_from(self) -> float:
        """The calibrated log-odds from which a part of the passage is shown as an answer."""
        return self.calibration.answered_from[language_pair(self.japanese, self.across)]

    @property
    def ticked_from(self) -> float:
        """The calibrated log-odds from which a part of the passage is said to answer."""
        return self.calibration.ticked_from[language_pair(self.japanese, self.across)]

    @property
    def sentences(self) -> list[Span]:
        """The sentences that may be shown, without those that give orders to a model."""
        text = self.evidence.passage.text
        return [(a, b) for a, b in reader_spans(text) if any(map(str.isalnum, text[a:b]))]


def unread_passages(question: str, evidence: Sequence[Evidence]) -> list[ReadPassage]:
    """Return the evidence for a question, or for one of several in it, before it is read.

    No part of a passage that was not read answers.
    """
    japanese, calibration = is_japanese(question), load_calibration()
    found = [ReadPassage(e, UNREAD, 0, japanese, calibration) for e in evidence]
    return [replace(p, lead=len(p.in_context) - len(p.evidence.passage.text)) for p in found]


def read_passages(
    question: str,
    passages: Sequence[ReadPassage],
    numbers: range,
    checker: Checker,
) -> list[ReadPassage]:
    """Read some of the passages for a question.

    Args:
        question: The question.
        passages: All passages, as far as they were read before.
        numbers: Which are read now: those that follow the ones that were read.
        checker: Reads them, each below its title and headings.

    Returns:
        All passages with their readings, compared with each other.
    """
    read = list(passages)
    pairs = [(passages[n].in_context, question) for n in numbers]
    for n, reading in zip(numbers, checker.read(pairs), strict=True):
        read[n] = replace(passages[n], reading=reading)
    return with_rivals(read)


def read_wholes(
    question: str, passages: Sequence[ReadPassage], checker: Checker
) -> list[ReadPassage]:
    """Read passages a second time, each as a whole; return them with their own ``passage_odds``."""
    odds = checker.answers([(passage.in_context, question) for passage in passages]).tolist()
    return [replace(p, passage_odds=each) for p, each in zip(passages, odds, strict=True)]


@dataclass(frozen=True, slots=True)
class BestSentence:
    """The sentence of a text that answers best, its score, and the words of it that answer.

    ``stated`` are the numbers in these words, ``mentioned`` those in the sentence, which may be in
    other words or in the other language.
    """

    score: float
    text: str
    words: str
    stated: frozenset[float]
    mentioned: frozenset[float]

    @classmethod
    def of(
        cls, passage: ReadPassage, start: int = 0, end: int | None = None
    ) -> BestSentence | None:
        """Return that of ``passage.text[start:end]``; None if none was read, or may be shown."""
        last = len(passage.evidence.passage.text) if end is None else end
        inside = [(a, b) for a, b in passage.sentences if start <= a and b <= last]
        ranked = [(passage.answers(*span), span) for span in inside]
        odds, (start, end) = max(ranked, default=(NEVER, (0, 0)))
        if odds <= NEVER:
            return None
        text, lead = passage.evidence.passage.text, passage.lead
        first, last = passage.reading.best_words(start + lead, end + lead)
        sentence, words = text[start:end], text[max(first - lead, start) : last - lead]
        numbers = stated(words), mentioned(sentence)
        return cls(passage.score(odds), _folded(sentence), _folded(words), *numbers)

    def agrees_with(self, other: BestSentence) -> bool:
        """Return whether one of two sentences has the words or numbers that answer in the other."""
        return self._has_answer_of(other) or other._has_answer_of(self)

    def _has_answer_of(self, other: BestSentence) -> bool:
        numbers = other.stated and other.stated <= self.mentioned
        return bool(numbers) or _has(self.text, other.words)


def with_rivals(passages: Sequence[ReadPassage]) -> list[ReadPassage]:
    """Compare what passages answer: what has no rival far and wide is more likely right.

    A passage that gives the same answer is no rival.
    """
    best = [BestSentence.of(passage) for passage in passages]
    found = []
    for passage, own in zip(passages, best, strict=True):
        rivals = [b.score for b in best if own and b and b is not own and not b.agrees_with(own)]
        found.append(replace(passage, rival=max(rivals, default=None)))
    return found


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _has(text: str, words: str) -> bool:
    """Return whether a text has some words, a number only as a whole."""
    if len(words) < SHORTEST_ANSWER:
        return False
    before = r"(?<!\d)" if words[0].isdigit() else ""
    after = r"(?!\d)" if words[-1].isdigit() else ""
    return re.search(before + re.escape(words) + after, text) is not None
