"""Extraction of authors, venue and date from what stands between a paper's title and its abstract.

For lines of any format; the PDF reader finds those lines by how they are printed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from corpus.text.blocks import Block, iso_date, one_line, parse_authors

# Marks of notes and affiliations, after a name or before an affiliation.
_MARK = r"[\d⁰¹²³⁴⁵⁶⁷⁸⁹∗*†‡§¶‖♠♥♦♣♢♡+⋆✉#$]"
_MARKS = re.compile(rf"(?<=[^\W\d_.])\s*{_MARK}(?:[,，]?\s?{_MARK})*")
_BETWEEN = re.compile(r"[,;，、；・\t]|\s(?:and|&)\s|^and\s")
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
_ABSTRACT = re.compile(r"(?:\d\.? )?abstract\b|要旨|要約|抄録|アブストラクト", re.IGNORECASE)
_ORGANISATION = re.compile(
    rf"{_AFFILIATION.pattern}|\b(?:society|association|museum|council|trust|club|observatory|library"
    r"|office|agency|foundation|union)\b",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"\d{1,2} [A-Z][a-z]{2,8}\.? \d{4}|[A-Z][a-z]{2,8}\.? (?:\d{1,2}, )?\d{4}"
    r"|\d{4}-\d\d(?:-\d\d)?|\d{4}年(?:\d{1,2}月(?:\d{1,2}日)?)?"
)
# What is said of a work behind its venue: "14(2), pp. 88-97. Licence: CC BY 4.0."
_AFTER_VENUE = re.compile(r"[.;,]\s+(?:licen[cs]e|doi|text|https?)\b.*", re.IGNORECASE)
_DATE_LINE = re.compile(
    rf"(?:(?:published|posted|dated?|received|accepted)[: ]+(?:on )?)?(?:{_DATE.pattern})\.?",
    re.IGNORECASE,
)
_LONGEST_NAME = 4  # words
_FRONT = 6  # paragraphs that may stand between title and abstract
_LONGEST = 300  # characters of one of them


@dataclass(frozen=True, slots=True)
class TitleBlock:
    """What stands between the title of a paper and its abstract; each empty where nothing does."""

    authors: tuple[str, ...] = ()
    venue: str = ""
    published: str = ""


def read_title_block(blocks: Sequence[Block]) -> TitleBlock:
    """Read the paragraphs between the first heading and an abstract.

    Args:
        blocks: The blocks of a file in reading order. If no abstract stands right behind a few
            short paragraphs, it is no paper, and nothing is read.
    """
    start = next((n for n, block in enumerate(blocks) if block.level), len(blocks)) + 1
    ends = (n for n, block in enumerate(blocks) if n >= start and _begins_text(block))
    end = next(ends, len(blocks))
    front = blocks[start:end]
    paper = end < len(blocks) and _ABSTRACT.match(one_line(blocks[end].text))
    if not paper or len(front) > _FRONT or any(len(block.text) > _LONGEST for block in front):
        return TitleBlock()
    lines = [one_line(line) for block in front for line in block.text.splitlines()]
    people = [_people(line) for line in lines]
    first = next((n for n, names in enumerate(people) if names), len(lines))
    last = next((n for n in range(first, len(lines)) if not people[n]), len(lines))
    names = "; ".join(name for found in people[first:last] for name in found)
    rest = [line for line, found in zip(lines, people, strict=True) if not found]
    alone = [line for line in rest if _DATE_LINE.fullmatch(line)]
    venue, year = venue_of([_AFTER_VENUE.sub("", line) for line in rest if line not in alone])
    dates = [iso_date(found[0]) for line in (*alone, venue) if (found := _DATE.search(line))]
    published = next(filter(None, dates), "") or year
    return TitleBlock(tuple(dict.fromkeys(parse_authors(names))), venue, published)


def _begins_text(block: Block) -> bool:
    return bool(block.level or _ABSTRACT.match(one_line(block.text)))


def _people(line: str) -> list[str]:
    """Return the people in a line, without what stands behind: "Ada Byron, Royal Society"."""
    kept = []
    for part in re.split(r"(?<=[,，、;])", line):
        if _ORGANISATION.search(re.sub(r"[(（][^()（）]*[)）]", "", part)):
            break
        kept.append(part)
    names = names_of_people("".join(kept).rstrip(",，、; "))
    return names if all(len(name.split()) <= _LONGEST_NAME for name in names) else []


def venue_of(lines: Iterable[str]) -> tuple[str, str]:
    """Find the line that says in which journal or at which conference a work was published.

    Such a line is not a sentence: all its longer words have capitals, or it is Japanese.

    Returns:
        The venue as printed, and the year in that line or beside a sign of copyright; each ""
        where it is not printed.
    """
    texts = [one_line(line) for line in lines]
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


def names_of_people(text: str) -> list[str]:
    """Return the names in a line; none if any part of it is not a name, or an affiliation.

    A tab parts names, too: it may stand for a gap that is wider than a space.
    """
    if re.match(_MARK, text):
        return []
    text = _NOT_NAMES.sub("", text)
    parts = [part.strip(" .") for part in _BETWEEN.split(_MARKS.sub("", text))]
    parts = [part for part in parts if part]
    # A Japanese word may be a name without a space only where a line lists several, or marks it.
    listed = len(parts) > 1 or bool(_MARKS.search(text))
    return parts if all(_is_name(part, listed) for part in parts) else []


def _is_name(text: str, listed: bool) -> bool:
    if _AFFILIATION.search(text):
        return False
    if japanese := _NAME_JA.fullmatch(text):
        return listed or not japanese["whole"]
    if not _NAME.fullmatch(text):
        return False
    return all(word[0].isupper() or word in _PARTICLES for word in text.split())
