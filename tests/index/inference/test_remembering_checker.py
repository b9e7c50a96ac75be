"""The checker of most tests: it gives what the checker within it gives, and asks it only once."""

import numpy as np

from tests.support.remembering_checker import RememberingChecker

PAIRS = [("The sky is blue.", "The sky is red."), ("The sea is blue.", "The sea is red.")]


class Noisy:
    """A checker whose results depend on the number of pairs and on the method."""

    name, digest = "noisy", "d" * 64

    def __init__(self):
        self.calls = []

    def supports(self, pairs):
        self.calls.append(("supports", len(pairs)))
        return np.full((len(pairs), 3), 1 / (1 + len(pairs)), np.float32)

    def answers(self, pairs):
        self.calls.append(("answers", len(pairs)))
        return np.full(len(pairs), len(pairs), np.float32)

    def read(self, pairs):
        self.calls.append(("read", len(pairs)))
        return [(len(pairs), pair) for pair in pairs]

    def reads_whole(self, claim):
        return len(claim) < 9


def test_same_call_is_made_once_and_others_anew():
    noisy = Noisy()
    checker = RememberingChecker(noisy)
    for _ in range(2):
        for pairs in (PAIRS, PAIRS[:1], PAIRS[::-1]):
            np.testing.assert_array_equal(checker.supports(pairs), Noisy().supports(pairs))
            np.testing.assert_array_equal(checker.answers(pairs), Noisy().answers(pairs))
            assert checker.read(pairs) == Noisy().read(pairs)
    assert sorted(noisy.calls) == sorted(
        (name, count) for name in ("supports", "answers", "read") for count in (2, 1, 2)
    )
    assert (checker.name, checker.digest) == (noisy.name, noisy.digest)
    assert checker.reads_whole("short") and not checker.reads_whole("much longer")


def test_result_that_is_changed_is_not_remembered():
    checker = RememberingChecker(Noisy())
    checker.supports(PAIRS)[:] = 0
    checker.answers(PAIRS)[:] = 0
    checker.read(PAIRS).clear()
    assert checker.supports(PAIRS).all() and checker.answers(PAIRS).all() and checker.read(PAIRS)
