"""The registry of rules: runs every rule on a claim and a quote.

Each rule compares what both texts say in so many words: numbers and their units, names,
negations and doubts, words of comparison, who did what to whom. A rule that finds something
says what stands in the claim, and what in the quote in its place; see ``findings``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from index.lexical.tokenizer import is_japanese
from service.text.alignment import content_words, coverage_share, order_share
from service.text.number_spelling import in_one_spelling
from service.text.numerals import in_figures
from service.verification.rules.antonyms import antonym_pairs
from service.verification.rules.entities import changed_names, changed_names_across_languages
from service.verification.rules.finding import Finding
from service.verification.rules.magnitude import (
    changed_bounds,
    changed_directions,
    changed_factors,
    changed_ordinals,
    changed_ranks,
    changed_signs,
)
from service.verification.rules.negation import changed_negations
from service.verification.rules.quantities import (
    ABOUT,
    changed_counts,
    changed_numbers,
    changed_units,
)
from service.verification.rules.roles import changed_places, other_subjects
from service.verification.rules.temporal import (
    Departure,
    changed_dates,
    changed_hours,
    changed_weekdays,
)

# Share of a claim's words that stand in the quote, from which the two are taken to say the
# same thing but for where they differ.
NEAR_COPY = 0.6
LONGER = 3  # times as many words: among so many, those of any claim are found
CLOSE_COPY = 0.75  # the same in the quote's order, for what hangs on single words

# How no sentence ends, only one that broke off.
_BROKEN_OFF = re.compile(r"(?:\b(?:an?|the|and|or|of|its|their|which)|[はを])[.。…]*$")


def findings(claim: str, quote: str, context: str = "", published: str = "") -> list[Finding]:
    """Find everything in which ``claim`` differs from ``quote``, the gravest first; [] if nothing.

    A name may stand in ``context`` instead: the quote's passage, heading and title. Numbers must
    stand in the quote itself, but for the year in which its source was ``published``.
    """
    if is_japanese(claim) != is_japanese(quote):
        found = [
            *_broken_off(claim, quote),
            *changed_numbers(claim, quote, published[:4], False),
            *changed_units(claim, quote),
            *changed_names_across_languages(claim, f"{quote} {context}"),
        ]
        return [*found, *_exactly(claim, quote, found)]
    ours, theirs = content_words(claim), content_words(quote)
    share = coverage_share(claim, quote)
    # What hangs on the order of words is only compared where the claim is a near copy.
    near = share >= NEAR_COPY and len(theirs) <= LONGER * len(ours)
    found = [
        *_broken_off(claim, quote),
        *changed_numbers(claim, quote, published[:4], near),
        *changed_units(claim, quote),
        *changed_counts(ours, theirs),
        *changed_names(claim, quote, context, near, bool(ABOUT.search(claim))),
        *_comparisons(claim, quote),
    ]
    rest = [w for w in ours if w.kind != "turn"]
    if order_share(ours, theirs) >= CLOSE_COPY or order_share(rest, theirs) == 1:
        found += changed_negations(ours, theirs)
    if near:
        found += (Finding("subject", *pair) for pair in other_subjects(claim, quote))
        found += (Finding("roles", *pair) for pair in changed_places(claim, quote))
    found += _exactly(claim, quote, found)
    return sorted(found, key=lambda f: not f.contradicts)


def exact_conflict(claim: str, quote: str) -> Finding | None:
    """Return a number or name that a near copy of a quote has in place of the quote's own.

    It decides by itself, whatever a checker or a judge says; None if there is no such conflict.
    """
    ours, theirs = content_words(claim), content_words(quote)
    near = coverage_share(claim, quote) >= NEAR_COPY and len(theirs) <= LONGER * len(ours)
    kinds = ("number", "unit", "name")
    found = (f for f in findings(claim, quote) if f.contradicts and f.kind in kinds)
    return next(found, None) if near else None


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


def _comparisons(claim: str, quote: str) -> Iterable[Finding]:
    """Words of comparison that say the opposite."""
    return (Finding("comparison", said, there) for said, there in antonym_pairs(claim, quote))


def departures(claim: str, quote: str) -> Iterator[Departure]:
    """Yield what claim and quote both state in a fixed form, such as a date, and differently."""
    ours, theirs = in_one_spelling(claim), in_one_spelling(quote)
    yield from changed_dates(ours, theirs)
    yield from changed_weekdays(ours, theirs)
    yield from changed_hours(ours, theirs)
    yield from changed_signs(ours, theirs)
    ours, theirs = in_figures(claim), in_figures(quote)
    yield from changed_ranks(ours, theirs)
    yield from changed_ordinals(ours, theirs, quote)
    yield from changed_factors(ours, theirs, quote)
    yield from changed_directions(ours, theirs)
    yield from changed_bounds(ours, theirs)
