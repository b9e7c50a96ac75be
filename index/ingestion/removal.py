"""Sources taken out of the library, with everything that was kept of them."""

from __future__ import annotations

from collections.abc import Sequence

from corpus.store.store import Store
from corpus.store.uploads import UploadStore, upload_prefix
from corpus.types import Source
from corpus.web.http_cache import HttpCache
from corpus.web.paper_resolver import remove_from_cache


def remove_sources(
    store: Store, cache: HttpCache, uploads: UploadStore, source_ids: Sequence[str]
) -> list[Source]:
    """Delete sources, their passages, what was fetched of them and the files they were uploaded as.

    Returns what they were. ``index.ingestion.sync`` then drops them from the index. NotFound if one is
    not there: then none is deleted.
    """
    sources = [store.source(source_id) for source_id in source_ids]
    for source in sources:  # first: who is killed here can delete it again
        remove_from_cache(source, cache)
    store.delete(*source_ids)
    for source in sources:
        delete_unused_upload(store, uploads, source.url)
    return sources


def delete_unused_upload(store: Store, uploads: UploadStore, url: str) -> None:
    """Delete the file that an address is of, if it was uploaded and no source is read from it."""
    place = upload_prefix(url)
    if place and store.source_with_prefix(place) is None:
        uploads.forget(url)
