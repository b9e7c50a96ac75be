"""Amounts with a unit or a currency in English and Japanese text, as comparable values."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from service.text.number_spelling import MAGNITUDE, TENS
from service.text.numerals import in_figures, rounded, scaled

_UNITS = {
    "%": "% percent パーセント ％",
    "km": "km kilometre kilometer kilometres kilometers キロメートル",
    "m": "m metre meter metres meters メートル",
    "cm": "cm centimetre centimeter centimetres centimeters センチメートル センチ",
    "mm": "mm millimetre millimeter millimetres millimeters ミリメートル ミリ",
    "miles": "mile miles マイル",
    "feet": "foot feet ft フィート",
    "g": "g gram grams グラム",
    "mg": "mg milligram milligrams ミリグラム",
    "lb": "lb lbs",
    "inches": "inch inches インチ",
    "km²": "square-kilometres square-kilometers 平方キロメートル 平方キロ 平方km km2",
    "square miles": "square-miles 平方マイル",
    "hectares": "hectare hectares ha ヘクタール",
    "acres": "acre acres エーカー",
    "kw": "kw kilowatt kilowatts キロワット",
    "mw": "mw megawatt megawatts メガワット",
    "mhz": "mhz megahertz メガヘルツ",
    "ghz": "ghz gigahertz ギガヘルツ",
    "kb": "kb kilobyte kilobytes キロバイト",
    "ms": "ms millisecond milliseconds ミリ秒",
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
    "euros": "euro euros eur ユーロ",
    "pounds": "gbp ポンド",
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
    r"(?<!\d)(?P<number>\d{1,20}(?:,\d{3}){0,9}(?:\.\d{1,20})?)"
    rf"(?P<scale>{MAGNITUDE}|[{TENS}]+)?[\s-]?"
    r"(?:(?P<word>square-[a-z]+\b|km2\b|[a-z]+\b)|(?P<sign>%)|(?P<kana>"
    + "|".join(sorted((w for w in _UNIT_OF if not w.isascii()), key=len, reverse=True))
    + "))",
    re.IGNORECASE,
)
_SQUARE = re.compile(r"(?<=[\d ])(?:square |sq\.? ?)(kilomet(?:re|er)|mile)s?\b", re.IGNORECASE)
_SPANS = {"年": "years", "日": "days", "分": "minutes"}
# 3年かかった is a duration; 3年に and 3日に are dates, 3分の1 is a fraction.
_LASTED = re.compile(
    r"(?<![\d年月時])(\d{1,3}(?:\.\d+)?)(年|日|分)"
    r"(?=かか|後|前(?!半)|ぶり|以上|以内|続|にわた|近く|ほど|余り|あまり"
    r"|を要|を費|の歳月|で完|も(?:の|かか))"
)
# To a common unit for each quantity: its name, and how many of it one of this unit is.
_AMOUNTS = {
    "km": ("m", 1000), "m": ("m", 1), "cm": ("m", 0.01), "mm": ("m", 0.001),
    "tonnes": ("g", 1e6), "kg": ("g", 1000), "g": ("g", 1), "mg": ("g", 0.001),
    "weeks": ("s", 604800), "days": ("s", 86400), "hours": ("s", 3600), "minutes": ("s", 60),
    "seconds": ("s", 1), "ms": ("s", 0.001), "years": ("months", 12), "months": ("months", 1),
    "tb": ("mb", 1e6), "gb": ("mb", 1000), "mb": ("mb", 1), "kb": ("mb", 0.001),
    "ghz": ("hz", 1e9), "mhz": ("hz", 1e6), "khz": ("hz", 1000), "hz": ("hz", 1),
    "mw": ("kw", 1000), "kw": ("kw", 1),
}  # fmt: skip
_CURRENCIES = {"$": "dollars", "€": "euros", "£": "pounds", "¥": "yen"}
_MONEY = re.compile(
    r"([$€£¥])\s?(\d{1,20}(?:,\d{3}){0,9}(?:\.\d{1,20})?)"
    rf"({MAGNITUDE}|[kmb]\b|[{TENS}]+)?",
    re.IGNORECASE,
)


@lru_cache(maxsize=4096)
def units(text: str) -> frozenset[tuple[float, str]]:
    """Return the amounts in a text as pairs of value and unit.

    The unit must follow the number directly, and unknown units are left out. Units of both
    languages have one name: ``5 km`` and ``5キロメートル`` give the same pair, but ``5 years``
    and the year 5年 do not.
    """
    text = _SQUARE.sub(r"square-\1s", in_figures(text))
    found = {(rounded(float(m[1])), _SPANS[m[2][0]]) for m in _LASTED.finditer(text)}
    for match in _UNIT.finditer(text):
        word = match["word"] or match["sign"] or match["kana"] or ""
        unit = _UNIT_OF.get(word.lower())
        if unit and word != "M":  # 5M is five million
            scale = (match["scale"] or "").strip().lower()
            found.add((rounded(scaled(match["number"], scale)), unit))
    for sign, number, scale in _MONEY.findall(text):
        found.add((rounded(scaled(number, scale.strip().lower())), _CURRENCIES[sign]))
    return frozenset(found)


def amounts(found: Iterable[tuple[float, str]]) -> dict[tuple[float, str], float]:
    """Convert amounts to the common unit of their quantity, so that 5 kg equals 5,000 g.

    Args:
        found: Pairs of value and unit, as ``units`` returns them.

    Returns:
        For each pair of value and common unit, the value as it was written. Units without a
        common one, such as people, are left out.
    """
    return {
        (rounded(value * _AMOUNTS[unit][1]), _AMOUNTS[unit][0]): value
        for value, unit in found
        if unit in _AMOUNTS
    }
