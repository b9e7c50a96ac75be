"""A source taken out of the library, with everything that was kept of it."""

from __future__ import annotations

from corpus.cache import Cache
from corpus.store import Store
from corpus.types import Source


def remove(store: Store, cache: Cache, source_id: str) -> Source:
    """Delete a source, its passages and what was fetched of it; returns what it was.

    ``index.sync`` then drops it from the index. NotFound if there is no such source.
    """
    source = store.source(source_id)
    store.delete(source_id)
    store.forget_unread(source.url)  # a digest's original: nobody waits for it any more
    cache.forget(source.url)
    return source
