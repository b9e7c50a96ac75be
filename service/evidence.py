"""Hits to numbered evidence, within what a model can read."""

from __future__ import annotations

from collections.abc import Sequence

from corpus.passages import width
from index.search import Hit
from service.types import Evidence


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
