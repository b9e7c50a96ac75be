"""Numbers of several words or kanji, eras, powers and fractions, rewritten in digits."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

SCALES = {
    "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12,
    "k": 1e3, "m": 1e6, "b": 1e9,
    "十": 1e1, "百": 1e2, "千": 1e3, "万": 1e4, "億": 1e8, "兆": 1e12,
}  # fmt: skip
WORDS = {
    word: value
    for value, word in enumerate(
        (
            "zero one two three four five six seven eight nine ten eleven twelve "
            "thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty"
        ).split()
    )
} | {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80,
     "ninety": 90, "hundred": 100}  # fmt: skip
ORDINALS = {
    word: value
    for value, word in enumerate(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split(),
        1,
    )
} | {"half": 50, "halves": 2, "twice": 2, "double": 2, "dozen": 12, "once": 1, "pair": 2,
     "both": 2, "couple": 2, "single": 1, "triple": 3, "thrice": 3}  # fmt: skip
KANJI = {char: value for value, char in enumerate("〇一二三四五六七八九十")}
NINE = "一二三四五六七八九"
TENS = "十百千万億兆"
MAGNITUDE = r"\s?(?:thousand|million|billion|trillion)\b"
_KANJI_NUMBER = re.compile(
    rf"(?<![\d〇{NINE}{TENS}数何])(?:"
    rf"[〇{NINE}]{{4}}(?=年)"  # 二〇二二 of a year
    rf"|(?:[{NINE}][{TENS}]|[十百千](?=[{NINE}万億兆]))"  # 二十万, 三千, 百万
    rf"[{NINE}{TENS}]*)(?!嵐)"
    rf"|(?<![\d〇{NINE}{TENS}数何幾])[百千]"  # 百人
    r"(?=[つ種件本人名回年枚台社個冊]|か国|カ国|ヶ国)"
)
_SPACED = re.compile(r"(?<=\d) (?=[万億兆])|(?<=[万億兆]) (?=\d)")  # 3 万 4000
_ERAS = {"明治": 1867, "大正": 1911, "昭和": 1925, "平成": 1988, "令和": 2018}
ERA = re.compile(rf"({'|'.join(_ERAS)})\s?(\d{{1,2}}|元)年")
_DOLLARS = re.compile(r"\b(?:U\.?S\.?\s?(\$)|(?:U\.S\.|US) dollars\b)|米ドル")
_TENTHS = re.compile(  # 9割, 3割5分; not 割る, 割れ, 割り当て, nor a batting average
    r"(?<![\d.])(\d{1,2}|[一二三四五六七八九])\s?割(?![るれりっらろ当]|.分.厘)"
    r"(?:([1-9一二三四五六七八九])分)?"
)
_SPAN_OF_YEARS = re.compile(  # 1942年と43年, 1990–95; not the month 2022-09
    r"(?<!\d)(1[5-9]|20)(\d\d)(年代?(?:前半|後半|半ば|末|初頭)?)?"
    r"(\s?(?:--|[-‐–—~〜～/、]\s?|と|から|および|及び|to)\s?)"
    r"(\d\d)(?=(年)|(?!\d|[.,-]\d|[%月日歳人]"
    r"|\s(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)))"
)
_ROMAN = re.compile(
    r"(?<=[A-Za-z][ ])(?:"
    # Louis XIV, Napoleon III; not the initial in John X. Smith
    r"(?<=[a-z][ ])(?:X{0,3}(?:IX|IV|V?I{1,3})(?<=[IVX]{2})|X{2,3}V?|XV|[XV](?!\.\s?\S))\b"
    # I is more often a pronoun
    r"|(?:(?<=War )|(?<=Part )|(?<=Type )|(?<=Book )|(?<=Phase )|(?<=Class )"
    r"|(?<=Chapter )|(?<=Volume ))I\b)"
)
_FRACTIONS = {"½": ".5", "¼": ".25", "¾": ".75"}
_ALONE = {"½": "half", "¼": "0.25", "¾": "0.75"}
_FRACTION = re.compile(rf"(\d)?([{''.join(_FRACTIONS)}])")
_RAISED = re.compile(r"(?<![\d.])(10)?([⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)")
_POWER = re.compile(
    # 3×10^6, 3e6
    r"(?<![\w.^])(?:(?P<factor>\d{1,6}(?:\.\d{1,6})?)(?:\s?[×x*]\s?10(?:\^|\*\*)|e\+?(?=-?\d)))"
    r"(?P<of>[-−]?\d{1,2})(?![\w^])"
    # 10^6
    r"|(?<![\w.^])10(?:\^|\*\*)(?P<power>[-−]?\d{1,2})(?![\w^])",
    re.IGNORECASE,
)
_SMALL = {w: v for w, v in WORDS.items() if 0 < v < 100}
_LARGE = {"hundred": 100, "dozen": 12, "thousand": 10**3, "million": 10**6, "billion": 10**9,
          "trillion": 10**12}  # fmt: skip
_ANY = "|".join((*_SMALL, *_LARGE))
_TH = {  # thirteenth, twentieth
    (f"{word[:-1]}ie" if word.endswith("y") else word) + "th": value
    for word, value in WORDS.items()
    if 13 <= value < 100
}
_TEN = [word for word, value in WORDS.items() if 20 <= value < 100]
_ONE = [
    word
    for word, value in ORDINALS.items()
    if word.endswith(("st", "nd", "rd", "th")) and value < 10
]
_NTH = re.compile(
    rf"\b(?:(?P<whole>{'|'.join(_TH)})|(?P<ten>{'|'.join(_TEN)})[ -](?P<one>{'|'.join(_ONE)}))\b",
    re.IGNORECASE,
)
_ENGLISH_NUMBER = re.compile(
    rf"\b(?:(?P<half>half an?)[ ](?=(?:million|billion|trillion)\b)"
    rf"|an?[ ](?=(?:{'|'.join(_LARGE)})\b))?(?:{_ANY})"
    rf"(?:[ -](?:(?:{_ANY})|(?<=(?:hundred|housand|million|billion)[ ])and[ ](?:{_ANY})))*\b",
    re.IGNORECASE,
)


@lru_cache(maxsize=4096)
def in_one_spelling(text: str) -> str:
    """Return the text in Unicode form NFKC, with its larger numbers in digits.

    Twenty-one becomes 21, 二十万 200000, 10⁶ and 1e6 1000000, 令和4年 2022年, and 2½ 2.5. Single
    words and kanji, such as three and 三つ, stay, since they may not be numbers; see
    ``numerals.in_figures``.
    """
    text = _FRACTION.sub(lambda m: (m[1] + _FRACTIONS[m[2]]) if m[1] else f" {_ALONE[m[2]]} ", text)
    text = _RAISED.sub(
        lambda m: f"10^{unicodedata.normalize('NFKC', m[2])}" if m[1] else f" {m[2]}", text
    )
    text = _POWER.sub(_power, unicodedata.normalize("NFKC", text))
    text = _KANJI_NUMBER.sub(_kanji_number, _SPACED.sub("", text))
    text = _DOLLARS.sub(lambda m: m[1] or ("ドル" if m[0][0] == "米" else "dollars"), text)
    text = ERA.sub(lambda m: f"{_ERAS[m[1]] + int(m[2].replace('元', '1'))}年", text)
    text = _TENTHS.sub(_tenths, text)
    text = _SPAN_OF_YEARS.sub(_years, text)
    text = _ROMAN.sub(lambda m: str(_roman(m[0])), text)
    text = _NTH.sub(_nth, text)
    return _ENGLISH_NUMBER.sub(_english_number, text)


def _tenths(match: re.Match[str]) -> str:
    """Rewrite tenths as a percentage: 9割 is 90%, 3割5分 35%."""
    tens, ones = (int(KANJI.get(n, n)) if n else 0 for n in match.groups())
    return f"{10 * tens + ones}%"


def _years(match: re.Match[str]) -> str:
    """Write the second year of a span in full: 1942年と43年, 1998-99; not the month of 2001-05."""
    century, first, year, between, last = match.groups()[:5]
    known = year or match[6] or not (between.strip() in ("--", "-", "/", "、") and int(last) <= 12)
    if int(last) <= int(first) or not known:
        return match[0]
    return f"{century}{first}{year or ''}{between}{century}{last}"


def _roman(numeral: str) -> int:
    values = [{"I": 1, "V": 5, "X": 10}[char] for char in numeral]
    return sum(-a if a < b else a for a, b in zip(values, [*values[1:], 0], strict=True))


def _nth(match: re.Match[str]) -> str:
    """Rewrite an ordinal in digits: twenty-first is 21st, fortieth 40th."""
    if match["whole"]:
        return f"{_TH[match['whole'].lower()]}th"
    one = match["one"].lower()
    end = one[-2:] if one in ("first", "second", "third") else "th"
    return f"{WORDS[match['ten'].lower()] + ORDINALS[one]}{end}"


def _power(match: re.Match[str]) -> str:
    power = int((match["of"] or match["power"]).replace("−", "-"))
    if abs(power) > 15:
        return match[0]
    value = float(match["factor"] or 1) * 10.0**power
    return f"{value:.15f}".rstrip("0").rstrip(".")


def _kanji_number(match: re.Match[str]) -> str:
    if not any(char in SCALES for char in match[0]):
        return "".join(str(KANJI[char]) for char in match[0])
    total = group = digit = 0
    for char in match[0]:
        if char in "万億兆":
            total += (group + digit or 1) * int(SCALES[char])
            group = digit = 0
        elif char in "十百千":
            group += (digit or 1) * int(SCALES[char])
            digit = 0
        else:
            digit = KANJI[char]
    return str(total + group + digit)


def _english_number(match: re.Match[str]) -> str:
    """Return a number of several words in digits.

    The words stay as they are where they are more than one number.
    """
    words = re.findall(r"[a-z]+", match[0].lower())
    listed = [word for word in words if word in _SMALL or word in _LARGE]
    if len(words) == 1:
        return match[0]
    total = group = last = 0
    for word in listed:
        if word in _SMALL:
            value = _SMALL[word]
            if last and not ((last >= 20 and value < 10) or last >= 100):
                return match[0]
            group, last = group + value, value
        elif word in ("hundred", "dozen"):
            if group >= 100 or last >= 100:
                return match[0]
            group, last = (group or 1) * _LARGE[word], 100
        else:
            if total and total < _LARGE[word] * 1000:
                return match[0]
            total, group, last = total + (group or 1) * _LARGE[word], 0, 1000
    return str((total + group) // 2 if match["half"] else total + group)
