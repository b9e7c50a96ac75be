"""Readings: log-odds of parts of a text, from the logits of its tokens."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.inference.reading import NEVER, Reading


def reading(*tokens: tuple[int, int, float]) -> Reading:
    spans = np.array([token[:2] for token in tokens], np.int32).reshape(-1, 2)
    return Reading(spans, np.array([token[2] for token in tokens], np.float32))


FOUR = reading((0, 4, -2.0), (5, 9, 1.0), (9, 10, -3.0), (11, 15, 0.5))


@pytest.mark.parametrize(
    ("part", "logits"),
    [
        ((), [-2.0, 1.0, -3.0, 0.5]),
        ((0, 15), [-2.0, 1.0, -3.0, 0.5]),
        ((0, 10), [-2.0, 1.0, -3.0]),
        ((11,), [0.5]),
        ((5, 9), [1.0]),  # neither the token before nor the one after, which it touches
        ((4, 5), []),  # the space between two tokens
        ((7, 12), [1.0, -3.0, 0.5]),  # tokens that are partly in it count
        ((15, 99), []),
        ((7, 7), []),  # nothing of the token around it
        ((9, 5), []),
    ],
)
def test_part_has_the_odds_of_its_tokens(part: tuple[int, ...], logits: list[float]) -> None:
    wanted = math.log(sum(map(math.exp, logits))) if logits else NEVER
    assert FOUR.answers(*part) == pytest.approx(wanted)


def test_text_without_tokens_never_answers() -> None:
    assert reading().answers() == reading().answers(0, 5) == NEVER


def test_large_logits_do_not_overflow() -> None:
    big = reading((0, 1, 2000.0), (1, 2, 2000.0), (2, 3, -2000.0))
    assert big.answers() == pytest.approx(2000 + math.log(2))
    assert big.answers(2, 3) == pytest.approx(-2000)


@given(st.lists(st.floats(-20, 20), min_size=2, max_size=20), st.data())
def test_odds_of_two_parts_add_up_to_those_of_both(
    logits: list[float], data: st.DataObject
) -> None:
    whole = reading(*((n, n + 1, logit) for n, logit in enumerate(logits)))
    cut = data.draw(st.integers(1, len(logits) - 1))
    parts = whole.answers(0, cut), whole.answers(cut)
    assert whole.answers() == pytest.approx(np.logaddexp(*parts), abs=1e-4)
    assert whole.answers() >= max(parts) - 1e-4


@pytest.mark.parametrize(
    ("part", "words"),
    [((), (5, 9)), ((9,), (11, 15)), ((0, 4), (0, 4)), ((15, 99), (15, 15)), ((4, 5), (4, 4))],
)
def test_best_words_are_the_best_token_with_neighbours_nearly_as_good(part, words) -> None:
    assert FOUR.best_words(*part) == words


def test_neighbours_of_the_best_token_join_on_both_sides() -> None:
    found = reading((0, 2, 0.0), (3, 5, 1.5), (6, 8, 3.0), (9, 11, 1.1), (12, 14, 0.9))
    assert found.best_words() == (3, 11)
