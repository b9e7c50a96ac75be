"""Rules on time: dates and days of the week, in English and Japanese.

Each reads what a text states of one kind. Where claim and quote both state something of the kind,
and not the same, the claim departs from the quote, whatever language each is in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from service.text.number_spelling import in_one_spelling
from service.text.numerals import MONTHS
from service.verification.rules.finding import Finding
from service.verification.rules.pair import Pair

Date = tuple[int | None, int, int | None]  # year, month, day

_KANJI_MONTHS = {k: n for n, k in enumerate("一 二 三 四 五 六 七 八 九 十 十一 十二".split(), 1)}
_M = "|".join(sorted((name.capitalize() for name in MONTHS), key=len, reverse=True))
_FULL = "|".join(
    name.capitalize() for name in MONTHS if len(name) > 4 or name in ("may", "june", "july")
)
_DAYS = (
    r"(?P<day>[0-3]?\d)(?:st|nd|rd|th)?(?P<more>\s?(?:[-–~/,&]|and|to|or|through)\s?[0-3]?\d"
    r"(?:st|nd|rd|th)?)?(?!\d|,\d|\s(?:day|week|month|year|hour|minute)s?\b)"
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


def dates(text: str) -> list[Date]:
    """Return (year, month, day) of every date with a month; no day where there are several."""
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


def changed_dates(pair: Pair) -> Iterator[Finding]:
    """Find dates that agree with none of the quote's; of one alone, it decides in a close copy."""
    claim, quote = in_one_spelling(pair.claim), in_one_spelling(pair.quote)
    there = dates(quote)
    if not there:
        return
    known = [*there, *((None, MONTHS[m[0].lower()], None) for m in _MONTH.finditer(quote))]
    said = dates(claim)
    for date in said:
        if not any(_agree(date, other) for other in known):
            nearest = max(known, key=lambda d: sum(a == b for a, b in zip(d, date, strict=True)))
            exact = pair.near and pair.close and len(said) == len(known) == 1
            yield Finding("number", _shown(date), _shown(nearest), exact and not pair.contrasts)


def _agree(one: Date, other: Date) -> bool:
    """Whether two dates may be one: what either leaves open, the other may say."""
    return all(a is None or b is None or a == b for a, b in zip(one, other, strict=True))


def _shown(date: Date) -> str:
    return "-".join(f"{n:02}" for n in date if n is not None)


def changed_weekdays(pair: Pair) -> Iterator[Finding]:
    """Find days of the week in place of which the quote has others."""
    mine, other = _week(pair.claim), _week(pair.quote)
    for day in sorted(mine - other) if other else ():
        yield Finding("name", _WEEKDAYS[day], _WEEKDAYS[min(other)])


def _week(text: str) -> set[int]:
    """The days of the week that a text names, none if it names a stretch of them."""
    found, end = set(), -1
    for match in _WEEKDAY.finditer(text):
        if end >= 0 and _TO.fullmatch(text[end : match.start()].removeprefix("日")):
            return set()
        found.add(_WEEKDAYS.index(match[1]) if match[1] else "月火水木金土日".index(match[2]))
        end = match.end()
    return found
