"""BM25 over the tokens of index.tokens, in numpy arrays.

Scores are Okapi BM25 (Robertson & Zaragoza 2009) with the idf of Lucene, which is never
negative: log(1 + (N - df + 0.5) / (df + 0.5)).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain

import numpy as np

from index.tokens import tokens

K1, B = 1.2, 0.75


class LexicalIndex:
    """Documents as bags of tokens; position i everywhere is the i-th document added.

    The truth is one list of (term, count) a document, in compressed rows: ``terms`` and
    ``counts`` of length nnz, ``starts`` of length n + 1. The inverted lists that a search
    reads are derived from them.
    """

    def __init__(self) -> None:
        self.vocabulary: dict[str, int] = {}
        self.starts = np.zeros(1, np.int64)
        self.terms = np.zeros(0, np.int32)
        self.counts = np.zeros(0, np.int32)
        self._invert()

    def __len__(self) -> int:
        return len(self.starts) - 1

    def add(self, texts: Sequence[str]) -> None:
        bags = [Counter(tokens(text)) for text in texts]
        ids = self.vocabulary
        new = [ids.setdefault(term, len(ids)) for bag in bags for term in bag]
        counts = list(chain.from_iterable(bag.values() for bag in bags))
        ends = self.starts[-1] + np.cumsum([len(bag) for bag in bags], dtype=np.int64)
        self.terms = np.concatenate([self.terms, np.array(new, np.int32)])
        self.counts = np.concatenate([self.counts, np.array(counts, np.int32)])
        self.starts = np.concatenate([self.starts, ends])
        self._invert()

    def keep(self, mask: np.ndarray) -> None:
        """Drop the documents where ``mask`` [n] is False, and the words that they alone have."""
        lengths = np.diff(self.starts)
        entries = np.repeat(mask, lengths)
        used, terms = np.unique(self.terms[entries], return_inverse=True)
        words = list(self.vocabulary)
        self.vocabulary = {words[term]: i for i, term in enumerate(used)}
        self.terms, self.counts = terms.astype(np.int32), self.counts[entries]
        self.starts = np.concatenate([[0], np.cumsum(lengths[mask])]).astype(np.int64)
        self._invert()

    def scores(self, text: str) -> np.ndarray:
        """[n] float32, the BM25 of each document for ``text``; 0 where no token is shared."""
        total = np.zeros(len(self), np.float32)
        for term, weight in Counter(tokens(text)).items():
            i = self.vocabulary.get(term)
            if i is None:
                continue
            span = slice(self._list_starts[i], self._list_starts[i + 1])
            total[self._list_docs[span]] += weight * self._list_scores[span]
        return total

    def ceiling(self, text: str) -> float:
        """What the BM25 of ``text`` approaches in a document that repeats all its tokens."""
        total = 0.0
        for term, weight in Counter(tokens(text)).items():
            i = self.vocabulary.get(term)
            found = self._list_starts[i + 1] - self._list_starts[i] if i is not None else 0
            total += weight * float(_idf(len(self), found))
        return total * (K1 + 1)

    def arrays(self) -> dict[str, np.ndarray]:
        """What ``from_arrays`` needs, ready for ``numpy.savez``."""
        words = "\n".join(self.vocabulary).encode()
        return {
            "words": np.frombuffer(words, np.uint8),
            "starts": self.starts,
            "terms": self.terms,
            "counts": self.counts,
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> LexicalIndex:
        made = cls()
        words = arrays["words"].tobytes().decode()
        made.vocabulary = {word: i for i, word in enumerate(words.split("\n") if words else [])}
        made.starts, made.terms, made.counts = (
            arrays[name] for name in ("starts", "terms", "counts")
        )
        made._invert()
        return made

    def _invert(self) -> None:
        n, nnz = len(self), len(self.terms)
        lengths = np.diff(self.starts)
        docs = np.repeat(np.arange(n, dtype=np.int32), lengths)
        words = np.bincount(docs, weights=self.counts, minlength=n) if nnz else np.zeros(n)
        order = np.argsort(self.terms, kind="stable")
        frequency = np.bincount(self.terms, minlength=len(self.vocabulary))
        idf = _idf(n, frequency)
        norm = K1 * (1 - B + B * words / max(words.mean(), 1.0)) if n else words
        self._list_docs = docs[order]
        tf = self.counts[order].astype(np.float64)
        self._list_scores = (
            idf[self.terms[order]] * tf * (K1 + 1) / (tf + norm[self._list_docs])
        ).astype(np.float32)
        self._list_starts = np.concatenate([[0], np.cumsum(frequency)]).astype(np.int64)


def _idf(n: int, frequency: np.ndarray) -> np.ndarray:
    return np.log1p((n - frequency + 0.5) / (frequency + 0.5))
