"""The registry of rules: the ordered table of them, and what they find in a claim and a quote.

Each rule compares what both texts say in so many words. A rule that finds something says what
stands in the claim, and what in the quote in its place. A finding is one of several signs that a
quote does not support a claim; only an exact conflict decides alone, see ``exact_conflict``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import cast

from service.verification.rules import pair as pairs
from service.verification.rules.entities import changed_names
from service.verification.rules.finding import Finding, FindingKind
from service.verification.rules.negation import changed_negations
from service.verification.rules.pair import Pair
from service.verification.rules.quantities import changed_numbers, changed_units
from service.verification.rules.ranks import changed_ranks
from service.verification.rules.roles import changed_places, changed_subjects, opposite_words
from service.verification.rules.temporal import changed_dates, changed_weekdays

NEAR_COPY = pairs.NEAR_COPY
_EXACT = ("number", "unit", "name")  # kinds that can decide alone
_EXAMPLES = Path(__file__).with_name("examples.toml")

Example = tuple[str, str, Finding | None]  # claim, quote, what is found


@dataclass(frozen=True, slots=True)
class Rule:
    """A deterministic comparison of a claim with a quote.

    Attributes:
        name: A short name, by which findings and figures refer to the rule.
        compares: Yields what it finds different in a pair of texts.
        doc: One sentence on what it finds, for docs/rules.md.
    """

    name: str
    compares: Callable[[Pair], Iterable[Finding]]
    doc: str

    @property
    def examples(self) -> tuple[Example, ...]:
        """Claims and quotes with what the rule finds in them, None where nothing differs."""
        return _examples()[self.name]


RULES = (
    Rule("dates", changed_dates, "A date that agrees with none of the quote's."),
    Rule(
        "numbers",
        changed_numbers,
        "A number of the claim that the quote does not have, in figures, in words or converted.",
    ),
    Rule(
        "units",
        changed_units,
        "A number that the quote has with another unit.",
    ),
    Rule(
        "names",
        changed_names,
        "A name that the quote does not have, or in place of which it has another one.",
    ),
    Rule(
        "negation",
        changed_negations,
        "A close copy that adds or drops a negation or a doubt.",
    ),
    Rule(
        "opposites",
        opposite_words,
        "A near copy with a word whose opposite stands in the quote.",
    ),
    Rule(
        "roles",
        changed_places,
        "A near copy in which two names or numbers have exchanged their places.",
    ),
    Rule(
        "subjects",
        changed_subjects,
        "A near copy in Japanese with another subject before は or が.",
    ),
    Rule("weekdays", changed_weekdays, "A day of the week where the quote has another one."),
    Rule("ranks", changed_ranks, "An ordinal or rank that the quote gives the same thing not."),
)


def findings(claim: str, quote: str, context: str = "", published: str = "") -> list[Finding]:
    """Find everything in which ``claim`` differs from ``quote``, the gravest first; [] if nothing.

    A name may stand in ``context`` instead: the quote's passage, heading and title. Numbers must
    stand in the quote itself, but for the year in which its source was ``published``. What copies
    a sentence of the quote, also without its end, differs in nothing.
    """
    pair = Pair(claim, quote, context, published)
    if pair.verbatim:
        return []
    found: list[Finding] = []
    for rule in RULES:
        told = {(f.kind, part) for f in found for part in _parts(f)}
        new = (f for f in rule.compares(pair) if not {(f.kind, p) for p in _parts(f)} & told)
        found += [replace(f, rule=rule.name) for f in new]
    if sum(f.kind in _EXACT for f in found) > 1:  # the quote may speak of something else
        found = [replace(f, decides=False) for f in found]
    return sorted(found, key=lambda f: not f.contradicts)


def exact_conflict(
    claim: str, quote: str, context: str = "", published: str = ""
) -> Finding | None:
    """Return a number, unit or name of the claim for which the quote that it copies has another.

    It decides by itself, whatever a checker or a judge says. The claim must be a close copy of the
    quote; the two must be of one kind, stand in the same place, outside lists, ranges and "not A
    but B"; the claim's must stand nowhere in the quote; and no other number or name may differ in
    a less exact way. None if there is no such conflict.
    """
    return next((f for f in findings(claim, quote, context, published) if f.decides), None)


def _parts(finding: Finding) -> set[str]:
    """What a finding is about: an amount or name, or the numbers of a date, such as 2022-09."""
    if finding.rule == "dates":
        return {part.lstrip("0") for part in finding.claimed.split("-")}
    return {finding.claimed.replace(",", "")}


@cache
def _examples() -> dict[str, tuple[Example, ...]]:
    """Read the examples of all rules: kind, claimed and found of a finding, or "" for none."""
    rows = tomllib.loads(_EXAMPLES.read_text(encoding="utf-8"))
    return {name: tuple(map(_example, listed)) for name, listed in rows.items()}


def _example(row: list[str]) -> Example:
    claim, quote, *expected = row
    if not expected:
        return claim, quote, None
    kind, claimed, found, *decides = expected
    return claim, quote, Finding(cast(FindingKind, kind), claimed, found, bool(decides))
