"""Nearest-neighbour search over vectors, exact or approximate, with faiss.

Up to ``APPROXIMATE_FROM`` vectors, a search compares all of them, which takes about a
millisecond. Above, it uses an inverted file: the vectors lie in lists around centres, each of
their numbers quantised to four bits, and a search reads the lists of the nearest centres. The
best candidates are then compared exactly, by the full vectors, which are read from the disk.

How many lists a search reads is found when the index is built, by trying it on queries made from
the vectors; the recall reached is written to the manifest. What is tried decides what that figure
is worth: with vectors of the index as queries, 8 lists of 1,024 found everything, while questions
in another language than the passages needed more than 128.

Alternatives measured on 100,000 passages: product quantisation with fast-scan reads a list in a
third of the time, but orders candidates too coarsely for such questions and takes ten times as
long to build; RaBitQ with two bits does as well, smaller and faster, and is what to try if
searches get too slow.

No other module imports faiss.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import faiss
import numpy as np

from index.types import Floats

APPROXIMATE_FROM = 16_384  # vectors
VECTORS_PER_BLOCK = 16_384  # vectors that are converted or compared at a time
RESCORED_CANDIDATES = 100  # candidates found by their four bits that are compared exactly
TARGET_RECALL = 0.98  # of the ``_RECALL_AT`` nearest, on the queries that an index is tuned on
_RECALL_AT = 10
_TUNING_QUERIES = 200
_VECTORS_PER_QUERY = 4  # a tuning query is the mean of as many vectors
_LISTS_PER_ROOT = 4  # lists = this times the square root of the number of vectors
_TRAINING_VECTORS_PER_LIST = 40
_KMEANS_ROUNDS = 8
_FAR_FACTOR = 2  # a selection that needs as many times its even share of lists lies far away
_FAR_VECTORS_FACTOR = 8  # times as many vectors of a selection that lies far away are read
_FIRST_PROBES = 8
_SEED = 7
_CAN_MAP = sys.platform in ("linux", "win32")  # where faiss can leave an index in its file


def exact_search(vectors: Floats, query: Floats, k: int) -> tuple[np.ndarray, Floats]:
    """Find the ``k`` vectors with the highest inner product with a query, comparing all.

    Args:
        vectors: [n, dim], of length 1.
        query: [dim], of length 1.
        k: How many to return at most.

    Returns:
        Their positions, nearest first, and their cosines.
    """
    found = [np.zeros(0, np.float32), *(cosines(block, query) for block in _blocks(vectors))]
    return top_k(np.concatenate(found), k)


def cosines(vectors: Floats, query: Floats) -> Floats:
    """Compute the inner product [n] of each vector [n, dim] with a query [dim].

    It runs in one thread: numpy would use all, and each of several concurrent searches would wait
    for the slowest of them.
    """
    found = np.empty(len(vectors), np.float32)
    if len(vectors):
        rows, one = (np.ascontiguousarray(each, np.float32) for each in (vectors, query))
        pointers = map(faiss.swig_ptr, (found, one, rows))
        # faiss's stubs lack this function.
        faiss.fvec_inner_products_ny(*pointers, rows.shape[1], len(rows))  # type: ignore[attr-defined]
    return found


def top_k(values: Floats, k: int) -> tuple[np.ndarray, Floats]:
    """Return the positions of the ``k`` highest values, highest first, and these values.

    Among equal values the lower position comes first.
    """
    at = np.arange(len(values))
    if k < len(values):
        at = np.flatnonzero(values >= np.partition(values, -k)[-k])
    at = at[np.lexsort((at, -values[at]))][:k]
    return at, values[at]


@dataclass(frozen=True, slots=True, eq=False)
class PositionFilter:
    """The positions of an approximate index that a search is limited to."""

    bits: np.ndarray  # [n / 8] uint8: a bit for each position, set where it is selected
    counts: np.ndarray  # [lists]: how many selected positions lie in each list


@dataclass(frozen=True, eq=False)
class ApproximateIndex:
    """An approximate nearest-neighbour index: an inverted file of 4-bit codes.

    The vectors themselves are stored elsewhere, at the same positions.

    Attributes:
        index: The index of faiss.
        probes: How many of its lists a search reads.
        recall: The share of the ten nearest vectors that this found, measured on tuning queries.
    """

    index: faiss.IndexIVF
    probes: int
    recall: float

    @classmethod
    def build(cls, vectors: Floats) -> ApproximateIndex:
        """Build an index of vectors [n, dim] that finds ``TARGET_RECALL`` of the nearest ones."""
        n, dim = vectors.shape
        lists, rng = int(_LISTS_PER_ROOT * n**0.5), np.random.default_rng(_SEED)
        centres = faiss.IndexFlatIP(dim)
        kind, metric = faiss.ScalarQuantizer.QT_4bit, faiss.METRIC_INNER_PRODUCT
        index = faiss.IndexIVFScalarQuantizer(centres, dim, lists, kind, metric)
        index.cp.niter, index.cp.seed = _KMEANS_ROUNDS, _SEED
        index.cp.min_points_per_centroid = 1  # without a warning for small segments
        training = min(n, _TRAINING_VECTORS_PER_LIST * lists)
        sample = np.sort(rng.choice(n, training, replace=False))
        index.train(np.asarray(vectors[sample], np.float32))
        for block in _blocks(vectors):
            index.add(block)
        return _tuned(index, vectors, rng)

    @property
    def metadata(self) -> dict[str, float]:
        """Figures of the approximate index that the manifest records, and that ``read`` needs."""
        return {"lists": self.index.nlist, "probes": self.probes, "recall": round(self.recall, 4)}

    def candidates(
        self, query: Floats, k: int, selected: PositionFilter | None = None
    ) -> np.ndarray:
        """Find candidates for the vectors nearest to a query, as positions in any order.

        Args:
            query: [dim].
            k: How many are needed; more are returned, to be compared exactly, and fewer only where
                the lists that are read hold fewer.
            selected: The positions to search among; None for all.
        """
        wanted, probes, bits = max(k, RESCORED_CANDIDATES), self.probes, None
        threads = faiss.omp_get_max_threads()
        faiss.omp_set_num_threads(1)  # for this thread: others search at the same time
        try:
            if selected is not None:
                probes, bits = self._probes_for(query, wanted, selected), selected.bits
            found = _search(self.index, query[None], wanted, probes, bits)
        finally:
            faiss.omp_set_num_threads(threads)
        return found[found >= 0]  # faiss pads what it did not find with -1

    def select(self, positions: np.ndarray) -> PositionFilter:
        """Make a filter that limits a search of this index to vectors at some positions."""
        selected = np.zeros(self.index.ntotal, bool)
        selected[positions] = True
        counts = np.bincount(self._list_of[positions], minlength=self.index.nlist)
        return PositionFilter(np.packbits(selected, bitorder="little"), counts)

    def _probes_for(self, query: Floats, wanted: int, selected: PositionFilter) -> int:
        """Choose how many lists to read so that enough of the selected vectors are in them.

        Enough is as many vectors as a search without a filter reads. Where that takes many more
        lists than it would if the selected vectors were spread evenly, they lie close together and
        far from the query, for instance sources on another topic. Their lists are then all about
        as far, and more of them have to be read: with no more, a third of the nearest was found.
        """
        lists = self.index.nlist
        nearest = self.index.quantizer.search(query[None], lists)[1][0]
        held = np.cumsum(selected.counts[nearest])
        enough = max(wanted, self.index.ntotal * self.probes // lists)
        if_spread_evenly = lists * enough / held[-1]
        for count in (enough, _FAR_VECTORS_FACTOR * enough):
            probes = int(np.searchsorted(held, min(count, held[-1]))) + 1
            if probes <= _FAR_FACTOR * if_spread_evenly:
                break
        return max(self.probes, probes)

    @cached_property
    def _list_of(self) -> np.ndarray:
        """[n]: the list that each vector lies in."""
        held = self.index.invlists
        assert held is not None  # an index that was built or read has its lists
        found = np.empty(self.index.ntotal, np.min_scalar_type(self.index.nlist))
        for i in range(self.index.nlist):
            if size := held.list_size(i):
                found[faiss.rev_swig_ptr(held.get_ids(i), size)] = i
        return found

    def write(self, out: BinaryIO) -> None:
        """Write the approximate index to an open file."""
        # If faiss opened the file itself, an error while closing it would go unnoticed.
        writer = faiss.PyCallbackIOWriter(out.write)  # type: ignore[attr-defined]  # not in stubs
        faiss.write_index(self.index, writer)

    @classmethod
    def read(cls, path: Path, metadata: Mapping[str, Any]) -> ApproximateIndex:
        """Open an approximate index from its file and the figures that the manifest recorded.

        Raises:
            RuntimeError: faiss cannot read the file.
            ValueError: The file holds another kind of index.
        """
        index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC if _CAN_MAP else 0)
        if not isinstance(index, faiss.IndexIVF):
            raise ValueError(f"{path.name} is not an inverted file")
        return cls(index, metadata["probes"], metadata["recall"])


def _tuned(index: faiss.IndexIVF, vectors: Floats, rng: np.random.Generator) -> ApproximateIndex:
    """Choose the fewest probes that reach ``TARGET_RECALL`` on queries made from the vectors.

    Each query is the mean of vectors that have nothing in common. It lies between their lists
    and far from each, as real questions do, most of all those in another language: a vector of
    the index itself would be found with a tenth of the probes that real questions need.
    """
    drawn = np.sort(rng.choice(len(vectors), _TUNING_QUERIES * _VECTORS_PER_QUERY))
    queries = np.asarray(vectors[drawn], np.float32)[rng.permutation(len(drawn))]
    queries = queries.reshape(_TUNING_QUERIES, _VECTORS_PER_QUERY, -1).mean(axis=1)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    wanted = _nearest(queries, vectors, _RECALL_AT)
    probes = _FIRST_PROBES
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
    index: faiss.IndexIVF, queries: Floats, k: int, probes: int, selected: np.ndarray | None
) -> np.ndarray:
    """[q, k]: positions found for each query [q, dim], the likely nearest first, -1 for none."""
    # faiss adds these constructors and the keyword at run time, unknown to its stubs.
    selector = None
    if selected is not None:
        selector = faiss.IDSelectorBitmap(selected)  # type: ignore[call-arg, arg-type]
    parameters = faiss.SearchParametersIVF(nprobe=probes, sel=selector)  # type: ignore[call-arg]
    found: np.ndarray = index.search(queries, k, params=parameters)[1]
    return found
