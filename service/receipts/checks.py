"""The checks of a receipt, and what they amount to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from service.types import decision_of
from service.verification.receipt import Receipt

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


def check_decisions(receipt: Receipt) -> Iterator[Check]:
    """Check what is recorded of each claim: whether it is supported, and whether it answers.

    The first must follow from its verdict. The second was decided when the question was answered,
    and is on record: it is not decided again.
    """
    known = [claim.answers for claim in receipt.claims if claim.answers]
    if any(claim.supports not in (None, decision_of(claim.verdict)) for claim in receipt.claims):
        yield Check("answers", "failed", "what supports a claim is not what its verdict says")
    elif not all(0 <= each.score <= 1 for each in known):
        yield Check("answers", "failed", "how likely a claim answers is not between 0 and 1")
    elif known:
        count = f"{sum(each.holds for each in known)} of {len(receipt.claims)} claims"
        yield Check("answers", "ok", f"{count}, as recorded when the question was answered")


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
    answering = _answering(receipt)
    if not vouched:
        return f"the receipt holds{answering}"
    verdicts = sum(check.name.startswith(VERDICT) for check in checks)
    are = "is" if vouched == 1 else "are"
    return (
        f"the receipt holds as far as it can be re-checked: {vouched} of {verdicts} verdicts"
        f" {are} vouched for by {shorten(receipt['judge']['name'])}{answering}"
    )


def _answering(receipt: dict[str, Any]) -> str:
    """Say how many claims are on record as answers; empty where nothing is known of any."""
    known = [answers for claim in receipt["claims"] if (answers := claim.get("answers"))]
    if not known:
        return ""
    number, all_claims = sum(each["holds"] for each in known), len(receipt["claims"])
    return f"; {number} of {all_claims} claims answer{'s' * (number == 1)} the question"


def shorten(text: str) -> str:
    """Return the first 60 characters of a text in one line."""
    folded = " ".join(text.split())
    return folded if len(folded) <= 60 else folded[:59] + "…"
