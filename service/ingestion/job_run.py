"""One run of an ingestion job: read its documents, update the index, and store each step."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from corpus.errors import NotFound, TenkyoError
from corpus.protocols import require_protocol
from corpus.store.originals import OriginalStore
from corpus.store.store import Store
from corpus.store.uploads import UploadStore
from corpus.web.crawler import MAX_WAIT, Crawler
from corpus.web.fetcher import Fetcher, Limits
from corpus.web.http_cache import HttpCache
from index.inference.batch_scheduler import Priority, TaskContext
from index.inference.embedder import Embedder, WrappedEmbedder
from index.ingestion.ingest import Ingestion
from index.ingestion.link_following import follow_links
from index.ingestion.removal import delete_unused_upload
from index.ingestion.report import IN_LIBRARY, IngestProgress, Item, Progress
from index.ingestion.sync import check_index
from index.ingestion.work_linking import update_index
from index.types import Floats
from service.ingestion.job_store import Job, JobStatus, JobStore
from service.ingestion.pipeline import MAX_SERVER_WAIT_SECONDS

# Texts embedded between two checks for cancellation. More would hardly be faster: a shared embedder
# runs about two of them at a time anyway, so that claims need not wait.
TEXTS_AT_ONCE = 4
PROGRESS_EVERY_SECONDS = 0.25  # between two stored progress reports
CANCELLED = "it was cancelled; what it had read by then stays"

_log = logging.getLogger(__name__)


class WorkStopped(Exception):
    """Raised when a job run has stopped because it was asked to."""


class PreemptibleEmbedder(WrappedEmbedder):
    """An embedder for background work: in small batches, at the lowest priority, cancellable.

    Args:
        embedder: The embedder that does the work, which answers may share.
        check: Called before each batch; raises to stop.
    """

    def __init__(self, embedder: Embedder, check: Callable[[], None]) -> None:
        super().__init__(embedder)
        self._check = check

    def embed_passages(self, texts: Sequence[str]) -> Floats:
        """Embed texts in small batches, checking for cancellation before each; [n, dim]."""
        made = [np.zeros((0, self.dim), np.float32)]
        for start in range(0, len(texts), TEXTS_AT_ONCE):
            self._check()
            with TaskContext(Priority.LATER):
                made.append(self._embedder.embed_passages(texts[start : start + TEXTS_AT_ONCE]))
        return np.concatenate(made)


@dataclass(frozen=True, slots=True)
class IngestionResources:
    """The parts that ingestion jobs need.

    Attributes:
        store: The store of documents.
        embedder: The embedder, which answers may share.
        index: The index folder.
        uploads: The uploaded files.
        cache: The HTTP cache.
        network: Further arguments of each Fetcher, for tests.
        originals: The PDFs that were fetched; None keeps none.
    """

    store: Store
    embedder: Embedder
    index: Path
    uploads: UploadStore
    cache: HttpCache
    network: tuple[tuple[str, Any], ...] = ()
    originals: OriginalStore | None = None

    def __post_init__(self) -> None:
        require_protocol(self.embedder, Embedder)

    def fetcher(self, max_wait: float = MAX_SERVER_WAIT_SECONDS) -> Fetcher:
        """Make a Fetcher that waits up to ``max_wait`` seconds for a busy server."""
        return Fetcher(limits=Limits(max_wait=max_wait), cache=self.cache, **dict(self.network))


class JobRun:
    """One run of an ingestion job; without a job, it only updates the index.

    Attributes:
        job: The job.
        finished: Set by the worker when the run has ended and its job is stored as ended.
    """

    def __init__(
        self,
        resources: IngestionResources,
        job_store: JobStore,
        job: Job | None = None,
    ) -> None:
        self.job, self.finished = job, threading.Event()
        self._resources, self._job_store = resources, job_store
        self._stop = threading.Event()
        self._cancelled = False
        self._lock = threading.Lock()
        self._task: tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]] | None = None

    def stop(self) -> None:
        """Ask the run to stop soon; the job is to be run again later."""
        with self._lock:
            self._stop.set()
            if self._task:
                loop, task = self._task
                with contextlib.suppress(RuntimeError):  # the loop has just ended by itself
                    loop.call_soon_threadsafe(task.cancel)

    def cancel(self) -> None:
        """Ask the run to stop soon; the job then ends as interrupted."""
        self._cancelled = True
        self.stop()

    def work(self) -> tuple[JobStatus, str]:
        """Run the ingestion job in this thread, and return how it ended.

        Returns:
            The status that it ended with, and the reason.

        Raises:
            WorkStopped: It was stopped, and is to be run again.
        """
        if self.job is None:
            self._sync(IngestProgress(self._check))
            return "done", ""
        try:
            return self._ingest(self.job)
        except (WorkStopped, asyncio.CancelledError):
            if not self._cancelled:
                raise WorkStopped from None
            return "interrupted", CANCELLED
        except TenkyoError as error:
            _log.warning("the job %s failed: %s", self.job.id, error)
            return "failed", error.public
        except Exception:
            _log.exception("the job %s failed", self.job.id)
            return "failed", "it could not be finished: the log of the server has the reason"

    def _ingest(self, job: Job) -> tuple[JobStatus, str]:
        resources = self._resources
        progress = _StoredProgress(self._job_store, job.id, self._check)
        check_index(resources.index, resources.embedder.name)
        replaced = {job.asked.get("replaces", ""), self._replaced(job)}
        refused = [file for file in job.asked.get("files", ()) if "reason" in file]
        progress.add_expected(len(refused))
        for file in refused:
            problem = file.get("problem", "")
            progress.add(Item(file["name"], "failed", reason=file["reason"], problem=problem))
        try:
            with Ingestion(
                resources.store,
                progress,
                reread="follow" in job.asked,
                originals=resources.originals,
            ) as ingestion:
                for item in self._await(self._read(ingestion, job)):
                    progress.store_item(item)  # such as a link that may not be followed
        finally:  # of a job that is cancelled, what it had read stays
            self._fill_collection(job)
        self._sync(progress)
        progress.store_last()
        for url in replaced:
            delete_unused_upload(resources.store, resources.uploads, url)
        items = self._job_store.items(job.id)
        if items and all(item["outcome"] == "failed" for item in items):
            return "failed", "no document could be read: each item has its reason"
        return "done", ""

    def _fill_collection(self, job: Job) -> None:
        """Put what a job has read into its collection, if that is still there."""
        if collection_id := job.asked.get("collection_id"):
            items = self._job_store.items(job.id)
            read = [item["source_id"] for item in items if item["outcome"] in IN_LIBRARY]
            with contextlib.suppress(NotFound):
                self._resources.store.collections.add(collection_id, read, skip_unknown=True)

    async def _read(self, ingestion: Ingestion, job: Job) -> list[Item]:
        asked = job.asked
        if job.kind == "documents":
            source_id = asked.get("source_id", "")
            uploads = self._resources.uploads
            return await ingestion.uploads(job.files, uploads, source_id)
        followed = "follow" in asked
        async with self._resources.fetcher(
            MAX_WAIT if followed else MAX_SERVER_WAIT_SECONDS
        ) as fetcher:
            items = await ingestion.places(asked["urls"], fetcher)
            if followed:
                bounds = {"depth": asked["depth"], "limit": asked["limit"]}
                items += await follow_links(ingestion, items, Crawler(fetcher), **bounds)
            return items

    def _await(self, main: Coroutine[Any, Any, list[Item]]) -> list[Item]:
        """Run a coroutine in an event loop of this thread's own, where ``stop`` can cancel it."""

        async def cancellable() -> list[Item]:
            task = asyncio.current_task()
            assert task is not None  # a coroutine that runs has a task
            with self._lock:
                self._task = (asyncio.get_running_loop(), task)
            self._check()
            return await main

        try:
            return asyncio.run(cancellable())
        finally:
            main.close()
            with self._lock:
                self._task = None

    def _sync(self, progress: IngestProgress) -> None:
        resources = self._resources
        embedder = PreemptibleEmbedder(resources.embedder, self._check)
        update_index(resources.store, embedder, resources.index, progress)

    def _check(self, _progress: Progress | None = None) -> None:
        if self._stop.is_set():
            raise WorkStopped

    def _replaced(self, job: Job) -> str:
        """The address, until now, of the source whose text a job replaces; empty for none."""
        with contextlib.suppress(TenkyoError):
            return self._resources.store.source(job.asked.get("source_id", "")).url
        return ""


class _StoredProgress(IngestProgress):
    """A counter of progress that stores it, and each item, in the table of jobs.

    A job that is run again finds documents that it had read. Their items of the earlier run stay,
    and are not stored twice.
    """

    def __init__(self, job_store: JobStore, job_id: str, check: Callable[[Progress], None]) -> None:
        super().__init__(self._on_change)
        self._job_store, self._job_id, self._check = job_store, job_id, check
        self._earlier = job_store.items(job_id)
        self._stored: dict[int, Item] = {}  # by id(); it keeps them alive, so no id is reused
        self._stored_at, self._step = 0.0, ""

    def add(self, item: Item) -> None:
        self.store_item(item)
        super().add(item)

    def store_item(self, item: Item) -> None:
        """Store an item, unless it is stored already."""
        if id(item) in self._stored:
            return
        self._stored[id(item)] = item
        earlier = next((old for old in self._earlier if old["place"] == item.place), None)
        if earlier is not None:
            self._earlier.remove(earlier)
            if item.outcome == "unchanged" and earlier["outcome"] != "failed":
                return
        self._job_store.add_item(self._job_id, item, earlier)

    def store_last(self) -> None:
        """Store the final progress."""
        self._job_store.store_progress(self._job_id, self.progress)

    def _on_change(self, progress: Progress) -> None:
        if progress.step != "reading":
            self._check(progress)
        due = time.monotonic() - self._stored_at >= PROGRESS_EVERY_SECONDS
        if due or progress.step != self._step:
            self._job_store.store_progress(self._job_id, progress)
            self._stored_at, self._step = time.monotonic(), progress.step
