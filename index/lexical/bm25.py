"""The BM25 of some postings for one query: of all their documents where they are few, else of as
many as it takes to find the best (index.lexical.maxscore).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from index.lexical.maxscore import ListedTerm, MaxScoreSearch, TabledTerm
from index.lexical.postings import LexicalQuery, Postings, find_hashes
from index.lexical.postings_builder import K1, B, length_norm, mean_length

SCORE_ALL_UP_TO = (
    1 << 13
)  # documents that are scored sooner than it is found out which of them need be
SPARSE_FILTER_ONE_IN = 256  # a filter that lets one document in so many through is scored as it is


@dataclass(frozen=True, slots=True)
class _QueryTerm:
    """A word of a query that some document has: by its row of the table, or by its list."""

    count: int  # in the query
    idf: float
    row: int | None
    docs: np.ndarray  # [its frequency] positions, ascending; empty where it has a row
    counts: np.ndarray

    def scores(self, found: np.ndarray, below: np.ndarray) -> np.ndarray:
        """[n] float32: what it gives documents that have it ``found`` times."""
        found = found.astype(np.float64)
        return self.count * (self.idf * found * (K1 + 1) / (found + below)).astype(np.float32)


class Scorer:
    """The scores of some postings for one query, whose words are looked up once.

    Up to ``few`` documents are scored all at once. The results are the same either way.
    """

    def __init__(self, postings: Postings, query: LexicalQuery, few: int = SCORE_ALL_UP_TO) -> None:
        self._postings, self._query = postings, query
        self._few = len(postings) <= few
        numbers = find_hashes(postings.hashes, query.hashes).tolist()
        words = zip(numbers, query.counts, query.idf.tolist(), strict=True)
        self._words = [self._word(*word) for word in words if word[0] >= 0]

    def _word(self, number: int, count: int, idf: float) -> _QueryTerm:
        p = self._postings
        span = slice(p.starts[number], p.starts[number + 1])
        return _QueryTerm(count, idf, p.row(number), p.docs[span], p.counts[span])

    def scores(self, positions: np.ndarray) -> np.ndarray:
        """[len(positions)] float32: the BM25 of some documents; 0 where no word is shared."""
        if self._few:
            return self._all[positions]
        total = np.zeros(len(positions), np.float32)
        below = self._below(positions)
        for word in self._words:
            total += word.scores(self._counts(word, positions), below)
        return total

    @cached_property
    def _all(self) -> np.ndarray:
        total = np.zeros(len(self._postings), np.float32)
        below = self._below(slice(None))
        for word in self._words:
            if word.row is not None:
                total += word.scores(self._postings.table[word.row], below)
            else:
                total[word.docs] += word.scores(word.counts, below[word.docs])
        return total

    def top(
        self, k: int, allowed: np.ndarray | None = None, gone: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """(positions, scores) of the best ``k`` with a score above 0, best first; of equals the
        lower position. ``allowed``: positions, ascending, to which the search is limited;
        ``gone``: positions, ascending, that it leaves out.
        """
        n = len(self._postings)
        if self._few:
            allowed = np.arange(n) if allowed is None else allowed
        if allowed is not None and (self._few or len(allowed) * SPARSE_FILTER_ONE_IN <= n):
            positions = allowed if gone is None else np.setdiff1d(allowed, gone, True)
        else:
            positions = self._pruned(k, _excluded(n, allowed, gone))
        return highest(positions, self.scores(positions), k)

    def _pruned(self, k: int, excluded: np.ndarray | None) -> np.ndarray:
        p, mean = self._postings, self._query.mean
        listed, tabled = [], []
        # An impact grows with the mean length, but never faster.
        stretch = max(1.0, mean / mean_length(p.words, len(p)))
        for word in self._words:
            weight = word.count * word.idf * (K1 + 1)
            if word.row is None:
                listed.append(ListedTerm(weight, word.docs, word.counts))
            else:
                most = weight * min(float(p.peaks[word.row]) * stretch, 1.0)
                tabled.append(TabledTerm(weight, most, p.table[word.row]))
        norm = (K1 * (1 - B), K1 * B / mean)
        return MaxScoreSearch(listed, tabled, p.lengths, norm, excluded).best(k)

    def _below(self, positions: np.ndarray | slice) -> np.ndarray:
        return length_norm(self._postings.lengths[positions], self._query.mean)

    def _counts(self, word: _QueryTerm, positions: np.ndarray) -> np.ndarray:
        """[len(positions)]: how often each document has the word."""
        if word.row is not None:
            return self._postings.table[word.row, positions]
        docs = word.docs
        positions = positions.astype(docs.dtype)  # or numpy would make a wide copy of the list
        at = np.minimum(docs.searchsorted(positions), len(docs) - 1)
        return np.where(docs[at] == positions, word.counts[at], 0)


def highest(positions: np.ndarray, scores: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The ``k`` highest scores above 0 with their positions, as ``Scorer.top`` orders them."""
    k = min(k, int(np.count_nonzero(scores > 0)))
    if k <= 0:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    first = np.flatnonzero(scores >= np.partition(scores, -k)[-k])
    first = first[np.lexsort((positions[first], -scores[first]))][:k]
    return positions[first], scores[first]


def _excluded(n: int, allowed: np.ndarray | None, gone: np.ndarray | None) -> np.ndarray | None:
    """What a search leaves out: positions, or a mask [n]."""
    if allowed is None:
        return gone
    excluded = np.ones(n, bool)
    excluded[allowed] = False
    if gone is not None:
        excluded[gone] = True
    return excluded
