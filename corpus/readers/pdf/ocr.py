"""OCR of scanned PDF pages with Tesseract, if it is installed.

Tesseract runs as a separate program: it is not a dependency, and a page that makes it hang or
crash costs no more than the time limit.
"""

from __future__ import annotations

import csv
import re
import subprocess
import time
from collections.abc import Iterator
from itertools import count, groupby

import pypdfium2

from corpus.document_errors import GapProblem
from corpus.readers.pdf.line import Glyph, PrintedLine, inked
from corpus.text.blocks import CJK, normalize_text

PAGE_SECONDS = 60.0  # seconds for one page
FILE_SECONDS = 80.0  # seconds for all pages of a file, of the 120 that its reader process has
_DPI = 300
_GLANCE_DPI = 36
_MAX_PIXELS = 40_000_000  # a page of A3 at 300 dpi has 17 million
_LANGUAGES = ("jpn", "eng")
_MIN_CONFIDENCE = 40  # per cent: below it, a "word" is most often a speck or a picture
_BETWEEN_CJK = re.compile(rf"(?<={CJK}) (?={CJK}|[.,;:)])")


class OcrEngine:
    """Tesseract for the pages of one file, with a time limit for a page and for the file."""

    def __init__(self) -> None:
        """Start the file's time limit; Tesseract itself is looked for at the first page."""
        self._languages: str | None = None
        self._left = FILE_SECONDS

    def read(self, page: pypdfium2.PdfPage) -> tuple[list[PrintedLine], GapProblem | None]:
        """Recognize the text of a scanned page by OCR.

        Returns:
            The lines in Tesseract's order and None, or no lines and why there are none.
        """
        if self._languages is None:
            self._languages = languages()
        if not self._languages:
            return [], "scan"
        if self._left <= 0:
            return [], "ocr out of time"
        begun = time.monotonic()
        lines = _read(page, self._languages, min(PAGE_SECONDS, self._left))
        self._left -= time.monotonic() - begun
        return lines, None if lines else "ocr found nothing"


def languages() -> str:
    """Return the languages that Tesseract can read, of Japanese and English: "jpn+eng".

    "" if Tesseract is not installed or can read neither.
    """
    listed = _run(["--list-langs"], b"", PAGE_SECONDS).split()
    return "+".join(each for each in _LANGUAGES if each in listed)


def has_visible_content(page: pypdfium2.PdfPage) -> bool:
    """Whether a PDF page, when drawn, shows more than one uniform colour."""
    pixels, *_ = _picture(page, _GLANCE_DPI)
    return pixels.count(pixels[:1]) < len(pixels)


def _read(page: pypdfium2.PdfPage, languages: str, seconds: float) -> list[PrintedLine]:
    pixels, width, scale = _picture(page, _DPI)
    image = b"P5 %d %d 255\n" % (width, len(pixels) // width) + pixels
    dpi = str(round(72 * scale))
    found = _run(["stdin", "stdout", "-l", languages, "--dpi", dpi, "tsv"], image, seconds)
    return list(_lines(found, scale, page.get_height()))


def _picture(page: pypdfium2.PdfPage, dpi: int) -> tuple[bytes, int, float]:
    """Draw a page in grey.

    Returns:
        The pixels, one byte each; the width in pixels; and the number of pixels in a point.
    """
    width, height = page.get_size()
    scale = min(dpi / 72, (_MAX_PIXELS / max(width * height, 1)) ** 0.5)
    bitmap = page.render(scale=scale, grayscale=True)
    rows = range(0, bitmap.stride * bitmap.height, bitmap.stride)
    pixels = b"".join(bytes(bitmap.buffer[row : row + bitmap.width]) for row in rows)
    return pixels, bitmap.width, scale


def _run(arguments: list[str], data: bytes, seconds: float) -> str:
    """Return what Tesseract prints; "" if it is not installed, fails, or takes too long."""
    try:
        done = subprocess.run(
            ["tesseract", *arguments],
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("utf-8", "replace")


def _lines(table: str, scale: float, height: float) -> Iterator[PrintedLine]:
    """Convert Tesseract's table of words, in pixels, to lines in points."""
    rows = csv.DictReader(table.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    runs = count()
    words = [row for row in rows if float(row["conf"]) >= _MIN_CONFIDENCE and row["text"].strip()]
    for _, paragraph in groupby(words, key=lambda row: (row["block_num"], row["par_num"])):
        boxes = list(paragraph)
        # The height of a word depends on its letters, so take the median of the paragraph.
        size = sorted(int(box["height"]) for box in boxes)[len(boxes) // 2] / scale
        for _, line in groupby(boxes, key=lambda row: row["line_num"]):
            yield _line(list(line), size, scale, height, next(runs))


def _line(
    boxes: list[dict[str, str]], size: float, scale: float, height: float, run: int
) -> PrintedLine:
    text = normalize_text(" ".join(box["text"] for box in boxes)).strip()
    left = min(int(box["left"]) for box in boxes)
    right = max(int(box["left"]) + int(box["width"]) for box in boxes)
    bottom = max(int(box["top"]) + int(box["height"]) for box in boxes)
    text = _BETWEEN_CJK.sub("", text)
    glyphs = tuple(glyph for box in boxes for glyph in _glyphs(box, scale, height, run))
    baseline = height - bottom / scale
    return PrintedLine(text, left / scale, right / scale, baseline, size, glyphs=glyphs)


def _glyphs(box: dict[str, str], scale: float, height: float, run: int) -> Iterator[Glyph]:
    """Yield where the characters of a word are, as if all were equally wide."""
    left, top = int(box["left"]) / scale, height - int(box["top"]) / scale
    bottom = top - int(box["height"]) / scale
    letters = inked(normalize_text(box["text"]))
    width = int(box["width"]) / scale / max(len(letters), 1)
    for n in range(len(letters)):
        yield Glyph(run, left + n * width, bottom, left + (n + 1) * width, top)
