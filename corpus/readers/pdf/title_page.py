"""What the first page of a paper says above its text: the title, and who wrote it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from corpus.readers.pdf.line import EM_SPACE, PrintedLine, is_section_heading
from corpus.text.blocks import CJK, parse_authors

_CJK = re.compile(CJK)
# Marks of notes and places that follow a name, or stand before a place.
_MARK = r"[\d∗*†‡§¶‖♠♥♦♣♢♡+⋆✉#$]"
_MARKS = re.compile(rf"(?<=[^\W\d_.])\s*{_MARK}(?:,?\s?{_MARK})*")
_BETWEEN = re.compile(rf"[,;，、；・{EM_SPACE}\t]|\s(?:and|&)\s|^and\s")
_NAME = re.compile(
    r"(?:[^\W\d_]\.|(?:[^\W\d_]|['’.-])+)(?:\s(?:[^\W\d_]\.?|(?:[^\W\d_]|['’.-])+)){1,4}"
)
_PARTICLES = frozenset("al bin da das de del den der di dos du el la le van von y zu".split())
_PLACE = re.compile(
    r"\b(universit|institut|department|dept|school|college|faculty|laborator|labs?\b|research"
    r"|academy|center|centre|corporation|company|inc\b|ltd|google|microsoft|facebook|meta ai"
    r"|openai|division|group|hospital|team|abstract|arxiv|proceedings|conference|journal|demo)",
    re.IGNORECASE,
)


def title_lines(lines: Sequence[PrintedLine], body: float) -> list[PrintedLine]:
    """The lines in the largest type of the first page, where they are few and stand together.

    ``body`` is the size of the running text, in points.
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
        # A logo or a label in a figure may be larger than the title, but says less.
        return sum(len(_CJK.sub("xx", line.text)) for line in run) >= 15, run[0].size

    best = max(runs, key=rank, default=[])
    return best if len(best) <= 4 and sum(len(line.text) for line in best) <= 250 else []


def title_block_length(lines: Sequence[PrintedLine], title: Sequence[PrintedLine]) -> int:
    """How many lines of the first page come before its first heading: title, authors, places.

    0 where there is no title, or no heading of the kind that papers have.
    """
    opening = (
        i for i, line in enumerate(lines) if line not in title and is_section_heading(line.text)
    )
    return next(opening, len(title)) if title else 0


def author_names(lines: Sequence[PrintedLine], title: Sequence[PrintedLine]) -> tuple[str, ...]:
    """The names printed below the title: lines of nothing but names, up to the first that is not.

    ``lines`` are those of the front, in order; empty where it has no such lines.
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
    """The names that a line consists of; none where any part of it is no name."""
    if re.match(_MARK, text):
        return
    parts = [part.strip(" .") for part in _BETWEEN.split(_MARKS.sub("", text))]
    parts = [part for part in parts if part]
    if all(map(_is_name, parts)):
        yield from parts


def _is_name(text: str) -> bool:
    if not _NAME.fullmatch(text) or _PLACE.search(text):
        return False
    return all(word[0].isupper() or word in _PARTICLES for word in text.split())
