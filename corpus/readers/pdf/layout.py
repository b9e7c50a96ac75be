"""Grouping of printed lines into headings and paragraphs, by their position and type size.

A PDF says where characters are, not what a paragraph is. The rules here invert those of
typesetting: a paragraph ends where a line stops although the next word would have fit, where
the distance between lines grows, where the size changes, or where a line is indented.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from corpus.readers.pdf.columns import reorder_columns
from corpus.readers.pdf.line import (
    EM_SPACE,
    PrintedLine,
    PrintedPage,
    ends_sentence,
    heading_level,
    is_caption,
    is_item,
    is_row,
    is_section_heading,
)
from corpus.readers.pdf.paragraph_joining import LineGroup, join_interrupted_paragraphs
from corpus.readers.pdf.title_page import (
    author_names,
    printed_venue,
    title_block_length,
    title_lines,
)
from corpus.text.blocks import CJK, LINE, PARAGRAPH, Block
from corpus.text.dehyphenation import SOFT_HYPHEN, Dehyphenator

_CJK = re.compile(CJK)
# Lines of publishers at the top or bottom of the first page.
_IMPRINT = re.compile(r"Proceedings of|Published as|Copyright|.*(?:©|\(c\)|\bc) ?(?:19|20)\d\d\b")


@dataclass(frozen=True, slots=True)
class Layout:
    """The headings and paragraphs of a PDF, and what its first page says of the work.

    Attributes:
        blocks: The headings and paragraphs.
        title: The title; this and the others are empty where they are not found.
        authors: The authors.
        venue: The line that names a journal or a conference.
        year: The year in that line.
        lines: The printed lines of the blocks, in their order, each with the number of its page.
    """

    blocks: list[Block]
    title: str = ""
    authors: tuple[str, ...] = ()
    venue: str = ""
    year: str = ""
    lines: tuple[tuple[int, PrintedLine], ...] = ()


def build_layout(pages: list[PrintedPage]) -> Layout:
    """Turn the printed lines of a document's pages into headings and paragraphs.

    Args:
        pages: The pages in order, at least one, with the lines in the order of the file.

    Returns:
        The blocks in reading order, without running heads and page numbers; title, authors and
        venue as printed on the first page ("" and empty where they are not found).
    """
    pages = [
        replace(page, lines=_rejoin(reorder_columns(_right_to_left(page.lines)))) for page in pages
    ]
    edges = _edges(pages[0].lines)  # a publisher's line among them is no text
    pages = _without_running_heads(pages)
    body = _body_size(pages)
    first = pages[0].lines
    title = title_lines(first, body)
    above = title_block_length(first, title)
    unwrap = Dehyphenator([line.text for page in pages for line in page.lines])
    groups = [
        group for page in pages for group in _groups(page, body, above if page is pages[0] else 0)
    ]
    blocks: list[Block] = []
    groups = join_interrupted_paragraphs(groups, body)
    for group in groups:
        text = unwrap.join(line.text for line in group.lines)
        _append(blocks, Block(text, group.level, group.page, group.glue), group.resumes, unwrap)
    # A soft hyphen at the end of a block is a printed hyphen.
    blocks = [replace(each, text=re.sub(f"{SOFT_HYPHEN}$", "-", each.text)) for each in blocks]
    names = author_names(first[:above], title)
    venue, year = printed_venue([line for line in [*first[:above], *edges] if line not in title])
    lines = tuple((group.page, line) for group in groups for line in group.lines)
    return Layout(blocks, unwrap.join(line.text for line in title), names, venue, year, lines)


def _right_to_left(lines: list[PrintedLine]) -> list[PrintedLine]:
    """Put lines of vertical writing in reading order: tiers from the top, lines from the right."""
    ordered: list[PrintedLine] = []
    for vertical, run in groupby(lines, key=lambda line: line.vertical):
        if not vertical:
            ordered += run
            continue
        tier: list[PrintedLine] = []
        for line in sorted(run, key=lambda each: each.x0):
            if tier and line.x0 > max(each.x1 for each in tier):
                ordered += sorted(tier, key=lambda each: -each.y)
                tier = []
            tier.append(line)
        ordered += sorted(tier, key=lambda each: -each.y)
    return ordered


def _rejoin(lines: list[PrintedLine]) -> list[PrintedLine]:
    """Join pieces of one printed line: PDFium breaks lines before and after exponents."""
    joined: list[PrintedLine] = []
    for line in lines:
        last = joined[-1] if joined else None
        if last and (text := _on_one_line(last, line)):
            main = max(last, line, key=lambda each: each.size)
            glyphs = last.glyphs + line.glyphs
            joined[-1] = replace(main, text=text, x0=last.x0, x1=line.x1, glyphs=glyphs)
        else:
            joined.append(line)
    return joined


def _on_one_line(last: PrintedLine, line: PrintedLine) -> str:
    """Return the joined text of two pieces of one printed line; "" if they are not that."""
    if not last.upright or not line.upright or last.text.endswith(SOFT_HYPHEN):
        return ""
    size, gap, rise = max(last.size, line.size), line.x0 - last.x1, abs(line.y - last.y)
    if rise < 0.35 * size and -0.5 * last.size < gap < 1.2 * size:
        close = gap < 0.1 * size or re.match(r"[,.;:)\]]", line.text)
        return last.text + ("" if close else " ") + line.text
    small = min(last, line, key=lambda each: each.size)
    exponent = small.size < 0.85 * size and len(small.text) <= 4 and rise < 0.8 * size
    return last.text + line.text if exponent and -0.3 * size < gap < 0.3 * size else ""


def _without_running_heads(pages: list[PrintedPage]) -> list[PrintedPage]:
    """Drop lines that, apart from numbers, are repeated at the top or bottom of pages."""
    edges = [_edges(page.lines) for page in pages]
    counts = Counter(shape for edge in edges for shape in {_shape(line) for line in edge})
    # Left and right pages often have different heads, each on half of the pages.
    min_pages = max(3, 0.4 * len(pages))
    kept = []
    for page, edge in zip(pages, edges, strict=True):
        drop = {line for line in edge if counts[_shape(line)] >= min_pages}
        drop |= {line for line in edge if line.text == str(page.number)}
        if page is pages[0]:
            drop |= {line for line in edge if _IMPRINT.match(line.text)}
        lines = [line for line in page.lines if line not in drop]
        kept.append(replace(page, lines=lines or page.lines))
    return kept


def _edges(lines: list[PrintedLine]) -> list[PrintedLine]:
    """Return the three top and three bottom lines of a page; one of a page of up to six."""
    ranked = sorted((line for line in lines if line.upright), key=lambda line: line.y)
    return [*ranked[:3], *ranked[-3:]] if len(ranked) > 6 else ranked[:1]


def _shape(line: PrintedLine) -> str:
    return re.sub(r"\d+", "#", line.text.casefold())


def _body_size(pages: list[PrintedPage]) -> float:
    """Return the type size of most characters, in points."""
    sizes: Counter[float] = Counter()
    for page in pages:
        for line in page.lines:
            sizes[round(line.size, 1)] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 0.0


def _groups(page: PrintedPage, body: float, above: int) -> Iterator[LineGroup]:
    """Group the lines of a page into headings and paragraphs, in the given order.

    ``body`` is the size of running text, in points. The first ``above`` lines are the title
    block, which has no headings.
    """
    lines = page.lines
    group = LineGroup([], 0, PARAGRAPH, page.number)
    gaps = sorted(last.y - line.y for last, line in pairwise(lines) if last.y > line.y)
    leading = gaps[len(gaps) // 2] if gaps else 0.0
    for index, line in enumerate(lines):
        heading = heading_level(line, body) if index >= above else 0
        edge = max(each.x1 for each in [*group.lines, *_same_column(lines[index : index + 3])])
        if group.lines and (
            separator := _break(group.lines, line, edge, leading, heading, group.level)
        ):
            yield group
            group = LineGroup([], 0, separator, page.number)
        if not group.lines:
            group.level = heading
        group.lines.append(line)
    if group.lines:
        yield group


def _same_column(lines: list[PrintedLine]) -> list[PrintedLine]:
    """Return the first line, and those after it with about the same left edge and type size."""
    first, *others = lines
    near = 3 * first.size
    return [first] + [
        line
        for line in others
        if abs(line.x0 - first.x0) < near and abs(line.size - first.size) < 0.1 * first.size
    ]


def _break(
    group: list[PrintedLine],
    line: PrintedLine,
    edge: float,
    leading: float,
    heading: int,
    level: int,
) -> str:
    """Return the separator between a group and the next line; "" if the line belongs to it.

    Args:
        group: The lines before, at least one.
        line: The next line.
        edge: The x that the lines around it reach, in points.
        leading: The usual distance of lines on the page, in points.
        heading: The heading level of the line, 0 for text.
        level: The heading level of the group, 0 for text.
    """
    last = group[-1]
    same_type = abs(line.size - last.size) < 0.12 * last.size
    gap = last.y - line.y
    if heading or level:
        # The second line of a heading has the same type and no number.
        wraps = level and same_type and line.bold == last.bold and 0 < gap < 1.6 * last.size
        wraps = (
            wraps
            and not is_section_heading(line.text)
            and len(group) < 3
            and not _fits(line, last, edge)
        )
        return "" if wraps else PARAGRAPH
    if not same_type or line.upright != last.upright or line.vertical != last.vertical:
        return PARAGRAPH
    if last.text.endswith(SOFT_HYPHEN) and gap > 0:
        return ""
    stops = ends_sentence(last.text, line.text)
    if is_item(line.text, group[0].text, stops):
        return LINE
    if gap < -last.size:  # higher than the last: the next column
        return PARAGRAPH
    usual = group[-2].y - last.y if len(group) > 1 else leading
    short = _fits(line, last, edge)
    if is_caption(line.text) and (stops or short or ":" in line.text[:14]):
        return PARAGRAPH
    if gap > 1.4 * max(usual, last.size):
        runs_on = not stops and line.text[0].islower() and gap < 2.2 * last.size
        return "" if runs_on and not short else PARAGRAPH
    columns = EM_SPACE in line.text and EM_SPACE in last.text
    if columns or is_row(line.text) or is_row(last.text):
        return LINE
    indent = line.x0 - last.x0
    indented = indent > 0.8 * line.size or (indent < -0.8 * line.size and len(group) > 1)
    if stops and (indented or (line.bold and not last.bold)):
        return PARAGRAPH
    if short:
        return PARAGRAPH if stops else LINE
    return ""


def _fits(line: PrintedLine, last: PrintedLine, edge: float) -> bool:
    """Whether a line's first word would have fit on the line before."""
    word = line.text.split(maxsplit=1)[0]
    width = 2.3 if _CJK.match(word) else 0.45 * len(word) + 1.35
    return last.x1 + width * line.size < edge


def _append(blocks: list[Block], block: Block, resumes: bool, unwrap: Dehyphenator) -> None:
    """Add a block; one that continues the sentence of the last block is joined to it."""
    if resumes:
        joined = unwrap.before(blocks[-1].text, block.text)
        stem = joined.rstrip(" ")
        blocks[-1] = replace(blocks[-1], text=stem)
        block = replace(block, glue=joined[len(stem) :])
    blocks.append(block)
