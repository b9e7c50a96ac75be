"""Hybrid search over the segments of an index: BM25 and vectors, fused into one score.

Each language, and each of the two ways of searching, puts its own candidates forward. A
multilingual embedding holds texts of one language nearer to each other than to their
translations: in one ranking over all passages, those in the question's language would leave none
of the other. For the same reason, each language has places among the results that are its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from index.cosine_scale import UNSCALED, CosineScale
from index.lexical.bm25 import Scorer
from index.lexical.postings import LexicalQuery
from index.search import LANGUAGE_SHARE, Ranked, fuse
from index.storage.ann import cosines, top_k
from index.storage.segment import Segment
from index.types import Floats

# A segment, with the ascending positions to search among; None for all that are not deleted.
SegmentSelection = tuple[Segment, np.ndarray | None]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Passages [n] that a search found in several segments, best first.

    Attributes:
        segment: The number of the segment, among those searched, that each passage is in.
        position: The position of each passage in its segment.
        value: The cosine or BM25 score of each passage.
    """

    segment: np.ndarray
    position: np.ndarray
    value: Floats

    @classmethod
    def best(cls, found: Sequence[tuple[np.ndarray, Floats]], k: int) -> Candidates:
        """Merge what a search found in each segment, and keep the ``k`` highest scores.

        Args:
            found: For each segment, the positions [n] of passages in it and their scores [n].
            k: How many to keep, highest first.
        """
        segment = np.repeat(np.arange(len(found)), [len(at) for at, _ in found])
        position = np.concatenate([np.zeros(0, np.int64), *(at for at, _ in found)])
        values = np.concatenate([np.zeros(0, np.float32), *(values for _, values in found)])
        chosen, values = top_k(values, k)
        return cls(segment[chosen], position[chosen], values)

    def rows(self, searched: Sequence[SegmentSelection]) -> np.ndarray:
        """Return the database rows [n] of the candidates, given the segments searched."""
        return np.array(
            [searched[i][0].rows[at] for i, at in zip(self.segment, self.position, strict=True)],
            np.int64,
        )


def vector_candidates(searched: Sequence[SegmentSelection], vector: Floats, k: int) -> Candidates:
    """Find the ``k`` passages in some segments whose embeddings are nearest to a vector [dim]."""
    return Candidates.best([segment.nearest(vector, k, at) for segment, at in searched], k)


def lexical_candidates(
    searched: Sequence[SegmentSelection], scorers: Sequence[Scorer], k: int
) -> Candidates:
    """Find the ``k`` passages in some segments, one scorer for each, with the highest BM25."""
    both = zip(searched, scorers, strict=True)
    return Candidates.best([segment.matching(scorer, k, at) for (segment, at), scorer in both], k)


def segment_scorers(searched: Sequence[SegmentSelection], query: LexicalQuery) -> list[Scorer]:
    """Make a BM25 scorer of a query for each of some segments."""
    return [Scorer(segment.postings, query) for segment, _ in searched]


def hybrid_ranking(
    searched: Sequence[SegmentSelection],
    vector: Floats,
    query: LexicalQuery,
    japanese: bool,
    k: int,
    pool: int,
    scale: CosineScale = UNSCALED,
) -> list[Ranked]:
    """Rank passages by BM25 and vectors together.

    Args:
        searched: The segments, and the positions in each, to search.
        vector: The embedding [dim] of the question.
        query: The terms of the question.
        japanese: Whether the question is in Japanese.
        k: How many passages to return at most.
        pool: How many candidates each language puts forward, by BM25 and by vectors each.
        scale: The scale of the embedder's cosines.

    Returns:
        The candidates with the highest fused scores of all and of each language, best first.
    """
    parts = []
    for language in (False, True):
        own = [each for each in searched if each[0].japanese == language]
        scorers = segment_scorers(own, query)
        by_vector = vector_candidates(own, vector, pool)
        by_terms = lexical_candidates(own, scorers, pool)
        parts += [
            _scored(segment, i, scorer, by_vector, by_terms, vector)
            for i, ((segment, _), scorer) in enumerate(zip(own, scorers, strict=True))
        ]
    if not parts:
        return []
    rows, cosine, bm25, languages = (np.concatenate(column) for column in zip(*parts, strict=True))
    coverage = (bm25 / max(query.ceiling, 1e-6)).astype(np.float32, copy=False)
    dense_rank, lexical_rank = _ranks(rows, cosine), _ranks(rows, coverage)
    across = languages != japanese
    cosine = scale.apply(cosine, across)
    score = fuse(cosine, coverage, across)
    return [
        Ranked(
            row=int(rows[i]),
            score=float(score[i]),
            cosine=float(cosine[i]),
            coverage=float(coverage[i]),
            dense_rank=int(dense_rank[i]),
            lexical_rank=int(lexical_rank[i]) if coverage[i] > 0 else None,
        )
        for i in _best_of_each(rows, score, languages, k)
    ]


def _best_of_each(rows: np.ndarray, score: Floats, japanese: np.ndarray, k: int) -> np.ndarray:
    """Choose ``k`` candidates by their scores, of each language at least its share.

    Where ``k`` is less than four, a share is no whole place, and the best of all are chosen.

    Args:
        rows: The database rows [n] of the candidates.
        score: Their fused scores [n].
        japanese: Whether each is in Japanese [n].
        k: How many to choose.

    Returns:
        The numbers of those chosen, by score, highest first; the lower row first among equals.
    """
    order = np.lexsort((rows, -score))
    own = japanese[order]
    rank = np.where(own, np.cumsum(own), np.cumsum(~own))  # in its language, from 1
    chosen = rank <= int(LANGUAGE_SHARE * k)
    chosen[np.flatnonzero(~chosen)[: k - int(chosen.sum())]] = True
    best: np.ndarray = order[chosen]
    return best


def _scored(
    segment: Segment,
    number: int,
    scorer: Scorer,
    by_vector: Candidates,
    by_terms: Candidates,
    vector: Floats,
) -> tuple[np.ndarray, Floats, Floats, np.ndarray]:
    """The candidates in a segment: rows, cosines, BM25, and whether they are Japanese; [n] each."""
    here = by_vector.segment == number
    at = by_vector.position[here]
    # The vectors of candidates that only their terms put forward have not been read yet.
    only_terms = np.setdiff1d(by_terms.position[by_terms.segment == number], at, assume_unique=True)
    further = np.sort(only_terms)
    cosine = np.concatenate([by_vector.value[here], cosines(segment.read(further), vector)])
    at = np.concatenate([at, further])
    return segment.rows[at], cosine, scorer.scores(at), np.full(len(at), segment.japanese)


def _ranks(rows: np.ndarray, values: Floats) -> np.ndarray:
    """The rank of each value, from 1 for the highest; the lower row first among equals."""
    ranks = np.empty(len(values), np.int64)
    ranks[np.lexsort((rows, -values))] = np.arange(1, len(values) + 1)
    return ranks
