"""One search over the segments of an index: candidates of each half and language, fused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from index.lexical.bm25 import Scorer
from index.lexical.postings import LexicalQuery
from index.search import Ranked, fuse
from index.storage.ann import cosines, top_k
from index.storage.segment import Segment
from index.types import Floats

SegmentSelection = tuple[
    Segment, np.ndarray | None
]  # ascending positions to search among; None: all


@dataclass(frozen=True, slots=True)
class Candidates:
    """Passages [n], best first: the place that each is in, its position there, its value."""

    place: np.ndarray
    position: np.ndarray
    value: Floats

    @classmethod
    def best(cls, found: Sequence[tuple[np.ndarray, Floats]], k: int) -> Candidates:
        """The ``k`` best of what was found in each place: positions, and values."""
        place = np.repeat(np.arange(len(found)), [len(at) for at, _ in found])
        position = np.concatenate([np.zeros(0, np.int64), *(at for at, _ in found)])
        values = np.concatenate([np.zeros(0, np.float32), *(values for _, values in found)])
        chosen, values = top_k(values, k)
        return cls(place[chosen], position[chosen], values)

    def rows(self, places: Sequence[SegmentSelection]) -> np.ndarray:
        return np.array(
            [places[i][0].rows[at] for i, at in zip(self.place, self.position, strict=True)],
            np.int64,
        )


def vector_candidates(places: Sequence[SegmentSelection], vector: Floats, k: int) -> Candidates:
    return Candidates.best([segment.nearest(vector, k, at) for segment, at in places], k)


def lexical_candidates(
    places: Sequence[SegmentSelection], scorers: Sequence[Scorer], k: int
) -> Candidates:
    both = zip(places, scorers, strict=True)
    return Candidates.best([segment.matching(scorer, k, at) for (segment, at), scorer in both], k)


def segment_scorers(places: Sequence[SegmentSelection], query: LexicalQuery) -> list[Scorer]:
    return [Scorer(segment.postings, query) for segment, _ in places]


def hybrid_ranking(
    places: Sequence[SegmentSelection],
    vector: Floats,
    query: LexicalQuery,
    japanese: bool,
    k: int,
    pool: int,
) -> list[Ranked]:
    """The best ``k`` of the ``pool`` candidates that each half and each language puts forward.

    Among all languages together, passages in the question's (``japanese`` or not) would leave
    none of the other.
    """
    parts = []
    for flag in (False, True):
        own = [place for place in places if place[0].japanese == flag]
        lexical = segment_scorers(own, query)
        near, words = vector_candidates(own, vector, pool), lexical_candidates(own, lexical, pool)
        parts += [
            _scored(segment, scorer, near, words, i, vector)
            for i, ((segment, _), scorer) in enumerate(zip(own, lexical, strict=True))
        ]
    if not parts:
        return []
    rows, cosine, bm25, language = (np.concatenate(column) for column in zip(*parts, strict=True))
    coverage = bm25 / max(query.ceiling, 1e-6)
    score = fuse(cosine, coverage, language != japanese)
    dense_rank, lexical_rank = _ranks(rows, cosine), _ranks(rows, coverage)
    return [
        Ranked(
            row=int(rows[i]),
            score=float(score[i]),
            cosine=float(cosine[i]),
            coverage=float(coverage[i]),
            dense_rank=int(dense_rank[i]),
            lexical_rank=int(lexical_rank[i]) if coverage[i] > 0 else None,
        )
        for i in np.lexsort((rows, -score))[:k]
    ]


def _scored(
    segment: Segment,
    scorer: Scorer,
    near: Candidates,
    words: Candidates,
    place: int,
    vector: Floats,
) -> tuple[np.ndarray, Floats, Floats, np.ndarray]:
    """The candidates in a segment: rows, cosines, BM25, and whether they are Japanese; [n] each."""
    here = near.place == place
    at = near.position[here]
    # Of what only the words put forward, the vectors have not been read yet.
    further = np.sort(np.setdiff1d(words.position[words.place == place], at, assume_unique=True))
    cosine = np.concatenate([near.value[here], cosines(segment.read(further), vector)])
    at = np.concatenate([at, further])
    return segment.rows[at], cosine, scorer.scores(at), np.full(len(at), segment.japanese)


def _ranks(rows: np.ndarray, values: Floats) -> np.ndarray:
    """The rank of each value, from 1 for the highest; the lower row first among equals."""
    ranks = np.empty(len(values), np.int64)
    ranks[np.lexsort((rows, -values))] = np.arange(1, len(values) + 1)
    return ranks
