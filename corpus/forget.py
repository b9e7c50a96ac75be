"""What was fetched of a source, out of the cache, at every address where it was fetched."""

from __future__ import annotations

from collections.abc import Iterator

from corpus.cache import HttpCache
from corpus.catalogue import entries
from corpus.links import paper
from corpus.papers import read_page
from corpus.types import Source


def remove_from_cache(source: Source, cache: HttpCache) -> None:
    """Remove what was fetched of a source: its page, and the PDF that a paper's page leads to.

    For who deletes a source, before ``Store.delete``: a process that is killed between the two
    leaves a source that can be deleted again.
    """
    for url in list(_addresses(source, cache)):
        cache.forget(url)


def _addresses(source: Source, cache: HttpCache) -> Iterator[str]:
    """Where ``index.ingest`` and ``corpus.papers`` look for the text of a source."""
    yield source.url
    yield from (e.fetch_url for e in entries() if e.source.id == source.id and e.fetch_url)
    if known := paper(source.url):
        if known.pdf:
            yield known.pdf
        page = cache.get(source.url)
        if page and (pdf := read_page(page).pdf):
            yield pdf
