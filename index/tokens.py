"""Words to match on: Latin words and numbers whole, Japanese as character bigrams."""

from __future__ import annotations

import re
import unicodedata

_CJK_CHARS = r"\u3005-\u3007\u3041-\u3096\u30a1-\u30fa\u30fc\u3400-\u9fff\uf900-\ufaff"
_RUN = re.compile(
    r"(?P<number>\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)*|\d+(?:\.\d+)*)"
    rf"|(?P<cjk>[{_CJK_CHARS}]+)"
    rf"|(?P<word>[^\W\d_{_CJK_CHARS}]+)(?:['’]s(?!\w))?"
)
_CJK = re.compile(r"[\u3041-\u3096\u30a1-\u30fa\u30fc\u3400-\u9fff]")
_LETTER = re.compile(r"[^\W\d_]")


def tokens(text: str) -> list[str]:
    """Tokens in order of appearance, folded to NFKC lower case.

    Numbers lose their thousands separators; English plurals and possessives lose their s;
    a run of kana and kanji gives its overlapping bigrams, or itself where it is one
    character long. Nothing in Japanese is a word of its own, so nothing depends on a
    dictionary and a compound is found by each of its parts.
    """
    found = []
    for match in _RUN.finditer(unicodedata.normalize("NFKC", text).lower()):
        run = match[match.lastgroup]
        if match.lastgroup == "cjk":
            found += [run[i : i + 2] for i in range(len(run) - 1)] or [run]
        elif match.lastgroup == "number":
            found.append(run.replace(",", ""))
        else:
            found.append(stem(run))
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
