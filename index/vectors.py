"""Which vectors are nearest to one: exactly, or nearly. The only importer of faiss.

Up to ``APPROXIMATE_FROM`` vectors a search looks at all of them. Above, it looks at the lists
of the nearest few of many centres (an inverted file), where each vector is kept in a few bytes
(a product quantiser read by fast-scan); the nearest by these are then compared by the vectors
themselves, which are read from the disk. How many lists that takes is found out when the index
is built, by trying it on queries made from the vectors.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import faiss
import numpy as np

from index.embed import Floats

APPROXIMATE_FROM = 16_384
RECALL = 0.99  # of the ten nearest, on the queries that an index is tuned on
BLOCK = 16_384  # vectors that are converted or compared at a time
_TRIED = 200  # queries that an index is tuned on
_AT = 10  # the recall is that of the first so many
_SEED = 7


def exact(vectors: Floats, query: Floats, k: int) -> tuple[np.ndarray, Floats]:
    """Positions of the ``k`` vectors nearest to ``query`` [dim], nearest first; their cosines."""
    blocks = range(0, len(vectors), BLOCK)
    cosines = [np.asarray(vectors[i : i + BLOCK], np.float32) @ query for i in blocks]
    return best(np.concatenate(cosines) if cosines else np.zeros(0, np.float32), k)


def best(values: Floats, k: int) -> tuple[np.ndarray, Floats]:
    """Positions of the ``k`` highest values, highest first, and these."""
    at = np.arange(len(values))
    if k < len(values):
        at = np.flatnonzero(values >= np.partition(values, -k)[-k])
    at = at[np.lexsort((at, -values[at]))][:k]
    return at, values[at]


def selection(positions: np.ndarray, n: int) -> np.ndarray:
    """[n / 8] uint8: some of ``n`` positions, in the form that ``Approximate.near`` takes."""
    chosen = np.zeros(n, bool)
    chosen[positions] = True
    return np.packbits(chosen, bitorder="little")


@dataclass(frozen=True, slots=True)
class Approximate:
    """An inverted file with product-quantised codes of vectors that lie elsewhere.

    ``probes`` lists are searched; the first ``pool`` found are worth comparing exactly. ``recall``
    is the share of the ten nearest that was so found when it was built.
    """

    index: faiss.IndexIVF
    probes: int
    pool: int
    recall: float

    @property
    def notes(self) -> dict[str, float]:
        """What ``read`` needs besides the file."""
        return {
            "lists": self.index.nlist,
            "probes": self.probes,
            "pool": self.pool,
            "recall": round(self.recall, 4),
        }

    def candidates(
        self, query: Floats, k: int, chosen: np.ndarray | None = None, share: float = 1.0
    ) -> np.ndarray:
        """Positions of vectors near to ``query`` [dim], at least ``k`` where there are as many.

        ``chosen``: the ``selection`` that they have to be among, which is a ``share`` of all.
        """
        probes = min(self.index.nlist, int(self.probes / share) + 1)
        return _search(self.index, query, max(k, self.pool), probes, chosen)

    def write(self, out: BinaryIO) -> None:
        # Left to open a file itself, faiss would not tell that closing it failed.
        faiss.write_index(self.index, faiss.PyCallbackIOWriter(out.write))

    @classmethod
    def read(cls, path: Path, notes: dict) -> Approximate:
        index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        return cls(index, notes["probes"], notes["pool"], notes["recall"])


def _search(
    index: faiss.IndexIVF, queries: Floats, k: int, probes: int, chosen: np.ndarray | None
) -> np.ndarray:
    """[q, k]: positions found for each query [q, dim], the likely nearest first, -1 for none."""
    selector = None if chosen is None else faiss.IDSelectorBitmap(chosen)
    parameters = faiss.SearchParametersIVF(nprobe=probes, sel=selector)
    return index.search(queries, k, params=parameters)[1]
