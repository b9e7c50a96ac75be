"""docs/rules.md is the page that the table of rules makes."""

from service.verification.rules.registry import RULES
from tools import rules_page


def test_page_of_the_rules_is_up_to_date():
    """Write it again with python -m tools.rules_page."""
    assert rules_page.PAGE.read_text(encoding="utf-8") == rules_page.page()


def test_page_shows_each_rule_with_its_examples():
    text = rules_page.page()
    for rule in RULES:
        assert f"## {rule.name}\n\n{rule.doc}\n" in text
        assert all(claim in text for claim, _, _ in rule.examples)
