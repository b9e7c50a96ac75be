"""Rows of token ids, grouped so that little is computed for nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

TokenRows = Sequence[Sequence[int]]

_PADDING = 64  # tokens, about what one more call costs


def length_buckets(rows: TokenRows, budget: int) -> Iterator[list[int]]:
    """Row numbers in groups of like length, each at most ``budget`` tokens with its padding."""
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    group: list[int] = []
    tokens = 0
    for i in order:
        wide = (len(group) + 1) * len(rows[i])
        if group and (wide > budget or wide - tokens - len(rows[i]) > _PADDING):
            yield group
            group, tokens = [], 0
        group.append(i)
        tokens += len(rows[i])
    if group:
        yield group


def pad_rows(
    rows: TokenRows, pad: int, width: int = 0
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows side by side [n, width], and a mask of the same shape: 1 where there is a token.

    ``width`` is that of the longest, unless given.
    """
    ids = np.full((len(rows), width or max(map(len, rows))), pad, np.int64)
    mask = np.zeros_like(ids)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = row
        mask[i, : len(row)] = 1
    return ids, mask
