"""A source taken out of the library, with everything that was kept of it."""

from __future__ import annotations

from corpus.cache import Cache
from corpus.store import Store
from corpus.types import Source
from corpus.uploads import Uploads, place_of


def remove(store: Store, cache: Cache, uploads: Uploads, source_id: str) -> Source:
    """Delete a source, its passages, what was fetched of it and the file that was uploaded.

    Returns what it was. ``index.sync`` then drops it from the index. NotFound if there is no
    such source.
    """
    source = store.source(source_id)
    store.delete(source_id)
    cache.forget(source.url)
    forget_unused(store, uploads, source.url)
    return source


def forget_unused(store: Store, uploads: Uploads, url: str) -> None:
    """Delete the file that an address is of, if it was uploaded and no source is read from it."""
    place = place_of(url)
    if place and store.source_from(place) is None:
        uploads.forget(url)
