"""Reading what a page shows, where it has no text: with Tesseract, if that is installed.

It is a program of its own, so it costs no dependency, and a page that makes it hang or crash
costs its time limit and nothing else.
"""

from __future__ import annotations

import csv
import re
import subprocess
from collections.abc import Iterator
from itertools import groupby

import pypdfium2

from corpus.blocks import CJK, clean
from corpus.printed import Line

LIMIT = 60  # seconds for one page
_DPI = 300
_MAX_PIXELS = 40_000_000  # a page of A3 at 300 dpi has 17 million
_LANGUAGES = ("jpn", "eng")
_LEAST_SURE = 40  # per cent: below it, a "word" is mostly a speck or a picture
_BETWEEN_CJK = re.compile(rf"(?<={CJK}) (?={CJK}|[.,;:)])")


def languages() -> str:
    """What Tesseract can read of Japanese and English, as "jpn+eng"; "" where it cannot be used."""
    listed = _run(["--list-langs"], b"").split()
    return "+".join(each for each in _LANGUAGES if each in listed)


def read_page(page: pypdfium2.PdfPage, languages: str) -> list[Line]:
    """The lines that Tesseract sees on a page, in its order; none where it fails or is slow."""
    width, height = page.get_size()
    scale = min(_DPI / 72, (_MAX_PIXELS / max(width * height, 1)) ** 0.5)
    bitmap = page.render(scale=scale, grayscale=True)
    rows = range(0, bitmap.stride * bitmap.height, bitmap.stride)
    pixels = b"".join(bytes(bitmap.buffer[row : row + bitmap.width]) for row in rows)
    image = b"P5 %d %d 255\n" % (bitmap.width, bitmap.height) + pixels
    dpi = str(round(72 * scale))
    found = _run(["stdin", "stdout", "-l", languages, "--dpi", dpi, "tsv"], image)
    return list(_lines(found, scale, height))


def _run(arguments: list[str], data: bytes) -> str:
    """What Tesseract prints, or "" where it is absent, fails, or takes too long."""
    try:
        done = subprocess.run(
            ["tesseract", *arguments],
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=LIMIT,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("utf-8", "replace")


def _lines(table: str, scale: float, height: float) -> Iterator[Line]:
    """Tesseract's table of words to lines in points, from the bottom left of the page."""
    rows = csv.DictReader(table.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    words = [row for row in rows if float(row["conf"]) >= _LEAST_SURE and row["text"].strip()]
    for _, paragraph in groupby(words, key=lambda row: (row["block_num"], row["par_num"])):
        boxes = list(paragraph)
        # How high a word is depends on its letters: the type is that of the paragraph.
        size = sorted(int(box["height"]) for box in boxes)[len(boxes) // 2] / scale
        for _, line in groupby(boxes, key=lambda row: row["line_num"]):
            yield _line(list(line), size, scale, height)


def _line(boxes: list[dict[str, str]], size: float, scale: float, height: float) -> Line:
    text = clean(" ".join(box["text"] for box in boxes)).strip()
    left = min(int(box["left"]) for box in boxes)
    right = max(int(box["left"]) + int(box["width"]) for box in boxes)
    bottom = max(int(box["top"]) + int(box["height"]) for box in boxes)
    text = _BETWEEN_CJK.sub("", text)
    return Line(text, left / scale, right / scale, height - bottom / scale, size)
