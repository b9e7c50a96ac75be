"""A finding: what a rule found different between a claim and a quote."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FindingKind = Literal["number", "unit", "name", "negation", "comparison", "roles", "subject", "end"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference between a claim and its quote.

    ``found`` is what the quote has in its place, '' where it has nothing there.
    """

    kind: FindingKind
    claimed: str
    found: str = ""

    @property
    def contradicts(self) -> bool:
        """Whether the quote says otherwise, rather than nothing about it."""
        return bool(self.found)
