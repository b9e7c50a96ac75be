"""Readings without a model, for checkers that tests make up."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from corpus.text.sentences import sentence_spans
from index.inference.reading import Reading


def readings(
    pairs: Sequence[tuple[str, str]], odds_of: Callable[[str, str], float]
) -> list[Reading]:
    """Make readings of (text, question) pairs, in which each sentence is one token.

    ``odds_of`` gives the log-odds with which a sentence answers a question.
    """
    found = []
    for text, question in pairs:
        spans = sentence_spans(text) or [(0, len(text))]
        odds = [odds_of(text[a:b], question) for a, b in spans]
        found.append(Reading(np.array(spans, np.int32), np.array(odds, np.float32)))
    return found
