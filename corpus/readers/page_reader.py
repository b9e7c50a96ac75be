"""The pages of PDFs: their images, and where on them a span of the text is printed.

    with PageReader() as pages:
        image = pages.draw(data, "paper.pdf", number=4, width=1200)
        printed = pages.locate(data, "paper.pdf", start, end)

Both are done in separate processes, as reading is. Nothing about places is stored when a document
is read: it is read again, so that documents of earlier releases have them too.
"""

from __future__ import annotations

import base64
import logging
from dataclasses import dataclass
from typing import Any, Self

from corpus.errors import CorpusError, PageNotDrawn, PageNotFound, UnreadableText
from corpus.readers.sandbox import READ_SECONDS, ReaderPool

logger = logging.getLogger(__name__)

DRAW_SECONDS = 20.0
DRAW_MEMORY_BYTES = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on a page, as parts of the page's width and height, from its left and top.

    ``page`` is the number of the page, from 1.
    """

    page: int
    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class PrintedSpan:
    """Where a span of a PDF's text is printed.

    Attributes:
        pages: The number of pages of the file.
        ratio: How many times as high as wide the page is that was asked about.
        version: The SHA-256 of the text that the file has when it is read now; empty if it cannot
            be read, as a scan without OCR.
        boxes: The rectangles, one for each printed line, in reading order; empty where the places
            of the characters are not known.
    """

    pages: int
    ratio: float
    version: str
    boxes: tuple[Box, ...]


class PageReader:
    """Draws pages and finds text on them, within limits of time and memory; threads may share it.

    Drawing has processes of its own: see ``corpus.readers.pdf.drawing``.
    """

    def __init__(self, seconds: float = DRAW_SECONDS, memory: int = DRAW_MEMORY_BYTES) -> None:
        """Make it; processes are started when they are needed.

        Args:
            seconds: The time that drawing one page may take.
            memory: The bytes that drawing may take.
        """
        self._readers = ReaderPool(READ_SECONDS)
        self._drawers = ReaderPool(seconds, memory)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def draw(self, data: bytes, name: str, number: int, width: int) -> bytes:
        """Draw a page as a WebP image.

        Args:
            data: The bytes of the PDF.
            name: What error messages call it.
            number: The number of the page, from 1.
            width: The width of the image, in pixels; very tall pages become narrower.

        Raises:
            PageNotFound: There is no such page.
            PageNotDrawn: The file needs a password, or the page cannot be drawn.
        """
        task = {"task": "draw", "number": number, "width": width}
        image = _ask(self._drawers, task, data, name)["image"]
        if image is None:
            raise PageNotFound(
                f"{name} has no page {number}: take one from 1 to its last", "beyond"
            )
        return base64.b64decode(image)

    def locate(self, data: bytes, name: str, start: int, end: int, page: int = 1) -> PrintedSpan:
        """Find where a span of a PDF's text is printed.

        Args:
            data: The bytes of the PDF.
            name: What error messages call it.
            start: The offset in the text at which the span starts.
            end: The offset at which it ends.
            page: The page whose shape is wanted.

        Raises:
            PageNotDrawn: The file needs a password, or is damaged.
        """
        task = {"task": "locate", "start": start, "end": end, "page": page}
        return self._span(task, data, name)

    def measure(self, data: bytes, name: str, page: int) -> PrintedSpan:
        """Return what ``locate`` does without reading the text: it has no version and no boxes.

        Raises:
            PageNotDrawn: The file needs a password, or is damaged.
        """
        return self._span({"task": "measure", "page": page}, data, name)

    def _span(self, task: dict[str, Any], data: bytes, name: str) -> PrintedSpan:
        reply = _ask(self._readers, task, data, name)
        boxes = tuple(Box(*each) for each in reply["boxes"])
        return PrintedSpan(reply["pages"], reply["ratio"], reply["version"], boxes)

    def close(self) -> None:
        """End all processes, also those that are at work."""
        self._readers.close()
        self._drawers.close()


def _ask(pool: ReaderPool, task: dict[str, Any], data: bytes, name: str) -> dict[str, Any]:
    try:
        return pool.ask(name, task, data)
    except UnreadableText as error:
        raise PageNotDrawn(
            f"{name} needs a password, which is not kept: add a copy without one to see its pages",
            "locked",
        ) from error
    except CorpusError as error:
        logger.warning("a page of %s was not drawn: %s", name, error)
        raise PageNotDrawn(
            f"a page of {name} cannot be drawn: save the PDF again in another program and add it"
            " again",
            "broken",
        ) from error
