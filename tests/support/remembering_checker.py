"""A checker that remembers what it has read, for the many tests that ask the same question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from index.inference.cross_encoder import Checker
from index.inference.parsed_question import ParsedQuestion
from index.inference.reading import Reading
from index.types import Floats

Pairs = Sequence[tuple[str, str]]


class RememberingChecker:
    """Gives the results of a checker, whose networks read the same pairs only once.

    It remembers whole calls, not pairs: the networks give a pair other last digits beside other
    pairs, and what a test gets must not depend on the tests before it. Tests of the networks
    themselves, of their speed, or of threads that share them use the checker within.
    """

    def __init__(self, checker: Checker) -> None:
        self._checker = checker
        self._known: dict[tuple[Any, ...], Any] = {}

    @property
    def name(self) -> str:
        return self._checker.name

    @property
    def digest(self) -> str:
        return self._checker.digest

    def supports(self, pairs: Pairs) -> Floats:
        return np.array(self._once(self._checker.supports, pairs))  # a copy: callers may write

    def answers(self, pairs: Pairs) -> Floats:
        return np.array(self._once(self._checker.answers, pairs))

    def read(self, pairs: Pairs) -> list[Reading]:
        return list(self._once(self._checker.read, pairs))

    def parse(self, questions: Sequence[str]) -> list[ParsedQuestion]:
        return self._checker.parse(questions)

    def reads_whole(self, claim: str) -> bool:
        return self._checker.reads_whole(claim)

    def _once(self, read: Callable[[Pairs], Any], pairs: Pairs) -> Any:
        call = (read.__name__, *pairs)
        if call not in self._known:
            self._known[call] = read(pairs)
        return self._known[call]
