"""The search index in a folder: vectors and words in segments, searched together.

The folder is a cache of the database. ``manifest.json`` says what its files are and what
they were made from; it is replaced in one step, after the files it names are complete, so
that a process killed at any moment leaves the last complete index. Saving writes what is new:
the segments that were not there yet, and which passages of the others are deleted.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from corpus.errors import IndexMismatch, IndexMissing, StoreError
from corpus.files.files import fsync_folder
from index.lexical.postings import LexicalQuery, Statistics
from index.lexical.tokenizer import is_japanese
from index.search import Ranked
from index.storage.ann import APPROXIMATE_FROM
from index.storage.hybrid_search import (
    SegmentSelection,
    hybrid_ranking,
    lexical_candidates,
    segment_scorers,
    vector_candidates,
)
from index.storage.segment import Segment, text_key, write
from index.types import Floats

INDEX_FORMAT = 3
CANDIDATE_POOL = 100  # candidates that each half puts forward
SMALL_SEGMENT = 8192  # passages up to which two neighbouring segments are one
MERGE_RATIO = 4  # how many times as large as the next a segment is, or the two are merged
MAX_DELETED_ONE_IN = 8  # a segment is written anew when one in so many of its passages is deleted
# What json, numpy and faiss raise for files that are cut short, damaged or something else.
_UNREADABLE = (OSError, RuntimeError, ValueError, TypeError, KeyError, AttributeError, EOFError)

__all__ = ["LiveIndex", "LocalIndex", "check_manifest", "read_manifest", "text_key"]


class LocalIndex:
    """Vectors and BM25 over the same rows, fused. Rows ascend.

    Passages in Japanese and others lie in segments of their own, since a search looks among
    each by themselves. The segments of each follow one another in the order of their rows.
    """

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self._segments: list[Segment] = []
        self._statistics: Statistics | None = None

    def __len__(self) -> int:
        return sum(map(len, self._segments))

    @property
    def recall(self) -> float:
        """How many of the ten nearest vectors a search finds, as measured when the index was
        built: the least of its segments'; 1 where it looks at all of them.
        """
        return min((s.near.recall for s in self._segments if s.near), default=1.0)

    def rows(self) -> np.ndarray:
        """All rows, ascending."""
        return np.sort(
            np.concatenate([np.zeros(0, np.int64), *(s.live_rows for s in self._segments)])
        )

    def add(self, rows: Sequence[int], vectors: Floats, texts: Sequence[str]) -> None:
        new = np.asarray(rows, np.int64)
        if len(new) == 0:
            return
        if vectors.shape != (len(new), self.dim) or len(texts) != len(new):
            raise ValueError(f"{len(new)} rows, {vectors.shape} vectors, {len(texts)} texts")
        last = [segment.live_rows[-1:] for segment in self._segments]
        if np.any(np.diff(new) <= 0) or any(row >= new[0] for row in np.concatenate([[], *last])):
            raise ValueError("rows must be added in ascending order")
        flags = np.array([is_japanese(text) for text in texts])
        for flag in (False, True):
            at = np.flatnonzero(flags == flag)
            if len(at):
                made = Segment.of(flag, new[at], vectors[at], [texts[i] for i in at])
                self._replace(flag, _settled([*self._of(flag), made]))

    def remove(self, rows: Sequence[int]) -> None:
        gone = np.unique(np.asarray(rows, np.int64))
        for flag in (False, True):
            left = [_without(segment, gone) for segment in self._of(flag)]
            self._replace(flag, _settled([segment for segment in left if len(segment)]))

    def vectors(self, rows: Sequence[int]) -> dict[bytes, Floats]:
        """The vectors of some rows, by the ``text_key`` of what was embedded."""
        return {
            key.tobytes(): vector
            for segment, at in self._places(rows)
            for key, vector in zip(segment.keys[at], segment.read(at), strict=True)
        }

    def matrix(self, rows: Sequence[int]) -> Floats:
        """[n, dim]: the vectors of those of some rows that are here, in the order given."""
        given, order = np.unique(np.asarray(rows, np.int64), return_inverse=True)
        found = np.zeros((len(given), self.dim), np.float32)
        here = np.zeros(len(given), bool)
        for segment, at in self._places(given):
            into = np.searchsorted(given, segment.rows[at])
            found[into], here[into] = segment.read(at), True
        return found[order[here[order]]]

    def nearest(self, vectors: Floats, within: Sequence[int]) -> list[int]:
        """For each vector the nearest of some rows; none for it where none is found."""
        places = self._places(within)
        near = (vector_candidates(places, vector, 1) for vector in np.asarray(vectors, np.float32))
        return [row for found in near for row in found.rows(places).tolist()]

    def dense(self, vector: Floats, k: int, within: Sequence[int] | None = None) -> list[int]:
        """The dense half of a search alone: the ``k`` rows with the nearest vectors."""
        places = self._places(within)
        return vector_candidates(places, vector, k).rows(places).tolist()

    def lexical(self, text: str, k: int, within: Sequence[int] | None = None) -> list[int]:
        """The lexical half alone: the ``k`` rows with the highest BM25 above 0."""
        places = self._places(within)
        return (
            lexical_candidates(places, segment_scorers(places, self._query(text)), k)
            .rows(places)
            .tolist()
        )

    def search(
        self, vector: Floats, text: str, k: int, within: Sequence[int] | None = None
    ) -> list[Ranked]:
        if not len(self):
            return []
        vector = np.ascontiguousarray(vector, np.float32)
        places, query = self._places(within), self._query(text)
        return hybrid_ranking(places, vector, query, is_japanese(text), k, max(k, CANDIDATE_POOL))

    def _query(self, text: str) -> LexicalQuery:
        if self._statistics is None:
            self._statistics = Statistics.of(
                (s.postings, s.deleted_term_counts) for s in self._segments
            )
        return LexicalQuery.of(text, self._statistics)

    def _places(self, rows: Sequence[int] | None) -> list[SegmentSelection]:
        """Where some rows are: segments, with positions in them that ascend; None: all rows."""
        if rows is None:
            return [(segment, None) for segment in self._segments]
        wanted = np.unique(np.asarray(rows, np.int64))
        found = [(segment, segment.positions(wanted)) for segment in self._segments]
        return [(segment, at) for segment, at in found if len(at)]

    def _of(self, japanese: bool) -> list[Segment]:
        return [segment for segment in self._segments if segment.japanese == japanese]

    def _replace(self, japanese: bool, segments: Iterable[Segment]) -> None:
        self._segments = [*self._of(not japanese), *segments]
        self._statistics = None

    # The folder

    def save(self, folder: Path, embedder: str, revision: str) -> None:
        """Write the index; what stood in the folder is replaced in one step."""
        partial, new = folder / f"manifest-{secrets.token_hex(4)}.json", list[Path]()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for segment in self._segments:
                segment.save(folder, new)
            manifest = {
                "format": INDEX_FORMAT,
                "embedder": embedder,
                "dim": self.dim,
                "count": len(self),
                "corpus_revision": revision,
                "recall": self.recall,
                "segments": [segment.entry for segment in self._segments],
            }
            text = json.dumps(manifest, indent=1).encode()
            write(partial, lambda out: out.write(text))
            fsync_folder(folder)  # what it names outlasts a power cut before it does
            os.replace(partial, folder / "manifest.json")
            fsync_folder(folder)  # and it does before what it no longer names is deleted
        except (OSError, RuntimeError) as error:
            for path in (*new, partial):  # a full disk needs the room
                _delete(path)
            reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
            raise StoreError(
                f"cannot write the index in {folder} ({reason}): check that the folder can be"
                " written and its disk is not full; the documents are safe, and `tenkyo reindex`"
                " writes the index again"
            ) from error
        named = {name for segment in self._segments for name in segment.names}
        with contextlib.suppress(OSError):  # what is left over is tried again by the next save
            for old in folder.iterdir():
                if old.name not in {*named, "manifest.json"}:
                    _delete(old)

    @classmethod
    def open(
        cls,
        folder: Path,
        embedder: str,
        revision: str | None = None,
        known: LocalIndex | None = None,
    ) -> LocalIndex:
        """The index that ``save`` wrote; segments that ``known`` has of it are not opened again.

        Raises IndexMissing if there is none, and IndexMismatch if it was made by another
        embedder or format, or from passages other than ``revision`` (None: any).
        """
        manifest = read_manifest(folder)
        check_manifest(folder, manifest, embedder, revision)
        try:
            made = cls(manifest["dim"])
            old = {s.entry.get("name"): s for s in known._segments} if known else {}
            for entry in manifest["segments"]:
                segment = Segment.open(folder, entry, old.get(entry["name"]))
                if segment.vectors.shape != (len(segment.rows), made.dim):
                    raise ValueError(f"{segment.vectors.shape} vectors")
                made._segments.append(segment)
        except _UNREADABLE as error:
            if read_manifest(folder) != manifest:  # written again while it was being read
                return cls.open(folder, embedder, revision, known)
            raise IndexMismatch(folder, "readable files", "files that cannot be read") from error
        if len(made) != manifest["count"]:
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
        with self._lock:  # or who looked first could put an older index in a newer one's place
            try:
                status = (self._folder / "manifest.json").stat()
            except OSError:
                raise IndexMissing(self._folder) from None
            written = (status.st_mtime_ns, status.st_ino)
            if written != self._written:
                self._index = LocalIndex.open(self._folder, self._embedder, known=self._index)
                self._written = written
            return self._index


def _without(segment: Segment, rows: np.ndarray) -> Segment:
    """A segment without some rows: made anew where it is small, or much of it is deleted."""
    gone = segment.positions(rows)
    if not len(gone):
        return segment
    left = segment.without(gone)
    if len(left) and (
        len(left) < APPROXIMATE_FROM or len(left.dead) * MAX_DELETED_ONE_IN > len(left.rows)
    ):
        return Segment.merged([left])
    return left


def _settled(segments: Sequence[Segment]) -> list[Segment]:
    """Segments, with the last ones merged until each is much larger than the next.

    So there are few of them, and a passage is written again only when the index has grown by
    a share of its size.
    """
    left = list(segments)
    while len(left) > 1:
        before, last = len(left[-2]), len(left[-1])
        if before > MERGE_RATIO * last and before + last > SMALL_SEGMENT:
            break
        left[-2:] = [Segment.merged(left[-2:])]
    return left


def read_manifest(folder: Path) -> dict:
    """The manifest of an index folder; IndexMissing, or IndexMismatch if it is not one."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        needed = {"format", "embedder", "dim", "count", "corpus_revision"}
        if needed <= manifest.keys():
            return manifest
    except FileNotFoundError:
        raise IndexMissing(folder) from None
    except (OSError, ValueError, AttributeError):
        pass
    raise IndexMismatch(folder, f"format {INDEX_FORMAT}", "a manifest that cannot be read")


def check_manifest(
    folder: Path, manifest: Mapping, embedder: str, revision: str | None = None
) -> None:
    """Raise IndexMismatch if the index was made by another embedder or format, or revision."""
    expected = {"format": INDEX_FORMAT, "embedder": embedder, "corpus_revision": revision}
    for name, value in expected.items():
        if value is not None and manifest[name] != value:
            label = name.replace("_", " ")
            raise IndexMismatch(folder, f"{label} {value}", f"{label} {manifest[name]}")


def _delete(path: Path) -> None:
    """Delete a file or a folder; who has its files open or mapped goes on reading them."""
    with contextlib.suppress(OSError):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
