"""Write docs/rules.md, the page of the verifier's rules, from their table and examples.

python -m tools.rules_page
"""

from __future__ import annotations

from pathlib import Path

from service.verification.rules.finding import Finding
from service.verification.rules.registry import RULES, Rule

PAGE = Path(__file__).parents[1] / "docs" / "rules.md"
_INTRODUCTION = """# The rules of the verifier

A rule compares a claim with a quote, without a model. What it finds different is a *finding*: a
sign, weighed with the others, that the quote does not support the claim. Only one kind of finding
decides alone (**bold** below): a number, a unit or a name for which the quote that the claim copies
has another one of the same kind, in the same place, while nothing else of the kind differs. What
repeats a sentence of the quote word for word, also without its last clause or its note, has no
findings.

The rules are in `service/verification/rules/registry.py`, in this order. Their examples are their
tests (`service/verification/rules/examples.toml`). This page is written from both by
`python -m tools.rules_page`; `python -m training.rules` counts how often each rule fires on true
and on false claims of third-party sets.
"""


def page() -> str:
    """Return the text of the page."""
    return "\n".join([_INTRODUCTION, *map(_section, RULES)])


def _section(rule: Rule) -> str:
    rows = [f"| {claim} | {quote} | {_shown(found)} |" for claim, quote, found in rule.examples]
    head = ["| claim | quote | finding |", "|---|---|---|"]
    return "\n".join([f"## {rule.name}", "", rule.doc, "", *head, *rows, ""])


def _shown(found: Finding | None) -> str:
    if found is None:
        return "none"
    told = f"{found.kind}: {found.claimed}" + (f", not {found.found}" if found.found else "")
    return f"**{told}**" if found.decides else told


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
