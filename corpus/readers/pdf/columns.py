"""Separation of two text columns that a PDF draws line by line across the page.

Most files draw one column after the other. Where one does not, each printed line holds a line of
both columns with a wide gap between them, and these gaps lie below each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from corpus.readers.pdf.line import EM_SPACE, PrintedLine, inked

_MIN_LINES = 8  # fewer may well be a table


def reorder_columns(lines: Sequence[PrintedLine]) -> list[PrintedLine]:
    """Put the lines of the left column before those of the right, if a page has two columns.

    Args:
        lines: The lines of one page, in the order of the file.

    Returns:
        The lines in reading order, those that hold a line of each column cut in two; unchanged
        where no gap runs down the page between two columns of prose.
    """
    gutter = _gutter(lines)
    halves = [_halves(line, gutter) for line in lines]
    if not _are_columns(halves):
        return list(lines)
    ordered: list[PrintedLine] = []
    right: list[PrintedLine] = []
    for line, half in zip(lines, halves, strict=True):
        if half:
            ordered.append(half[0])
            right.append(half[1])
        elif line.x0 > gutter:
            right.append(line)
        elif line.x1 < gutter:
            ordered.append(line)
        else:  # across both columns: what is above it comes first
            ordered += [*right, line]
            right = []
    return ordered + right


def _gutter(lines: Sequence[PrintedLine]) -> float:
    """Return the x, in points, that lies within most gaps of the lines; 0 without gaps."""
    edges = sorted(
        edge for line in lines for left, right in line.gaps for edge in ((left, -1), (right, 1))
    )
    best = depth = 0
    gutter = 0.0
    for at, (x, closes) in enumerate(edges):
        depth -= closes
        if depth > best:
            best, gutter = depth, (x + edges[at + 1][0]) / 2
    return gutter


def _halves(line: PrintedLine, gutter: float) -> tuple[PrintedLine, PrintedLine] | None:
    """Cut a line in two at the gap around the gutter; None if it has no gap there."""
    parts = line.text.split(EM_SPACE)
    if len(parts) != len(line.gaps) + 1:
        return None
    for at, (left, right) in enumerate(line.gaps, 1):
        if left <= gutter <= right:
            first, second = EM_SPACE.join(parts[:at]), EM_SPACE.join(parts[at:])
            glyphs, ink = line.glyphs, len(inked(first))
            return (
                replace(line, text=first, x1=left, gaps=line.gaps[: at - 1], glyphs=glyphs[:ink]),
                replace(
                    line,
                    text=second,
                    x0=right,
                    gaps=line.gaps[at:],
                    glyphs=glyphs[ink:],
                    bold=False,
                ),
            )
    return None


def _are_columns(halves: Sequence[tuple[PrintedLine, PrintedLine] | None]) -> bool:
    """Whether most lines of a page were cut, and both sides are filled with prose."""
    cut = [half for half in halves if half]
    if len(cut) < max(_MIN_LINES, 0.5 * len(halves)):
        return False
    for side in zip(*cut, strict=True):
        widest = max(line.x1 - line.x0 for line in side)
        filled = sum(line.x1 - line.x0 > 0.6 * widest for line in side)
        letters = sum(map(str.isalpha, "".join(line.text for line in side)))
        if filled < 0.6 * len(side) or letters < 20 * len(side):
            return False
    return True
