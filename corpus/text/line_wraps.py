"""Plain text whose lines an editor, a mail program or its writer broke: joining them again.

A line break may also end a heading, a verse or an entry of a list. Whether a sentence goes on
behind it is judged from the whole text. In English the lines were broken if many of them begin with
a small letter; a line that begins with a capital letter or a number is then joined, too, if its
first word did not fit into the line before. In Japanese a line ends inside a sentence if it ends
with a comma, or if nearly all lines end at one width. Where no stop shows that there are sentences,
as in a list or a poem, lines are not joined, but for those that go on with an item.
"""

from __future__ import annotations

import re
import statistics
import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import NamedTuple

from corpus.text.blocks import CJK

_NARROWEST = 40  # columns: shorter lines end on purpose
_SMALL = 0.4  # share of the lines behind possible breaks that begin with a small letter
_AT_ONE_WIDTH, _FEWEST = 0.8, 3  # share and number of possible breaks in Japanese at one width
# Columns that a full Japanese line may lack: no line begins with 。 or ends with 「.
_SLACK = 4
_STOP = re.compile(r"[.!?;:…](?=[”’\"')\]]*(?:\s|$))|[。．！？｡]")
_ENDED = re.compile(r"(?:[.!?:;…。．！？：；｡][”’\"'」』)）\]】*_]*(?:\[\d{1,3}\])*|[」』])$")
_ITEM = re.compile(
    r"[-*+•●◦・▪■□◆◇○※★>|#【]|\(?(?:\d{1,3}|[A-Za-z]|[ivx]{1,4})[.)]\s|[①-⑳]|[（(][^）)]{1,3}[）)]"
    r"|[A-Z]\w*(?: \w+)?: "  # From: Ada
)
_KEY = re.compile(r"[\w-]+: ")
_COLUMNS = re.compile(r"\S(?:\t| \| |\s{3,})\s*\S|[│─━┃═_=~+*-]{4}|\S\u3000\u3000")
_CODE = re.compile(r"`{3}|[{}\\]|\s[-+]?=\s|\w\(|^\s*[$%>]|\s--?[A-Za-z]")
_ADDRESS = re.compile(r"(?:https?:|www\.)\S*$")
_CJK = re.compile(CJK)
_LATIN = re.compile(r"[A-Za-z]")
_FIRST = re.compile(rf"(?:(?!{CJK})\S)+|\S")  # what no editor breaks: a word, or one of CJK
_HALF_WORD = re.compile(r"(\w+)-$")
_WORD = re.compile(r"\w+")


class _Break(NamedTuple):
    """A line break that may be inside a sentence.

    Attributes:
        width: Columns of the line before it.
        needed: Columns that the line would need for what follows, too.
        surely: Whether the next line begins with a small letter; in Japanese, whether the line
            ends with a comma.
        japanese: Whether the two lines are Japanese.
    """

    width: int
    needed: int
    surely: bool
    japanese: bool


def join_wrapped_lines(text: str) -> str:
    r"""Join the lines of sentences that were broken; all other line breaks stay.

    Args:
        text: A plain text with ``\n`` for every line break.
    """
    lines = text.split("\n")
    words = frozenset(_WORD.findall(text.casefold()))
    inside, joined, start = [*_inside_sentences(lines), False], [], 0
    for n, goes_on in enumerate(inside):
        if not goes_on:
            run, below = lines[start : n + 1], lines[n + 1 : n + 2]
            sentences = _ITEM.match(run[0].strip()) or any(map(_STOP.search, [*run, *below]))
            joined += [_joined(run, words)] if sentences else run
            start = n + 1
    return "\n".join(joined)


def _joined(run: Sequence[str], words: Collection[str]) -> str:
    """Join lines to one.

    Args:
        run: The lines.
        words: Those of the whole text, which tell a word that was broken from a compound.
    """
    parts = [run[0]]
    for before, line in pairwise([run[0], *(line.strip() for line in run[1:])]):
        half, rest = _HALF_WORD.search(before), _WORD.match(line)
        if half and rest and rest[0] not in ("and", "or"):
            if (half[1] + rest[0]).casefold() in words:
                parts[-1] = parts[-1][:-1]
        elif not _are_japanese(before, line):
            parts.append(" ")
        parts.append(line)
    return "".join(parts)


def _inside_sentences(lines: Sequence[str]) -> list[bool]:
    """Return of each line break whether it seems to be inside a sentence."""
    breaks = [_possible_break(line, following) for line, following in pairwise(lines)]
    japanese = [each for each in breaks if each and each.japanese]
    others = [each for each in breaks if each and not each.japanese]
    small = sum(each.surely for each in others) >= _SMALL * len(others)
    usual = statistics.median([each.width for each in others] or [0])
    one_width = _one_width(japanese)

    def is_inside(each: _Break) -> bool:
        if each.japanese:
            return each.surely or each.width <= one_width < each.needed
        return small and (each.surely or each.needed > usual)

    return [each is not None and is_inside(each) for each in breaks]


def _possible_break(line: str, following: str) -> _Break | None:
    """Measure the break between two lines; None if a sentence cannot go on behind it."""
    begun, rest = line.strip(), following.strip()
    if len(begun.split(maxsplit=1)) < 2 and not _CJK.search(begun):
        return None  # a name of a file, an address
    if not rest or _ENDED.search(begun) or _ADDRESS.search(begun):
        return None
    if _ITEM.match(rest) or following.startswith("\u3000"):
        return None
    if _KEY.match(begun) and _KEY.match(rest):
        return None
    if any(each.search(text) for each in (_COLUMNS, _CODE) for text in (line, following)):
        return None
    # Below an item it may be indented, and below the first line of a paragraph it may not be.
    here, below = (len(each) - len(each.lstrip()) for each in (line, following))
    item = bool(_ITEM.match(begun))
    if (below > here and not item) or (below < here and (below or item)):
        return None
    width, first = _columns(line), _FIRST.match(rest)
    if width < _NARROWEST or not first:
        return None
    if _are_japanese(begun, rest):
        needed = width + _columns(first[0]) + _SLACK
        return _Break(width, needed, begun[-1] in "、，", True)
    return _Break(width, width + 1 + _columns(first[0]), rest[0].islower(), False)


def _are_japanese(line: str, following: str) -> bool:
    """Return whether no space belongs between two lines: most of their letters are Japanese."""
    both = line + following
    return len(_CJK.findall(both)) > len(_LATIN.findall(both))


def _one_width(breaks: Sequence[_Break]) -> int:
    """Return the width in columns at which nearly all lines were broken; 0 if there is none."""
    begin, end = Counter(each.width for each in breaks), Counter(each.needed for each in breaks)
    count = most = best = 0
    for width in sorted({*begin, *end}):
        count += begin[width] - end[width]
        if count > most:
            most, best = count, width
    return best if most >= max(_FEWEST, _AT_ONE_WIDTH * len(breaks)) else 0


def _columns(text: str) -> int:
    """Return how many columns a text takes in a fixed-width font: characters of CJK take two."""
    return sum(1 + (unicodedata.east_asian_width(char) in "WF") for char in text)
