"""What a reader process is asked about the pages of a PDF: their images, and where a text is."""

from __future__ import annotations

import base64
import ctypes
import hashlib
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from corpus.errors import CorpusError
from corpus.readers.pdf.drawing import draw_page
from corpus.readers.pdf.fallback_font import install_fallback_font
from corpus.readers.pdf.opening import opened_pdf
from corpus.readers.pdf.places import CharacterPlaces, PrintedBox, locate_characters

_GRID = 1_000_000  # of the whole numbers in which PDFium says where on a page something is
_MOST_KEPT = 500_000  # characters of a text whose places are kept until the next one is asked for
_kept: dict[str, CharacterPlaces] = {}


def answer_page_task(request: dict[str, Any], data: bytes) -> dict[str, Any]:
    """Carry out a request of ``corpus.readers.page_reader``, and return the reply."""
    name = request["name"]
    if request["task"] == "draw":
        image = draw_page(data, name, request["number"], request["width"])
        return {"image": image and base64.b64encode(image).decode()}
    with opened_pdf(data, name, prepare=install_fallback_font) as pdf:
        ratio = _ratio(pdf, request["page"])
        reply: dict[str, Any] = {"pages": len(pdf), "ratio": ratio, "version": "", "boxes": []}
    if request["task"] == "measure":
        return reply
    try:
        places = _places(data, name)
    except CorpusError:  # it was read otherwise: by OCR, say, or by an earlier version
        return reply
    printed = places.boxes(request["start"], request["end"])
    with opened_pdf(data, name, prepare=install_fallback_font) as pdf:
        boxes = list(_on_pages(pdf, printed))
    return reply | {"version": places.version, "boxes": boxes}


def _ratio(pdf: pypdfium2.PdfDocument, number: int) -> float:
    """Return the height of a page divided by its width; 1 if there is no such page."""
    width, height = pdf.get_page_size(number - 1) if 1 <= number <= len(pdf) else (1.0, 1.0)
    return height / width if width > 0 and 0.01 < height / width < 100 else 1.0


def _places(data: bytes, name: str) -> CharacterPlaces:
    """Find the places of a text's characters; those of the last text are kept."""
    key = hashlib.sha256(data).hexdigest()
    if key not in _kept:
        _kept.clear()
        places = locate_characters(data, name)
        if len(places.starts) > _MOST_KEPT:
            return places
        _kept[key] = places
    return _kept[key]


def _on_pages(
    pdf: pypdfium2.PdfDocument, printed: Sequence[PrintedBox]
) -> Iterator[tuple[int, float, float, float, float]]:
    """Yield page, left, top, width and height of boxes, as parts of the page as it is shown."""
    for number, boxes in groupby(printed, attrgetter("page")):
        page = pdf[number - 1]  # parsed anew each time
        for box in boxes:
            corners = [_shown(page, box.left, box.top), _shown(page, box.right, box.bottom)]
            (left, right), (top, bottom) = (sorted(each) for each in zip(*corners, strict=True))
            yield number, left, top, right - left, bottom - top


def _shown(page: pypdfium2.PdfPage, x: float, y: float) -> tuple[float, float]:
    """Return where a point of a page is in its image, from its left and top, as parts of it.

    Pages can be turned, and be cut to a part of what is drawn.
    """
    across, down = ctypes.c_int(), ctypes.c_int()
    pdfium.FPDF_PageToDevice(page, 0, 0, _GRID, _GRID, 0, x, y, across, down)
    return _part(across), _part(down)


def _part(measured: ctypes.c_int) -> float:
    return min(max(measured.value / _GRID, 0.0), 1.0)
