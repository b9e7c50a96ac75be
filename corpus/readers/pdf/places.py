"""The places of a text's characters on the pages of its PDF.

A document's text is made of printed lines: what joining them changes is white space and hyphens.
So the other characters of the text are those of the lines, in the same order, and each has the
place where its line has it. Where the two are not the same, no places are given at all.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from operator import attrgetter

from corpus.readers.pdf.line import Glyph, PrintedLine, inked
from corpus.readers.pdf.reader import read_pdf_lines
from corpus.text.blocks import join_blocks
from corpus.types import text_hash


@dataclass(frozen=True, slots=True)
class PrintedBox:
    """A rectangle on a page, by its number from 1; in points, ``bottom`` below ``top``."""

    page: int
    left: float
    bottom: float
    right: float
    top: float


@dataclass(frozen=True, slots=True)
class CharacterPlaces:
    """The places of the characters of a text.

    Attributes:
        version: The SHA-256 of the text.
        starts: For each offset of the text, how many characters are drawn before it; one more at
            the end.
        lines: The printed lines of the text, each with the number of its page. Empty if their
            characters are not those of the text.
        ends: For each line, how many characters are drawn up to its end.
    """

    version: str
    starts: Sequence[int]
    lines: Sequence[tuple[int, PrintedLine]]
    ends: Sequence[int]

    def boxes(self, start: int, end: int) -> list[PrintedBox]:
        """Return the rectangles around a span of the text, one for each printed line."""
        last = len(self.starts) - 1
        at, stop = self.starts[min(start, last)], self.starts[min(end, last)]
        boxes: list[PrintedBox] = []
        for n in range(bisect_right(self.ends, at), len(self.lines)):
            page, line = self.lines[n]
            first = self.ends[n] - len(line.glyphs)
            if first >= stop:
                break
            drawn = line.glyphs[max(at - first, 0) : stop - first]
            boxes += (_around(page, list(run)) for _, run in groupby(drawn, attrgetter("run")))
        return boxes


def locate_characters(data: bytes, name: str, password: str = "") -> CharacterPlaces:
    """Read a PDF, and find where each character of its text is printed.

    Args:
        data: The bytes of the file.
        name: What error messages call it.
        password: Opens an encrypted file.

    Raises:
        CorpusError: What ``read_pdf`` raises.
    """
    parsed, lines = read_pdf_lines(data, name, password)
    text, _, _ = join_blocks(parsed.blocks)
    starts = list(accumulate(map(_drawn_characters, text), initial=0))
    if not _are_lines_of(text, lines):
        lines = ()
    ends = list(accumulate(len(line.glyphs) for _, line in lines))
    return CharacterPlaces(text_hash(text), starts, lines, ends)


def _are_lines_of(text: str, lines: Sequence[tuple[int, PrintedLine]]) -> bool:
    letters = [inked(line.text) for _, line in lines]
    placed = all(
        len(line.glyphs) == len(each) for (_, line), each in zip(lines, letters, strict=True)
    )
    return placed and "".join(letters) == inked(text)


def _drawn_characters(char: str) -> int:
    return int(not char.isspace() and char != "-") if char < "\x80" else len(inked(char))


def _around(page: int, glyphs: Sequence[Glyph]) -> PrintedBox:
    return PrintedBox(
        page,
        min(glyph.left for glyph in glyphs),
        min(glyph.bottom for glyph in glyphs),
        max(glyph.right for glyph in glyphs),
        max(glyph.top for glyph in glyphs),
    )
