"""Bulk building and merging of postings (the inverted index for BM25).

Functions take and return the arrays of ``index.lexical.postings.Postings`` by name; their shapes
are described there.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from index.lexical.tokenizer import tokens

K1, B = 1.2, 0.75  # BM25's parameters: saturation of counts, and weight of document length
Arrays = dict[str, np.ndarray]
TEXTS_AT_ONCE = 1 << 15  # texts inverted at a time: their positions fit in 16 bits and sort fast
POSTINGS_AT_ONCE = 1 << 22  # postings moved at a time
# A common term is in at least one document in so many: a row is hardly larger than its list.
COMMON_TERM_RATIO = 8


def term_hash(term: str) -> int:
    """Hash a term to 64 bits; lone surrogates are allowed."""
    digest = hashlib.blake2b(term.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def mean_length(words: int, documents: int) -> float:
    """Return the mean number of tokens per document, at least 1."""
    return max(words / documents, 1.0) if documents else 1.0


def length_norm(lengths: np.ndarray, mean: float) -> np.ndarray:
    """Compute BM25's length normalisation, which is added to a count in the denominator.

    Args:
        lengths: Tokens in each document, [n].
        mean: Mean number of tokens per document.
    """
    return K1 * (1 - B + B * lengths.astype(np.float64) / mean)


def build_postings(texts: Sequence[str]) -> Arrays:
    """Build the postings of some texts; the document at position i is ``texts[i]``."""
    starts = range(0, len(texts), TEXTS_AT_ONCE)
    return merge_postings([(_inverted(texts[at : at + TEXTS_AT_ONCE]), None) for at in starts])


def merge_postings(
    parts: Sequence[tuple[Arrays, np.ndarray | None]], step: int = POSTINGS_AT_ONCE
) -> Arrays:
    """Merge several postings into one, in order, without deleted documents.

    Args:
        parts: The arrays of each, with a mask [n] of the documents to keep; None keeps all.
        step: Postings moved at a time, which bounds the memory needed beside input and output.
    """
    kept = [_MaskedPostings(arrays, mask) for arrays, mask in parts]
    hashes = np.unique(np.concatenate([np.zeros(0, np.uint64), *(p.hashes for p in kept)]))
    frequency = np.zeros(len(hashes), np.int64)
    for part in kept:
        part.terms = np.searchsorted(hashes, part.hashes)
        frequency[part.terms] += part.frequency
    used = frequency > 0
    for part in kept:
        # Unused terms get a wrong number, which is never read.
        part.terms = np.cumsum(used)[part.terms] - 1
    n, frequency = sum(p.documents for p in kept), frequency[used]
    common = np.flatnonzero(frequency * COMMON_TERM_RATIO >= n).astype(np.int32)
    listed = frequency.copy()
    listed[common] = 0
    made = {
        "hashes": hashes[used],
        "frequencies": frequency.astype(np.int32),
        "starts": _ends(listed),
        "common": common,
        "total": np.array([sum(int(p.lengths.sum(dtype=np.int64)) for p in kept)]),
        "lengths": _narrow([p.lengths for p in kept]),
        **_forward(kept),
    }
    made |= _backward(kept, made, step)
    made["peaks"] = _peaks(made)
    return made


class _MaskedPostings:
    """The documents of one part of a merge that its mask keeps."""

    def __init__(self, arrays: Arrays, mask: np.ndarray | None) -> None:
        self.arrays, self.hashes = arrays, arrays["hashes"]
        lengths = arrays["lengths"]
        self.mask = np.ones(len(lengths), bool) if mask is None else mask
        self.whole = bool(self.mask.all())
        self.documents = int(np.count_nonzero(self.mask))
        self.lengths = lengths[self.mask]
        self.sizes = np.diff(arrays["ends"])[self.mask]
        self.forward = arrays["terms"]
        self.frequency = arrays["frequencies"]
        if not self.whole:
            self.forward = self.forward[np.repeat(self.mask, np.diff(arrays["ends"]))]
            self.frequency = np.bincount(self.forward, minlength=len(self.hashes))
        # The new position of each document that is kept.
        self.position = np.cumsum(self.mask, dtype=np.int64) - 1
        self.terms = np.zeros(0, np.int64)  # term number here -> term number in the result

    def lists(self, step: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Yield the kept postings as (terms, positions, counts), by term and position."""
        starts = self.arrays["starts"]
        bounds = np.searchsorted(starts, np.arange(0, int(starts[-1]) + step, step))
        bounds = np.unique(bounds.clip(0, len(starts) - 1))
        for first, last in pairwise(bounds):
            span = slice(starts[first], starts[last])
            terms = np.repeat(np.arange(first, last), np.diff(starts[first : last + 1]))
            docs, counts = self.arrays["docs"][span], self.arrays["counts"][span]
            if not self.whole:
                here = self.mask[docs]
                terms, docs, counts = terms[here], docs[here], counts[here]
            yield terms, self.position[docs], counts
        for term, row in zip(self.arrays["common"], self.arrays["table"], strict=True):
            kept = row[self.mask]
            docs = np.flatnonzero(kept)
            yield np.full(len(docs), term, np.int64), docs, kept[docs]


def _forward(kept: Sequence[_MaskedPostings]) -> Arrays:
    """Build ``terms`` and ``ends``: the terms of each document."""
    terms = [np.zeros(0, np.int32), *(p.terms.astype(np.int32)[p.forward] for p in kept)]
    sizes = [np.zeros(0, np.int64), *(p.sizes for p in kept)]
    return {"terms": np.concatenate(terms), "ends": _ends(np.concatenate(sizes))}


def _backward(kept: Sequence[_MaskedPostings], made: Arrays, step: int) -> Arrays:
    """Build ``docs``, ``counts`` and ``table``: the documents of each term, part after part."""
    n, starts, common = len(made["lengths"]), made["starts"], made["common"]
    widest = [p.arrays[name].dtype for p in kept for name in ("counts", "table")]
    kind = np.result_type(np.uint8, *widest)
    docs, counts = np.zeros(starts[-1], np.int32), np.zeros(starts[-1], kind)
    table = np.zeros((len(common), n), kind)
    row = np.full(len(made["hashes"]), -1)
    row[common] = np.arange(len(common))
    filled, base = starts[:-1].copy(), 0
    for part in kept:
        for old, position, count in part.lists(step):
            terms, position = part.terms[old], position + base
            tabled = row[terms] >= 0
            table[row[terms[tabled]], position[tabled]] = count[tabled]
            terms, position, count = terms[~tabled], position[~tabled], count[~tabled]
            if not len(terms):
                continue
            first = np.flatnonzero(np.diff(terms, prepend=-1))  # where each run of one term begins
            sizes = np.diff(first, append=len(terms))
            at = np.arange(len(terms)) + np.repeat(filled[terms[first]] - first, sizes)
            docs[at], counts[at] = position, count
            filled[terms[first]] += sizes
        base += part.documents
    return {"docs": docs, "counts": counts, "table": table}


def _peaks(made: Arrays) -> np.ndarray:
    """Compute the largest impact of each common term on a document, [c] float32."""
    mean = mean_length(int(made["total"][0]), len(made["lengths"]))
    norms = length_norm(made["lengths"], mean)
    return np.array([(row / (row + norms)).max() for row in made["table"]], np.float32)


def _inverted(texts: Sequence[str]) -> Arrays:
    """Invert at most TEXTS_AT_ONCE texts, with every term as a list."""
    numbers: defaultdict[str, int] = defaultdict()
    numbers.default_factory = numbers.__len__
    flat: list[int] = []
    lengths = np.zeros(len(texts), np.int64)
    for i, text in enumerate(texts):
        found = tokens(text)
        lengths[i] = len(found)
        flat.extend(map(numbers.__getitem__, found))
    hashes, number = np.unique(
        np.array([term_hash(term) for term in numbers], np.uint64), return_inverse=True
    )
    keys = number.astype(np.int64)[np.array(flat, np.int64)] << 16
    keys |= np.repeat(np.arange(len(texts)), lengths)
    keys.sort()
    first = np.flatnonzero(np.diff(keys, prepend=-1))
    docs, terms = (keys[first] & 0xFFFF).astype(np.uint16), keys[first] >> 16
    frequency = np.bincount(terms, minlength=len(hashes))
    by_document = np.argsort(docs, kind="stable")
    return {
        "hashes": hashes,
        "frequencies": frequency,
        "starts": _ends(frequency),
        "docs": docs.astype(np.int32),
        "counts": _narrow([np.diff(first, append=len(keys))]),
        "common": np.zeros(0, np.int32),
        "table": np.zeros((0, len(texts)), np.uint8),
        "lengths": lengths,
        "terms": terms[by_document].astype(np.int32),
        "ends": _ends(np.bincount(docs, minlength=len(texts))),
    }


def _ends(sizes: np.ndarray) -> np.ndarray:
    """Return where each of some consecutive runs begins, and the end of the last: [n + 1] int64."""
    return np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])


def _narrow(values: Sequence[np.ndarray]) -> np.ndarray:
    """Join arrays of whole numbers, in the narrowest unsigned type that holds them all."""
    joined = np.concatenate([np.zeros(0, np.uint8), *values])
    most = int(joined.max(initial=0))
    return joined.astype(np.min_scalar_type(most))
