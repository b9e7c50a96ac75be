"""The original files of sources: where they are, and a folder of those fetched from the web.

The text of a source is in the database. Its file is wanted only to show the pages of a PDF: an
upload is kept as long as its source, a local file is where it was, and of what was fetched the
PDFs are kept here, within a limit.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from corpus.errors import NotFound
from corpus.readers.format_detection import possible_formats
from corpus.store.uploads import UploadStore
from corpus.types import Source, text_hash

_HEAD = 1024  # bytes that say whether a file is a PDF
_log = logging.getLogger(__name__)


class OriginalStore:
    """A folder of PDFs that were fetched, for each version of a source, with a limited total size.

    Beyond the limit, those that were not read for longest are deleted. A folder that cannot be
    written only causes a logged warning. Safe to share between threads and processes.

    Args:
        folder: the folder; it is created when something is kept.
        max_bytes: the total size; 0 keeps nothing.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.folder, self._max_bytes = folder, max_bytes

    def keep(self, source: Source, data: bytes) -> None:
        """Keep the file of a version of a source, if it is a PDF and not larger than the limit."""
        path = self._path(source)
        if possible_formats(data[:_HEAD]) == {"pdf"} and len(data) <= self._max_bytes:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                _write(path, data)
            except OSError as error:
                _log.warning("cannot keep a PDF in %s: %s", self.folder, error.strerror)
        self._evict()

    def find(self, source: Source) -> Path | None:
        """Return the path of the file of a version of a source, which counts as read; or None."""
        path = self._path(source)
        try:
            os.utime(path)
        except OSError:
            return None
        return path

    def forget(self, source_id: str) -> None:
        """Delete the files of all versions of a source."""
        shutil.rmtree(self._folder(source_id), ignore_errors=True)

    def _folder(self, source_id: str) -> Path:
        return self.folder / text_hash(source_id)[:32]

    def _path(self, source: Source) -> Path:
        return self._folder(source.id) / text_hash(source.version)

    def _evict(self) -> None:
        """Delete the files that were not read for longest until the folder is within its limit."""
        files = []
        for path in self.folder.glob("*/*"):
            with contextlib.suppress(OSError):  # another process has deleted it
                files.append((path.stat().st_mtime_ns, path.stat().st_size, path))
        total = sum(size for _, size, _ in files)
        for _, size, path in sorted(files):
            if total <= self._max_bytes:
                return
            total -= size
            with contextlib.suppress(OSError):
                path.unlink()


def find_original(source: Source, uploads: UploadStore, kept: OriginalStore | None) -> Path | None:
    """Find the file that a version of a source was read from; None if there is none any more.

    A local file may have changed since.
    """
    if source.kind == "digest":  # not a text of the work at its address
        return None
    if is_local_file(source):
        path = Path(url2pathname(unquote(urlsplit(source.url).path)))
        return path if path.is_file() else None
    try:
        return uploads.file(source)
    except NotFound:
        return kept.find(source) if kept else None


def is_local_file(source: Source) -> bool:
    """Whether a source was read from a file on this machine that was not uploaded."""
    return source.url.startswith("file:")


def is_pdf(path: Path) -> bool:
    """Whether a file begins as PDFs do; False if it cannot be read."""
    try:
        with path.open("rb") as file:
            return possible_formats(file.read(_HEAD)) == {"pdf"}
    except OSError:
        return False


def _write(path: Path, data: bytes) -> None:
    """Write a file atomically."""
    handle, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
