"""The mutation gate: altered claims are caught, unaltered claims are supported.

Bounds of docs/evaluation.md: in each language at most 3 % of the untouched claims withheld and
at least 97 % of the mutants caught, at least 95 % of each kind. Of lies behind true clauses, at
most 4 % are let through.

`make test` tries a sample of these claims, by the bounds of a language; `make soak` all of them.
"""

from __future__ import annotations

import pytest

from index.search import Library
from tests.support.lies_behind import COUNTS, lies_behind
from tests.support.mutants import KINDS, Statement, mutants, statements, without_note
from tests.support.mutation_gate import EACH, accepted, accepted_behind, caught, evidence_for
from tests.support.soak import SOAK

TRIED = EACH if SOAK else 8  # mutants of a kind and language
UNTOUCHED = 260  # true claims in English; in Japanese there are fewer sentences
STEP = 1 if SOAK else 4  # of the true claims, every how many is tried
BEHIND = 12 if SOAK else 3  # lies behind true clauses, of each number of clauses and language


@pytest.fixture(scope="module")
def found(library: Library) -> list[Statement]:
    return statements(library.store)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_altered_claims_are_caught(language, library, verifier, found):
    here = [s for s in found if s.language == language]
    missed, made = [], 0
    for kind in KINDS:
        tried = mutants(here, kind, TRIED)
        got = [m.claim for m in tried if not caught(m, library, verifier)]
        print(f"{language} {kind}: {len(tried) - len(got)} of {len(tried)} caught")
        assert len(tried) >= (25 if SOAK else TRIED)
        # 5 % of a sample would be none: there the bound of the language holds, which is one of all.
        assert not SOAK or len(got) <= 0.05 * len(tried), f"{kind}: {got}"
        missed += got
        made += len(tried)
    assert made >= (150 if SOAK else 5 * TRIED) and len(missed) <= 0.03 * made, missed


@pytest.mark.parametrize("language", ["en", "ja"])
def test_unaltered_claims_are_supported(language, library, verifier, found):
    """Sentences of the library, every other one without the source note at its end, so that it is
    not a verbatim quote."""
    texts = list(dict.fromkeys(s.text for s in found if s.language == language))[:UNTOUCHED]
    assert len(texts) >= (40 if language == "ja" else UNTOUCHED)
    claims = [without_note(text) if n % 2 else text for n, text in enumerate(texts[::STEP])]
    withheld = [c for c in claims if not accepted(c, evidence_for(c, library), verifier)]
    print(f"{language}: {len(claims) - len(withheld)} of {len(claims)} let through")
    assert len(withheld) <= 0.03 * len(claims), withheld


@pytest.mark.timeout(900)
def test_lies_behind_true_clauses_are_caught(library, verifier, found, request):
    """With ``-s``, how many of the same sentences without their lie are supported is printed beside
    it: who withholds everything long catches every lie."""
    printed = request.config.getoption("capture") == "no"
    through, tried = [], 0
    for language in ("en", "ja"):
        for count in COUNTS if SOAK else COUNTS[1::2]:
            made = lies_behind(found, language, count, BEHIND)
            got = [m.claim for m in made if not caught(m, library, verifier)]
            if printed:
                true = sum(accepted_behind(m.control, m, library, verifier) for m in made)
                print(
                    f"{language}, {count} true clauses: {len(got)} of {len(made)} lies let through,",
                    f"{true} of {len(made)} without the lie",
                )
            through += got
            tried += len(made)
    assert tried == (8 if SOAK else 4) * BEHIND and len(through) <= 0.04 * tried, through
