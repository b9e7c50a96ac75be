"""Rules on names: a name in the claim that the quote does not have."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from index.lexical.tokenizer import is_japanese
from service.text.aliases import known_as
from service.text.alignment import Word, align_words, content_words
from service.verification.rules.finding import Finding

SWAP = 2  # words on either side that may make up one name for another
_NAME = re.compile(r"[A-Z][A-Za-z0-9'’]*(?:[-.][A-Za-z0-9]+)*")
_KATAKANA = re.compile(r"[\u30a1-\u30fa\u30fc]{3,}")
# Abbreviations in Latin letters that are Japanese words.
_OUR_LETTERS = frozenset("SNS CM DB GK PC OS TV IT AI OL CD DVD PR HP W".split())


def changed_names(
    claim: str, quote: str, context: str, near: bool, about: bool
) -> Iterable[Finding]:
    """Find names that the quote does not have: nowhere at all, or another one in their place.

    In a near copy, so also numbers that stand where the quote has another.
    """
    ours, theirs = content_words(claim), content_words(quote)
    here = {w.text for w in theirs}
    around = unicodedata.normalize("NFKC", context).casefold()
    replaced = _replaced(ours, theirs) if near else {}
    for i, word in enumerate(ours):
        if word.kind == "number" and i in replaced and not about:
            other = next((w for w in replaced[i] if w.kind == "number"), None)
            if other is not None:
                yield Finding("number", word.shown, other.shown)
        if word.kind != "name" or word.text in here or _part_of_one(word.shown, theirs):
            continue
        if known_as(word.shown, claim, quote if i in replaced else f"{quote} {context}"):
            continue
        other = next((w for w in replaced.get(i, ()) if w.kind == "name" and w not in ours), None)
        if other is not None:
            yield Finding("name", word.shown, other.shown)
        elif word.shown.casefold() not in around and (near or word.shown.isascii()):
            yield Finding("name", word.shown)


def _part_of_one(name: str, theirs: Sequence[Word]) -> bool:
    """Whether a word in katakana is a shortened or lengthened one of theirs: アプリケーション."""
    return bool(_KATAKANA.fullmatch(name)) and any(
        w.kind == "name" and (w.shown in name or name in w.shown) for w in theirs
    )


def changed_names_across_languages(claim: str, known: str) -> Iterable[Finding]:
    """Find names in Latin letters that a quote in the other language lacks.

    That ナーフ is NeRF, a rule cannot know; English names seldom stand in Japanese text.
    """
    if not is_japanese(claim):
        return
    folded = _unapostrophed(known)
    for match in _NAME.finditer(unicodedata.normalize("NFKC", claim)):
        if len(match[0]) == 1 or match[0] in _OUR_LETTERS or known_as(match[0], claim, known):
            continue
        name = re.escape(_unapostrophed(match[0]))
        if not re.search(
            rf"(?<![a-z]){name}(?!{'' if match[0].islower() else '[a-z]{2}'})", folded
        ):
            yield Finding("name", match[0])


def _unapostrophed(text: str) -> str:
    """Folded, and what stands around an apostrophe put together: I 'm is im, God's gods."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"\s?(n?)['’]\s?(?=[a-z])", r"\1", folded)


def _replaced(ours: Sequence[Word], theirs: Sequence[Word]) -> dict[int, Sequence[Word]]:
    """For each word of ours that stands where the quote has others: those others."""
    found: dict[int, Sequence[Word]] = {}
    for op, a, b, c, d in align_words(ours, theirs).get_opcodes():
        if op == "replace" and b - a <= SWAP and d - c <= SWAP:
            found |= dict.fromkeys(range(a, b), theirs[c:d])
    return found
