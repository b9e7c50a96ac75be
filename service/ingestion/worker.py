"""Works off the jobs of the API, one at a time, in a thread beside the server.

    runner = Runner(Means(store, embedder, index_folder, uploads, cache))
    runner.start()
    job = runner.add_uploads(files, refused)
    ...
    runner.close()

A job that is running when the process ends stays so in the database, and the next ``start``
begins it again: what it had read by then is known, and costs little more than a look.

Several processes may serve one library. Each takes jobs on, and one works them off: the one
that has a lock, which goes to another when that process ends. The table tells each what the
others want.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from filelock import FileLock, Timeout

from corpus.errors import IndexMismatch, IndexMissing, JobEnded, TenkyoError
from corpus.store.uploads import Upload, UploadStore
from corpus.types import Source
from index.ingestion.removal import delete_unused_upload, remove_sources
from index.storage.manifest import read_manifest
from service.ingestion.job_run import CANCELLED, IngestionResources, JobRun, WorkStopped
from service.ingestion.job_store import Job, JobKind, JobStore


class UploadRefs:
    """What this process holds for jobs. Safe to share between threads."""

    def __init__(self, uploads: UploadStore, table: JobStore) -> None:
        self._uploads, self._table = uploads, table
        self._lock = threading.Lock()
        self._held: dict[str, list[Upload]] = {}

    def add(self, make: Callable[[], Job]) -> Job:
        """The job that ``make`` adds to the table; its uploads are held already."""
        with self._lock:
            job = make()
            self._held[job.id] = job.files
            return job

    def refresh(self) -> None:
        """Hold what is to be read yet, whoever took it on, and let go of what was read."""
        with self._lock:
            wanted = {job.id: job.files for job in self._table.unfinished()}
            for files in (wanted[job] for job in wanted.keys() - self._held.keys()):
                for file in files:
                    self._uploads.add_ref(file.sha256)
            for files in (self._held[job] for job in self._held.keys() - wanted.keys()):
                for file in files:
                    self._uploads.drop_ref(file.sha256)
            self._held = wanted


CLOSE_SECONDS = 1.5  # to wait for a job to let go when the service ends
NOT_BEGUN = "it was cancelled before it began"
CANCEL_SECONDS = 30.0  # to wait for one that is cancelled
RECOVER_SECONDS = 1.0  # before the next try, where the database or the disk fails
POLL_SECONDS = 0.3  # seconds between two looks at what other processes want

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """A file of an upload that is not kept, by the name as it may be shown, and why."""

    name: str
    reason: str


class IngestionWorker:
    """The jobs of one service, and the thread that works them off. Safe to share.

    ``shared``: there are other processes like this one.
    """

    def __init__(self, means: IngestionResources, shared: bool = False) -> None:
        self.means, self.table = means, JobStore(means.store.database)
        self.shared = shared
        self._holds = UploadRefs(means.uploads, self.table)
        self._word = means.index.with_name("index.behind")  # touched to tell the one at work
        self._heard = 0
        self._turn = threading.Condition()
        self._closing = False
        self.is_at_work = False  # this one, of all that are like it
        self._behind = False  # whether the index may lack what the store holds
        self._running: JobRun | None = None
        self._thread = threading.Thread(target=self._work, name="jobs", daemon=True)

    def start(self) -> None:
        """Go on with what an earlier process left, and wait for more."""
        if not self.shared:  # else another may be receiving one: see serving.serve
            self.means.uploads.delete_partial()
            self._take_over()
        self._thread.start()

    def _take_over(self) -> None:
        self.is_at_work = True
        self.table.requeue_running()
        self._holds.refresh()
        self._look()

    def _look(self) -> None:
        """See whether the index lacks something."""
        with contextlib.suppress(IndexMissing, IndexMismatch):  # a job will say so
            made_of = read_manifest(self.means.index)["corpus_revision"]
            self._behind |= made_of != self.means.store.revision()

    @property
    def closing(self) -> bool:
        """Whether the service is about to end: no stream should wait for more."""
        return self._closing

    def stop(self) -> None:
        """Have the work let go, without waiting for it."""
        with self._turn:
            self._closing = True
            if self._running:
                self._running.stop()
            self._turn.notify_all()

    def close(self) -> None:
        """Have the work let go, and wait a little until it has."""
        self.stop()
        if self._thread.is_alive():
            self._thread.join(CLOSE_SECONDS)

    # What is asked of it

    def add_uploads(
        self,
        files: Sequence[Upload],
        refused: Sequence[RefusedFile],
        password: str = "",
        replaced: Source | None = None,
    ) -> Job:
        """Ingest files that are held; they are let go when the job has ended.

        With ``replaced``, the one file is a new text of that source.
        """
        kept = [{"name": file.name, "sha256": file.sha256} for file in files]
        others = [{"name": each.name, "reason": each.reason} for each in refused]
        which = {"source_id": replaced.id, "replaces": replaced.url} if replaced else {}
        return self._add("documents", {"files": kept + others, **which}, password)

    def add_places(self, urls: Sequence[str], follow: bool, limit: int, depth: int) -> Job:
        """Ingest web addresses, with ``follow`` also the papers that they link to."""
        followed = {"follow": "papers", "limit": limit, "depth": depth} if follow else {}
        return self._add("sources", {"urls": list(urls), **followed})

    def discard_uploads(self, files: Sequence[Upload]) -> None:
        """Delete files that were held until now, but for those that sources are read from."""
        for file in files:
            self.means.uploads.drop_ref(file.sha256)
        self._forget(files)

    def _forget(self, files: Iterable[Upload]) -> None:
        self._holds.refresh()
        for file in files:
            delete_unused_upload(self.means.store, self.means.uploads, file.url)

    def remove(self, source_id: str) -> Source:
        """Take a source out: no search finds it afterwards, and the index follows on its own."""
        self._holds.refresh()
        (source,) = remove_sources(
            self.means.store, self.means.cache, self.means.uploads, [source_id]
        )
        if self.shared:
            self._word.touch()
        with self._turn:
            self._behind = True
            self._turn.notify_all()
        return source

    def cancel(self, job_id: str) -> Job:
        """End a job; what it has read by then stays. JobEnded if there is nothing to end."""
        with self._turn:
            running = self._running
            here = running is not None and running.job is not None and running.job.id == job_id
            if here:
                running.cancel()
            elif self.table.cancel(job_id, NOT_BEGUN, CANCELLED):
                job = self.table.job(job_id)
                self._forget(job.files)
                return job
        if here:
            running.over.wait(CANCEL_SECONDS)
        else:
            self._await_end(job_id)
        job = self.table.job(job_id)
        if job.ended and job.status != "interrupted":
            raise JobEnded(f"the job {job_id!r} has ended: nothing is left to do to it")
        return job

    def _await_end(self, job_id: str) -> None:
        """Wait until another process has ended a job that was cancelled here."""
        until = time.monotonic() + CANCEL_SECONDS
        while self.shared and not self._closing and time.monotonic() < until:
            if self.table.job(job_id).ended:
                return
            time.sleep(POLL_SECONDS)

    def _add(self, kind: JobKind, asked: Mapping[str, Any], secret: str = "") -> Job:
        job = self._holds.add(lambda: self.table.add(kind, asked, secret))
        with self._turn:
            self._turn.notify_all()
        return job

    # The thread

    def _work(self) -> None:
        if not self.shared:
            return self._work_off()
        lock = FileLock(self.means.index.with_name("jobs.lock"), thread_local=False)
        while not lock.is_locked and not self._closing:
            with contextlib.suppress(Timeout):
                lock.acquire(timeout=POLL_SECONDS)
        if not lock.is_locked:
            return
        try:
            watch = threading.Thread(
                target=self._cancel_if_requested, name="cancelled jobs", daemon=True
            )
            watch.start()
            self._surely(self._take_over)
            self._work_off()
        finally:
            lock.release()

    def _work_off(self) -> None:
        while not self._closing:
            try:
                run = self._next()
                if run is None:
                    return
                status, reason = run.work()
                if run.job:
                    self.table.finish(run.job.id, status, reason)
                    self._forget(run.job.files)
                    self._behind = self._behind or status == "interrupted"
            except WorkStopped:
                return
            except Exception:  # such as a full disk; nobody else would go on
                _log.exception("the work on jobs was disturbed, and goes on")
                time.sleep(RECOVER_SECONDS)
                self._surely(self.table.requeue_running)
            finally:
                with self._turn:
                    if self._running:
                        self._running.over.set()
                    self._running = None

    def _surely(self, step: Callable[[], None]) -> None:
        """Do what no job would go on without, as soon as the database lets it be done."""
        while not self._closing:
            try:
                return step()
            except TenkyoError:
                _log.exception("the jobs that were running cannot be taken over yet")
                time.sleep(RECOVER_SECONDS)

    def _listen(self) -> None:
        """Hear of a source that another process took out."""
        with contextlib.suppress(FileNotFoundError):
            said = self._word.stat().st_mtime_ns
            if said != self._heard:
                self._heard = said
                self._look()

    def _cancel_if_requested(self) -> None:
        """Cancel what runs here and was cancelled in another process."""
        while not self._closing:
            time.sleep(POLL_SECONDS)
            with contextlib.suppress(TenkyoError):
                running = self._running
                if running and running.job and self.table.job(running.job.id).reason:
                    running.cancel()

    def _next(self) -> JobRun | None:
        """What is to be done next, as soon as there is something; None when the service ends."""
        with self._turn:
            while not self._closing:
                if self.shared:
                    self._listen()
                if self._behind:
                    self._behind = False
                    self._running = JobRun(self.means, self.table)
                elif found := self.table.begin():
                    self._running = JobRun(self.means, self.table, *found)
                    if found[0].reason:  # it was cancelled before it was taken over
                        self._running.cancel()
                if self._running:
                    self._holds.refresh()
                    return self._running
                self._turn.wait(POLL_SECONDS if self.shared else None)
        return None
