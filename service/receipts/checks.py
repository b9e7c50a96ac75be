"""The checks of a receipt, and what they amount to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

VERDICT = "verdict on "  # what the names of checks of verdicts begin with

CheckOutcome = Literal["ok", "failed", "vouched", "note"]


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a receipt.

    A ``note`` is worth knowing, and no failure. A verdict that is ``vouched`` for rests on a
    judge's word, which cannot be re-checked, and nothing speaks against it.
    """

    name: str
    outcome: CheckOutcome
    detail: str = ""


def all_passed(checks: Sequence[Check]) -> bool:
    """Return whether none of some checks failed."""
    return not any(check.outcome == "failed" for check in checks)


def count_vouched(checks: Sequence[Check]) -> int:
    """Count the verdicts that rest on a judge's word."""
    return sum(check.outcome == "vouched" for check in checks)


def summary(receipt: dict[str, Any], checks: Sequence[Check]) -> str:
    """Say in one line whether a receipt holds, and how far that could be re-checked."""
    failed, vouched = sum(c.outcome == "failed" for c in checks), count_vouched(checks)
    if failed:
        return f"{failed} of {len(checks)} checks failed"
    if not vouched:
        return "the receipt holds"
    verdicts = sum(check.name.startswith(VERDICT) for check in checks)
    are = "is" if vouched == 1 else "are"
    return (
        f"the receipt holds as far as it can be re-checked: {vouched} of {verdicts} verdicts"
        f" {are} vouched for by {shorten(receipt['judge']['name'])}"
    )


def shorten(text: str) -> str:
    """Return the first 60 characters of a text in one line."""
    folded = " ".join(text.split())
    return folded if len(folded) <= 60 else folded[:59] + "…"
