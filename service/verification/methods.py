"""The words of a verdict's ``method`` that other code reads: who decided, and why no judge did."""

from __future__ import annotations

import re

JUDGED = "judge: "  # before the name of the judge that decided
OVERRULED = ", overruled by a rule"  # behind it, where its "supported" is not taken
# Of a sentence that would hold, and builds on one that was withheld.
LEANS = "leans on a withheld sentence"
METADATA = "metadata"  # the sentence states a field of the catalogue, and no text is read for it
OVERVIEW = "overview"  # the sentence is of a work that the question asks to sum up or compare
_NO_JUDGE = re.compile(r" \(judge: [^()]*\)$")


def is_judged(method: str) -> bool:
    """Return whether a judge decided."""
    return method.startswith(JUDGED)


def with_failure(method: str, failure: str) -> str:
    """Return the method of a verdict that a judge was to give, with why it did not."""
    return f"{method} (judge: {failure})"


def without_failure(method: str) -> str:
    """Return a method without the bracket that says why no judge decided."""
    return _NO_JUDGE.sub("", method)
