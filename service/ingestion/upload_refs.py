"""References to uploaded files that unfinished jobs have still to read."""

from __future__ import annotations

import threading
from collections.abc import Callable

from corpus.store.uploads import Upload, UploadStore
from service.ingestion.job_store import Job, JobStore


class UploadRefs:
    """References that keep uploaded files from deletion until their jobs have ended.

    Threads may share the object.
    """

    def __init__(self, uploads: UploadStore, job_store: JobStore) -> None:
        self._uploads, self._job_store = uploads, job_store
        self._lock = threading.Lock()
        self._held: dict[str, list[Upload]] = {}

    def add(self, make: Callable[[], Job]) -> Job:
        """Add a job that takes over the references to its uploaded files.

        Args:
            make: Adds the job to the table.
        """
        with self._lock:
            job = make()
            self._held[job.id] = job.files
            return job

    def refresh(self) -> None:
        """Take references for unfinished jobs of any process, and drop those of jobs that ended."""
        with self._lock:
            wanted = {job.id: job.files for job in self._job_store.unfinished()}
            for files in (wanted[job] for job in wanted.keys() - self._held.keys()):
                for file in files:
                    self._uploads.add_ref(file.sha256)
            for files in (self._held[job] for job in self._held.keys() - wanted.keys()):
                for file in files:
                    self._uploads.drop_ref(file.sha256)
            self._held = wanted
