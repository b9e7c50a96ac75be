"""Removal of sources from the library, with everything that was stored of them."""

from __future__ import annotations

from collections.abc import Sequence

from corpus.store.originals import OriginalStore
from corpus.store.store import Store
from corpus.store.uploads import UploadStore, upload_prefix
from corpus.types import Source
from corpus.web.http_cache import HttpCache
from corpus.web.paper_resolver import remove_from_cache


def remove_sources(
    store: Store,
    cache: HttpCache,
    uploads: UploadStore,
    source_ids: Sequence[str],
    originals: OriginalStore | None = None,
) -> list[Source]:
    """Delete sources with their passages, cached responses, uploaded files and kept originals.

    The index still holds their passages until the next ``index.ingestion.sync.sync``; a search
    leaves out what the store no longer has.

    Returns:
        The sources as they were.

    Raises:
        NotFound: One of them does not exist; none was deleted.
    """
    sources = [store.source(source_id) for source_id in source_ids]
    # The cache comes first: if the process is killed here, the sources can be deleted again.
    for source in sources:
        remove_from_cache(source, cache)
        if originals:
            originals.forget(source.id)
    store.delete(*source_ids)
    for source in sources:
        delete_unused_upload(store, uploads, source.url)
    return sources


def delete_unused_upload(store: Store, uploads: UploadStore, url: str) -> None:
    """Delete an uploaded file, named by its address, if no source is read from it any more.

    Other addresses are ignored.
    """
    prefix = upload_prefix(url)
    if prefix and store.source_with_prefix(prefix) is None:
        uploads.forget(url)
