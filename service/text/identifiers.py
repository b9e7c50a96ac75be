"""Identifiers in a question, such as PPR-9099 or CVE-2024-1234, and whether texts have them.

An identifier is a code of letters and digits that names one thing. A source about a similar code,
such as PPR-9088, does not answer the question. Quantities, years, ordinals and units are not
identifiers. Pure functions, no model.
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
# The number of a standard may follow a space: ISO 27001, RFC 9110. A year does not count.
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
# Words before a number in any text: chapter 3, week 12. They are not identifiers.
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
_SYNONYMS = {  # other names of it in a text
    "covid19": ("coronavirus", "sarscov2", "コロナ", "covid"),
    "sarscov2": ("coronavirus", "covid19", "コロナ"),
    "ww1": ("first world war", "world war i", "第一次世界大戦", "第一次大戦"),
    "ww2": ("second world war", "world war ii", "world war 2", "第二次世界大戦", "第二次大戦"),
}


@dataclass(frozen=True, slots=True)
class Identifier:
    """An identifier of a question.

    Attributes:
        text: The code as it is written.
        parts: Its runs of letters and of digits in order, in lower case.
        sure: Whether it can only be a code. One that is not sure, such as T5 or gpt-7, is
            treated as a code only where a text has its letters with another number.
    """

    text: str
    parts: tuple[str, ...]
    sure: bool

    @property
    def key(self) -> str:
        """The letters and digits without separators, by which identifiers are compared."""
        return "".join(self.parts)


def identifiers(question: str) -> list[Identifier]:
    """Return the identifiers of a question, each once, in order; full-width letters are folded."""
    text = _ADDRESS.sub(" ", _plain(question))
    found: dict[str, Identifier] = {}
    for shown, sure in _codes(text):
        parts = tuple(part.casefold() for part in _PARTS.findall(shown))
        found.setdefault("".join(parts), Identifier(shown, parts, sure))
    return list(found.values())


def unnamed(question: str, texts: Sequence[str]) -> tuple[str, ...]:
    """Return the identifiers of a question that none of the texts has in any spelling.

    Identifiers are returned as they are written in the question.
    """
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
    """Return a text in Unicode form NFKC with one kind of hyphen: ₂ becomes 2."""
    return _HYPHENS.sub("-", unicodedata.normalize("NFKC", text))


def _codes(text: str) -> Iterator[tuple[str, bool]]:
    """Yield each code in a text, and whether it can only be a code."""
    for match in _SPACED.finditer(text):
        sure = match[0][0].isupper() and bool(re.search(r"\d{3}", match[0]))
        yield match[0], sure  # otherwise it may be a count: EU 27
    for match in _TOKEN.finditer(_SPACED.sub(" ", text)):
        token = _SUFFIX.sub("", _PREFIX.sub("", match[0]))
        if _ARXIV.fullmatch(token) or _VERSION.fullmatch(token):
            yield token, True
        elif (is_code := _is_code(token)) is not None:
            yield token, is_code


def _is_code(token: str) -> bool | None:
    """Return whether a token of letters and digits can only be a code; None if it is not one."""
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
    if len(rest) == 1 and _YEAR.fullmatch(digits):  # EURO2016; but post-2008 is not a code
        return False if capitals > 1 else None
    return capitals > 1 or (len(digits) > 2 and _VOWELS.isdisjoint(low))


def _has(code: Identifier, whole: str, folded: str) -> bool:
    if re.search(_spelled(code.parts, code.sure), folded):
        return True
    if code.parts[0] == "v" and re.search(_spelled(("version", *code.parts[1:]), False), folded):
        return True
    if any(other in folded for other in _SYNONYMS.get(code.key, ())):
        return True
    return _in_roman(code, folded) or _written_out(code, whole)


def _spelled(parts: Sequence[str], exact: bool) -> str:
    """Return a pattern for the parts, with or without separators between them.

    With ``exact`` it does not match a code that goes on with decimals, as 3.5 does after 3.
    """
    body = r"(?:/[a-z]{2,6})?[\s\-_.:/]{0,2}".join(map(re.escape, parts))
    before = r"(?<![a-z])" if parts[0].isalpha() else r"(?<![0-9])(?<![0-9]\.)"
    after = r"(?![a-z])"
    if parts[-1].isdigit():
        after = r"(?![0-9]|[.,][0-9])" if exact else r"(?![0-9])"
    return before + body + after


def _in_roman(code: Identifier, folded: str) -> bool:
    """Return whether a text has the last number of a code in Roman numerals: Mark-2, Mark II."""
    roman = _ROMAN.get(int(code.parts[-1])) if code.parts[-1].isdecimal() else None
    return roman is not None and bool(re.search(_spelled((*code.parts[:-1], roman), True), folded))


def _written_out(code: Identifier, whole: str) -> bool:
    """Return whether a text spells out the letters of a code before its number.

    GPT-3 is found as Generative Pre-trained Transformer 3.
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
    """Return whether a text has the letters of a code directly followed by another number."""
    between = "[- ]?" if "-" in code.text else "-?"
    return bool(re.search(rf"(?<![a-z]){re.escape(code.parts[0])}{between}[0-9]", folded))
