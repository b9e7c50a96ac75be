"""Files on the user's disk: which ones there are, and their bytes within bounds."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path
from urllib.parse import unquote, urlsplit

from corpus.errors import CorpusError, EmptyDocument

MAX_FILE_BYTES = 100_000_000


def list_files(
    paths: Sequence[Path], include: Sequence[str] = (), exclude: Sequence[str] = ()
) -> Iterator[Path]:
    """The files named, and those below the folders named, each once, in a fixed order.

    Below a folder, hidden names are skipped, and so are links that lead out of it: ingesting
    a folder must not reach what lies beside it. ``include`` and ``exclude`` are patterns such
    as ``*.pdf`` or ``drafts/*``, for the name of a file or its path from the folder: a file is
    taken if it fits one of the first (or there are none) and none of the second. What is named
    outright is always taken.
    Raises CorpusError for a path that does not exist, or a folder that may not be listed.
    """
    seen: set[Path] = set()
    for path in paths:
        for file in _below(path, include, exclude) if _is_folder(path) else (path,):
            real = file.resolve()
            if real not in seen:
                seen.add(real)
                yield file


def fsync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def printable_path(path: Path | str) -> str:
    """A path as it can be stored, and printed on one line: what cannot be is escaped."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def is_location_of(place: str, url: str) -> bool:
    """Whether a place, a path as it is ``printable_path`` or an address, is what a URL names."""
    if place == url:
        return True
    parts = urlsplit(url)
    if parts.scheme != "file" or "://" in place:
        return False
    return os.path.realpath(place) == printable_path(unquote(parts.path))


def _is_folder(path: Path) -> bool:
    try:
        if not path.exists():
            raise CorpusError(f"{printable_path(path)} does not exist: check the path")
        return path.is_dir()
    except PermissionError:
        raise CorpusError(
            f"{printable_path(path)} may not be looked at: change its permissions"
        ) from None


def _below(folder: Path, include: Sequence[str], exclude: Sequence[str]) -> Iterator[Path]:
    root = folder.resolve()

    def fits(file: Path, patterns: Sequence[str]) -> bool:
        path = file.relative_to(folder).as_posix()
        return any(fnmatch(path, each) or fnmatch(file.name, each) for each in patterns)

    def refuse(error: OSError) -> None:
        raise CorpusError(
            f"{printable_path(error.filename)} cannot be listed: {error.strerror}"
        ) from error

    # os.walk does not follow links to folders, so it can neither leave nor go in circles.
    for here, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            file = Path(here, name)
            if fits(file, exclude) or (include and not fits(file, include)):
                continue
            inside = not file.is_symlink() or file.resolve().is_relative_to(root)
            if not name.startswith(".") and inside and file.is_file():
                yield file


def read_file(path: Path, limit: int = MAX_FILE_BYTES) -> bytes:
    """The bytes of one file, of at most ``limit`` bytes; its size is looked at first.

    Raises EmptyDocument for zero bytes and CorpusError for what else keeps it from being read,
    or where it was changed meanwhile.
    """
    name = printable_path(path)
    try:
        if path.is_dir():
            raise CorpusError(f"{name} is a folder: name the files in it, or walk it")
        if not path.is_file() and path.exists():
            raise CorpusError(f"{name} is a device or a pipe: save it as a file first")
        size = path.stat().st_size
        if size > limit:
            sizes = f"{size / 1e6:.1f} MB, more than the {limit / 1e6:g} MB allowed"
            raise CorpusError(f"{name} has {sizes}: split it")
        with path.open("rb") as file:
            before = os.fstat(file.fileno())
            data = file.read(limit + 1)
            after = os.fstat(file.fileno())
    except FileNotFoundError:
        raise CorpusError(f"{name} does not exist: check the path") from None
    except PermissionError:
        raise CorpusError(f"{name} may not be read: change its permissions") from None
    except OSError as error:
        raise CorpusError(f"{name} cannot be read: {error.strerror}") from error
    same = before.st_mtime_ns == after.st_mtime_ns and len(data) == before.st_size == after.st_size
    if not same:  # half of it may be of before, and half of after
        raise CorpusError(f"{name} was changed while it was read: ingest it again")
    if not data:
        raise EmptyDocument(f"{name} is empty (0 bytes)")
    return data
