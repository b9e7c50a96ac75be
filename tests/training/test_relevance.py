"""The fit of ranking and certainty, on questions that a scripted reader read."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from index.types import Floats
from service.verification.calibration import RankingWeights
from tests.support.readings import ScriptedReader, passage_evidence, read_all
from training import data
from training.reading import Asked
from training.relevance import (
    AGAIN,
    ReadQuestion,
    best_again,
    best_ranking,
    best_windows,
    with_windows,
)
from training.sources import Row

RANKING = RankingWeights(1.0, 0.0, 0.0)
QUESTIONS = {"en": "Which room is open?", "ja": "開いている部屋はどこですか。"}


class ReadsAgain(ScriptedReader):
    """A reader by whose second reading windows with the word "open" answer."""

    def answers(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        return np.array([2.0 if "open" in text else -1.0 for text, _ in pairs], np.float32)


def asked(language: str, right: float, wrong: float, *, search: float = 0.0) -> ReadQuestion:
    """Make a question whose right and wrong sentence have some log-odds; each is a passage."""
    evidence = [
        passage_evidence("The blue room is shut.", 1, source="other"),
        passage_evidence("The red room is open.", 2, source="home", score=search),
    ]
    question = Asked(QUESTIONS[language], "home", ((0, 21),), answers=("red",))
    reader = ReadsAgain({"open": right, "shut": wrong})
    passages = tuple(read_all(question.question, evidence, reader))
    return ReadQuestion(f"{language}→en, own", 0, question, "home", passages)


def read_twice(questions: Sequence[ReadQuestion]) -> list[ReadQuestion]:
    return [with_windows(each, RANKING, ReadsAgain()) for each in questions]


def test_windows_are_those_of_the_passages_read_a_second_time() -> None:
    (found,) = read_twice([asked("en", -1.0, 0.5)])
    assert [(w.text, w.again) for w in found.windows] == [
        ("The blue room is shut.", -1.0),
        ("The red room is open.", 2.0),
    ]
    assert found.windows[0].passage.calibration.ranking == RANKING


def test_second_reading_counts_by_its_weight() -> None:
    (found,) = read_twice([asked("en", -1.0, 0.5)])
    assert [best_windows([found], again)[0].right for again in (0.0, 0.4, 0.7)] == [
        False,
        False,
        True,
    ]
    (best,) = best_windows([found], 0.7)
    assert best.features[0] == pytest.approx(-1.0) and best.features[2] == pytest.approx(2.0)


def test_least_weight_is_chosen_that_is_as_good_as_any() -> None:
    needs = [asked("en", 0.5 - 3 * weight + 0.2, 0.5) for weight in (0.0, 0.3)]
    assert best_again(read_twice(needs)) == pytest.approx(0.3)
    assert best_again(read_twice(needs[:1])) == AGAIN[0] == 0.0


def test_each_pair_of_languages_counts_alike() -> None:
    """A large weight of the search helps one Japanese question, and harms one of nine English."""
    harmed = asked("en", 1.0, 0.0, search=-0.8)
    found = [harmed, *[asked("en", 1.0, 0.0)] * 8, asked("ja", 0.0, 1.0, search=0.9)]
    assert best_ranking(found).search == pytest.approx(1.4)
    assert best_ranking(found[:9]).search == pytest.approx(0.3)


def test_what_does_not_name_its_subject_is_not_counted() -> None:
    found = [asked("en", 1.0, 0.0)]
    hard = asked("en", 0.0, 1.0, search=0.9)
    hard = replace(hard, asked=replace(hard.asked, source="written_en_en"))
    assert best_ranking([*found, hard]).search == pytest.approx(0.3)


def test_windows_become_rows_of_questions(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    row = {"question": "Which?", "text": "House\nIt is open.", "answers": 1, "set": "windows_sets"}
    file.write_text(json.dumps(row) + "\n", encoding="utf-8")
    assert list(data.window_rows(file)) == [
        Row("ans", "Which?", "House\nIt is open.", 1, "windows_sets")
    ]
    assert list(data.window_rows(None)) == []
