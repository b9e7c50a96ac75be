"""Plain text whose lines an editor, a mail program or its writer broke: joining them again.

A line break may also end a heading, a verse or an entry of a list. That a sentence goes on behind
it is seen from the whole text. Where words have case, many lines go on with a small letter; then
so do those that go on with a name or a number, if they are about as long. In Japanese a comma says
so, or that lines end at one width: nearly every line is so long that no more fitted into it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from corpus.text.blocks import CJK
from corpus.text.dehyphenation import Dehyphenator

_NARROWEST = 40  # columns: shorter lines end on purpose
_IN_SMALL_LETTERS = 0.4  # share of the lines behind breaks inside sentences that begin so
_FULL = 0.65  # of the longest line, from which one goes on with a capital letter or a number
_AT_ONE_WIDTH, _FEWEST = 0.8, 3  # share of such breaks in Japanese at one width, and their number
# Columns by which a Japanese line may fall short: no line begins with 。 or ends with 「.
_SLACK = 4
_ENDED = re.compile(r"[.!?:;…。．！？：；｡][”’\"'」』)）\]】*_]*(?:\[\d{1,3}\])*$")
_ITEM = re.compile(
    r"[-*+•●◦・▪■□◆◇○※★>|#【]|\(?(?:\d{1,3}|[A-Za-z]|[ivx]{1,4})[.)]\s|[①-⑳]|[（(][^）)]{1,3}[）)]"
    r"|[A-Z]\w*(?: \w+)?: "  # From: Ada
)
_COLUMNS = re.compile(r"\S(?:\t| \| |\s{3,})\s*\S|[│─━┃═_=-]{4}|\S\u3000\u3000")
_CODE = re.compile(r"`{3}|[{}\\]|\s[-+]?=\s|\w\(|^\s*[$%>]|\s--?[A-Za-z]")
_CJK = re.compile(CJK)
_FIRST = re.compile(rf"(?:(?!{CJK})\S)+|\S")  # what no editor breaks: a word, or one of CJK


class _Break(NamedTuple):
    """A line break that may be inside a sentence.

    Attributes:
        width: Columns of the line before it.
        needed: Columns that the line would need for what follows too.
        surely: Whether a sentence goes on behind it, as far as these two lines tell.
        japanese: Whether kana or kanji stand before or behind it.
    """

    width: int
    needed: int
    surely: bool
    japanese: bool


def join_wrapped_lines(text: str) -> str:
    r"""Join the lines of sentences that were broken; all other line breaks stay.

    Lines that end with a sentence, items of lists, columns, program text, verses and headings are
    not joined with what follows.

    Args:
        text: A plain text with ``\n`` for every line break.
    """
    lines = text.split("\n")
    breaks = [_inside_sentence(line, following) for line, following in pairwise(lines)]
    japanese = [each for each in breaks if each and each.japanese]
    others = [each for each in breaks if each and not each.japanese]
    widest = max((each.width for each in others), default=0)
    in_small_letters = sum(each.surely for each in others) >= _IN_SMALL_LETTERS * len(others)
    one_width = _one_width(japanese)

    def wraps(each: _Break) -> bool:
        if each.japanese:
            return each.surely or each.width <= one_width < each.needed
        return in_small_letters and (each.surely or each.width >= _FULL * widest)

    glue = Dehyphenator([line.strip() for line in lines])
    joined = lines[:1]
    for each, line in zip(breaks, lines[1:], strict=True):
        if each and wraps(each):
            before = joined[-1] if each.japanese else glue.before(joined[-1], line.strip())
            joined[-1] = before + line.strip()
        else:
            joined.append(line)
    return "\n".join(joined)


def _inside_sentence(line: str, following: str) -> _Break | None:
    """Measure the break between two lines; None if a sentence cannot go on behind it."""
    begun, rest = line.strip(), following.strip()
    if len(begun.split(maxsplit=1)) < 2 and not _CJK.search(begun):
        return None  # a name of a file, an address
    if not rest or _ENDED.search(begun) or _ITEM.match(rest) or following.startswith("\u3000"):
        return None
    if any(each.search(text) for each in (_COLUMNS, _CODE) for text in (line, following)):
        return None
    # Below an item it may be indented, and below the first line of a paragraph it may not be.
    here, below = (len(each) - len(each.lstrip()) for each in (line, following))
    item = bool(_ITEM.match(begun))
    if (below > here and not item) or (below < here and (below or item)):
        return None
    width = _columns(line)
    first = _FIRST.match(rest)
    if width < _NARROWEST or not first:
        return None
    if _CJK.match(begun[-1]) or _CJK.match(rest):
        needed = width + _columns(first[0]) + _SLACK
        return _Break(width, needed, begun[-1] in "、，", True)
    return _Break(width, width + 1 + _columns(first[0]), rest[0].islower(), False)


def _one_width(breaks: Sequence[_Break]) -> int:
    """Return the width in columns at which nearly all lines were broken; 0 if there is none."""
    counts = {
        width: sum(each.width <= width < each.needed for each in breaks)
        for width in {each.width for each in breaks}
    }
    width = max(counts, key=lambda width: (counts[width], -width), default=0)
    fewest = max(_FEWEST, _AT_ONE_WIDTH * len(breaks))
    return width if counts.get(width, 0) >= fewest else 0


def _columns(text: str) -> int:
    """Return how many columns a text takes in a fixed-width font: characters of CJK take two."""
    return sum(1 + (unicodedata.east_asian_width(char) in "WF") for char in text)
