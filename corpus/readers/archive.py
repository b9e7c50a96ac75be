"""Safe access to zipped documents (Word, PowerPoint, EPUB): size limits and errors for damage.

Nothing is unpacked to disk. The name of a member is only a key to find it by in the archive, so
a name that climbs out of its folder (``../../etc/passwd``) has no effect.
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

from corpus.document_errors import DamagedFile, FileTooLarge
from corpus.readers.safe_xml import is_too_long
from corpus.text.blocks import one_line

MAX_UNPACKED = 500_000_000
MAX_RATIO = 200
"""Text is compressed to a tenth of its size, at best a fiftieth; a zip bomb to a thousandth."""
MAX_MEMBERS = 20_000
_UNSET = date(1981, 1, 1)  # clocks that were never set count from 1601, 1970 or 1980
_MAX_REASON = 120  # characters: some errors quote the file at length

# What zipfile, lxml and the Office libraries raise for missing, malformed or encrypted members.
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
    """Open a zipped document, and report any failure to read it as a damaged file.

    Args:
        data: The bytes of the archive.
        name: What error messages call the file.
        kind: What error messages call its format, such as "Word file".
        damage: Further exceptions by which the format's library reports damage.

    Raises:
        CorpusError: The archive is a zip bomb, has too many members or a paragraph of more than
            10 MB, or the ``with`` block failed in a way that means that the file is damaged.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check_size(archive, len(data), name, kind)
            yield archive
    except (*_DAMAGE, *damage) as error:
        if is_too_long(error):
            raise FileTooLarge(f"{name} has a paragraph of more than 10 MB: split it") from error
        reason = one_line(str(error))[:_MAX_REASON] or type(error).__name__
        raise DamagedFile(f"{name} is a damaged {kind} ({reason}): save it again") from error


def member_names(data: bytes) -> frozenset[str]:
    """List the names of a zip archive's members; empty if it is damaged or not an archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return frozenset(archive.namelist())
    except (*_DAMAGE,):
        return frozenset()


def last_saved(properties: Any, template: date) -> str:
    """Return the day on which an Office file was last saved.

    The day of creation is not used where the two differ: a copy has that of its original.

    Args:
        properties: The core properties of python-docx or python-pptx.
        template: The day on which the library's own template was made, which says nothing.

    Returns:
        An ISO date, or "" if the file has no date of its own.
    """
    moments = (properties.created, properties.modified)
    days = [moment.date() for moment in moments if moment and moment.date() > _UNSET]
    own = [day for day in days if day != template]
    return max(own).isoformat() if own else ""


def _check_size(archive: zipfile.ZipFile, packed: int, name: str, kind: str) -> None:
    """Refuse a zip bomb by the sizes in its directory; zipfile unpacks no more than those."""
    members = archive.infolist()
    unpacked = sum(member.file_size for member in members)
    problem = ""
    if unpacked > MAX_UNPACKED or (unpacked > 10_000_000 and unpacked > MAX_RATIO * packed):
        problem = f"{packed / 1e6:.1f} MB unpack to {unpacked / 1e6:,.0f} MB"
    elif len(members) > MAX_MEMBERS:
        problem = f"it has {len(members):,} parts"
    if problem:
        raise DamagedFile(f"{name} is not an ordinary {kind} ({problem}): save it again")
