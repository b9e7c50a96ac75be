"""Antonyms in claim and quote, such as more and less, in English and Japanese."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from service.text.alignment import coverage_share

_CLAUSES = re.compile(r"[、,;；。]|(?<=[a-z]) (?:and|but|while|whereas) ")
_LIST = tomllib.loads(Path(__file__).with_name("antonyms.toml").read_text(encoding="utf-8"))
OPPOSITES = [  # English words are only found whole
    [[f" {word} " if word.isascii() else word for word in side.split()] for side in line]
    for line in _LIST["opposites"]
]


def antonyms(claim: str, quote: str) -> Iterator[tuple[str, str]]:
    """Yield words of the claim whose opposite stands in the quote, each with that opposite.

    A word that stands in the quote itself does not count, except in another clause of it.
    """
    ours, theirs = _plain(claim), _plain(quote)
    for pair in OPPOSITES:
        for mine, other in (pair, pair[::-1]):
            said = [w for w in mine if _has(w, ours)]
            there = [w for w in other if _has(w, theirs)]
            if not said or not there or any(_has(w, ours) for w in other):
                continue
            if any(_has(w, theirs) for w in mine):
                clause = _plain(_nearest_clause(claim, quote))
                ours_too = any(_has(w, clause) for w in mine)
                there = [w for w in there if _has(w, clause) and not ours_too]
            if there:
                yield said[0].strip(), there[0].strip()


def _has(word: str, text: str) -> bool:
    """可能 does not stand in 不可能, nor 大きい in 大きくない."""
    return word in text and any(
        text[m.start() - 1] not in "不非未" for m in re.finditer(re.escape(word), text)
    )


def _nearest_clause(claim: str, quote: str) -> str:
    clauses = [c for c in _CLAUSES.split(quote) if c.strip()] or [quote]
    return max(clauses, key=lambda c: coverage_share(claim, c))


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).lower()
    spaced = " ".join(["", *re.findall(r"\w+", folded), ""])
    return spaced.replace(" at least ", " at_least ").replace(" at most ", " at_most ")
