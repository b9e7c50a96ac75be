"""Thread-safe embedder and checker that batch concurrent calls and cache recent results.

Calls of several threads become one batch, claims before questions and these before ingestion (see
``index.inference.batch_scheduler``). The result for a recent text is not computed again, so a
question that ten readers ask at once costs as much as for one. The other texts of a batch change a
result by rounding only: of 1,057 pairs, computed alone and eight at once, 95 % differed by less
than .001 in their probability, and none by more than .011.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
from cachetools import LRUCache

from index.inference.batch_scheduler import BatchScheduler, Priority
from index.inference.cross_encoder import LABELS, Checker
from index.inference.embedder import Embedder, WrappedEmbedder
from index.inference.parsed_question import ParsedQuestion
from index.inference.reading import Reading
from index.types import Floats

# About the tokens of one batch; a more urgent call waits for so many, some 30 ms on two cores.
RUN_TOKENS = 256
SERVER_TOKENS = 8192  # the same for a model on a server: about the texts of one request
CACHED_QUESTIONS = 1024  # vectors of questions, 1.5 MB
CACHED_PASSAGES = 4096  # vectors of passages and sentences, 6 MB: answers quote the same few often
CACHED_PAIRS = 16_384  # checker outputs for pairs of texts, about 4 MB
CACHED_READINGS = 4096  # readings of passages, about 12 MB

Item = TypeVar("Item", str, tuple[str, str])


class SharedEmbedder(WrappedEmbedder):
    """An embedder for many threads, which caches the vectors of recent texts.

    Args:
        embedder: Computes the vectors.
        scheduler: Makes batches of concurrent calls.
        run_tokens: About the tokens of one batch.
    """

    def __init__(
        self, embedder: Embedder, scheduler: BatchScheduler, run_tokens: int = RUN_TOKENS
    ) -> None:
        super().__init__(embedder)
        self._queries = ResultCache[str](embedder.embed_queries, CACHED_QUESTIONS)
        self._passages = ResultCache[str](embedder.embed_passages, CACHED_PASSAGES)
        self._schedule_queries = scheduler.batched(
            Priority.QUESTION, self._queries.compute_missing, _token_count, run_tokens
        )
        self._schedule_passages = scheduler.batched(
            Priority.READING, self._passages.compute_missing, _token_count, run_tokens
        )

    def embed_passages(self, texts: Sequence[str]) -> Floats:
        """Compute or look up the embedding vectors of passages; see ``Embedder``."""
        order = sorted(texts, key=len)  # batches of similar length are faster
        rows = self._passages.get(order, self._schedule_passages)
        by_text = dict(zip(order, rows, strict=True))
        return np.array([by_text[text] for text in texts], np.float32).reshape(-1, self.dim)

    def embed_queries(self, texts: Sequence[str]) -> Floats:
        """Compute or look up the embedding vectors of questions; see ``Embedder``."""
        rows = self._queries.get(texts, self._schedule_queries)
        return np.array(rows, np.float32).reshape(-1, self.dim)


class SharedChecker:
    """A checker for many threads, which caches the outputs for recent pairs of texts."""

    def __init__(self, checker: Checker, scheduler: BatchScheduler) -> None:
        self._checker = checker
        self._support = ResultCache[tuple[str, str]](checker.supports, CACHED_PAIRS)
        self._answers = ResultCache[tuple[str, str]](checker.answers, CACHED_PAIRS)
        self._readings = ResultCache[tuple[str, str]](self._read_rows, CACHED_READINGS)
        self._schedule_support = scheduler.batched(
            Priority.CLAIM, self._support.compute_missing, _pair_token_count, RUN_TOKENS
        )
        self._schedule_answers = scheduler.batched(
            Priority.READING, self._answers.compute_missing, _pair_token_count, RUN_TOKENS
        )
        self._schedule_read = scheduler.batched(
            Priority.READING, self._readings.compute_missing, _pair_token_count, RUN_TOKENS
        )
        self._parse = scheduler.batched(Priority.QUESTION, checker.parse, _token_count, RUN_TOKENS)

    @property
    def name(self) -> str:
        """Name of the checker model, as it appears in receipts."""
        return self._checker.name

    @property
    def digest(self) -> str:
        """SHA-256 of the checker's weights; see ``Checker``."""
        return self._checker.digest

    def supports(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        """Compute or look up how likely evidence supports claims; see ``Checker``."""
        rows = self._support.get(pairs, self._schedule_support)
        return np.array(rows, np.float32).reshape(-1, len(LABELS))

    def answers(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        """Compute or look up how likely texts answer questions; see ``Checker``."""
        return np.array(self._answers.get(pairs, self._schedule_answers), np.float32)

    def read(self, pairs: Sequence[tuple[str, str]]) -> list[Reading]:
        """Compute or look up where texts answer questions; see ``Checker``."""
        rows = self._readings.get(pairs, self._schedule_read)
        return [Reading(row[:, :2].astype(np.int32), row[:, 2]) for row in rows]

    def _read_rows(self, pairs: list[tuple[str, str]]) -> list[Floats]:
        """Read pairs of texts, and return each reading as one array [tokens, 3]."""
        found = self._checker.read(pairs)
        return [np.column_stack([r.spans, r.logits]).astype(np.float32) for r in found]

    def parse(self, questions: Sequence[str]) -> list[ParsedQuestion]:
        """Find what questions ask for; see ``Checker``."""
        return self._parse(questions)

    def reads_whole(self, claim: str) -> bool:
        """Return whether a claim fits into what the model reads; see ``Checker``."""
        return self._checker.reads_whole(claim)


class ResultCache(Generic[Item]):
    """A thread-safe LRU cache in front of a function of several texts, or pairs of texts.

    Results are stored under hashes, so a long text takes no more memory than a short one.

    Args:
        run: Computes a row of numbers for each item, in their order.
        most: How many results are stored at most.
    """

    def __init__(self, run: Callable[[list[Item]], Iterable[Floats]], most: int) -> None:
        self._run: Callable[[list[Item]], Iterable[Floats]] = run
        self._lock = threading.Lock()
        self._results: LRUCache[bytes, Floats] = LRUCache(most)

    def get(
        self, items: Sequence[Item], compute: Callable[[list[Item]], Iterable[Any]]
    ) -> list[Floats]:
        """Return the function's results for some items, from the cache where possible.

        Args:
            items: Texts or pairs of texts; repetitions are allowed.
            compute: Called once, with the items whose results are not stored.
        """
        keys = [_key(item) for item in items]
        with self._lock:
            known = {key: self._results[key] for key in keys if key in self._results}
        missing = {key: item for key, item in zip(keys, items, strict=True) if key not in known}
        if missing:
            rows = map(np.array, compute(list(missing.values())))  # a view would keep all rows
            computed = dict(zip(missing, rows, strict=True))
            known |= computed
            with self._lock:
                self._results.update(computed)
        return [known[key] for key in keys]

    def compute_missing(self, items: list[Item]) -> list[Floats]:
        """Return the results of a batch of items, calling the function for those not stored.

        The cache is consulted again because another thread may have computed some of the items
        since they were queued, and because a batch can contain an item twice.
        """
        return self.get(items, self._run)


def _key(item: str | tuple[str, str]) -> bytes:
    parts = (item,) if isinstance(item, str) else item
    key = hashlib.blake2b(digest_size=16)
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        key.update(len(encoded).to_bytes(8, "big") + encoded)
    return key.digest()


def _token_count(text: str) -> int:
    """Estimate the tokens of a text: about one for four bytes, in English and Japanese alike."""
    return 4 + len(text.encode("utf-8", "surrogatepass")) // 4


def _pair_token_count(pair: tuple[str, str]) -> int:
    return sum(map(_token_count, pair))
