"""The search index in a folder: segments of vectors and postings, searched together.

The folder is a cache of the database. ``manifest.json`` names its files and what they were made
from. It is replaced in one step, after the files it names are complete, so a process killed at any
moment leaves the last complete index. Saving writes only what is new: segments that were not there
yet, and which passages of the others are deleted.

As in Lucene, segments never change. An addition writes a segment of its own, and the last ones are
merged until each is much larger than the next, so a passage is rewritten only when the index has
grown by a share of its size. Term frequencies count over all segments, less what is deleted, so
BM25 is the same however an index came about.

A large segment is rewritten only when an eighth of it is deleted. Until then its files still hold
the vectors and the hashed terms of deleted passages, though not their text.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from corpus.errors import IndexMismatch, IndexMissing, StoreError
from corpus.files.files import fsync_folder
from index.cosine_scale import UNSCALED, CosineScale
from index.lexical.postings import LexicalQuery, Statistics
from index.lexical.tokenizer import is_japanese
from index.search import Ranked
from index.storage.files import write
from index.storage.hybrid_search import (
    SegmentSelection,
    hybrid_ranking,
    lexical_candidates,
    segment_scorers,
    vector_candidates,
)
from index.storage.manifest import INDEX_FORMAT, check_dimension, check_manifest, read_manifest
from index.storage.merging import merged_tail, without_rows
from index.storage.segment import Segment
from index.types import Floats

CANDIDATE_POOL = 100  # candidates that BM25 and vectors each put forward, in each language
# What json, numpy and faiss raise for files that are cut short, damaged or something else.
_UNREADABLE = (OSError, RuntimeError, ValueError, TypeError, KeyError, AttributeError, EOFError)

Rows = Sequence[int] | npt.NDArray[np.int64]


class LocalIndex:
    """A hybrid index of passages, by their database rows: BM25 and vectors, fused.

    Passages in Japanese and others lie in segments of their own, since a search takes candidates
    from each. The segments of each follow one another in the order of their rows.
    """

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self._segments: list[Segment] = []
        self._statistics: Statistics | None = None

    def __len__(self) -> int:
        return sum(map(len, self._segments))

    @property
    def recall(self) -> float:
        """The share of the ten nearest vectors that a search finds, from 0 to 1.

        It was measured when the worst segment was built; 1 where searches compare all vectors.
        """
        return min((s.ann.recall for s in self._segments if s.ann), default=1.0)

    def rows(self) -> np.ndarray:
        """Return the database rows of all passages in the index, ascending."""
        return np.sort(
            np.concatenate([np.zeros(0, np.int64), *(s.live_rows for s in self._segments)])
        )

    def add(self, rows: Rows, vectors: Floats, texts: Sequence[str]) -> None:
        """Add passages: their rows [n], embeddings [n, dim] and texts [n].

        Raises:
            ValueError: The rows do not ascend from those in the index on, or the counts differ.
        """
        new = np.asarray(rows, np.int64)
        if len(new) == 0:
            return
        if vectors.shape != (len(new), self.dim) or len(texts) != len(new):
            raise ValueError(f"{len(new)} rows, {vectors.shape} vectors, {len(texts)} texts")
        last = [segment.live_rows[-1:] for segment in self._segments]
        if np.any(np.diff(new) <= 0) or any(row >= new[0] for row in np.concatenate([[], *last])):
            raise ValueError("rows must be added in ascending order")
        is_in_japanese = np.array([is_japanese(text) for text in texts])
        for japanese in (False, True):
            at = np.flatnonzero(is_in_japanese == japanese)
            if len(at):
                own = [texts[i] for i in at.tolist()]
                made = Segment.of(japanese, new[at], vectors[at], own)
                self._replace(japanese, merged_tail([*self._of(japanese), made]))

    def remove(self, rows: Rows) -> None:
        """Remove passages by their rows; rows that are not in the index are ignored."""
        removed = np.unique(np.asarray(rows, np.int64))
        for japanese in (False, True):
            left = [without_rows(segment, removed) for segment in self._of(japanese)]
            self._replace(japanese, merged_tail([segment for segment in left if len(segment)]))

    def vectors(self, rows: Rows) -> dict[bytes, Floats]:
        """Return the stored embeddings of passages, by the ``text_key`` hash of their text."""
        return {
            key.tobytes(): vector
            for segment, at in self._located(rows)
            for key, vector in zip(segment.keys[at], segment.read(at), strict=True)
        }

    def matrix(self, rows: Rows) -> Floats:
        """Return the embeddings [n, dim] of some rows, in their order; unknown rows are skipped."""
        given, order = np.unique(np.asarray(rows, np.int64), return_inverse=True)
        found = np.zeros((len(given), self.dim), np.float32)
        here = np.zeros(len(given), bool)
        for segment, at in self._located(given):
            into = np.searchsorted(given, segment.rows[at])
            found[into], here[into] = segment.read(at), True
        return found[order[here[order]]]

    def nearest(self, vectors: Floats, within: Rows) -> list[int]:
        """Find, for each query vector of [n, dim], the nearest of some rows, if any is indexed."""
        searched = self._searched(within)
        queries = np.asarray(vectors, np.float32)
        found = [vector_candidates(searched, query, 1).rows(searched) for query in queries]
        return [row for rows in found for row in rows.tolist()]

    def dense(self, vector: Floats, k: int, within: Rows | None = None) -> list[int]:
        """Search by vectors alone: the ``k`` rows nearest to a vector [dim], nearest first."""
        searched = self._searched(within)
        found: list[int] = vector_candidates(searched, vector, k).rows(searched).tolist()
        return found

    def lexical(self, text: str, k: int, within: Rows | None = None) -> list[int]:
        """Search by BM25 alone: the ``k`` rows with the highest scores above 0, best first."""
        searched = self._searched(within)
        scorers = segment_scorers(searched, self._query(text))
        found: list[int] = lexical_candidates(searched, scorers, k).rows(searched).tolist()
        return found

    def search(
        self,
        vector: Floats,
        text: str,
        k: int,
        within: Sequence[int] | None = None,
        scale: CosineScale = UNSCALED,
    ) -> list[Ranked]:
        """Find the best ``k`` rows by BM25 and vectors together; see ``SearchIndex.search``.

        Args:
            vector: The embedding [dim] of the question.
            text: The question.
            k: How many rows to return at most.
            within: The rows to search among; None for all.
            scale: The scale of the embedder's cosines.

        Returns:
            The rows with their scores, best first.
        """
        if not len(self):
            return []
        vector = np.ascontiguousarray(vector, np.float32)
        searched, query = self._searched(within), self._query(text)
        pool = max(k, CANDIDATE_POOL)
        return hybrid_ranking(searched, vector, query, is_japanese(text), k, pool, scale)

    def _query(self, text: str) -> LexicalQuery:
        if self._statistics is None:
            self._statistics = Statistics.of(
                (s.postings, s.deleted_term_counts) for s in self._segments
            )
        return LexicalQuery.of(text, self._statistics)

    def _located(self, rows: Rows) -> list[tuple[Segment, np.ndarray]]:
        """The segments that some rows are in, with their positions there, ascending."""
        wanted = np.unique(np.asarray(rows, np.int64))
        found = [(segment, segment.positions(wanted)) for segment in self._segments]
        return [(segment, at) for segment, at in found if len(at)]

    def _searched(self, rows: Rows | None) -> Sequence[SegmentSelection]:
        """What to search to find some rows; None: all rows."""
        if rows is None:
            return [(segment, None) for segment in self._segments]
        return self._located(rows)

    def _of(self, japanese: bool) -> list[Segment]:
        return [segment for segment in self._segments if segment.japanese == japanese]

    def _replace(self, japanese: bool, segments: Iterable[Segment]) -> None:
        self._segments = [*self._of(not japanese), *segments]
        self._statistics = None

    # The folder

    def save(self, folder: Path, embedder: str, revision: str) -> None:
        """Write the index to a folder, where it replaces an earlier one in one step.

        Args:
            folder: The index folder, which is made where there is none.
            embedder: The name of the embedder that made the vectors.
            revision: The revision of the store that the index was made from.

        Raises:
            StoreError: The folder cannot be written; the index in it is as it was.
        """
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
            fsync_folder(folder)  # the files are on the disk before the manifest that names them
            os.replace(partial, folder / "manifest.json")
            fsync_folder(folder)  # and the manifest before the files it no longer names are deleted
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
        with contextlib.suppress(OSError):  # the next save tries again to delete what is left over
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
        """Open the index in a folder, if it was made by the embedder and store revision expected.

        Args:
            folder: The index folder.
            embedder: The name of the embedder that the index must have been made by.
            revision: The revision of the store that it must have been made from; None for any.
            known: An index of the same folder, whose segments need not be opened again.

        Raises:
            IndexMissing: There is no index.
            IndexMismatch: It was made by another embedder, format or revision, or is damaged.
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
    """A read-only view of the index in a folder that reopens it when it was written again.

    A search runs to its end on the index that was there when it began.

    Args:
        folder: The folder.
        embedder: The name of the embedder that the index must have been made by.
        scale: The scale of that embedder's cosines.
    """

    def __init__(self, folder: Path, embedder: str, scale: CosineScale = UNSCALED) -> None:
        self._folder, self._embedder, self._scale = folder, embedder, scale
        self._lock = threading.Lock()
        self._opened: tuple[int, int] | None = None  # the manifest's time and inode
        self._index = LocalIndex(0)

    def __len__(self) -> int:
        return len(self._current())

    def search(
        self, vector: Floats, text: str, k: int, within: Sequence[int] | None = None
    ) -> list[Ranked]:
        """Search the newest index; raises IndexMismatch if the vector has another dimension."""
        index = self._current()
        check_dimension(self._folder, index.dim, len(vector))
        return index.search(vector, text, k, within, self._scale)

    def _current(self) -> LocalIndex:
        with self._lock:  # without it, a slower thread could put back an older index
            try:
                status = (self._folder / "manifest.json").stat()
            except OSError:
                raise IndexMissing(self._folder) from None
            written = (status.st_mtime_ns, status.st_ino)
            if written != self._opened:
                self._index = LocalIndex.open(self._folder, self._embedder, known=self._index)
                self._opened = written
            return self._index


def _delete(path: Path) -> None:
    """Delete a file or a folder; a process that has its files open can go on reading them."""
    with contextlib.suppress(OSError):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
