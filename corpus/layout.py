"""Printed lines to headings and paragraphs. Pure: knows lines and where they stand, no PDF.

A PDF says where characters are, not what a paragraph is. The rules here are the typesetter's
own, read backwards: a paragraph ends where a line stops although the next word would have fit,
where the distance grows, where the size changes, where a line is indented.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from corpus.blocks import CJK, LINE, PARAGRAPH, Block
from corpus.unwrap import SOFT_HYPHEN, Unwrapper


@dataclass(frozen=True, slots=True)
class Line:
    """A printed line; lengths in points, ``y`` grows upwards.

    A line of vertical writing is described as if the page were turned, so that it too runs
    along x and the next line has a smaller y. A soft hyphen at the end of ``text`` stands for
    a hyphen that the line break may have made.
    """

    text: str
    x0: float
    x1: float
    y: float
    size: float
    bold: bool = False
    upright: bool = True
    vertical: bool = False


@dataclass(frozen=True, slots=True)
class PrintedPage:
    number: int
    lines: list[Line]


# The end of a sentence, which the number of a note may follow: "sources.1", but not "73.6".
_END = re.compile(r"(?:[.!?:。．！？：」』）][\"'”’)\]]*|[^\d\s][.!?][\"'”’)\]]*\d{1,2})$")
_BULLET = re.compile(r"[•●◦▪■‣・]|[①-⑳]")
_ITEM = re.compile(r"[*–—-]\s|\(\w{1,3}\)\s|\[\d+\]\s|\d{1,2}[.)]\s")
_CJK = re.compile(CJK)
_NUMBERED = re.compile(
    r"(?P<number>\d{1,2}(?:\.\d{1,2}){0,3}|[A-Z](?:\.\d{1,2}){0,3}|[IVX]{1,5})[.．)]?"
    r"[ \u3000]+[^\W\d_]"
    r"|第[\d一二三四五六七八九十]+[章節部]|Appendix [A-Z]\b"
)
_NAMED = re.compile(
    r"(abstract|introduction|conclusions?|discussion|limitations|references|bibliography"
    r"|acknowledge?ments?|appendix|ethics statement|related work"
    r"|要旨|要約|概要|はじめに|序論|おわりに|結論|まとめ|謝辞|参考文献|目次|付録)",
    re.IGNORECASE,
)


def lay_out(pages: list[PrintedPage]) -> tuple[list[Block], str]:
    """The blocks of a document, and its title as far as the first page shows one."""
    pages = _without_running_heads(
        [replace(page, lines=_rejoin(_right_to_left(page.lines))) for page in pages]
    )
    body = _body_size(pages)
    title = _title_lines(pages[0].lines, body)
    unwrap = Unwrapper([line.text for page in pages for line in page.lines])
    blocks: list[Block] = []
    for page in pages:
        front = _front(page.lines, title) if page is pages[0] else 0
        for lines, level, glue in _groups(page.lines, body, front):
            text = unwrap.join(line.text for line in lines)
            _append(blocks, Block(text, level, page.number, glue), unwrap)
    # A soft hyphen that nothing followed is a hyphen that was printed.
    blocks = [replace(each, text=re.sub(f"{SOFT_HYPHEN}$", "-", each.text)) for each in blocks]
    return blocks, unwrap.join(line.text for line in title)


def _right_to_left(lines: list[Line]) -> list[Line]:
    """Order vertical writing as it is read: tier by tier from the top, each from the right."""
    ordered: list[Line] = []
    for vertical, run in groupby(lines, key=lambda line: line.vertical):
        if not vertical:
            ordered += run
            continue
        tier: list[Line] = []
        for line in sorted(run, key=lambda each: each.x0):
            if tier and line.x0 > max(each.x1 for each in tier):
                ordered += sorted(tier, key=lambda each: -each.y)
                tier = []
            tier.append(line)
        ordered += sorted(tier, key=lambda each: -each.y)
    return ordered


def _rejoin(lines: list[Line]) -> list[Line]:
    """Put together what stands on one line; pdfium breaks lines after superscripts."""
    joined: list[Line] = []
    for line in lines:
        last = joined[-1] if joined else None
        if (
            last
            and last.upright
            and line.upright
            and not last.text.endswith(SOFT_HYPHEN)
            and abs(last.y - line.y) < 0.35 * max(last.size, line.size)
            and -0.5 * last.size < line.x0 - last.x1 < 2 * last.size
        ):
            space = "" if re.match(r"[,.;:)\]]", line.text) else " "
            size = max(last.size, line.size)
            text = last.text + space + line.text
            joined[-1] = replace(last, text=text, x1=line.x1, size=size)
        else:
            joined.append(line)
    return joined


def _without_running_heads(pages: list[PrintedPage]) -> list[PrintedPage]:
    """Drop lines that stand at the top or bottom of most pages, numbers aside."""
    edges = [_edges(page.lines) for page in pages]
    counts = Counter(shape for edge in edges for shape in {_shape(line) for line in edge})
    # Left and right pages often have heads of their own: each on half of the pages.
    often = max(3, 0.4 * len(pages))
    kept = []
    for page, edge in zip(pages, edges, strict=True):
        drop = {line for line in edge if counts[_shape(line)] >= often}
        drop |= {line for line in edge if line.text == str(page.number)}
        lines = [line for line in page.lines if line not in drop]
        kept.append(replace(page, lines=lines or page.lines))
    return kept


def _edges(lines: list[Line]) -> list[Line]:
    """The three topmost and the three lowest lines of a page with more than those."""
    ranked = sorted((line for line in lines if line.upright), key=lambda line: line.y)
    return [*ranked[:3], *ranked[-3:]] if len(ranked) > 6 else ranked[:1]


def _shape(line: Line) -> str:
    return re.sub(r"\d+", "#", line.text.casefold())


def _body_size(pages: list[PrintedPage]) -> float:
    """The size in which most characters are set, in points."""
    sizes: Counter[float] = Counter()
    for page in pages:
        for line in page.lines:
            sizes[round(line.size, 1)] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 0.0


def _title_lines(lines: list[Line], body: float) -> list[Line]:
    """The lines in the largest type of the first page, where they are few and stand together."""
    runs: list[list[Line]] = []
    for line in lines:
        if not line.upright or line.size < 1.15 * body:
            continue
        if runs and abs(runs[-1][-1].size - line.size) < 0.1 * line.size:
            runs[-1].append(line)
        else:
            runs.append([line])

    def rank(run: list[Line]) -> tuple[bool, float]:
        # A logo or a label in a figure may be larger than the title, but says less.
        return sum(len(_CJK.sub("xx", line.text)) for line in run) >= 15, run[0].size

    best = max(runs, key=rank, default=[])
    return best if len(best) <= 4 and sum(len(line.text) for line in best) <= 250 else []


def _front(lines: list[Line], title: list[Line]) -> int:
    """How many lines of the first page come before its first heading: title, authors, places.

    0 where there is no title, or no heading of the kind that papers have.
    """
    opening = (i for i, line in enumerate(lines) if line not in title and _opens(line.text))
    return next(opening, len(title)) if title else 0


def _groups(lines: list[Line], body: float, front: int) -> Iterator[tuple[list[Line], int, str]]:
    """The headings and paragraphs of one page: (lines, heading level or 0, glue)."""
    group: list[Line] = []
    level, glue = 0, PARAGRAPH
    gaps = sorted(last.y - line.y for last, line in pairwise(lines) if last.y > line.y)
    leading = gaps[len(gaps) // 2] if gaps else 0.0
    for index, line in enumerate(lines):
        heading = _heading_level(line, body) if index >= front else 0
        edge = max(each.x1 for each in [*group, *_same_column(lines[index : index + 3])])
        if group and (separator := _break(group, line, edge, leading, heading, level)):
            yield group, level, glue
            group, glue = [], separator
        if not group:
            level = heading
        group.append(line)
    if group:
        yield group, level, glue


def _same_column(lines: list[Line]) -> list[Line]:
    """The first line, and those after it that begin about where it does, in the same type."""
    first, *others = lines
    near = 3 * first.size
    return [first] + [
        line
        for line in others
        if abs(line.x0 - first.x0) < near and abs(line.size - first.size) < 0.1 * first.size
    ]


def _break(
    group: list[Line], line: Line, edge: float, leading: float, heading: int, level: int
) -> str:
    """What parts a line from the lines before it: a paragraph, a line break, or "" nothing.

    ``edge`` is how far the lines around it reach, ``leading`` how far lines are apart.
    """
    last = group[-1]
    same_type = abs(line.size - last.size) < 0.12 * last.size
    gap = last.y - line.y
    if heading or level:
        # A heading may take two lines: the second has the same type and no number.
        wraps = level and same_type and line.bold == last.bold and 0 < gap < 1.6 * last.size
        wraps = wraps and not _opens(line.text) and len(group) < 3 and not _fits(line, last, edge)
        return "" if wraps else PARAGRAPH
    if last.text.endswith(SOFT_HYPHEN):
        return ""
    if not same_type or line.upright != last.upright or line.vertical != last.vertical:
        return PARAGRAPH
    ended = bool(_END.search(last.text))
    if _BULLET.match(line.text):
        return LINE
    if _ITEM.match(line.text) and (ended or _ITEM.match(group[0].text)):
        return LINE
    if gap < -last.size:  # up again: the next column, where a sentence may go on
        return PARAGRAPH if ended else ""
    usual = group[-2].y - last.y if len(group) > 1 else leading
    if gap > 1.4 * max(usual, last.size):
        return PARAGRAPH
    if _is_row(line.text) or _is_row(last.text):
        return LINE
    indent = line.x0 - last.x0
    indented = indent > 0.8 * line.size or (indent < -0.8 * line.size and len(group) > 1)
    if ended and (indented or (line.bold and not last.bold)):
        return PARAGRAPH
    if _fits(line, last, edge):
        return PARAGRAPH if ended else LINE
    return ""


def _is_row(text: str) -> bool:
    """Whether a line is a row of a table of figures."""
    words = text.split()
    return len(words) > 3 and 2 * sum(word[0].isdigit() for word in words) >= len(words)


def _fits(line: Line, last: Line, edge: float) -> bool:
    """Whether the line's first word would have fit on the line before, up to its edge."""
    word = line.text.split(maxsplit=1)[0]
    width = 2.5 if _CJK.match(word) else 0.5 * len(word) + 1.5
    return last.x1 + width * line.size < edge


def _opens(text: str) -> bool:
    return bool(_NUMBERED.match(text) or _NAMED.fullmatch(text.strip(" .:")))


def _heading_level(line: Line, body: float) -> int:
    """1 and up for a heading, 0 for anything else."""
    text = line.text.strip()
    letters = sum(map(str.isalpha, text))
    if not line.upright or not 2 <= len(text) <= 100 or letters * 2 < len(text):
        return 0
    if text.endswith((".", ",", ";", "。", "、")) and not _NAMED.fullmatch(text.strip(" .")):
        return 0
    large = line.size > 1.15 * body
    stands_out = large or line.bold or (text.isupper() and letters > 3)
    match = _NUMBERED.match(text)
    if match and stands_out:
        return 1 + (match["number"] or "").count(".")
    if _NAMED.fullmatch(text.strip(" .:")) and line.size > 0.9 * body:
        return 1
    return int(large and letters > 3)


def _append(blocks: list[Block], block: Block, unwrap: Unwrapper) -> None:
    """Add a block; one that goes on with a sentence of the page before is glued to it."""
    last = blocks[-1] if blocks else None
    if last and last.page != block.page and not last.level and not block.level:
        going_on = block.text[0].islower() or bool(_CJK.match(block.text))
        if going_on and not _END.search(last.text):
            joined = unwrap.before(last.text, block.text)
            stem = joined.rstrip(" ")
            blocks[-1] = replace(last, text=stem)
            block = replace(block, glue=joined[len(stem) :])
    blocks.append(block)
