"""Replies from the catalogue: claims that state fields of sources, each cited to its card.

Pure functions over a store, without a model. A sentence is certain, because it repeats what the
catalogue has; it is marked as metadata, because no text was read for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from corpus.store.store import Store
from corpus.types import Source
from index.inference.parsed_question import Field
from service.catalogue.fields import (
    ENTRY,
    FieldValue,
    Search,
    documents_on,
    metadata_value,
    newest_first,
    read_field,
    works_of,
)
from service.catalogue.names import catalogue_name, displayed, subject
from service.catalogue.requests import ListingRequest
from service.catalogue.sentences import field_sentence, listed_sentence, relation_sentence
from service.catalogue.snapshot import Catalogue
from service.messages import joined, reader_message
from service.types import Citation, Claim, Draft, Evidence, Verdict
from service.verification.methods import METADATA

MAX_LISTED = 10  # documents in a list, and works that one field names


@dataclass(frozen=True, slots=True)
class CatalogueReply:
    """A reply from the catalogue.

    Attributes:
        claims: What is known, each a sentence with metadata citations.
        evidence: The first passages of the cited sources, labelled from 1.
        reason: What is not known, or how many documents there are; empty if there is neither.
    """

    claims: tuple[Claim, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    reason: str = ""

    @property
    def decided(self) -> tuple[tuple[Draft, Claim], ...]:
        """The claims with the drafts that they stand for, as an answer's state records them."""
        return tuple((Draft(claim.text, claim.labels), claim) for claim in self.claims)


def describe(
    store: Store,
    catalogue: Catalogue,
    named: Sequence[Source],
    fields: Sequence[Field],
    language: str,
    containing: Sequence[str] = (),
) -> CatalogueReply:
    """State fields of some sources, and say which of them are not known.

    Args:
        store: The store.
        catalogue: The library's sources, among which citing and cited ones are found.
        named: The sources that the question names. Where it asks what one cites, the others that
            it names are those that it asks about: "Does ALCE cite ReAct?".
        fields: The fields that it asks for.
        language: ``en`` or ``ja``, the language of the question.
        containing: Words that an entry of a list of references must have: "Does ALCE cite BERT?".
    """
    wanted = [source for source in named if source.id in catalogue.first]
    related = {"references", "cited_by"}.intersection(fields) and len(wanted) > 1
    about, asked = (wanted[:1], wanted[1:]) if related else (wanted, [])
    read = [
        _limited(read_field(store, catalogue.sources, source, field), asked, containing)
        for source in about
        for field in fields
    ]
    shown = [*wanted, *(source for value in read for source in value.related[:MAX_LISTED])]
    evidence = catalogue.cards(shown)
    claims = [claim for value in read for claim in _claims(value, evidence, language)]
    reasons = [
        _unknown(value, wanted, asked, evidence, language) for value in read if not value.known
    ]
    counts = [len(value.related) or len(value.entries) for value in read]
    reasons += [
        reader_message("listed_some", language, MAX_LISTED, count)
        for count in counts
        if count > MAX_LISTED
    ]
    return CatalogueReply(tuple(claims), evidence, joined(reasons, language))


def list_works(
    catalogue: Catalogue, request: ListingRequest, language: str, search: Search
) -> CatalogueReply:
    """List the documents of a library, or those on a topic: ten at most, and how many there are.

    Args:
        catalogue: The sources that may be listed.
        request: The topic, and whether the newest come first.
        language: ``en`` or ``ja``, the language of the question.
        search: Finds the passages that fit a text best, best first; it is called for a topic only.
    """
    sources = [source for source in catalogue.sources if source.id in catalogue.first]
    if not sources:
        return CatalogueReply(reason=reader_message("empty", language))
    if request.topic:
        works = documents_on(request.topic, sources, language, search)
    else:
        works = works_of(sources, language)
    if not works:
        topic = displayed(request.topic) or "…"
        return CatalogueReply(reason=reader_message("listed_none", language, topic))
    if request.newest or not request.topic:
        works = newest_first(works)
    evidence = catalogue.cards(works[:MAX_LISTED])
    claims = tuple(
        _claim(listed_sentence(card.source, language), _listed_citations(card)) for card in evidence
    )
    some = len(works) > len(claims)
    counts = (len(claims), len(works)) if some else (len(works),)
    reason = reader_message("listed_some" if some else "listed_all", language, *counts)
    return CatalogueReply(claims, evidence, reason)


def metadata_citation(card: Evidence, field: str, value: str) -> Citation:
    """Cite a field of the source that a piece of evidence shows, with its value."""
    passage = card.passage
    return Citation(
        card.label, passage.source_id, passage.id, value, 0, 0, card.source.url, metadata=field
    )


def _listed_citations(card: Evidence) -> tuple[Citation, ...]:
    cited = [metadata_citation(card, *catalogue_name(card.source))]
    for field in ("authors", "published"):
        if value := metadata_value(card.source, field):
            cited.append(metadata_citation(card, field, value))
    return tuple(cited)


def _claims(value: FieldValue, evidence: Sequence[Evidence], language: str) -> list[Claim]:
    """State what is known of a field: one claim, or one for each work that cites or is cited."""
    cards = {card.source.id: card for card in evidence}
    card, sources = cards[value.source.id], [e.source for e in evidence]
    if value.value:
        text = field_sentence(value.source, value.field, value.value, sources, language)
        return [_claim(text, (metadata_citation(card, value.field, value.value),))]
    claims = []
    for entry in value.entries[:MAX_LISTED]:
        text = field_sentence(value.source, ENTRY, entry, sources, language)
        claims.append(_claim(text, (metadata_citation(card, ENTRY, entry),)))
    for other in value.related[:MAX_LISTED]:
        if other.id not in cards:
            continue
        name = catalogue_name(other)
        cited = (
            metadata_citation(card, value.field, name[1]),
            metadata_citation(cards[other.id], *name),
        )
        text = relation_sentence(value.source, value.field, other, sources, language)
        claims.append(_claim(text, cited))
    return claims


def _claim(text: str, citations: tuple[Citation, ...]) -> Claim:
    works = len({citation.source_id for citation in citations})
    return Claim(text, 0, 0, citations, Verdict("supported", 1.0, METADATA), works=works)


def _limited(value: FieldValue, asked: Sequence[Source], containing: Sequence[str]) -> FieldValue:
    """Keep, of the works and entries that a value has, those that the question asks about.

    Args:
        value: The value of a field.
        asked: The works that it asks about; empty for all.
        containing: Words that an entry must have.
    """
    entries = () if asked else value.entries
    entries = tuple(e for e in entries if all(w.casefold() in e.casefold() for w in containing))
    works = {source.work_key for source in asked}
    kept = tuple(other for other in value.related if not works or other.work_key in works)
    return replace(value, related=kept, entries=entries)


def _unknown(
    value: FieldValue,
    named: Sequence[Source],
    asked: Sequence[Source],
    evidence: Sequence[Evidence],
    language: str,
) -> str:
    """Say that a field is not known, and where it was looked for."""
    if asked and value.field in ("references", "cited_by"):
        pair = [subject(value.source, named, language), subject(asked[0], named, language)]
        if value.field == "cited_by":
            pair.reverse()
        return reader_message("unknown_relation", language, *pair)
    first = next(e.passage for e in evidence if e.source.id == value.source.id)
    place = reader_message("in_file" if first.page is None else "on_first_page", language)
    name = subject(value.source, named, language)
    return reader_message(f"unknown_{value.field}", language, name, place)
