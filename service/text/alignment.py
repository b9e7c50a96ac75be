"""Texts as the words that carry their sense, to be compared. Pure, no model."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Literal

from index.lexical.tokenizer import stem
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
# Words that turn what is said or make it doubtful.
_TURNS = re.compile(
    r"\b(?:not(?!\s(?:only|just|merely)\b[^.;]{0,120}\b(?:but|also)\b)|nobody|nothing|no|never|nor|neither|without|cannot"
    r"|unless|whether|(?-i:may)|might|could|fail(?:s|ed)?"  # May is a month
    r"|false|except|hardly|barely|seldom|rarely)\b|n['’]t\b"
    r"|(?<!少)(?<!危)(?:ない|なかっ|なく)(?!て(?:は|も))|ません|(?<=[\u3041-\u9fff])ずに|ずとも"
    r"|かどうか|かもしれ|とは限ら",
    re.IGNORECASE,
)
_LONGEST = 600  # words that are aligned: the time that it takes grows with their square
_INITIALS = re.compile(r"\b(?:[A-Z]\.){2,}")


@dataclass(frozen=True, slots=True)
class Word:
    """A word to compare by: its folded form, and what it is."""

    text: str
    kind: Literal["number", "name", "turn", "word"]
    shown: str


def coverage_share(claim: str, quote: str) -> float:
    """Share of the claim's words that the quote has, 0 to 1; of nothing, nothing is."""
    ours, theirs = content_words(claim), content_words(quote)
    if not ours:
        return 0.0
    shared = Counter(w.text for w in ours) & Counter(w.text for w in theirs)
    return shared.total() / len(ours)


def order_share(ours: Sequence[Word], theirs: Sequence[Word]) -> float:
    """Share of some words that others have in the same order, 0 to 1; of nothing, nothing is."""
    matched = align_words(ours, theirs).get_matching_blocks() if ours else ()
    return sum(block.size for block in matched) / (len(ours) or 1)


@lru_cache(maxsize=4096)
def content_words(text: str) -> tuple[Word, ...]:
    """The words of a text that carry its sense, in order: English ones folded, without plural s,
    articles, pronouns and the like; Japanese, which has no spaces, cut where the script changes,
    without hiragana, mostly particles and endings. Negations are kept in both.
    """
    # U.S. is US
    folded = in_figures(_INITIALS.sub(lambda m: m[0].replace(".", ""), text)).replace("’", "'")
    turned = [m.span() for m in _TURNS.finditer(folded)]
    found: list[tuple[int, Word]] = [(a, Word("¬", "turn", folded[a:b])) for a, b in turned]
    start = True
    for match in _WORD.finditer(folded):
        while turned and turned[0][1] <= match.start():
            turned.pop(0)
        if turned and turned[0][0] <= match.start():
            continue
        kind, shown = match.lastgroup, match[0]
        if kind == "number":
            found.append((match.start(), Word(shown.replace(",", ""), "number", shown)))
        elif kind == "latin":
            low = shown.lower()
            if low in _FUNCTION_WORDS or low.endswith("n't"):
                start = False
                continue
            capital = shown[0].isupper() and not (start and shown[1:].islower())
            capital = capital and low not in MONTHS
            found.append((match.start(), Word(stem(low), "name" if capital else "word", shown)))
        elif kind == "katakana" and len(shown) >= 3:
            found.append((match.start(), Word(shown, "name", shown)))
        elif kind in ("kanji", "katakana"):
            found.append((match.start(), Word(shown, "word", shown)))
        start = False
    return tuple(word for _, word in sorted(found, key=lambda item: item[0]))


def align_words(ours: Sequence[Word], theirs: Sequence[Word]) -> SequenceMatcher:
    """How the words of one text lie along those of another; of very long texts, their first."""
    mine, other = ([w.text for w in listed[:_LONGEST]] for listed in (ours, theirs))
    return SequenceMatcher(None, mine, other, autojunk=False)
