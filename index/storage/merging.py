"""When segments are merged and rewritten, as passages come and go."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from index.storage.ann import APPROXIMATE_FROM
from index.storage.segment import Segment

SMALL_SEGMENT = 8192  # passages up to which two neighbouring segments are merged
MERGE_RATIO = 4  # two neighbours are merged unless the first is as many times larger
MAX_DELETED_ONE_IN = 8  # a segment with a larger share of deleted passages is rewritten


def without_rows(segment: Segment, rows: np.ndarray) -> Segment:
    """Return a segment without some rows: rewritten where it is small or much of it is deleted."""
    removed = segment.positions(rows)
    if not len(removed):
        return segment
    left = segment.without(removed)
    small = len(left) < APPROXIMATE_FROM
    if len(left) and (small or len(left.deleted) * MAX_DELETED_ONE_IN > len(left.rows)):
        return Segment.merged([left])
    return left


def merged_tail(segments: Sequence[Segment]) -> list[Segment]:
    """Return segments, with the last ones merged until each is much larger than the next."""
    left = list(segments)
    while len(left) > 1:
        before, last = len(left[-2]), len(left[-1])
        if before > MERGE_RATIO * last and before + last > SMALL_SEGMENT:
            break
        left[-2:] = [Segment.merged(left[-2:])]
    return left
