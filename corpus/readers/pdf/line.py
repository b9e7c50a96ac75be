"""Printed lines of text, and tests of a line: is it a heading, a caption, a list item?"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import NamedTuple

from corpus.text.dehyphenation import SOFT_HYPHEN
from corpus.text.sentences import ends_with_abbreviation

EM_SPACE = "\u2003"
"""Marks a gap that is wider than the space between words."""

_NO_INK = re.compile(r"[\s\xad-]+")


class Glyph(NamedTuple):
    """Where a character is drawn on its page, in points, ``y`` upwards; ``run`` tells its line.

    Characters of one line that the file draws together have the same ``run``.
    """

    run: int
    left: float
    bottom: float
    right: float
    top: float


def inked(text: str) -> str:
    """Return the characters of a text that joining lines keeps: no white space, no hyphens.

    Accents stand behind their letters (NFD), so that it makes no difference whether a file draws
    both as one character.
    """
    return _NO_INK.sub("", unicodedata.normalize("NFD", text))


@dataclass(frozen=True, slots=True)
class PrintedLine:
    """A printed line with its position and type; lengths in points, ``y`` grows upwards.

    A line of vertical writing has its coordinates turned, so that it too runs along x and the
    next line has a smaller y.

    Attributes:
        text: A soft hyphen at its end stands for a hyphen that may be due to the line break.
            Small capitals are lower case.
        x0: The left edge.
        x1: The right edge.
        y: The baseline.
        size: The type size of most of its characters.
        bold: Whether its first character is bold.
        capitals: Whether all its letters are capitals or small capitals.
        upright: Whether it is not rotated.
        vertical: Whether it is vertical writing.
        gaps: From and to x of each wide gap; there is one for each em space in ``text``.
        glyphs: Where each character of ``inked(text)`` is; empty if not asked for.
    """

    text: str
    x0: float
    x1: float
    y: float
    size: float
    bold: bool = False
    capitals: bool = False
    upright: bool = True
    vertical: bool = False
    gaps: tuple[tuple[float, float], ...] = ()
    glyphs: tuple[Glyph, ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class PrintedPage:
    """A page by its number, from 1, and its lines."""

    number: int
    lines: list[PrintedLine]


# The end of a sentence, perhaps with the number of a note: "sources.1", but not "73.6".
_END = re.compile(r"(?:[.!?:。．！？：」』）][\"'”’)\]]*|[^\d\s][.!?][\"'”’)\]]*\d{1,2})$")
_NUMBERED = re.compile(
    r"(?P<number>\d{1,2}(?:\.\d{1,2}){0,3}|[A-Z](?:\.\d{1,2}){0,3}|[IVX]{1,5})[.．)]?"
    r"[ \u2003\u3000]+[^\W\d_]"
    r"|第[\d一二三四五六七八九十]+[章節部]|Appendix [A-Z]\b"
)
_NAMED = re.compile(
    r"(abstract|introduction|conclusions?|discussion|limitations?|references|bibliography"
    r"|acknowledge?ments?|appendi(?:x|ces)|ethics statement|ethical considerations|related work"
    r"|要旨|要約|概要|はじめに|序論|おわりに|結論|まとめ|謝辞|参考文献|目次|付録)",
    re.IGNORECASE,
)
_BULLET = re.compile(r"[•●◦▪■‣・]|[①-⑳]")
_ITEM = re.compile(r"[*–—-]\s|\(\w{1,3}\)\s|\[\d+\]\s|\d{1,2}[.)]\s")
_NOTE = re.compile(r"(?:\d{1,2}|[∗†‡§¶])[^\W\d_]")
_CAPTION = re.compile(
    r"(?:Figure|Fig\.|Table|Tab\.|Algorithm|Listing)\s\d+[:.]|[図表]\s?\d+(?:[:.：．\s]|$)"
)


def ends_sentence(text: str, following: str = "") -> bool:
    """Whether a line ends a sentence, given the text that follows it, if any."""
    if not _END.search(text):
        return False
    return not text.endswith(".") or not ends_with_abbreviation(text[-24:-1], following[:1])


def is_section_heading(text: str) -> bool:
    """Whether a text reads like a section heading: "2 Method", "Abstract", "はじめに"."""
    return bool(_NUMBERED.match(text) or _NAMED.fullmatch(text.strip(" .:")))


def is_caption(text: str) -> bool:
    """Whether a text starts like the caption of a figure or table: "Figure 2:", "表 1"."""
    return bool(_CAPTION.match(text))


def is_item(text: str, first: str = "", stops: bool = True) -> bool:
    """Whether a printed line starts an item of a list, or a footnote.

    A bullet always starts an item. A number may stand at the start of a line by chance: it starts
    an item if the paragraph before ends a sentence or is an item itself, and a footnote if that
    paragraph is one.

    Args:
        text: The line.
        first: The first line of the paragraph before it.
        stops: Whether that paragraph ends a sentence.
    """
    if _BULLET.match(text):
        return True
    if _NOTE.match(text):
        return bool(_NOTE.match(first))
    return bool(_ITEM.match(text)) and (stops or bool(_ITEM.match(first)))


def is_row(text: str) -> bool:
    """Whether a line is a row of a table: mostly numbers, or three columns or more."""
    words = text.split()
    figures = len(words) > 3 and 2 * sum(word[0].isdigit() for word in words) >= len(words)
    return figures or text.count(EM_SPACE) > 1


def heading_level(line: PrintedLine, body: float) -> int:
    """Return the level of a heading, from 1, or 0 if a printed line is not a heading.

    Args:
        line: The line.
        body: The size of running text, in points.
    """
    text = line.text.strip()
    letters = sum(map(str.isalpha, text))
    if not line.upright or not 2 <= len(text) <= 100 or letters * 2 < len(text):
        return 0
    if text.endswith((".", ",", ";", "。", "、", SOFT_HYPHEN)) and not _NAMED.fullmatch(
        text.strip(" .")
    ):
        return 0
    large = line.size > 1.15 * body
    stands_out = large or line.bold or (line.capitals and letters > 3)
    match = _NUMBERED.match(text)
    if match and (stands_out or line.size > 1.08 * body):
        return 1 + (match["number"] or "").count(".")
    if _NAMED.fullmatch(text.strip(" .:")) and (stands_out or line.size > 0.9 * body):
        return 1
    return int(large and letters > 3)
