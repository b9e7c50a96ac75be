"""The search index in a folder: FAISS for the vectors, BM25 beside it.

The folder is a cache of the database. ``manifest.json`` says what its files are and what
they were made from; it is replaced in one step, after the files it names are complete, so
that a process killed at any moment leaves the last complete index. The only module that
imports faiss.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import threading
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

import faiss
import numpy as np

from corpus.errors import IndexMismatch, IndexMissing, StoreError
from index.embed import Floats
from index.lexical import LexicalIndex
from index.search import Ranked, fuse
from index.tokens import is_japanese

FORMAT = 2
POOL = 100  # candidates that each half puts forward
_KEY = np.dtype("V16")
# What faiss, numpy and zipfile raise for files that are cut short, damaged or something else.
_UNREADABLE = (OSError, RuntimeError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile)


class LocalIndex:
    """Exact inner-product search and BM25 over the same rows, fused. Rows ascend."""

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self._vectors = faiss.IndexIDMap2(faiss.IndexFlatIP(dim))
        self._lexical = LexicalIndex()
        self._rows = np.zeros(0, np.int64)  # position in the lexical index -> row
        self._japanese = np.zeros(0, bool)
        self._keys = np.zeros(0, _KEY)

    def __len__(self) -> int:
        return len(self._rows)

    def rows(self) -> np.ndarray:
        return self._rows

    def add(self, rows: Sequence[int], vectors: Floats, texts: Sequence[str]) -> None:
        new = np.asarray(rows, np.int64)
        if len(new) == 0:
            return
        if vectors.shape != (len(new), self.dim) or len(texts) != len(new):
            raise ValueError(f"{len(new)} rows, {vectors.shape} vectors, {len(texts)} texts")
        if np.any(np.diff(np.concatenate([self._rows[-1:], new])) <= 0):
            raise ValueError("rows must be added in ascending order")
        self._vectors.add_with_ids(np.ascontiguousarray(vectors, np.float32), new)
        self._lexical.add(texts)
        self._rows = np.concatenate([self._rows, new])
        self._japanese = np.concatenate([self._japanese, [is_japanese(t) for t in texts]])
        self._keys = np.concatenate([self._keys, np.array([text_key(t) for t in texts], _KEY)])

    def remove(self, rows: Sequence[int]) -> None:
        gone = np.asarray(rows, np.int64)
        kept = ~np.isin(self._rows, gone)
        if kept.all():
            return
        self._vectors.remove_ids(gone)
        self._lexical.keep(kept)
        self._rows, self._japanese = self._rows[kept], self._japanese[kept]
        self._keys = self._keys[kept]

    def vectors(self, rows: Sequence[int]) -> dict[bytes, Floats]:
        """The vectors of some rows, by the ``text_key`` of what was embedded."""
        at = np.flatnonzero(np.isin(self._rows, np.asarray(rows, np.int64)))
        return {self._keys[i].tobytes(): self._vectors.reconstruct(int(self._rows[i])) for i in at}

    def matrix(self, rows: Sequence[int]) -> Floats:
        """[n, dim]: the vectors of those of some rows that are here, in the order given."""
        given = np.asarray(rows, np.int64)
        here = given[np.isin(given, self._rows)]
        if not len(here):
            return np.zeros((0, self.dim), np.float32)
        return self._vectors.reconstruct_batch(here)

    def nearest(self, vectors: Floats, within: Sequence[int]) -> list[int]:
        """For each vector the nearest of some rows; empty if none of them is here."""
        if not len(within) or not len(vectors):
            return []
        parameters = faiss.SearchParameters(sel=faiss.IDSelectorBatch(np.array(within, np.int64)))
        _, found = self._vectors.search(np.ascontiguousarray(vectors), 1, params=parameters)
        return [int(row) for row in found[:, 0] if row >= 0]

    def search(
        self, vector: Floats, text: str, k: int, within: Sequence[int] | None = None
    ) -> list[Ranked]:
        if not len(self):
            return []
        allowed = np.ones(len(self), bool)
        if within is not None:
            allowed = np.isin(self._rows, np.asarray(within, np.int64))
        coverage = self._lexical.scores(text) / max(self._lexical.ceiling(text), 1e-6)
        across = self._japanese != is_japanese(text)
        # Each language puts its own candidates forward: among all together, those of the
        # question's language would leave none of the other.
        pool = max(k, POOL)
        dense, lexical = [], []
        for group in (allowed & ~across, allowed & across):
            if group.any():
                dense.append(self._nearest(vector, group, pool))
                lexical.append(self._rows[_top(np.where(group, coverage, 0), pool)])
        if not dense:
            return []
        candidates = np.unique(np.concatenate(dense + lexical))
        at = np.searchsorted(self._rows, candidates)
        cosine = np.stack([self._vectors.reconstruct(int(row)) for row in candidates]) @ vector
        score = fuse(cosine, coverage[at], across[at])
        dense_rank, lexical_rank = _ranks(candidates, cosine), _ranks(candidates, coverage[at])
        order = np.lexsort((candidates, -score))[:k]
        return [
            Ranked(
                row=int(candidates[i]),
                score=float(score[i]),
                cosine=float(cosine[i]),
                coverage=float(coverage[at[i]]),
                dense_rank=int(dense_rank[i]),
                lexical_rank=int(lexical_rank[i]) if coverage[at[i]] > 0 else None,
            )
            for i in order
        ]

    def _nearest(self, vector: Floats, group: np.ndarray, k: int) -> np.ndarray:
        """Rows of the ``k`` vectors nearest to ``vector`` among the positions in ``group``."""
        parameters = None
        if not group.all():
            selector = faiss.IDSelectorBatch(self._rows[group])
            parameters = faiss.SearchParameters(sel=selector)
        query = np.asarray(vector, np.float32)[None]
        _, found = self._vectors.search(query, min(k, len(self)), params=parameters)
        return found[0][found[0] >= 0]  # FAISS pads what it did not find with -1

    # The folder

    def save(self, folder: Path, embedder: str, revision: str) -> None:
        """Write the index; what stood in the folder is replaced in one step."""
        token = secrets.token_hex(4)
        files = {"vectors": f"vectors-{token}.faiss", "lexical": f"lexical-{token}.npz"}
        manifest = {
            "format": FORMAT,
            "embedder": embedder,
            "dim": self.dim,
            "count": len(self),
            "corpus_revision": revision,
            "files": files,
        }
        partial = folder / f"manifest-{token}.json"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            arrays = {"rows": self._rows, "japanese": self._japanese, "keys": self._keys}
            arrays |= self._lexical.arrays()
            # Left to open the file itself, faiss would not tell that closing it failed.
            _write(
                folder / files["vectors"],
                lambda out: faiss.write_index(self._vectors, faiss.PyCallbackIOWriter(out.write)),
            )
            _write(folder / files["lexical"], lambda out: np.savez(out, **arrays))
            _write(partial, lambda out: out.write(json.dumps(manifest, indent=1).encode()))
            os.replace(partial, folder / "manifest.json")
        except (OSError, RuntimeError) as error:
            for name in (*files.values(), partial.name):  # a full disk needs the room
                with contextlib.suppress(OSError):
                    (folder / name).unlink(missing_ok=True)
            reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
            raise StoreError(
                f"cannot write the index in {folder} ({reason}): check that the folder can be"
                " written and its disk is not full; the documents are safe, and `tenkyo reindex`"
                " writes the index again"
            ) from error
        with contextlib.suppress(OSError):  # what is left over is tried again by the next save
            for old in folder.iterdir():
                if old.name not in {*files.values(), "manifest.json"}:
                    old.unlink(missing_ok=True)

    @classmethod
    def open(cls, folder: Path, embedder: str, revision: str | None = None) -> LocalIndex:
        """Read the index that ``save`` wrote.

        Raises IndexMissing if there is none, and IndexMismatch if it was made by another
        embedder or format, or from passages other than ``revision`` (None: any).
        """
        manifest = read_manifest(folder)
        check_manifest(folder, manifest, embedder, revision)
        try:
            made = cls(manifest["dim"])
            made._vectors = faiss.read_index(str(folder / manifest["files"]["vectors"]))
            with (folder / manifest["files"]["lexical"]).open("rb") as raw:
                arrays = dict(np.load(raw))
            made._rows, made._japanese = arrays["rows"], arrays["japanese"]
            made._keys = arrays["keys"]
            made._lexical = LexicalIndex.from_arrays(arrays)
        except _UNREADABLE as error:
            if read_manifest(folder) != manifest:  # written again while it was being read
                return cls.open(folder, embedder, revision)
            raise IndexMismatch(folder, "readable files", "files that cannot be read") from error
        if not len(made) == made._vectors.ntotal == len(made._lexical) == manifest["count"]:
            raise IndexMismatch(folder, f"{manifest['count']} passages", f"{len(made)} passages")
        return made


class LiveIndex:
    """The index in a folder as it is now: read again when another process has written it.

    For reading alone. A search runs on the index that was there when it began.
    """

    def __init__(self, folder: Path, embedder: str) -> None:
        self._folder, self._embedder = folder, embedder
        self._lock = threading.Lock()
        self._written: tuple[int, int] | None = None
        self._index = LocalIndex(0)

    def __len__(self) -> int:
        return len(self._current())

    def search(
        self, vector: Floats, text: str, k: int, within: Sequence[int] | None = None
    ) -> list[Ranked]:
        return self._current().search(vector, text, k, within)

    def _current(self) -> LocalIndex:
        try:
            status = (self._folder / "manifest.json").stat()
        except OSError:
            raise IndexMissing(self._folder) from None
        written = (status.st_mtime_ns, status.st_ino)
        with self._lock:
            if written != self._written:
                self._index = LocalIndex.open(self._folder, self._embedder)
                self._written = written
            return self._index


def _write(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file, and wait until it is on the disk, where it outlasts a power cut."""
    with path.open("wb") as out:
        write(out)
        out.flush()
        os.fsync(out.fileno())


def text_key(text: str) -> bytes:
    """16 bytes that stand for a text that was embedded."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def read_manifest(folder: Path) -> dict:
    """The manifest of an index folder; IndexMissing, or IndexMismatch if it is not one."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        needed = {"format", "embedder", "dim", "count", "corpus_revision", "files"}
        if needed <= manifest.keys():
            return manifest
    except FileNotFoundError:
        raise IndexMissing(folder) from None
    except (OSError, ValueError, AttributeError):
        pass
    raise IndexMismatch(folder, f"format {FORMAT}", "a manifest that cannot be read")


def check_manifest(
    folder: Path, manifest: dict, embedder: str, revision: str | None = None
) -> None:
    """Raise IndexMismatch if the index was made by another embedder or format, or revision."""
    expected = {"format": FORMAT, "embedder": embedder, "corpus_revision": revision}
    for name, value in expected.items():
        if value is not None and manifest[name] != value:
            label = name.replace("_", " ")
            raise IndexMismatch(folder, f"{label} {value}", f"{label} {manifest[name]}")


def _ranks(rows: np.ndarray, values: Floats) -> np.ndarray:
    """The rank of each value, from 1 for the highest; the lower row first among equals."""
    ranks = np.empty(len(values), np.int64)
    ranks[np.lexsort((rows, -values))] = np.arange(1, len(values) + 1)
    return ranks


def _top(scores: Floats, k: int) -> np.ndarray:
    """Positions of the ``k`` highest scores above 0, highest first, lower ones among equals."""
    k = min(k, int(np.count_nonzero(scores > 0)))
    if k == 0:
        return np.zeros(0, np.int64)
    best = np.flatnonzero(scores >= np.partition(scores, -k)[-k])
    return best[np.lexsort((best, -scores[best]))][:k]
