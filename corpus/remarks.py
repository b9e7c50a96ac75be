"""What a user should know of a document that was read, but not all of it, or not from its text.

Pure; the ingestion report shows it beside what became of the document.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from corpus.types import Document


def remarks(document: Document) -> str:
    """Pages that could not be read, with why, and pages read by OCR; "" for neither.

    ``page 3 could not be read: OCR finds no text on it; pages 2, 5-7 read by OCR``
    """
    gaps: dict[str, list[int]] = {}
    for gap in document.gaps:
        gaps.setdefault(gap.reason, []).append(gap.page)
    said = [f"{_pages(pages)} could not be read: {reason}" for reason, pages in gaps.items()]
    by_ocr = [page.number for page in document.pages if page.ocr]
    return "; ".join([*said, f"{_pages(by_ocr)} read by OCR"] if by_ocr else said)


def _pages(numbers: Sequence[int]) -> str:
    """``page 3``, or ``pages 2, 5-7``; numbers ascend."""
    runs = groupby(enumerate(numbers), key=lambda each: each[1] - each[0])
    spans = [[number for _, number in run] for _, run in runs]
    shown = [f"{span[0]}-{span[-1]}" if len(span) > 1 else f"{span[0]}" for span in spans]
    return ("page " if len(numbers) == 1 else "pages ") + ", ".join(shown)
