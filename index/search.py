"""Search over a library: hits, the search index protocol, and fusion of lexical and dense scores.

"Dense" scores are cosine similarities of embeddings; "lexical" ones are BM25.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from corpus.protocols import require_protocol
from corpus.store.store import Store
from corpus.text.chunking import with_headings
from corpus.types import Passage, Source
from index.inference.embedder import Embedder
from index.inference.reranker import ToleratedReranker
from index.types import Floats

# Share of the results that is kept for the best passages of each language. How scores of two
# languages compare is known only on average: which passage answers shows when both are read.
LANGUAGE_SHARE = 0.25
# Hits that a re-ranker puts in order: twice the passages that an answer reads by default. Servers
# of Text Embeddings Inference take at most 32.
RERANKED = 20


@dataclass(frozen=True, slots=True)
class Ranked:
    """A passage's row in the database, with its scores and ranks in one search."""

    row: int
    score: float  # the fused score, in log-odds up to a constant; higher is better
    cosine: float  # similarity of the embeddings, on the scale of the bundled embedder's
    coverage: float  # BM25 as a share of the most that the question could reach, 0 to 1
    dense_rank: int  # by cosine among the candidates, from 1
    lexical_rank: int | None  # by BM25 among the candidates; None if no token is shared


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that a search found, with its source; the scores are those of ``Ranked``."""

    passage: Passage
    source: Source
    score: float
    cosine: float
    coverage: float
    dense_rank: int
    lexical_rank: int | None


class SearchIndex(Protocol):
    """An index that finds passages by a question's embedding and its text."""

    def __len__(self) -> int: ...

    def search(
        self, vector: Floats, text: str, k: int, within: Sequence[int] | None = None
    ) -> list[Ranked]:
        """Find the rows of the best passages for a question.

        Args:
            vector: The embedding of the question, [dim] float32 of length 1.
            text: The question, for lexical search.
            k: How many rows to return at most.
            within: Rows to which the search is limited; None for no limit.

        Returns:
            At most ``k`` rows with their scores, best first; a ``LANGUAGE_SHARE`` of them or more
            from each language that has so many.
        """
        ...


@dataclass(frozen=True, slots=True)
class Library:
    """Everything that can be answered from: the store of documents and the index over it.

    Attributes:
        store: The documents.
        index: The index over them.
        embedder: Embeds questions.
        reranker: Puts the first ``RERANKED`` hits of a search in its own order; None for the order
            of the search.
    """

    store: Store
    index: SearchIndex
    embedder: Embedder
    reranker: ToleratedReranker | None = None

    def __post_init__(self) -> None:
        require_protocol(self.index, SearchIndex)
        require_protocol(self.embedder, Embedder)

    def search(self, question: str, k: int, source_ids: Sequence[str] | None = None) -> list[Hit]:
        """Find the passages that fit a question best.

        Args:
            question: The question, in English or Japanese.
            k: How many hits to return at most.
            source_ids: Sources to which the search is limited; None for all of them.

        Returns:
            At most ``k`` hits, best first. A re-ranker changes their order, never their scores.
        """
        within = None if source_ids is None else self.store.rows(source_ids)
        if k <= 0 or not len(self.index) or within == []:
            return []
        if self.reranker is None:
            return self._found(question, k, source_ids, within)
        hits = self._found(question, max(k, RERANKED), source_ids, within)
        first, rest = hits[:RERANKED], hits[RERANKED:]
        texts = [with_headings(hit.passage.text, hit.passage, hit.source) for hit in first]
        order = self.reranker.order(question, texts)
        return [*(first[n] for n in order), *rest][:k]

    def _found(
        self,
        question: str,
        k: int,
        source_ids: Sequence[str] | None,
        within: Sequence[int] | None,
    ) -> list[Hit]:
        vector = self.embedder.embed_query(question)
        ranked = self.index.search(vector, question, k, within)
        found = self.store.passages([r.row for r in ranked])
        if len(found) < len(ranked):  # removed passages must not crowd out others
            ranked = self.index.search(vector, question, k, self.store.rows(source_ids))
            found = self.store.passages([r.row for r in ranked])
        return [
            Hit(*found[r.row], r.score, r.cosine, r.coverage, r.dense_rank, r.lexical_rank)
            for r in ranked
            if r.row in found  # else removed from the store since the index was written
        ]


# Log-odds that a passage is the one that answers, per unit of each feature. Fitted by maximum
# likelihood over candidate lists (listwise softmax) on JSQuAD and XQuAD passages in one index,
# asked in both languages; docs/evaluation.md has the figures. They belong to the bundled embedder.
# Cosines of another are brought to its scale (index/cosine_scale.py), so that the search works, but
# less finely tuned; training/relevance.py fits these and service/answering/reranking.py's again.
_COSINE = 122.0
_COVERAGE_SAME_LANGUAGE = 24.0
_COVERAGE_ACROSS = 9.0
_ACROSS = 11.5


def fuse(cosine: Floats, coverage: Floats, across: np.ndarray) -> Floats:
    """Combine dense and lexical scores of candidates into one score each.

    Candidates in another language than the question share few tokens with it however well they
    answer, and multilingual embeddings hold texts of one language nearer to each other than to
    their translations, by about 0.09 in cosine here. A constant makes up for that.

    Args:
        cosine: Similarity to the question, [n].
        coverage: BM25 as a share of the most that the question could reach, [n]. A share is
            comparable between questions, and a stray shared word counts little.
        across: Mask [n] of the candidates in another language than the question.

    Returns:
        Scores [n] in log-odds up to a constant; higher is better.
    """
    lexical = np.where(across, _COVERAGE_ACROSS, _COVERAGE_SAME_LANGUAGE) * coverage
    fused: Floats = (_COSINE * cosine + lexical + _ACROSS * across).astype(np.float32)
    return fused
