"""Storage of uploaded files, addressed by the SHA-256 of their bytes.

Each file lies in a folder that is named by its hash, and its source's address comes from the hash
too. Beside an encrypted PDF lies a copy without encryption, so that it can be read again without
its password, which is never stored. The name that a file was uploaded with is data: it is checked
and shown, and never used as a path.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
import threading
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import quote, unquote

from corpus.errors import CorpusError, NotFound, StoreError, UploadTooLarge
from corpus.files.files import MAX_FILE_BYTES, fsync_folder
from corpus.types import Source

MAX_NAME = 255  # characters
_SCHEME = "upload:"
_UNLOCKED = "unlocked"  # the name of an encrypted PDF's copy without encryption
_HASH_DIGITS = 16  # digits of the hash in an address
_HEX = frozenset("0123456789abcdef")
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # categories of characters
_JOINERS = "\u200c\u200d"  # of emoji, and of scripts that need them


@dataclass(frozen=True, slots=True)
class Upload:
    """An uploaded file: the name that it was sent with, and the SHA-256 of its bytes."""

    name: str
    sha256: str

    @property
    def place(self) -> str:
        """The common beginning of the addresses of all sources with these bytes."""
        return f"{_SCHEME}{self.sha256[:_HASH_DIGITS]}/"

    @property
    def url(self) -> str:
        """The address of a source that was read from this file."""
        return self.place + quote(self.name, safe="")


def upload_prefix(url: str) -> str:
    """Return the part of an upload's address that all uploads of the same bytes share.

    It is empty for the address of a source that was not uploaded.
    """
    return url.partition("/")[0] + "/" if url.startswith(_SCHEME) else ""


def upload_name(source: Source) -> str:
    """Return the file name that a source was uploaded with.

    Raises:
        NotFound: the source is not from an upload.
    """
    if not source.url.startswith(_SCHEME):
        raise NotFound(f"the source {source.id!r} is not from an upload: see its url")
    return unquote(source.url.partition("/")[2])


def name_error(name: str) -> str:
    """Describe what is wrong with the name of an uploaded file, with the fix; "" if nothing is."""
    parts = name.replace("\\", "/").split("/")
    if not name.strip():
        return "it came without a name: send it with one"
    if len(name) > MAX_NAME:
        return f"its name has {len(name):,} characters, more than {MAX_NAME}: rename it"
    if any(unicodedata.category(c) in _INVISIBLE and c not in _JOINERS for c in name):
        return "its name has control characters: rename it"
    if ".." in parts or (len(parts) > 1 and (not parts[0] or parts[0].endswith(":"))):
        return "its name is a path that leads elsewhere: send it by its own name"
    return ""


class UploadStore:
    """A folder of uploaded files, with reference counts that protect files still to be read.

    Safe to share between threads; one service uses a folder at a time. An ingestion job holds a
    reference to each upload that it has yet to read, and ``forget`` keeps such files.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._refs: Counter[str] = Counter()  # by SHA-256

    def receive(self) -> IncomingUpload:
        """Open a new file that an upload is written to as it arrives.

        Raises:
            StoreError: the folder cannot be written.
        """
        with _store_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            return IncomingUpload(self, self.folder)

    def read(self, upload: Upload) -> bytes:
        """Read the bytes of an uploaded file, those of its unlocked copy if it has one.

        Raises:
            CorpusError: the file cannot be read any more.
        """
        try:
            return _readable(self._folder(upload.sha256)).read_bytes()
        except OSError as error:
            raise CorpusError(
                f"{upload.name} cannot be read ({error.strerror}): send it again"
            ) from error

    def file(self, source: Source) -> Path:
        """Return the path of the uploaded file that a source was read from, or its unlocked copy.

        Raises:
            NotFound: the source was not uploaded, or its file has been deleted.
        """
        upload_name(source)
        for folder in self._folders(source.url):
            if (path := _readable(folder)).is_file():
                return path
        raise NotFound(f"the file of the source {source.id!r} is gone: upload it again")

    def unlock(self, upload: Upload, unlock: Callable[[bytes], bytes]) -> None:
        """Keep a copy without encryption of an uploaded PDF, readable only by this user.

        Args:
            upload: The file.
            unlock: Turns its bytes into those of the copy; the same bytes: it needs no copy.

        Raises:
            StoreError: the file cannot be read any more, or the copy cannot be written.
        """
        locked = self._folder(upload.sha256) / "file"
        with _store_errors(self.folder):
            data = locked.read_bytes()
        unlocked = unlock(data)
        if unlocked == data or (target := locked.with_name(_UNLOCKED)).is_file():
            return
        with IncomingUpload(self, self.folder) as copy:
            copy.write(unlocked)
            copy.move_to(target)

    def add_ref(self, sha256: str) -> None:
        """Protect a file from ``forget`` until ``drop_ref`` has been called as often."""
        with self._lock:
            self._refs[sha256] += 1

    def drop_ref(self, sha256: str) -> None:
        """Undo one ``add_ref``, or the reference that ``IncomingUpload.keep`` took."""
        with self._lock:
            self._refs[sha256] -= 1

    def forget(self, url: str) -> None:
        """Delete the file that a source's address names, if any, unless it is referenced."""
        with self._lock:
            for folder in self._folders(url):
                if self._refs[folder.name] <= 0:
                    shutil.rmtree(folder, ignore_errors=True)

    def delete_partial(self) -> None:
        """Delete incomplete files, which a service that was killed has left behind."""
        for part in self.folder.glob("*.part"):
            part.unlink(missing_ok=True)

    def _keep(self, part: Path, sha256: str) -> None:
        with self._lock:
            self._refs[sha256] += 1
            folder = self._folder(sha256)
            folder.mkdir(exist_ok=True)
            os.replace(part, folder / "file")
            for changed in (folder, self.folder):
                fsync_folder(changed)

    def _folder(self, sha256: str) -> Path:
        return self.folder / sha256

    def _folders(self, url: str) -> list[Path]:
        prefix = url.removeprefix(_SCHEME).partition("/")[0]
        if not url.startswith(_SCHEME) or len(prefix) != _HASH_DIGITS or set(prefix) - _HEX:
            return []
        return list(self.folder.glob(f"{prefix}*"))


class IncomingUpload:
    """A file that is being received; deleted when its context ends, unless it was kept.

    ``size`` is the number of bytes received so far.
    """

    def __init__(self, uploads: UploadStore, folder: Path) -> None:
        handle, name = tempfile.mkstemp(dir=folder, suffix=".part")
        self._uploads, self._part = uploads, Path(name)
        self._file, self._hash, self.size = os.fdopen(handle, "wb"), hashlib.sha256(), 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.drop()

    def write(self, data: bytes) -> None:
        """Append bytes to the file that is being received.

        Raises:
            UploadTooLarge: the file has become larger than MAX_FILE_BYTES.
            StoreError: the disk cannot be written.
        """
        self.size += len(data)
        if self.size > MAX_FILE_BYTES:
            raise UploadTooLarge(f"a file is larger than {MAX_FILE_BYTES / 1e6:g} MB: split it")
        self._hash.update(data)
        with _store_errors(self._part.parent):
            self._file.write(data)

    def keep(self) -> str:
        """Flush the complete file to disk and move it into the store, with one reference to it.

        Returns:
            Its SHA-256 in hexadecimal.
        """
        sha256 = self._hash.hexdigest()
        with _store_errors(self._part.parent):
            self._flush()
            self._uploads._keep(self._part, sha256)
        return sha256

    def move_to(self, target: Path) -> None:
        """Flush the complete file to disk and move it to a path in the store."""
        with _store_errors(self._part.parent):
            self._flush()
            os.replace(self._part, target)
            fsync_folder(target.parent)

    def _flush(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def drop(self) -> None:
        """Close and delete the partial file; without effect after ``keep``."""
        with contextlib.suppress(OSError):
            self._file.close()
        self._part.unlink(missing_ok=True)


def _readable(folder: Path) -> Path:
    """Return the file of an upload's folder that is read: its unlocked copy, if it has one."""
    unlocked = folder / _UNLOCKED
    return unlocked if unlocked.is_file() else folder / "file"


@contextlib.contextmanager
def _store_errors(folder: Path) -> Iterator[None]:
    """Turn OSError into a StoreError that names the fix."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"the upload cannot be kept in {folder} ({error.strerror}): check that it can be"
            " written and its disk is not full, then send it again",
            "the upload cannot be kept: the log of the service has the reason, such as that its"
            " disk is full",
        ) from error
