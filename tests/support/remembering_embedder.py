"""An embedder that remembers the vectors of questions, for the many tests that ask the same ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from index.inference.embedder import Embedder
from index.types import Floats


class RememberingEmbedder:
    """Gives the vectors of an embedder, which reads the same questions only once.

    Like ``RememberingChecker`` it remembers whole calls: the network gives a text other last digits
    beside other texts.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: dict[tuple[str, ...], Floats] = {}

    @property
    def name(self) -> str:
        return self._embedder.name

    @property
    def dim(self) -> int:
        return self._embedder.dim

    def embed_passages(self, texts: Sequence[str]) -> Floats:
        return self._embedder.embed_passages(texts)

    def embed_query(self, text: str) -> Floats:
        return self._once(self._embedder.embed_query, text, ("one", text))

    def embed_queries(self, texts: Sequence[str]) -> Floats:
        return self._once(self._embedder.embed_queries, texts, ("several", *texts))

    def _once(self, embed: Callable[[Any], Floats], given: Any, call: tuple[str, ...]) -> Floats:
        if call not in self._known:
            self._known[call] = embed(given)
        return self._known[call].copy()  # callers may write
