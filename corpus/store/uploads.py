"""Files that were handed over: kept as the originals of their sources, found by their content.

A file lies in a folder that is named by the SHA-256 of its bytes. The name that it came with
is data: it is checked and shown, and names no file.
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
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import quote, unquote

from corpus.errors import CorpusError, NotFound, StoreError, UploadTooLarge
from corpus.files.files import MAX_FILE_BYTES, fsync_folder
from corpus.types import Source

MAX_NAME = 255  # characters
_SCHEME = "upload:"
_SHOWN = 16  # digits of the hash in an address
_HEX = frozenset("0123456789abcdef")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # categories of characters
_JOINERS = "\u200c\u200d"  # of emoji, and of scripts that need them


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was handed over: the name it came with, the SHA-256 of its bytes."""

    name: str
    sha256: str

    @property
    def place(self) -> str:
        """What the addresses of all sources with these bytes begin with."""
        return f"{_SCHEME}{self.sha256[:_SHOWN]}/"

    @property
    def url(self) -> str:
        """The address of a source that was read from it."""
        return self.place + quote(self.name, safe="")


def upload_prefix(url: str) -> str:
    """What the addresses of all sources with the same bytes begin with; "" if not an upload's."""
    return url.partition("/")[0] + "/" if url.startswith(_SCHEME) else ""


def upload_name(source: Source) -> str:
    """The name that a source's file came with; NotFound if it is not from an upload."""
    if not source.url.startswith(_SCHEME):
        raise NotFound(f"the source {source.id!r} is not from an upload: see its url")
    return unquote(source.url.partition("/")[2])


def name_error(name: str) -> str:
    """What is wrong with a name, or "" if nothing is."""
    parts = name.replace("\\", "/").split("/")
    if not name.strip():
        return "it came without a name: send it with one"
    if len(name) > MAX_NAME:
        return f"its name has {len(name):,} characters, more than {MAX_NAME}: rename it"
    if any(unicodedata.category(c) in _UNSEEN and c not in _JOINERS for c in name):
        return "its name has control characters: rename it"
    if ".." in parts or (len(parts) > 1 and (not parts[0] or parts[0].endswith(":"))):
        return "its name is a path that leads elsewhere: send it by its own name"
    return ""


class UploadStore:
    """The folder of uploads. Safe to share between threads; one service has it at a time.

    An upload is held for as long as a job is to read it: ``forget`` leaves it then.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._held: Counter[str] = Counter()

    def receive(self) -> IncomingUpload:
        """A file to be written as it comes in; StoreError where none can be."""
        with _mending(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            return IncomingUpload(self, self.folder)

    def read(self, upload: Upload) -> bytes:
        try:
            return self._path(upload.sha256).read_bytes()
        except OSError as error:
            raise CorpusError(
                f"{upload.name} cannot be read ({error.strerror}): send it again"
            ) from error

    def file(self, source: Source) -> Path:
        """The original of a source; NotFound if it was not uploaded, or its file is gone."""
        upload_name(source)
        for folder in self._folders(source.url):
            if (path := folder / "file").is_file():
                return path
        raise NotFound(f"the file of the source {source.id!r} is gone: upload it again")

    def add_ref(self, sha256: str) -> None:
        with self._lock:
            self._held[sha256] += 1

    def drop_ref(self, sha256: str) -> None:
        """Undo one ``hold``."""
        with self._lock:
            self._held[sha256] -= 1

    def forget(self, url: str) -> None:
        """Delete the file that an address names, if any; not one that is held."""
        with self._lock:
            for folder in self._folders(url):
                if self._held[folder.name] <= 0:
                    shutil.rmtree(folder, ignore_errors=True)

    def delete_partial(self) -> None:
        """Delete what a service that was killed had not received in full."""
        for part in self.folder.glob("*.part"):
            part.unlink(missing_ok=True)

    def _keep(self, part: Path, sha256: str) -> None:
        with self._lock:
            self._held[sha256] += 1
            target = self._path(sha256)
            target.parent.mkdir(exist_ok=True)
            os.replace(part, target)
            for folder in (target.parent, self.folder):
                fsync_folder(folder)

    def _path(self, sha256: str) -> Path:
        return self.folder / sha256 / "file"

    def _folders(self, url: str) -> list[Path]:
        shown = url.removeprefix(_SCHEME).partition("/")[0]
        if not url.startswith(_SCHEME) or len(shown) != _SHOWN or set(shown) - _HEX:
            return []
        return list(self.folder.glob(f"{shown}*"))


class IncomingUpload:
    """One file that is coming in; dropped when the context ends, unless it was kept."""

    def __init__(self, uploads: UploadStore, folder: Path) -> None:
        handle, name = tempfile.mkstemp(dir=folder, suffix=".part")
        self._uploads, self._part = uploads, Path(name)
        self._file, self._hash, self.size = os.fdopen(handle, "wb"), hashlib.sha256(), 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.drop()

    def write(self, data: bytes) -> None:
        """Add some bytes; UploadTooLarge once there are more than a document may have."""
        self.size += len(data)
        if self.size > MAX_FILE_BYTES:
            raise UploadTooLarge(f"a file is larger than {MAX_FILE_BYTES / 1e6:g} MB: split it")
        self._hash.update(data)
        with _mending(self._part.parent):
            self._file.write(data)

    def keep(self) -> str:
        """Put the file in its place, on the disk, held; returns its SHA-256."""
        sha256 = self._hash.hexdigest()
        with _mending(self._part.parent):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._uploads._keep(self._part, sha256)
        return sha256

    def drop(self) -> None:
        with contextlib.suppress(OSError):
            self._file.close()
        self._part.unlink(missing_ok=True)


@contextlib.contextmanager
def _mending(folder: Path):
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"the upload cannot be kept in {folder} ({error.strerror}): check that it can be"
            " written and its disk is not full, then send it again",
            "the upload cannot be kept: the log of the service has the reason, such as that its"
            " disk is full",
        ) from error
