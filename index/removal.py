"""Sources taken out of the library, with everything that was kept of them."""

from __future__ import annotations

from collections.abc import Sequence

from corpus.cache import Cache
from corpus.forget import forget
from corpus.store import Store
from corpus.types import Source
from corpus.uploads import Uploads, place_of


def remove(store: Store, cache: Cache, uploads: Uploads, source_ids: Sequence[str]) -> list[Source]:
    """Delete sources, their passages, what was fetched of them and the files they were uploaded as.

    Returns what they were. ``index.sync`` then drops them from the index. NotFound if one is
    not there: then none is deleted.
    """
    sources = [store.source(source_id) for source_id in source_ids]
    for source in sources:  # first: who is killed here can delete it again
        forget(source, cache)
    store.delete(*source_ids)
    for source in sources:
        forget_unused(store, uploads, source.url)
    return sources


def forget_unused(store: Store, uploads: Uploads, url: str) -> None:
    """Delete the file that an address is of, if it was uploaded and no source is read from it."""
    place = place_of(url)
    if place and store.source_from(place) is None:
        uploads.forget(url)
