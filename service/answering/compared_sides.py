"""The sides of a comparison in some respect, each of which is searched and read by itself.

"How do the datasets of ALCE and ReAct differ?" asks for the datasets of one work, and for those of
the other. Two texts of one name, such as the notes of two years, are told apart by the year.
"""

from __future__ import annotations

from collections.abc import Sequence

from corpus.types import Source
from index.inference.parsed_question import ParsedQuestion
from service.catalogue.matching import folded_letters
from service.catalogue.requests import further_words
from service.catalogue.snapshot import Catalogue
from service.questions.comparisons import (
    YEAR,
    ComparedSide,
    Span,
    compared_years,
    side_name,
    side_questions,
)
from service.text.alignment import content_words

# Probability of a comparison, and of the tokens of the two things, from which a question is taken
# apart.
COMPARES = 0.8


def finds_both(parsed: ParsedQuestion) -> bool:
    """Return whether it is certain which two things a question compares, if it compares any."""
    return all(parsed.slot_probability(slot) >= COMPARES for slot in ("first", "second"))


def compared_spans(parsed: ParsedQuestion) -> tuple[Span, Span] | None:
    """Return where the two things stand that a question may compare, the first first."""
    first, second = parsed.slot("first"), parsed.slot("second")
    if not first or not second:
        return None
    one, other = sorted((first, second))
    return (one, other) if one[1] <= other[0] else None


def compared_sides(
    asked: str,
    spans: tuple[Span, Span],
    catalogue: Catalogue,
    works: Sequence[Source | None],
    certain: bool = True,
) -> tuple[ComparedSide, ...]:
    """Take a question apart that compares two things in some respect.

    Args:
        asked: The question.
        spans: Where the two things stand in it.
        catalogue: The sources that it may mean.
        works: The works that the two are, by name or description.
        certain: Whether it surely compares them. Else it does if they are works of two years.

    Returns:
        The two sides; () if the question asks for no more than what the two are.
    """
    names = [side_name(asked, span) for span in spans]
    by_year = works_of_years(asked, names, catalogue)
    works = by_year or works
    questions = side_questions(asked, spans, told=bool(by_year))
    if not questions or not (certain or by_year):
        return ()
    if not _asks_more(questions[0], names, [w for w in works if w]):
        return ()
    within = [(work.id,) if work else None for work in works]
    return tuple(ComparedSide(*side) for side in zip(names, questions, within, strict=True))


def works_of_years(asked: str, names: Sequence[str], catalogue: Catalogue) -> list[Source | None]:
    """Return the works of the two years by which two things are told apart; [] if there are none.

    They have one name but for the year, and the question has words of that name.
    """
    years = compared_years(names)
    if not years:
        return []
    words = [word.text for word in content_words(asked) if word.kind != "number"]
    alike: dict[str, dict[str, Source]] = {}
    shared: dict[str, int] = {}
    for source, own in catalogue.name_words:
        name = folded_letters(YEAR.sub("", source.title))
        if said := sum(map(own.has, words)):
            year = (YEAR.findall(source.title) or [source.published[:4]])[-1]
            alike.setdefault(name, {})[year] = source
            shared[name] = max(said, shared.get(name, 0))
    pairs = [name for name, of in alike.items() if all(year in of for year in years)]
    best = max(pairs, key=shared.__getitem__, default=None)
    return [alike[best][year] for year in years] if best is not None else []


def _asks_more(question: str, names: Sequence[str], works: Sequence[Source]) -> bool:
    """Return whether what is asked is more than the works themselves, by their titles."""
    titles = " ".join(folded_letters(source.title) for source in works)
    words = further_words(question, names)
    return not words or any(folded_letters(word) not in titles for word in words)
