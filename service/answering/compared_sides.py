"""The sides of a comparison in some respect, each of which is searched and read by itself.

"How do the datasets of ALCE and ReAct differ?" asks for the datasets of one work, and for those of
the other. Two texts of one name, such as the notes of two years, are told apart by the year.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from corpus.types import Source
from service.catalogue.descriptions import WORK, WORK_JA
from service.catalogue.matching import folded_letters
from service.catalogue.named_sources import NamedSource
from service.catalogue.requests import further_words
from service.catalogue.snapshot import Catalogue
from service.questions.comparisons import (
    ComparedSide,
    compared_things,
    compared_years,
    side_questions,
)
from service.text.alignment import content_words

SIDES = 2  # things that are compared
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")


def compared_sides(
    asked: str, named: Sequence[NamedSource], works: Sequence[Source]
) -> tuple[ComparedSide, ...]:
    """Find the two sides of a question that compares two things in some respect.

    Args:
        asked: The question.
        named: The sources that it names.
        works: The works of the two years that it compares; see ``works_of_years``.

    Returns:
        Two works that it names, or the works of two years, or any two things; () if it compares
        nothing, or asks for no more than what the two are.
    """
    told = bool(works)
    if years := compared_years(asked):
        names = years
    elif len(named) == SIDES:
        first, second = sorted(named, key=lambda each: each.start)
        names = _with_noun(first, asked), _with_noun(second, asked)
        works = [first.source, second.source]
    else:
        names = compared_things(asked) or ("", "")
    questions = side_questions(asked, names, told) if all(names) else None
    known = [*names, *(each.words for each in named)]
    if not questions or not _asks_more(questions[0], known, works):
        return ()
    within: list[tuple[str, ...] | None] = [(work.id,) for work in works]
    within = within or [None] * SIDES
    return tuple(ComparedSide(*side) for side in zip(names, questions, within, strict=True))


def _with_noun(named: NamedSource, asked: str) -> str:
    """Return the words that name a source, with the "paper" or the like behind them."""
    found = re.search(rf"{re.escape(named.words)}(?:\s*(?:{WORK}\b|{WORK_JA}))?", asked)
    return found[0] if found else named.words


def works_of_years(asked: str, named: Sequence[NamedSource], catalogue: Catalogue) -> list[Source]:
    """Return the works of the two years that a question compares; [] if there are none such.

    They have one name but for the year, and the question names them or has a word of that name.
    """
    years = compared_years(asked)
    if not years:
        return []
    words = [word.text for word in content_words(asked) if word.kind != "number"]
    chosen = {each.source.id for each in named}
    alike: dict[str, dict[str, Source]] = {}
    for source, own in catalogue.name_words:
        if source.id in chosen or any(map(own.has, words)):
            of_year = alike.setdefault(folded_letters(_YEAR.sub("", source.title)), {})
            of_year[(_YEAR.findall(source.title) or [source.published[:4]])[-1]] = source
    found = [[of.get(year.removesuffix("年")) for year in years] for of in alike.values()]
    pairs = [[a, b] for a, b in found if a and b]
    return max(pairs, key=lambda pair: sum(s.id in chosen for s in pair), default=[])


def _asks_more(question: str, names: Sequence[str], works: Sequence[Source]) -> bool:
    """Return whether a question has content words that name no source, nor what sources are."""
    titles = " ".join(folded_letters(source.title) for source in works)
    words = further_words(question, names)
    return any(folded_letters(word) not in titles for word in words)
