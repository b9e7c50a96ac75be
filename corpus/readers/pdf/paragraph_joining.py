"""Sentences that go on over a column or a page, past the notes and figures in between. Pure."""

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
_MOST_BETWEEN = 60  # groups: a page of figures has many small ones


@dataclass(slots=True)
class LineGroup:
    """Lines that make one heading (``level`` 1 and up) or paragraph (0) of a page.

    ``glue`` parts it from the group before; ``resumes`` says that it goes on with the sentence
    in which the group before breaks off.
    """

    lines: list[PrintedLine]
    level: int
    glue: str
    page: int
    resumes: bool = False


def join_interrupted_paragraphs(groups: Sequence[LineGroup], body: float) -> list[LineGroup]:
    """The groups in the order in which they are read.

    What a sentence is interrupted by (notes at the foot of its column, figures, tables and
    captions at the head of the next) is put before its paragraph if it stands on the page
    where the sentence begins and the sentence ends on the next one, else after it: so the text
    of each page stays in one piece. ``body`` is the size of running text, in points.
    """
    waiting = deque(groups)
    ordered: list[LineGroup] = []
    while waiting:
        ordered.append(waiting.popleft())
        start = len(ordered) - 1  # where the paragraph begins that may break off
        aside: list[LineGroup] = []
        while True:
            ahead = [*aside, *islice(waiting, _MOST_BETWEEN)]
            at = _resumption(ordered[-1], ahead, body)
            if at is None:
                break
            between, then = ahead[:at], ahead[at]
            before = [each for each in between if each.page != then.page]
            if before and ordered[start].page != ordered[-1].page:
                break  # its paragraph fills a whole page: nothing can be put before it there
            for _ in range(at + 1 - len(aside)):
                waiting.popleft()
            ordered[start:start] = before
            start += len(before)
            aside = [each for each in between if each.page == then.page] + ahead[
                at + 1 : len(aside)
            ]
            then.resumes = True
            ordered.append(then)
        while aside and waiting and _same_list(ordered[-1], waiting[0]):
            ordered.append(waiting.popleft())  # the lines of a list are not parted either
        waiting.extendleft(reversed(aside))
    return ordered


def _same_list(last: LineGroup, group: LineGroup) -> bool:
    return group.glue == LINE and group.page == last.page


def _resumption(broken: LineGroup, after: Sequence[LineGroup], body: float) -> int | None:
    """Which of the groups after it goes on with the sentence in which a group breaks off."""
    size = broken.lines[0].size
    if not _is_text(broken, size) or ends_sentence(broken.lines[-1].text):
        return None
    in_body = abs(size - body) < 0.06 * body
    clear = in_body  # all groups in between are such as interrupt a text
    for index, group in enumerate(after[: _MOST_BETWEEN if in_body else 1]):
        if group.level or group.page > broken.page + 1:
            return None
        beyond = _is_beyond(group, broken)
        aside = _is_aside(group, size)
        if beyond and not aside and _is_text(group, size) and _goes_on(broken, group, clear):
            return index
        if not beyond and not aside:
            return None
        clear = clear and aside
    return None


def _is_text(group: LineGroup, size: float) -> bool:
    """Whether a group is running text of that size."""
    first = group.lines[0]
    if group.level or abs(first.size - size) > 0.06 * size or _is_caption(first, size):
        return False
    rows = sum(EM_SPACE in line.text or is_row(line.text) for line in group.lines)
    return first.upright and 2 * rows < len(group.lines)


def _is_aside(group: LineGroup, size: float) -> bool:
    first = group.lines[0]
    return _is_caption(first, size) or not first.upright or first.size < 0.94 * size


def _is_caption(line: PrintedLine, size: float) -> bool:
    """Whether a caption starts here, and no sentence with "Table 4." in type of that size."""
    plain = abs(line.size - size) <= 0.06 * size and not line.bold and ":" not in line.text[:14]
    return is_caption(line.text) and not plain


def _is_beyond(group: LineGroup, broken: LineGroup) -> bool:
    """Whether a group stands in a later column, or on a later page."""
    last, first = broken.lines[-1], group.lines[0]
    return group.page > broken.page or first.y > last.y + last.size or first.x0 > last.x1


def _goes_on(broken: LineGroup, group: LineGroup, clear: bool) -> bool:
    last, first, *others = broken.lines[-1], *group.lines
    if last.text.endswith(SOFT_HYPHEN) or first.text[0].islower():
        # A few words that close no sentence are the rest of a cell in a table.
        wide = first.x1 - first.x0 > 0.5 * (last.x1 - last.x0)
        return wide or (not others and ends_sentence(first.text))
    if not clear or is_item(first.text) or not _is_filled(broken):
        return False
    indented = bool(others) and first.x0 - others[0].x0 > 0.8 * first.size
    return _CJK.match(first.text) is not None or (bool(others) and not indented)


def _is_filled(group: LineGroup) -> bool:
    """Whether the last line of a group is about as long as its others, or there are none."""
    lengths = [line.x1 - line.x0 for line in group.lines]
    return lengths[-1] > max(0.7 * max(lengths), 3 * group.lines[0].size)
