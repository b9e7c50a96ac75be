"""Scores: what the search, the reader and the languages count, and probabilities."""

import json
import math

import numpy as np
import pytest

from service.answering.reranking import (
    MAX_MARGIN,
    NO_ANSWER,
    answer_features,
    answer_log_odds,
    combined_score,
    count_relevant,
    language_pair,
    margin_of,
    within_reach,
)
from service.verification.calibration import (
    CALIBRATION_FILE,
    RankingWeights,
    load_calibration,
    probability,
)
from tests.support.readings import passage_evidence


def test_calibration_has_a_weight_for_each_feature() -> None:
    features = answer_features(1.0, 2.0, 3.0, 90.0, 1.0, japanese=True, across=False)
    assert len(load_calibration().answers) == len(features)
    shipped = json.loads(CALIBRATION_FILE.read_text(encoding="utf-8"))["relevance"]
    weights = [w * x for w, x in zip(shipped["answers"], features, strict=True)]
    assert answer_log_odds(features, load_calibration().answers) == pytest.approx(sum(weights))


def test_better_readings_never_score_less() -> None:
    """Whatever a fit gives: neither a reading nor the search may count against an answer."""
    weights, odds = load_calibration().answers, (-8.0, -2.0, 0.0, 3.0)
    for japanese in (False, True):
        for across in (False, True):
            for scores in ([(x, x, 0.0) for x in odds], [(0.0, 0.0, x) for x in odds]):
                features = [answer_features(*each, 110.0, 1.0, japanese, across) for each in scores]
                certain = [answer_log_odds(each, weights) for each in features]
                assert certain == sorted(certain) and len(set(certain)) == 4
    ranking = load_calibration().ranking
    assert ranking.search >= 0 and ranking.again >= 0


@pytest.mark.parametrize(
    ("japanese", "across", "pair"),
    [(False, False, (0, 0, 0)), (True, False, (1, 0, 0)), (True, True, (0, 1, 0)), (False, True, (0, 0, 1))],
)  # fmt: skip
def test_features_tell_the_four_pairs_of_languages_apart(japanese, across, pair) -> None:
    scores = (1.5, 2.5, 0.7, 1.1, 0.0, 3.0, 1.5 * across, 0.7 * across, 1.1 * across)
    assert answer_features(1.5, 2.5, 0.7, 110.0, 3.0, japanese, across) == (*scores, *pair, 1.0)


@pytest.mark.parametrize(("margin", "counts"), [(-1.0, 0.0), (2.0, 2.0), (9.0, MAX_MARGIN)])
def test_margin_counts_within_bounds(margin, counts) -> None:
    assert answer_features(1.5, 2.5, 0.7, 110.0, margin, False, False)[5] == counts


def test_margin_is_that_over_the_best_rival_or_over_no_answer() -> None:
    assert margin_of(1.0, 70.0, 68.5) == 1.5
    assert margin_of(1.0, 70.0, 60.0) == margin_of(1.0, 70.0, None) == 1.0 - NO_ANSWER
    assert margin_of(-5.0, 70.0, None) < 0


@pytest.mark.parametrize(
    ("japanese", "across", "pair"),
    [(False, False, "en→en"), (True, False, "ja→ja"), (True, True, "ja→en"), (False, True, "en→ja")],
)  # fmt: skip
def test_each_pair_of_languages_has_a_threshold_of_its_own(japanese, across, pair) -> None:
    assert language_pair(japanese, across) == pair
    assert pair in load_calibration().answered_from


def test_combined_score_weighs_search_and_language() -> None:
    weights = RankingWeights(search=0.5, across=-2.0, again=1.0)
    assert combined_score(100.0, 3.0, across=False, weights=weights) == pytest.approx(53.0)
    assert combined_score(100.0, 3.0, across=True, weights=weights) == pytest.approx(51.0)


def test_probability_of_any_log_odds() -> None:
    assert probability(0.0) == 0.5 and probability(math.log(3)) == pytest.approx(0.75)
    assert probability(math.inf) == 1.0
    assert 0 <= probability(-math.inf) < 1e-20 and 0 <= probability(-1e9) < 1e-20


@pytest.mark.parametrize(
    ("odds", "wanted"),
    [
        ([2.0], 1),
        ([2.0, 1.0, -0.9, -1.1], 3),
        ([2.0, -5.0, 1.0, -5.0], 3),  # up to the last one that seems to answer
        ([-9.0, -9.5, 2.0, -9.0], 3),
        ([-9.0, -9.5], 2),
    ],
)
def test_model_reads_up_to_the_last_passage_near_the_best(odds, wanted) -> None:
    assert count_relevant(np.array(odds, np.float32)) == wanted


def test_question_is_within_reach_if_any_passage_is_near() -> None:
    far, near = passage_evidence("a", 1, score=100.0), passage_evidence("b", 2, score=120.0)
    assert within_reach([far, near]) and not within_reach([far]) and not within_reach([])
