"""One search over the segments of an index: candidates of each half and language, fused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from index.embed import Floats
from index.lexical import Query
from index.search import Ranked, fuse
from index.segment import Segment
from index.vectors import best

Place = tuple[Segment, np.ndarray | None]  # positions to search among; None: all


@dataclass(frozen=True, slots=True)
class _Found:
    """What one half puts forward of a language: the ``segment`` [n] and position of each."""

    segment: np.ndarray
    positions: np.ndarray
    values: Floats

    @classmethod
    def best(cls, found: Sequence[tuple[int, np.ndarray, Floats]], k: int) -> _Found:
        segment = np.concatenate([np.full(len(at), i) for i, at, _ in found])
        positions = np.concatenate([at for _, at, _ in found])
        chosen, values = best(np.concatenate([values for _, _, values in found]), k)
        return cls(segment[chosen], positions[chosen], values)


def ranked(
    places: Sequence[Place], vector: Floats, query: Query, japanese: bool, k: int, pool: int
) -> list[Ranked]:
    """The best ``k`` of the ``pool`` candidates that each half and each language puts forward.

    Among all languages together, passages in the question's (``japanese`` or not) would leave
    none of the other.
    """
    near, words = [], []
    for flag in (False, True):
        own = [(i, *place) for i, place in enumerate(places) if place[0].japanese == flag]
        if own:
            near.append(_Found.best([(i, *s.nearest(vector, pool, at)) for i, s, at in own], pool))
            words.append(_Found.best([(i, *s.matching(query, pool, at)) for i, s, at in own], pool))
    parts = [
        _scored(segment, i, near, words, vector, query) for i, (segment, _) in enumerate(places)
    ]
    if not parts:
        return []
    rows, cosine, coverage, language = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    coverage = coverage / max(query.ceiling, 1e-6)
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
    number: int,
    near: Sequence[_Found],
    words: Sequence[_Found],
    vector: Floats,
    query: Query,
) -> tuple[np.ndarray, Floats, Floats, np.ndarray]:
    """The candidates in a segment: rows, cosines, BM25, whether it is Japanese; of each."""
    by_vector = [(f.positions[f.segment == number], f.values[f.segment == number]) for f in near]
    at, cosines = (np.concatenate(column) for column in zip(*by_vector, strict=True))
    by_word = np.concatenate([f.positions[f.segment == number] for f in words])
    order = np.argsort(at)
    at, cosines = at[order], cosines[order]
    further = np.setdiff1d(by_word, at)  # whose vectors have not been read
    places = np.concatenate([at, further])
    cosine = np.concatenate([cosines, segment.read(further) @ vector]).astype(np.float32)
    bm25 = segment.postings.scores(query, places)
    return segment.rows[places], cosine, bm25, np.full(len(places), segment.japanese)


def _ranks(rows: np.ndarray, values: Floats) -> np.ndarray:
    """The rank of each value, from 1 for the highest; the lower row first among equals."""
    ranks = np.empty(len(values), np.int64)
    ranks[np.lexsort((rows, -values))] = np.arange(1, len(values) + 1)
    return ranks
