"""Postings, corpus statistics and weighted queries for BM25, as NumPy arrays that may lie in files.

Scores are Okapi BM25 (Robertson & Zaragoza 2009) with the idf of Lucene, which is never
negative: log(1 + (N - df + 0.5) / (df + 0.5)).

An index consists of several ``Postings``, each of documents that never change. Document counts,
lengths and document frequencies are summed over all of them in ``Statistics``. A ``LexicalQuery``
is weighted with these sums, so each Postings is scored as in one index of all documents.

A term is stored as its 64-bit hash. A dictionary of the terms (over a million, most of them
Japanese bigrams, for a million passages) would have to be read whenever an index is opened; sorted
hashes stay in a mapped file. Two terms with the same hash would count as one, which can change a
result; among five million terms, one index in 1.5 million has such a pair.

The terms of each document are stored as well, at four bytes a posting. Without them, what a deleted
document takes from the document frequencies could be known only by reading every list.
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
    """Document frequencies over a set of documents."""

    documents: int
    words: int  # tokens of these documents
    hashes: np.ndarray  # [m] uint64, ascending
    frequency: np.ndarray  # [m] documents that contain the term


@dataclass(frozen=True, slots=True, eq=False)
class Postings:
    """An inverted index: for each term, the documents that contain it and how often.

    A document is named by its position, from 0; a term by its number in the order of hashes. The
    documents of a rare term are ``docs[starts[term] : starts[term + 1]]``, ascending, with its
    counts in the same slice of ``counts``. A common term has a row of ``table`` instead, at its
    index in ``common``, with a count for every document. The terms of document i are
    ``terms[ends[i] : ends[i + 1]]``.
    """

    hashes: np.ndarray  # [v] uint64, ascending
    frequencies: np.ndarray  # [v] documents that contain the term
    starts: np.ndarray  # [v + 1]
    docs: np.ndarray  # [sum of the frequencies of rare terms] int32
    counts: np.ndarray  # of the same size, in the narrowest unsigned type that holds the largest
    common: np.ndarray  # [c] terms, ascending
    table: np.ndarray  # [c, n] counts, 0 where a document lacks the term
    peaks: np.ndarray  # [c] the largest impact of each on a document, at the mean length here
    lengths: np.ndarray  # [n] tokens of each document
    ends: np.ndarray  # [n + 1]
    terms: np.ndarray  # [sum of frequencies] int32
    total: np.ndarray  # [1] tokens of all documents

    @classmethod
    def of(cls, texts: Sequence[str]) -> Postings:
        """Build the postings of some texts; the position of a document is its index."""
        return cls.from_arrays(postings_builder.build_postings(texts))

    @classmethod
    def merged(cls, parts: Sequence[tuple[Postings, np.ndarray | None]]) -> Postings:
        """Merge several postings into one, in order.

        Args:
            parts: Each with a mask [n] of the documents to keep; None keeps all of them.
        """
        return cls.from_arrays(
            postings_builder.merge_postings([(part.arrays(), mask) for part, mask in parts])
        )

    def arrays(self) -> Arrays:
        """Return all arrays of the postings by field name, as ``from_arrays`` takes them."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Postings:
        """Make postings of arrays in memory or in mapped files, without reading them."""
        names = [field.name for field in fields(cls)]
        return cls(*(np.asarray(arrays[name]) for name in names))

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def words(self) -> int:
        """Total number of tokens in all documents of these postings."""
        return int(self.total[0])

    def statistics(self, positions: np.ndarray) -> TermCounts:
        """Count the document frequencies over the documents at some positions."""
        first = self.ends[positions]
        sizes = self.ends[np.asarray(positions) + 1] - first
        at = np.arange(sizes.sum()) + np.repeat(first - (np.cumsum(sizes) - sizes), sizes)
        terms, frequency = np.unique(self.terms[at], return_counts=True)
        words = int(self.lengths[positions].sum(dtype=np.int64))
        return TermCounts(len(positions), words, self.hashes[terms], frequency)

    def row(self, number: int) -> int | None:
        """Return the row of ``table`` with a term's counts; None if the term is not common."""
        at = int(self.common.searchsorted(number))
        return at if at < len(self.common) and self.common[at] == number else None


@dataclass(frozen=True, slots=True)
class Statistics:
    """Corpus statistics for BM25 over all documents of an index that are not deleted."""

    documents: int
    words: int  # tokens of all these documents
    parts: tuple[tuple[Postings, TermCounts | None], ...]

    @classmethod
    def of(cls, parts: Iterable[tuple[Postings, TermCounts | None]]) -> Statistics:
        """Sum the statistics of several postings.

        Args:
            parts: Each with the counts of its deleted documents; None if none are deleted.
        """
        parts = tuple(parts)
        gone = [counts for _, counts in parts if counts]
        return cls(
            sum(len(p) for p, _ in parts) - sum(each.documents for each in gone),
            sum(p.words for p, _ in parts) - sum(each.words for each in gone),
            parts,
        )

    def frequency(self, hashes: np.ndarray) -> np.ndarray:
        """Return how many documents contain each of some terms, given by their hashes."""
        total = np.zeros(len(hashes), np.int64)
        for postings, gone in self.parts:
            total += _look_up(postings.hashes, postings.frequencies, hashes)
            if gone is not None:
                total -= _look_up(gone.hashes, gone.frequency, hashes)
        return total


@dataclass(frozen=True, slots=True, eq=False)
class LexicalQuery:
    """The terms of a query, each weighted by its inverse document frequency (idf)."""

    hashes: np.ndarray  # [t] uint64, in order of appearance
    counts: tuple[int, ...]  # occurrences of each in the query
    idf: np.ndarray  # [t]
    mean: float  # mean tokens per document, at least 1

    @classmethod
    def of(cls, text: str, statistics: Statistics) -> LexicalQuery:
        """Tokenise the text of a query and weight its terms by corpus statistics."""
        terms = Counter(tokens(text))
        hashes = np.array([term_hash(term) for term in terms], np.uint64)
        n, frequency = statistics.documents, statistics.frequency(hashes)
        idf = np.log1p((n - frequency + 0.5) / (frequency + 0.5))
        return cls(hashes, tuple(terms.values()), idf, mean_length(statistics.words, n))

    @property
    def ceiling(self) -> float:
        """Upper limit of the query's BM25 score: that of a document that only repeats its terms."""
        weights: list[float] = self.idf.tolist()
        terms = zip(self.counts, weights, strict=True)
        return sum(count * idf for count, idf in terms) * (K1 + 1)


def find_hashes(hashes: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Find the index of each wanted hash among ascending ``hashes``; -1 where it is missing."""
    at = np.searchsorted(hashes, wanted)
    inside = np.flatnonzero(at < len(hashes))
    found = np.full(len(wanted), -1)
    inside = inside[hashes[at[inside]] == wanted[inside]]
    found[inside] = at[inside]
    return found


def _look_up(hashes: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return the value of each wanted hash as int64; 0 where the hash is missing."""
    at = find_hashes(hashes, wanted)
    found = np.zeros(len(wanted), np.int64)
    found[at >= 0] = values[at[at >= 0]]
    return found
