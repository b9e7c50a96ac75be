"""Readings: where a text answers a question, as a logit for each of its tokens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from index.types import Floats

NEVER = -30.0  # log-odds of a part that has no token, such as one that was cut off
NEARLY = 2.0  # log-odds by which a token next to the best one is worse and still answers with it


@dataclass(frozen=True, slots=True)
class Reading:
    """Where a text answers a question, if it does.

    The log of the summed exponentials of the logits over the tokens of any part of the text is the
    log-odds that this part answers the question, against the text not answering it at all. So the
    odds of two parts that share no token add up to those of both together.

    Attributes:
        spans: The characters [n, 2] of each token, ``text[start:end]``.
        logits: A logit [n] for each token.
    """

    spans: npt.NDArray[np.int32]
    logits: Floats

    def answers(self, start: int = 0, end: int | None = None) -> float:
        """Return the log-odds that ``text[start:end]`` answers.

        Args:
            start: Where the part begins, in characters.
            end: Where it ends; None: with the text.

        Returns:
            The log-odds; ``NEVER`` for a part without tokens. A token that is only partly in the
            part counts.
        """
        inside = self.spans[:, 1] > start
        if end is not None:
            inside &= (self.spans[:, 0] < end) & (start < end)
        logits = self.logits[inside]
        if not len(logits):
            return NEVER
        top = float(logits.max())
        return top + float(np.log(np.exp(logits - top).sum()))

    def best_words(self, start: int = 0, end: int | None = None) -> tuple[int, int]:
        """Return the characters of the best token in a part, and of its nearly as good neighbours.

        Args:
            start: Where the part begins, in characters.
            end: Where it ends; None: with the text.

        Returns:
            Where the words begin and end; (start, start) for a part without tokens.
        """
        inside = self.spans[:, 1] > start
        if end is not None:
            inside &= self.spans[:, 0] < end
        logits, spans = self.logits[inside], self.spans[inside]
        if not len(logits):
            return start, start
        low = high = int(logits.argmax())
        least = logits[low] - NEARLY
        while low and logits[low - 1] > least:
            low -= 1
        while high + 1 < len(logits) and logits[high + 1] > least:
            high += 1
        return int(spans[low, 0]), int(spans[high, 1])


UNREAD = Reading(np.empty((0, 2), np.int32), np.empty(0, np.float32))  # no part answers
