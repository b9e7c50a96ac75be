"""Whether a claim is let through, and whether a mutant of one is caught."""

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
    return select_evidence(library.search(claim, TOP_K), TOP_K, CHARACTERS)


def accepted(claim: str, evidence: Sequence[Evidence], verifier: Verifier) -> bool:
    return verifier.check(Draft(claim, (1,)), evidence).verdict.label == "supported"


def caught(mutant: Mutant, library: Library, verifier: Verifier) -> bool:
    if mutant.passage is None:
        return not accepted(mutant.claim, evidence_for(mutant.claim, library), verifier)
    wrong = mutant.passage
    return not accepted(mutant.claim, (Evidence(1, wrong.passage, wrong.source, 0.0),), verifier)
