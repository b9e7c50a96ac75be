"""Which vectors are nearest to one: exactly, or nearly. The only importer of faiss.

Up to ``APPROXIMATE_FROM`` vectors a search looks at all of them. Above, it looks at the lists
of the nearest few of many centres (an inverted file), where each number of a vector is kept in
four bits (a scalar quantiser); the nearest by these are then compared by the vectors themselves,
which are read from the disk. How many lists that takes is found out when the index is built, by
trying it on queries made from the vectors.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import faiss
import numpy as np

from index.types import Floats

APPROXIMATE_FROM = 16_384
VECTORS_PER_BLOCK = 16_384  # vectors that are converted or compared at a time
RESCORED_CANDIDATES = 100  # vectors found by their four bits, to be compared by themselves
TARGET_RECALL = 0.98  # of the ten nearest, on the queries that an index is tuned on
_AT = 10  # the recall is that of the first so many
_TRIED = 200  # queries that an index is tuned on
_MIXED = 4  # vectors that such a query is the mean of
_LISTS = 4  # times the root of how many vectors there are
_SAMPLE = 40  # vectors a list that the centres are made from
_ROUNDS = 8
_UNEVEN = 2  # times as many lists as if it lay everywhere: what is chosen lies far from a query
_FAR_OFF = 8  # times as many vectors of such are looked at
_SEED = 7
_MAPS = sys.platform in ("linux", "win32")  # where faiss can leave an index in its file


def exact_search(vectors: Floats, query: Floats, k: int) -> tuple[np.ndarray, Floats]:
    """Positions of the ``k`` vectors nearest to ``query`` [dim], nearest first; their cosines."""
    found = [np.zeros(0, np.float32), *(cosines(block, query) for block in _blocks(vectors))]
    return top_k(np.concatenate(found), k)


def cosines(vectors: Floats, query: Floats) -> Floats:
    """[n]: the inner product of each vector [n, dim] with ``query`` [dim].

    In one thread: numpy would use all, and each search would wait for the slowest of them.
    """
    found = np.empty(len(vectors), np.float32)
    if len(vectors):
        rows, one = (np.ascontiguousarray(each, np.float32) for each in (vectors, query))
        pointers = map(faiss.swig_ptr, (found, one, rows))
        faiss.fvec_inner_products_ny(*pointers, rows.shape[1], len(rows))
    return found


def top_k(values: Floats, k: int) -> tuple[np.ndarray, Floats]:
    """Positions of the ``k`` highest values, highest first, and these."""
    at = np.arange(len(values))
    if k < len(values):
        at = np.flatnonzero(values >= np.partition(values, -k)[-k])
    at = at[np.lexsort((at, -values[at]))][:k]
    return at, values[at]


@dataclass(frozen=True, slots=True, eq=False)
class PositionFilter:
    """Some positions of an approximate index."""

    bits: np.ndarray  # [n / 8] uint8: which
    counts: np.ndarray  # [lists]: how many of them lie in each


@dataclass(frozen=True, eq=False)
class ApproximateIndex:
    """An inverted file with codes of vectors that lie elsewhere, at the same positions.

    ``probes`` of its lists are searched. ``recall`` is the share of the ten nearest that was so
    found, of the queries that it was tuned on.
    """

    index: faiss.IndexIVF
    probes: int
    recall: float

    @classmethod
    def build(cls, vectors: Floats) -> ApproximateIndex:
        """Of vectors [n, dim], with as many probes as ``TARGET_RECALL`` takes."""
        n, dim = vectors.shape
        lists, rng = int(_LISTS * n**0.5), np.random.default_rng(_SEED)
        centres = faiss.IndexFlatIP(dim)
        kind, metric = faiss.ScalarQuantizer.QT_4bit, faiss.METRIC_INNER_PRODUCT
        index = faiss.IndexIVFScalarQuantizer(centres, dim, lists, kind, metric)
        index.cp.niter, index.cp.seed = _ROUNDS, _SEED
        index.cp.min_points_per_centroid = 1  # without warning of small segments
        sample = np.sort(rng.choice(n, min(n, _SAMPLE * lists), replace=False))
        index.train(np.asarray(vectors[sample], np.float32))
        for block in _blocks(vectors):
            index.add(block)
        return _tuned(index, vectors, rng)

    @property
    def notes(self) -> dict[str, float]:
        """What ``read`` needs besides the file, and what a reader of the manifest may ask."""
        return {"lists": self.index.nlist, "probes": self.probes, "recall": round(self.recall, 4)}

    def candidates(self, query: Floats, k: int, chosen: PositionFilter | None = None) -> np.ndarray:
        """Positions of vectors near to ``query`` [dim], at least ``k`` where it finds as many;
        ``chosen``: those that they have to be among.
        """
        wanted, probes, bits = max(k, RESCORED_CANDIDATES), self.probes, None
        threads = faiss.omp_get_max_threads()
        faiss.omp_set_num_threads(1)  # for this thread: others search at the same time
        try:
            if chosen is not None:
                probes, bits = self._reach(query, wanted, chosen), chosen.bits
            found = _search(self.index, query[None], wanted, probes, bits)[0]
        finally:
            faiss.omp_set_num_threads(threads)
        return found[found >= 0]  # faiss pads what it did not find with -1

    def choose(self, positions: np.ndarray) -> PositionFilter:
        """What a search is to be limited to."""
        chosen = np.zeros(self.index.ntotal, bool)
        chosen[positions] = True
        counts = np.bincount(self._list_of[positions], minlength=self.index.nlist)
        return PositionFilter(np.packbits(chosen, bitorder="little"), counts)

    def _reach(self, query: Floats, wanted: int, chosen: PositionFilter) -> int:
        """How many lists hold as many of what is chosen as a search of all looks at.

        Where that is many more than of what lies everywhere, it lies together, far from the
        query: then its lists are all about as far, and more of them have to be looked at.
        """
        lists = self.index.nlist
        nearest = self.index.quantizer.search(query[None], lists)[1][0]
        held = np.cumsum(chosen.counts[nearest])
        least = max(wanted, self.index.ntotal * self.probes // lists)
        everywhere = lists * least / held[-1]
        for count in (least, _FAR_OFF * least):
            reach = int(np.searchsorted(held, min(count, held[-1]))) + 1
            if reach <= _UNEVEN * everywhere:
                break
        return max(self.probes, reach)

    @cached_property
    def _list_of(self) -> np.ndarray:
        """[n]: the list that each vector lies in."""
        held = self.index.invlists
        found = np.empty(self.index.ntotal, np.min_scalar_type(self.index.nlist))
        for i in range(self.index.nlist):
            if size := held.list_size(i):
                found[faiss.rev_swig_ptr(held.get_ids(i), size)] = i
        return found

    def write(self, out: BinaryIO) -> None:
        # Left to open a file itself, faiss would not tell that closing it failed.
        faiss.write_index(self.index, faiss.PyCallbackIOWriter(out.write))

    @classmethod
    def read(cls, path: Path, notes: dict) -> ApproximateIndex:
        index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC if _MAPS else 0)
        return cls(index, notes["probes"], notes["recall"])


def _tuned(index: faiss.IndexIVF, vectors: Floats, rng: np.random.Generator) -> ApproximateIndex:
    """The index with as few probes as find ``TARGET_RECALL`` of what is nearest to some queries.

    Each query is the mean of vectors that have nothing in common. It lies between their lists
    and far from each, as questions do, those in another language most of all: a vector of the
    index itself would be found by a tenth of the probes that real questions need.
    """
    queries = np.asarray(vectors[np.sort(rng.choice(len(vectors), _TRIED * _MIXED))], np.float32)
    queries = queries[rng.permutation(len(queries))].reshape(_TRIED, _MIXED, -1).mean(axis=1)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    wanted = _nearest(queries, vectors, _AT)
    probes = 8
    while True:
        found = _search(index, queries, RESCORED_CANDIDATES, probes, None)
        recall = np.mean([np.isin(w, f).mean() for w, f in zip(wanted, found, strict=True)])
        if recall >= TARGET_RECALL or probes == index.nlist:
            return ApproximateIndex(index, probes, float(recall))
        probes = min(index.nlist, probes + max(4, probes // 4))


def _nearest(queries: Floats, vectors: Floats, k: int) -> np.ndarray:
    """[q, k]: positions of the ``k`` vectors nearest to each query, in any order."""
    at, cosines, start = [], [], 0
    for block in _blocks(vectors):
        cosine = queries @ block.T
        first = np.argpartition(-cosine, min(k, len(block)) - 1, axis=1)[:, :k]
        at.append(first + start)
        cosines.append(np.take_along_axis(cosine, first, axis=1))
        start += len(block)
    best_of_all = np.argpartition(-np.hstack(cosines), k - 1, axis=1)[:, :k]
    return np.take_along_axis(np.hstack(at), best_of_all, axis=1)


def _blocks(vectors: Floats) -> Iterator[Floats]:
    for start in range(0, len(vectors), VECTORS_PER_BLOCK):
        yield np.ascontiguousarray(vectors[start : start + VECTORS_PER_BLOCK], np.float32)


def _search(
    index: faiss.IndexIVF, queries: Floats, k: int, probes: int, chosen: np.ndarray | None
) -> np.ndarray:
    """[q, k]: positions found for each query [q, dim], the likely nearest first, -1 for none."""
    selector = None if chosen is None else faiss.IDSelectorBitmap(chosen)
    parameters = faiss.SearchParametersIVF(nprobe=probes, sel=selector)
    return index.search(queries, k, params=parameters)[1]
