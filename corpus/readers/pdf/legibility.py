"""Detection of PDF lines whose text is not what is printed.

A font in a PDF need not say which characters it draws. PDFium then returns glyph numbers, or
characters that have nothing to do with the printed ones.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from corpus.readers.pdf.line import PrintedLine

_SIGNS = re.compile(r"[!\"#&;?@\\^`~<>]")


def readable_lines(lines: Sequence[PrintedLine]) -> list[PrintedLine]:
    """Return the lines of one page whose text is readable; none if the page is garbled."""
    if _is_garbled(lines):
        return []
    scrambled = set(_scrambled(lines))
    return [line for line in lines if line not in scrambled and not _is_illegible(line)]


def text_length(lines: Sequence[PrintedLine]) -> int:
    """Count the characters in printed lines."""
    return sum(len(line.text) for line in lines)


def _is_illegible(line: PrintedLine) -> bool:
    """Whether a fifth of a line is replacement, control or private-use characters."""
    bad = sum(
        char == "\ufffd" or "\ue000" <= char <= "\uf8ff" or (char < " " and char != "\t")
        for char in line.text
    )
    return bad * 5 >= len(line.text)


def _is_garbled(lines: Sequence[PrintedLine]) -> bool:
    """Whether a page has the characters of a wrong encoding: "Ïðèâåò" for "Привет".

    That is where over 40 % of the letters are accented, more than in any Western language.
    """
    letters = [char for line in lines for char in line.text if char.isalpha()]
    accented = sum("\xa0" < char < "\u0100" for char in letters)
    return len(letters) > 40 and 5 * accented > 2 * len(letters)


def _scrambled(lines: Sequence[PrintedLine]) -> list[PrintedLine]:
    """Find lines such as "K?</676/<# L5?><56#" on pages with many: labels in a figure's font."""
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
