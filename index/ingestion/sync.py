"""Synchronisation of the index with the store: new passages are embedded, deleted ones dropped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from corpus.errors import IndexMismatch, IndexMissing, StoreError
from corpus.store.store import Store
from corpus.text.chunking import with_headings
from index.inference.embedder import Embedder
from index.ingestion.report import IngestProgress
from index.storage.local_index import LocalIndex
from index.storage.manifest import check_dimension, check_manifest, read_manifest
from index.storage.segment import text_key
from index.types import Floats

EMBED_BATCH = 256  # passages handed to the embedder at once, which sorts them by length
CHECKPOINT_PASSAGES = 4096  # passages embedded between two writes of the index
LOCK_RETRY_SECONDS = 0.3  # between two reports that another process is waited for
INCOMPLETE_MARK = "incomplete"  # the corpus revision of an index that is still being filled


def sync(
    store: Store,
    embedder: Embedder,
    folder: Path,
    progress: IngestProgress,
    *,
    rebuild: bool = False,
) -> int:
    """Update an index to match the store: embed new passages, drop deleted ones; idempotent.

    Only passages whose text is new are embedded: where a document changed, those that read as
    before keep their vectors. One process at a time does this to a folder; others wait for it.

    Args:
        store: The store.
        embedder: The embedder; the index records its name.
        folder: The index folder.
        progress: Is told how many passages are done.
        rebuild: Make the index from scratch. A complete index, be it of another embedder, stays
            readable until the new one takes its place.

    Returns:
        How many passages were embedded.

    Raises:
        IndexMismatch: The index is damaged, or of another embedder, dimension or format; never
            with ``rebuild``.
        StoreError: The folder cannot be written.
    """
    with _locked(folder, progress):
        # The revision is taken before the rows, so that a change in between shows as a mismatch.
        revision = store.revision()
        wanted = np.array(store.rows(), np.int64)
        keep_old = rebuild and _is_complete(folder)
        index = None if rebuild else open_any(folder, embedder)
        if index is None:
            index = LocalIndex(embedder.dim)
        elif read_manifest(folder)["corpus_revision"] == revision:
            return 0
        new = np.setdiff1d(wanted, index.rows())
        if len(new):
            check_dimension(folder, index.dim, embedder.dim)
            # PostgreSQL numbers rows before they are committed, so a lower one may turn up later;
            # those above it are taken out, and added again in their order.
            new = wanted[wanted >= new[0]]
        gone = np.setdiff1d(index.rows(), np.setdiff1d(wanted, new))
        known = index.vectors(gone)
        index.remove(gone)
        embedded = 0
        for start in range(0, len(new), CHECKPOINT_PASSAGES):
            rows, done = new[start : start + CHECKPOINT_PASSAGES], (start, len(new))
            embedded += _embed(store, embedder, index, known, rows, done, progress)
            if start + CHECKPOINT_PASSAGES < len(new) and not keep_old:
                index.save(folder, embedder.name, INCOMPLETE_MARK)
        index.save(folder, embedder.name, revision)
        return embedded


def create_index(embedder: Embedder, folder: Path) -> None:
    """Create an empty index where there is none, for ``sync`` to fill.

    Where there is one, this does not wait for a process that is filling it.
    """
    if _exists(folder):
        return
    with _locked(folder, IngestProgress()):
        if not _exists(folder):
            LocalIndex(embedder.dim).save(folder, embedder.name, INCOMPLETE_MARK)


def _exists(folder: Path) -> bool:
    try:
        read_manifest(folder)  # replaced in one step, so it needs no lock
    except IndexMissing:
        return False
    return True


@contextmanager
def _locked(folder: Path, progress: IngestProgress) -> Iterator[None]:
    """Hold the lock of an index folder, which the system releases when the process ends."""
    path = folder.with_name(f"{folder.name}.lock")
    lock = FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        while not lock.is_locked:
            try:
                lock.acquire(timeout=LOCK_RETRY_SECONDS)
            except Timeout:
                progress.set_waiting()  # each time, so that the callback can raise to stop the wait
    except OSError as error:
        raise StoreError(
            f"cannot lock the index with {path} ({error.strerror}): check that its folder can be"
            " written; the documents are safe, and `tenkyo reindex` writes the index again"
        ) from error
    try:
        yield
    finally:
        lock.release()


def _embed(
    store: Store,
    embedder: Embedder,
    index: LocalIndex,
    known: dict[bytes, Floats],
    rows: np.ndarray,
    done: tuple[int, int],
    progress: IngestProgress,
) -> int:
    """Add some rows to the index, and embed those whose text is not ``known`` by its key.

    ``done`` is (rows added so far, rows to add in all). Returns how many were embedded.
    """
    added: list[int] = []
    texts: list[str] = []
    vectors: list[Floats] = []
    embedded = 0
    so_far, total = done
    for start in range(0, len(rows), EMBED_BATCH):
        progress.set_indexed(so_far + start, total)
        batch = store.passages(rows[start : start + EMBED_BATCH].tolist())
        batch = dict(sorted(batch.items()))
        new = [with_headings(passage.text, passage, source) for passage, source in batch.values()]
        unknown = [text for text in new if text_key(text) not in known]
        made = iter(embedder.embed_passages(unknown))
        added += batch
        texts += new
        vectors += [next(made) if key not in known else known[key] for key in map(text_key, new)]
        embedded += len(unknown)
    index.add(added, np.array(vectors, np.float32).reshape(-1, index.dim), texts)
    progress.set_indexed(so_far + len(rows), total)
    return embedded


def open_any(folder: Path, embedder: Embedder) -> LocalIndex | None:
    """Open the index in a folder, of any store revision; None where there is no index yet."""
    try:
        return LocalIndex.open(folder, embedder.name)
    except IndexMissing:
        return None


def _is_complete(folder: Path) -> bool:
    """Whether there is an index that a service of this version, with its embedder, can search."""
    try:
        manifest = read_manifest(folder)
        check_manifest(folder, manifest, manifest["embedder"])
    except (IndexMissing, IndexMismatch):
        return False
    return bool(manifest["corpus_revision"] != INCOMPLETE_MARK)


def check_index(folder: Path, embedder: str) -> None:
    """Raise IndexMismatch if an index is of another embedder or format than ``sync`` needs.

    It is called before documents are read, which would then be in vain.

    Args:
        folder: The index folder; it may be missing.
        embedder: The name of the embedder.
    """
    try:
        check_manifest(folder, read_manifest(folder), embedder)
    except IndexMissing:
        return
