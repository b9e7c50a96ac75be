"""One segment of an index: passages of one language, written once and never changed.

In a folder of its own lies what a search needs, as arrays that are mapped into memory, so that
opening it reads no more than the small files, to verify them, and several processes share what
they use:

    rows.npy       [n] int64, ascending: the database's row of each passage
    keys.npy       [n] 16 bytes: which text was embedded
    vectors.npy    [n, dim] float32; float16 where the segment is searched approximately
    words-*.npy    the lexical half, see index.lexical.postings
    near.faiss     the approximate index, in segments large enough to need one

Everything else counts in positions, 0 to n - 1. What is deleted from a segment is left out of
what it finds, by ``dead``; the files stay as they are.
"""

from __future__ import annotations

import copy
import hashlib
import os
import secrets
import weakref
import zlib
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import BinaryIO

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
from index.types import Floats

KEY_DTYPE = np.dtype("V16")
CHECKSUM_UP_TO_BYTES = (
    1 << 22
)  # bytes of a file up to which its checksum is verified when it is opened
READ_AHEAD_VECTORS = 16  # vectors that are read though not wanted, rather than begin another read
EXACT_SEARCH_UP_TO = 4096  # positions up to which a search within them looks at each


class Segment:
    """Passages of one language in ascending order of their rows."""

    def __init__(
        self,
        japanese: bool,
        rows: np.ndarray,
        keys: np.ndarray,
        vectors: Floats,
        postings: Postings,
        near: ApproximateIndex | None = None,
    ) -> None:
        self.japanese = japanese
        self.rows, self.keys, self.vectors = rows, keys, vectors
        self.postings, self.near = postings, near
        self.dead = np.zeros(0, np.int64)  # positions, ascending
        self.entry: dict = {}  # what the manifest says of it, once it is written
        self._home: Path | None = None  # the folder of its files
        self._file: _File | None = None  # its vectors, open to be read

    @classmethod
    def of(cls, japanese: bool, rows: np.ndarray, vectors: Floats, texts: Sequence[str]) -> Segment:
        keys = np.array([text_key(text) for text in texts], KEY_DTYPE)
        return cls(japanese, rows, keys, _stored(vectors), Postings.of(texts))

    @classmethod
    def merged(cls, parts: Sequence[Segment]) -> Segment:
        """One segment in the place of some that follow one another, without what is dead."""
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
        words = Postings.merged([(p.postings, k) for p, k in zip(parts, kept, strict=True)])
        return cls(parts[0].japanese, rows, keys, np.concatenate(vectors), words)

    def __len__(self) -> int:
        """How many passages it has that are not dead."""
        return len(self.rows) - len(self.dead)

    @property
    def live_rows(self) -> np.ndarray:
        """The rows of what is not dead, ascending."""
        return self.rows[self.live_mask] if len(self.dead) else self.rows

    @property
    def live_mask(self) -> np.ndarray:
        """[n] bool: which positions are not dead."""
        kept = np.ones(len(self.rows), bool)
        kept[self.dead] = False
        return kept

    def without(self, positions: np.ndarray) -> Segment:
        """The same segment, with some more positions dead."""
        made = self._with_dead(np.union1d(self.dead, positions))
        made.entry = {name: value for name, value in self.entry.items() if name != "dead"}
        return made

    def _with_dead(self, positions: np.ndarray) -> Segment:
        made = copy.copy(self)
        made.dead = positions
        for name in ("lost", "_undeleted"):  # which come of it
            made.__dict__.pop(name, None)
        return made

    def positions(self, rows: np.ndarray) -> np.ndarray:
        """The positions, ascending, of those of some ascending rows that are here, not dead."""
        at = np.searchsorted(self.rows, rows)
        at = at[self.rows[np.minimum(at, len(self.rows) - 1)] == rows]
        return at[~_among(at, self.dead)]

    @cached_property
    def _undeleted(self) -> PositionFilter | None:
        return self.near.choose(np.flatnonzero(self.live_mask)) if len(self.dead) else None

    @cached_property
    def deleted_term_counts(self) -> TermCounts | None:
        """The words of what is dead, which do not count."""
        return self.postings.statistics(self.dead) if len(self.dead) else None

    # Searching

    def nearest(
        self, query: Floats, k: int, allowed: np.ndarray | None = None
    ) -> tuple[np.ndarray, Floats]:
        """Positions of the ``k`` vectors nearest to ``query``, nearest first; their cosines.

        ``allowed``: the positions to search among, ascending and none of them dead (None: all).
        """
        if allowed is not None and (len(allowed) <= EXACT_SEARCH_UP_TO or self.near is None):
            at, values = exact_search(self.read(allowed), query, k)
            return allowed[at], values
        if self.near is None:
            if not len(self.dead):
                return exact_search(self.vectors, query, k)
            return self.nearest(query, k, np.flatnonzero(self.live_mask))
        chosen = self._undeleted if allowed is None else self.near.choose(allowed)
        found = np.sort(self.near.candidates(query, k, chosen))
        at, values = top_k(cosines(self.read(found), query), k)
        return found[at], values

    def matching(
        self, scorer: Scorer, k: int, allowed: np.ndarray | None = None
    ) -> tuple[np.ndarray, Floats]:
        """Positions of the ``k`` passages with the highest scores above 0 by a scorer of its
        postings; these.
        """
        return scorer.top(k, allowed, self.dead if allowed is None and len(self.dead) else None)

    def read(self, positions: np.ndarray) -> Floats:
        """[n, dim] float32: the vectors at some ascending positions.

        Where searches look at a few, they are read from the file rather than mapped, lest what
        was once looked at stay in the memory of the process: the system keeps it in its own
        cache, once for all processes. Where each search looks at all, they are mapped anyway.
        """
        if self._file is None or self.near is None or not hasattr(os, "preadv"):
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
        wide, data = self.vectors.strides[0], memoryview(found.view(np.uint8).reshape(-1))
        offsets, ends = (self._file.offset + first * wide).tolist(), (into * wide).tolist()
        for offset, a, b in zip(offsets, ends, ends[1:], strict=False):
            self._file.read_into(data[a:b], offset)
        if len(found) > len(positions):
            run = np.searchsorted(starts, np.arange(len(positions)), "right") - 1
            found = found[into[run] + positions - first[run]]
        return found.astype(np.float32)

    # The folder

    @property
    def names(self) -> set[str]:
        """What in the folder of the index it consists of, as it was saved."""
        return {name for name in (self.entry.get("name"), self.entry.get("dead")) if name}

    def save(self, folder: Path, new: list[Path]) -> None:
        """Write what ``folder`` lacks of it, note it in ``entry``, and the paths in ``new``."""
        if self._home is None or self._home.parent != folder or not self._home.is_dir():
            self._home = folder / secrets.token_hex(4)
            self.entry = {}
            new.append(self._home)
            self._write()
        dead = self.entry.get("dead")
        if len(self.dead) and not (dead and (folder / dead).is_file()):
            dead = f"dead-{secrets.token_hex(4)}.npy"
            new.append(folder / dead)
            write(folder / dead, lambda out: _save(out, self.dead))
            self.entry = self.entry | {"dead": dead}

    def _write(self) -> None:
        if self.near is None and len(self.rows) >= APPROXIMATE_FROM:
            self.near = ApproximateIndex.build(self.vectors)
        self._home.mkdir()
        for label, array in self._arrays().items():
            write(self._home / f"{label}.npy", lambda out, a=array: _save(out, a))
        if self.near:
            write(self._home / "near.faiss", self.near.write)
        fsync_folder(self._home)
        files = {path.name: _noted(path) for path in sorted(self._home.iterdir())}
        self.entry = {"name": self._home.name, "japanese": self.japanese, "files": files}
        if self.near:
            self.entry["approximate"] = self.near.notes

    def _arrays(self) -> dict[str, np.ndarray]:
        words = {f"words-{label}": array for label, array in self.postings.arrays().items()}
        return {"rows": self.rows, "keys": self.keys, "vectors": self.vectors} | words

    @classmethod
    def open(cls, folder: Path, entry: dict, known: Segment | None = None) -> Segment:
        """The segment that a manifest has as ``entry``; ``known``: the same one, opened before.

        Nothing is read but small files, to verify them. Whatever is wrong with the files raises
        an error of numpy, faiss or the system, or a ValueError.
        """
        made = copy.copy(known) if known else cls._mapped(folder / entry["name"], entry)
        made.entry = entry
        dead = np.load(folder / entry["dead"]) if "dead" in entry else made.dead[:0]
        return made if np.array_equal(dead, made.dead) else made._with_dead(dead)

    @classmethod
    def _mapped(cls, home: Path, entry: dict) -> Segment:
        arrays, words, offsets = {}, {}, {}
        for file, noted in entry["files"].items():
            if _noted(home / file) != noted:
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
        near = None
        if "approximate" in entry:
            near = ApproximateIndex.read(home / "near.faiss", entry["approximate"])
        made = cls(entry["japanese"], **arrays, postings=Postings.from_arrays(words), near=near)
        made._home = home
        made._file = _File(home / "vectors.npy", offsets["vectors"])
        return made


class _File:
    """A file that is open for reading as long as somebody holds this."""

    def __init__(self, path: Path, offset: int) -> None:
        self.offset = offset
        self._path, self._number = path, os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._number)

    def read_into(self, data: memoryview, offset: int) -> None:
        """Fill ``data`` with the bytes from ``offset`` on; OSError where the file ends before."""
        done = 0
        while done < len(data):  # the system reads 2 GB at a time, and less if it likes
            read = os.preadv(self._number, [data[done:]], offset + done)
            if read == 0:
                raise OSError(f"{self._path} ends too early: run `tenkyo reindex`")
            done += read


def write(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file, and wait until it is on the disk, where it outlasts a power cut."""
    with path.open("wb") as out:
        write(out)
        out.flush()
        os.fsync(out.fileno())


def _save(out: BinaryIO, array: np.ndarray) -> None:
    # Given the file itself, numpy would not tell that the last bytes found no room.
    np.save(SimpleNamespace(write=out.write), array)


def _noted(path: Path) -> list[int]:
    """The size of a file, and its checksum where it is small enough for each opening to make it."""
    size = path.stat().st_size
    return [size] if size > CHECKSUM_UP_TO_BYTES else [size, zlib.crc32(path.read_bytes())]


def text_key(text: str) -> bytes:
    """16 bytes that stand for a text that was embedded."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _stored(vectors: Floats) -> Floats:
    return np.array(vectors, np.float16 if len(vectors) >= APPROXIMATE_FROM else np.float32)


def _among(positions: np.ndarray, some: np.ndarray) -> np.ndarray:
    """[len(positions)] bool: which of them are among ``some`` ascending ones."""
    if not len(some):
        return np.zeros(len(positions), bool)
    at = np.minimum(np.searchsorted(some, positions), len(some) - 1)
    return some[at] == positions
