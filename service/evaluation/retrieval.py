"""A short test of embedders and re-rankers on the questions and digests that ship with Tenkyo.

It says whether a model works at all, how fast, and roughly how well; 31 questions in each language
are too few to tell two good models apart.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from index.cosine_scale import measure_scale, shipped_passages, shipped_questions
from index.inference.embedder import Embedder
from index.inference.reranker import Reranker
from index.search import RERANKED
from index.storage.local_index import LocalIndex

LANGUAGES = ("en", "ja")


@dataclass(frozen=True, slots=True)
class RetrievalReport:
    """How a model did in the test.

    Attributes:
        kind: ``embedder`` or ``reranker``.
        name: The model's name.
        dimension: The dimension of its vectors; None for a re-ranker.
        passages_per_second: Passages embedded, or read beside a question, in a second.
        question_ms: Milliseconds that it takes for one question of a search.
        questions: How many questions there are in each language.
        first: For each language, the questions whose first hit is of the work that is asked about.
    """

    kind: str
    name: str
    dimension: int | None
    passages_per_second: float
    question_ms: float
    questions: int
    first: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON, with the share of such questions as ``recall_at_1``."""
        return {
            "kind": self.kind,
            "name": self.name,
            "dimension": self.dimension,
            "passages_per_second": round(self.passages_per_second, 1),
            "question_ms": round(self.question_ms, 1),
            "questions": self.questions,
            "recall_at_1": {
                language: round(count / self.questions, 3) for language, count in self.first.items()
            },
        }


class RetrievalTest:
    """A search over the shipped digests by one embedder, timed; it is not stored.

    Args:
        embedder: The embedder.

    Raises:
        ModelError: The embedder cannot be used.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._name = embedder.name
        self._texts = shipped_passages()
        embedder.embed_query("warm")  # loading the model is not what is timed
        began = time.monotonic()
        vectors = embedder.embed_passages([each.text for each in self._texts])
        self._passages_per_second = len(vectors) / (time.monotonic() - began)
        self._index = LocalIndex(vectors.shape[1])
        self._index.add(range(len(vectors)), vectors, [each.text for each in self._texts])
        self._questions = {language: shipped_questions(language) for language in LANGUAGES}
        began = time.monotonic()
        self._vectors = {
            language: [embedder.embed_query(each.text) for each in asked]
            for language, asked in self._questions.items()
        }
        self._question_ms = self._milliseconds(began)
        self._scale = measure_scale(embedder, vectors)

    def embedder(self) -> RetrievalReport:
        """Report on the embedder: its search, by words and vectors, without a re-ranker."""
        first = self._first(lambda _, rows: rows)
        return RetrievalReport(
            "embedder",
            self._name,
            self._index.dim,
            self._passages_per_second,
            self._question_ms,
            len(self._questions["en"]),
            first,
        )

    def reranker(self, reranker: Reranker) -> RetrievalReport:
        """Report on a re-ranker that puts the first hits of the search in its own order.

        Raises:
            ModelError: The re-ranker cannot be used.
        """
        passages = 0

        def order(question: str, rows: list[int]) -> list[int]:
            nonlocal passages
            passages += len(rows)
            scores = reranker.scores(question, [self._texts[row].text for row in rows])
            return [rows[n] for n in np.argsort(-scores, kind="stable")]

        reranker.scores("warm", ["warm"])
        began = time.monotonic()
        first = self._first(order)
        elapsed = time.monotonic() - began
        return RetrievalReport(
            "reranker",
            reranker.name,
            None,
            passages / elapsed,
            self._milliseconds(began),
            len(self._questions["en"]),
            first,
        )

    def _first(self, order: Callable[[str, list[int]], list[int]]) -> dict[str, int]:
        """Count, for each language, the questions whose first hit is of the right work."""
        right = dict.fromkeys(LANGUAGES, 0)
        for language, asked in self._questions.items():
            for question, vector in zip(asked, self._vectors[language], strict=True):
                found = self._index.search(vector, question.text, RERANKED, scale=self._scale)
                rows = order(question.text, [each.row for each in found])
                right[language] += self._texts[rows[0]].source == question.source
        return right

    def _milliseconds(self, began: float) -> float:
        """Milliseconds for each question since ``began``."""
        return 1000 * (time.monotonic() - began) / sum(map(len, self._questions.values()))
