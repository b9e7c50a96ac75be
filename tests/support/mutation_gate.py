"""Tests of whether the verifier accepts a claim, and whether it catches a mutant."""

from __future__ import annotations

from collections.abc import Sequence

from index.search import Library
from service.answering.evidence import select_evidence
from service.types import Draft, Evidence
from service.verification.verifier import Verifier
from tests.support.mutants import Mutant

EACH = 40  # mutants of a kind and language
TOP_K, CHARACTERS = 8, 8000


def evidence_for(claim: str, library: Library) -> tuple[Evidence, ...]:
    """Search for the evidence of a claim, as for a question."""
    return select_evidence(library.search(claim, TOP_K), TOP_K, CHARACTERS)


def evidence_behind(claim: str, mutant: Mutant, library: Library) -> tuple[Evidence, ...]:
    """Search for the evidence of a claim, behind the passages of a mutant's true clauses.

    So no lie is caught merely because the search did not find a true clause.
    """
    true = list({s.passage.id: (s.passage, s.source) for s in mutant.behind}.values())
    held = {passage.id for passage, _ in true}
    true += [
        (e.passage, e.source) for e in evidence_for(claim, library) if e.passage.id not in held
    ]
    return tuple(Evidence(n, *found, 0.0) for n, found in enumerate(true, 1))


def accepted(claim: str, evidence: Sequence[Evidence], verifier: Verifier, cited: int = 1) -> bool:
    """Whether the verifier finds supported a claim that cites the first ``cited`` passages."""
    draft = Draft(claim, tuple(range(1, cited + 1)))
    return verifier.check(draft, evidence).verdict.label == "supported"


def accepted_behind(claim: str, mutant: Mutant, library: Library, verifier: Verifier) -> bool:
    """Whether the verifier finds supported the claim or the control of a lie behind true clauses."""
    cited = len({s.passage.id for s in mutant.behind})
    return accepted(claim, evidence_behind(claim, mutant, library), verifier, cited)


def caught(mutant: Mutant, library: Library, verifier: Verifier) -> bool:
    """Whether the verifier does not find a mutant supported."""
    if mutant.behind:
        return not accepted_behind(mutant.claim, mutant, library, verifier)
    if mutant.passage is None:
        return not accepted(mutant.claim, evidence_for(mutant.claim, library), verifier)
    wrong = mutant.passage
    return not accepted(mutant.claim, (Evidence(1, wrong.passage, wrong.source, 0.0),), verifier)
