"""Identifiers in a question, such as PPR-9099 or CVE-2024-1234, and whether texts have them. Pure.

An identifier is a code of letters and digits that names one thing, so that a source about a
neighbouring code (PPR-9088) is no answer. Quantities, years, ordinals and units are none.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_ROMAN = dict(
    enumerate("i ii iii iv v vi vii viii ix x xi xii xiii xiv xv xvi xvii xviii xix xx".split(), 1)
)
_HYPHENS = re.compile(r"[‐‑‒–—―−﹣]|(?<=[A-Za-z0-9])ー(?=[A-Za-z0-9])")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://\S+|\S+@\S+", re.IGNORECASE)
_TOKEN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9]+(?:[-_.:/][A-Za-z0-9]+)*")
# A standard's number stands behind a blank: ISO 27001, RFC 9110. A year does not count.
_SPACED = re.compile(
    r"(?<![A-Za-z0-9])(?:[A-Z]{2,6}|[b-df-hj-np-tv-xz]{2,6})"
    r" (?!(?:1[0-9]|20)\d\d(?![0-9]))\d+(?:[-.:]\d+)*(?![0-9A-Za-z%,])"
)
_ARXIV = re.compile(r"\d{2}(?:0[1-9]|1[0-2])\.\d{4,5}(?:v\d+)?")
_VERSION = re.compile(r"[vV]\d+(?:\.\d+)+|\d{1,3}(?:\.\d{1,3}){2,}")
_PREFIX = re.compile(r"^(?:(?:pre|post|non|anti|pro|ex)-(?=.*[A-Za-z])|arxiv:)", re.IGNORECASE)
_SUFFIX = re.compile(r"(?<=\d)(?:s|(?:-[a-z]+)+)$")  # the B-17s, GPT-3-based
_YEAR = re.compile(r"(?:1[0-9]|20)\d\d")
_FOR_TO = re.compile(r"[A-Za-z]+[24][A-Za-z]+")  # seq2seq, B2B: the digit is a word
_PARTS = re.compile(r"[A-Za-z]+|[0-9]+")
# Words that number what follows them, in any text: no names of their own.
_COUNTING = frozenset(
    "act age appendix april area article august book category chapter class cohort course day"
    " december eq equation example exercise experiment fall february fig figure game goal grade"
    " group grp hour item january july june layer lesson level line list march may method mid"
    " module month no nov november number october option over page part phase plan point problem"
    " quarter question rank round route row rule section semester september series session sep"
    " set sheet size slide spring stage step study sub summer sec tab table task tier to top track"
    " type under unit up version vol volume week winter world year zone".split()
)
_UNITS = frozenset("km cm mm m ft in h co ch no n o so nh pm log exp sqrt".split())
_VOWELS = frozenset("aeiouy")
_OTHERWISE = {  # what a text may call it instead
    "covid19": ("coronavirus", "sarscov2", "コロナ", "covid"),
    "sarscov2": ("coronavirus", "covid19", "コロナ"),
    "ww1": ("first world war", "world war i", "第一次世界大戦", "第一次大戦"),
    "ww2": ("second world war", "world war ii", "world war 2", "第二次世界大戦", "第二次大戦"),
}


@dataclass(frozen=True, slots=True)
class Identifier:
    """A code as it was written, and its letters and digits in order, in lower case.

    ``sure``: it can be nothing but a code. One that is not, such as T5 or gpt-7, is taken for
    a code where a text has its letters with another number.
    """

    text: str
    parts: tuple[str, ...]
    sure: bool

    @property
    def key(self) -> str:
        return "".join(self.parts)


def identifiers(question: str) -> list[Identifier]:
    """The identifiers of a question, each once, in order; full-width letters count as others."""
    text = _ADDRESS.sub(" ", _plain(question))
    found = {}
    for shown, sure in _codes(text):
        parts = tuple(part.casefold() for part in _PARTS.findall(shown))
        found.setdefault("".join(parts), Identifier(shown, parts, sure))
    return list(found.values())


def unnamed(question: str, texts: Sequence[str]) -> tuple[str, ...]:
    """The identifiers of a question that none of the texts has, under any of its spellings."""
    asked = identifiers(question)
    if not asked:
        return ()
    whole = "\n".join(map(_plain, texts))
    folded = whole.casefold()
    return tuple(
        each.text
        for each in asked
        if not _has(each, whole, folded) and (each.sure or _has_sibling(each, folded))
    )


def _plain(text: str) -> str:
    """A text in NFKC with one kind of hyphen: full-width letters as others, ₂ as 2."""
    return _HYPHENS.sub("-", unicodedata.normalize("NFKC", text))


def _codes(text: str) -> Iterator[tuple[str, bool]]:
    """Each code in a text, and whether it can be nothing else."""
    for match in _SPACED.finditer(text):
        sure = match[0][0].isupper() and bool(re.search(r"\d{3}", match[0]))
        yield match[0], sure  # else it may be a count: EU 27
    for match in _TOKEN.finditer(_SPACED.sub(" ", text)):
        token = _SUFFIX.sub("", _PREFIX.sub("", match[0]))
        if _ARXIV.fullmatch(token) or _VERSION.fullmatch(token):
            yield token, True
        elif (sure := _is_code(token)) is not None:
            yield token, sure


def _is_code(token: str) -> bool | None:
    """Whether a token is surely a code of letters, then digits; None for what is no code."""
    if not token[0].isalpha() or not any(c.isdigit() for c in token):
        return None
    letters, *rest = _PARTS.findall(token)
    low, digits = letters.casefold(), "".join(part for part in rest if part.isdigit())
    capitals = sum(c.isupper() for c in token)
    if low in _COUNTING or _FOR_TO.fullmatch(token) or "/" in token.strip("/"):
        return None
    if low in _UNITS and len(digits) < 2:
        return None
    if len(letters) == 1:
        return len(digits) > 2
    if len(rest) == 1 and _YEAR.fullmatch(digits):  # EURO2016; and post-2008, which is none
        return False if capitals > 1 else None
    return capitals > 1 or (len(digits) > 2 and _VOWELS.isdisjoint(low))


def _has(code: Identifier, whole: str, folded: str) -> bool:
    if re.search(_spelled(code.parts, code.sure), folded):
        return True
    if code.parts[0] == "v" and re.search(_spelled(("version", *code.parts[1:]), False), folded):
        return True
    if any(other in folded for other in _OTHERWISE.get(code.key, ())):
        return True
    return _in_roman(code, folded) or _written_out(code, whole)


def _spelled(parts: Sequence[str], exact: bool) -> str:
    """A pattern for the parts, with or without hyphens or blanks between them.

    ``exact``: it does not stand for a later version of it, as 3.5 is of 3.
    """
    body = r"(?:/[a-z]{2,6})?[\s\-_.:/]{0,2}".join(map(re.escape, parts))
    before = r"(?<![a-z])" if parts[0].isalpha() else r"(?<![0-9])(?<![0-9]\.)"
    after = r"(?![a-z])"
    if parts[-1].isdigit():
        after = r"(?![0-9]|[.,][0-9])" if exact else r"(?![0-9])"
    return before + body + after


def _in_roman(code: Identifier, folded: str) -> bool:
    """Whether a text has the last number of a code as a Roman one: Mark-2, Mark II."""
    roman = _ROMAN.get(int(code.parts[-1])) if code.parts[-1].isdecimal() else None
    return roman is not None and bool(re.search(_spelled((*code.parts[:-1], roman), True), folded))


def _written_out(code: Identifier, whole: str) -> bool:
    """Whether a number stands behind the words whose initials the letters are, as in
    Generative Pre-trained Transformer 3.
    """
    letters, *rest = code.parts
    if len(letters) < 2 or not rest or not rest[0].isdigit():
        return False
    for match in re.finditer(rf"(?<![0-9.]){'[-. ]?'.join(map(re.escape, rest))}(?![0-9])", whole):
        words = re.findall(r"[A-Za-z]+", whole[max(0, match.start() - 120) : match.start()])
        initials = "".join(word[0] for word in words if word[0].isupper() and len(word) > 1)
        if initials.casefold().endswith(letters):
            return True
    return False


def _has_sibling(code: Identifier, folded: str) -> bool:
    """Whether a text has the letters of a code with another number directly behind them."""
    between = "[- ]?" if "-" in code.text else "-?"
    return bool(re.search(rf"(?<![a-z]){re.escape(code.parts[0])}{between}[0-9]", folded))
