"""Statements with the opposite of one of their words."""

import pytest

from service.questions.opposites import with_opposite


@pytest.mark.parametrize(
    ("statement", "opposite"),
    [
        ("The price is higher in winter.", "The price is lower in winter."),
        ("価格は冬に増加した。", "価格は冬に減少した。"),
        ("The room has a garden.", None),
        ("", None),
    ],
)
def test_one_word_is_replaced_by_its_opposite(statement: str, opposite: str | None) -> None:
    assert with_opposite(statement) == opposite
