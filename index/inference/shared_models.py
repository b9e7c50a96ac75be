"""An embedder and a checker that many threads share, without waiting long for one another.

What several ask for at the same time is one run of the network, claims before questions and these
before ingestion (see ``index.inference.batch_scheduler``). What was read lately is not read again, so a question
that ten readers ask at once costs what it costs for one.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence

import numpy as np
from cachetools import LRUCache

from index.inference.batch_scheduler import BatchScheduler, Priority
from index.inference.cross_encoder import Checker
from index.inference.embedder import Embedder, WrappedEmbedder
from index.types import Floats

RUN_TOKENS = 256  # tokens, about: what comes meanwhile waits for so many, some 30 ms on two cores
CACHED_QUESTIONS = 1024  # vectors that are kept, 1.5 MB
CACHED_PASSAGES = 4096  # and of sentences, 6 MB: answers quote from the same few again and again
CACHED_PAIRS = 16_384  # of pairs of texts, about 4 MB


class SharedEmbedder(WrappedEmbedder):
    """An Embedder for many threads; the vectors of the latest texts are kept."""

    def __init__(self, embedder: Embedder, scheduler: BatchScheduler) -> None:
        super().__init__(embedder)
        self._queries = ResultCache(embedder.embed_queries, CACHED_QUESTIONS)
        self._passages = ResultCache(embedder.embed_passages, CACHED_PASSAGES)
        self._ask_queries = scheduler.batched(
            Priority.QUESTION, self._queries.missing, _tokens, RUN_TOKENS
        )
        self._ask_passages = scheduler.batched(
            Priority.READING, self._passages.missing, _tokens, RUN_TOKENS
        )

    def embed_passages(self, texts: Sequence[str]) -> Floats:
        order = sorted(texts, key=len)  # runs of like length are quicker
        found = dict(zip(order, self._passages.found(order, self._ask_passages), strict=True))
        return np.array([found[text] for text in texts], np.float32).reshape(-1, self.dim)

    def embed_queries(self, texts: Sequence[str]) -> Floats:
        found = self._queries.found(texts, self._ask_queries)
        return np.array(found, np.float32).reshape(-1, self.dim)


class SharedChecker:
    """A Checker for many threads; its latest readings are kept."""

    def __init__(self, checker: Checker, scheduler: BatchScheduler) -> None:
        self._checker = checker
        self._supported = ResultCache(checker.supports, CACHED_PAIRS)
        self._answered = ResultCache(checker.answers, CACHED_PAIRS)
        self._supports = scheduler.batched(
            Priority.CLAIM, self._supported.missing, _tokens_of_pair, RUN_TOKENS
        )
        self._answers = scheduler.batched(
            Priority.READING, self._answered.missing, _tokens_of_pair, RUN_TOKENS
        )

    @property
    def name(self) -> str:
        return self._checker.name

    @property
    def digest(self) -> str:
        return self._checker.digest

    def supports(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        found = self._supported.found(pairs, self._supports)
        return np.array(found, np.float32).reshape(-1, 3)

    def answers(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        return np.array(self._answered.found(pairs, self._answers), np.float32)


class ResultCache:
    """The latest ``most`` results of a function of several texts, or of pairs of them.

    They are kept under hashes, so a long text takes no more room than a short one.
    """

    def __init__(self, run: Callable[[list], Floats], most: int) -> None:
        self._run = run
        self._lock = threading.Lock()
        self._kept: LRUCache[bytes, np.ndarray] = LRUCache(most)

    def found(self, items: Sequence, ask: Callable[[list], list]) -> list:
        """The results of some items; ``ask`` gives those of what is not known."""
        return self._complete(items, ask)

    def missing(self, items: list) -> list:
        """The same by the function itself: others may have asked for some of them since these
        were queued, or the same may be among them twice.
        """
        return self._complete(items, self._run)

    def _complete(self, items: Sequence, ask: Callable[[list], Sequence]) -> list:
        keys = [_key(item) for item in items]
        with self._lock:
            known = {key: self._kept[key] for key in keys if key in self._kept}
        asked = {key: item for key, item in zip(keys, items, strict=True) if key not in known}
        if asked:
            rows = map(np.array, ask(list(asked.values())))  # a view would keep them all
            made = dict(zip(asked, rows, strict=True))
            known |= made
            with self._lock:
                self._kept.update(made)
        return [known[key] for key in keys]


def _key(item: str | tuple[str, str]) -> bytes:
    parts = (item,) if isinstance(item, str) else item
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest.digest()


def _tokens(text: str) -> int:
    """About how many tokens a text has: English has one in four bytes, Japanese in four too."""
    return 4 + len(text.encode("utf-8", "surrogatepass")) // 4


def _tokens_of_pair(pair: tuple[str, str]) -> int:
    return sum(map(_tokens, pair))
