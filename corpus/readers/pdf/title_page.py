"""Extraction of title, author names and venue from the first page of a paper."""

from __future__ import annotations

import re
from collections.abc import Sequence

from corpus.readers.pdf.line import EM_SPACE, PrintedLine, is_section_heading
from corpus.text.blocks import CJK, parse_authors
from corpus.text.title_block import names_of_people, venue_of

_CJK = re.compile(CJK)


def title_lines(lines: Sequence[PrintedLine], body: float) -> list[PrintedLine]:
    """Find the title of a paper: adjacent lines in large type on its first page.

    Args:
        lines: The lines of the first page, in order.
        body: The size of running text, in points.

    Returns:
        The lines of the title, at most four; empty if there are none such.
    """
    runs: list[list[PrintedLine]] = []
    for line in lines:
        if not line.upright or line.size < 1.15 * body:
            continue
        if runs and abs(runs[-1][-1].size - line.size) < 0.1 * line.size:
            runs[-1].append(line)
        else:
            runs.append([line])

    def rank(run: list[PrintedLine]) -> tuple[bool, float]:
        # A logo or a label in a figure may be larger than the title, but is shorter.
        return sum(len(_CJK.sub("xx", line.text)) for line in run) >= 15, run[0].size

    best = max(runs, key=rank, default=[])
    return best if len(best) <= 4 and sum(len(line.text) for line in best) <= 250 else []


def title_block_length(lines: Sequence[PrintedLine], title: Sequence[PrintedLine]) -> int:
    """Count the lines of a paper's first page that come before its first section heading.

    These are title, authors and affiliations.

    Args:
        lines: The lines of the first page, in order.
        title: Those of them that are the title.

    Returns:
        0 without a title; the number of title lines if there is no section heading.
    """
    headings = (
        i for i, line in enumerate(lines) if line not in title and is_section_heading(line.text)
    )
    return next(headings, len(title)) if title else 0


def printed_venue(lines: Sequence[PrintedLine]) -> tuple[str, str]:
    """Find the line that says where a work was published, and the year; see ``venue_of``.

    Args:
        lines: Lines of the first page that may say so: those around the title, and those at the
            top and bottom of the page.
    """
    return venue_of(line.text.replace(EM_SPACE, " ") for line in lines if line.upright)


def author_names(lines: Sequence[PrintedLine], title: Sequence[PrintedLine]) -> tuple[str, ...]:
    """Find the author names below the title of a paper.

    These are the first lines after the title that consist of nothing but names.

    Args:
        lines: The lines before the first section heading, in order.
        title: Those of them that are the title.
    """
    found: list[str] = []
    above = True
    for line in lines:
        if line in title:
            above = False
        elif not above and line.upright:
            names = names_of_people(line.text.replace(EM_SPACE, "\t"))
            if not names and found:
                break
            found += names
    return tuple(dict.fromkeys(parse_authors("; ".join(found))))
