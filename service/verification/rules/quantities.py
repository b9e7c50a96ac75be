"""Rules on quantities: numbers, their units, and what they count."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from service.text.alignment import Word, folded_text
from service.text.numerals import is_year, mentioned, periods, spelled, stated
from service.text.units import amounts, units
from service.verification.rules.finding import Finding
from service.verification.rules.pair import Pair

MAX_LISTED_COUNT = 4  # up to here a number may count things that the quote lists
ROUNDED = 0.05  # by how much "about 200" may differ, as a share
BOUNDED = 1.2  # by how much a bound may, as a factor: "more than 200"
_IN_PLACE = 2  # the most numbers and words that may stand for as many others
_OVER = r"\b(?:over|more than|at least|exceed(?:s|ed|ing)?)\b|以上|超|を上回|少なくとも"
_UNDER = r"\b(?:under|below|less than|fewer than|at most|up to)\b|以下|未満|を下回"
_ABOUT = re.compile(
    r"\b(?:about|around|roughly|approximately|nearly|almost|over|more than|some)\b"
    r"|約|およそ|ほぼ|あまり|余り|以上|近く|超",
    re.IGNORECASE,
)
_BOUNDS = tuple(re.compile(bound, re.IGNORECASE) for bound in (_OVER, _UNDER))
_COUNTED = ("people", "times")  # may count what the quote lists, or how often it happened
_MARGIN = re.compile(r"(?:±|\+/?-|standard deviation of|標準偏差)\s?$")
_VERSION = re.compile(r"\b(?:versions?|ver\.?|v|release|バージョン|版)[\s.]?$", re.IGNORECASE)
_YEAR = re.compile(r"\d{4}年")
_NAMED = re.compile(r"[A-Za-z]+[- .]?$")
_MAGNITUDES = frozenset(("thousand", "million", "billion", "trillion"))


def changed_numbers(pair: Pair) -> Iterator[Finding]:
    """Find numbers that the quote does not have, in digits, in words or in another scale.

    In a near copy each comes with what the quote has in its place, of the same kind: the same unit,
    the same thing counted, a year for a year. There a number counts too that the quote has only
    elsewhere.
    """
    held = _held(pair.claim, pair.quote)
    missing = _missing(pair, held)
    around = bool(_ABOUT.search(pair.claim))
    told = set()
    for i, word in enumerate(pair.ours if pair.near else ()):
        value = float(word.text) if word.kind == "number" else None
        if value is None or value in held or (around and value not in missing):
            continue
        kind = _kind(pair.claim, pair.ours, i)
        other = _in_place(pair, i, kind)
        if other is not None:
            exact = value in missing and _exactly(pair, i, kind, other)
            yield Finding("number", _printed(value), _printed(float(other.text)), exact)
        elif value in missing:
            yield Finding("number", _printed(value), _only_one(pair, kind))
        told.add(value)
    yield from (Finding("number", _printed(value)) for value in missing if value not in told)


def _exactly(pair: Pair, position: int, kind: str, other: Word) -> bool:
    """Whether one number stands for another alone, outside lists, ranges and versions."""
    part_of_name = kind.startswith("in ") and "." in pair.ours[position].text + other.text
    loose = kind == "version" or part_of_name or pair.contrasts
    alone = bool(pair.run(position, 1)[1]) and pair.stands_alone(position, other)
    return pair.close and alone and not loose


def changed_units(pair: Pair) -> Iterator[Finding]:
    """Find numbers of a near copy that have another unit in the quote, and never the claim's."""
    there: dict[float, set[str]] = {}
    for value, unit in units(pair.quote) if pair.near or pair.across else ():
        there.setdefault(value, set()).add(unit)
    for value, unit in sorted(units(pair.claim)):
        other = there.get(value, set())
        if other and unit not in other and "times" not in (unit, *other):
            exact = pair.near and pair.close and len(other) == 1 and not pair.contrasts
            shown = f"{value:,.12g}"
            yield Finding("unit", f"{shown} {unit}", f"{shown} {min(other)}", exact)


def _missing(pair: Pair, held: set[float]) -> list[float]:
    """Return the numbers of the claim that neither stand in the quote nor follow from it."""
    claim, quote = pair.claim, f"{pair.quote} {pair.published[:4]}"
    there = mentioned(quote) | held
    measured = {value for value, unit in units(claim) if value > 1 and unit not in _COUNTED}
    known = stated(quote)
    return [
        value
        for value in sorted((stated(claim) | spelled(claim)) - there)
        if (pair.near or value > MAX_LISTED_COUNT or value != int(value) or value in measured)
        and not any(_rounds(value, other, claim) for other in known)
    ]


def _rounds(value: float, other: float, claim: str) -> bool:
    """Whether a claim gives another number roughly, or as a bound: over 600,000 of 680,000.

    "Over 5 laps" says no such thing of 6.
    """
    if _ABOUT.search(claim) and not is_year(value) and abs(value - other) <= ROUNDED * other:
        return True
    low, high = sorted((value, other))
    if low < 100 or high > BOUNDED * low or not _BOUNDS[value > other].search(claim):
        return False
    return len(f"{value:.12g}".rstrip("0")) < len(f"{other:.12g}".rstrip("0"))


def _held(claim: str, quote: str) -> set[float]:
    """Return the numbers of the claim that follow from others of the quote.

    The decade or the century of a year, the time between two years, the same amount in another
    unit.
    """
    there = periods(quote)
    held = {
        value
        for value, first, last in periods(claim)
        if last > first and any(first <= a and b <= last for _, a, b in there)
    }
    ours, theirs = units(claim), units(quote)
    years = sorted({a for _, a, b in there if a == b and is_year(a)})[:20]
    apart = {b - a for n, a in enumerate(years) for b in years[n + 1 :]}
    held |= {value for value, unit in ours if unit == "years" and value in apart}
    other = amounts(theirs)
    held |= {value for amount, value in amounts(ours).items() if amount in other}
    mine, shares = ({v for v, unit in listed if unit == "%"} for listed in (ours, theirs))
    held |= {value for value in stated(claim) - mine if value < 1 and 100 * value in shares}
    return held | {value for value in mine if value / 100 in stated(quote) - shares}


def _kind(text: str, words: Sequence[Word], position: int) -> str:
    """Return what a number is of: "in v" in v1, a unit, "year", or the word behind it."""
    folded, word = folded_text(text), words[position]
    before = folded[: word.start]
    if _MARGIN.search(before):
        return "±"
    if _VERSION.search(before):
        return "version"
    named = _NAMED.search(before)
    if named and not named[0].endswith((" ", ".")):
        return f"in {named[0].rstrip('-').lower()}"
    value = float(word.text)
    measured = dict(units(folded[max(0, word.start - 2) : word.end + 24]))
    if value in measured:
        return f"unit {measured[value]}"
    if _YEAR.match(folded, word.start) or (is_year(value) and "," not in word.shown):
        return "year"
    after = next((w for w in words[position + 1 :] if w.text not in _MAGNITUDES), None)
    return after.text if after and after.start - word.end <= 12 and after.kind == "word" else ""


def _in_place(pair: Pair, position: int, kind: str) -> Word | None:
    """Return the number that the quote has in place of one of the claim's, if of its kind."""
    others = pair.run(position, _IN_PLACE)[1]
    value = pair.ours[position].text
    for i, word in enumerate(pair.theirs):
        if word.kind == "number" and any(word is other for other in others):
            other = _kind(pair.quote, pair.theirs, i)
            told = any(
                k.startswith(("year", "unit ", "in ", "version", "±")) for k in (kind, other)
            )
            if word.text != value and (kind == other or not told):
                return word
    return None


def _only_one(pair: Pair, kind: str) -> str:
    """Return the one number of a kind that the quote has, and the claim lacks; '' if several."""
    said = mentioned(pair.claim)
    there = {
        float(word.text)
        for i, word in enumerate(pair.theirs)
        if word.kind == "number" and kind and _kind(pair.quote, pair.theirs, i) == kind
    }
    return _printed(there.pop()) if len(there) == 1 and not there & said else ""


def _printed(value: float) -> str:
    return f"{value:.12g}" if is_year(value) else f"{value:,.12g}"
