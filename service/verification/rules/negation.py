"""The rule on negation: a claim that adds or drops a negation of its quote."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from service.text.alignment import Word, align_words
from service.verification.rules.finding import Finding

_CLAUSE = 3  # words left out in a row that make it a clause of its own


def changed_negations(ours: Sequence[Word], theirs: Sequence[Word]) -> Iterable[Finding]:
    """Find negations and doubts that only one of the two near copies has.

    Words left out of the quote by the clause may hold any; a single one left out turns it.
    """
    for op, a, b, c, d in align_words(ours, theirs).get_opcodes():
        if op == "equal":
            continue
        mine = [w for w in ours[a:b] if w.kind == "turn"]
        other = [w for w in theirs[c:d] if w.kind == "turn"]
        if len(mine) > len(other):
            yield Finding("negation", mine[0].shown, " ".join(w.shown for w in theirs[c:d]) or "–")
        elif len(other) > len(mine) and (d - c) - len(other) < _CLAUSE + (b - a):
            yield Finding("negation", "–", other[0].shown)
