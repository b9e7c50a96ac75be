"""The index brought up to what the store holds: what is new is embedded, what is gone dropped."""

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
from index.storage.manifest import check_manifest, read_manifest
from index.storage.segment import text_key
from index.types import Floats

EMBED_BATCH = 256  # passages handed to the embedder at once, which sorts them by length
CHECKPOINT_PASSAGES = 4096  # passages embedded between two writes of the index
LOCK_RETRY_SECONDS = 0.3  # seconds to wait for another process, between two words of it
INCOMPLETE_MARK = "incomplete"  # the corpus revision of an index that is still being filled


def sync(
    store: Store, embedder: Embedder, folder: Path, tally: IngestProgress, *, rebuild: bool = False
) -> int:
    """Bring the index in ``folder`` up to the store; returns how many passages it embedded.

    Only passages that say something new are embedded: where a document was changed, those
    that read as they did keep their vectors. An index by another embedder or format, or one
    that cannot be read, raises IndexMismatch, unless ``rebuild`` starts it anew. One process
    at a time does this to a folder; another waits for it.
    """
    with _alone(folder, tally):
        revision = store.revision()  # before the rows: a change in between leaves a mismatch to see
        wanted = np.array(store.rows(), np.int64)
        # Who reads a complete index goes on with it until another one takes its place.
        kept = rebuild and _is_complete(folder, embedder)
        index = None if rebuild else open_any(folder, embedder)
        if index is None:
            index = LocalIndex(embedder.dim)
        elif read_manifest(folder)["corpus_revision"] == revision:
            return 0
        new = np.setdiff1d(wanted, index.rows())
        if len(new):
            # PostgreSQL numbers rows before they are committed, so a lower one may turn up later;
            # those above it are taken out, and added again in their order.
            new = wanted[wanted >= new[0]]
        gone = np.setdiff1d(index.rows(), np.setdiff1d(wanted, new))
        known = index.vectors(gone)
        index.remove(gone)
        embedded = 0
        for start in range(0, len(new), CHECKPOINT_PASSAGES):
            rows, done = new[start : start + CHECKPOINT_PASSAGES], (start, len(new))
            embedded += _embed(store, embedder, index, known, rows, done, tally)
            if start + CHECKPOINT_PASSAGES < len(new) and not kept:
                index.save(folder, embedder.name, INCOMPLETE_MARK)
        index.save(folder, embedder.name, revision)
        return embedded


def create_index(embedder: Embedder, folder: Path) -> None:
    """Make an empty index where there is none, for ``sync`` to fill.

    Where there is one, nobody is waited for: whoever fills it has the lock until all is embedded.
    """
    if _is_there(folder):
        return
    with _alone(folder, IngestProgress()):
        if not _is_there(folder):
            LocalIndex(embedder.dim).save(folder, embedder.name, INCOMPLETE_MARK)


def _is_there(folder: Path) -> bool:
    try:
        read_manifest(folder)  # replaced in one step, so it needs no lock
    except IndexMissing:
        return False
    return True


@contextmanager
def _alone(folder: Path, tally: IngestProgress) -> Iterator[None]:
    """Hold the lock beside ``folder``, which ends with the process that holds it."""
    path = folder.with_name(f"{folder.name}.lock")
    lock = FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        while not lock.is_locked:
            try:
                lock.acquire(timeout=LOCK_RETRY_SECONDS)
            except Timeout:
                tally.set_waiting()  # said again and again, so that who listens can put an end to it
    except OSError as error:
        raise StoreError(
            f"cannot lock the index by {path} ({error.strerror}): check that its folder can be"
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
    tally: IngestProgress,
) -> int:
    """Add some rows, and embed what is not ``known``, by its text; returns how many that were.

    ``done`` is (added so far, to add in all).
    """
    found, texts, vectors = [], [], []
    embedded = 0
    so_far, total = done
    for start in range(0, len(rows), EMBED_BATCH):
        tally.set_indexed(so_far + start, total)
        batch = store.passages(rows[start : start + EMBED_BATCH].tolist())
        batch = dict(sorted(batch.items()))
        new = [with_headings(passage.text, passage, source) for passage, source in batch.values()]
        unknown = [text for text in new if text_key(text) not in known]
        made = iter(embedder.embed_passages(unknown))
        found += batch
        texts += new
        vectors += [next(made) if key not in known else known[key] for key in map(text_key, new)]
        embedded += len(unknown)
    index.add(found, np.array(vectors, np.float32).reshape(-1, index.dim), texts)
    tally.set_indexed(so_far + len(rows), total)
    return embedded


def open_any(folder: Path, embedder: Embedder) -> LocalIndex | None:
    """Open the index in a folder; None where there is none yet."""
    try:
        return LocalIndex.open(folder, embedder.name)
    except IndexMissing:
        return None


def _is_complete(folder: Path, embedder: Embedder) -> bool:
    try:
        manifest = read_manifest(folder)
        check_manifest(folder, manifest, embedder.name)
    except (IndexMissing, IndexMismatch):
        return False
    return manifest["corpus_revision"] != INCOMPLETE_MARK


def check_index(folder: Path, embedder: str) -> None:
    """Raise IndexMismatch if ``sync`` would; cheap, so that no work is done in vain."""
    try:
        check_manifest(folder, read_manifest(folder), embedder)
    except IndexMissing:
        return
