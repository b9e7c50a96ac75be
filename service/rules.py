"""What can be decided about a claim and a quote without understanding them. Pure, no model.

Each rule compares what both texts say in so many words: numbers and their units, names,
negations and doubts, words of comparison, who did what to whom. A rule that finds something
says what stands in the claim, and what in the quote in its place; see ``findings``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from index.tokens import is_japanese
from service.exact import departures, limits
from service.names import known_as
from service.numbers import in_figures, is_year, mentioned, periods, spelled, stated
from service.opposites import antonym_pairs
from service.roles import changed_places, other_subjects
from service.units import amounts, units
from service.words import Word, align_words, content_words, coverage_share, order_share

FindingKind = Literal["number", "unit", "name", "negation", "comparison", "roles", "subject", "end"]

# Share of a claim's words that stand in the quote, from which the two are taken to say the
# same thing but for where they differ.
NEAR_COPY = 0.6
LONGER = 3  # times as many words: among so many, those of any claim are found
CLOSE_COPY = 0.75  # the same in the quote's order, for what hangs on single words
MAX_LISTED_COUNT = 4  # up to here a number may count things that the quote lists
SWAP = 2  # words on either side that may make up one name for another
ROUNDED = 0.05  # by how much "about 200" may differ, as a share
BOUNDED = 1.2  # by how much a bound may, as a factor: "more than 200"

_NAME = re.compile(r"[A-Z][A-Za-z0-9'’]*(?:[-.][A-Za-z0-9]+)*")
_KATAKANA = re.compile(r"[\u30a1-\u30fa\u30fc]{3,}")
_ABOUT = re.compile(
    r"\b(?:about|around|roughly|approximately|nearly|almost|over|more than|some)\b"
    r"|約|およそ|ほぼ|あまり|余り|以上|近く|超",
    re.IGNORECASE,
)
# Abbreviations in Latin letters that are Japanese words.
_OUR_LETTERS = frozenset("SNS CM DB GK PC OS TV IT AI OL CD DVD PR HP W".split())
_MAGNITUDES = frozenset(("thousand", "million", "billion", "trillion"))
_COUNTED = ("people", "times")  # may count what the quote lists, or how often it happened
# How no sentence ends, only one that broke off.
_BROKEN_OFF = re.compile(r"(?:\b(?:an?|the|and|or|of|its|their|which)|[はを])[.。…]*$")
_CLAUSE = 3  # words left out in a row that make it a clause of its own


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a claim says otherwise than its quote.

    ``found`` is what the quote has in its place, '' where it has nothing there.
    """

    kind: FindingKind
    claimed: str
    found: str = ""

    @property
    def contradicts(self) -> bool:
        """Whether the quote says otherwise, rather than nothing about it."""
        return bool(self.found)


def findings(claim: str, quote: str, context: str = "", published: str = "") -> list[Finding]:
    """Everything in which ``claim`` departs from ``quote``, the gravest first; [] if nothing.
    A name may stand in ``context`` instead: the quote's passage, heading and title. Numbers must
    stand in the quote itself, but for the year in which its source was ``published``."""
    if is_japanese(claim) != is_japanese(quote):
        found = [
            *_broken_off(claim, quote),
            *_numbers(claim, quote, published[:4], False),
            *_units(claim, quote),
            *_names_across(claim, f"{quote} {context}"),
        ]
        return [*found, *_exactly(claim, quote, found)]
    ours, theirs = content_words(claim), content_words(quote)
    share = coverage_share(claim, quote)
    # What hangs on the order of words is only compared where the claim is a near copy.
    near = share >= NEAR_COPY and len(theirs) <= LONGER * len(ours)
    found = [
        *_broken_off(claim, quote),
        *_numbers(claim, quote, published[:4], near),
        *_units(claim, quote),
        *_counts(ours, theirs),
        *_names(claim, quote, context, near, bool(_ABOUT.search(claim))),
        *_comparisons(claim, quote),
    ]
    rest = [w for w in ours if w.kind != "turn"]
    if order_share(ours, theirs) >= CLOSE_COPY or order_share(rest, theirs) == 1:
        found += _turned(ours, theirs)
    if near:
        found += (Finding("subject", *pair) for pair in other_subjects(claim, quote))
        found += (Finding("roles", *pair) for pair in changed_places(claim, quote))
    found += _exactly(claim, quote, found)
    return sorted(found, key=lambda f: not f.contradicts)


def _broken_off(claim: str, quote: str) -> Iterable[Finding]:
    """A claim that stops in the middle, and so says nothing, or who knows what."""
    match = _BROKEN_OFF.search(claim.strip())
    if match and not quote.endswith(match[0]):
        yield Finding("end", f"… {match[0].strip()}")


def _exactly(claim: str, quote: str, found: Sequence[Finding]) -> Iterable[Finding]:
    """What both languages say in fixed ways: dates, hours, ranks, factors, bounds."""
    kinds = {finding.kind for finding in found}
    for kind, claimed, instead in departures(claim, quote):
        if kind not in kinds:
            yield Finding(kind, claimed, instead)


def _numbers(claim: str, quote: str, published: str, near: bool) -> Iterable[Finding]:
    """Numbers that the quote does not have, in digits, in words or in another scale; in a near
    copy with what it has in their place, of the same unit if it has one."""
    own, quote = quote, f"{quote} {published}"
    there = mentioned(quote) | _held(claim, quote)
    measured = {value for value, unit in units(claim) if value > 1 and unit not in _COUNTED}
    wanted = stated(claim) | spelled(claim)
    known, bounds = stated(quote), limits(in_figures(claim))
    near_enough = known if _ABOUT.search(claim) else ()
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
    """Numbers of the claim that follow from others of the quote: the decade or the century of a
    year, the time between two years, the same amount in another unit."""
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


def _units(claim: str, quote: str) -> Iterable[Finding]:
    """Numbers that stand with another unit in the quote, and never with the claim's."""
    there: dict[float, set[str]] = {}
    for value, unit in units(quote):
        there.setdefault(value, set()).add(unit)
    for value, unit in sorted(units(claim)):
        if value in there and unit not in there[value] and "times" not in (unit, *there[value]):
            yield Finding("unit", f"{value:,.12g} {unit}", f"{value:,.12g} {min(there[value])}")


def _names(claim: str, quote: str, context: str, near: bool, about: bool) -> Iterable[Finding]:
    """Names that the quote does not have: nowhere at all, or another one in their place.

    In a near copy, so also numbers that stand where the quote has another.
    """
    ours, theirs = content_words(claim), content_words(quote)
    here = {w.text for w in theirs}
    around = unicodedata.normalize("NFKC", context).casefold()
    replaced = _replaced(ours, theirs) if near else {}
    for i, word in enumerate(ours):
        if word.kind == "number" and i in replaced and not about:
            other = next((w for w in replaced[i] if w.kind == "number"), None)
            if other is not None:
                yield Finding("number", word.shown, other.shown)
        if word.kind != "name" or word.text in here or _part_of_one(word.shown, theirs):
            continue
        if known_as(word.shown, claim, quote if i in replaced else f"{quote} {context}"):
            continue
        other = next((w for w in replaced.get(i, ()) if w.kind == "name" and w not in ours), None)
        if other is not None:
            yield Finding("name", word.shown, other.shown)
        elif word.shown.casefold() not in around and (near or word.shown.isascii()):
            yield Finding("name", word.shown)


def _counts(ours: Sequence[Word], theirs: Sequence[Word]) -> Iterable[Finding]:
    """Numbers that stand before a word before which the quote has only others: 12 cameras
    against 100 cameras, where 12 counts something else."""
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


def _part_of_one(name: str, theirs: Sequence[Word]) -> bool:
    """Whether a word in katakana is a shortened or lengthened one of theirs: アプリケーション."""
    return bool(_KATAKANA.fullmatch(name)) and any(
        w.kind == "name" and (w.shown in name or name in w.shown) for w in theirs
    )


def _names_across(claim: str, known: str) -> Iterable[Finding]:
    """Names in Latin letters that a quote in the other language would have to spell alike.

    That ナーフ is NeRF, a rule cannot know; English names seldom stand in Japanese text.
    """
    if not is_japanese(claim):
        return
    folded = _unapostrophed(known)
    for match in _NAME.finditer(unicodedata.normalize("NFKC", claim)):
        if len(match[0]) == 1 or match[0] in _OUR_LETTERS or known_as(match[0], claim, known):
            continue
        name = re.escape(_unapostrophed(match[0]))
        if not re.search(
            rf"(?<![a-z]){name}(?!{'' if match[0].islower() else '[a-z]{2}'})", folded
        ):
            yield Finding("name", match[0])


def _unapostrophed(text: str) -> str:
    """Folded, and what stands around an apostrophe put together: I 'm is im, God's gods."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"\s?(n?)['’]\s?(?=[a-z])", r"\1", folded)


def _replaced(ours: Sequence[Word], theirs: Sequence[Word]) -> dict[int, Sequence[Word]]:
    """For each word of ours that stands where the quote has others: those others."""
    found = {}
    for op, a, b, c, d in align_words(ours, theirs).get_opcodes():
        if op == "replace" and b - a <= SWAP and d - c <= SWAP:
            found |= dict.fromkeys(range(a, b), theirs[c:d])
    return found


def _turned(ours: Sequence[Word], theirs: Sequence[Word]) -> Iterable[Finding]:
    """Negations and doubts that only one of the two near copies has.

    Words left out of the quote by the clause may hold any; a single one left out turns it.
    """
    for op, a, b, c, d in align_words(ours, theirs).get_opcodes():
        if op == "equal":
            continue
        mine = [w for w in ours[a:b] if w.kind == "turn"]
        other = [w for w in theirs[c:d] if w.kind == "turn"]
        if len(mine) > len(other):
            yield Finding("negation", mine[0].shown, " ".join(w.shown for w in theirs[c:d]) or "–")
        elif len(other) > len(mine) and (d - c) - len(other) < _CLAUSE + (b - a):
            yield Finding("negation", "–", other[0].shown)


def _comparisons(claim: str, quote: str) -> Iterable[Finding]:
    """Words of comparison that say the opposite."""
    return (Finding("comparison", said, there) for said, there in antonym_pairs(claim, quote))
