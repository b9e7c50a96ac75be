"""Why a question is not answered, in a sentence for the reader. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from corpus.sentences import sentence_spans
from corpus.types import Unread
from index.tokens import tokens
from service import rules
from service.citing import cite
from service.numbers import is_year, mentioned
from service.question import language_of
from service.relevance import within_reach
from service.types import Abstention, Citation, Evidence
from service.wording import listed, say
from service.words import covered

CLOSEST_SHOWN = 3  # titles named
UNREAD_SHOWN = 3
_KINDS = ("number", "unit", "name")


@dataclass(frozen=True, slots=True)
class Premise:
    """Something that a question takes for granted, and the quote that says otherwise."""

    supposed: str
    stated: str
    citation: Citation


def false_premise(question: str, evidence: Sequence[Evidence]) -> Premise | None:
    """The number or name in the question for which the sources have another one.

    Only where a sentence says nearly the same as the question, and nothing in the evidence
    has what the question has: "the 100 languages of X" against "X covers 96 languages".
    """
    everything = " ".join(f"{e.source.title} {e.passage.text}" for e in evidence)
    numbers, folded = mentioned(everything), everything.casefold()
    for e in evidence:
        for start, end in sentence_spans(e.passage.text):
            sentence = e.passage.text[start:end]
            if covered(question, sentence) < rules.NEAR_COPY:
                continue
            for found in rules.findings(question, sentence, everything):
                if found.kind not in _KINDS or not found.contradicts:
                    continue
                if found.kind == "number" and not _differs(found, numbers, folded):
                    continue
                if found.kind == "name" and found.claimed.casefold() in folded:
                    continue
                return Premise(found.claimed, found.found, cite(e, start, end))
    return None


def explain(
    question: str,
    evidence: Sequence[Evidence],
    premise: Premise | None,
    unread: Sequence[Unread],
    language: str = "",
    empty: bool = False,
) -> tuple[Abstention | None, str]:
    """The kind of reason, None where there is nothing to look in, and the reason itself.

    It names what came nearest, and which of the works that it comes from could not be read.
    ``language`` is the reader's; "": the question's. ``empty``: the library has no source at all.
    """
    language = language or language_of(question)
    if premise is not None:
        quote = " ".join(premise.citation.quote.split())
        values = (premise.supposed, premise.stated, quote)
        return "false_premise", say("false_premise", language, *values)
    if not evidence:
        return None, say("empty" if empty else "no_sources", language)
    near = evidence[:CLOSEST_SHOWN]
    kind: Abstention = "not_enough_evidence" if within_reach(evidence) else "outside_library"
    titles = tuple(dict.fromkeys(e.source.title or e.source.url for e in near))
    reason = say(kind, language, listed(titles, language))
    places = {e.source.url for e in near}
    missing = [u for u in unread if u.place in places or _may_be_about(question, u)]
    if missing:
        shown = missing[:UNREAD_SHOWN]
        names = listed([_name(u) for u in shown], language, [u.reason for u in shown])
        reason += say("unread", language, names)
    return kind, reason


def _may_be_about(question: str, unread: Unread) -> bool:
    """Whether what could not be read shares a word with the question, or has no title to tell."""
    return not unread.title or bool(set(tokens(question)) & set(tokens(unread.title)))


def _name(unread: Unread) -> str:
    """What a reader may see of it: not where on this machine a file lies."""
    return unread.title or (unread.place if "://" in unread.place else Path(unread.place).name)


def _differs(found: rules.Finding, numbers: Collection[float], folded: str) -> bool:
    """Whether nothing says the number of a question, and it is one of the kind of the other."""
    claimed, stated = _value(found.claimed), _value(found.found)
    if claimed is None or stated is None:  # such as 第二, a rank
        return found.claimed.casefold() not in folded
    return claimed not in numbers and is_year(claimed) == is_year(stated)


def _value(number: str) -> float | None:
    try:
        return float(number.replace(",", "").split(" ")[0])
    except ValueError:
        return None
