"""Content words of English and Japanese text, and how many of them two texts share.

Pure functions, no model.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Literal

from index.lexical.tokenizer import is_japanese, stem
from service.text.numerals import MONTHS, in_figures

_WORD = re.compile(
    r"(?P<number>\d+(?:,\d{3})*(?:\.\d+)?)"
    r"|(?P<katakana>[\u30a1-\u30fa\u30fc]+)|(?P<hiragana>[\u3041-\u3096]+)"
    r"|(?P<kanji>[\u3005-\u3007\u3400-\u9fff\uf900-\ufaff]+)"
    r"|(?P<latin>[^\W\d_\u3005-\u3007\u3041-\u3096\u30a1-\u30fa\u30fc\u3400-\u9fff]+"
    r"(?:['’](?!s\b)[^\W\d_]+)?)"
)
_FUNCTION_WORDS = frozenset(
    (
        "the a an this that these those it its they their he she his her we our you your i in"
        " on at of for from by with as to and or but if when while where what which who how"
        " why there here however therefore thus also both each one two is are was were be"
        " been being has have had do does did can will would should according about than so"
        " such then s into over out up many more most some all"
    ).split()
)
# Words that negate a sentence or cast doubt on it.
_TURNS = re.compile(
    r"\b(?:not(?!\s(?:only|just|merely)\b[^.;]{0,120}\b(?:but|also)\b)|nobody|nothing|(?-i:[Nn]o)|never|nor|neither|without|cannot"
    r"|unless|whether|(?-i:may)|might|could|fail(?:s|ed)?"  # May is a month
    r"|false|except|hardly|barely|seldom|rarely)\b|n['’]t\b"
    r"|(?<!少)(?<!危)(?<!違い)(?:ない|なかっ|なく)(?!て(?:は|も))|ません|(?<=[\u3041-\u9fff])ずに|ずとも"
    r"|かどうか|かもしれ|とは限ら",
    re.IGNORECASE,
)
_LONGEST = 600  # words that are aligned at most: the time grows with the square of their number
_INITIALS = re.compile(r"\b(?:[A-Z]\.){2,}")


@dataclass(frozen=True, slots=True)
class Word:
    """A content word.

    Attributes:
        text: The folded form, by which words are compared: stemmed and in lower case for
            English, digits without commas for a number, ``¬`` for any negation.
        kind: ``turn`` is a word that negates or casts doubt; ``name`` one with a capital, or
            three or more katakana.
        shown: The word as it is written in the text, after numbers were put in digits.
        start: Where it starts in ``folded_text``; two words are equal wherever they stand.
    """

    text: str
    kind: Literal["number", "name", "turn", "word"]
    shown: str
    start: int = field(default=0, compare=False)

    @property
    def end(self) -> int:
        """Where the word ends in ``folded_text``."""
        return self.start + len(self.shown)


def coverage_share(claim: str, quote: str) -> float:
    """Return the share of the claim's content words that the quote has too, from 0 to 1.

    A claim without content words gives 0.
    """
    ours, theirs = content_words(claim), content_words(quote)
    if not ours:
        return 0.0
    shared = Counter(w.text for w in ours) & Counter(w.text for w in theirs)
    return shared.total() / len(ours)


def order_share(ours: Sequence[Word], theirs: Sequence[Word]) -> float:
    """Return the share of the first words that the second ones have in the same order, 0 to 1.

    Without first words it is 0.
    """
    matched = align_words(ours, theirs).get_matching_blocks() if ours else ()
    return sum(block.size for block in matched) / (len(ours) or 1)


@lru_cache(maxsize=4096)
def folded_text(text: str) -> str:
    """Return the form of a text in which its words are found: numbers in digits, U.S. as US."""
    return in_figures(_INITIALS.sub(lambda m: m[0].replace(".", ""), text)).replace("’", "'")


@lru_cache(maxsize=4096)
def content_words(text: str) -> tuple[Word, ...]:
    """Return the content words of a text, in order.

    English words are stemmed; articles, pronouns and other function words are left out.
    Japanese, which has no spaces, is cut where the script changes, and hiragana, which is mostly
    particles and endings, is left out. Negations are kept in both languages.
    """
    folded = folded_text(text)
    turned = [m.span() for m in _TURNS.finditer(folded)]
    found = [Word("¬", "turn", folded[a:b], a) for a, b in turned]
    start = not is_japanese(text)  # a first word may have a capital without being a name
    for match in _WORD.finditer(folded):
        while turned and turned[0][1] <= match.start():
            turned.pop(0)
        if turned and turned[0][0] <= match.start():
            continue
        kind, shown = match.lastgroup, match[0]
        if kind == "number":
            found.append(Word(shown.replace(",", ""), "number", shown, match.start()))
        elif kind == "latin":
            low = shown.lower()
            if low in _FUNCTION_WORDS or low.endswith("n't"):
                start = False
                continue
            capital = shown[0].isupper() and not (start and shown[1:].islower())
            capital = capital and low not in MONTHS
            found.append(Word(stem(low), "name" if capital else "word", shown, match.start()))
        elif kind == "katakana" and len(shown) >= 3:
            found.append(Word(shown, "name", shown, match.start()))
        elif kind in ("kanji", "katakana"):
            found.append(Word(shown, "word", shown, match.start()))
        start = False
    return tuple(sorted(found, key=lambda word: word.start))


def align_words(ours: Sequence[Word], theirs: Sequence[Word]) -> SequenceMatcher[str]:
    """Align the words of two texts by their folded forms.

    Only the first 600 words of each are used. The positions in the result's matching blocks and
    opcodes are indexes into ``ours`` and ``theirs``.
    """
    mine, other = ([w.text for w in listed[:_LONGEST]] for listed in (ours, theirs))
    return SequenceMatcher(None, mine, other, autojunk=False)
