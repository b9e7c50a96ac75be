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
_JAPANESE_NUMBER = re.compile(r"(?:\d[\d,]*(?:\.\d+)?[十百千万億兆]+)+(?:\d[\d,]*)?")
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
_ORDINALS = {
    word: value
    for value, word in enumerate(
        (
            "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
        ).split(),
        1,
    )
} | {"half": 50, "halves": 2, "twice": 2, "double": 2, "dozen": 12, "once": 1, "pair": 2}
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
_WORD = re.compile(r"[^\W\d_]+")
_SPELLED = re.compile(
    rf"\b(?:{'|'.join(word for word, value in _WORDS.items() if 2 <= value <= 20)})\b",
    re.IGNORECASE,
)
_COUNTED = re.compile(
    r"(?<![〇一二三四五六七八九十百千万])([二三四五六七八九]|[二三四五六七八九]?十[一二三四五六七八九]?)"
    r"(?=つ|種|件|本|人|名|回|年|枚|台|社|個|点|倍|か国|カ国|ヶ国|章|節|編|段|層|週|日|時間|分|秒|割|名|冊|度|番)"
)
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
    named = {
        _value(v) for table in (_WORDS, _ORDINALS, MONTHS) for w, v in table.items() if w in words
    }
    kanji = {_value(v) for char, v in _KANJI.items() if char in folded}
    kanji |= {_value(counted(match[1])) for match in _COUNTED.finditer(folded)}
    bare = {_value(float(n.replace(",", ""))) for n in re.findall(r"\d[\d,]*(?:\.\d+)?", folded)}
    return stated(text) | named | kanji | bare


def spelled(text: str) -> frozenset[float]:
    """The values of two and above that ``text`` spells out: three, or 三つ before a counter."""
    words = {word.lower() for word in _WORD.findall(text)}
    english = {_value(v) for word, v in _WORDS.items() if v >= 2 and word in words}
    return frozenset(english | {_value(counted(match[1])) for match in _COUNTED.finditer(text)})


def counted(kanji: str) -> float:
    """The value of a numeral in kanji below a hundred: 十二 is 12."""
    tens, ten, ones = kanji.partition("十")
    if not ten:
        return float(_KANJI[tens])
    return 10.0 * (_KANJI[tens] if tens else 1) + (_KANJI[ones] if ones else 0)


def in_figures(text: str) -> str:
    """``text`` with numbers that it spells out written in digits, so that words compare alike."""
    text = _COUNTED.sub(lambda match: f"{counted(match[1]):.0f}", text)
    return _SPELLED.sub(lambda match: str(_WORDS[match[0].lower()]), text)


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


_UNITS = {
    "%": "% percent パーセント ％",
    "km": "km kilometre kilometer kilometres kilometers キロメートル キロ",
    "m": "m metre meter metres meters メートル",
    "cm": "cm centimetre centimeter centimetres centimeters センチメートル センチ",
    "mm": "mm millimetre millimeter millimetres millimeters ミリメートル ミリ",
    "miles": "mile miles マイル",
    "feet": "foot feet ft フィート",
    "kg": "kg kilogram kilograms kilogramme kilogrammes キログラム",
    "tonnes": "tonne tonnes ton tons トン",
    "years": "year years 年間 カ年",
    "months": "month months か月 ヶ月 カ月 ヵ月 ヵ月間 か月間 カ月間 ヶ月間",
    "weeks": "week weeks 週間",
    "days": "day days 日間",
    "hours": "hour hours 時間",
    "minutes": "minute minutes 分間",
    "seconds": "second seconds 秒 秒間",
    "dollars": "dollar dollars usd ドル",
    "yen": "yen 円",
    "euros": "euro euros ユーロ",
    "people": "people persons 人",
    "times": "times 倍",
    "parameters": "parameter parameters パラメータ パラメーター",
    "tokens": "token tokens トークン",
    "layers": "layer layers 層",
    "gb": "gb gigabyte gigabytes ギガバイト",
    "mb": "mb megabyte megabytes メガバイト",
    "tb": "tb terabyte terabytes テラバイト",
    "hz": "hz hertz ヘルツ",
    "khz": "khz キロヘルツ",
}  # fmt: skip
_UNIT_OF = {word: unit for unit, listed in _UNITS.items() for word in listed.split()}
_UNIT = re.compile(
    r"(?P<number>\d+(?:,\d{3})*(?:\.\d+)?)"
    r"(?P<scale>\s?(?:thousand|million|billion|trillion)\b|[十百千万億兆]+)?[\s-]?"
    r"(?:(?P<word>[a-z]+)\b|(?P<sign>%)|(?P<kana>"
    + "|".join(sorted((w for w in _UNIT_OF if not w.isascii()), key=len, reverse=True))
    + "))",
    re.IGNORECASE,
)
_DOLLARS = re.compile(r"\$\s?(\d+(?:,\d{3})*(?:\.\d+)?)(\s?(?:thousand|million|billion)\b)?", re.I)


def units(text: str) -> frozenset[tuple[float, str]]:
    """Values with the unit that stands right behind them, as (value, unit's name); units that
    are not known are left out. ``5 km`` and ``5キロ`` are the same, ``5 years`` and the year
    5年 are not."""
    text = unicodedata.normalize("NFKC", text)
    found = set()
    for match in _UNIT.finditer(text):
        word = match["word"] or match["sign"] or match["kana"] or ""
        unit = _UNIT_OF.get(word.lower())
        if unit and word != "M":  # 5M is five million
            scale = (match["scale"] or "").strip().lower()
            found.add((_value(_scaled(match["number"], scale)), unit))
    for number, scale in _DOLLARS.findall(text):
        found.add((_value(_scaled(number, scale.strip().lower())), "dollars"))
    return frozenset(found)


def is_year(value: float) -> bool:
    """Whether a number may well be a year of our time."""
    return value == int(value) and 1500 <= value < 2100
