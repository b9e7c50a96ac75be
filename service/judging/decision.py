"""From a judgement to a claim: citations by number, and where a rule overrules the judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from service.judging.types import Judgement, NumberedEvidence, NumberedSentence
from service.messages import reader_message
from service.query import language_of
from service.text.numerals import mentioned
from service.types import Claim, Draft, Support, Verdict
from service.verification.candidate_quotes import CandidateQuote
from service.verification.checkworthiness import why_no_claim
from service.verification.citation_selection import cite_quote, cited_sources
from service.verification.methods import JUDGED, OVERRULED
from service.verification.provenance import Originals
from service.verification.rules import registry
from service.verification.rules.finding import Finding

MAX_QUOTES = 6  # of one claim; a reader can hardly compare more


def decide(
    draft: Draft,
    judgement: Judgement,
    evidence: NumberedEvidence,
    originals: Originals,
    judge: str,
) -> Claim:
    """Return the claim that a judged sentence makes, with its verdict and its citations.

    A sentence that states nothing is ``unsupported``, whatever the judge says, and so is one that
    it supports by no evidence, by evidence that does not exist, or but for some words. One that
    needs more quotes than are cited is ``partial``: a reader could not check it. One that has
    another number or name than the very quotes that the judge names is ``contradicted``. But
    nothing is called ``contradicted`` of which some evidence was left out.

    Args:
        draft: The sentence, with what it cites.
        judgement: What the judge says of it.
        evidence: The evidence by whose numbers it says so.
        originals: Which sources only report on others, which are cited before them.
        judge: Name of the judge, for the verdict's ``method``.
    """
    language = language_of(draft.text)
    if why := why_no_claim(draft.text, draft.question):
        reason = reader_message(why, language)
        return _claim(draft, (), Verdict("unsupported", 1.0, "rules"), reason)
    if not all(1 <= number <= len(evidence.sentences) for number in judgement.numbers):
        judgement = Judgement("unsupported", answers=judgement.answers)
    quotes = _quotes(draft, judgement, evidence, originals)
    method = f"{JUDGED}{judge}"
    conflict = None
    if judgement.ruling == "supported" and quotes and not judgement.unsupported:
        named = [evidence.sentences[number - 1] for number in judgement.numbers]
        conflict = _exact_conflict(draft.text, [quote.text for quote in quotes], named, evidence)
        if conflict:
            method += OVERRULED
        elif len(quotes) <= MAX_QUOTES:
            return _supported(draft, quotes, originals, method)
        else:
            judgement = replace(judgement, ruling="unsupported")
    label, reason = _why_withheld(draft, judgement, quotes, conflict, bool(evidence.left_out))
    return _claim(draft, quotes, Verdict(label, 1.0, method), reason)


def _supported(
    draft: Draft, quotes: Sequence[CandidateQuote], originals: Originals, method: str
) -> Claim:
    claim = _claim(draft, quotes, Verdict("supported", 1.0, method), "")
    cited = cited_sources(claim.citations, [quote.evidence for quote in quotes])
    return replace(
        claim,
        secondary=originals.secondary(source.id for source in cited),
        works=originals.independent(cited),
    )


def _why_withheld(
    draft: Draft,
    judgement: Judgement,
    quotes: Sequence[CandidateQuote],
    conflict: Finding | None,
    incomplete: bool,
) -> tuple[Support, str]:
    """Return the label of a sentence that is not supported, and the reason for the reader."""
    language = language_of(draft.text)
    if conflict and not incomplete:
        return "contradicted", reader_message(
            "otherwise", language, conflict.claimed, conflict.found
        )
    if conflict:
        return "unsupported", reader_message("missing_words", language, conflict.claimed)
    if judgement.ruling == "contradicted" and quotes and not incomplete:
        return "contradicted", reader_message("contradicted", language, quotes[0].text)
    part = judgement.ruling == "unsupported" and quotes
    label: Support = "partial" if part else "unsupported"
    if words := _words_of(draft.text, judgement.unsupported):
        return label, reader_message("missing_words", language, words)
    return label, reader_message(label, language)


def _quotes(
    draft: Draft, judgement: Judgement, evidence: NumberedEvidence, originals: Originals
) -> list[CandidateQuote]:
    """The quotes that a judge names by number, adjacent sentences as one, best to cite first.

    A work goes before what reports on it, then a passage that the draft cites before others.
    """
    named = sorted(set(judgement.numbers))
    found: list[CandidateQuote] = []
    for sentence in (evidence.sentences[number - 1] for number in named):
        if found and _adjacent(found[-1], sentence):
            found[-1] = replace(found[-1], end=sentence.end)
        else:
            found.append(CandidateQuote(sentence.evidence, sentence.start, sentence.end))
    found.sort(
        key=lambda quote: (
            originals.reports(quote.evidence.source),
            quote.evidence.label not in draft.labels,
        )
    )
    return found


def _adjacent(quote: CandidateQuote, sentence: NumberedSentence) -> bool:
    between = quote.evidence.passage.text[quote.end : sentence.start]
    return quote.evidence is sentence.evidence and not between.strip()


def _exact_conflict(
    text: str,
    quotes: Sequence[str],
    named: Sequence[NumberedSentence],
    evidence: NumberedEvidence,
) -> Finding | None:
    """Find a number or name that a sentence has in place of that of its quotes.

    Several quotes may be too long together for the sentence to be a near copy of them, and so may
    several sentences of one. So each quote, and each named sentence of it, is also compared alone,
    and what it has otherwise counts if no other quote has the sentence's. A named sentence is also
    compared behind the one before it, which may have its subject: "The room opened. It holds …".
    """
    together = " ".join(quotes)
    if conflict := registry.exact_conflict(text, together):
        return conflict
    for quote in dict.fromkeys((*quotes, *(sentence.text for sentence in named))):
        conflict = registry.exact_conflict(text, quote)
        if conflict and not _has(together, conflict.claimed):
            return conflict
    for sentence in named:
        conflict = registry.exact_conflict(text, _behind_previous(sentence, evidence))
        if (
            conflict
            and _has(sentence.text, conflict.found)
            and not _has(together, conflict.claimed)
        ):
            return conflict
    return None


def _behind_previous(sentence: NumberedSentence, evidence: NumberedEvidence) -> str:
    """The words of a sentence behind those of the one before it in its passage."""
    before = evidence.sentences[sentence.number - 2] if sentence.number > 1 else None
    if before is None or before.evidence is not sentence.evidence:
        return sentence.text
    return f"{before.text} {sentence.text}"


def _has(text: str, claimed: str) -> bool:
    numbers = mentioned(claimed)
    return bool(numbers & mentioned(text)) if numbers else claimed.casefold() in text.casefold()


def _words_of(text: str, words: Sequence[str]) -> str:
    """Those of some words that stand in a text, as one; a judge may have made them up."""
    return " … ".join(dict.fromkeys(w.strip() for w in words if w.strip() and w.strip() in text))


def _claim(draft: Draft, quotes: Sequence[CandidateQuote], verdict: Verdict, reason: str) -> Claim:
    citations = tuple(map(cite_quote, quotes[:MAX_QUOTES]))
    return Claim(draft.text, 0, len(draft.text), citations, verdict, reason=reason)
