"""What the zipped formats (Word, PowerPoint, EPUB) share: their bounds, and how damage shows.

Nothing is ever unpacked to disk. A name in an archive is only a key to look its part up by, so
one that climbs out of its folder (``../../etc/passwd``) leads nowhere.
"""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from lxml.etree import LxmlError

from corpus.errors import CorpusError
from corpus.readers.safe_xml import is_too_long
from corpus.text.blocks import one_line

MAX_UNPACKED = 500_000_000
MAX_RATIO = 200
"""Text packs to about a tenth, at most a fiftieth; a bomb to a thousandth."""
MAX_PARTS = 20_000
_UNSET = date(1981, 1, 1)  # clocks that were never set count from 1601, 1970 or 1980
_REASON = 120  # characters: some quote the file at length

# How zipfile, lxml and the Office libraries fail on parts that are missing, malformed or encrypted.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    LxmlError,
    LookupError,
    ValueError,
    AttributeError,
    TypeError,
    AssertionError,
    ArithmeticError,
    RuntimeError,
    EOFError,
    OSError,
)


@contextmanager
def open_archive(
    data: bytes, name: str, kind: str, damage: tuple[type[Exception], ...] = ()
) -> Iterator[zipfile.ZipFile]:
    """The archive that ``data`` is, open for as long as the file is read.

    ``name`` and ``kind`` ("Word file") are what errors call it; ``damage`` is how else its
    library fails. Raises CorpusError for what unpacks to more than a document would, and in
    place of any failure of the block that says the file is damaged.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check_size(archive, len(data), name, kind)
            yield archive
    except (*_DAMAGE, *damage) as error:
        if is_too_long(error):
            raise CorpusError(f"{name} has a paragraph of more than 10 MB: split it") from error
        reason = one_line(str(error))[:_REASON] or type(error).__name__
        raise CorpusError(f"{name} is a damaged {kind} ({reason}): save it again") from error


def part_names(data: bytes) -> frozenset[str]:
    """The names of an archive's parts; none where it is no archive, or a damaged one."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return frozenset(archive.namelist())
    except (*_DAMAGE,):
        return frozenset()


def last_saved(properties: Any, template: date) -> str:
    """The day an Office file was last saved, in ISO; "" where it only has its template's.

    Not the day of its creation, where the two differ: a copy keeps that of its original.
    """
    moments = (properties.created, properties.modified)
    days = [moment.date() for moment in moments if moment and moment.date() > _UNSET]
    own = [day for day in days if day != template]
    return max(own).isoformat() if own else ""


def _check_size(archive: zipfile.ZipFile, packed: int, name: str, kind: str) -> None:
    """Refuse a zip bomb by what its directory says; zipfile unpacks no more than that."""
    parts = archive.infolist()
    unpacked = sum(part.file_size for part in parts)
    wrong = ""
    if unpacked > MAX_UNPACKED or (unpacked > 10_000_000 and unpacked > MAX_RATIO * packed):
        wrong = f"{packed / 1e6:.1f} MB unpack to {unpacked / 1e6:,.0f} MB"
    elif len(parts) > MAX_PARTS:
        wrong = f"it has {len(parts):,} parts"
    if wrong:
        raise CorpusError(f"{name} is no ordinary {kind} ({wrong}): save it again")
