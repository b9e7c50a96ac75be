"""Re-checks claims that rest on the catalogue: whether the metadata is what they say it is.

Authors, date, venue, title and licence are in the receipt, with the sources of its evidence. What
of these only a text states, the number of pages, and a citation that was found in a text, can be
checked only against the library.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from corpus.errors import NotFound
from corpus.store.store import Store
from corpus.types import Source
from service.catalogue.fields import (
    ENTRY,
    cites,
    count_pages,
    metadata_value,
    reference_entries,
    stated,
)
from service.catalogue.names import catalogue_name
from service.catalogue.sentences import metadata_sentences
from service.catalogue.stated_fields import STATED
from service.receipts.checks import Check, shorten
from service.types import Citation, Claim, Draft, Evidence, Rejected, Verdict
from service.verification.methods import METADATA
from service.verification.receipt import Receipt

OTHER_WORDS = "its words are not those in which its fields are stated"
_RELATIONS = ("references", "cited_by")
_FOUND = Verdict("supported", 1.0, METADATA)


def stands(citation: Citation, evidence: Sequence[Evidence]) -> bool:
    """Return whether a metadata citation is what its source gives, as far as a receipt shows.

    Args:
        citation: The citation, with a label of the evidence.
        evidence: All evidence of the receipt.
    """
    shown = evidence[citation.label - 1]
    passage, source = shown.passage, shown.source
    bare = Citation(
        shown.label,
        source.id,
        passage.id,
        citation.quote,
        0,
        0,
        source.url,
        metadata=citation.metadata,
    )
    if citation != bare or not citation.quote:
        return False
    if citation.metadata == "pages":
        return citation.quote.isascii() and citation.quote.isdigit()
    if citation.metadata == ENTRY:
        return True  # as far as a receipt shows: the list is in no passage
    if citation.metadata in _RELATIONS:
        return _other(citation, evidence) is not None
    return _stated(citation, source) or citation.quote == metadata_value(source, citation.metadata)


def _stated(citation: Citation, source: Source) -> bool:
    """Return whether a citation is of a field for which the source itself has nothing."""
    return citation.metadata in STATED and not metadata_value(source, citation.metadata)


def unchecked(name: str, citations: Sequence[Citation], evidence: Sequence[Evidence]) -> Check:
    """Return the check of citations that stand, which says what only a library can show."""
    missing = [c.metadata for c in citations if not _shown(c, evidence)]
    if missing:
        return Check(name, "note", f"only the library can show its {', '.join(missing)}")
    return Check(name, "ok", f"{len(citations)} as the metadata of its sources has them")


def fault(item: Claim | Rejected, draft: Draft, evidence: Sequence[Evidence], language: str) -> str:
    """Say why a claim cannot rest on the catalogue alone; empty if it can.

    Args:
        item: The claim.
        draft: The draft that it was made from.
        evidence: All evidence of the receipt.
        language: The language of the question, in which the claim is.
    """
    plain = isinstance(item, Claim) and not (item.secondary or item.disputed_by or item.reason)
    if not plain or item.verdict != _FOUND or not all(c.metadata for c in item.citations):
        return "it mixes the catalogue with something else"
    if draft != Draft(item.text, tuple(dict.fromkeys(c.label for c in item.citations))):
        return "it was not written from the catalogue"
    if isinstance(item, Claim) and item.works != len({c.source_id for c in item.citations}):
        return f"it does not rest on {item.works} works"
    stated = metadata_sentences(item.citations, evidence, language)
    return "" if item.text in stated else OTHER_WORDS


def against_library(receipt: Receipt, store: Store) -> Iterator[Check]:
    """Yield what a library has otherwise: failures, or notes where a source has changed since."""
    for n, claim in enumerate(receipt.claims, 1):
        for citation in claim.citations:
            if not citation.metadata:
                continue
            then = receipt.evidence[citation.label - 1].source
            try:
                now = store.source(then.id)
            except NotFound:
                continue  # which the check of its passage says
            if _holds(citation, now, receipt.evidence, store):
                continue
            told = f"the {citation.metadata} “{shorten(citation.quote)}”"
            if now.version == then.version:
                yield Check(f"catalogue of claim {n}", "failed", f"{told} is not so here")
            else:
                yield Check(f"catalogue of claim {n}", "note", f"{told} is another now")


def _holds(citation: Citation, source: Source, evidence: Sequence[Evidence], store: Store) -> bool:
    if citation.metadata == "pages":
        return citation.quote == count_pages(store, source.id)
    if citation.metadata == ENTRY:
        return citation.quote in reference_entries(store, source.id)
    if citation.metadata in _RELATIONS:
        other = _other(citation, evidence)
        if other is None:
            return False
        try:
            now = store.source(other.id)
        except NotFound:
            return True
        pair = (source, now) if citation.metadata == "references" else (now, source)
        return cites(store, *pair)
    known = metadata_value(source, citation.metadata) or stated(store, source, citation.metadata)
    return citation.quote == known


def _other(citation: Citation, evidence: Sequence[Evidence]) -> Source | None:
    """Return the source at the other end of a citation between two of the evidence's."""
    others = [e.source for e in evidence if e.source.id != citation.source_id]
    return next((s for s in others if catalogue_name(s)[1] == citation.quote), None)


def _shown(citation: Citation, evidence: Sequence[Evidence]) -> bool:
    """Return whether the receipt itself shows what a citation says."""
    source = evidence[citation.label - 1].source
    if citation.metadata in ("pages", ENTRY) or _stated(citation, source):
        return False
    other = _other(citation, evidence)
    if citation.metadata not in _RELATIONS or other is None:
        return True
    citing, cited = (source, other) if citation.metadata == "references" else (other, source)
    return citing.id in cited.cited_by
