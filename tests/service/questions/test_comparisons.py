"""The two things that a question compares."""

from __future__ import annotations

import pytest

from service.questions.comparisons import (
    compared_things,
    compared_years,
    says_versus,
    side_questions,
)


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
        (
            "compare the old pier with the new pier - what do I pay at each?",
            ("old pier", "new pier"),
        ),
        ("Compare oats to rye, by price", ("oats", "rye")),
        ("緑茶と紅茶、高いのはどっち？比べて", ("緑茶", "紅茶")),
        ("緑茶と紅茶ではどちらが高いですか", ("緑茶", "紅茶")),
        ("緑茶と紅茶はどちらが高いですか？", ("緑茶", "紅茶")),
        ("緑茶と紅茶のうち、どちらが高い？", ("緑茶", "紅茶")),
        ("oats vs rye - which keeps longer?", ("oats", "rye")),
        (
            "Compare the rent in Paris, France and Berlin, Germany",
            ("rent in Paris, France", "Berlin, Germany"),
        ),
    ],
)
def test_both_things_are_found(question: str, things: tuple[str, str]) -> None:
    assert compared_things(question) == things


@pytest.mark.parametrize(
    "question",
    ["Compare the two methods", "川と海が出会う町で、ホテルはどちらの側にありますか？",
     "彼はパンと水だけで、どちらの山に登ったか", "Is tea better than coffee?", "salt vs salt", "二つの方法を比較して",
     "Compare what he said and what they wrote about it all", ""],
)  # fmt: skip
def test_question_that_does_not_name_two_things_gives_none(question: str) -> None:
    assert compared_things(question) is None


@pytest.mark.parametrize(
    ("question", "sides", "asked"),
    [
        ("Compare the rent of Harrow and Pell", ("Harrow", "Pell"),
         ("What about the rent of Harrow?", "What about the rent of Pell?")),
        ("Compare how the Harrow paper and the Pell paper count rooms", ("Harrow paper", "Pell paper"),
         ("how the Harrow paper count rooms?", "how the Pell paper count rooms?")),
        ("How do oats and rye differ in price?", ("oats", "rye"),
         ("What about oats in price?", "What about rye in price?")),
        ("緑茶と紅茶のカフェインの量の違いは？", ("緑茶", "紅茶"),
         ("緑茶のカフェインの量は？", "紅茶のカフェインの量は？")),
        ("緑茶と紅茶、高いのはどっち？比べて", ("緑茶", "紅茶"), ("緑茶、高いのは？", "紅茶、高いのは？")),
        ("緑茶と紅茶ではどちらが高いですか", ("緑茶", "紅茶"), ("緑茶では高いですか？", "紅茶では高いですか？")),
        ("oats vs rye, how long do they keep?", ("oats", "rye"),
         ("What about oats, how long do they keep?", "What about rye, how long do they keep?")),
    ],
)  # fmt: skip
def test_each_side_is_asked_alone(question, sides, asked) -> None:
    assert side_questions(question, sides) == asked


@pytest.mark.parametrize(
    ("question", "sides"),
    [("Compare Harrow and Pell", ("Harrow", "Pell")), ("緑茶と紅茶はどう違うの？", ("緑茶", "紅茶")),
     ("Is Harrow cheaper in spring than Pell?", ("Harrow", "Pell")),
     ("Compare the prices of 5,000 and 10,000 units", ("5,000", "10"))],
)  # fmt: skip
def test_sides_of_which_nothing_is_asked_or_that_stand_apart_are_not_asked_alone(
    question, sides
) -> None:
    assert side_questions(question, sides) is None


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("plums in the garden notes: 2021 against 2022", "What about plums in the garden notes?"),
        ("How did the rent differ in 2021 and 2022?", "What about the rent?"),
        ("梅酒、2021年と2022年で漬ける時間はどう違う？", "梅酒、漬ける時間は？"),
    ],
)
def test_years_that_tell_works_apart_are_left_out(question, asked) -> None:
    years = compared_years(question)
    assert years and years[0].startswith("2021") and years[1].startswith("2022")
    assert side_questions(question, years, told=True) == (asked, asked)


@pytest.mark.parametrize("question", ["notes of 2021", "from 2021 to 2022", "2021 and 2021"])
def test_no_two_years_are_compared(question) -> None:
    assert compared_years(question) is None


def test_versus_is_said_in_so_many_words() -> None:
    assert says_versus("salt vs. sugar") and says_versus("salt versus sugar")
    assert not says_versus("verses of vsevolod") and not says_versus("塩と砂糖")
