"""Uploads that jobs are to read, held as long as the table of jobs says so: for several processes,
of which each may take an upload on, and one reads them all."""

from __future__ import annotations

import threading
from collections.abc import Callable

from corpus.uploads import Upload, UploadStore
from service.jobs import Job, JobStore


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
