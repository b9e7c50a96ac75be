"""Numbers as they are written in English and Japanese, as values that can be compared."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_SCALES = {
    "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12,
    "k": 1e3, "m": 1e6, "b": 1e9,
    "十": 1e1, "百": 1e2, "千": 1e3, "万": 1e4, "億": 1e8, "兆": 1e12,
}  # fmt: skip
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
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split(),
        1,
    )
} | {"half": 50, "halves": 2, "twice": 2, "double": 2, "dozen": 12, "once": 1, "pair": 2,
     "both": 2, "couple": 2, "single": 1, "triple": 3, "thrice": 3}  # fmt: skip
# Words in which a reader sees a number besides.
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
_KANJI = {char: value for value, char in enumerate("〇一二三四五六七八九十")}
_NINE = "一二三四五六七八九"
TENS = "十百千万億兆"
MAGNITUDE = r"\s?(?:thousand|million|billion|trillion)\b"

_NUMBER = re.compile(
    # not inside a word, but right behind Japanese text
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
_WITH_M = re.compile(r"(?<!\d)(\d+(?:\.\d+)?)m\b")  # millions, or metres
_DECADE = re.compile(r"(?<!\d)(?:1[5-9]|20)(\d0)(?=年代|s\b)")  # the 80s of 1980s
_CENTURY = re.compile(r"(?<!\d)(\d{1,2})(?=世紀|(?:st|nd|rd|th)?[ -]century)")
_PERIOD = re.compile(r"(?<!\d)(\d{4})(s\b|年代)?")  # 1568, the 1560s, 1500年代
_LATE = re.compile(
    r"(?<![\d:.])(1[0-2]|\d)(?::\d\d)?\s?p\.?m\b|午後\s?(1[0-2]|\d)時", re.IGNORECASE
)
_AFTER_NOON = re.compile(r"(?<![\d:.])(1[3-9]|2[0-3])(?=:\d\d|時(?!間))")
_SPELLED = re.compile(
    rf"\b(?:{'|'.join(word for word, value in _WORDS.items() if 2 <= value <= 20)})\b",
    re.IGNORECASE,
)
_COUNTED = re.compile(
    rf"(?<![〇{_NINE}十百千万数何幾])"
    r"(?!十分(?!間|後|前|ほど|程))"  # sufficiently; but ten minutes long
    r"([二三四五六七八九]|[二三四五六七八九]?十[一二三四五六七八九]?)"
    r"(?=つ|種|件|本|人|名|回|年|枚|台|社|個|点|倍|か国|カ国|ヶ国|章|節|編|段|層|週|日"
    r"|時間|分|秒|割|冊|度|番)"
)
_KANJI_NUMBER = re.compile(
    rf"(?<![\d〇{_NINE}{TENS}数何])(?:"
    rf"[〇{_NINE}]{{4}}(?=年)"  # 二〇二二 of a year
    rf"|(?:[{_NINE}][{TENS}]|[十百千](?=[{_NINE}万億兆]))"  # 二十万, 三千, 百万
    rf"[{_NINE}{TENS}]*)(?!嵐)"
    rf"|(?<![\d〇{_NINE}{TENS}数何幾])[百千]"  # 百人
    r"(?=[つ種件本人名回年枚台社個冊]|か国|カ国|ヶ国)"
)
_ERAS = {"明治": 1867, "大正": 1911, "昭和": 1925, "平成": 1988, "令和": 2018}
_ERA = re.compile(rf"({'|'.join(_ERAS)})\s?(\d{{1,2}}|元)年")
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
    # Louis XIV, Napoleon III; not the initial of John X. Smith
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
_SMALL = {w: v for w, v in _WORDS.items() if 0 < v < 100}
_LARGE = {"hundred": 100, "dozen": 12, "thousand": 10**3, "million": 10**6, "billion": 10**9,
          "trillion": 10**12}  # fmt: skip
_ANY = "|".join((*_SMALL, *_LARGE))
_TH = {  # thirteenth, twentieth
    (f"{word[:-1]}ie" if word.endswith("y") else word) + "th": value
    for word, value in _WORDS.items()
    if 13 <= value < 100
}
_TEN = [word for word, value in _WORDS.items() if 20 <= value < 100]
_ONE = [
    word
    for word, value in _ORDINALS.items()
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
    """``text`` folded to NFKC, and its larger numbers in digits: twenty-one is 21, 二十万
    200000, 10⁶ and 1e6 1000000, 令和4年 2022年, 2½ 2.5. Single words and kanji (three, 三つ)
    stay: they may be no numbers; see ``in_figures``."""
    text = _FRACTION.sub(lambda m: (m[1] + _FRACTIONS[m[2]]) if m[1] else f" {_ALONE[m[2]]} ", text)
    text = _RAISED.sub(
        lambda m: f"10^{unicodedata.normalize('NFKC', m[2])}" if m[1] else f" {m[2]}", text
    )
    text = _POWER.sub(_power, unicodedata.normalize("NFKC", text))
    text = _KANJI_NUMBER.sub(_kanji_number, text)
    text = _DOLLARS.sub(lambda m: m[1] or ("ドル" if m[0][0] == "米" else "dollars"), text)
    text = _ERA.sub(lambda m: f"{_ERAS[m[1]] + int(m[2].replace('元', '1'))}年", text)
    text = _TENTHS.sub(_tenths, text)
    text = _SPAN_OF_YEARS.sub(_years, text)
    text = _ROMAN.sub(lambda m: str(_roman(m[0])), text)
    text = _NTH.sub(_nth, text)
    return _ENGLISH_NUMBER.sub(_english_number, text)


def _tenths(match: re.Match[str]) -> str:
    """9割 is 90%, 3割5分 35%."""
    tens, ones = (int(_KANJI.get(n, n)) if n else 0 for n in match.groups())
    return f"{10 * tens + ones}%"


def _years(match: re.Match[str]) -> str:
    """The second year in full, where it is one: 1942年と1943年; 1998-99, but not 2001-05."""
    century, first, year, between, last = match.groups()[:5]
    known = year or match[6] or not (between.strip() in ("--", "-", "/", "、") and int(last) <= 12)
    if int(last) <= int(first) or not known:
        return match[0]
    return f"{century}{first}{year or ''}{between}{century}{last}"


def _roman(numeral: str) -> int:
    values = [{"I": 1, "V": 5, "X": 10}[char] for char in numeral]
    return sum(-a if a < b else a for a, b in zip(values, [*values[1:], 0], strict=True))


def _nth(match: re.Match[str]) -> str:
    """twenty-first is 21st, fortieth 40th."""
    if match["whole"]:
        return f"{_TH[match['whole'].lower()]}th"
    one = match["one"].lower()
    end = one[-2:] if one in ("first", "second", "third") else "th"
    return f"{_WORDS[match['ten'].lower()] + _ORDINALS[one]}{end}"


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


@lru_cache(maxsize=4096)
def stated(text: str) -> frozenset[float]:
    """The values that ``text`` states in digits, with their magnitudes: 68万 is 680,000."""
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
    """The values that a reader may take ``text`` to state, also in words, kanji and months:
    1.5B may match 1.5, and 5m be five metres or five million. Wider than ``stated`` on purpose:
    what a claim states is looked for in what its evidence mentions."""
    folded = in_one_spelling(text)
    found = _WORD.findall(folded)
    words = {word.lower() for word in found} - {"may", "march"} | {
        word.lower() for word in found if word[0].isupper()
    }
    named = {
        rounded(v)
        for table in (_WORDS, _ORDINALS, MONTHS, _OTHERS)
        for w, v in table.items()
        if w in words
    }
    kanji = {rounded(v) for char, v in _KANJI.items() if char in folded}
    kanji |= {rounded(counted(match[1])) for match in _COUNTED.finditer(folded)}
    bare = {rounded(float(n.replace(",", ""))) for n in _BARE.findall(folded)}
    bare |= {rounded(float(year)) for _, year in _ERA.findall(text) if year != "元"}
    bare |= {rounded(1e6 * float(n)) for n in _WITH_M.findall(folded)}
    bare |= {float(year) for year in _DECADE.findall(folded)}
    bare |= {float(v) for written, v in _HALVES.items() if written in folded}
    # The other way to name an hour: 3 p.m. is 15:00.
    bare |= {int(h) % 12 + 12.0 for pair in _LATE.findall(folded) for h in pair if h}
    bare |= {int(h) - 12.0 for h in _AFTER_NOON.findall(folded)}
    return stated(text) | named | kanji | bare


def spelled(text: str) -> frozenset[float]:
    """The values of two and above that ``text`` spells out: three, or 三つ before a counter."""
    text = in_one_spelling(text)
    words = {word.lower() for word in _WORD.findall(text)}
    english = {rounded(v) for word, v in _WORDS.items() if v >= 2 and word in words}
    return frozenset(english | {rounded(counted(match[1])) for match in _COUNTED.finditer(text)})


def counted(kanji: str) -> float:
    """The value of a numeral in kanji below a hundred: 十二 is 12."""
    tens, ten, ones = kanji.partition("十")
    if not ten:
        return float(_KANJI[tens])
    return 10.0 * (_KANJI[tens] if tens else 1) + (_KANJI[ones] if ones else 0)


@lru_cache(maxsize=4096)
def in_figures(text: str) -> str:
    """``text`` with numbers that it spells out, or gives in millions or 万, written in digits,
    so that words compare alike."""
    text = _JAPANESE_NUMBER.sub(lambda match: _figures(_japanese(match[0])), in_one_spelling(text))
    text = _NUMBER.sub(
        lambda m: _figures(scaled(_digits(m), _scale(m))) if m["scale"] else m[0], text
    )
    text = _COUNTED.sub(lambda match: f"{counted(match[1]):.0f}", text)
    return _SPELLED.sub(lambda match: str(_WORDS[match[0].lower()]), text)


def _japanese(number: str) -> float:
    return sum(scaled(digits, scales) for digits, scales in _JAPANESE_PART.findall(number))


def _digits(match: re.Match[str]) -> str:
    return match["lead"] + (match["decimals"] or "")


def _scale(match: re.Match[str]) -> str:
    return (match["scale"] or "").strip().lower()


def _figures(value: float) -> str:
    return f"{value:,.0f}" if value == rounded(round(value, 0)) else f"{value:,.12g}"


def scaled(number: str, scales: str) -> float:
    """The value of digits with a magnitude behind them, in small letters: 2.8 million, 68万."""
    value = float(number.replace(",", ""))
    if scales in _SCALES:
        return value * _SCALES[scales]
    for char in scales:
        value *= _SCALES[char]
    return value


def rounded(number: float) -> float:
    """A value rounded to 12 significant digits, so that 2.8 million equals 2,800,000."""
    return float(f"{number:.12g}")


def periods(text: str) -> list[tuple[float, int, int]]:
    """Decades and centuries as (the number that stands there, first and last year); a single
    year too: the 16th century and the 1500s are the same, and hold 1568."""
    folded = in_one_spelling(text)
    found = [(float(n), 100 * (int(n) - 1), 100 * int(n) - 1) for n in _CENTURY.findall(folded)]
    for year, of in _PERIOD.findall(folded):
        first = int(year)
        wide = 1 if not of else 100 if year.endswith("00") else 10
        found.append((float(year), first, first + wide - 1))
    return found


def is_year(value: float) -> bool:
    """Whether a number may well be a year of our time."""
    return 1500 <= value < 2100 and value == int(value)
