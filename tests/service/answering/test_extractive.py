"""Quote mode: which windows are quoted."""

from dataclasses import replace

import pytest

from service.answering.answer_windows import AnswerWindow, answer_windows
from service.answering.extractive import (
    BEHIND,
    MAX_QUOTES,
    MAX_SCORE_GAP,
    quote_answer,
    quote_sides,
)
from service.types import Draft
from service.verification.provenance import Originals
from tests.support.readings import passage_evidence, read_passage

pytestmark = pytest.mark.usefixtures("plain")


def quoted(*odds: float, search: float = 0.0, most: int = MAX_QUOTES) -> list[Draft]:
    """Quote from passages with one sentence each, of which number n has the nth log-odds."""
    passages = [
        read_passage(
            "", {f"Room {n} ": each},
            evidence=passage_evidence(f"Room {n} is open.", n, score=search),
        )
        for n, each in enumerate(odds, 1)
    ]  # fmt: skip
    return quote_answer(answer_windows(passages, Originals(()), 6), most)


def test_best_window_is_quoted_whatever_its_place() -> None:
    assert quoted(-1.0, 3.0) == [Draft("Room 2 is open.", (2,))]
    assert quoted(-5.0) == [Draft("Room 1 is open.", (1,))]  # whether to answer was decided before
    assert quoted() == []


@pytest.mark.parametrize(
    ("odds", "labels"),
    [
        ((3.0, 3.0 - MAX_SCORE_GAP + 0.1), [1, 2]),
        ((3.0, 3.0 - MAX_SCORE_GAP - 0.1), [1]),
        ((0.5, 0.1), [1, 2]),
        ((0.5, -0.1), [1]),  # more likely does not answer
        ((3.0, 2.9, 2.8, 2.7), [1, 2, 3]),
        # The best does not surely answer.
        ((-0.2, -0.1 - BEHIND), [1, 2]),
        ((-0.2, -0.3 - BEHIND), [1]),
        ((-0.2, -0.3, -0.4, -0.5), [1, 2, 3]),
    ],
)
def test_further_quotes_answer_too_or_may_where_the_best_only_may(odds, labels) -> None:
    assert [draft.labels[0] for draft in quoted(*odds)] == labels


def rooms(*odds: float) -> list[Draft]:
    """Quote from passages of which the first and third name the same number."""
    texts = ("It has 40 maps.", "It has 77 maps.", "There are 40 maps, they say.")
    passages = [
        read_passage("", {"maps": each}, evidence=passage_evidence(text, n))
        for n, (text, each) in enumerate(zip(texts, odds, strict=True), 1)
    ]
    return quote_answer(answer_windows(passages, Originals(()), 6))


def test_what_says_the_same_follows_only_an_answer_that_is_sure() -> None:
    assert [draft.labels for draft in rooms(3.0, 2.0, 2.5)] == [(1,), (3,), (2,)]
    assert [draft.labels for draft in rooms(-0.2, -0.4, -0.3)] == [(1,), (2,)]


def test_those_that_follow_pass_a_bar() -> None:
    found = answer_windows(
        [read_passage("", {"Room": odds}, evidence=passage_evidence(f"Room {n}.", n))
         for n, odds in enumerate((-0.2, -0.3, -0.8), 1)], Originals(()), 6
    )  # fmt: skip
    assert [draft.labels for draft in quote_answer(found, 3, -0.5)] == [(1,), (2,)]
    assert len(quote_answer(found, 3)) == 3 and len(quote_answer(found, 3, 0.0)) == 1


def test_no_more_are_quoted_than_asked_for() -> None:
    assert len(quoted(3.0, 2.9, 2.8, most=1)) == 1
    assert len(quoted(3.0, 2.9, 2.8, most=2)) == 2


def sides(*read: dict[str, float]) -> list[list[AnswerWindow]]:
    """Return the windows of each of two sides, of the same passages with one sentence each.

    Each side gives the log-odds of sentences by a word in them.
    """
    texts = ("The pier costs 4 pounds.", "The mole costs 7 pounds.", "Dogs pay 2 pounds.")
    return [
        answer_windows(
            [read_passage("", odds, evidence=passage_evidence(text, n))
             for n, text in enumerate(texts, 1)], Originals(()), 6
        )
        for odds in read
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other", "labels"),
    [
        ({"pier": 3.0}, {"mole": 3.0}, [1, 2]),
        ({"pier": 3.0, "mole": 2.0}, {"pier": 3.5, "mole": 1.0}, [1, 2]),  # both by the pier's
        ({"mole": 3.0, "Dogs": 2.0}, {"mole": 3.0, "pier": 1.0}, [2, 3]),
        ({"pier": 3.0}, {"mole": -0.5, "Dogs": -1.0}, [1, 2, 3]),  # the other is not surely told of
    ],
)
def test_of_two_things_each_has_its_quote(one, other, labels) -> None:
    low = {"pier": -9.0, "mole": -9.0, "Dogs": -9.0}
    drafts = quote_sides(sides(low | one, low | other))
    assert [draft.labels[0] for draft in drafts] == labels


def test_of_both_sides_the_likeliest_other_follows() -> None:
    """Not the one that ranks higher: ranks are among the windows of one side."""
    one, other = sides(
        {"pier": 3.0, "mole": 1.8, "Dogs": -9.0}, {"pier": 3.0, "mole": -9.0, "Dogs": 2.0}
    )
    low = [other[0], replace(other[1], secondary=True), *other[2:]]
    assert low[1].score < one[1].score and low[1].certainty > one[1].certainty
    assert [draft.labels[0] for draft in quote_sides([one, low])] == [1, 3]


def test_where_one_thing_is_not_told_of_the_other_is_quoted() -> None:
    (found,) = sides({"pier": 3.0, "mole": -9.0, "Dogs": -9.0})
    assert [draft.labels for draft in quote_sides([found[:1], []])] == [(1,)]
    assert quote_sides([[], []]) == []
