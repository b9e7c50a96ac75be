"""BM25 scoring of postings for one query.

Small postings are scored in full. In large ones MaxScore pruning (``index.lexical.maxscore``) finds
the documents that can be among the best, and only these are scored. The results are identical.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from index.lexical.maxscore import ListedTerm, MaxScoreSearch, TabledTerm
from index.lexical.postings import LexicalQuery, Postings, find_hashes
from index.lexical.postings_builder import K1, B, length_norm, mean_length
from index.types import Floats

SCORE_ALL_UP_TO = 1 << 13  # documents: up to here, scoring all of them is faster than pruning
# A filter that keeps at most one document in so many: all that it keeps are scored.
SPARSE_FILTER_ONE_IN = 256


@dataclass(frozen=True, slots=True)
class _QueryTerm:
    """A term of a query that some document contains, with its row of counts or its list."""

    count: int  # occurrences in the query
    idf: float
    row: int | None  # of the table of counts; None for a term that is kept as a list
    docs: np.ndarray  # [document frequency] positions, ascending; empty if the term has a row
    counts: np.ndarray  # occurrences in each of ``docs``

    def scores(self, counts: np.ndarray, norms: np.ndarray) -> Floats:
        """Compute what the term adds to documents that contain it ``counts`` times.

        Args:
            counts: Occurrences in each document, [n].
            norms: The length normalisation of each document, [n].
        """
        counts = counts.astype(np.float64)
        gains: Floats = (self.idf * counts * (K1 + 1) / (counts + norms)).astype(np.float32)
        return self.count * gains


class Scorer:
    """BM25 scores of the documents of one set of postings for one query.

    Postings of up to ``few`` documents are scored all at once. The results are the same either way.
    """

    def __init__(self, postings: Postings, query: LexicalQuery, few: int = SCORE_ALL_UP_TO) -> None:
        self._postings, self._query = postings, query
        self._few = len(postings) <= few
        numbers = find_hashes(postings.hashes, query.hashes).tolist()
        terms = zip(numbers, query.counts, query.idf.tolist(), strict=True)
        self._terms = [self._term(*term) for term in terms if term[0] >= 0]

    def _term(self, number: int, count: int, idf: float) -> _QueryTerm:
        p = self._postings
        span = slice(p.starts[number], p.starts[number + 1])
        return _QueryTerm(count, idf, p.row(number), p.docs[span], p.counts[span])

    def scores(self, positions: np.ndarray) -> Floats:
        """Compute the BM25 scores of the documents at some positions.

        Args:
            positions: Positions of documents in the postings, [n].

        Returns:
            The scores, [n]; 0 where a document has no term of the query.
        """
        if self._few:
            chosen: Floats = self._all[positions]
            return chosen
        total = np.zeros(len(positions), np.float32)
        norms = self._norms(positions)
        for term in self._terms:
            total += term.scores(self._counts(term, positions), norms)
        return total

    @cached_property
    def _all(self) -> Floats:
        total = np.zeros(len(self._postings), np.float32)
        norms = self._norms(slice(None))
        for term in self._terms:
            if term.row is not None:
                total += term.scores(self._postings.table[term.row], norms)
            else:
                total[term.docs] += term.scores(term.counts, norms[term.docs])
        return total

    def top(
        self, k: int, allowed: np.ndarray | None = None, gone: np.ndarray | None = None
    ) -> tuple[np.ndarray, Floats]:
        """Find the ``k`` documents with the highest BM25 scores above 0.

        Args:
            k: How many documents to find at most.
            allowed: Positions, ascending, to which the search is limited; None for no limit.
            gone: Positions, ascending, that are left out, such as those of deleted documents.

        Returns:
            Positions and scores, highest score first; among equal scores the lower position first.
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
        """Find a few positions, ascending, that include the best ``k``."""
        p, mean = self._postings, self._query.mean
        listed, tabled = [], []
        # A term's impact grows with the mean length of the whole index, but at most in proportion.
        stretch = max(1.0, mean / mean_length(p.words, len(p)))
        for term in self._terms:
            weight = term.count * term.idf * (K1 + 1)
            if term.row is None:
                listed.append(ListedTerm(weight, term.docs, term.counts))
            else:
                most = weight * min(float(p.peaks[term.row]) * stretch, 1.0)
                tabled.append(TabledTerm(weight, most, p.table[term.row]))
        norm = (K1 * (1 - B), K1 * B / mean)
        return MaxScoreSearch(listed, tabled, p.lengths, norm, excluded).best(k)

    def _norms(self, positions: np.ndarray | slice) -> np.ndarray:
        return length_norm(self._postings.lengths[positions], self._query.mean)

    def _counts(self, term: _QueryTerm, positions: np.ndarray) -> np.ndarray:
        """Look up how often the documents at some positions contain a term."""
        if term.row is not None:
            row: np.ndarray = self._postings.table[term.row, positions]
            return row
        docs = term.docs
        positions = positions.astype(docs.dtype)  # or numpy would make a wide copy of the list
        at = np.minimum(docs.searchsorted(positions), len(docs) - 1)
        return np.where(docs[at] == positions, term.counts[at], 0)


def highest(positions: np.ndarray, scores: Floats, k: int) -> tuple[np.ndarray, Floats]:
    """Select the ``k`` highest scores above 0 and their positions, ordered as by ``Scorer.top``."""
    k = min(k, int(np.count_nonzero(scores > 0)))
    if k <= 0:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    first = np.flatnonzero(scores >= np.partition(scores, -k)[-k])
    first = first[np.lexsort((positions[first], -scores[first]))][:k]
    return positions[first], scores[first]


def _excluded(n: int, allowed: np.ndarray | None, gone: np.ndarray | None) -> np.ndarray | None:
    """Return what a search leaves out: positions, a mask [n], or None for nothing."""
    if allowed is None:
        return gone
    excluded = np.ones(n, bool)
    excluded[allowed] = False
    if gone is not None:
        excluded[gone] = True
    return excluded
