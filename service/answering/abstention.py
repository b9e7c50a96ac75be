"""Abstention: decides and explains, in two sentences, why a question is not answered.

A question with an identifier that no source has is not answered, however close the evidence:
passages about PPR-9088 read like an answer about PPR-9099.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from corpus.errors import NotFound
from corpus.store.store import Store
from corpus.text.sentences import sentence_spans
from corpus.types import Source, Unread
from index.lexical.tokenizer import is_japanese
from service.answering.reranking import within_reach
from service.disclosure import is_local, name_of, without_paths
from service.messages import list_titles, reader_message
from service.questions.premise_check import PremiseFinding
from service.scope import EVERYWHERE, Scope
from service.text import identifiers
from service.text.alignment import coverage_share
from service.text.numerals import is_year, mentioned
from service.types import Abstention, Citation, Evidence
from service.verification.citation_selection import make_citation
from service.verification.rules import registry
from service.verification.rules.finding import Finding

CLOSEST_SHOWN = 3  # titles of the nearest sources that are named
_KINDS = ("number", "unit", "name")


@dataclass(frozen=True, slots=True)
class FalsePremise:
    """Something that a question takes for granted, and the quote that contradicts it."""

    supposed: str
    stated: str
    citation: Citation


def false_premise(question: str, evidence: Sequence[Evidence]) -> FalsePremise | None:
    """Find a number or name in the question for which the sources have another one.

    Only where a sentence says nearly the same as the question, and nothing in the evidence
    has what the question has: "the 100 languages of X" against "X covers 96 languages".
    """
    everything = " ".join(f"{e.source.title} {e.passage.text}" for e in evidence)
    numbers, folded = mentioned(everything), everything.casefold()
    codes = {part for code in identifiers.identifiers(question) for part in code.parts}
    for e in evidence:
        for start, end in sentence_spans(e.passage.text):
            sentence = e.passage.text[start:end]
            if coverage_share(question, sentence) < registry.NEAR_COPY:
                continue
            for found in registry.findings(question, sentence, everything):
                if found.kind not in _KINDS or not found.contradicts:
                    continue
                if found.claimed.replace(",", "").casefold() in codes:  # no number, nor a name
                    continue
                if found.kind == "number" and not _differs(found, numbers, folded):
                    continue
                if found.kind == "name" and found.claimed.casefold() in folded:
                    continue
                return FalsePremise(found.claimed, found.found, make_citation(e, start, end))
    return None


def unnamed(question: str, evidence: Sequence[Evidence], store: Store) -> tuple[str, ...]:
    """Return the identifiers of a question that neither its evidence nor its sources have."""
    if not identifiers.identifiers(question):
        return ()
    sources = {e.source.id: e.source for e in evidence}
    known = [f"{e.passage.heading}\n{e.passage.text}" for e in evidence]
    missing = identifiers.unnamed(question, known + list(map(_described, sources.values())))
    if not missing:
        return ()
    wholes = [_text(store, source_id) for source_id in sources]
    still = identifiers.unnamed(question, known + wholes)
    return tuple(each for each in missing if each in still)


def unmentioned(
    things: Sequence[str], evidence: Sequence[Evidence], store: Store
) -> tuple[str, ...]:
    """Return the things whose names neither the evidence nor its sources have.

    Only names count, that is words with capitals or digits: a source may use other words for
    other things.
    """
    if not evidence or (
        is_japanese(evidence[0].passage.text) and not any(map(is_japanese, things))
    ):
        return ()  # in Japanese a name may be written otherwise
    names = {thing: re.findall(r"[^\W_]*[A-Z0-9][^\W_]*", thing) for thing in things}
    if not any(names.values()):
        return ()
    sources = {e.source.id: e.source for e in evidence}
    known = "\n".join((*map(_described, sources.values()), *(_text(store, s) for s in sources)))
    folded = known.casefold()
    return tuple(
        thing
        for thing, words in names.items()
        if words and not any(word.casefold() in folded for word in words)
    )


def _text(store: Store, source_id: str) -> str:
    try:
        return store.document(source_id).text
    except NotFound:  # it was removed meanwhile
        return ""


def _described(source: Source) -> str:
    """Return what is known of a source besides its text, but for the place of a local file."""
    place = "" if is_local(source.url) else source.url
    return "\n".join((source.title, *source.authors, source.venue, source.licence, place))


def explain_abstention(
    evidence: Sequence[Evidence],
    premise: FalsePremise | PremiseFinding | None,
    unread: Sequence[Unread],
    language: str,
    *,
    empty: bool = False,
    unnamed: Sequence[str] = (),
    scope: Scope = EVERYWHERE,
) -> tuple[Abstention | None, str]:
    """Return the kind of an abstention and its reason.

    Args:
        evidence: The evidence, best first.
        premise: What is wrong with what the question takes for granted.
        unread: What could not be read for the library.
        language: ``en`` or ``ja``, the language of the reason.
        empty: Whether the library has no source at all.
        unnamed: Identifiers of the question that no evidence has.
        scope: Where the reader asked.

    Returns:
        The kind, None without evidence; and two sentences for the reader: what came nearest, and
        what would help, such as the original of a work that came near and could not be read.
    """
    if premise is not None:
        return "false_premise", _explain_premise(premise, language)
    if not evidence:
        return None, reader_message("empty" if empty else "no_sources", language)
    near = evidence[:CLOSEST_SHOWN]
    kind: Abstention = "not_enough_evidence" if within_reach(evidence) else "outside_library"
    titles = list_titles(tuple(dict.fromkeys(name_of(e.source) for e in near)), language)
    if unnamed:
        nearest = reader_message("unnamed", language, list_titles(unnamed, language), titles)
        return kind, nearest + reader_message("help_unnamed", language)
    failed = {u.place: u for u in unread}
    missing = {name_of(e.source): failed[e.source.url] for e in near if e.source.url in failed}
    if missing:
        why = [without_paths(u.reason, u.place) for u in missing.values()]
        helps = reader_message("help_unread", language, list_titles(tuple(missing), language, why))
    else:
        helps = reader_message(f"help_{kind}", language)
    if kind == "outside_library" and scope.chosen:
        nearest = reader_message(f"outside_{scope.chosen}", language, titles)
        return kind, nearest + reader_message("help_outside_scope", language)
    return kind, reader_message(kind, language, titles) + helps


def _explain_premise(premise: FalsePremise | PremiseFinding, language: str) -> str:
    quote = " ".join(premise.citation.quote.split()) if premise.citation else ""
    if isinstance(premise, FalsePremise):
        values = (premise.supposed, premise.stated, quote)
        return reader_message("false_premise", language, *values)
    if quote:
        return reader_message("premise_contradicted", language, premise.statement, quote)
    return reader_message("premise_unsaid", language, premise.statement)


def _differs(found: Finding, numbers: Collection[float], folded: str) -> bool:
    """Return whether no source has a question's number, and the source's is comparable to it.

    A year is comparable to a year only.
    """
    claimed, stated = _value(found.claimed), _value(found.found)
    if claimed is None or stated is None:  # such as 第二, a rank
        return found.claimed.casefold() not in folded
    return claimed not in numbers and is_year(claimed) == is_year(stated)


def _value(number: str) -> float | None:
    try:
        return float(number.replace(",", "").split(" ")[0])
    except ValueError:
        return None
