"""Hits to numbered evidence, within what a model can read."""

from __future__ import annotations

from collections.abc import Sequence

from corpus.passages import width
from index.search import Hit, Library
from service.provenance import Originals
from service.types import Evidence

ORIGINALS = 2  # passages looked up in works that only others were found to report on


def with_originals(
    library: Library, originals: Originals, text: str, hits: Sequence[Hit], limit: int
) -> list[Hit]:
    """Hits with the nearest passages of works behind the best hit that the first ``limit`` only
    report on, at most a third of the limit: so none of them is cut off by what reports on it."""
    found = {hit.source.id for hit in hits[:limit]}
    works = sorted(originals.works(found) - found)
    more = library.search(text, min(ORIGINALS, limit // 3), works) if works else []
    return [*hits[:1], *more, *hits[1:]]


def select(hits: Sequence[Hit], limit: int, characters: int) -> tuple[Evidence, ...]:
    """The best hits as evidence, numbered from 1, of at most ``characters`` together, where a
    character of Japanese counts as several of English.

    A passage whose words stand in a better one already is left out, as is one that does not
    fit: what comes after it may. The best hit is always there.
    """
    chosen: list[Evidence] = []
    room: float = characters
    for hit in hits:
        text = hit.passage.text
        if len(chosen) == limit:
            break
        if any(text in e.passage.text for e in chosen) or (chosen and width(text) > room):
            continue
        room -= width(text)
        chosen.append(Evidence(len(chosen) + 1, hit.passage, hit.source, hit.score))
    return tuple(chosen)
