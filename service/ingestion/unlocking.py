"""Removal of the encryption of uploaded PDFs, as soon as their password arrives.

The password goes to a reader process by a pipe, and is gone with the request: a job, which is
stored and may run later or in another process, reads the unlocked copy.
"""

from __future__ import annotations

from collections.abc import Sequence

from corpus.errors import CorpusError, PasswordNeeded
from corpus.files.files import printable_path
from corpus.readers.format_detection import possible_formats
from corpus.readers.sandbox import ReaderPool
from corpus.store.uploads import Upload
from service.ingestion.worker import IngestionWorker, RefusedFile


def unlock_uploads(
    worker: IngestionWorker, files: Sequence[Upload], password: str
) -> tuple[list[Upload], list[RefusedFile]]:
    """Unlock the encrypted PDFs among uploaded files. Blocks for about a second.

    Args:
        worker: Has the files, and references to them.
        files: The files; those that are not encrypted stay as they are.
        password: Opens them.

    Returns:
        The files that a job can read, and those that the password does not open, which are
        discarded. A file that is damaged is among the first: the job says what is wrong with it.

    Raises:
        StoreError: An unlocked copy cannot be written.
    """
    readable: list[Upload] = []
    refused: list[RefusedFile] = []
    with ReaderPool() as readers:
        for file in files:
            name = printable_path(file.name)

            def unlock(data: bytes, name: str = name) -> bytes:
                pdf = "pdf" in possible_formats(data)
                return readers.unlock(data, name, password) if pdf else data

            try:
                worker.means.uploads.unlock(file, unlock)
            except PasswordNeeded:
                reason = f"the password does not open {name}: send the file with another"
                refused.append(RefusedFile(name, reason, "wrong password"))
                worker.discard_uploads([file])
                continue
            except CorpusError:
                pass
            readable.append(file)
    return readable, refused
