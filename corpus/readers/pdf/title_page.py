"""Extraction of title and author names from the first page of a paper."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from corpus.readers.pdf.line import EM_SPACE, PrintedLine, is_section_heading
from corpus.text.blocks import CJK, parse_authors

_CJK = re.compile(CJK)
# Marks of notes and affiliations, after a name or before an affiliation.
_MARK = r"[\d∗*†‡§¶‖♠♥♦♣♢♡+⋆✉#$]"
_MARKS = re.compile(rf"(?<=[^\W\d_.])\s*{_MARK}(?:,?\s?{_MARK})*")
_BETWEEN = re.compile(rf"[,;，、；・{EM_SPACE}\t]|\s(?:and|&)\s|^and\s")
_NAME = re.compile(
    r"(?:[^\W\d_]\.|(?:[^\W\d_]|['’.-])+)(?:\s(?:[^\W\d_]\.?|(?:[^\W\d_]|['’.-])+)){1,4}"
)
_PARTICLES = frozenset("al bin da das de del den der di dos du el la le van von y zu".split())
_AFFILIATION = re.compile(
    r"\b(universit|institut|department|dept|school|college|faculty|laborator|labs?\b|research"
    r"|academy|center|centre|corporation|company|inc\b|ltd|google|microsoft|facebook|meta ai"
    r"|openai|division|group|hospital|team|abstract|arxiv|proceedings|conference|journal|demo)",
    re.IGNORECASE,
)


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
            names = list(_names(line.text))
            if not names and found:
                break
            found += names
    return tuple(dict.fromkeys(parse_authors("; ".join(found))))


def _names(text: str) -> Iterator[str]:
    """Yield the names in a line; none if any part of it is not a name."""
    if re.match(_MARK, text):
        return
    parts = [part.strip(" .") for part in _BETWEEN.split(_MARKS.sub("", text))]
    parts = [part for part in parts if part]
    if all(map(_is_name, parts)):
        yield from parts


def _is_name(text: str) -> bool:
    if not _NAME.fullmatch(text) or _AFFILIATION.search(text):
        return False
    return all(word[0].isupper() or word in _PARTICLES for word in text.split())
