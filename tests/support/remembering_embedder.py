"""An embedder that remembers what it has embedded, for the many tests that ask the same question."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from index.inference.embedder import Embedder, WrappedEmbedder
from index.types import Floats


class RememberingEmbedder(WrappedEmbedder):
    """Gives the vectors of an embedder, which embeds the same texts only once.

    Like ``RememberingChecker`` it remembers whole calls: beside other texts, a text's vector has
    other last digits.
    """

    def __init__(self, embedder: Embedder) -> None:
        super().__init__(embedder)
        self._known: dict[tuple[str, ...], Floats] = {}

    def embed_passages(self, texts: Sequence[str]) -> Floats:
        return self._once(self._embedder.embed_passages, texts)

    def embed_query(self, text: str) -> Floats:
        call = ("embed_query", text)
        if call not in self._known:
            self._known[call] = self._embedder.embed_query(text)
        return np.array(self._known[call])  # a copy: callers may write

    def embed_queries(self, texts: Sequence[str]) -> Floats:
        return self._once(self._embedder.embed_queries, texts)

    def _once(self, embed: Callable[[Sequence[str]], Floats], texts: Sequence[str]) -> Floats:
        call = (embed.__name__, *texts)
        if call not in self._known:
            self._known[call] = embed(texts)
        return np.array(self._known[call])
