"""The mutation gate: altered claims are caught, unaltered claims are supported.

Bounds of docs/evaluation.md: in each language at most 3 % of the untouched claims withheld and
at least 97 % of the mutants caught, at least 95 % of each kind. Of lies behind true clauses, at
most 4 % are let through.

Reading all altered claims takes minutes, so `make test` asks about half of each kind, always the
same, within the same bounds in per cent; `make eval` sets ALL_MUTANTS=1 and asks about all.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest

from index.search import Library
from tests.support.lies_behind import COUNTS, lies_behind
from tests.support.mutants import KINDS, Mutant, Statement, mutants, statements, without_note
from tests.support.mutation_gate import EACH, accepted, accepted_behind, caught, evidence_for

UNTOUCHED = 260  # true claims in English; in Japanese there are fewer sentences
BEHIND = 12  # lies behind true clauses, of each number of clauses and language
ALL = bool(os.environ.get("ALL_MUTANTS"))


def asked(made: Sequence[Mutant]) -> Sequence[Mutant]:
    """Return the first half of the mutants, or all: they are drawn in random order."""
    return made if ALL else made[: (len(made) + 1) // 2]


@pytest.fixture(scope="module")
def found(library: Library) -> list[Statement]:
    return statements(library.store)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_altered_claims_are_caught(language, library, verifier, found):
    here = [s for s in found if s.language == language]
    missed, made, count = [], 0, 0
    for kind in KINDS:
        every = mutants(here, kind, EACH)
        tried = asked(every)
        got = [m.claim for m in tried if not caught(m, library, verifier)]
        print(f"{language} {kind}: {len(tried) - len(got)} of {len(tried)} caught")
        assert len(every) >= 25 and len(got) <= 0.05 * len(tried), f"{kind}: {got}"
        missed += got
        made += len(every)
        count += len(tried)
    assert made >= 150 and len(missed) <= 0.03 * count, missed


@pytest.mark.parametrize("language", ["en", "ja"])
def test_unaltered_claims_are_supported(language, library, verifier, found):
    """Sentences of the library, every other one without the source note at its end, so that it is
    not a verbatim quote."""
    texts = list(dict.fromkeys(s.text for s in found if s.language == language))[:UNTOUCHED]
    claims = [without_note(text) if n % 2 else text for n, text in enumerate(texts)]
    withheld = [c for c in claims if not accepted(c, evidence_for(c, library), verifier)]
    print(f"{language}: {len(claims) - len(withheld)} of {len(claims)} let through")
    assert len(claims) >= (40 if language == "ja" else UNTOUCHED)
    assert len(withheld) <= 0.03 * len(claims), withheld


@pytest.mark.timeout(900)
def test_lies_behind_true_clauses_are_caught(library, verifier, found, request):
    """With ``-s``, how many of the same sentences without their lie are supported is printed beside
    it: who withholds everything long catches every lie."""
    printed = request.config.getoption("capture") == "no"
    through, made, tried = [], 0, 0
    for language in ("en", "ja"):
        for count in COUNTS:
            every = lies_behind(found, language, count, BEHIND)
            lies = asked(every)
            got = [m.claim for m in lies if not caught(m, library, verifier)]
            if printed:
                true = sum(accepted_behind(m.control, m, library, verifier) for m in lies)
                print(
                    f"{language}, {count} true clauses: {len(got)} of {len(lies)} lies let through,",
                    f"{true} of {len(lies)} without the lie",
                )
            through += got
            made += len(every)
            tried += len(lies)
    assert made == 8 * BEHIND and len(through) <= 0.04 * tried, through
