"""Whether a text can hold what a question asks for, and how much of it only repeats the question.

Pure functions, no model: features for whoever chooses answers, no verdicts. The lists of words are
in ``slots.toml``.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

from service.text.alignment import coverage_share
from service.text.number_spelling import WORDS
from service.text.numerals import MONTHS, rounded, spelled, stated

_LISTS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
_ENGLISH = {name: frozenset(words.split()) for name, words in _LISTS["english"].items()}


def _any(words: str) -> str:
    """Build an alternative of words, the longest first."""
    return "|".join(re.escape(word) for word in sorted(words.split(), key=len, reverse=True))


_JAPANESE = {name: _any(words) for name, words in _LISTS["japanese"].items()}
_KANJI = r"[\u3005-\u3007\u3400-\u9fff]"
_JAPANESE_RUN = r"[\u3005-\u3007\u30a1-\u30fc\u3400-\u9fff]{1,12}?"
_YEAR = r"(?:1\d|20)\d\d"
# Numbers that count nothing: in names, places in a text, citations, dates.
_COUNTS_NOTHING = re.compile(
    r"(?<![A-Za-z])[A-Za-z]{1,12}[-_]?\d[\w.-]*"
    r"|(?i:\b(?:section|table|fig(?:ure|\.)|chapter|appendix|equation|eq\.|page|no\.)\s*\d+[\d.]*)"
    r"|第\d+(?:章|節|条|版|号|表|図)?|[表図式]\s?\d+|\[\d+(?:\s?[,–-]\s?\d+)*\]"
    rf"|(?<![\d,.])\d{{3,4}}年(?!間)|\d{{1,2}}月(?!間)(?:\d{{1,2}}日)?|\({_YEAR}\)"
    r"|(?:(?i:\b(?:in|since|by|until|from|to|of|year|between|during|after|before|and))"
    r"|(?<!\w)[A-Z][a-z]{1,12},?)\s"
    rf"{_YEAR}s?\b(?![,.]\d)"
)
_TIME = re.compile(
    r"(?<![\d,.])1\d{3}s?\b(?![,.]\d)|(?<![\d,.])20\d\ds?\b(?![,.]\d)"
    r"|\b\d{1,2}:\d\d\b|\b\d{1,2}\s?[ap]\.?m\b|\b\d+(?:st|nd|rd|th)\b|\b(?:ad|bce?|ce)\b"
    rf"|\b(?:\d[\d,.]{{0,15}}|an?|half|several|many|few|{'|'.join(WORDS)})[ -]"
    r"(?:second|minute|hour|day|week|month|year)s?\b"
    r"|\bage(?:d)? (?:of )?\w+"
    r"|[\d〇一二三四五六七八九十百千数]{1,8}\s?(?:年|月|日|時|分|秒|週|世紀|[かカヶケ]月|歳)"
    r"|(?:明治|大正|昭和|平成|令和)(?:\d+|元)|[月火水木金土日]曜"
    rf"|{_JAPANESE['times']}"
)
# An adverb before a comma is no name: Surprisingly, …
_CAPITALISED = re.compile(r"(?<![^\W_])(?!\w+ly,)[A-ZÀ-Þ][A-Za-zÀ-ɏ0-9]+")
_KATAKANA = re.compile(r"[\u30a1-\u30fa\u30fc]{3,}")
_NAMED = re.compile(rf"{_KANJI}{{3,5}}(?!{_KANJI})")  # a Japanese name is as long as that
_WORD = re.compile(r"[^\W\d_]+")


def fills_slot(kind: str, question: str, text: str) -> bool:
    """Return whether a text can hold what a question asks for, and does not only repeat it.

    It is wide: true wherever something of the kind is found, and for kinds that nothing can be
    told of, such as ``reason``.

    Args:
        kind: The name of a question's kind; see ``service.questions.kinds``.
        question: The question, in English or Japanese.
        text: A sentence or a few, in either language.
    """
    found = _FINDERS.get(kind)
    return found is None or bool(found(text) - _repeated(found, question))


def echoes(question: str, text: str) -> float:
    """Return the share of a text's content words that the question has too, from 0 to 1.

    A text without content words gives 0.
    """
    return coverage_share(text, question)


def _repeated(found: Callable[[str], frozenset[str]], question: str) -> frozenset[str]:
    """Return what a question has of a kind; a name may be in lower case there."""
    words = frozenset(_WORD.findall(_plain(question).lower()))
    return found(question) | words


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


@lru_cache(maxsize=4096)
def _numbers(text: str) -> frozenset[str]:
    bare = _COUNTS_NOTHING.sub(" ", _plain(text))
    words = _ENGLISH["numbers"] & set(_WORD.findall(bare.lower()))
    japanese = set(re.findall(_JAPANESE["numbers"], bare))
    return frozenset(str(rounded(n)) for n in stated(bare) | spelled(bare)) | words | japanese


@lru_cache(maxsize=4096)
def _times(text: str) -> frozenset[str]:
    plain = _plain(text)
    low = plain.lower()
    words = _ENGLISH["times"] & set(_WORD.findall(low))
    # May is a month, may is not; a month's short name needs a capital too.
    months = {m.lower() for m in _WORD.findall(plain) if m.lower() in MONTHS and m[0].isupper()}
    return frozenset(match[0] for match in _TIME.finditer(low)) | words | months


@lru_cache(maxsize=4096)
def _people(text: str) -> frozenset[str]:
    plain = _plain(text)
    words = _ENGLISH["people"] & set(_WORD.findall(plain.lower()))
    return frozenset(_names(plain)) | words | _ending(plain, _JAPANESE["people"])


@lru_cache(maxsize=4096)
def _places(text: str) -> frozenset[str]:
    plain = _plain(text)
    return frozenset(_names(plain)) | _ending(plain, _JAPANESE["places"])


def _names(text: str) -> Iterator[str]:
    """Yield what may be a name, in lower case: capitals, katakana, and kanji as long as a name."""
    for word in _CAPITALISED.findall(text):
        if (low := word.lower()) not in _ENGLISH["beginnings"] and low not in MONTHS:
            yield low
    yield from _KATAKANA.findall(text)
    yield from _NAMED.findall(text)


def _ending(text: str, endings: str) -> frozenset[str]:
    """Return the runs of kanji and katakana that end in one of some words, or stand before it."""
    runs = re.finditer(rf"{_JAPANESE_RUN}(?:{endings})(?!{_KANJI})", text)
    return frozenset(match[0] for match in runs)


_FINDERS: dict[str, Callable[[str], frozenset[str]]] = {
    "number": _numbers,
    "time": _times,
    "person": _people,
    "place": _places,
}
