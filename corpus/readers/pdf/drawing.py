"""Images of the pages of a PDF.

The process that draws must not have read PDFs before: reading replaces all fonts that a file names
but does not contain (``fallback_font``), and here the installed ones are wanted.
"""

from __future__ import annotations

import io
import math

from corpus.errors import CorpusError
from corpus.readers.pdf.opening import opened_pdf

MAX_PIXELS = 12_000_000  # of an image: a page of A4 at 340 dpi
QUALITY = 90  # of WebP: at half the size of PNG, letters look the same


def draw_page(data: bytes, name: str, number: int, width: int) -> bytes | None:
    """Draw a page of a PDF.

    Args:
        data: The bytes of the file.
        name: What error messages call it.
        number: The number of the page, from 1.
        width: The width of the image, in pixels; it becomes narrower if it would be too large.

    Returns:
        A WebP image; None if there is no such page.

    Raises:
        CorpusError: The file or the page is damaged, or encrypted.
    """
    with opened_pdf(data, name) as pdf:
        if not 1 <= number <= len(pdf):
            return None
        page = pdf[number - 1]
        across, down = page.get_size()
        if not (across > 0 and down > 0 and math.isfinite(across * down)):
            raise CorpusError(f"{name} has a page without a size ({number}): save it again")
        scale = min(width / across, math.sqrt(MAX_PIXELS / (across * down)))
        if max(across, down) * scale > 16_000 or min(across, down) * scale < 1:  # limits of WebP
            raise CorpusError(f"page {number} of {name} is too long and narrow: save it again")
        written = io.BytesIO()
        page.render(scale=scale).to_pil().save(written, "WEBP", quality=QUALITY, method=2)
        return written.getvalue()
