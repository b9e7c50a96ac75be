"""Detection of translations: whether one text translates another, by embeddings of its parts.

A translation says the same things in the same order. Parts (passages or sentences) of the two
texts that are each other's nearest neighbour are pairs. In a translation nearly all pairs are in
the same order, they follow each other closely, and they cover most of the shorter text. A text on
the same topic, and even a digest, fails one of the three. Only which part is the nearest counts,
not how near it is, so nothing depends on the scale of an embedder's cosines.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from corpus.text.chunking import text_width
from index.types import Floats

MIN_ORDERED = 0.9  # share of the pairs that are in the same order
MIN_COVERED = 0.5  # share of the shorter text that the pairs cover
MIN_CLOSE = 0.75  # share of the pairs that closely follow the one before, in both texts
MAX_CLOSE_DISTANCE = 2  # parts between two pairs that follow closely
MIN_AGREED = 0.6  # share of numbers and names that the two parts of a pair have in common
MIN_PAIRS = 6  # fewer pairs are in the same order by chance
_ANCHOR = re.compile(r"\d+(?:[.,]\d+)*|[a-z]*[A-Z][A-Za-z]+")  # what translators do not translate


@dataclass(frozen=True, slots=True)
class TextParts:
    """The parts of a text in order: their texts [n] and embeddings [n, dim]."""

    texts: tuple[str, ...]
    vectors: Floats

    @property
    def widths(self) -> list[float]:
        """The length of each part, in units of ``corpus.text.chunking.text_width``."""
        return [text_width(text) for text in self.texts]


@dataclass(frozen=True, slots=True)
class Alignment:
    """An alignment of two texts, with measures of how much one reads like a translation.

    Attributes:
        pairs: Pairs of parts (a, b), each other's nearest, ascending in both.
        ordered: The share of the nearest pairs that are in this order, from 0 to 1.
        covered: The share of the shorter text that the pairs cover, from 0 to 1.
        close: The share of the pairs that closely follow the one before, from 0 to 1.
        agreed: The share of numbers and names that the parts of a pair have in common, from 0 to
            1; 1 where there are none.
    """

    pairs: tuple[tuple[int, int], ...]
    ordered: float
    covered: float
    close: float
    agreed: float

    @property
    def translated(self) -> bool:
        """Whether one text is a translation of the other."""
        return (
            len(self.pairs) >= MIN_PAIRS
            and self.ordered >= MIN_ORDERED
            and self.covered >= MIN_COVERED
            and self.close >= MIN_CLOSE
            and self.agreed >= MIN_AGREED
        )


def align(a: TextParts, b: TextParts) -> Alignment:
    """Align two texts by their parts that are each other's nearest neighbour."""
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
    """Find the heaviest subsequence of pairs that ascends in the second members too.

    Args:
        pairs: Pairs that ascend in their first members.
        weights: The weight of each pair.
    """
    best: list[tuple[float, int]] = []  # weight of the best chain that ends here, its predecessor
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
    """Collect what translators leave as it is: the numbers and capitalised words of a text.

    Returns:
        The numbers without thousands separators, and the words in lower case.
    """
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
