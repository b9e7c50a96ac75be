"""A substitute for all fonts that a PDF names but does not contain.

PDFium drops characters without a width, and takes the width from the font. Where a PDF relies on
a Japanese font that is not installed, most of its lines would be lost silently. So no installed
font is used: every character is a box in a font of two glyphs that is made here. Which
characters there are comes from tables in the PDF, so a file gives the same text on all machines.
"""

from __future__ import annotations

import ctypes
from functools import cache
from struct import calcsize, pack, unpack
from typing import Any

import pypdfium2.raw as pdfium

_ANSI, _SYMBOL = 0, 2  # Windows character sets, for which PDFium has fonts of its own
_NAME = b"Boxes\0"
_EM = 1000


@cache
def install_fallback_font() -> Any:
    """Make PDFium use the substitute font in this process from now on.

    Returns:
        The structure that PDFium now refers to; the cache keeps it alive.
    """
    font = _font()

    def map_font(this: Any, weight: int, italic: int, charset: int, *rest: Any) -> int | None:
        return None if charset in (_ANSI, _SYMBOL) else 1

    def font_data(this: Any, handle: Any, table: int, buffer: Any, size: int) -> int:
        return 0 if table else _copy(font, buffer, size)

    def face_name(this: Any, handle: Any, buffer: Any, size: int) -> int:
        return _copy(_NAME, buffer, size)

    info = pdfium.FPDF_SYSFONTINFO(version=2)
    callbacks = {
        "MapFont": map_font,
        "GetFont": lambda this, face: None,
        "GetFontData": font_data,
        "GetFaceName": face_name,
        "GetFontCharset": lambda this, handle: 1,
        "DeleteFont": lambda this, handle: None,
    }
    types = dict(info._fields_)
    for name, function in callbacks.items():
        setattr(info, name, types[name](function))
    pdfium.FPDF_SetSystemFontInfo(info)
    return info


def _copy(data: bytes, buffer: Any, size: int) -> int:
    if buffer and size >= len(data):
        ctypes.memmove(buffer, data, len(data))
    return len(data)


def _font() -> bytes:
    """Build a TrueType font with an empty glyph, and a box for every character."""
    box = pack(">5h", 1, 0, 0, _EM, _EM) + pack(">2H", 3, 0) + bytes([1] * 4)
    box += pack(">8h", 0, _EM, 0, -_EM, 0, 0, _EM, 0)
    many_to_one = pack(">HHIII", 13, 0, 28, 0, 1) + pack(">III", 0x20, 0x10FFFF, 1)
    tables = {
        "cmap": pack(">HHHHI", 0, 1, 3, 10, 12) + many_to_one,
        "glyf": _padded(box),
        "head": pack(">IIIIHH", 1 << 16, 1 << 16, 0, 0x5F0F3CF5, 0, _EM)
        + pack(">qqhhhh", 0, 0, 0, 0, _EM, _EM)
        + pack(">HHhhh", 0, 8, 2, 1, 0),
        "hhea": pack(">IhhhH", 1 << 16, 880, -120, 0, _EM) + pack(">11hH", *[0] * 11, 1),
        "hmtx": pack(">Hhh", _EM, 0, 0),
        "loca": pack(">III", 0, 0, len(_padded(box))),
        "maxp": pack(">I14H", 1 << 16, 2, 4, 1, 0, 0, 1, *[0] * 8),
    }
    count, largest = len(tables), 1 << (len(tables).bit_length() - 1)
    header = pack(">IHHH", 1 << 16, count, 16 * largest, largest.bit_length() - 1)
    header += pack(">H", 16 * (count - largest))
    offset = len(header) + count * calcsize(">4sIII")
    for tag, table in tables.items():
        padded = _padded(table)
        total = sum(unpack(f">{len(padded) // 4}I", padded)) & 0xFFFFFFFF
        header += pack(">4sIII", tag.encode(), total, offset, len(table))
        offset += len(padded)
    return header + b"".join(map(_padded, tables.values()))


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
