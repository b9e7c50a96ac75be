"""Sources taken out of the library, with everything that was kept of them."""

from __future__ import annotations

from collections.abc import Sequence

from corpus.cache import Cache
from corpus.forget import forget
from corpus.store import Store
from corpus.types import Source


def remove(store: Store, cache: Cache, source_ids: Sequence[str]) -> list[Source]:
    """Delete sources, their passages and what was fetched of them; returns what they were.

    ``index.sync`` then drops them from the index. NotFound if one is not there: none is deleted.
    """
    sources = [store.source(source_id) for source_id in source_ids]
    for source in sources:  # first: who is killed here can delete it again
        forget(source, cache)
    store.delete(*source_ids)
    return sources
