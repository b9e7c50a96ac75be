"""Rules on quantities: numbers, their units, and what they count."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise

from service.text.alignment import Word
from service.text.numerals import in_figures, is_year, mentioned, periods, spelled, stated
from service.text.units import amounts, units
from service.verification.rules.finding import Finding
from service.verification.rules.magnitude import limits

MAX_LISTED_COUNT = 4  # up to here a number may count things that the quote lists
ROUNDED = 0.05  # by how much "about 200" may differ, as a share
BOUNDED = 1.2  # by how much a bound may, as a factor: "more than 200"
ABOUT = re.compile(
    r"\b(?:about|around|roughly|approximately|nearly|almost|over|more than|some)\b"
    r"|約|およそ|ほぼ|あまり|余り|以上|近く|超",
    re.IGNORECASE,
)
_MAGNITUDES = frozenset(("thousand", "million", "billion", "trillion"))
_COUNTED = ("people", "times")  # may count what the quote lists, or how often it happened


def changed_numbers(claim: str, quote: str, published: str, near: bool) -> Iterable[Finding]:
    """Find numbers that the quote does not have, in digits, in words or in another scale.

    In a near copy each comes with what the quote has in its place, of the same unit if it has one.
    """
    own, quote = quote, f"{quote} {published}"
    there = mentioned(quote) | _held(claim, quote)
    measured = {value for value, unit in units(claim) if value > 1 and unit not in _COUNTED}
    wanted = stated(claim) | spelled(claim)
    known, bounds = stated(quote), limits(in_figures(claim))
    near_enough = known if ABOUT.search(claim) else ()
    missing = [
        value
        for value in sorted(wanted - there)
        if (near or value > MAX_LISTED_COUNT or value != int(value) or value in measured)
        and not any(abs(value - other) <= ROUNDED * other for other in near_enough)
        and not any(_bounds(value, other, bounds) for other in known)
    ]
    others = sorted(stated(own) - mentioned(claim)) if near else []
    of_unit, here = dict(units(claim)), units(own)
    for i, value in enumerate(missing):
        alike = [other for other in others if (other, of_unit.get(value)) in here] or others
        instead = _printed(alike[min(i, len(alike) - 1)]) if alike else ""
        yield Finding("number", _printed(value), instead)


def _printed(value: float) -> str:
    return f"{value:.12g}" if is_year(value) else f"{value:,.12g}"


def _bounds(value: float, other: float, said: Collection[tuple[float, bool]]) -> bool:
    """Whether the claim gives a round ``value`` as a bound of ``other``: over 600,000 of 680,000.

    "Over 5 laps" says no such thing of 6.
    """
    low, high = sorted((value, other))
    if low < 100 or high > BOUNDED * low or (value, value <= other) not in said:
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


def changed_units(claim: str, quote: str) -> Iterable[Finding]:
    """Find numbers that stand with another unit in the quote, and never with the claim's."""
    there: dict[float, set[str]] = {}
    for value, unit in units(quote):
        there.setdefault(value, set()).add(unit)
    for value, unit in sorted(units(claim)):
        if value in there and unit not in there[value] and "times" not in (unit, *there[value]):
            yield Finding("unit", f"{value:,.12g} {unit}", f"{value:,.12g} {min(there[value])}")


def changed_counts(ours: Sequence[Word], theirs: Sequence[Word]) -> Iterable[Finding]:
    """Find numbers before a counted word, where the quote has only other numbers before it.

    12 cameras against 100 cameras, where 12 counts something else.
    """
    there: dict[str, list[Word]] = {}
    for number, counted in (*_pairs(theirs), *_ranges(theirs)):
        there.setdefault(counted.text, []).append(number)
    elsewhere = {w.text for w in theirs if w.kind == "number"}
    for number, counted in _pairs(ours):
        others = there.get(counted.text, [])
        if others and number.text in elsewhere and all(o.text != number.text for o in others):
            claimed, found = (f"{n.shown} {counted.shown}" for n in (number, others[0]))
            yield Finding("number", claimed, found)


def _pairs(listed: Sequence[Word]) -> Iterable[tuple[Word, Word]]:
    """Each number with the word right behind it, a magnitude between them left out."""
    plain = [w for w in listed if w.text not in _MAGNITUDES]
    pairs = [(a, b) for a, b in pairwise(plain) if a.kind == "number" and b.kind == "word"]
    return [(a, b) for a, b in pairs if b.text not in ("st", "nd", "rd", "th")]


def _ranges(listed: Sequence[Word]) -> Iterable[tuple[Word, Word]]:
    """The first number of each range with what is counted: 10-20 people."""
    plain = [w for w in listed if w.text not in _MAGNITUDES]
    for a, b, c in zip(plain, plain[1:], plain[2:], strict=False):
        if a.kind == b.kind == "number" and c.kind == "word":
            yield a, c
