"""Rule-based sentence splitting for English and Japanese text, in linear time."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

# A sentence may end after one of these; closing quotes and brackets still belong to it, and so
# does a bracketed reference number right behind it.
_END = re.compile(
    r"(?:[。！？!?｡]|(?<!\d)．|．(?!\d))+[」』）】〉》”’\"')\]]*(?:\[\d{1,3}\])*"
    r"|\.[”’\"')\]]*(?:\[\d{1,3}\])*(?=\s|$|\[)"
    r"|\n"
)
_BEFORE_STOP = re.compile(r"([^\W\d_]+(?:\.[^\W\d_]+)*)$")
_WORDS = tomllib.loads(Path(__file__).with_name("sentence_ends.toml").read_text(encoding="utf-8"))
_ABBREVIATIONS = frozenset(_WORDS["abbreviations"].split())
_EXCLAIMED = frozenset(_WORDS["exclaimed"].split())
_BEGINNERS = frozenset(_WORDS["beginners"].split())
# What goes on with a sentence behind ! or ？ in a Japanese name: ラブライブ！の, but not とても.
_PARTICLE = re.compile(r"[をの]|[はがにとでもへや](?=[^\s\u3041-\u3096。、！？!?])")
_LATIN_WORD = re.compile(r"[A-Za-z]+$")
_LOWER_WORD = re.compile(r"[ \t]+([a-z][A-Za-z]+)")
_INNER_CAPITAL = re.compile(r"[a-z]{1,4}[A-Z]")  # arXiv, iPhone
_YEAR = re.compile(r"(?<![\w.,])\d{4}$")
_HOUR = re.compile(r"\d\s?[ap]\.m$")
_OF_HOUR = re.compile(  # 4:51 p.m. EST, 4:51 p.m. Monday
    r"\s+(?:[A-Z]{2,4}\b|(?:Pacific|Eastern|Central|Mountain|Greenwich)\b"
    r"|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov"
    r"|Dec)[a-z]*\.? \d)"
)
_LIST_ITEM = re.compile(r"\s*(?:[-*•・]|\d{1,3}[.)])\s")
_OPEN_TEXT = frozenset("「『（(【《〈")
_CLOSE_TEXT = frozenset("」』）)】》〉")
_WRAPPED_LINE = 50  # characters; a shorter line ends on purpose, not because it was wrapped


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Find the spans of the sentences of a text.

    These do not end a sentence: a Japanese full stop, a question mark or an exclamation mark
    inside brackets; an exclamation mark of a name, as in Yahoo! Japan; an English full stop after
    an abbreviation or an initial; a full stop inside a number or after the number of a list item.
    A line break does, unless it only wraps a long line of prose.

    Returns:
        Spans (start, end) in order, without surrounding white space; together they cover every
        other character of the text.
    """
    spans: list[tuple[int, int]] = []
    start, depth, scanned = 0, 0, 0
    for match in _END.finditer(text):
        mark = text[match.start()]
        for char in text[scanned : match.start() + 1]:
            depth += (char in _OPEN_TEXT) - (char in _CLOSE_TEXT and depth > 0)
        scanned = match.start() + 1
        if mark == "\n":
            if not _line_ends(text, start, match.start()):
                continue
            depth = 0
        elif (mark != "." and depth > 0) or not _stop_ends(text, start, match):
            continue
        _append(spans, text, start, match.end())
        start = match.end()
        depth = 0
        scanned = match.end()
    _append(spans, text, start, len(text))
    return spans


def sentences(text: str) -> list[str]:
    """Split a text into its sentences, without surrounding white space."""
    return [text[start:end] for start, end in sentence_spans(text)]


def _append(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    stripped = piece.strip()
    if stripped:
        start += len(piece) - len(piece.lstrip())
        spans.append((start, start + len(stripped)))


def _line_ends(text: str, start: int, newline: int) -> bool:
    """Return whether the line break at ``newline`` ends a sentence that began at ``start``."""
    line_start = max(text.rfind("\n", start, newline) + 1, start)
    following = text[newline + 1 : newline + 9]
    wrapped = (
        newline - line_start >= _WRAPPED_LINE
        and following[:1].islower()
        and not _LIST_ITEM.match(following)
    )
    return not wrapped


def _stop_ends(text: str, start: int, match: re.Match[str]) -> bool:
    """Return whether the mark in ``match``, outside brackets, ends the sentence from ``start``."""
    mark, after = text[match.start()], text[match.end() : match.end() + 4]
    following = after.lstrip(" \t")[:1]
    if mark in ".．" and following not in ("", "\n"):  # "1." before an item of a list
        before = text[start : match.start()].strip() if match.start() - start < 12 else ""
        if before.isdigit() and len(before) <= 3:
            return False
    before = text[max(0, match.start() - 24) : match.start()]
    rest = text[match.end() : match.end() + 24]
    if mark in "!?！？" and _in_a_name(before, mark, rest):
        return False
    if mark not in ".!?":
        return True
    if following.islower() and not _begins_in_lower_case(before, rest):
        return False
    if mark != ".":
        return not "!" <= after[:1] <= "~" or after[0] == "["  # not in a != b
    if following in ("", "\n"):
        return True
    if _HOUR.search(before) and _OF_HOUR.match(rest):
        return False
    return not ends_with_abbreviation(before, following)


def _in_a_name(before: str, mark: str, rest: str) -> bool:
    """Return whether a sentence goes on behind a name with an exclamation or question mark."""
    if _PARTICLE.match(rest):
        return True
    name = _LATIN_WORD.search(before)
    if mark not in "!！" or not name or name[0].lower() not in _EXCLAIMED:
        return False
    following = re.match(r" ?([^\W_]+)", rest)
    return following is not None and following[1].lower() not in _BEGINNERS


def _begins_in_lower_case(before: str, rest: str) -> bool:
    """Return whether a sentence begins with a word in lower case, such as arXiv.

    One with a capital inside does, and any word behind a year, which is no abbreviation.
    """
    following = _LOWER_WORD.match(rest)
    if not following or following[1] in _ABBREVIATIONS:
        return False
    return bool(_INNER_CAPITAL.match(following[1]) or _YEAR.search(before))


def ends_with_abbreviation(before: str, following: str) -> bool:
    """Return whether a full stop belongs to an abbreviation or initial, such as "e.g." or "J.".

    Args:
        before: the text before the full stop.
        following: the next character after it that is not white space; "No." is an abbreviation
            only before a digit.
    """
    match = _BEFORE_STOP.search(before)
    if match is None:
        return False
    word = match[1]
    if word.lower() in ("no", "nos"):
        return following.isdigit()
    initial = len(word) == 1 and word.isupper() and word != "I"
    return initial or word.lower() in _ABBREVIATIONS
