"""What both languages say in a few fixed ways, as values to compare: dates, days of the week,
hours, ranks, factors, directions of a change, bounds and degrees below zero. Pure, no model.

Each reader gives what a text states of one kind. Where claim and quote both state something of
a kind, and not the same, the claim departs from the quote, whatever language each is in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from service.number_spelling import in_one_spelling
from service.numbers import MONTHS, in_figures, mentioned

Date = tuple[int | None, int, int | None]  # year, month, day
# The kind of finding, what the claim says, what the quote says instead.
Departure = tuple[Literal["number", "name", "roles", "comparison"], str, str]

_KANJI_MONTHS = {k: n for n, k in enumerate("一 二 三 四 五 六 七 八 九 十 十一 十二".split(), 1)}
_M = "|".join(sorted((name.capitalize() for name in MONTHS), key=len, reverse=True))
_FULL = "|".join(
    name.capitalize() for name in MONTHS if len(name) > 4 or name in ("may", "june", "july")
)
_DAYS = (
    r"(?P<day>[0-3]?\d)(?:st|nd|rd|th)?(?P<more>\s?(?:[-–~/,&]|and|to|or|through)\s?[0-3]?\d"
    r"(?:st|nd|rd|th)?)?(?!\d|,\d)"
)
_BEFORE_MONTH = "in|of|by|since|until|till|from|to|and|for|early|late|mid|during|between|through"
_DATES = tuple(
    re.compile(pattern)
    for pattern in (
        # 2022-09-21
        r"(?<!\d)(?P<year>\d{4})[-/](?P<month>[01]?\d)(?:[-/](?P<day>[0-3]?\d))?(?![\d/-])",
        # 2022年9月21日, 九月, 9月21日から23日
        r"(?:(?P<year>\d{4})年\s?)?(?<!\d)(?P<month>[01]?\d|十[一二]?|[一二三四五六七八九])月"
        r"(?!曜)(?:\s?(?P<day>[0-3]?\d)日?(?P<more>\s?(?:から|[-–~〜～、・と])\s?[0-3]?\d日)?)?",
        # September 21st, 2022
        rf"\b(?P<month>{_M})\b\.? (?:the )?{_DAYS}(?:,? (?P<year>\d{{4}})\b)?",
        # 21 September 2022
        rf"\b{_DAYS} (?:of )?(?P<month>{_M})\b\.?(?:,? (?P<year>\d{{4}})\b)?",
        # September 2022
        rf"\b(?P<month>{_M})\b\.?,? (?:of )?(?P<year>\d{{4}})\b",
        # in September
        rf"\b(?i:{_BEFORE_MONTH})[ -](?P<month>{_FULL})\b(?! [A-Z])",
    )
)
_MONTH = re.compile(rf"(?<![\dhtd] )\b(?:{_FULL})\b(?!,? \d| of)")

_WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_WEEKDAY = re.compile(rf"\b({'|'.join(_WEEKDAYS)})s?\b|([月火水木金土日])曜")
_TO = re.compile(r"\s?(?:to|through|until|till|[-–~〜～]|から)\s?")

_HOUR = re.compile(
    # 3 p.m., 3:15 pm
    r"(?<![\d:.])(?P<hour>[01]?\d|2[0-4])(?::[0-5]\d)?\s?(?P<half>[ap])\.?m\b"
    # 午後3時, 15:00
    r"|(?P<ja>午前|午後|正午)?(?<![\d:.])(?P<at>[01]?\d|2[0-4])"
    r"(?::[0-5]\d(?![:\d])|時(?!間|代|計))",
    re.IGNORECASE,
)
_TWELVE = re.compile(  # may be 0 or 12, of one day or of the next
    r"\b(?:noon|midnight|midday)\b|正午|深夜|真夜中|零時|(?<!\d)0時", re.IGNORECASE
)

_SUPERLATIVE = r"(?:most|least|[a-z]{3,}est)\b"
_RANKED = re.compile(
    # the second largest, the 2nd most
    r"(?:\b(?P<word>second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth)"
    rf"|\b(?P<digits>\d{{1,2}})(?:st|nd|rd|th))[- ](?:\w+ )?{_SUPERLATIVE}"
    # 2番目に大きい
    r"|(?:(?P<ja>[2-9]|1\d)|(?P<kanji>[二三四五六七八九]))番目に"
    r"(?=大き|小さ|高|低|多|少な|長|短|古|新し|広|狭|深|速|重|人口|人気)"
)
_TOP = re.compile(
    rf"(?:\bthe|['’]s)\s{_SUPERLATIVE}"
    r"|最も|もっとも|一番(?!目)|最大|最高|最古|最長|最小"
)
_AMONG = re.compile(
    r"\bone of (?:the|its|\w+['’]s)\b|\bamong the\b"
    r"|(?:最も|最大|最高|最古)[^。]{0,30}(?:一つ|ひとつ|1つ|一人|1人|一員|部類)|最大級|有数|屈指"
)
_RANKS = {
    word: rank
    for words in (
        "second third fourth fifth sixth seventh eighth ninth tenth".split(),
        "二三四五六七八九",
    )
    for rank, word in enumerate(words, 2)
}

_FACTOR = re.compile(
    r"(?<![\d.])(?P<n>\d{1,9}(?:\.\d{1,9})?)\s?(?:times\b|-?fold\b|[x×](?!\w)|倍)"
    r"|(?P<word>\b(?:doubled|doubling|twofold|twice|tripled|tripling|threefold|quadrupled"
    r"|fourfold|tenfold)\b"
    r"|(?<![\d数何一二三四五六七八九十])倍(?:増|に|の))",  # 倍 alone doubles
    re.IGNORECASE,
)
_FACTORS = {"doub": 2, "twof": 2, "twic": 2, "trip": 3, "thre": 3, "quad": 4, "four": 4, "tenf": 10}

_N = r"[$€£¥]?(?<![\d.,])(\d{1,15}(?:,\d{3}){0,5}(?:\.\d{1,9})?)(?!\d)"
_CHANGE = re.compile(
    rf"\bfrom (?:about |around |some )?{_N}[^.;,\d]{{0,14}}\bto (?:about |around |some )?{_N}"
    rf"|{_N}[^\d、。,]{{0,5}}から約?{_N}"
)

_OVER = r"at least|more than|over|exceed(?:s|ed|ing)?|(?:no|not) (?:fewer|less) than|a minimum of"
_UNDER = r"at most|up to|less than|fewer than|under|below|(?:no|not) more than|a maximum of"
_BOUND = re.compile(
    # no more than is an upper bound, not the lower one that stands in it
    rf"\b(?:(?P<over>(?<!not )(?<!no )(?:{_OVER}))|(?P<under>(?<!not )(?<!no )(?:{_UNDER}))) {_N}"
    # 少なくとも5人, 最大5人
    rf"|(?P<ja_least>少なくとも|最低)約?{_N}|(?P<ja_most>最大|最高)約?{_N}"
    # 5人以上, 5人に満たない
    rf"|{_N}\s?[^\d、。,以超未を]{{0,5}}(?:(?P<ja_over>以上|超|を超え|を上回)"
    r"|(?P<ja_under>以下|未満|を下回|に(?:も)?満たな))",
    re.IGNORECASE,
)

_DEGREES = re.compile(
    r"(?P<below>\bminus\s|マイナス|氷点下|零下|(?<![\w)%.])[-−])?\s?"
    r"(?P<n>(?<![\d.])\d{1,9}(?:\.\d{1,9})?)\s?(?:°|degrees\b|度(?![目合])|℃)",
    re.IGNORECASE,
)

_ORDINAL = re.compile(
    # her third, the 3rd, World War 2
    r"\b(?:the|his|her|its|their) (?P<word>second|third|fourth)\b(?! of\b)"
    r"|\b(?P<digit>[234])(?:nd|rd|th)\b|\bWar (?P<war>[2-4])\b"
    # 第3, 3番目, 三代目
    r"|第(?P<ja>[2-4二三四])(?![\d一二三四五六七八九十百])"
    r"|(?<![\d一二三四五六七八九十])(?P<at>[2-4二三四])(?:番目|代目|位)"
)
_ANY_ORDINAL = re.compile(
    r"\b(?:First|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth)\b"
    r"|\b\d+(?:st|nd|rd|th)\b(?!.century)|\bWar \d\b"
    r"|第[\d一二三四五六七八九十]|[\d一二三四五六七八九十](?:番目|代目|位)|初代"
)


def departures(claim: str, quote: str) -> Iterator[Departure]:
    """Where the claim states something of a kind that the quote states otherwise."""
    ours, theirs = in_one_spelling(claim), in_one_spelling(quote)
    yield from _dates(ours, theirs)
    yield from _weekdays(ours, theirs)
    yield from _hours(ours, theirs)
    yield from _below_zero(ours, theirs)
    ours, theirs = in_figures(claim), in_figures(quote)
    yield from _ranks(ours, theirs)
    yield from _ordinals(ours, theirs, quote)
    yield from _factors(ours, theirs, quote)
    yield from _changes(ours, theirs)
    yield from _bounds(ours, theirs)


def dates(text: str) -> list[Date]:
    """(year, month, day) of every date with a month; of several days, none."""
    found: list[Date] = []
    for pattern in _DATES:
        for match in pattern.finditer(text):
            part = match.groupdict()
            name = part["month"]
            month = _KANJI_MONTHS.get(name) or MONTHS.get(name.lower()) or int(name)
            day = int(part["day"]) if part.get("day") and not part.get("more") else None
            year = int(part["year"]) if part.get("year") else None
            if 1 <= month <= 12 and (day is None or 1 <= day <= 31):
                found.append((year, month, day))
        text = pattern.sub(" ; ", text)
    return found


def _dates(claim: str, quote: str) -> Iterator[Departure]:
    there = dates(quote)
    if there:  # a month may stand alone
        there += [(None, MONTHS[m[0].lower()], None) for m in _MONTH.finditer(quote)]
    for date in dates(claim) if there else ():
        if not any(_agree(date, other) for other in there):
            nearest = max(there, key=lambda d: sum(a == b for a, b in zip(d, date, strict=True)))
            yield "number", _shown(date), _shown(nearest)


def _agree(one: Date, other: Date) -> bool:
    """Whether two dates may be one: what either leaves open, the other may say."""
    return all(a is None or b is None or a == b for a, b in zip(one, other, strict=True))


def _shown(date: Date) -> str:
    return "-".join(f"{n:02}" for n in date if n is not None)


def _weekdays(claim: str, quote: str) -> Iterator[Departure]:
    mine, other = _week(claim), _week(quote)
    for day in sorted(mine - other) if other else ():
        yield "name", _WEEKDAYS[day], _WEEKDAYS[min(other)]


def _week(text: str) -> set[int]:
    """The days of the week that a text names, none if it names a stretch of them."""
    found, end = set(), -1
    for match in _WEEKDAY.finditer(text):
        if end >= 0 and _TO.fullmatch(text[end : match.start()].removeprefix("日")):
            return set()
        found.add(_WEEKDAYS.index(match[1]) if match[1] else "月火水木金土日".index(match[2]))
        end = match.end()
    return found


def _hours(claim: str, quote: str) -> Iterator[Departure]:
    if _TWELVE.search(quote) or _TWELVE.search(claim):
        return
    there = _clock(quote)
    for hour, known in sorted(_clock(claim)) if there else ():
        agree = (
            hour == other if known and sure else hour % 12 == other % 12 for other, sure in there
        )
        if not any(agree):
            yield "number", f"{hour}:00", f"{min(there)[0]}:00"


def _clock(text: str) -> set[tuple[int, bool]]:
    """(hour of the day, whether which half of the day is known)."""
    found = set()
    for match in _HOUR.finditer(text):
        hour = int(match["hour"] or match["at"])
        late = (match["half"] or "").lower() == "p" or match["ja"] == "午後"
        sure = bool(match["half"] or match["ja"] or hour > 12)
        found.add((hour % 12 + 12 if late else hour % 12 if sure and hour <= 12 else hour, sure))
    return found


def _below_zero(claim: str, quote: str) -> Iterator[Departure]:
    mine, other = (
        {(float(m["n"]), bool(m["below"])) for m in _DEGREES.finditer(t)} for t in (claim, quote)
    )
    for value, below in sorted(mine - other):
        if (value, not below) in other:
            yield "number", f"{'-' * below}{value:g}", f"{'' if below else '-'}{value:g}"


def _ranks(claim: str, quote: str) -> Iterator[Departure]:
    mine, other = _places(claim), _places(quote)
    if not mine or not other or 0 in mine or 0 in other or (1 in mine and len(mine | other) > 2):
        return
    for rank in sorted(mine - other):
        yield "number", f"#{rank}", f"#{min(other)}"


def _places(text: str) -> set[int]:
    """Ranks that superlatives have: 2 of the second largest, 1 of the largest, 0 of one of them."""
    found = {
        int(m["digits"] or m["ja"] or _RANKS[m["word"] or m["kanji"]])
        for m in _RANKED.finditer(text)
    }
    rest = _RANKED.sub(" ", text)
    if _AMONG.search(rest):
        return found | {0}
    return found | ({1} if _TOP.search(rest) else set())


def _ordinals(claim: str, quote: str, original: str) -> Iterator[Departure]:
    there = _ANY_ORDINAL.search(quote)
    if not there:
        return
    for match in _ORDINAL.finditer(claim):
        said = match["word"] or match["digit"] or match["war"] or match["ja"] or match["at"]
        value = _RANKS.get(said) or int(said)
        if value not in mentioned(original):
            yield "number", match[0], there[0]


def _factors(claim: str, quote: str, original: str) -> Iterator[Departure]:
    mine, other = _times(claim), _times(quote)
    for factor in sorted(mine - other - mentioned(original)) if other else ():
        yield "number", f"×{factor:g}", f"×{min(other):g}"


def _times(text: str) -> set[float]:
    """How many times as much, in digits or in a word."""
    return {
        float(m["n"]) if m["n"] else float(_FACTORS.get(m["word"][:4].lower(), 2))
        for m in _FACTOR.finditer(text)
    }


def _changes(claim: str, quote: str) -> Iterator[Departure]:
    mine, other = (
        {(m[1] or m[3], m[2] or m[4]) for m in _CHANGE.finditer(t)} for t in (claim, quote)
    )
    for a, b in sorted(mine - other):
        if a != b and (b, a) in other:
            yield "roles", f"{a} → {b}", f"{b} → {a}"


def _bounds(claim: str, quote: str) -> Iterator[Departure]:
    mine, other = limits(claim), limits(quote)
    for value, over in sorted(mine.keys() - other.keys()):
        if (value, not over) in other:
            yield "comparison", mine[value, over], other[value, not over]


def limits(text: str) -> dict[tuple[float, bool], str]:
    """(a bound, whether it is the lower one) and how the text says so."""
    found = {}
    for match in _BOUND.finditer(text):
        over = bool(match["over"] or match["ja_least"] or match["ja_over"])
        value = next(g for g in match.groups() if g and g[0].isdigit())
        found[float(value.replace(",", "")), over] = match[0].strip()
    return found
