"""Decisions: from a judge's word on a sentence to a claim with its verdict and citations."""

from __future__ import annotations

from service.judging.types import Judgement, NumberedEvidence
from service.types import Claim, Draft, Verdict
from service.verification.citation_selection import make_citation
from service.verification.provenance import Originals


def decide(
    draft: Draft,
    judgement: Judgement,
    numbered: NumberedEvidence,
    originals: Originals,
    judge_name: str,
) -> Claim:
    """Return the claim that a sentence makes by a judge's word."""
    named = [s for s in numbered.sentences if s.number in judgement.numbers]
    citations = tuple(make_citation(s.evidence, s.start, s.end) for s in named)
    verdict = Verdict(judgement.ruling, 1.0, f"judge: {judge_name}")
    cited = [s.evidence.source for s in named]
    works = originals.independent(cited) if judgement.ruling == "supported" else 0
    reason = "" if judgement.ruling == "supported" else judgement.ruling
    return Claim(draft.text, 0, len(draft.text), citations, verdict, reason=reason, works=works)
