"""A finding: what a rule found different between a claim and a quote."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FindingKind = Literal["number", "unit", "name", "negation", "comparison", "roles", "subject"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference between a claim and its quote.

    Attributes:
        kind: What differs.
        claimed: What the claim has.
        found: What the quote has in its place, '' where it has nothing there.
        decides: Whether the difference is exact enough to decide alone, without a model: the
            claim repeats the quote but for this number, unit or name.
        rule: The name of the rule in the registry, '' where no rule found it.
    """

    kind: FindingKind
    claimed: str
    found: str = ""
    decides: bool = False
    rule: str = ""

    @property
    def contradicts(self) -> bool:
        """Whether the quote says otherwise, rather than nothing about it."""
        return bool(self.found)
