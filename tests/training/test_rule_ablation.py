"""The measure of each rule: networks that read nothing twice, and changes by set."""

import numpy as np
import pytest

from index.inference.cross_encoder import CrossEncoder
from training.rule_ablation import RememberingChecker, change_in_loss, mean_auc, mean_of_sets

SETS = np.array(["a"] * 4 + ["b"] * 2)


def test_no_pair_is_read_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[list[tuple[str, str]]] = []

    def supports(self, pairs):
        read.append(list(pairs))
        return np.array([[len(evidence), len(claim), 0] for evidence, claim in pairs], np.float32)

    monkeypatch.setattr(CrossEncoder, "supports", supports)
    checker = RememberingChecker.__new__(RememberingChecker)
    one, two = ("evidence", "claim"), ("other", "claim")
    assert checker.supports([one, one]).tolist() == [[8, 5, 0]] * 2
    assert checker.supports([two, one]).tolist() == [[5, 5, 0], [8, 5, 0]]
    assert checker.supports([]).shape == (0, 3)
    assert read == [[one], [two]]


def test_each_set_counts_alike() -> None:
    assert mean_of_sets(np.array([1.0, 1, 1, 1, 4, 4]), SETS) == pytest.approx(2.5)
    good = np.array([True, True, False, False, True, True])
    odds = np.array([3.0, 1, 2, 0, 5, 5])
    assert mean_auc(odds, good, SETS) == pytest.approx(0.75)  # "b" has no false one


def test_change_has_an_interval_around_it() -> None:
    before = np.array([1.0, 2, 1, 2, 1, 1])
    middle, low, high = change_in_loss(before, before + np.array([0.1, 0.3] * 2 + [0.2] * 2), SETS)
    assert middle == pytest.approx(0.2) and 0.1 < low < middle < high < 0.3
    assert change_in_loss(before, before, SETS) == pytest.approx([0.0, 0.0, 0.0])
