"""Statements with the opposite of one of their words: what a false premise is compared with."""

from __future__ import annotations

import re
import unicodedata

from service.verification.rules.antonyms import OPPOSITES


def with_opposite(statement: str) -> str | None:
    """Put the opposite in the place of a word of a statement; None if it has no listed word.

    Only a word behind the first is replaced, since "Falls" at the beginning may be a noun. Of
    Japanese words, one that is inflected alike is preferred: 高く becomes 低く.
    """
    for pair in OPPOSITES:
        for mine, other in (pair, pair[::-1]):
            for word in mine:
                bare = word.strip()
                edge = r"\b" if bare.isascii() else ""
                if found := re.search(rf"(?<=.){edge}{re.escape(bare)}{edge}", statement):
                    best = max(other, key=lambda each: _vowel(each) == _vowel(word)).strip()
                    return statement[: found.start()] + best + statement[found.end() :]
    return None


def _vowel(word: str) -> str:
    """Return the vowel with which a word in kana ends, the last letter of any other word.

    Words that end in a kanji are alike: 増加 becomes 減少, and not 減っ.
    """
    last = word.strip()[-1]
    return "kanji" if last >= "\u3400" else unicodedata.name(last, "?")[-1]
