"""Antonyms in claim and quote, such as more and less, in English and Japanese."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from service.text.alignment import content_words, coverage_share
from service.verification.rules.finding import Finding
from service.verification.rules.pair import Pair

_THAN = re.compile(r"\bthan\b", re.IGNORECASE)
_NOT_BEFORE = re.compile(
    r" (?:not|never|no|nor|cannot|hardly|n t|\w+n t)"
    r"(?: (?:a|an|the|so|very|as|been|be|much|any|yet))? $"
)
_NOT_BEHIND = re.compile(r"[\u3041-\u3096]{0,4}?(?:ない|なかっ|なく|ませ)")
_CLAUSES = re.compile(r"[、,;；。]|(?<=[a-z]) (?:and|but|while|whereas) ")


def opposite_words(pair: Pair) -> Iterator[Finding]:
    """Find words of a near copy whose opposite stands in the quote.

    A word that stands in the quote itself does not count. In A above B and B below A, where the
    two have changed places, the opposite says the same.
    """
    if pair.near and not converse(pair.claim, pair.quote):
        for said, there in _opposites(pair.claim, pair.quote):
            yield Finding("comparison", said, there)


def reversed_sense(pair: Pair) -> bool:
    """Return whether a word of the claim has its opposite in the quote, whatever is compared."""
    return next(_opposites(pair.claim, pair.quote), None) is not None


def converse(claim: str, quote: str) -> tuple[str, str] | None:
    """Return what follows "than" in claim and quote, if the two compare the same pair in reverse.

    A is more than B, B is less than A.
    """
    mine, other = _compared(claim), _compared(quote)
    if not mine or not other or mine[1] == other[1]:
        return None
    if mine[1] in other[0] and (other[1] in mine[0] or not other[1]):
        return mine[2], other[2]
    return None


def _compared(text: str) -> tuple[set[str], str, str] | None:
    """Return what a comparison says something of, and what it compares it with.

    That is the words, and the one behind than or before より, folded and as it stands; None for a
    text with none or several.
    """
    japanese = text.count("より")
    than = _THAN.split(text)
    if len(than) == 2 and not japanese:
        said, against = content_words(than[0]), content_words(f"- {than[1]}")[:1]
    elif len(than) == 1 and japanese == 1 and "より" not in text[:1]:
        before, after = text.split("より")
        listed = content_words(before)
        said, against = (*listed[:-1], *content_words(after)), listed[-1:]
    else:
        return None
    shown = against[0].shown if against else "–"
    return {w.text for w in said}, against[0].text if against else "", shown


def _opposites(claim: str, quote: str) -> Iterator[tuple[str, str]]:
    ours, theirs = _plain(claim), _plain(quote)
    clause = None
    for pair in _OPPOSITE_SETS:
        for mine, other in (pair, pair[::-1]):
            said = [w for w in mine if _has(w, ours)]
            if not said or any(_has(w, ours) for w in other):
                continue
            there = [w for w in other if _has(w, theirs)]
            if there and any(_has(w, theirs) for w in mine):  # the nearest clause decides
                clause = clause or _plain(_nearest_clause(claim, quote))
                there = [
                    w for w in there if _has(w, clause) and not any(_has(m, clause) for m in mine)
                ]
            if there and _negated(said[0], ours) == _negated(there[0], theirs):
                yield said[0].strip(), there[0].strip()


def _has(word: str, text: str) -> bool:
    """可能 does not stand in 不可能, nor 大きい in 大きくない."""
    return word in text and any(
        text[m.start() - 1] not in "不非未" for m in re.finditer(re.escape(word), text)
    )


def _negated(word: str, text: str) -> bool:
    """Whether a negation belongs to a word: not so large, 大きくはない."""
    at = text.find(word)
    if word.isascii():
        return bool(_NOT_BEFORE.search(text[max(0, at - 40) : at + 1]))
    return bool(_NOT_BEHIND.match(text, at + len(word)))


def _nearest_clause(claim: str, quote: str) -> str:
    clauses = [c for c in _CLAUSES.split(quote) if c.strip()] or [quote]
    return max(clauses, key=lambda c: coverage_share(claim, c))


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).lower()
    spaced = " ".join(["", *re.findall(r"\w+", folded), ""])
    return spaced.replace(" at least ", " at_least ").replace(" at most ", " at_most ")


def _sides(line: list[str]) -> list[tuple[str, ...]]:
    """The words on the two sides of a line; English words are only found whole."""
    return [
        tuple(f" {word} " if word.isascii() else word for word in side.split()) for side in line
    ]


_LIST = Path(__file__).with_name("antonyms.toml")
_OPPOSITE_SETS = [_sides(line) for line in tomllib.loads(_LIST.read_text("utf-8"))["opposites"]]
