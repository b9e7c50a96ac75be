"""The order in which a fit reads its rows: the same for the same seed and pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

SORTED = 40000  # rows that are sorted by length at a time
TWINS = 2000  # pairs of rows a pass that say the same in two languages, and are read together


@dataclass(frozen=True)
class Order:
    """Rows and how they are drawn.

    Attributes:
        sizes: The tokens of each row.
        often: How often each is used in a pass.
        same: Rows that say the same in other languages share a number; -1: none do.
        budget: The most tokens of a batch, padding included; a longer row is a batch by itself.
    """

    sizes: np.ndarray
    often: np.ndarray
    same: np.ndarray
    budget: int

    def one_pass(self, rng: np.random.Generator) -> Iterator[tuple[np.ndarray, bool]]:
        """Yield the row numbers of a pass, in batches of similar length, in random order.

        With each batch is said whether its rows 2i and 2i + 1 say the same. Those rows are in no
        other batch of the pass.
        """
        whole = np.floor(self.often).astype(int)
        times = whole + (rng.random(len(self.often)) < self.often - whole)
        twins = self._twins(np.flatnonzero(times), rng)
        times[twins.ravel()] = 0
        order = rng.permutation(np.repeat(np.arange(len(times)), times))
        groups = [
            (group, False)
            for at in range(0, len(order), SORTED)
            for group in self._grouped(order[at : at + SORTED], rng)
        ]
        groups += [(group, True) for group in self._grouped(twins, rng)]
        for i in rng.permutation(len(groups)):
            chosen, same = groups[i]
            yield chosen.ravel(), same

    def _twins(self, usable: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Choose at most TWINS pairs [n, 2] of rows that say the same."""
        rows = rng.permutation(usable[self.same[usable] >= 0])
        rows = rows[np.argsort(self.same[rows], kind="stable")]
        _, at, count = np.unique(self.same[rows], return_index=True, return_counts=True)
        at = rng.permutation(at[count > 1])[:TWINS]
        return np.stack([rows[at], rows[at + 1]], 1)

    def _grouped(self, rows: np.ndarray, rng: np.random.Generator) -> Iterator[np.ndarray]:
        """Divide rows [n], or pairs of rows [n, 2], into batches of similar length."""
        if not len(rows):
            return
        sizes = self.sizes[rows].reshape(len(rows), -1).max(1)
        order = np.argsort(sizes + rng.random(len(rows)) * 8)
        rows, ends = rows[order], np.maximum.accumulate(sizes[order])
        each = rows[0].size
        start = 0
        for i in range(len(rows)):
            if (i - start + 1) * each * ends[i] > self.budget and i > start:
                yield rows[start:i]
                start = i
        yield rows[start:]
