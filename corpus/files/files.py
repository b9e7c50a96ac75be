"""Listing and reading files on the local disk, within limits of size and place."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path
from urllib.parse import unquote, urlsplit

from corpus.document_errors import FileTooLarge
from corpus.errors import CorpusError, EmptyDocument

MAX_FILE_BYTES = 100_000_000


def list_files(
    paths: Sequence[Path], include: Sequence[str] = (), exclude: Sequence[str] = ()
) -> Iterator[Path]:
    """List some files and the files below some folders, each once, in a fixed order.

    Below a folder, hidden names are skipped, and so are links that lead out of it: ingesting a
    folder must not reach the files beside it.

    Args:
        paths: files, which are always listed, and folders, which are searched.
        include: patterns such as ``*.pdf`` or ``drafts/*`` for a file's name or its path from the
            folder; a file has to match one of them, if there are any.
        exclude: patterns of the same form; a file that matches one of them is left out.

    Raises:
        CorpusError: a path does not exist, or a folder may not be listed.
    """
    seen: set[Path] = set()
    for path in paths:
        for file in _below(path, include, exclude) if _is_folder(path) else (path,):
            real = file.resolve()
            if real not in seen:
                seen.add(real)
                yield file


def fsync_folder(folder: Path) -> None:
    """Flush a folder's directory entries to disk, where the operating system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def printable_path(path: Path | str) -> str:
    """Convert a path to one printable line of valid Unicode, escaping all other characters."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def is_location_of(place: str, url: str) -> bool:
    """Return whether a path or URL names the same file or page as a source's URL.

    Args:
        place: a path in the form of ``printable_path``, or a URL.
        url: the source's URL, also a ``file:`` one.
    """
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
            f"{printable_path(path)} cannot be opened: change its permissions"
        ) from None


def _below(folder: Path, include: Sequence[str], exclude: Sequence[str]) -> Iterator[Path]:
    root = folder.resolve()

    def fits(file: Path, patterns: Sequence[str]) -> bool:
        path = file.relative_to(folder).as_posix()
        return any(fnmatch(path, each) or fnmatch(file.name, each) for each in patterns)

    def refuse(error: OSError) -> None:
        name = printable_path(error.filename)
        raise CorpusError(
            f"{name} cannot be listed ({error.strerror}): change its permissions"
        ) from error

    # os.walk does not follow links to folders, so it neither leaves the folder nor loops.
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
    """Read the bytes of one file; its size is checked before it is opened.

    Args:
        path: the file.
        limit: the largest size allowed, in bytes.

    Raises:
        EmptyDocument: the file has zero bytes.
        CorpusError: it is missing, too large, not a regular file or not permitted, or it
            changed while it was read.
    """
    name = printable_path(path)
    try:
        if path.is_dir():
            raise CorpusError(f"{name} is a folder: name the files in it")
        if not path.is_file() and path.exists():
            raise CorpusError(f"{name} is a device or a pipe: save it as a file first")
        size = path.stat().st_size
        if size > limit:
            sizes = f"{size / 1e6:.1f} MB, more than the {limit / 1e6:g} MB allowed"
            raise FileTooLarge(f"{name} has {sizes}: split it")
        with path.open("rb") as file:
            before = os.fstat(file.fileno())
            data = file.read(limit + 1)
            after = os.fstat(file.fileno())
    except FileNotFoundError:
        raise CorpusError(f"{name} does not exist: check the path") from None
    except PermissionError:
        raise CorpusError(f"{name} cannot be read: change its permissions") from None
    except OSError as error:
        raise CorpusError(f"{name} cannot be read ({error.strerror}): check its disk") from error
    same = before.st_mtime_ns == after.st_mtime_ns and len(data) == before.st_size == after.st_size
    if not same:  # the bytes may be partly those of before the change and partly those of after
        raise CorpusError(f"{name} was changed while it was read: ingest it again")
    if not data:
        raise EmptyDocument(f"{name} is empty (0 bytes): check the file")
    return data
