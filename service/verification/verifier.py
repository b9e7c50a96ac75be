"""The verifier: decides whether evidence supports a sentence, and which quotes decide it.

The checker reads the sentence, and each of its clauses, beside the likeliest quotes, in either
language. Rules (``service.verification.rules.registry``) compare what both texts say in so many
words. ``service.verification.calibration`` makes one probability of all that. A rule decides alone
only where claim and quote conflict exactly: a near copy with another number, unit or name.

Checking every sentence of the evidence would take a second, so the checker reads at most four
candidate quotes for a sentence, and three for each of several clauses. Before those, it reads the
likeliest quote of each cited passage, and no further one where each supports the claim with a
probability of at least CLEAR. All four are read where the cited source only reports on a work,
where a rule speaks against the first, and across languages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from corpus.text.sentences import sentences
from index.inference.cross_encoder import Checker
from index.inference.embedder import Embedder
from service.messages import reader_message
from service.query import language_of
from service.types import Citation, Claim, Draft, Evidence, Support, Verdict
from service.verification.bare_answers import answering_quotes, with_question
from service.verification.candidate_quotes import (
    CandidateQuote,
    CandidateQuoteFinder,
    sentence_pairs,
    single_sentences,
)
from service.verification.checkworthiness import is_bare_answer, why_no_claim
from service.verification.citation_selection import (
    MAX_CITATIONS,
    PARTIAL,
    QuoteAssessment,
    cite_quote,
    cited_sources,
    disputing_citations,
    find_verbatim,
    make_citation,
    supporting_quotes,
)
from service.verification.claim_reading import ClaimReader, ClaimReading
from service.verification.counterevidence import (
    CounterQuote,
    find_counter_quotes,
    nearest_counter_quote,
    overruling_quote,
)
from service.verification.provenance import Originals
from service.verification.rules.finding import Finding

# Raised on purpose, with every change after which the same sentence and evidence may get another
# verdict, quote or reason from the same checker and embedder: in the rules, their calibration or
# wording, or how sentences are split. Receipts carry it; tests/support/golden.py notices changes.
VERIFIER_VERSION = 4

CLEAR = 0.8  # probability from which the quotes of cited passages are enough: see above
COPIES = 0.75  # share of a sentence's words in a quote, from which it copies the quote


class Verifier:
    """Checks sentences against evidence: ``check`` is a plain function of its arguments."""

    def __init__(self, checker: Checker, embedder: Embedder) -> None:
        self.checker, self.embedder = checker, embedder
        self._nearest = CandidateQuoteFinder(embedder)
        self._reader = ClaimReader(checker, self._nearest)
        self._method = f"rules + {checker.name}"

    def check(
        self, draft: Draft, evidence: Sequence[Evidence], originals: Originals | None = None
    ) -> Claim:
        """Return the claim that a sentence makes, its verdict, and the citations that decide it.

        A sentence that states nothing is ``unsupported``, and cites nothing, whatever it is near.
        ``supported``: the citations support the claim, each by itself, or together where it joins
        facts that stand apart. One that the draft made stays if a quote of its passage supports the
        claim, and goes if none does; another passage whose quote does so better is cited before it.
        ``contradicted``: the citation has another number, unit or name. ``partial`` and
        ``unsupported``: what came nearest, the best quote of each clause. ``disputed_by`` are
        quotes that conflict with a supported claim; see ``disputing_citations``. ``originals``
        tells which sources only report on others; their works are cited first.

        The claim's ``start`` and ``end`` are 0 and its length: who assembles the answer knows
        where it stands.
        """
        originals = originals or Originals(e.source for e in evidence)
        if reason := why_no_claim(draft.text, draft.question):
            return _nothing(draft, reason)
        singles = [quote for e in evidence for quote in single_sentences(e)]
        if is_bare_answer(draft.text, draft.question):
            return self._check_bare(draft, singles, originals)
        others = find_counter_quotes(draft.text, singles)
        found = find_verbatim(draft, evidence)
        if found:
            found.sort(key=lambda f: originals.reports(f[0].source))
            citations = tuple(make_citation(*place) for place in found[:MAX_CITATIONS])
            verdict = Verdict("supported", 1.0, "verbatim")
            if len(quoted := sentences(draft.text)) > 1:
                others = [rival for each in quoted for rival in find_counter_quotes(each, singles)]
        else:
            reading = self._clear(draft, singles, others, originals)
            reading = reading or self._read(draft, singles, others)
            quotes, support = _supporting(reading, draft, originals)
            if not quotes:
                return self._withheld(draft, reading, singles)
            citations = tuple(map(cite_quote, quotes))
            verdict = Verdict("supported", round(support, 3), self._method)
        return _supported(draft, citations, verdict, singles, originals, others)

    def _check_bare(
        self, draft: Draft, singles: Sequence[CandidateQuote], originals: Originals
    ) -> Claim:
        """Check a name or number that answers its question only together with it."""
        quotes = answering_quotes(draft, singles, self.checker)
        reading = self._reader.read(with_question(draft), quotes, quotes, ())
        supporting, support = _supporting(reading, draft, originals)
        if not supporting:
            return self._withheld(draft, reading, quotes)
        verdict = Verdict("supported", round(support, 3), self._method)
        citations = tuple(map(cite_quote, supporting))
        return _supported(draft, citations, verdict, singles, originals)

    def read(self, draft: Draft, evidence: Sequence[Evidence]) -> ClaimReading:
        """Return what rules and checker say of a draft and the few quotes nearest to it."""
        singles = [quote for e in evidence for quote in single_sentences(e)]
        return self._read(draft, singles, find_counter_quotes(draft.text, singles))

    def _clear(
        self,
        draft: Draft,
        singles: Sequence[CandidateQuote],
        others: Sequence[CounterQuote],
        originals: Originals,
    ) -> ClaimReading | None:
        """Read the likeliest quote of each cited passage; None unless all clearly support it.

        Of less than 1 - MOVE_MARGIN, another passage could still go before it, if it supports the
        claim better by as much: that is not looked for.
        """
        quotes = self._nearest.first(draft, [*singles, *sentence_pairs(singles)])
        if not quotes:
            return None
        for quote in quotes:
            if originals.reports(quote.evidence.source):
                return None  # the work itself is cited before what reports on it
            if overruling_quote(draft.text, [quote], others) or quote.findings(draft.text):
                return None
        cited = [single for single in singles if single.evidence.label in draft.labels]
        reading = self._reader.read(draft, quotes, cited, others)
        clear = all(each.supports_claim and each.support >= CLEAR for each in reading.quotes)
        return reading if clear and not reading.too_long else None

    def _read(
        self, draft: Draft, singles: Sequence[CandidateQuote], others: Sequence[CounterQuote]
    ) -> ClaimReading:
        if not singles:
            return ClaimReading()
        quotes = self._nearest(draft, [*singles, *sentence_pairs(singles)])
        return self._reader.read(draft, quotes, singles, others)

    def _withheld(
        self, draft: Draft, reading: ClaimReading, singles: Sequence[CandidateQuote]
    ) -> Claim:
        """A claim that no quote supports, with the reason, and the quotes that came nearest."""
        language = language_of(draft.text)

        def claim(
            label: Support, score: float, quotes: Sequence[CandidateQuote], reason: str
        ) -> Claim:
            citations = tuple(map(cite_quote, quotes[:MAX_CITATIONS]))
            made = _claim(draft, citations, Verdict(label, round(score, 3), self._method))
            return replace(made, reason=reason)

        if reading.too_long:
            return claim("unsupported", 1.0, (), reader_message("too_long", language))
        if not reading.quotes:
            return claim("unsupported", 1.0, (), reader_message("not_mentioned", language))
        assessed = [*reading.quotes, *([reading.joined] if reading.joined else [])]
        best = max(reading.quotes, key=lambda each: (each.support, -len(each.findings)))
        rival = nearest_counter_quote(draft.text, singles)
        conflict = (rival.finding, [rival.window]) if rival else _conflict(best)
        if conflict:
            finding, quotes = conflict
            reason = reader_message("otherwise", language, finding.claimed, finding.found)
            return claim("contradicted", 1.0, quotes, reason)
        support = max(each.support for each in assessed)
        label: Support = "partial" if support >= PARTIAL else "unsupported"
        if best.findings:
            reason = reader_message("missing", language, best.findings[0].claimed)
        else:
            reason = reader_message(label, language)
        return claim(label, 1 - support, reading.parts or best.quotes, reason)


def _supporting(
    reading: ClaimReading, draft: Draft, originals: Originals
) -> tuple[Sequence[CandidateQuote], float]:
    """The quotes that support a sentence, and with what probability; none if none do.

    Where no quote does so by itself, those of its clauses may together.
    """
    quotes = reading.quotes if not _copy_fails(reading) else _in_its_language(reading)
    alone = supporting_quotes(quotes, draft.labels, originals)
    if alone:
        return [each.quotes[0] for each in alone], alone[0].support
    joined = reading.joined
    if joined and joined.supports_claim and len(joined.quotes) <= MAX_CITATIONS:
        return joined.quotes, joined.support
    return (), 0.0


def _copy_fails(reading: ClaimReading) -> bool:
    """Whether the sentence copies quotes of its language, of which none supports it even in part.

    A false sentence is most often a true one with one thing changed: the one that it copies is
    the one to ask, not what another language says, where the checker knows less.
    """
    copied = [q for q in _in_its_language(reading) if q.feature("covered") >= COPIES]
    return bool(copied) and all(quote.support < PARTIAL for quote in copied)


def _in_its_language(reading: ClaimReading) -> list[QuoteAssessment]:
    return [quote for quote in reading.quotes if not quote.feature("across")]


def _supported(
    draft: Draft,
    citations: tuple[Citation, ...],
    verdict: Verdict,
    singles: Sequence[CandidateQuote],
    originals: Originals,
    others: Sequence[CounterQuote] = (),
) -> Claim:
    """The claim that a sentence makes, with what its sources are to each other."""
    cited = cited_sources(citations, [single.evidence for single in singles])
    return replace(
        _claim(draft, citations, verdict),
        secondary=originals.secondary(source.id for source in cited),
        disputed_by=disputing_citations(others, citations, cited),
        works=originals.independent(cited),
    )


def _conflict(assessed: QuoteAssessment) -> tuple[Finding, Sequence[CandidateQuote]] | None:
    return (assessed.conflict, assessed.quotes) if assessed.conflict else None


def _claim(draft: Draft, citations: tuple[Citation, ...], verdict: Verdict) -> Claim:
    return Claim(draft.text, 0, len(draft.text), citations, verdict)


def _nothing(draft: Draft, reason: str) -> Claim:
    """The verdict on a sentence that states nothing."""
    claim = _claim(draft, (), Verdict("unsupported", 1.0, "rules"))
    return replace(claim, reason=reader_message(reason, language_of(draft.text)))
