"""What a search returns, the protocol of an index, and how two kinds of score become one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from corpus.protocols import require_protocol
from corpus.store.store import Store
from corpus.types import Passage, Source
from index.inference.embedder import Embedder
from index.types import Floats


@dataclass(frozen=True, slots=True)
class Ranked:
    """One row of an index as a search saw it.

    ``score`` is the fused one, higher is better; ``cosine`` and ``coverage`` are what it was
    made from. The rank by each of them alone counts from 1, over the candidates; the lexical
    one is None where no word is shared.
    """

    row: int
    score: float
    cosine: float
    coverage: float
    dense_rank: int
    lexical_rank: int | None


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that a search found, with its source. ``score``: higher is better."""

    passage: Passage
    source: Source
    score: float
    cosine: float
    coverage: float
    dense_rank: int
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

    def __post_init__(self) -> None:
        require_protocol(self.index, SearchIndex)
        require_protocol(self.embedder, Embedder)

    def search(self, question: str, k: int, source_ids: Sequence[str] | None = None) -> list[Hit]:
        """The ``k`` passages nearest to a question, best first."""
        within = None if source_ids is None else self.store.rows(source_ids)
        if k <= 0 or not len(self.index) or within == []:
            return []
        vector = self.embedder.embed_query(question)
        ranked = self.index.search(vector, question, k, within)
        found = self.store.passages([r.row for r in ranked])
        if len(found) < len(ranked):  # what was taken out must not keep others out
            ranked = self.index.search(vector, question, k, self.store.rows(source_ids))
            found = self.store.passages([r.row for r in ranked])
        return [
            Hit(*found[r.row], r.score, r.cosine, r.coverage, r.dense_rank, r.lexical_rank)
            for r in ranked
            if r.row in found  # gone from the store since the index was written
        ]


# Log-odds that a passage is the one that answers, per unit of what is known about it. Fitted
# by maximum likelihood over candidate lists (listwise softmax) on JSQuAD and XQuAD passages in
# one index, asked in both languages; docs/evaluation.md has the figures.
_COSINE = 122.0
_COVERAGE_SAME_LANGUAGE = 24.0
_COVERAGE_ACROSS = 9.0
_ACROSS = 11.5


def fuse(cosine: Floats, coverage: Floats, across: np.ndarray) -> Floats:
    """One score [n] for candidates, in log-odds up to a constant; higher is better.

    ``coverage`` is BM25 as a share of the most that the question could reach, so that a
    question whose words stand in a passage counts for more than one of which a stray word
    does. ``across`` marks candidates in another language than the question's: they share
    few words with it however well they answer, and multilingual embeddings bring texts of
    one language nearer to each other than to their translations, by about 0.09 here.
    """
    lexical = np.where(across, _COVERAGE_ACROSS, _COVERAGE_SAME_LANGUAGE) * coverage
    return (_COSINE * cosine + lexical + _ACROSS * across).astype(np.float32)
