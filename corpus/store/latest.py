"""Values that follow from the contents of a store, kept until these change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from corpus.store.store import Store

Value = TypeVar("Value")


class Latest(Generic[Value]):
    """A value computed from a store, and again when the store has changed. Safe to share.

    Args:
        store: The store.
        compute: Computes the value; it must not change the store.
    """

    def __init__(self, store: Store, compute: Callable[[Store], Value]) -> None:
        self._store, self._compute = store, compute
        self._latest: tuple[int, Value] | None = None

    def __call__(self) -> Value:
        """Return the value as of now."""
        changes, latest = self._store.change_count(), self._latest
        if latest is None or latest[0] != changes:  # which were counted before: it is no older
            latest = self._latest = changes, self._compute(self._store)
        return latest[1]
