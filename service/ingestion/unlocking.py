"""Removal of the encryption of uploaded PDFs, as soon as their password arrives.

The password goes to a reader process by a pipe, and is gone with the request: a job, which is
stored and may run later or in another process, reads the unlocked copy.
"""

from __future__ import annotations

import logging

from corpus.errors import CorpusError, PasswordNeeded
from corpus.files.files import printable_path
from corpus.readers.format_detection import possible_formats
from corpus.readers.sandbox import ReaderPool
from corpus.store.uploads import Upload
from service.ingestion.worker import IngestionWorker, RefusedFile

_log = logging.getLogger(__name__)


def unlock_uploads(
    worker: IngestionWorker, files: list[Upload], password: str
) -> list[RefusedFile]:
    """Unlock the encrypted PDFs among uploaded files. Blocks for about a second.

    Args:
        worker: Has the files, and references to them.
        files: The files. Those that the password does not open are discarded and removed from the
            list, also if an error follows: what is left is what the caller has to discard. One that
            is damaged stays: the job says what is wrong with it.
        password: Opens them.

    Returns:
        The files that the password does not open.

    Raises:
        StoreError: An unlocked copy cannot be written.
    """
    refused: list[RefusedFile] = []
    with ReaderPool() as readers:
        for file in list(files):
            name = printable_path(file.name)

            def unlock(data: bytes, name: str = name) -> bytes:
                pdf = "pdf" in possible_formats(data)
                return readers.unlock(data, name, password) if pdf else data

            try:
                worker.means.uploads.unlock(file, unlock)
            except PasswordNeeded:
                reason = f"the password does not open {name}: send the file with another"
                refused.append(RefusedFile(name, reason, "wrong password"))
                files.remove(file)
                worker.discard_uploads([file])
            except CorpusError as error:
                _log.debug("%s", error)
    return refused
