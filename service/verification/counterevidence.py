"""Counterevidence: sentences that contradict a claim, which overrule it or are shown beside it.

Such a sentence says nearly the same as the claim in its language, and otherwise by a rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from corpus.text.sentences import sentences
from service.text.alignment import content_words, coverage_share, order_share
from service.text.numerals import mentioned, stated
from service.verification.candidate_quotes import CandidateQuote
from service.verification.rules.finding import Finding
from service.verification.rules.registry import NEAR_COPY

SAME_MATTER = 0.7  # share of a claim's words in a quote that speaks of the same thing


@dataclass(frozen=True, slots=True)
class CounterQuote:
    """A sentence that says nearly the same as a claim, and contradicts it in one point."""

    window: CandidateQuote
    covered: float  # share of the claim's words that it has
    finding: Finding
    only: bool = False  # whether that is the only difference that the rules found


def find_counter_quotes(
    claim: str, singles: Iterable[CandidateQuote], least: float = SAME_MATTER
) -> list[CounterQuote]:
    """Find the sentences that contradict a claim by a rule.

    They are on the same topic and in the same language, with another number, name or sense, and
    have at ``least`` that share of the claim's words.
    """
    found = []
    for window in singles:
        share = coverage_share(claim, window.text)
        if share < least:
            continue
        findings = window.findings(claim)
        if findings and findings[0].contradicts:
            found.append(CounterQuote(window, share, findings[0], len(findings) == 1))
    return found


def overruling_quote(
    claim: str, quotes: Sequence[CandidateQuote], others: Sequence[CounterQuote]
) -> CounterQuote | None:
    """Return a sentence closer to the claim than the quotes are, and that contradicts the claim.

    Of all sentences, the one that a claim copies most closely decides what it changes. Only a
    source that has the claim's very number or name is not overruled by another source: the two
    disagree, which is for the reader to see.
    """
    own = max(coverage_share(claim, part) for q in quotes for part in sentences(q.text))
    cited = {quote.evidence.source.id for quote in quotes}
    text = " ".join(quote.text for quote in quotes)
    for rival in others:
        elsewhere = rival.window.evidence.source.id not in cited
        if rival.covered >= own and not (elsewhere and _has(text, rival.finding)):
            return rival
    return None


def nearest_counter_quote(claim: str, singles: Sequence[CandidateQuote]) -> CounterQuote | None:
    """Return the sentence that an unsupported claim copies most closely, if they conflict exactly.

    It does not count where a sentence as close has what the claim says.
    """
    order = content_words(claim)

    def closeness(rival: CounterQuote) -> tuple[float, float]:
        return rival.covered, order_share(order, content_words(rival.window.text))

    for rival in sorted(
        find_counter_quotes(claim, singles, NEAR_COPY), key=closeness, reverse=True
    ):
        agreeing = (w.text for w in singles if _has(w.text, rival.finding))
        if not any(coverage_share(claim, text) >= rival.covered for text in agreeing):
            return rival if rival.finding.decides else None
    return None


def _has(text: str, finding: Finding) -> bool:
    """Whether a text has the number or name that another one was found to lack."""
    if finding.kind == "number":
        return bool(stated(finding.claimed)) and stated(finding.claimed) <= mentioned(text)
    return finding.kind == "name" and finding.claimed.casefold() in text.casefold()
