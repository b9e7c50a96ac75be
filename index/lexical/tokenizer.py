"""Words to match on: Latin words and numbers whole, Japanese as character bigrams."""

from __future__ import annotations

import re
import unicodedata
from operator import add

_CJK_CHARS = r"\u3005-\u3007\u3041-\u3096\u30a1-\u30fa\u30fc\u3400-\u9fff\uf900-\ufaff"
_NUMBER = r"(\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)*|\d+(?:\.\d+)*)"
# Each run as (number, kana and kanji, word), two of them empty.
_RUN = re.compile(rf"{_NUMBER}|([{_CJK_CHARS}]+)|([^\W\d_{_CJK_CHARS}]+)(?:['’]s(?!\w))?")
# The same of text in ASCII, in half the time.
_ASCII_RUN = re.compile(rf"{_NUMBER}|(?!)()|([a-z]+)(?:'s(?!\w))?", re.ASCII)
_CJK = re.compile(r"[\u3041-\u3096\u30a1-\u30fa\u30fc\u3400-\u9fff]")
_LETTER = re.compile(r"[^\W\d_]")


def tokens(text: str) -> list[str]:
    """Tokens in order of appearance, folded to NFKC lower case.

    Numbers lose their thousands separators; English plurals and possessives lose their s;
    a run of kana and kanji gives its overlapping bigrams, or itself where it is one
    character long. Nothing in Japanese is a word of its own, so nothing depends on a
    dictionary and a compound is found by each of its parts.
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
    """Whether a fair share of the letters of ``text`` are kana or kanji."""
    letters = len(_LETTER.findall(text))
    return letters > 0 and len(_CJK.findall(text)) >= 0.2 * letters


def stem(word: str) -> str:
    """The plural s alone (Harman's "S" stemmer, 1991): it never joins words that differ."""
    if len(word) > 3 and word.endswith("s"):
        if word.endswith("ies") and not word.endswith(("eies", "aies")):
            return word[:-3] + "y"
        if not word.endswith(("us", "ss", "ies")):
            return word[:-1]
    return word
