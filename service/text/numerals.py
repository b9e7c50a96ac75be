"""Numbers in English and Japanese text, as values that can be compared."""

from __future__ import annotations

import re
from functools import lru_cache

from service.text.number_spelling import (
    ERA,
    KANJI,
    MAGNITUDE,
    NINE,
    ORDINALS,
    SCALES,
    TENS,
    WORDS,
    in_one_spelling,
)

# Other words that a reader takes for a number.
_OTHERS = {"decade": 10, "decades": 10, "teenager": 10, "teenagers": 10, "teens": 10,
           "teenage": 10, "century": 100, "doubled": 2, "doubling": 2, "twofold": 2, "tripled": 3,
           "tripling": 3, "threefold": 3, "quadrupled": 4, "tenfold": 10, "halved": 50}  # fmt: skip
_HALVES = {"半減": 50, "半分": 50, "半数": 50, "倍増": 2}
MONTHS = {
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
_NUMBER = re.compile(
    # not inside a word, but allowed directly after Japanese text
    r"(?<![\d_.])(?<![^\W\d_\u3005-\u30ff\u3400-\u9fff])"
    r"(?P<lead>\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?P<decimals>\.\d+)?"
    rf"(?P<scale>{MAGNITUDE}|(?-i:[kKMbB])\b|[{TENS}]+)?"
    # GPT-3, L14
    r"|(?<=[^\W\d_\u3005-\u30ff\u3400-\u9fff])-?(?P<inner>\d+(?:\.\d+)?)",
    re.IGNORECASE,
)
_JAPANESE_NUMBER = re.compile(
    rf"(?<!\d)(?:\d[\d,]{{0,20}}(?:\.\d{{1,20}})?[{TENS}]+)+(?:\d[\d,]{{0,20}})?"
)
_JAPANESE_PART = re.compile(rf"(\d[\d,]*(?:\.\d+)?)([{TENS}]*)")
_WORD = re.compile(r"[^\W\d_]+")
_BARE = re.compile(  # a number without a magnitude
    r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+(?![\d,]{0,24}\d))(?:\.\d+)?(?![\d.]{0,24}\d)"
    rf"(?!{MAGNITUDE}|[{TENS}])"
)
_WITH_M = re.compile(r"(?<!\d)(\d+(?:\.\d+)?)m\b")  # millions or metres
_DECADE = re.compile(r"(?<!\d)(?:1[5-9]|20)(\d0)(?=年代|s\b)")  # the 80s of 1980s
_CENTURY = re.compile(r"(?<!\d)(\d{1,2})(?=世紀|(?:st|nd|rd|th)?[ -]century)")
_PERIOD = re.compile(r"(?<!\d)(\d{4})(s\b|年代)?")  # 1568, the 1560s, 1500年代
_LATE = re.compile(
    r"(?<![\d:.])(1[0-2]|\d)(?::\d\d)?\s?p\.?m\b|午後\s?(1[0-2]|\d)時", re.IGNORECASE
)
_AFTER_NOON = re.compile(r"(?<![\d:.])(1[3-9]|2[0-3])(?=:\d\d|時(?!間))")
_SPELLED = re.compile(
    rf"\b(?:{'|'.join(word for word, value in WORDS.items() if 2 <= value <= 20)})\b",
    re.IGNORECASE,
)
_COUNTED = re.compile(
    rf"(?<![〇{NINE}十百千万数何幾])"
    r"(?!十分(?!間|後|前|ほど|程))"  # sufficiently; but ten minutes long
    r"([二三四五六七八九]|[二三四五六七八九]?十[一二三四五六七八九]?)"
    r"(?=つ|種|件|本|人|名|回|年|枚|台|社|個|点|倍|か国|カ国|ヶ国|章|節|編|段|層|週|日"
    r"|時間|分|秒|割|冊|度|番)"
)


@lru_cache(maxsize=4096)
def stated(text: str) -> frozenset[float]:
    """Return the values that a text writes in digits, with their magnitude: 68万 is 680,000."""
    text = in_one_spelling(text)
    found: set[float] = set()

    def japanese(match: re.Match[str]) -> str:
        found.add(rounded(_japanese(match[0])))
        return " "

    rest = _JAPANESE_NUMBER.sub(japanese, text)
    for match in _NUMBER.finditer(rest):
        if match["inner"]:
            found.add(rounded(float(match["inner"])))
            continue
        found.add(rounded(scaled(_digits(match), _scale(match))))
    return frozenset(found)


@lru_cache(maxsize=4096)
def mentioned(text: str) -> frozenset[float]:
    """Return all values that a reader may see in a text, also in words, kanji and months.

    An ambiguous number gives every value it may have: 1.5B also gives 1.5, and 5m five and five
    million. This is wider than ``stated`` on purpose: the numbers that a claim states are
    searched for among those that its evidence mentions.
    """
    folded = in_one_spelling(text)
    written = _WORD.findall(folded)
    words = {word.lower() for word in written} - {"may", "march"} | {
        word.lower() for word in written if word[0].isupper()
    }
    named = {
        rounded(v)
        for table in (WORDS, ORDINALS, MONTHS, _OTHERS)
        for w, v in table.items()
        if w in words
    }
    kanji = {rounded(v) for char, v in KANJI.items() if char in folded}
    kanji |= {rounded(counted(match[1])) for match in _COUNTED.finditer(folded)}
    bare = {rounded(float(n.replace(",", ""))) for n in _BARE.findall(folded)}
    bare |= {rounded(float(year)) for _, year in ERA.findall(text) if year != "元"}
    bare |= {rounded(1e6 * float(n)) for n in _WITH_M.findall(folded)}
    bare |= {float(year) for year in _DECADE.findall(folded)}
    bare |= {float(v) for written, v in _HALVES.items() if written in folded}
    # The hour on the other clock: 3 p.m. is 15:00.
    bare |= {int(h) % 12 + 12.0 for pair in _LATE.findall(folded) for h in pair if h}
    bare |= {int(h) - 12.0 for h in _AFTER_NOON.findall(folded)}
    return stated(text) | named | kanji | bare


def spelled(text: str) -> frozenset[float]:
    """Return the values from two on that a text spells out: three, or 三 before a counter word."""
    text = in_one_spelling(text)
    words = {word.lower() for word in _WORD.findall(text)}
    english = {rounded(v) for word, v in WORDS.items() if v >= 2 and word in words}
    return frozenset(english | {rounded(counted(match[1])) for match in _COUNTED.finditer(text)})


def counted(kanji: str) -> float:
    """Return the value of a kanji numeral below one hundred: 十二 is 12."""
    tens, ten, ones = kanji.partition("十")
    if not ten:
        return float(KANJI[tens])
    return 10.0 * (KANJI[tens] if tens else 1) + (KANJI[ones] if ones else 0)


@lru_cache(maxsize=4096)
def in_figures(text: str) -> str:
    """Return the text with its numbers in digits, so that the same number compares as equal.

    Numbers in words up to twenty, in kanji before a counter word and with a magnitude, such as
    million or 万, are written out: 2.8 million becomes 2,800,000.
    """
    text = _JAPANESE_NUMBER.sub(lambda match: _figures(_japanese(match[0])), in_one_spelling(text))
    text = _NUMBER.sub(
        lambda m: _figures(scaled(_digits(m), _scale(m))) if m["scale"] else m[0], text
    )
    text = _COUNTED.sub(lambda match: f"{counted(match[1]):.0f}", text)
    return _SPELLED.sub(lambda match: str(WORDS[match[0].lower()]), text)


def _japanese(number: str) -> float:
    return sum(scaled(digits, scales) for digits, scales in _JAPANESE_PART.findall(number))


def _digits(match: re.Match[str]) -> str:
    return match["lead"] + (match["decimals"] or "")


def _scale(match: re.Match[str]) -> str:
    return (match["scale"] or "").strip().lower()


def _figures(value: float) -> str:
    return f"{value:,.0f}" if value == rounded(round(value, 0)) else f"{value:,.12g}"


def scaled(number: str, scales: str) -> float:
    """Return the value of a number and its magnitude: 2.8 and million, 68 and 万.

    Args:
        number: Digits, which may have commas and decimals.
        scales: An English magnitude in lower case, or any number of kanji; empty for none.
    """
    value = float(number.replace(",", ""))
    if scales in SCALES:
        return value * SCALES[scales]
    for char in scales:
        value *= SCALES[char]
    return value


def rounded(number: float) -> float:
    """Round to 12 significant digits, so that 2.8 million equals 2,800,000."""
    return float(f"{number:.12g}")


def periods(text: str) -> list[tuple[float, int, int]]:
    """Return the years, decades and centuries of a text, with the years that each covers.

    Returns:
        For each, the number as it is written, and its first and last year. The 16th century and
        the 1500s both cover 1568; a single year covers itself.
    """
    folded = in_one_spelling(text)
    found = [(float(n), 100 * (int(n) - 1), 100 * int(n) - 1) for n in _CENTURY.findall(folded)]
    for year, suffix in _PERIOD.findall(folded):
        first = int(year)
        length = 1 if not suffix else 100 if year.endswith("00") else 10
        found.append((float(year), first, first + length - 1))
    return found


def is_year(value: float) -> bool:
    """Return whether a number is likely a year: a whole number from 1500 to 2099."""
    return 1500 <= value < 2100 and value == int(value)
