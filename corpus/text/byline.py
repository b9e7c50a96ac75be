"""Extraction of authors and date from the line below a title: "By Ada Byron, 5 May 1843".

Only a paragraph that is nothing but a byline or a date counts, for a sentence may begin alike.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from corpus.text.blocks import Block, iso_date, one_line, parse_authors

_PARAGRAPHS = 3  # after the title, among which it is looked for
_FRONT = 8  # blocks of the first page that may be a title, authors and a date
_LONGEST = 300  # characters of a byline
_DATE = (
    r"(?:(?:\d{1,2} [A-Z][a-z]{2,8}\.?,?|[A-Z][a-z]{2,8}\.?(?: \d{1,2}(?:st|nd|rd|th)?)?,?) \d{4}"
    r"|\d{4}(?:[-/]\d{1,2}(?:[-/]\d{1,2})?|年(?:\d{1,2}月(?:\d{1,2}日)?)?))"
)
_BEFORE_DATE = (
    r"(?:(?:[Pp]ublished|[Pp]osted|[Dd]ated?|公開日?|投稿日?|発行日?|日付)[:：]?(?: on)? ?)?"
)
_END = rf"(?:\s*[,、，|｜·・/(（—–-]?\s*{_BEFORE_DATE}(?P<date>{_DATE})[)）]?)?[.。]?"
_DATE_LINE = re.compile(rf"(?P<names>){_BEFORE_DATE}(?P<date>{_DATE})[.。]?")
_BYLINES = (
    re.compile(rf"(?:(?:[Ww]ritten )?[Bb]y|[Aa]uthors?[:：])\s*(?P<names>.+?){_END}"),
    re.compile(rf"(?:著者|筆者|執筆者?|作者|文)[:：]\s*(?P<names>.+?){_END}"),
    re.compile(rf"(?P<names>.+?)\s*(?:著|（著）|\(著\)){_END}"),
    _DATE_LINE,
)
_NAME = re.compile(
    r"[A-ZÀ-Þ][\w'’.-]*(?: (?:[A-ZÀ-Þ][\w'’.-]*|d[aeiu]|de la|van|von|den|der|la|le|bin|al))*"
    r" [A-ZÀ-Þ][\w'’.-]*|[\u3005\u3041-\u30ff\u3400-\u9fff]{1,10}[ \u3000]?"
    r"[\u3005\u3041-\u30ff\u3400-\u9fff・]{1,12}"
)


def read_byline(blocks: Sequence[Block]) -> tuple[tuple[str, ...], str]:
    """Read authors and date from the paragraphs right below the first heading.

    Args:
        blocks: The blocks of a file in reading order.

    Returns:
        The authors, and the date in ISO form; each empty where no line says it.
    """
    start = next((n for n, block in enumerate(blocks) if block.level), -1) + 1
    authors: tuple[str, ...] = ()
    published = ""
    for block in blocks[start : start + _PARAGRAPHS] if start else ():
        if block.level or len(block.text) > _LONGEST:
            break
        for line in map(one_line, block.text.splitlines()):
            found = next(filter(None, (pattern.fullmatch(line) for pattern in _BYLINES)), None)
            names = _names(found["names"]) if found else ()
            if not found or (found["names"] and not names):
                return authors, published
            authors = authors or names
            published = published or iso_date(found["date"] or "")
    return authors, published


def read_date_line(blocks: Sequence[Block]) -> str:
    """Read the date that stands alone between the title of a printed work and its first heading.

    Returns:
        The date in ISO form; empty where there is none.
    """
    for block in blocks[:_FRONT]:
        if block.level or block.page > 1:
            break
        if len(block.text) <= _LONGEST and (found := _DATE_LINE.fullmatch(one_line(block.text))):
            return iso_date(found["date"])
    return ""


def _names(text: str) -> tuple[str, ...]:
    """Split a list of people; empty unless each part looks like a person's name."""
    several = re.sub(r"(?<=[\u3400-\u9fff])\s*[・と]\s*(?=[\u3400-\u9fff])|\s+&\s+", "、", text)
    names = parse_authors(several)
    return names if all(map(_NAME.fullmatch, names)) else ()
