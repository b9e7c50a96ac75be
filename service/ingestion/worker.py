"""The worker of ingestion jobs: a thread beside the server that runs them one at a time.

    worker = IngestionWorker(IngestionResources(store, embedder, index_folder, uploads, cache))
    worker.start()
    job = worker.add_uploads(files, refused)
    ...
    worker.close()

One thread runs all jobs, since reading and embedding use all processors. A job that is running
when the process ends stays so in the database, and the next ``start`` runs it again: documents
that it had read are recognised as unchanged.

Several processes may serve one library. Each accepts jobs, and one runs them: the holder of a
lock, which the system passes on when that process ends. They communicate by the table of jobs.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from filelock import FileLock, Timeout

from corpus.document_errors import DocumentProblem
from corpus.errors import IndexMismatch, IndexMissing, JobEnded, TenkyoError
from corpus.store.uploads import Upload
from corpus.types import Source
from index.ingestion.removal import delete_unused_upload, remove_sources
from index.storage.manifest import read_manifest
from service.ingestion.job_run import CANCELLED, IngestionResources, JobRun, WorkStopped
from service.ingestion.job_store import Job, JobKind, JobStore
from service.ingestion.upload_refs import UploadRefs

CLOSE_SECONDS = 1.5  # to wait for the job that is running when the service ends
NOT_BEGUN = "it was cancelled before it began"
CANCEL_SECONDS = 30.0  # to wait for a job that was cancelled
RECOVER_SECONDS = 1.0  # before the next try, where the database or the disk fails
POLL_SECONDS = 0.3  # between two checks for requests of other processes

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """An uploaded file that was not accepted, by the name to show, and the reason."""

    name: str
    reason: str
    problem: DocumentProblem = ""


class IngestionWorker:
    """The ingestion jobs of a service, and the thread that runs them; threads may share it.

    Attributes:
        means: The parts that jobs need.
        table: The table of jobs.
        shared: Whether other processes serve the same library.
        is_at_work: Whether this process, of all that serve the library, runs the jobs.
    """

    def __init__(self, means: IngestionResources, shared: bool = False) -> None:
        self.means, self.table = means, JobStore(means.store.database)
        self.shared = shared
        self._upload_refs = UploadRefs(means.uploads, self.table)
        # Another process touches this file to signal that it removed a source.
        self._removal_signal = means.index.with_name("index.behind")
        self._removal_seen = 0  # the time of the signal that was last acted on
        self._changed = threading.Condition()
        self._closing = False
        self.is_at_work = False
        self._behind = False  # whether the index may differ from the store
        self._running: JobRun | None = None
        self._thread = threading.Thread(target=self._work, name="jobs", daemon=True)

    def start(self) -> None:
        """Start the thread, which first runs what an earlier process left unfinished."""
        if not self.shared:  # another process may be receiving a file: see server.workers
            self.means.uploads.delete_partial()
            self._take_over()
        self._thread.start()

    def _take_over(self) -> None:
        self.is_at_work = True
        self.table.requeue_running()
        self._upload_refs.refresh()
        self._check_index()

    def _check_index(self) -> None:
        """Find out whether the index differs from the store."""
        with contextlib.suppress(IndexMissing, IndexMismatch):  # the next job will report it
            indexed = read_manifest(self.means.index)["corpus_revision"]
            self._behind |= indexed != self.means.store.revision()

    @property
    def closing(self) -> bool:
        """Whether the service is about to end, so that streams should not wait for more events."""
        return self._closing

    def stop(self) -> None:
        """Ask the running job to stop, without waiting for it."""
        with self._changed:
            self._closing = True
            if self._running:
                self._running.stop()
            self._changed.notify_all()

    def close(self) -> None:
        """Ask the running job to stop, and wait up to ``CLOSE_SECONDS`` until it has."""
        self.stop()
        if self._thread.is_alive():
            self._thread.join(CLOSE_SECONDS)

    # Requests

    def add_uploads(
        self,
        files: Sequence[Upload],
        refused: Sequence[RefusedFile],
        replaced: Source | None = None,
        collection: str = "",
    ) -> Job:
        """Add a job that ingests uploaded files.

        Args:
            files: The files, to which this process has references; they end with the job.
            refused: Files that were not accepted, for the report.
            replaced: The source whose text the one file replaces.
            collection: The name of the collection to put them in, which is made if there is none;
                empty for none.

        Raises:
            CollectionRefused: The collection cannot have this name.
            TooManyJobs: The queue is full.
        """
        accepted = [{"name": file.name, "sha256": file.sha256} for file in files]
        others = [asdict(each) for each in refused]
        replacing = {"source_id": replaced.id, "replaces": replaced.url} if replaced else {}
        asked = {"files": accepted + others, **replacing, **self._filling(collection)}
        return self._add("documents", asked)

    def add_places(
        self, urls: Sequence[str], follow: bool, limit: int, depth: int, collection: str = ""
    ) -> Job:
        """Add a job that ingests web addresses.

        Args:
            urls: The addresses.
            follow: Whether to ingest the papers that they link to.
            limit: The highest number of papers.
            depth: How many times to follow links.
            collection: As for ``add_uploads``.

        Raises:
            CollectionRefused: The collection cannot have this name.
            TooManyJobs: The queue is full.
        """
        followed = {"follow": "papers", "limit": limit, "depth": depth} if follow else {}
        return self._add("sources", {"urls": list(urls), **followed, **self._filling(collection)})

    def _filling(self, collection: str) -> dict[str, str]:
        """Describe the collection that a job fills; the id stays when it is renamed."""
        if not collection:
            return {}
        found = self.means.store.collections.ensure(collection)
        return {"collection": found.name, "collection_id": found.id}

    def discard_uploads(self, files: Sequence[Upload]) -> None:
        """Drop the references to uploaded files, and delete those that no source is read from."""
        for file in files:
            self.means.uploads.drop_ref(file.sha256)
        self._delete_unused(files)

    def _delete_unused(self, files: Iterable[Upload]) -> None:
        self._upload_refs.refresh()
        for file in files:
            delete_unused_upload(self.means.store, self.means.uploads, file.url)

    def remove(self, source_id: str) -> Source:
        """Delete a source and everything stored of it.

        No search finds it any more, since searches leave out what the store no longer has; the
        thread updates the index afterwards.

        Raises:
            NotFound: There is no such source.
        """
        self._upload_refs.refresh()
        means = self.means
        (source,) = remove_sources(
            means.store, means.cache, means.uploads, [source_id], means.originals
        )
        if self.shared:
            self._removal_signal.touch()
        with self._changed:
            self._behind = True
            self._changed.notify_all()
        return source

    def cancel(self, job_id: str) -> Job:
        """Cancel a job, and wait up to ``CANCEL_SECONDS`` until it has ended; what it read stays.

        Raises:
            JobEnded: It had ended before.
            NotFound: There is no such job.
        """
        with self._changed:
            running = self._running
            if running is not None and (running.job is None or running.job.id != job_id):
                running = None
            if running:
                running.cancel()
            elif self.table.cancel(job_id, NOT_BEGUN, CANCELLED):
                job = self.table.job(job_id)
                self._delete_unused(job.files)
                return job
        if running:
            running.finished.wait(CANCEL_SECONDS)
        else:
            self._await_end(job_id)
        job = self.table.job(job_id)
        if job.ended and job.status != "interrupted":
            raise JobEnded(f"the job {job_id!r} has ended: there is nothing left to cancel")
        return job

    def _await_end(self, job_id: str) -> None:
        """Wait until the process that runs a job has ended it, after it was cancelled here."""
        until = time.monotonic() + CANCEL_SECONDS
        while self.shared and not self._closing and time.monotonic() < until:
            if self.table.job(job_id).ended:
                return
            time.sleep(POLL_SECONDS)

    def _add(self, kind: JobKind, asked: Mapping[str, Any]) -> Job:
        job = self._upload_refs.add(lambda: self.table.add(kind, asked))
        with self._changed:
            self._changed.notify_all()
        return job

    # The thread

    def _work(self) -> None:
        """Run jobs, in a shared service as soon as this process gets the lock."""
        if not self.shared:
            return self._run_jobs()
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
            self._retry(self._take_over)
            self._run_jobs()
        finally:
            lock.release()

    def _run_jobs(self) -> None:
        while not self._closing:
            try:
                run = self._next()
                if run is None:
                    return
                status, reason = run.work()
                if run.job:
                    self.table.finish(run.job.id, status, reason)
                    self._delete_unused(run.job.files)
                    self._behind = self._behind or status == "interrupted"
            except WorkStopped:
                return
            except Exception:  # such as a full disk; the thread must survive it
                _log.exception("running a job failed unexpectedly: the worker goes on")
                time.sleep(RECOVER_SECONDS)
                self._retry(self.table.requeue_running)
            finally:
                with self._changed:
                    if self._running:
                        self._running.finished.set()
                    self._running = None

    def _retry(self, step: Callable[[], None]) -> None:
        """Repeat a step until the database allows it, or the service ends."""
        while not self._closing:
            try:
                return step()
            except TenkyoError:
                _log.exception("cannot take over the jobs that were running: trying again")
                time.sleep(RECOVER_SECONDS)

    def _check_removals(self) -> None:
        """Find out whether another process has removed a source."""
        with contextlib.suppress(FileNotFoundError):
            signalled = self._removal_signal.stat().st_mtime_ns
            if signalled != self._removal_seen:
                self._removal_seen = signalled
                self._check_index()

    def _cancel_if_requested(self) -> None:
        """Cancel the running job when another process has asked for it."""
        while not self._closing:
            time.sleep(POLL_SECONDS)
            with contextlib.suppress(TenkyoError):
                running = self._running
                if running and running.job and self.table.job(running.job.id).reason:
                    running.cancel()

    def _next(self) -> JobRun | None:
        """Wait for the next run, of a job or to update the index; None when the service ends."""
        with self._changed:
            while not self._closing:
                if self.shared:
                    self._check_removals()
                if self._behind:
                    self._behind = False
                    self._running = JobRun(self.means, self.table)
                elif found := self.table.begin():
                    self._running = JobRun(self.means, self.table, found)
                    if found.reason:  # it was cancelled before this process took it over
                        self._running.cancel()
                if self._running:
                    self._upload_refs.refresh()
                    return self._running
                self._changed.wait(POLL_SECONDS if self.shared else None)
        return None
