"""Tokenisation for lexical search: whole words and numbers, and character bigrams for Japanese.

Japanese is written without spaces. Bigrams need no dictionary, and a compound is found by each of
its parts.
"""

from __future__ import annotations

import re
import unicodedata
from operator import add

_CJK_CHARS = r"\u3005-\u3007\u3041-\u3096\u30a1-\u30fa\u30fc\u3400-\u9fff\uf900-\ufaff"
_NUMBER = r"(\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)*|\d+(?:\.\d+)*)"
# Each match is (number, run of kana and kanji, word); two of the three are empty.
_RUN = re.compile(rf"{_NUMBER}|([{_CJK_CHARS}]+)|([^\W\d_{_CJK_CHARS}]+)(?:['’]s(?!\w))?")
# The same for ASCII text, in half the time.
_ASCII_RUN = re.compile(rf"{_NUMBER}|(?!)()|([a-z]+)(?:'s(?!\w))?", re.ASCII)
_CJK = re.compile(r"[\u3041-\u3096\u30a1-\u30fa\u30fc\u3400-\u9fff]")
_LETTER = re.compile(r"[^\W\d_]")


def tokens(text: str) -> list[str]:
    """Split a text into normalised tokens for lexical search.

    Text is folded to NFKC and lower case. Numbers lose their thousands separators, English plurals
    and possessives their s. A run of kana and kanji becomes its overlapping bigrams, or stays as
    it is if it is one character long.

    Returns:
        The tokens in order of appearance, repetitions included.
    """
    found: list[str] = []
    text = unicodedata.normalize("NFKC", text).lower()
    for number, cjk, word in (_ASCII_RUN if text.isascii() else _RUN).findall(text):
        if word:
            found.append(stem(word) if word[-1] == "s" else word)
        elif len(cjk) > 1:
            found += map(add, cjk, cjk[1:])
        else:
            found.append(cjk or number.replace(",", ""))
    return found


def is_japanese(text: str) -> bool:
    """Return whether at least 20 % of the letters of a text are kana or kanji."""
    letters = len(_LETTER.findall(text))
    return letters > 0 and len(_CJK.findall(text)) >= 0.2 * letters


def stem(word: str) -> str:
    """Remove the English plural s from a lower-case word (Harman's "S" stemmer, 1991)."""
    if len(word) > 3 and word.endswith("s"):
        if word.endswith("ies") and not word.endswith(("eies", "aies")):
            return word[:-3] + "y"
        if not word.endswith(("us", "ss", "ies")):
            return word[:-1]
    return word
