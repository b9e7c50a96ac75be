"""Batching of token rows by length, so that little time is spent on padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

TokenRows = Sequence[Sequence[int]]

_MAX_PADDING = 64  # tokens of a batch: computing them costs about as much as one more call


def length_buckets(rows: TokenRows, budget: int) -> Iterator[list[int]]:
    """Group rows of similar length into batches.

    Args:
        rows: Token ids of each text.
        budget: The most tokens of a batch, padding included; a longer row is a batch by itself.

    Yields:
        The indices of the rows of each batch.
    """
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    group: list[int] = []
    tokens = 0
    for i in order:
        padded = (len(group) + 1) * len(rows[i])
        if group and (padded > budget or padded - tokens - len(rows[i]) > _MAX_PADDING):
            yield group
            group, tokens = [], 0
        group.append(i)
        tokens += len(rows[i])
    if group:
        yield group


def pad_rows(
    rows: TokenRows, pad: int, width: int = 0
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Put rows of token ids into one array, padded at the end.

    Args:
        rows: Token ids of each text; at least one row.
        pad: The id of the padding token.
        width: The width of the array; 0 for the length of the longest row.

    Returns:
        The ids [n, width], and a mask of the same shape: 1 where there is a token, 0 for padding.
    """
    ids = np.full((len(rows), width or max(map(len, rows))), pad, np.int64)
    mask = np.zeros_like(ids)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = row
        mask[i, : len(row)] = 1
    return ids, mask
