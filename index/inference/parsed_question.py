"""What a question asks for, and the phrases in it that say of what.

Joint intent classification and slot filling (Chen, Zhuo and Wang 2019): one network gives the whole
question an intent, and each of its tokens a slot.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from index.types import Floats

INTENTS = ("fact", "comparison", "summary", "metadata")
"""A fact; two things compared; what a document is about; who wrote it, when and where it appeared,
how long it is, what it cites."""
SLOTS = ("work", "first", "second")
"""The document that is meant, by name or description; the two things that are compared."""


_IN_WORD = re.compile(r"[A-Za-z0-9\u00c0-\u024f]{2}")


@dataclass(frozen=True, slots=True)
class ParsedQuestion:
    """The intent of a question, and its slots.

    Attributes:
        question: The question.
        intents: The logits [4] of ``INTENTS``.
        spans: The characters [n, 2] of the question's n tokens.
        slots: The logits [n, 4] of each token: of no slot, and of ``SLOTS``.
    """

    question: str
    intents: Floats
    spans: npt.NDArray[np.int32]
    slots: Floats

    @property
    def intent(self) -> str:
        """The likeliest intent."""
        return INTENTS[int(self.intents.argmax())]

    def probability(self, intent: str) -> float:
        """Return the probability, 0 to 1, of an intent."""
        odds = np.exp(self.intents.astype(np.float64) - self.intents.max())
        return float(odds[INTENTS.index(intent)] / odds.sum())

    def slot(self, name: str) -> tuple[int, int] | None:
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

    def slot_probability(self, name: str) -> float:
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

    def _whole_words(self, start: int, end: int) -> tuple[int, int] | None:
        """Widen a span to whole words of Latin letters and digits, and leave out blanks around."""
        text = self.question
        start += len(text[start:end]) - len(text[start:end].lstrip())
        end = start + len(text[start:end].rstrip())
        while 0 < start < end and _IN_WORD.fullmatch(text[start - 1 : start + 1]):
            start -= 1
        while start < end < len(text) and _IN_WORD.fullmatch(text[end - 1 : end + 1]):
            end += 1
        return (start, end) if start < end else None
