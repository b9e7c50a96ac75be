"""The verifier: decides whether evidence supports a sentence, and which quote decides it.

Two halves decide together. Rules (``service.verification.rules.registry``) decide where rules are
exact: a number, a name or a negation that the quote does not have. The checker decides whether the
quote supports what the sentence says, in either language. ``service.verification.calibration``
makes them one probability. A finding of a rule is a veto, whatever the probability.

Checking every sentence of the evidence would take a second, so the checker reads at most four
candidate quotes. Before those, it reads the likeliest quote of each cited passage, and no further
one where each supports the claim with a probability of at least CLEAR. Of 438 claims (150 English
and 44 Japanese ones of the library, 120 altered ones, 124 facts written apart) that changed no
verdict, no cited passage and no quote; from 0.6 on, two quotes of the 124 facts changed. All four
are read where the cited source only reports on a work, where a rule speaks against the first, and
across languages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from index.inference.cross_encoder import Checker
from index.inference.embedder import Embedder
from service.messages import reader_message
from service.query import language_of
from service.types import Citation, Claim, Draft, Evidence, Support, Verdict
from service.verification.calibration import features, load_calibration
from service.verification.candidate_quotes import (
    CandidateQuote,
    CandidateQuoteFinder,
    sentence_pairs,
    single_sentences,
)
from service.verification.checkworthiness import is_not_checkworthy
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
from service.verification.counterevidence import (
    CounterQuote,
    amended_claims,
    find_counter_quotes,
    nearest_counter_quote,
    overruling_quote,
)
from service.verification.provenance import Originals
from service.verification.rules.finding import Finding

# Raised on purpose, with every change after which the same sentence and evidence may get another
# verdict, quote or reason from the same checker and embedder: in the rules, their calibration or
# wording, or how sentences are split. Receipts carry it; tests/support/golden.py notices changes.
VERIFIER_VERSION = 1

CLEAR = 0.8  # probability from which the quotes of cited passages are enough: see above
CONTRADICTED = 0.85  # of the checker's own
AMENDED = 8  # sentences that are read for a claim with their amounts in it


class Verifier:
    """Checks sentences against evidence: ``check`` is a plain function of its arguments."""

    def __init__(self, checker: Checker, embedder: Embedder) -> None:
        self.checker, self.embedder = checker, embedder
        self._nearest = CandidateQuoteFinder(embedder)
        self._method = f"rules + {checker.name}"

    def check(
        self, draft: Draft, evidence: Sequence[Evidence], originals: Originals | None = None
    ) -> Claim:
        """Return the claim that a sentence makes, its verdict, and the citations that decide it.

        A sentence that states nothing is ``unsupported``, and cites nothing, whatever it is near.
        ``supported``: every citation bears the claim. One that the draft made stays if a quote
        of its passage does, and goes if none does; another passage whose quote does so better is
        cited before it. ``contradicted``: the citation is what says otherwise. ``partial`` and
        ``unsupported``: it is what came nearest, if anything did. ``disputed_by`` are quotes of
        other sources that say otherwise than a supported claim. ``originals`` tells which
        sources only report on others; their works are cited first.

        The claim's ``start`` and ``end`` are 0 and its length: who assembles the answer knows
        where it stands.
        """
        originals = originals or Originals(e.source for e in evidence)
        singles = [window for e in evidence for window in single_sentences(e)]
        if is_not_checkworthy(draft.text):
            return _empty(draft)
        others = find_counter_quotes(draft.text, singles)
        found = find_verbatim(draft, evidence)
        if found:
            found.sort(key=lambda f: originals.reports(f[0].source))
            citations = tuple(make_citation(*place) for place in found[:MAX_CITATIONS])
            verdict = Verdict("supported", 1.0, "verbatim")
        else:
            readings = self._clear(draft, singles, others, originals)
            readings = readings or self._read(draft, singles, others)
            bearing = supporting_quotes(readings, draft.labels, originals)
            if not bearing:
                return self._withheld(draft, readings, singles)
            citations = tuple(cite_quote(reading.window) for reading in bearing)
            verdict = Verdict("supported", round(bearing[0].support, 3), self._method)
        cited = cited_sources(citations, evidence)
        return replace(
            _claim(draft, citations, verdict),
            secondary=originals.secondary(source.id for source in cited),
            disputed_by=disputing_citations(others, cited),
            works=originals.independent(cited),
        )

    def read(self, draft: Draft, evidence: Sequence[Evidence]) -> list[QuoteAssessment]:
        """Return what rules and checker say of a draft and the few quotes nearest to it."""
        singles = [window for e in evidence for window in single_sentences(e)]
        return self._read(draft, singles, find_counter_quotes(draft.text, singles))

    def _clear(
        self,
        draft: Draft,
        singles: Sequence[CandidateQuote],
        others: Sequence[CounterQuote],
        originals: Originals,
    ) -> list[QuoteAssessment]:
        """Assess the likeliest quote of each cited passage; [] unless all clearly support it.

        Of less than 1 - MOVE_MARGIN, another passage could still go before it, if it supports the
        claim better by as much: that is not looked for.
        """
        windows = self._nearest.first(draft, [*singles, *sentence_pairs(singles)])
        for window in windows:
            if originals.reports(window.evidence.source):
                return []  # the work itself is cited before what reports on it
            if overruling_quote(draft.text, window, others) or window.findings(draft.text):
                return []
        readings = self._readings(draft, windows, others)
        clear = all(reading.supports_claim and reading.support >= CLEAR for reading in readings)
        return readings if clear else []

    def _read(
        self, draft: Draft, singles: Sequence[CandidateQuote], others: Sequence[CounterQuote]
    ) -> list[QuoteAssessment]:
        if not singles:
            return []
        windows = self._nearest(draft, [*singles, *sentence_pairs(singles)])
        return self._readings(draft, windows, others)

    def _readings(
        self, draft: Draft, windows: Sequence[CandidateQuote], others: Sequence[CounterQuote]
    ) -> list[QuoteAssessment]:
        read = []
        judged = self.checker.supports([(w.text, draft.text) for w in windows]).tolist()
        for window, probabilities in zip(windows, judged, strict=True):
            rival = overruling_quote(draft.text, window, others)
            found = (*window.findings(draft.text), *((rival.finding,) if rival else ()))
            numbers = features(draft.text, window.text, probabilities[0], found)
            support = load_calibration().probability(numbers)
            read.append(QuoteAssessment(window, numbers, support, probabilities[2], found))
        return read

    def _amount(
        self, draft: Draft, singles: Sequence[CandidateQuote]
    ) -> tuple[CandidateQuote, Finding] | None:
        """Find a sentence that supports the claim better once the claim has that sentence's amount.

        Then the amount is what differs.

        Of several amounts it is the one for which the sentences gain most together.
        """
        claim = draft.text
        able = [w for w in singles if any(amended_claims(claim, w.text))]
        near = self._nearest(draft, able, AMENDED)
        tried = [(w, *made) for w in near for made in amended_claims(claim, w.text)]
        pairs = [(w.text, text) for w, made, _ in tried for text in (made, claim)]
        judged = self.checker.supports(pairs)[:, 0].tolist() if tried else []
        found: dict[str, list[tuple[float, float, CandidateQuote, Finding]]] = {}
        for n, (window, made, changed) in enumerate(tried):
            support, stated = (
                load_calibration().probability(features(text, window.text, entailed, ()))
                for text, entailed in zip((made, claim), judged[2 * n :], strict=False)
            )
            if not window.findings(made):
                gained = (support - stated, support, window, changed)
                found.setdefault(changed.found, []).append(gained)
        of_one = max(found.values(), key=lambda each: sum(gain for gain, *_ in each), default=[])
        best = max(of_one, key=lambda each: each[0], default=None)
        if best is None or best[0] <= 0 or best[1] < PARTIAL:
            return None
        return best[2:]

    def _withheld(
        self, draft: Draft, readings: Sequence[QuoteAssessment], singles: Sequence[CandidateQuote]
    ) -> Claim:
        """A claim that no quote bears: the gravest of what was found, and why.

        What is shown is the sentence that says the same but for what it says otherwise.
        """
        language = language_of(draft.text)

        def claim(
            label: Support, score: float, window: CandidateQuote | None, reason: str
        ) -> Claim:
            citations = (cite_quote(window),) if window else ()
            made = _claim(draft, citations, Verdict(label, round(score, 3), self._method))
            return replace(made, reason=reason)

        if not readings:
            return claim("unsupported", 1.0, None, reader_message("not_mentioned", language))
        best = max(readings, key=lambda r: (r.support, -len(r.findings)))
        against = next((f for f in best.findings if f.contradicts), None)
        rival = nearest_counter_quote(draft.text, singles)
        other: tuple[CandidateQuote, Finding] | None
        if rival:
            other = rival.window, rival.finding
        elif against and best.is_on_topic(draft.text):
            other = best.window, against
        else:
            other = self._amount(draft, singles)
        if other:
            window, finding = other
            reason = reader_message("otherwise", language, finding.claimed, finding.found)
            return claim("contradicted", 1.0, window, reason)
        contrary = max(readings, key=lambda r: r.contradiction)
        if contrary.contradiction >= CONTRADICTED and contrary.is_on_topic(draft.text):
            quote = contrary.window.text
            reason = reader_message("contradicted", language, quote)
            return claim("contradicted", contrary.contradiction, contrary.window, reason)
        label: Support = "partial" if best.support >= PARTIAL else "unsupported"
        if best.findings:
            reason = reader_message("missing", language, best.findings[0].claimed)
        else:
            reason = reader_message(label, language)
        return claim(label, 1 - best.support, best.window, reason)


def _claim(draft: Draft, citations: tuple[Citation, ...], verdict: Verdict) -> Claim:
    return Claim(draft.text, 0, len(draft.text), citations, verdict)


def _empty(draft: Draft) -> Claim:
    reason = reader_message("says_nothing", language_of(draft.text))
    return replace(_claim(draft, (), Verdict("unsupported", 1.0, "rules")), reason=reason)
