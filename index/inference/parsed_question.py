"""What a question asks for, and the phrases in it that say of what.

Joint intent classification and slot filling (Chen, Zhuo and Wang 2019): one network gives the whole
question an intent, and each of its tokens a slot.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from index.types import Floats

Intent = Literal["fact", "comparison", "summary", "metadata", "documents", "guide", "elsewhere"]
INTENTS: tuple[Intent, ...] = get_args(Intent)
"""A fact; two things compared; what a document is about; what its card says; which documents there
are; how to use the service, or a greeting; what no document answers, such as an opinion."""
Field = Literal[
    "authors", "published", "venue", "title", "licence", "pages", "references", "cited_by"
]
FIELDS: tuple[Field, ...] = get_args(Field)
"""What a document's card says, and a question for metadata asks for: one of these or several."""
Slot = Literal["work", "first", "second", "topic"]
SLOTS: tuple[Slot, ...] = get_args(Slot)
"""The document that is meant, by name or description; the two things that are compared; what the
documents asked for are about, or by whom."""

Span = tuple[int, int]  # where a phrase begins and ends in a question

_OPENING = "\"'“‘「『《"  # quotation marks
_IN_WORD = re.compile(r"[A-Za-z0-9\u00c0-\u024f]{2}")


@dataclass(frozen=True, slots=True)
class ParsedQuestion:
    """The intent of a question, and its slots.

    Attributes:
        question: The question.
        intents: The logits [7] of ``INTENTS``.
        field_logits: The logits [8] of ``FIELDS``, each by itself.
        spans: The characters [n, 2] of the question's n tokens.
        slots: The logits [n, 5] of each token: of no slot, and of ``SLOTS``.
    """

    question: str
    intents: Floats
    field_logits: Floats
    spans: npt.NDArray[np.int32]
    slots: Floats

    @property
    def intent(self) -> Intent:
        """The likeliest intent; the guide only if it is likelier than all others together."""
        guide = INTENTS.index("guide")
        others = np.delete(self.intents, guide)
        if self.intents[guide] > others.max() and self.probability("guide") < 0.5:
            return [name for name in INTENTS if name != "guide"][int(others.argmax())]
        return INTENTS[int(self.intents.argmax())]

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields that a question for metadata asks for, in the order of ``FIELDS``."""
        likely = [name for name, logit in zip(FIELDS, self.field_logits, strict=True) if logit > 0]
        return tuple(likely) or (FIELDS[int(self.field_logits.argmax())],)

    @property
    def field_probability(self) -> float:
        """The probability, 0 to 1, of the likeliest field."""
        return float(1 / (1 + np.exp(-self.field_logits.astype(np.float64).max())))

    def probability(self, intent: Intent) -> float:
        """Return the probability, 0 to 1, of an intent."""
        odds = np.exp(self.intents.astype(np.float64) - self.intents.max())
        return float(odds[INTENTS.index(intent)] / odds.sum())

    def slot(self, name: Slot) -> Span | None:
        """Return where the phrase of a slot stands in the question; None if it has none.

        It is the run of tokens whose log-odds of being in the slot have the highest sum.
        """
        if not len(self.slots):
            return None
        logits = self.slots.astype(np.float64)
        own = 1 + SLOTS.index(name)
        others = np.delete(logits, own, axis=1)
        top = others.max(1, keepdims=True)
        odds = logits[:, own] - top[:, 0] - np.log(np.exp(others - top).sum(1))
        best, total, start, found = 0.0, 0.0, 0, (0, 0)
        for n, each in enumerate(odds):
            if total <= 0:
                total, start = 0.0, n
            total += float(each)
            if total > best:
                best, found = total, (start, n + 1)
        first, last = found
        if first == last:
            return None
        return self._whole_words(int(self.spans[first, 0]), int(self.spans[last - 1, 1]))

    def phrase(self, name: Slot) -> str:
        """Return the phrase of a slot; empty if it has none."""
        span = self.slot(name)
        return self.question[slice(*span)] if span else ""

    def slot_probability(self, name: Slot) -> float:
        """Return the mean probability, 0 to 1, that the tokens of a slot's phrase are in it.

        0 if nothing fills the slot.
        """
        span = self.slot(name)
        if span is None:
            return 0.0
        odds = np.exp(self.slots.astype(np.float64) - self.slots.max(1, keepdims=True))
        probabilities = odds[:, 1 + SLOTS.index(name)] / odds.sum(1)
        inside = (self.spans[:, 0] < span[1]) & (span[0] < self.spans[:, 1])
        return float(probabilities[inside].mean())

    def _whole_words(self, start: int, end: int) -> Span | None:
        """Widen a span to whole words of Latin letters and digits, and leave out blanks around."""
        text = self.question
        start += len(text[start:end]) - len(text[start:end].lstrip())
        end = start + len(text[start:end].rstrip())
        while 0 < start < end and _IN_WORD.fullmatch(text[start - 1 : start + 1]):
            start -= 1
        while start < end < len(text) and _IN_WORD.fullmatch(text[end - 1 : end + 1]):
            end += 1
        return (start, end) if start < end else None


@dataclass(frozen=True, slots=True)
class QuotedNames:
    """A question in which known names of documents stand in quotation marks, for the parser.

    "Who wrote ReAct?" asks for a fact or for metadata. Which, the quotation marks tell.

    Attributes:
        question: The question as it was asked.
        text: The question with the quotation marks.
        places: Of each character of ``text``, and of its end, the place in ``question``.
    """

    question: str
    text: str
    places: npt.NDArray[np.int32]

    @classmethod
    def of(cls, question: str, names: Sequence[Span], marks: str = '""') -> QuotedNames:
        """Put names in quotation marks that stand in none.

        Args:
            question: The question.
            names: Where the names stand in it, none within another.
            marks: The opening mark and the closing one.
        """
        added: dict[int, str] = {}
        for start, end in names:
            if start < end and question[start - 1 : start] not in tuple(_OPENING):
                added[start] = added.get(start, "") + marks[0]
                added[end] = marks[1] + added.get(end, "")
        text, places = "", list[int]()
        for n in range(len(question) + 1):
            piece = added.get(n, "") + question[n : n + 1]
            text += piece
            places += [n] * len(piece)
        return cls(question, text, np.array([*places, len(question)], np.int32))

    def moved(self, span: Span) -> Span:
        """Return where a phrase of the question stands in the text."""
        first, last = np.searchsorted(self.places, [span[0], span[1] - 1], side="right") - 1
        return int(first), int(last) + 1

    def unquoted(self, parsed: ParsedQuestion) -> ParsedQuestion:
        """Return what the parser found in the text, with the places of the question's tokens."""
        return replace(parsed, question=self.question, spans=self.places[parsed.spans])
