"""Numbers as they are written in English and Japanese, as values that can be compared."""

from __future__ import annotations

import re
import unicodedata

_SCALES = {
    "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12,
    "k": 1e3, "m": 1e6, "b": 1e9,
    "十": 1e1, "百": 1e2, "千": 1e3, "万": 1e4, "億": 1e8, "兆": 1e12,
}  # fmt: skip
_NUMBER = re.compile(
    r"(?<![\w.])(?P<lead>\d+(?:,\d{3})+|\d+)(?P<decimals>\.\d+)?"
    r"(?P<scale>\s?(?:thousand|million|billion|trillion)\b|[kmb]\b|[十百千万億兆]+)?"
    r"|(?<=[^\W\d_])-?(?P<inner>\d+(?:\.\d+)?)",
    re.IGNORECASE,
)
_JAPANESE_NUMBER = re.compile(r"(?:\d[\d,]*(?:\.\d+)?[十百千万億兆]+)+\d*")
_JAPANESE_PART = re.compile(r"(\d[\d,]*(?:\.\d+)?)([十百千万億兆]*)")
_WORDS = {
    word: value
    for value, word in enumerate(
        (
            "zero one two three four five six seven eight nine ten eleven twelve "
            "thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty"
        ).split()
    )
} | {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80,
     "ninety": 90, "hundred": 100}  # fmt: skip
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january|feb february|mar march|apr april|may|jun june|jul july|aug "
            "august|sep sept september|oct october|nov november|dec december"
        ).split("|"),
        1,
    )
    for name in names.split()
}
_WORD = re.compile(r"[^\W\d_]+")
_KANJI = {char: value for value, char in enumerate("〇一二三四五六七八九十")}


def stated(text: str) -> frozenset[float]:
    """The values that ``text`` states in digits, with their magnitudes: 68万 is 680,000."""
    text = unicodedata.normalize("NFKC", text)
    found: set[float] = set()

    def japanese(match: re.Match[str]) -> str:
        parts = [(number, scales) for number, scales in _JAPANESE_PART.findall(match[0])]
        found.add(_value(sum(_scaled(number, scales) for number, scales in parts)))
        return " "

    rest = _JAPANESE_NUMBER.sub(japanese, text)
    for match in _NUMBER.finditer(rest):
        if match["inner"]:
            found.add(_value(float(match["inner"])))
            continue
        number = match["lead"] + (match["decimals"] or "")
        found.add(_value(_scaled(number, (match["scale"] or "").strip().lower())))
    return frozenset(found)


def mentioned(text: str) -> frozenset[float]:
    """The values that a reader may take ``text`` to state: also words, kanji and months.

    Wider than ``stated`` on purpose: what a claim states is looked for in what its evidence
    mentions. A number with a magnitude also counts without it, so 1.5B matches 1.5.
    """
    folded = unicodedata.normalize("NFKC", text)
    words = {word.lower() for word in _WORD.findall(folded)}
    named = {_value(v) for table in (_WORDS, _MONTHS) for w, v in table.items() if w in words}
    kanji = {_value(v) for char, v in _KANJI.items() if char in folded}
    bare = {_value(float(n.replace(",", ""))) for n in re.findall(r"\d[\d,]*(?:\.\d+)?", folded)}
    return stated(text) | named | kanji | bare


def spelled(text: str) -> frozenset[float]:
    """The values of two and above that ``text`` spells out in English words."""
    words = {word.lower() for word in _WORD.findall(text)}
    return frozenset(_value(v) for word, v in _WORDS.items() if v >= 2 and word in words)


def _scaled(number: str, scales: str) -> float:
    value = float(number.replace(",", ""))
    if scales in _SCALES:
        return value * _SCALES[scales]
    for char in scales:
        value *= _SCALES[char]
    return value


def _value(number: float) -> float:
    """Rounded to 12 significant digits, so that 2.8 million equals 2,800,000."""
    return float(f"{number:.12g}")
