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


def accepted(claim: str, evidence: Sequence[Evidence], verifier: Verifier) -> bool:
    """Whether the verifier finds a claim supported."""
    return verifier.check(Draft(claim, (1,)), evidence).verdict.label == "supported"


def caught(mutant: Mutant, library: Library, verifier: Verifier) -> bool:
    """Whether the verifier does not find a mutant supported."""
    if mutant.passage is None:
        return not accepted(mutant.claim, evidence_for(mutant.claim, library), verifier)
    wrong = mutant.passage
    return not accepted(mutant.claim, (Evidence(1, wrong.passage, wrong.source, 0.0),), verifier)
