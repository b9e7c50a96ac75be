"""Sentences that state fields of the catalogue, made from their citations alone.

A receipt is re-checked by making its sentences again, so each is a function of the citations, of
the evidence that shows their sources, and of the language.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from corpus.types import Source
from index.inference.parsed_question import FIELDS
from service.catalogue.fields import ENTRY, metadata_value
from service.catalogue.names import (
    LONGEST_NAME,
    catalogue_name,
    displayed,
    displayed_title,
    known_title,
    subject,
)
from service.catalogue.stated_fields import LICENCE, LONGEST_LICENCE, SEPARATOR
from service.messages import reader_message
from service.types import Citation, Evidence

MAX_AUTHORS = 30  # authors that are named; the others are counted
LONGEST_ENTRY = 300  # characters of an entry of a list of references
LISTED_AUTHORS = 1  # authors of each document that are named in a list

_ISO = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
_MONTHS = (
    "January February March April May June July August September October November December"
).split()
_NAMES = ("title", "file", "id")  # fields that name a source


def metadata_sentences(
    citations: Sequence[Citation], evidence: Sequence[Evidence], language: str
) -> tuple[str, ...]:
    """Make the sentences that some metadata citations can support; most often one.

    Args:
        citations: The citations of one claim, in order.
        evidence: All evidence of the answer, by label from 1.
        language: ``en`` or ``ja``.

    Returns:
        The sentences; none if no reply has such citations.
    """
    sources = [e.source for e in evidence]
    first = citations[0] if citations else None
    if first is None or not all(1 <= c.label <= len(evidence) for c in citations):
        return ()
    source = evidence[first.label - 1].source
    if first.metadata in ("references", "cited_by"):
        others = [s for s in sources if s.id != source.id and catalogue_name(s)[1] == first.quote]
        return tuple(
            _message(first.metadata, source, displayed_title(other, language), sources, language)
            for other in others[:1]
        )
    listed = [listed_sentence(source, language)] if first.metadata in _NAMES else []
    if len(citations) > 1 or first.metadata not in (*FIELDS, ENTRY):
        return tuple(listed)
    return field_sentence(source, first.metadata, first.quote, sources, language), *listed


def field_sentence(
    source: Source, field: str, value: str, sources: Sequence[Source], language: str
) -> str:
    """State a field of a source.

    Args:
        source: The source.
        field: The field, other than ``references`` and ``cited_by``; or ``entry``.
        value: Its value as the catalogue has it.
        sources: All sources that the reply shows, some of which may have the same title.
        language: ``en`` or ``ja``.
    """
    if field == "pages" and value == "1":
        return _message("one_page", source, value, sources, language)
    if field == LICENCE and value != source.licence:
        shown = displayed(value, LONGEST_LICENCE)
        return _message("stated_licence", source, shown, sources, language)
    authors = source.authors or tuple(value.split(SEPARATOR))
    title = replace(source, title=source.title if known_title(source) else value)
    shown = {
        "authors": lambda: list_names(authors, language),
        "published": lambda: display_date(value, language),
        "title": lambda: displayed_title(title, language),
        ENTRY: lambda: displayed(value, LONGEST_ENTRY),
    }.get(field, lambda: displayed(value))()
    return _message(field, source, shown, sources, language)


def relation_sentence(
    source: Source, field: str, other: Source, sources: Sequence[Source], language: str
) -> str:
    """State that a source cites another (``references``) or is cited by it (``cited_by``)."""
    return _message(field, source, displayed_title(other, language), sources, language)


def listed_sentence(source: Source, language: str) -> str:
    """State that the library has a document, with its first author and date where known."""
    known = metadata_value(source, "authors")
    authors = list_names(source.authors, language, LISTED_AUTHORS) if known else ""
    date = display_date(source.published, language)
    if language == "ja":
        both = "、".join(filter(None, (authors, date)))
        details = f"（{both}）" if both else ""
    else:
        details = (f" by {authors}" if authors else "") + (f", dated {date}" if date else "")
    return reader_message("metadata_listed", language, displayed_title(source, language), details)


def list_names(names: Sequence[str], language: str, limit: int = MAX_AUTHORS) -> str:
    """List people: all of them, or the first ones and how many others there are."""
    shown = [name for name in (displayed(each, LONGEST_NAME) for each in names) if name]
    rest = len(shown) - limit
    if language == "ja":
        more = "ほか" if limit == 1 else f"ほか{rest}名"
        return "、".join(shown[:limit]) + (more if rest > 0 else "")
    if rest > 0:
        others = "others" if limit == 1 else f"{rest} others"
        return f"{', '.join(shown[:limit])} and {others}"
    if len(shown) <= 2:
        return " and ".join(shown)
    return f"{', '.join(shown[:-1])}, and {shown[-1]}"


def display_date(published: str, language: str) -> str:
    """Write an ISO date, year-month or year as people do; any other text as it is."""
    match = _ISO.fullmatch(published.strip())
    if not match or not 1 <= int(match[2] or 1) <= 12:
        return displayed(published)
    year, month, day = match[1], int(match[2] or 0), int(match[3] or 0)
    if language == "ja":
        return f"{year}年" + (f"{month}月" if month else "") + (f"{day}日" if day else "")
    words = [str(day) if day else "", _MONTHS[month - 1] if month else "", year]
    return " ".join(filter(None, words))


def _message(
    field: str, source: Source, value: str, sources: Sequence[Source], language: str
) -> str:
    name = f"metadata_{field}"
    return reader_message(name, language, subject(source, sources, language), value)
