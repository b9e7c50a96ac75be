"""The two things that a question compares."""

from __future__ import annotations

import pytest

from service.questions.comparisons import compared_things


@pytest.mark.parametrize(
    ("question", "things"),
    [
        ("Tea or coffee, how are they different?", ("Tea", "coffee")),
        ("What is the difference between the old pier and the new pier?", ("old pier", "new pier")),
        ("Compare Harrow with Pell in the report", ("Harrow", "Pell")),
        ("How does the ferry differ from the barge?", ("ferry", "barge")),
        ("How do oats and rye differ", ("oats", "rye")),
        ("salt vs sugar", ("salt", "sugar")),
        ("古い橋と新しい橋の違いは？", ("古い橋", "新しい橋")),
        ("「緑茶」と「紅茶」を比べて", ("緑茶", "紅茶")),
        ("緑茶と紅茶はどう違うの？", ("緑茶", "紅茶")),
        ("緑茶は紅茶とどう違う？", ("緑茶", "紅茶")),
    ],
)
def test_both_things_are_found(question: str, things: tuple[str, str]) -> None:
    assert compared_things(question) == things


@pytest.mark.parametrize(
    "question",
    ["Compare the two methods", "Is tea better than coffee?", "salt vs salt", "二つの方法を比較して",
     "Compare what he said and what they wrote about it all", ""],
)  # fmt: skip
def test_question_that_does_not_name_two_things_gives_none(question: str) -> None:
    assert compared_things(question) is None
