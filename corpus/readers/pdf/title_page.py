"""Extraction of title, author names and venue from the first page of a paper."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from corpus.readers.pdf.line import EM_SPACE, PrintedLine, is_section_heading
from corpus.text.blocks import CJK, one_line, parse_authors

_CJK = re.compile(CJK)
# Marks of notes and affiliations, after a name or before an affiliation.
_MARK = r"[\d⁰¹²³⁴⁵⁶⁷⁸⁹∗*†‡§¶‖♠♥♦♣♢♡+⋆✉#$]"
_MARKS = re.compile(rf"(?<=[^\W\d_.])\s*{_MARK}(?:[,，]?\s?{_MARK})*")
_BETWEEN = re.compile(rf"[,;，、；・{EM_SPACE}\t]|\s(?:and|&)\s|^and\s")
# What may stand before names, and behind one: "By Ada Byron (University of Kent)".
_NOT_NAMES = re.compile(r"^(?:[Bb]y |[Aa]uthors?: |著者[:：] ?)|\s*[(（][^()（）]*[)）]")
_NAME = re.compile(
    r"(?:[^\W\d_]\.|(?:[^\W\d_]|['’.-])+)(?:\s(?:[^\W\d_]\.?|(?:[^\W\d_]|['’.-])+)){1,4}"
)
_KANJI = r"[\u3005-\u3007\u3041-\u3096\u30a1-\u30fa\u30fc\u3400-\u9fff]"
_NAME_JA = re.compile(rf"{_KANJI}{{1,5}}[ \u3000]{_KANJI}{{1,6}}|(?P<whole>{_KANJI}{{3,6}})")
_PARTICLES = frozenset("al bin da das de del den der di dos du el la le van von y zu".split())
_AFFILIATION = re.compile(
    r"\b(universit|institut|department|dept|school|college|faculty|laborator|labs?\b|research"
    r"|academy|center|centre|corporation|company|inc\b|ltd|google|microsoft|facebook|meta ai"
    r"|openai|division|group|hospital|team|abstract|arxiv|proceedings|conference|journal|demo)"
    r"|大学|学部|学科|研究|学校|学院|学会|専攻|講座|会社|機構|法人|財団|協会|病院|委員会|編集|論文|雑誌"
    r"|要旨|要約|概要|抄録|[省庁部課局室]$",
    re.IGNORECASE,
)
_LONGEST_VENUE = 200  # characters
# "Published as a conference paper at": the venue stands behind it.
_PUBLISHED_AT = re.compile(
    r"(?:published|presented|appear(?:s|ed)|to appear|accepted)"
    r"(?: as an? [\w ]{0,30}?(?:paper|article))? (?:at|in|by) (?:the )?",
    re.IGNORECASE,
)
_VENUE = re.compile(
    r"(?i:\b(?:journal|transactions|proceedings|proc\.|annals|bulletin|magazine|quarterly"
    r"|conference|workshop|symposium|congress)\b)"
    r"|\b(?:[Vv]ol(?:ume)?\b\.?|[Nn]o\.|[Ii]ssue) ?\d|\b\d{1,4} ?(?:\(\d{1,3}\)|:\d{1,4}[–-])"
    r"|^[A-Z][A-Za-z&]{1,11}(?: ?['’]\d\d|[ -](?:19|20)\d\d)(?=[,.]|$)"
    r"|論文誌|論文集|学会誌|会報|紀要|予稿集|ジャーナル|研究報告|年報|(?:年次|全国)大会|シンポジウム"
    r"|第 ?\d+ ?[巻号]",
)
_COUNTED = frozenset("pages volume issue number article from".split())
_COPYRIGHT = re.compile(r"(?:©|\(c\)|\b[Cc]opyright c?|\bc) ?((?:19|20)\d\d)\b")
_YEAR = re.compile(r"(?<![\d.-])(?:19|20)\d\d(?![\d-])")


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
    """Find the line that says in which journal or at which conference a work was published.

    Such a line is not a sentence: all its longer words have capitals, or it is Japanese.

    Args:
        lines: Lines of the first page that may say so: those around the title, and those at the
            top and bottom of the page.

    Returns:
        The venue as printed, and the year in that line or beside a sign of copyright; each ""
        where it is not printed.
    """
    texts = [one_line(line.text.replace(EM_SPACE, " ")) for line in lines if line.upright]
    dated = next((match[1] for text in texts if (match := _COPYRIGHT.search(text))), "")
    for text in texts:
        if len(text) > _LONGEST_VENUE or re.match(_MARK, text):
            continue
        published = _PUBLISHED_AT.match(text)
        venue = text[published.end() if published else 0 :].rstrip(" .。")
        if "@" in venue or not (published or _VENUE.search(venue)):
            continue
        words = re.findall(r"[^\W\d_]{4,}", venue)
        if venue and all(not word[0].islower() or word in _COUNTED for word in words):
            years = set(_YEAR.findall(text))
            return venue, years.pop() if len(years) == 1 else dated
    return "", dated


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
    text = _NOT_NAMES.sub("", text)
    parts = [part.strip(" .") for part in _BETWEEN.split(_MARKS.sub("", text))]
    parts = [part for part in parts if part]
    # A Japanese word may be a name without a space only where a line lists several, or marks it.
    listed = len(parts) > 1 or bool(_MARKS.search(text))
    if all(_is_name(part, listed) for part in parts):
        yield from parts


def _is_name(text: str, listed: bool) -> bool:
    if _AFFILIATION.search(text):
        return False
    if japanese := _NAME_JA.fullmatch(text):
        return listed or not japanese["whole"]
    if not _NAME.fullmatch(text):
        return False
    return all(word[0].isupper() or word in _PARTICLES for word in text.split())
