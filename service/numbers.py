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
    r"(?<![\d_.])(?<![^\W\d_\u3005-\u30ff\u3400-\u9fff])(?P<lead>\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?P<decimals>\.\d+)?"
    r"(?P<scale>\s?(?:thousand|million|billion|trillion)\b|(?-i:[kKMbB])\b|[十百千万億兆]+)?"
    r"|(?<=[^\W\d_\u3005-\u30ff\u3400-\u9fff])-?(?P<inner>\d+(?:\.\d+)?)",
    re.IGNORECASE,
)
_JAPANESE_NUMBER = re.compile(
    r"(?<!\d)(?:\d[\d,]{0,20}(?:\.\d{1,20})?[十百千万億兆]+)+(?:\d[\d,]{0,20})?"
)
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
} | {"half": 50, "halves": 2, "twice": 2, "double": 2, "dozen": 12, "once": 1, "pair": 2,
     "both": 2, "couple": 2, "single": 1, "triple": 3, "thrice": 3}  # fmt: skip
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
_BARE = re.compile(
    r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+(?![\d,]*\d))(?:\.\d+)?(?![\d.]*\d)"
    r"(?!\s?(?:thousand|million|billion|trillion)\b|[十百千万億兆])"
)
_SPELLED = re.compile(
    rf"\b(?:{'|'.join(word for word, value in _WORDS.items() if 2 <= value <= 20)})\b",
    re.IGNORECASE,
)
_COUNTED = re.compile(
    r"(?<![〇一二三四五六七八九十百千万])(?!十分(?!間|後|前|ほど|程))([二三四五六七八九]|[二三四五六七八九]?十[一二三四五六七八九]?)"
    r"(?=つ|種|件|本|人|名|回|年|枚|台|社|個|点|倍|か国|カ国|ヶ国|章|節|編|段|層|週|日|時間|分|秒|割|名|冊|度|番)"
)
_KANJI = {char: value for value, char in enumerate("〇一二三四五六七八九十")}
_KANJI_NUMBER = re.compile(  # 二十万, 三千, 百万, and 二〇二二 of a year
    r"(?<![\d〇一二三四五六七八九十百千万億兆数何])(?:"
    r"[〇一二三四五六七八九]{4}(?=年)"
    r"|(?:[一二三四五六七八九][十百千万億兆]|[十百千](?=[一二三四五六七八九万億兆]))"
    r"[一二三四五六七八九十百千万億兆]*)(?!嵐)"
)
_ERAS = {"明治": 1867, "大正": 1911, "昭和": 1925, "平成": 1988, "令和": 2018}
_ERA = re.compile(rf"({'|'.join(_ERAS)})\s?(\d{{1,2}}|元)年")
_FRACTIONS = {"½": ".5", "¼": ".25", "¾": ".75"}
_ALONE = {"½": "half", "¼": "0.25", "¾": "0.75"}
_FRACTION = re.compile(rf"(\d)?([{''.join(_FRACTIONS)}])")
_RAISED = re.compile(r"(?<![\d.])(10)?([⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)")
_POWER = re.compile(
    r"(?<![\w.^])(?:(?P<factor>\d{1,6}(?:\.\d{1,6})?)(?:\s?[×x*]\s?10(?:\^|\*\*)|e\+?(?=-?\d)))"
    r"(?P<of>[-−]?\d{1,2})(?![\w^])|(?<![\w.^])10(?:\^|\*\*)(?P<power>[-−]?\d{1,2})(?![\w^])",
    re.IGNORECASE,
)
_SMALL = {w: v for w, v in _WORDS.items() if 0 < v < 100}
_LARGE = {"hundred": 100, "dozen": 12, "thousand": 10**3, "million": 10**6, "billion": 10**9,
          "trillion": 10**12}  # fmt: skip
_ANY = "|".join((*_SMALL, *_LARGE))
_ENGLISH_NUMBER = re.compile(
    rf"\b(?:(?P<half>half an?)[ ](?=(?:million|billion|trillion)\b)"
    rf"|an?[ ](?=(?:{'|'.join(_LARGE)})\b))?(?:{_ANY})"
    rf"(?:[ -](?:(?:{_ANY})|(?<=(?:hundred|housand|million|billion)[ ])and[ ](?:{_ANY})))*\b",
    re.IGNORECASE,
)


def in_one_spelling(text: str) -> str:
    """``text`` folded to NFKC, and its larger numbers in digits: twenty-one is 21, 二十万
    200000, 10⁶ and 1e6 1000000, 令和4年 2022年, 2½ 2.5.

    Single words and kanji (three, 三つ) stay: they may be no numbers; see ``in_figures``.
    """
    text = _FRACTION.sub(lambda m: (m[1] + _FRACTIONS[m[2]]) if m[1] else f" {_ALONE[m[2]]} ", text)
    text = _RAISED.sub(
        lambda m: f"10^{unicodedata.normalize('NFKC', m[2])}" if m[1] else f" {m[2]}", text
    )
    text = _POWER.sub(_power, unicodedata.normalize("NFKC", text))
    text = _KANJI_NUMBER.sub(_kanji_number, text)
    text = _ERA.sub(lambda m: f"{_ERAS[m[1]] + int(m[2].replace('元', '1'))}年", text)
    return _ENGLISH_NUMBER.sub(_english_number, text)


def _power(match: re.Match[str]) -> str:
    power = int((match["of"] or match["power"]).replace("−", "-"))
    if abs(power) > 15:
        return match[0]
    value = float(match["factor"] or 1) * 10.0**power
    return f"{value:.15f}".rstrip("0").rstrip(".")


def _kanji_number(match: re.Match[str]) -> str:
    if not any(char in _SCALES for char in match[0]):
        return "".join(str(_KANJI[char]) for char in match[0])
    total = group = digit = 0
    for char in match[0]:
        if char in "万億兆":
            total += (group + digit or 1) * int(_SCALES[char])
            group = digit = 0
        elif char in "十百千":
            group += (digit or 1) * int(_SCALES[char])
            digit = 0
        else:
            digit = _KANJI[char]
    return str(total + group + digit)


def _english_number(match: re.Match[str]) -> str:
    """The digits of a number in several words; the words where they are several numbers."""
    said = re.findall(r"[a-z]+", match[0].lower())
    listed = [word for word in said if word in _SMALL or word in _LARGE]
    if len(said) == 1:
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


def stated(text: str) -> frozenset[float]:
    """The values that ``text`` states in digits, with their magnitudes: 68万 is 680,000."""
    text = in_one_spelling(text)
    found: set[float] = set()

    def japanese(match: re.Match[str]) -> str:
        found.add(_value(_japanese(match[0])))
        return " "

    rest = _JAPANESE_NUMBER.sub(japanese, text)
    for match in _NUMBER.finditer(rest):
        if match["inner"]:
            found.add(_value(float(match["inner"])))
            continue
        found.add(_value(_scaled(_digits(match), _scale(match))))
    return frozenset(found)


def mentioned(text: str) -> frozenset[float]:
    """The values that a reader may take ``text`` to state: also words, kanji and months.

    Wider than ``stated`` on purpose: what a claim states is looked for in what its evidence
    mentions. A number with a magnitude also counts without it, so 1.5B matches 1.5; 5m may be
    five metres or five million.
    """
    folded = in_one_spelling(text)
    found = _WORD.findall(folded)
    words = {word.lower() for word in found} - {"may", "march"} | {
        word.lower() for word in found if word[0].isupper()
    }
    named = {
        _value(v) for table in (_WORDS, _ORDINALS, MONTHS) for w, v in table.items() if w in words
    }
    kanji = {_value(v) for char, v in _KANJI.items() if char in folded}
    kanji |= {_value(counted(match[1])) for match in _COUNTED.finditer(folded)}
    bare = {_value(float(n.replace(",", ""))) for n in _BARE.findall(folded)}
    bare |= {_value(float(year)) for _, year in _ERA.findall(text) if year != "元"}
    bare |= {_value(1e6 * float(n)) for n in re.findall(r"(?<!\d)(\d+(?:\.\d+)?)m\b", folded)}
    return stated(text) | named | kanji | bare


def spelled(text: str) -> frozenset[float]:
    """The values of two and above that ``text`` spells out: three, or 三つ before a counter."""
    text = in_one_spelling(text)
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
    """``text`` with numbers that it spells out, or gives in millions or 万, written in digits, so
    that words compare alike."""
    text = _JAPANESE_NUMBER.sub(lambda match: _figures(_japanese(match[0])), in_one_spelling(text))
    text = _NUMBER.sub(
        lambda m: _figures(_scaled(_digits(m), _scale(m))) if m["scale"] else m[0], text
    )
    text = _COUNTED.sub(lambda match: f"{counted(match[1]):.0f}", text)
    return _SPELLED.sub(lambda match: str(_WORDS[match[0].lower()]), text)


def _japanese(number: str) -> float:
    return sum(_scaled(digits, scales) for digits, scales in _JAPANESE_PART.findall(number))


def _digits(match: re.Match[str]) -> str:
    return match["lead"] + (match["decimals"] or "")


def _scale(match: re.Match[str]) -> str:
    return (match["scale"] or "").strip().lower()


def _figures(value: float) -> str:
    return f"{value:,.0f}" if value == _value(round(value, 0)) else f"{value:,.12g}"


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
    r"(?P<scale>\s?(?:thousand|million|billion|trillion)\b|[十百千万億兆]+)?[\s-]?"
    r"(?:(?P<word>[a-z]+)\b|(?P<sign>%)|(?P<kana>"
    + "|".join(sorted((w for w in _UNIT_OF if not w.isascii()), key=len, reverse=True))
    + "))",
    re.IGNORECASE,
)
_CURRENCIES = {"$": "dollars", "€": "euros", "£": "pounds", "¥": "yen"}
_MONEY = re.compile(
    r"([$€£¥])\s?(\d{1,20}(?:,\d{3}){0,9}(?:\.\d{1,20})?)"
    r"(\s?(?:thousand|million|billion|trillion)\b|[kmb]\b|[十百千万億兆]+)?",
    re.IGNORECASE,
)


def units(text: str) -> frozenset[tuple[float, str]]:
    """Values with the unit that stands right behind them, as (value, unit's name); units that
    are not known are left out. ``5 km`` and ``5キロ`` are the same, ``5 years`` and the year
    5年 are not."""
    text = in_one_spelling(text)
    found = set()
    for match in _UNIT.finditer(text):
        word = match["word"] or match["sign"] or match["kana"] or ""
        unit = _UNIT_OF.get(word.lower())
        if unit and word != "M":  # 5M is five million
            scale = (match["scale"] or "").strip().lower()
            found.add((_value(_scaled(match["number"], scale)), unit))
    for sign, number, scale in _MONEY.findall(text):
        found.add((_value(_scaled(number, scale.strip().lower())), _CURRENCIES[sign]))
    return frozenset(found)


def is_year(value: float) -> bool:
    """Whether a number may well be a year of our time."""
    return 1500 <= value < 2100 and value == int(value)
