"""Scores of answers to the questions of tests/data/strong: what was shown of what was written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from service.types import Answer, Citation, Claim, Rejected, Source
from tests.support.strong.collection import source_name
from tests.support.strong.model import Line
from tests.support.strong.prompts import squeezed
from tests.support.strong.rows import Fact, Question, Quote, Sentence

Spans = Mapping[str, Sequence[tuple[int, int]]]  # of the texts of sources, by their names


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a sentence that was written.

    Attributes:
        run: ``true``, ``twins`` or ``lies``.
        question: Id of its question.
        place: Where it stood in the draft, from 0.
        kind: ``true``, or the kind of error.
        pair: The languages of question and evidence.
        collection: What it was asked of.
        text: Its words.
        shown: Whether the reader gets it.
        label: The label of its verdict; empty if there is none.
        method: What decided.
        reason: What the reader is told.
        in_evidence: Whether all quotes that a true sentence needs stand in the evidence.
        quotes: The quotes that are cited.
        clauses: How many true clauses are before a lie; 0 in other sentences.
    """

    run: str
    question: str
    place: int
    kind: str
    pair: str
    collection: str
    text: str
    shown: bool
    label: str
    method: str
    reason: str
    in_evidence: bool | None
    quotes: tuple[str, ...] = ()
    clauses: int = 0


@dataclass(frozen=True, slots=True)
class FactOutcome:
    """Whether a needed fact reaches the reader, and by what.

    ``by`` is ``sentence``, ``quote`` (shown as a claim of its own), ``citation`` (it only stands
    in the quotes that are cited by what is shown, which does not count) or empty.
    """

    question: str
    fact: str
    pair: str
    collection: str
    by: str

    @property
    def reached(self) -> bool:
        """Whether the reader gets the fact in the answer itself."""
        return self.by in ("sentence", "quote")


def decided(text: str, answer: Answer, true: str = "") -> list[Claim | Rejected]:
    """Return what an answer has of a sentence: it, or the parts that a parser made of it.

    Args:
        text: The sentence.
        answer: The answer.
        true: Its true counterpart; parts that this has too are left out.
    """
    words, also = squeezed(text), squeezed(true)
    found: list[Claim | Rejected] = []
    for each in (*answer.claims, *answer.rejected):
        part = squeezed(each.text)
        if part == words:
            return [each]
        if part and part in words and part not in also:
            found.append(each)
    return found


def is_shown(text: str, parts: Sequence[Claim | Rejected], true: bool) -> bool:
    """Return whether a sentence is shown: all parts of a true one, any of a false one."""
    shown = [isinstance(part, Claim) for part in parts]
    if not true:
        return any(shown)
    whole = sum(len(squeezed(part.text)) for part in parts) >= len(squeezed(text))
    return whole and all(shown)


def passages(answer: Answer) -> Spans:
    """Return where the passages of an answer's evidence stand."""
    found = defaultdict(list)
    for each in answer.evidence:
        found[source_name(each.source)].append((each.passage.start, each.passage.end))
    return found


def cited(citations: Iterable[Citation], sources: Iterable[Source]) -> Spans:
    """Return where cited quotes stand."""
    names = {source.id: source_name(source) for source in sources}
    found = defaultdict(list)
    for each in citations:
        found[names[each.source_id]].append((each.start, each.end))
    return found


def covers(spans: Spans, quotes: Iterable[Quote], words: Mapping[Quote, str]) -> bool:
    """Return whether all of some quotes stand in spans, but for white space between these."""
    return all(_covers(spans.get(quote.source, ()), quote, words[quote]) for quote in quotes)


def _covers(spans: Sequence[tuple[int, int]], quote: Quote, words: str) -> bool:
    return all(
        char.isspace() or any(start <= at < end for start, end in spans)
        for at, char in enumerate(words, quote.start)
    )


def has_evidence(sentence: Sentence, answer: Answer, words: Mapping[Quote, str]) -> bool:
    """Return whether all quotes of a true sentence, its judge's or its writer's, are evidence."""
    found = passages(answer)
    return any(covers(found, basis, words) for basis in (sentence.judge.quotes, sentence.quotes))


def facts(
    question: Question, draft: Sequence[Line], answer: Answer, words: Mapping[Quote, str]
) -> Iterator[FactOutcome]:
    """Yield what became of each needed fact in the answer that was made of a true draft."""
    written = {squeezed(line.text) for line in draft}
    sources = [each.source for each in answer.evidence]
    quoting = [claim for claim in answer.claims if _is_quote(claim, written)]
    quoted = cited(
        (c for claim in quoting for c in claim.citations if c.quote == claim.text), sources
    )
    beside = cited((c for claim in answer.claims for c in claim.citations), sources)
    shown = {
        n
        for n, line in enumerate(draft)
        if is_shown(line.text, decided(line.text, answer), true=True)
    }
    for fact in question.needs:
        by = _by(fact, shown, quoted, beside, words)
        yield FactOutcome(question.id, fact.fact, question.pair, question.collection, by)


def _is_quote(claim: Claim, written: set[str]) -> bool:
    """Whether a claim is a quote that stands in the answer as it is, and no drafted sentence."""
    verbatim = any(citation.quote == claim.text for citation in claim.citations)
    return verbatim and squeezed(claim.text) not in written


def _by(
    fact: Fact, shown: set[int], quoted: Spans, beside: Spans, words: Mapping[Quote, str]
) -> str:
    if shown & set(fact.sentences):
        return "sentence"
    if any(covers(quoted, alternative, words) for alternative in fact.alternatives):
        return "quote"
    if any(covers(beside, alternative, words) for alternative in fact.alternatives):
        return "citation"
    return ""


def outcome(
    run: str,
    question: Question,
    place: int,
    kind: str,
    text: str,
    answer: Answer,
    *,
    true: str = "",
    in_evidence: bool | None = None,
    clauses: int = 0,
) -> Outcome:
    """Return what became of a sentence; ``true`` is the counterpart of a false twin."""
    parts = decided(text, answer, true)
    shown = is_shown(text, parts, kind == "true")
    # Of several parts, the one that decided: that which is withheld, or else is shown.
    telling = sorted(parts, key=lambda part: isinstance(part, Claim) != shown)
    label, method, reason, quotes = "", "", "", ()
    if telling:
        label, method = telling[0].verdict.label, telling[0].verdict.method
        reason = telling[0].reason
        quotes = tuple(citation.quote for citation in telling[0].citations)
    return Outcome(
        run, question.id, place, kind, question.pair, question.collection, text, shown,
        label or ("not decided" if answer.claims or answer.rejected else "not asked"),
        method, reason, in_evidence, quotes, clauses,
    )  # fmt: skip
