"""What rules and checker say of a sentence: of the whole, and of each of its clauses.

A clause may rest on a quote of its own, in another passage than the rest. The weakest clause counts
beside the whole: where three true clauses hide a false one, the sentence as a whole reads like a
supported one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from index.inference.cross_encoder import Checker
from service.text.clauses import clauses
from service.types import Draft
from service.verification.calibration import features, load_calibration
from service.verification.candidate_quotes import (
    CandidateQuote,
    CandidateQuoteFinder,
    sentence_pairs,
)
from service.verification.citation_selection import QuoteAssessment
from service.verification.counterevidence import CounterQuote, overruling_quote
from service.verification.rules import registry

QUOTES_PER_CLAUSE = 3  # quotes that are read for one clause of several


@dataclass(frozen=True, slots=True)
class ClaimReading:
    """What was read for one sentence.

    Attributes:
        quotes: The candidate quotes of the whole sentence.
        parts: The best quote of each clause, in their order; empty for a single clause.
        joined: Those quotes taken together; None where there are not several.
        too_long: Whether a clause is longer than the checker can read.
    """

    quotes: tuple[QuoteAssessment, ...] = ()
    parts: tuple[CandidateQuote, ...] = ()
    joined: QuoteAssessment | None = None
    too_long: bool = False


class ClaimReader:
    """Reads sentences beside their candidate quotes; safe to share between threads."""

    def __init__(self, checker: Checker, finder: CandidateQuoteFinder) -> None:
        self._checker, self._finder = checker, finder

    def read(
        self,
        draft: Draft,
        quotes: Sequence[CandidateQuote],
        singles: Sequence[CandidateQuote],
        others: Sequence[CounterQuote],
    ) -> ClaimReading:
        """Read a sentence.

        Args:
            draft: The sentence.
            quotes: What to read for the sentence as a whole.
            singles: The sentences of the evidence, among which each clause's quotes are looked for.
            others: The sentences that contradict it by a rule.
        """
        parts = [draft.text] if draft.question else clauses(draft.text)  # bare answers are one
        if not all(map(self._checker.reads_whole, parts)):
            return ClaimReading(too_long=True)
        read = self._read_clauses(draft, parts, singles) if len(parts) > 1 else []
        weakest = min((entailed for _, entailed in read), default=None)
        texts = [quote.in_context for quote in quotes]
        places = {(q.evidence.label, q.start, q.end): q for q, _ in read}
        best = [*places.values()]
        if len(best) > 1:
            texts.append(" ".join(quote.text for quote in best))
        if weakest is not None and not self._checker.reads_whole(draft.text):
            whole = [weakest] * len(texts)
        else:
            whole = self._entailed([(text, draft.text) for text in texts])
        assessed = [
            assess(draft.text, [quote], others, entailed, weakest)
            for quote, entailed in zip(quotes, whole, strict=False)
        ]
        assessed = [_with_conflict_around(each, assessed) for each in assessed]
        joined = assess(draft.text, best, others, whole[-1], weakest) if len(best) > 1 else None
        return ClaimReading(tuple(assessed), tuple(best), joined)

    def _read_clauses(
        self, draft: Draft, parts: Sequence[str], singles: Sequence[CandidateQuote]
    ) -> list[tuple[CandidateQuote, float]]:
        """The best quote of each clause, and how likely it entails the clause."""
        windows = [*singles, *sentence_pairs(singles)]
        near = [
            (part, quote)
            for part in parts
            for quote in self._finder(Draft(part, draft.labels), windows, QUOTES_PER_CLAUSE)
        ]
        judged = self._entailed([(quote.in_context, part) for part, quote in near])
        best: dict[str, tuple[CandidateQuote, float]] = {}
        for (part, quote), entailed in zip(near, judged, strict=True):
            if part not in best or entailed > best[part][1]:
                best[part] = quote, entailed
        return list(best.values())

    def _entailed(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        found: list[float] = self._checker.supports(pairs)[:, 0].tolist() if pairs else []
        return found


def assess(
    claim: str,
    quotes: Sequence[CandidateQuote],
    others: Sequence[CounterQuote],
    entailed: float,
    weakest: float | None,
) -> QuoteAssessment:
    """Return what rules and checker say of a claim and some quotes together.

    Args:
        claim: The sentence.
        quotes: One candidate quote, or those of its clauses.
        others: The sentences that contradict it by a rule.
        entailed: Probability that the quotes entail the sentence, by the checker.
        weakest: The same of the clause that is worst off, each by its own quote; None for one.
    """
    text = " ".join(quote.text for quote in quotes)
    context = " ".join(quote.context for quote in quotes)
    published = " ".join(dict.fromkeys(quote.evidence.source.published[:4] for quote in quotes))
    found = registry.findings(claim, text, context, published)
    rival = overruling_quote(claim, quotes, others)
    if rival:
        found = [*found, rival.finding]
    numbers = features(claim, text, entailed, entailed if weakest is None else weakest, found)
    support = load_calibration().probability(numbers)
    return QuoteAssessment(tuple(quotes), numbers, support, tuple(found))


def _with_conflict_around(
    assessed: QuoteAssessment, every: Sequence[QuoteAssessment]
) -> QuoteAssessment:
    """Add the exact conflict of a longer quote around this one, in which "it" has its name."""
    (quote,) = assessed.quotes
    for other in every:
        (longer,) = other.quotes
        around = longer.evidence is quote.evidence and longer.start <= quote.start
        conflict = other.conflict if around and quote.end <= longer.end else None
        if conflict and not assessed.conflict and conflict.found in quote.text:
            return replace(assessed, findings=(*assessed.findings, conflict))
    return assessed
