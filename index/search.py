"""What a search returns, the protocol of an index, and how two kinds of score become one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from corpus.store import Store
from corpus.types import Passage, Source
from index.embed import Embedder, Floats


@dataclass(frozen=True, slots=True)
class Ranked:
    """One row of an index as a search saw it.

    ``score`` is the fused one, higher is better; ``cosine`` and ``bm25`` are what it was
    made from; the ranks count from 1 and are None where that half alone did not find it.
    """

    row: int
    score: float
    cosine: float
    bm25: float
    dense_rank: int | None
    lexical_rank: int | None


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that a search found, with its source. ``score``: higher is better."""

    passage: Passage
    source: Source
    score: float
    cosine: float
    bm25: float
    dense_rank: int | None
    lexical_rank: int | None


class SearchIndex(Protocol):
    """Finds rows of the database by a question's vector and words."""

    def __len__(self) -> int: ...

    def search(
        self, vector: Floats, text: str, k: int, within: Sequence[int] | None = None
    ) -> list[Ranked]:
        """The best ``k`` rows, best first; ``within`` limits it to some rows."""
        ...


@dataclass(frozen=True, slots=True)
class Library:
    """A store and the index of it, as one thing to search."""

    store: Store
    index: SearchIndex
    embedder: Embedder

    def search(self, question: str, k: int, source_ids: Sequence[str] | None = None) -> list[Hit]:
        """The ``k`` passages nearest to a question, best first."""
        within = None if source_ids is None else self.store.rows(source_ids)
        if k <= 0 or not len(self.index) or within == []:
            return []
        ranked = self.index.search(self.embedder.embed_query(question), question, k, within)
        found = self.store.passages([r.row for r in ranked])
        return [
            Hit(*found[r.row], r.score, r.cosine, r.bm25, r.dense_rank, r.lexical_rank)
            for r in ranked
            if r.row in found  # gone from the store since the index was written
        ]


def fuse(cosine: Floats, bm25: Floats, comparable: np.ndarray) -> Floats:
    """One score [n] for candidates with a cosine and a BM25 each.

    Both are standardised over the candidates and added, which beats reciprocal ranks where
    one half is sure and the other is not. BM25 is standardised apart for each value of
    ``comparable`` [n]: a Japanese question shares few tokens with an English passage however
    well that answers, so the BM25 of the two languages says nothing about which is nearer.
    """
    lexical = np.zeros_like(cosine)
    for group in np.unique(comparable):
        members = comparable == group
        lexical[members] = _standardised(bm25[members])
    return _standardised(cosine) + lexical


def _standardised(values: Floats) -> Floats:
    spread = values.std()
    return (values - values.mean()) / spread if spread > 1e-6 else np.zeros_like(values)
