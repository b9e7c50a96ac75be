"""What BM25 needs of the tokens of index.lexical.tokenizer, in numpy arrays that may lie in files.

Scores are Okapi BM25 (Robertson & Zaragoza 2009) with the idf of Lucene, which is never
negative: log(1 + (N - df + 0.5) / (df + 0.5)).

An index is made of ``Postings``, each of some documents that never change. What is known of
all documents together, how many there are, how long, and how many have a word, is summed in
``Statistics``; a ``LexicalQuery`` is made with those, and every Postings is scored with it (by
index.lexical.bm25) as one index of all documents would.

A term is its 64-bit hash: no vocabulary is read to open an index, and none is kept in memory.
Two terms with one hash would count as one word, which shows a document too many or two in
another order. Among five million terms there is such a pair once in 1.5 million indexes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np

from index.lexical import postings_builder
from index.lexical.postings_builder import K1, Arrays, mean_length, term_hash
from index.lexical.tokenizer import tokens


@dataclass(frozen=True, slots=True, eq=False)
class TermCounts:
    """How many of some documents have each term: ``hashes`` [m] ascending, ``frequency`` [m]."""

    documents: int
    words: int
    hashes: np.ndarray
    frequency: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Postings:
    """Which words some documents have, and how often; a document is its position, from 0.

    Terms are numbered by ascending hash. Positions and counts of a term lie at
    ``starts[term]:starts[term + 1]``, by position; those of a common term instead in a row of
    ``table``, its place in ``common``, where each document's count is found without searching.
    ``terms[ends[i]:ends[i + 1]]`` are the terms of document i.
    """

    hashes: np.ndarray  # [v] uint64, ascending
    frequencies: np.ndarray  # [v] how many documents have the term
    starts: np.ndarray  # [v + 1]
    docs: np.ndarray  # [sum of listed frequencies] int32
    counts: np.ndarray  # the same, unsigned and as narrow as the largest allows
    common: np.ndarray  # [c] terms, ascending
    table: np.ndarray  # [c, n] counts, 0 where a document lacks the term
    peaks: np.ndarray  # [c] the largest impact of each on a document, at their mean length
    lengths: np.ndarray  # [n] tokens
    ends: np.ndarray  # [n + 1]
    terms: np.ndarray  # [sum of frequencies] int32
    total: np.ndarray  # [1] tokens of all documents

    @classmethod
    def of(cls, texts: Sequence[str]) -> Postings:
        return cls.from_arrays(postings_builder.build_postings(texts))

    @classmethod
    def merged(cls, parts: Sequence[tuple[Postings, np.ndarray | None]]) -> Postings:
        """The documents of several, one after the other, without those where a mask [n] is
        False; a mask of None keeps all.
        """
        return cls.from_arrays(
            postings_builder.merge_postings([(part.arrays(), mask) for part, mask in parts])
        )

    def arrays(self) -> Arrays:
        """What ``from_arrays`` needs; names are those of the fields."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Postings:
        """Of arrays in memory or in mapped files; nothing is read of them here."""
        names = [field.name for field in fields(cls)]
        return cls(*(np.asarray(arrays[name]) for name in names))

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def words(self) -> int:
        return int(self.total[0])

    def statistics(self, positions: np.ndarray) -> TermCounts:
        """How often each term is had by the documents at some positions."""
        first = self.ends[positions]
        sizes = self.ends[np.asarray(positions) + 1] - first
        at = np.arange(sizes.sum()) + np.repeat(first - (np.cumsum(sizes) - sizes), sizes)
        terms, frequency = np.unique(self.terms[at], return_counts=True)
        words = int(self.lengths[positions].sum(dtype=np.int64))
        return TermCounts(len(positions), words, self.hashes[terms], frequency)

    def row(self, number: int) -> int | None:
        """Where in ``table`` a term is, if it is common."""
        at = int(self.common.searchsorted(number))
        return at if at < len(self.common) and self.common[at] == number else None


@dataclass(frozen=True, slots=True)
class Statistics:
    """What BM25 needs to know of all documents: those of some postings, less what is gone."""

    documents: int
    words: int
    parts: tuple[tuple[Postings, TermCounts | None], ...]

    @classmethod
    def of(cls, parts: Iterable[tuple[Postings, TermCounts | None]]) -> Statistics:
        """Of postings, each with the tally of its documents that are deleted, if any is."""
        parts = tuple(parts)
        gone = [tally for _, tally in parts if tally]
        return cls(
            sum(len(p) for p, _ in parts) - sum(t.documents for t in gone),
            sum(p.words for p, _ in parts) - sum(t.words for t in gone),
            parts,
        )

    def frequency(self, hashes: np.ndarray) -> np.ndarray:
        """[t]: how many documents have each of the terms with some hashes [t]."""
        total = np.zeros(len(hashes), np.int64)
        for postings, gone in self.parts:
            total += _look_up(postings.hashes, postings.frequencies, hashes)
            if gone is not None:
                total -= _look_up(gone.hashes, gone.frequency, hashes)
        return total


@dataclass(frozen=True, slots=True, eq=False)
class LexicalQuery:
    """The words of a question, weighed by how rare they are in all documents."""

    hashes: np.ndarray  # [t] uint64, in order of appearance
    counts: tuple[int, ...]  # how often each is asked for
    idf: np.ndarray  # [t]
    mean: float  # tokens a document, at least 1

    @classmethod
    def of(cls, text: str, statistics: Statistics) -> LexicalQuery:
        words = Counter(tokens(text))
        hashes = np.array([term_hash(word) for word in words], np.uint64)
        n, frequency = statistics.documents, statistics.frequency(hashes)
        idf = np.log1p((n - frequency + 0.5) / (frequency + 0.5))
        return cls(hashes, tuple(words.values()), idf, mean_length(statistics.words, n))

    @property
    def ceiling(self) -> float:
        """What the BM25 approaches in a document that repeats all the words."""
        words = zip(self.counts, self.idf.tolist(), strict=True)
        return sum(count * idf for count, idf in words) * (K1 + 1)


def find_hashes(hashes: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """[w]: where each wanted hash is among ``hashes``, which ascend; -1 where it is not."""
    at = np.searchsorted(hashes, wanted)
    inside = np.flatnonzero(at < len(hashes))
    found = np.full(len(wanted), -1)
    inside = inside[hashes[at[inside]] == wanted[inside]]
    found[inside] = at[inside]
    return found


def _look_up(hashes: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """[w] int64: the value that belongs to each wanted hash; 0 where it is not there."""
    at = find_hashes(hashes, wanted)
    found = np.zeros(len(wanted), np.int64)
    found[at >= 0] = values[at[at >= 0]]
    return found
