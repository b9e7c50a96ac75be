"""Joining of paragraphs that continue in the next column or on the next page of a PDF."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from corpus.readers.pdf.line import (
    EM_SPACE,
    PrintedLine,
    ends_sentence,
    is_caption,
    is_item,
    is_row,
)
from corpus.text.blocks import CJK, LINE
from corpus.text.dehyphenation import SOFT_HYPHEN

_CJK = re.compile(CJK)
_MAX_BETWEEN = 60  # groups: a page of figures has many small ones


@dataclass(slots=True)
class LineGroup:
    """Lines of a page that are one heading (``level`` from 1) or paragraph (``level`` 0).

    Attributes:
        lines: The lines, at least one once the group is complete.
        level: The level of the heading, or 0.
        glue: The separator between the group before and this one.
        page: The number of the page.
        resumes: Whether it continues the sentence in which the group before it breaks off.
    """

    lines: list[PrintedLine]
    level: int
    glue: str
    page: int
    resumes: bool = False


def join_interrupted_paragraphs(groups: Sequence[LineGroup], body: float) -> list[LineGroup]:
    """Put the parts of interrupted paragraphs next to each other, and mark the later parts.

    What interrupts a paragraph (notes at the foot of its column, figures, tables and captions
    at the top of the next) moves before it if it is on the page where the paragraph begins and
    the paragraph ends on the next page, else after it. So the text of each page stays in one
    piece.

    Args:
        groups: The headings and paragraphs of all pages, in order.
        body: The size of running text, in points.

    Returns:
        The groups in reading order; ``resumes`` is set on those that continue the one before.
    """
    waiting = deque(groups)
    ordered: list[LineGroup] = []
    while waiting:
        ordered.append(waiting.popleft())
        start = len(ordered) - 1  # of the paragraph that may be interrupted
        aside: list[LineGroup] = []
        while True:
            ahead = [*aside, *islice(waiting, _MAX_BETWEEN)]
            at = _resumption(ordered[-1], ahead, body)
            if at is None:
                break
            between, rest = ahead[:at], ahead[at]
            before = [each for each in between if each.page != rest.page]
            if before and ordered[start].page != ordered[-1].page:
                break  # it fills a whole page: nothing can be moved before it there
            for _ in range(at + 1 - len(aside)):
                waiting.popleft()
            ordered[start:start] = before
            start += len(before)
            aside = [each for each in between if each.page == rest.page] + ahead[
                at + 1 : len(aside)
            ]
            rest.resumes = True
            ordered.append(rest)
        while aside and waiting and _same_list(ordered[-1], waiting[0]):
            ordered.append(waiting.popleft())  # keep the lines of a list together
        waiting.extendleft(reversed(aside))
    return ordered


def _same_list(last: LineGroup, group: LineGroup) -> bool:
    return group.glue == LINE and group.page == last.page


def _resumption(broken: LineGroup, after: Sequence[LineGroup], body: float) -> int | None:
    """Find the group that continues an unfinished sentence: its position, or None."""
    size = broken.lines[0].size
    if not _is_text(broken, size) or ends_sentence(broken.lines[-1].text):
        return None
    in_body = abs(size - body) < 0.06 * body
    clear = in_body  # all groups in between are notes, figures or captions
    for index, group in enumerate(after[: _MAX_BETWEEN if in_body else 1]):
        if group.level or group.page > broken.page + 1:
            return None
        beyond = _is_beyond(group, broken)
        aside = _is_aside(group, size)
        if beyond and not aside and _is_text(group, size) and _continues(broken, group, clear):
            return index
        if not beyond and not aside:
            return None
        clear = clear and aside
    return None


def _is_text(group: LineGroup, size: float) -> bool:
    """Whether a group is running text of the given size."""
    first = group.lines[0]
    if group.level or abs(first.size - size) > 0.06 * size or _is_caption(first, size):
        return False
    rows = sum(EM_SPACE in line.text or is_row(line.text) for line in group.lines)
    return first.upright and 2 * rows < len(group.lines)


def _is_aside(group: LineGroup, size: float) -> bool:
    first = group.lines[0]
    return _is_caption(first, size) or not first.upright or first.size < 0.94 * size


def _is_caption(line: PrintedLine, size: float) -> bool:
    """Whether a caption starts here, not a sentence of running text with "Table 4."."""
    plain = abs(line.size - size) <= 0.06 * size and not line.bold and ":" not in line.text[:14]
    return is_caption(line.text) and not plain


def _is_beyond(group: LineGroup, broken: LineGroup) -> bool:
    """Whether a group is in a later column or on a later page than the interrupted one."""
    last, first = broken.lines[-1], group.lines[0]
    return group.page > broken.page or first.y > last.y + last.size or first.x0 > last.x1


def _continues(broken: LineGroup, group: LineGroup, clear: bool) -> bool:
    last, first, *others = broken.lines[-1], *group.lines
    if last.text.endswith(SOFT_HYPHEN) or first.text[0].islower():
        # A few words that do not end a sentence are the rest of a table cell.
        wide = first.x1 - first.x0 > 0.5 * (last.x1 - last.x0)
        return wide or (not others and ends_sentence(first.text))
    if not clear or is_item(first.text) or not _is_filled(broken):
        return False
    indented = bool(others) and first.x0 - others[0].x0 > 0.8 * first.size
    return _CJK.match(first.text) is not None or (bool(others) and not indented)


def _is_filled(group: LineGroup) -> bool:
    """Whether the last line of a group is about as long as its other lines, if any."""
    lengths = [line.x1 - line.x0 for line in group.lines]
    return lengths[-1] > max(0.7 * max(lengths), 3 * group.lines[0].size)
