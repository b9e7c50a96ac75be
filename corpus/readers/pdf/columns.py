"""Two columns that a file draws line by line across the page, put one after the other. Pure.

Most files draw a column at a time. Where one does not, a printed line holds a line of each
column, with a wide gap between them, and the gaps of the page stand one below the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from corpus.readers.pdf.line import EM_SPACE, PrintedLine

_LEAST = 8  # lines; a shorter stretch may well be a table


def reorder_columns(lines: Sequence[PrintedLine]) -> list[PrintedLine]:
    """The lines of a page as they are read; unchanged where no gap runs down between prose."""
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
        else:  # across both: what stands above it comes first
            ordered += [*right, line]
            right = []
    return ordered + right


def _gutter(lines: Sequence[PrintedLine]) -> float:
    """The x that most gaps of the lines lie around; 0 where there are none."""
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
    """The two parts of a line that has a gap around the gutter."""
    parts = line.text.split(EM_SPACE)
    if len(parts) != len(line.gaps) + 1:
        return None
    for at, (left, right) in enumerate(line.gaps, 1):
        if left <= gutter <= right:
            first, second = EM_SPACE.join(parts[:at]), EM_SPACE.join(parts[at:])
            return (
                replace(line, text=first, x1=left, gaps=line.gaps[: at - 1]),
                replace(line, text=second, x0=right, gaps=line.gaps[at:], bold=False),
            )
    return None


def _are_columns(halves: Sequence[tuple[PrintedLine, PrintedLine] | None]) -> bool:
    """Whether parted lines are the rule on a page, and both their sides are filled with words."""
    parted = [half for half in halves if half]
    if len(parted) < max(_LEAST, 0.5 * len(halves)):
        return False
    for side in zip(*parted, strict=True):
        widest = max(line.x1 - line.x0 for line in side)
        filled = sum(line.x1 - line.x0 > 0.6 * widest for line in side)
        letters = sum(map(str.isalpha, "".join(line.text for line in side)))
        if filled < 0.6 * len(side) or letters < 20 * len(side):
            return False
    return True
