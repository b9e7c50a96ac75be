"""The rule on negation: a claim that adds or drops a negation or a doubt of its quote."""

from __future__ import annotations

import re
from collections.abc import Iterator

from service.text.alignment import align_words
from service.verification.rules.finding import Finding
from service.verification.rules.pair import Pair

_CLAUSE = 3  # words left out in a row that make it a clause of its own
_DOUBT = re.compile(r"may|might|could|かもしれ", re.IGNORECASE)
# What can be so may be so: where both texts say this much, neither doubts more.
_POSSIBLE = re.compile(
    r"\b(?:can|could|may|might|able|possibl[ey]|potential(?:ly)?|perhaps|likely)\b"
    r"|可能|でき|得る|うる|かもしれ|だろう",
    re.IGNORECASE,
)


def changed_negations(pair: Pair) -> Iterator[Finding]:
    """Find negations and doubts that only one of the two has, where the claim is a close copy.

    Words left out of the quote by the clause may hold any; one left out alone changes the sense.
    """
    if not pair.close or pair.recast:
        return
    both_possible = all(_POSSIBLE.search(text) for text in (pair.claim, pair.quote))
    ours, theirs = (
        [w for w in words if not (both_possible and _DOUBT.fullmatch(w.shown))]
        for words in (pair.ours, pair.theirs)
    )
    for op, a, b, c, d in align_words(ours, theirs).get_opcodes():
        if op == "equal":
            continue
        mine = [w for w in ours[a:b] if w.kind == "turn"]
        other = [w for w in theirs[c:d] if w.kind == "turn"]
        if len(mine) > len(other):
            yield Finding("negation", mine[0].shown, " ".join(w.shown for w in theirs[c:d]) or "–")
        elif len(other) > len(mine) and (d - c) - len(other) < _CLAUSE + (b - a):
            yield Finding("negation", "–", other[0].shown)
