"""Whether one text is a translation of another, by vectors of its parts. Pure.

A translation says the same things in the same order. Parts of the two texts that are each
other's nearest are taken for pairs; in a translation nearly all pairs stand in one order, they
follow closely upon each other, and they cover most of the shorter text. A text on the same
matter, and even a digest, fails in one of the three. Only which part is the nearest counts, not
how near it is, so nothing here depends on the scale of an embedder's cosines.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from corpus.text.chunking import text_width
from index.types import Floats

MIN_ORDERED = 0.9  # share of the pairs that stand in one order
MIN_COVERED = 0.5  # share of the shorter text that they cover
MIN_CLOSE = 0.75  # share of the pairs that follow closely upon the one before, in both texts
MAX_CLOSE_DISTANCE = 2  # parts further on that are close
MIN_AGREED = 0.6  # share of numbers and names that the two of a pair have in common
MIN_PAIRS = 6  # pairs, from which order says anything
_ANCHOR = re.compile(r"\d+(?:[.,]\d+)*|[a-z]*[A-Z][A-Za-z]+")  # what a translator leaves as it is


@dataclass(frozen=True, slots=True)
class TextParts:
    """The parts of a text in order: what each says, and its vector, a row of [n, dim]."""

    texts: tuple[str, ...]
    vectors: Floats

    @property
    def widths(self) -> list[float]:
        return [text_width(text) for text in self.texts]


@dataclass(frozen=True, slots=True)
class Alignment:
    """Pairs of parts (a, b), ascending in both, and what they say of the two texts.

    All are shares from 0 to 1: ``ordered`` of the nearest pairs that stand in this order,
    ``covered`` of the shorter text, ``close`` of the pairs that follow upon the one before,
    ``agreed`` of the numbers and names that the pairs have in common (1 where there are none).
    """

    pairs: tuple[tuple[int, int], ...]
    ordered: float
    covered: float
    close: float
    agreed: float

    @property
    def translated(self) -> bool:
        return (
            len(self.pairs) >= MIN_PAIRS
            and self.ordered >= MIN_ORDERED
            and self.covered >= MIN_COVERED
            and self.close >= MIN_CLOSE
            and self.agreed >= MIN_AGREED
        )


def align(a: TextParts, b: TextParts) -> Alignment:
    """The alignment of two texts."""
    if not a.texts or not b.texts:
        return Alignment((), 0.0, 0.0, 0.0, 0.0)
    nearness = a.vectors @ b.vectors.T
    to_b, to_a = nearness.argmax(axis=1), nearness.argmax(axis=0)
    nearest = [(i, int(j)) for i, j in enumerate(to_b) if to_a[j] == i]
    in_a, in_b = a.widths, b.widths
    pairs = heaviest_chain(nearest, [min(in_a[i], in_b[j]) for i, j in nearest])
    covered = sum(in_a[i] for i, _ in pairs), sum(in_b[j] for _, j in pairs)
    shorter = covered[0] / sum(in_a) if sum(in_a) < sum(in_b) else covered[1] / sum(in_b)
    return Alignment(
        tuple(pairs),
        ordered=len(pairs) / len(nearest) if nearest else 0.0,
        covered=shorter,
        close=_close(pairs),
        agreed=_agreed([(a.texts[i], b.texts[j]) for i, j in pairs]),
    )


def heaviest_chain(
    pairs: Sequence[tuple[int, int]], weights: Sequence[float]
) -> list[tuple[int, int]]:
    """Of pairs that ascend in their first, those that ascend in their second too and weigh the
    most together.
    """
    best: list[tuple[float, int]] = []  # weight of the best chain that ends here, its last but one
    for at, (_, second) in enumerate(pairs):
        before = max(
            ((best[k][0], k) for k in range(at) if pairs[k][1] < second), default=(0.0, -1)
        )
        best.append((before[0] + weights[at], before[1]))
    at = max(range(len(best)), key=lambda k: best[k][0], default=-1)
    chain = []
    while at >= 0:
        chain.append(pairs[at])
        at = best[at][1]
    return chain[::-1]


def anchors(text: str) -> set[str]:
    """The numbers in a text, without separators, and its words with a capital, in lower case."""
    found = _ANCHOR.findall(unicodedata.normalize("NFKC", text))
    return {each.replace(",", "").lower() for each in found}


def _close(pairs: Sequence[tuple[int, int]]) -> float:
    steps = [
        j[0] - i[0] <= MAX_CLOSE_DISTANCE and j[1] - i[1] <= MAX_CLOSE_DISTANCE
        for i, j in pairwise(pairs)
    ]
    return sum(steps) / len(steps) if steps else 0.0


def _agreed(pairs: Sequence[tuple[str, str]]) -> float:
    shared = possible = 0
    for a, b in pairs:
        in_a, in_b = anchors(a), anchors(b)
        shared += len(in_a & in_b)
        possible += min(len(in_a), len(in_b))
    return shared / possible if possible else 1.0
