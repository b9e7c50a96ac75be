"""One job at work: documents are read, the index follows, and each step is written down."""

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

from corpus.errors import TenkyoError
from corpus.protocols import require_protocol
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
from index.ingestion.report import IngestProgress, Item, Progress
from index.ingestion.sync import check_index
from index.ingestion.work_linking import update_index
from index.types import Floats
from service.ingestion.job_store import Job, JobStatus, JobStore

# Texts, until it is asked again whether to go on. More would be hardly quicker: a shared embedder
# runs about two of them at a time, however many there are, since a claim may come meanwhile.
TEXTS_AT_ONCE = 4


class WorkStopped(Exception):
    """The work was told to stop."""


class PreemptibleEmbedder(WrappedEmbedder):
    """An Embedder that takes a few texts at a time, and calls ``watch`` in between.

    ``watch`` may raise to put an end to it. What anybody else asks of a shared embedder
    goes before.
    """

    def __init__(self, embedder: Embedder, watch: Callable[[], None]) -> None:
        super().__init__(embedder)
        self._watch = watch

    def embed_passages(self, texts: Sequence[str]) -> Floats:
        made = [np.zeros((0, self.dim), np.float32)]
        for start in range(0, len(texts), TEXTS_AT_ONCE):
            self._watch()
            with TaskContext(Priority.LATER):
                made.append(self._embedder.embed_passages(texts[start : start + TEXTS_AT_ONCE]))
        return np.concatenate(made)


PROGRESS_EVERY_SECONDS = 0.25  # seconds between two words of progress
CANCELLED = "it was cancelled; what it had read by then stays"
MAX_SERVER_WAIT_SECONDS = 5.0  # seconds to wait for a busy server, where nothing is followed

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class IngestionResources:
    """What an ingestion works with; ``network`` is given to each Fetcher, for tests."""

    store: Store
    embedder: Embedder
    index: Path
    uploads: UploadStore
    cache: HttpCache
    network: tuple[tuple[str, Any], ...] = ()

    def __post_init__(self) -> None:
        require_protocol(self.embedder, Embedder)

    def fetcher(self, max_wait: float = MAX_SERVER_WAIT_SECONDS) -> Fetcher:
        return Fetcher(limits=Limits(max_wait=max_wait), cache=self.cache, **dict(self.network))


class JobRun:
    """One job, or, where there is none, the index brought up to the store."""

    def __init__(
        self, means: IngestionResources, table: JobStore, job: Job | None = None, secret: str = ""
    ) -> None:
        self.job, self.over = job, threading.Event()
        self._means, self._table, self._secret = means, table, secret
        self._stop = threading.Event()
        self._cancelled = False
        self._lock = threading.Lock()
        self._task: tuple[asyncio.AbstractEventLoop, asyncio.Task] | None = None

    def stop(self) -> None:
        """Have it end soon, to be begun again another time."""
        with self._lock:
            self._stop.set()
            if self._task:
                loop, task = self._task
                with contextlib.suppress(RuntimeError):  # it has just ended by itself
                    loop.call_soon_threadsafe(task.cancel)

    def cancel(self) -> None:
        """Have it end soon, for good."""
        self._cancelled = True
        self.stop()

    def work(self) -> tuple[JobStatus, str]:
        """Do it; how it ended, and why so. Stopped where it is to be begun again."""
        if self.job is None:
            self._sync(IngestProgress(self._watch))
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
            return "failed", "it could not be finished: the log has the reason"

    def _ingest(self, job: Job) -> tuple[JobStatus, str]:
        means, told = self._means, _StoredProgress(self._table, job.id, self._watch)
        check_index(means.index, means.embedder.name)
        replaced = {job.asked.get("replaces", ""), self._replaced(job)}
        refused = [file for file in job.asked.get("files", ()) if "reason" in file]
        told.add_expected(len(refused))
        for file in refused:
            told.add(Item(file["name"], "failed", reason=file["reason"]))
        with Ingestion(means.store, told, reread="follow" in job.asked) as ingestion:
            for item in self._await(self._read(ingestion, job)):
                told.note(item)  # such as a link that may not be followed
        self._sync(told)
        told.last()
        for url in replaced:
            delete_unused_upload(means.store, means.uploads, url)
        items = self._table.items(job.id)
        if items and all(item["outcome"] == "failed" for item in items):
            return "failed", "nothing could be read: the items say why"
        return "done", ""

    async def _read(self, ingestion: Ingestion, job: Job) -> list[Item]:
        asked = job.asked
        if job.kind == "documents":
            source_id = asked.get("source_id", "")
            return await ingestion.uploads(job.files, self._means.uploads, self._secret, source_id)
        followed = "follow" in asked
        async with self._means.fetcher(
            MAX_WAIT if followed else MAX_SERVER_WAIT_SECONDS
        ) as fetcher:
            items = await ingestion.places(asked["urls"], fetcher)
            if followed:
                bounds = {"depth": asked["depth"], "limit": asked["limit"]}
                items += await follow_links(ingestion, items, Crawler(fetcher), **bounds)
            return items

    def _await(self, main: Coroutine[Any, Any, list[Item]]) -> list[Item]:
        """Its result, from a loop of this thread's own, which ``stop`` reaches."""

        async def reachable() -> list[Item]:
            with self._lock:
                self._task = (asyncio.get_running_loop(), asyncio.current_task())
            self._watch()
            return await main

        try:
            return asyncio.run(reachable())
        finally:
            main.close()
            with self._lock:
                self._task = None

    def _sync(self, tally: IngestProgress) -> None:
        means = self._means
        update_index(
            means.store, PreemptibleEmbedder(means.embedder, self._watch), means.index, tally
        )

    def _watch(self, _progress: Progress | None = None) -> None:
        if self._stop.is_set():
            raise WorkStopped

    def _replaced(self, job: Job) -> str:
        """The address at which the source was until now that a job is to give a new text."""
        with contextlib.suppress(TenkyoError):
            return self._means.store.source(job.asked.get("source_id", "")).url
        return ""


class _StoredProgress(IngestProgress):
    """A tally whose every word is written into the table of jobs.

    A job that is begun again comes upon documents that it had read: what was said of them
    stays, and is not said twice.
    """

    def __init__(self, table: JobStore, job_id: str, watch: Callable[[Progress], None]) -> None:
        super().__init__(self._hear)
        self._table, self._job_id, self._watch = table, job_id, watch
        self._before = table.items(job_id)
        self._noted: set[int] = set()
        self._kept: list[Item] = []  # alive, so that no other can have the id of one of them
        self._written, self._step = 0.0, ""

    def add(self, item: Item) -> None:
        self.note(item)
        super().add(item)

    def note(self, item: Item) -> None:
        """Write an item down, unless it is already."""
        if id(item) in self._noted:
            return
        self._noted.add(id(item))
        self._kept.append(item)
        earlier = next((old for old in self._before if old["place"] == item.place), None)
        if earlier is not None:
            self._before.remove(earlier)
            if item.outcome == "unchanged" and earlier["outcome"] != "failed":
                return
        self._table.add_item(self._job_id, item, earlier)

    def last(self) -> None:
        """Write down how far it is, at the end."""
        self._table.store_progress(self._job_id, self.progress)

    def _hear(self, progress: Progress) -> None:
        if progress.step != "reading":
            self._watch(progress)
        if (
            progress.step != self._step
            or time.monotonic() - self._written >= PROGRESS_EVERY_SECONDS
        ):
            self._table.store_progress(self._job_id, progress)
            self._written, self._step = time.monotonic(), progress.step
