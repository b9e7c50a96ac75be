"""One segment of an index: passages of one language, written once and never changed.

A search wants candidates of each language, so a segment holds one: with both in one, every search
would need a mask as long as the index.

The folder of a segment holds what a search needs, as arrays that are mapped into memory. Opening
it reads only the small files, to verify them, and several processes share what they use:

    rows.npy       [n] int64, ascending: the database row of each passage
    keys.npy       [n] 16 bytes: a hash of the text that was embedded
    vectors.npy    [n, dim] float32; float16 where the segment is searched approximately
    words-*.npy    the postings, see index.lexical.postings
    near.faiss     the approximate index, in segments large enough to need one

Everything else counts in positions, 0 to n - 1. Deleted passages are masked when the segment is
searched; its files stay as they are.
"""

from __future__ import annotations

import copy
import hashlib
import os
import secrets
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np

from corpus.files.files import fsync_folder
from index.lexical.bm25 import Scorer
from index.lexical.postings import Postings, TermCounts
from index.storage.ann import (
    APPROXIMATE_FROM,
    ApproximateIndex,
    PositionFilter,
    cosines,
    exact_search,
    top_k,
)
from index.storage.files import PositionedReader, size_and_checksum, write, write_array
from index.types import Floats

KEY_DTYPE = np.dtype("V16")
READ_AHEAD_VECTORS = 16  # unwanted vectors that are read rather than begin another read
EXACT_SEARCH_UP_TO = 4096  # positions up to which a search within them compares each


class Segment:
    """Passages of one language, in ascending order of their database rows.

    Attributes:
        japanese: Whether its passages are in Japanese.
        rows: [n] the database row of each passage, ascending.
        keys: [n] the ``text_key`` of each passage.
        vectors: [n, dim] the embeddings, of length 1.
        postings: The terms of its passages.
        ann: The approximate index of its vectors; None where all are compared.
        deleted: Positions of passages that no search finds any more, ascending.
        entry: Its entry in the manifest; empty until it is saved.
    """

    def __init__(
        self,
        japanese: bool,
        rows: np.ndarray,
        keys: np.ndarray,
        vectors: Floats,
        postings: Postings,
        ann: ApproximateIndex | None = None,
    ) -> None:
        self.japanese = japanese
        self.rows, self.keys, self.vectors = rows, keys, vectors
        self.postings, self.ann = postings, ann
        self.deleted = np.zeros(0, np.int64)
        self.entry: dict[str, Any] = {}
        self._home: Path | None = None  # the folder of its files
        self._file: PositionedReader | None = None  # its vectors, open to be read

    @classmethod
    def of(cls, japanese: bool, rows: np.ndarray, vectors: Floats, texts: Sequence[str]) -> Self:
        """Build a segment in memory from ``n`` passages of one language.

        Args:
            japanese: Whether their language is Japanese.
            rows: The passages' row numbers in the database [n].
            vectors: Their embedding vectors [n, dim].
            texts: Their texts [n].
        """
        keys = np.array([text_key(text) for text in texts], KEY_DTYPE)
        return cls(japanese, rows, keys, _stored(vectors), Postings.of(texts))

    @classmethod
    def merged(cls, parts: Sequence[Segment]) -> Self:
        """Make one segment of consecutive ones, without their deleted passages."""
        kept = [part.live_mask for part in parts]
        rows, keys = (
            np.concatenate([getattr(part, name)[k] for part, k in zip(parts, kept, strict=True)])
            for name in ("rows", "keys")
        )
        narrow = len(rows) >= APPROXIMATE_FROM
        vectors = [
            np.asarray(part.vectors, np.float16 if narrow else np.float32)[k]
            for part, k in zip(parts, kept, strict=True)
        ]
        postings = Postings.merged([(p.postings, k) for p, k in zip(parts, kept, strict=True)])
        return cls(parts[0].japanese, rows, keys, np.concatenate(vectors), postings)

    def __len__(self) -> int:
        """The number of passages that are not deleted."""
        return len(self.rows) - len(self.deleted)

    @property
    def live_rows(self) -> np.ndarray:
        """The rows of the passages that are not deleted, ascending."""
        return self.rows[self.live_mask] if len(self.deleted) else self.rows

    @property
    def live_mask(self) -> np.ndarray:
        """[n] bool: which positions are not deleted."""
        kept = np.ones(len(self.rows), bool)
        kept[self.deleted] = False
        return kept

    def without(self, positions: np.ndarray) -> Segment:
        """Return a copy of the segment in which the passages at some more positions are deleted."""
        made = self._with_deleted(np.union1d(self.deleted, positions))
        made.entry = {name: value for name, value in self.entry.items() if name != "dead"}
        return made

    def _with_deleted(self, positions: np.ndarray) -> Segment:
        made = copy.copy(self)
        made.deleted = positions
        for name in ("deleted_term_counts", "_live"):  # cached values that depend on it
            made.__dict__.pop(name, None)
        return made

    def positions(self, rows: np.ndarray) -> np.ndarray:
        """Find which of some ascending rows are in the segment and not deleted.

        Returns:
            Their positions, ascending.
        """
        at = np.searchsorted(self.rows, rows)
        at = at[self.rows[np.minimum(at, len(self.rows) - 1)] == rows]
        left: np.ndarray = at[~_among(at, self.deleted)]
        return left

    @cached_property
    def deleted_term_counts(self) -> TermCounts | None:
        """How often each term occurs in deleted passages, to be subtracted; None for nowhere."""
        return self.postings.statistics(self.deleted) if len(self.deleted) else None

    # Searching

    def nearest(
        self, query: Floats, k: int, allowed: np.ndarray | None = None
    ) -> tuple[np.ndarray, Floats]:
        """Find the ``k`` passages whose vectors are nearest to a query.

        Args:
            query: [dim].
            k: How many to return at most.
            allowed: The positions to search among, ascending, none of them deleted; None for all.

        Returns:
            Their positions, nearest first, and their cosines.
        """
        if self.ann is None or (allowed is not None and len(allowed) <= EXACT_SEARCH_UP_TO):
            if allowed is None and not len(self.deleted):
                return exact_search(self.vectors, query, k)
            if allowed is None:
                allowed = np.flatnonzero(self.live_mask)
            at, values = exact_search(self.read(allowed), query, k)
            return allowed[at], values
        selected = self._live if allowed is None else self.ann.select(allowed)
        found = np.sort(self.ann.candidates(query, k, selected))
        at, values = top_k(cosines(self.read(found), query), k)
        return found[at], values

    @cached_property
    def _live(self) -> PositionFilter | None:
        """The filter that keeps deleted passages out of approximate searches; None without any."""
        if self.ann is None or not len(self.deleted):
            return None
        return self.ann.select(np.flatnonzero(self.live_mask))

    def matching(
        self, scorer: Scorer, k: int, allowed: np.ndarray | None = None
    ) -> tuple[np.ndarray, Floats]:
        """Find the ``k`` passages with the highest BM25 scores above 0.

        Args:
            scorer: A scorer of the segment's postings.
            k: How many to return at most.
            allowed: The positions to search among, ascending, none of them deleted; None for all.

        Returns:
            Their positions, best first, and their scores.
        """
        deleted = self.deleted if allowed is None and len(self.deleted) else None
        return scorer.top(k, allowed, deleted)

    def read(self, positions: np.ndarray) -> Floats:
        """Read the embeddings [n, dim], as float32, at some ascending positions of the segment.

        A segment that is searched approximately is read from its file rather than through the
        memory map, where each vector that was ever read would count as memory of this process:
        the system caches the file once for all processes. In a smaller one every search reads
        all vectors anyway.
        """
        if self._file is None or self.ann is None or not hasattr(os, "preadv"):
            return np.asarray(self.vectors[positions], np.float32)
        if not len(positions):
            return np.zeros((0, self.vectors.shape[1]), np.float32)
        starts = np.flatnonzero(
            np.diff(positions, prepend=-READ_AHEAD_VECTORS - 1) > READ_AHEAD_VECTORS
        )
        ends = np.append(starts[1:], len(positions)) - 1
        first, last = positions[starts], positions[ends]
        into = np.concatenate([[0], np.cumsum(last - first + 1)])
        found = np.empty((into[-1], self.vectors.shape[1]), self.vectors.dtype)
        size, data = self.vectors.strides[0], found.view(np.uint8).reshape(-1).data
        offsets, ends = (self._file.offset + first * size).tolist(), (into * size).tolist()
        for offset, a, b in zip(offsets, ends, ends[1:], strict=False):
            self._file.read_into(data[a:b], offset)
        if len(found) > len(positions):
            run = np.searchsorted(starts, np.arange(len(positions)), "right") - 1
            found = found[into[run] + positions - first[run]]
        return found.astype(np.float32)

    # The folder

    @property
    def names(self) -> set[str]:
        """The names, in the folder of the index, of the files and folders that it consists of."""
        return {name for name in (self.entry.get("name"), self.entry.get("dead")) if name}

    def save(self, folder: Path, new: list[Path]) -> None:
        """Write what the folder of an index lacks of the segment, and update its ``entry``.

        Args:
            folder: The folder of the index.
            new: Receives each path as soon as it is created, so that the caller can delete it.
        """
        home = self._home
        if home is None or home.parent != folder or not home.is_dir():
            home = self._home = folder / secrets.token_hex(4)
            self.entry = {}
            new.append(home)
            self._write(home)
        dead = self.entry.get("dead")
        if len(self.deleted) and not (dead and (folder / dead).is_file()):
            dead = f"dead-{secrets.token_hex(4)}.npy"
            new.append(folder / dead)
            write_array(folder / dead, self.deleted)
            self.entry = self.entry | {"dead": dead}

    def _write(self, home: Path) -> None:
        if self.ann is None and len(self.rows) >= APPROXIMATE_FROM:
            self.ann = ApproximateIndex.build(self.vectors)
        home.mkdir()
        for label, array in self._arrays().items():
            write_array(home / f"{label}.npy", array)
        if self.ann:
            write(home / "near.faiss", self.ann.write)
        fsync_folder(home)
        files = {path.name: size_and_checksum(path) for path in sorted(home.iterdir())}
        self.entry = {"name": home.name, "japanese": self.japanese, "files": files}
        if self.ann:
            self.entry["approximate"] = self.ann.metadata

    def _arrays(self) -> dict[str, np.ndarray]:
        words = {f"words-{label}": array for label, array in self.postings.arrays().items()}
        return {"rows": self.rows, "keys": self.keys, "vectors": self.vectors} | words

    @classmethod
    def open(cls, folder: Path, entry: Mapping[str, Any], known: Segment | None = None) -> Segment:
        """Open a segment from its files, and verify them.

        Args:
            folder: The folder of the index.
            entry: The segment's entry in the manifest.
            known: The same segment, opened before, whose files need not be opened again.

        Raises:
            ValueError: A file is not what was written.
            OSError, RuntimeError, TypeError, KeyError, EOFError: A file cannot be read.
        """
        made = copy.copy(known) if known else cls._mapped(folder / entry["name"], entry)
        made.entry = dict(entry)
        deleted = np.load(folder / entry["dead"]) if "dead" in entry else made.deleted[:0]
        return made if np.array_equal(deleted, made.deleted) else made._with_deleted(deleted)

    @classmethod
    def _mapped(cls, home: Path, entry: Mapping[str, Any]) -> Self:
        arrays, words, offsets = {}, {}, {}
        for file, expected in entry["files"].items():
            if size_and_checksum(home / file) != expected:
                raise ValueError(f"{file} is not what was written")
            label = file.removesuffix(".npy")
            if label == file:
                continue
            mapped = np.load(home / file, mmap_mode="r")
            offsets[label], array = mapped.offset, np.asarray(mapped)
            if label.startswith("words-"):
                words[label.removeprefix("words-")] = array
            else:
                arrays[label] = array
        ann = None
        if "approximate" in entry:
            ann = ApproximateIndex.read(home / "near.faiss", entry["approximate"])
        made = cls(entry["japanese"], **arrays, postings=Postings.from_arrays(words), ann=ann)
        made._home = home
        made._file = PositionedReader(home / "vectors.npy", offsets["vectors"])
        return made


def text_key(text: str) -> bytes:
    """Return a hash of 16 bytes that identifies a text that was embedded."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _stored(vectors: Floats) -> Floats:
    return np.array(vectors, np.float16 if len(vectors) >= APPROXIMATE_FROM else np.float32)


def _among(positions: np.ndarray, some: np.ndarray) -> np.ndarray:
    """[len(positions)] bool: which of them are among ``some`` ascending ones."""
    if not len(some):
        return np.zeros(len(positions), bool)
    at = np.minimum(np.searchsorted(some, positions), len(some) - 1)
    found: np.ndarray = some[at] == positions
    return found
