"""Top-k retrieval without scoring every document (after MaxScore, Turtle & Flood 1995).

Most of a query's postings belong to common words, which say least about a document. So the postings
of rare terms are read in full, which gives each document a partial score. A common term has a row
with one count for each document, and an upper bound of what it adds to any score. Documents that
cannot reach the score to beat even with these bounds are dropped before their counts are looked up.

The score to beat is estimated from a sample and only holds if enough documents reach it. The result
is exact, ties included: that of scoring every document. Champion lists or impact-ordered postings
would read less, but need a second set of lists, and lose some recall.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from index.types import Floats

THRESHOLD_SAMPLE = 4096  # documents from which the score to beat is estimated
MAX_LOOKUP_SHARE = 0.1  # of all documents: with more candidates than this, a row is read in full
DOCUMENTS_PER_BLOCK = 1 << 14  # documents scored at a time, so that their arrays stay in the cache
SMALLEST_FLOAT = np.finfo(np.float32).tiny
ROUNDING_SLACK = 1e-5  # share of a score: more than another order of addition can change it


@dataclass(frozen=True, slots=True, eq=False)
class ListedTerm:
    """A rare term: the positions, ascending, of its documents, and its count in each of them."""

    weight: float  # the upper limit of its contribution, for a document that only repeats it
    docs: np.ndarray
    counts: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class TabledTerm:
    """A common term: its count in every document, and the most it adds to any score."""

    weight: float
    most: float
    row: np.ndarray  # [n] counts


class MaxScoreSearch:
    """A single top-k search over postings that prunes documents by score bounds."""

    def __init__(
        self,
        listed: Sequence[ListedTerm],
        tabled: Sequence[TabledTerm],
        lengths: np.ndarray,
        norm: tuple[float, float],
        excluded: np.ndarray | None = None,
    ) -> None:
        """Compute each document's partial score from the rare terms.

        Args:
            listed: The rare terms of the query.
            tabled: Its common terms.
            lengths: Tokens in each document, [n].
            norm: BM25's length normalisation: a constant, and what is added for each token.
            excluded: Documents to leave out: positions, or a mask [n]; None for none.
        """
        self.listed = listed
        self.tabled = sorted(tabled, key=lambda term: -term.most)
        self.lengths, self.norm = lengths, norm
        self.rest = sum(term.most for term in tabled)  # the most that unread terms can add
        self.part = np.zeros(len(lengths), np.float32)
        for term in listed:
            self.part[term.docs] += impact(term.weight, term.counts, self._norms(term.docs))
        if excluded is not None:
            self.part[excluded] = -np.inf

    def best(self, k: int) -> np.ndarray:
        """Find candidates that include the ``k`` best documents with a score above 0.

        Returns:
            Positions, ascending: the best ``k``, all that tie with the last of them, and any whose
            score is within rounding of it.
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
        """Estimate the ``k``-th highest score from a sample of the documents."""
        n, seeds = len(self.lengths), np.zeros(0, np.int64)
        if self.listed:
            touched = np.concatenate([term.docs for term in self.listed])
            sample = self.part[touched[:: max(1, len(touched) // THRESHOLD_SAMPLE)]]
            wanted = int(len(sample) * max(4 * k, THRESHOLD_SAMPLE // 4) / len(touched))
            if wanted < len(sample):
                seeds = np.flatnonzero(self.part >= max(kth_highest(sample, max(wanted, 8)), 1e-9))
            else:
                seeds = np.flatnonzero(self.part > 0)
            if len(seeds) >= k:
                return kth_highest(self._scores(seeds), k)
        stride = max(1, n // (4 * THRESHOLD_SAMPLE))
        return kth_highest(self._scores(np.arange(0, n, stride)), max(1, -(-3 * k // stride)))

    def _reaching(self, goal: float) -> tuple[np.ndarray, Floats]:
        """Find the documents whose score is at least ``goal``: positions and scores."""
        goal *= 1 - ROUNDING_SLACK
        many = int(MAX_LOOKUP_SHARE * len(self.part))
        while self.tabled and np.count_nonzero(self._possible(goal)) > many:
            self._read_row()
        found, rest = np.flatnonzero(self._possible(goal)), self.rest
        scores, norms = self.part[found], self._norms(found)
        for term in self.tabled:
            scores = scores + impact(term.weight, term.row[found], norms)
            rest -= term.most
            possible = scores + rest >= goal
            found, scores, norms = found[possible], scores[possible], norms[possible]
        return found, scores

    def _possible(self, goal: float) -> np.ndarray:
        """Mask [n] of the documents that contain a term and can still reach ``goal``."""
        least = goal - self.rest if self.tabled else max(goal, float(SMALLEST_FLOAT))
        return self.part >= np.float32(least)

    def _read_row(self) -> None:
        """Add to every partial score what the weightiest of the unread common terms contributes."""
        term, *self.tabled = self.tabled
        self.rest = sum(each.most for each in self.tabled)
        for at in range(0, len(self.part), DOCUMENTS_PER_BLOCK):
            span = slice(at, at + DOCUMENTS_PER_BLOCK)
            self.part[span] += impact(term.weight, term.row[span], self._norms(span))

    def _norms(self, positions: np.ndarray | slice) -> Floats:
        norms: Floats = self.lengths[positions].astype(np.float32)
        norms *= np.float32(self.norm[1])
        norms += np.float32(self.norm[0])
        return norms

    def _scores(self, positions: np.ndarray) -> Floats:
        """Compute the full scores of the documents at some positions."""
        scores: Floats = self.part[positions]
        norms = self._norms(positions)
        for term in self.tabled:
            scores = scores + impact(term.weight, term.row[positions], norms)
        return scores


def impact(weight: float, counts: np.ndarray, norms: Floats) -> Floats:
    """Compute how much a term adds to the BM25 scores of documents.

    Args:
        weight: The term's upper limit: its count in the query times idf times (k1 + 1).
        counts: Its occurrences in each document, [n].
        norms: The length normalisation of each document, [n].
    """
    gains: Floats = counts.astype(np.float32)
    gains /= gains + norms
    gains *= np.float32(weight)
    return gains


def kth_highest(values: Floats, k: int) -> float:
    """Return the ``k``-th highest value, at least 0; 0 if there are fewer than ``k`` values."""
    return max(float(np.partition(values, -k)[-k]), 0.0) if len(values) >= k else 0.0
