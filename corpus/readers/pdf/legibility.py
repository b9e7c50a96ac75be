"""Which of the lines on a page can be read. Pure.

Fonts need not say which characters they draw; what a PDF reader gives then is numbers of
glyphs, or characters that have nothing to do with what is printed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from corpus.readers.pdf.line import PrintedLine

_SIGNS = re.compile(r"[!\"#&;?@\\^`~<>]")


def readable_lines(lines: Sequence[PrintedLine]) -> list[PrintedLine]:
    """The lines of one page that can be read, in order."""
    if _is_garbled(lines):
        return []
    scrambled = set(_scrambled(lines))
    return [line for line in lines if line not in scrambled and not _is_illegible(line)]


def text_length(lines: Sequence[PrintedLine]) -> int:
    """How many characters lines have."""
    return sum(len(line.text) for line in lines)


def _is_illegible(line: PrintedLine) -> bool:
    """Whether a fifth of a line are replacements, controls or private characters."""
    bad = sum(
        char == "\ufffd" or "\ue000" <= char <= "\uf8ff" or (char < " " and char != "\t")
        for char in line.text
    )
    return bad * 5 >= len(line.text)


def _is_garbled(lines: Sequence[PrintedLine]) -> bool:
    """Whether a page is in another script than its characters say: "Ïðèâåò" for "Привет".

    No language that is written with the accented letters of Western Europe has so many.
    """
    letters = [char for line in lines for char in line.text if char.isalpha()]
    accented = sum("\xa0" < char < "\u0100" for char in letters)
    return len(letters) > 40 and 5 * accented > 2 * len(letters)


def _scrambled(lines: Sequence[PrintedLine]) -> list[PrintedLine]:
    """Lines such as "K?</676/<# L5?><56#", where a page has many: labels in a figure's font."""
    found = []
    signs: set[str] = set()
    for line in lines:
        marks = _SIGNS.findall(line.text)
        inked = sum(not char.isspace() for char in line.text)
        letters = sum(map(str.isalpha, line.text))
        if inked > 3 and len(marks) > 0.12 * inked and letters < 0.45 * inked:
            found.append(line)
            signs.update(marks)
    # A table of probabilities has "<" in each row, program text has letters.
    return found if len(found) > 7 and len(signs - {"<", ">"}) > 3 else []
