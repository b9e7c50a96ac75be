"""A comparison taken apart into what is asked of each of the two things."""

from __future__ import annotations

import pytest

from service.questions.comparisons import compared_years, side_name, side_questions


def spans(question: str, sides: tuple[str, str]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return where two phrases stand in a question, the second behind the first."""
    start = question.index(sides[0])
    other = question.index(sides[1], start + len(sides[0]))
    return (start, start + len(sides[0])), (other, other + len(sides[1]))


@pytest.mark.parametrize(
    ("question", "sides", "asked"),
    [
        ("Compare the rent of Harrow and Pell", ("Harrow", "Pell"),
         ("What about the rent of Harrow?", "What about the rent of Pell?")),
        ("How do oats and rye differ in price?", ("oats", "rye"),
         ("What about oats in price?", "What about rye in price?")),
        ("Is the ferry cheaper than the barge?", ("the ferry", "the barge"),
         ("Is the ferry cheaper?", "Is the barge cheaper?")),
        ("Which is older, the pier or the mole?", ("the pier", "the mole"),
         ("Which is older, the pier?", "Which is older, the mole?")),
        ("oats vs rye, how long do they keep?", ("oats", "rye"),
         ("What about oats, how long do they keep?", "What about rye, how long do they keep?")),
        ("compare the pier with the mole - what do I pay at each?", ("the pier", "the mole"),
         ("What about the pier - what do I pay at?", "What about the mole - what do I pay at?")),
        ("How does WSGI differ from ASGI in speed?", ("WSGI", "ASGI"),
         ("What about WSGI in speed?", "What about ASGI in speed?")),
        ("Compare and contrast the yield of oats and rye", ("oats", "rye"),
         ("What about the yield of oats?", "What about the yield of rye?")),
        ("Is Harrow closer to the sea than Pell?", ("Harrow", "Pell"),
         ("Is Harrow closer to the sea?", "Is Pell closer to the sea?")),
        ("緑茶は紅茶に比べてカフェインが多いですか", ("緑茶", "紅茶"),
         ("緑茶カフェインが多いですか？", "紅茶カフェインが多いですか？")),
        ("緑茶と紅茶のカフェインの量の違いは？", ("緑茶", "紅茶"),
         ("緑茶のカフェインの量は？", "紅茶のカフェインの量は？")),
        ("緑茶と紅茶、高いのはどっち？比べて", ("緑茶", "紅茶"), ("緑茶、高いのは？", "紅茶、高いのは？")),
        ("旋盤の講習と塗装の講習って、それぞれいつ？", ("旋盤の講習", "塗装の講習"),
         ("旋盤の講習って、いつは？", "塗装の講習って、いつは？")),
    ],
)  # fmt: skip
def test_each_side_is_asked_alone(question, sides, asked) -> None:
    assert side_questions(question, spans(question, sides)) == asked


@pytest.mark.parametrize(
    ("question", "sides"),
    [("Compare Harrow and Pell", ("Harrow", "Pell")), ("緑茶と紅茶はどう違うの？", ("緑茶", "紅茶")),
     ("What is the difference between oats and rye?", ("oats", "rye"))],
)  # fmt: skip
def test_sides_of_which_nothing_is_asked_are_not_asked_alone(question, sides) -> None:
    assert side_questions(question, spans(question, sides)) is None


@pytest.mark.parametrize(
    ("question", "sides", "asked"),
    [
        ("plums in the garden notes: 2021 against 2022", ("2021", "2022"),
         "What about plums in the garden notes?"),
        ("How did the rent differ in 2021 and 2022?", ("2021", "2022"), "What about the rent?"),
        ("梅酒、2021年と2022年で漬ける時間はどう違う？", ("2021年", "2022年"), "梅酒、漬ける時間は？"),
    ],
)  # fmt: skip
def test_years_that_tell_works_apart_are_left_out(question, sides, asked) -> None:
    assert side_questions(question, spans(question, sides), told=True) == (asked, asked)


def test_years_tell_two_sides_apart() -> None:
    assert compared_years(["the 2021 notes", "the 2022 ones"]) == ("2021", "2022")
    assert compared_years(["２０２１年", "2022年"]) == ("2021", "2022")
    assert compared_years(["2021", "2021"]) is None
    assert compared_years(["notes of 2021 and 2020", "2022"]) is None
    assert compared_years(["the notes", "2022"]) is None
    assert compared_years(["Harrow fair of 2021", "Harrow fair of 2022"]) == ("2021", "2022")
    assert compared_years(["Harrow fair of 2021", "Pell fair of 2022"]) is None


def test_side_is_named_without_an_article() -> None:
    assert side_name("Is the ferry cheaper", (3, 12)) == "ferry"
    assert side_name("theatre", (0, 7)) == "theatre"
