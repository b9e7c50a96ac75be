"""The rule on negation: a claim that adds or drops a negation or a doubt of its quote."""

from __future__ import annotations

import re
from collections.abc import Iterator

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
    if not pair.close:
        return
    both_possible = all(_POSSIBLE.search(text) for text in (pair.claim, pair.quote))
    for ours, theirs in pair.differences:
        mine, other = (
            [
                w
                for w in words[run.start : run.stop]
                if w.kind == "turn" and not (both_possible and _DOUBT.fullmatch(w.shown))
            ]
            for words, run in ((pair.ours, ours), (pair.theirs, theirs))
        )
        if len(mine) > len(other):
            instead = " ".join(w.shown for w in pair.theirs[theirs.start : theirs.stop])
            yield Finding("negation", mine[0].shown, instead or "–")
        elif len(other) > len(mine) and len(theirs) - len(other) < _CLAUSE + len(ours):
            yield Finding("negation", "–", other[0].shown)
