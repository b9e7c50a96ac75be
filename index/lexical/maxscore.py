"""The best documents of some postings for a query, without scoring them all.

The words of a query that few documents have are read in full, which gives each document a
part of its score. What common words can add to that is bounded, so most documents are out of
the question before their counts of those are looked up (after MaxScore, Turtle & Flood 1995).
The score to beat is guessed from some documents and proven by the number that reach it; the
result is that of scoring every document.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

THRESHOLD_SAMPLE = 4096  # documents that a guess is made from
MAX_LOOKUP_SHARE = 0.1  # of all documents: more are not looked up one by one
DOCUMENTS_PER_BLOCK = (
    1 << 14
)  # documents scored at a time: what is needed for that stays in the cache
SMALLEST_FLOAT = np.finfo(np.float32).tiny
ROUNDING_SLACK = 1e-5  # of a score: more than rounding makes of a sum in another order


@dataclass(frozen=True, slots=True, eq=False)
class ListedTerm:
    """A word by the positions, ascending, and the counts of the documents that have it."""

    weight: float  # what the score of a document approaches that repeats it
    docs: np.ndarray
    counts: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class TabledTerm:
    """A common word by the counts [n] of all documents, and the most that it gives one."""

    weight: float
    most: float
    row: np.ndarray


class MaxScoreSearch:
    """One search. ``norm``: what BM25 adds below the line to a document's count, as a constant
    and what comes to it for each token of its length.
    """

    def __init__(
        self,
        listed: Sequence[ListedTerm],
        tabled: Sequence[TabledTerm],
        lengths: np.ndarray,
        norm: tuple[float, float],
        excluded: np.ndarray | None = None,  # positions, or a mask [n]
    ) -> None:
        self.listed = listed
        self.tabled = sorted(tabled, key=lambda word: -word.most)
        self.lengths, self.norm = lengths, norm
        self.rest = sum(word.most for word in tabled)
        self.part = np.zeros(len(lengths), np.float32)
        for word in listed:
            self.part[word.docs] += impact(word.weight, word.counts, self._below(word.docs))
        if excluded is not None:
            self.part[excluded] = -np.inf

    def best(self, k: int) -> np.ndarray:
        """Positions, ascending, among which are the best ``k`` above 0 and all equals of the
        last of them.
        """
        if k <= 0 or not (self.listed or self.tabled):
            return np.zeros(0, np.int64)
        guess = self._guess(k)
        for goal in (guess, guess / 2, 0.0):
            found, scores = self._reaching(goal)
            if len(found) >= k:
                break
        return found[(scores > 0) & (scores >= kth_highest(scores, k) * (1 - ROUNDING_SLACK))]

    def _guess(self, k: int) -> float:
        """A score that ``k`` documents reach, or nearly so: not many more should."""
        n, seeds = len(self.lengths), np.zeros(0, np.int64)
        if self.listed:
            touched = np.concatenate([word.docs for word in self.listed])
            sample = self.part[touched[:: max(1, len(touched) // THRESHOLD_SAMPLE)]]
            wanted = int(len(sample) * max(4 * k, THRESHOLD_SAMPLE // 4) / len(touched))
            if wanted < len(sample):
                seeds = np.flatnonzero(self.part >= max(kth_highest(sample, max(wanted, 8)), 1e-9))
            else:
                seeds = np.flatnonzero(self.part > 0)
            if len(seeds) >= k:
                return kth_highest(self._scores(seeds, self.part[seeds]), k)
        stride = max(1, n // (4 * THRESHOLD_SAMPLE))
        sample = np.arange(0, n, stride)
        return kth_highest(self._scores(sample, self.part[sample]), max(1, -(-3 * k // stride)))

    def _reaching(self, goal: float) -> tuple[np.ndarray, np.ndarray]:
        """(positions, scores) of the documents whose score is ``goal`` or more."""
        goal *= 1 - ROUNDING_SLACK
        many = int(MAX_LOOKUP_SHARE * len(self.part))
        while self.tabled and np.count_nonzero(self._possible(goal)) > many:
            self._read()
        found, rest = np.flatnonzero(self._possible(goal)), self.rest
        scores, below = self.part[found], self._below(found)
        for word in self.tabled:
            scores = scores + impact(word.weight, word.row[found], below)
            rest -= word.most
            possible = scores + rest >= goal
            found, scores, below = found[possible], scores[possible], below[possible]
        return found, scores

    def _possible(self, goal: float) -> np.ndarray:
        """[n] bool: whether a document can reach ``goal``, and has a word at all."""
        least = goal - self.rest if self.tabled else max(goal, SMALLEST_FLOAT)
        return self.part >= np.float32(least)

    def _read(self) -> None:
        """Add what the weightiest of the common words gives to every document's part."""
        word, *self.tabled = self.tabled
        self.rest = sum(word.most for word in self.tabled)
        for at in range(0, len(self.part), DOCUMENTS_PER_BLOCK):
            span = slice(at, at + DOCUMENTS_PER_BLOCK)
            self.part[span] += impact(word.weight, word.row[span], self._below(span))

    def _below(self, positions: np.ndarray | slice) -> np.ndarray:
        made = self.lengths[positions].astype(np.float32)
        made *= np.float32(self.norm[1])
        made += np.float32(self.norm[0])
        return made

    def _scores(self, positions: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """The parts of some documents with what common words add."""
        below = self._below(positions)
        for word in self.tabled:
            scores = scores + impact(word.weight, word.row[positions], below)
        return scores


def impact(weight: float, counts: np.ndarray, below: np.ndarray) -> np.ndarray:
    """What a word adds to the scores of documents that have it ``counts`` times."""
    made = counts.astype(np.float32)
    made /= made + below
    made *= np.float32(weight)
    return made


def kth_highest(values: np.ndarray, k: int) -> float:
    """The ``k``-th highest value, at least 0; 0 where there are fewer."""
    return max(float(np.partition(values, -k)[-k]), 0.0) if len(values) >= k else 0.0
