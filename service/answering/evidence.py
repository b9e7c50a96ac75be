"""Evidence selection: the best hits, numbered, without repetitions and within a size limit.

A passage that repeats a better one of the same work is left out, unless it says something else: a
copy that disagrees is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain, zip_longest

from corpus.store.store import Store
from corpus.text.chunking import text_width
from corpus.text.near_duplicates import is_repetition
from corpus.types import pages_between
from index.lexical.tokenizer import is_japanese
from index.search import LANGUAGE_SHARE, Hit, Library
from service.text.numerals import mentioned, stated
from service.types import Evidence
from service.verification.provenance import Originals

REPEATED_SHARE = 0.6  # from which a passage repeats better ones in another language
ORIGINALS = 2  # passages, at most, of works that the hits only report on


def originals_of(store: Store) -> Originals:
    """Return which sources of a store report on others."""
    return Originals(source for source, _ in store.sources())


def with_originals(
    library: Library, originals: Originals, text: str, hits: Sequence[Hit], limit: int
) -> list[Hit]:
    """Add, behind the best hit, passages of works that the first ``limit`` hits only report on.

    So a work is not cut off by what reports on it.

    Args:
        library: Where the passages are looked up.
        originals: Tells which sources report on which works.
        text: What was searched for.
        hits: What was found, best first.
        limit: How many hits are read; at most a third as many passages are added.
    """
    found = {hit.source.id for hit in hits[:limit]}
    works = sorted(originals.works(found) - found)
    more = library.search(text, min(ORIGINALS, limit // 3), works) if works else []
    return [*hits[:1], *more, *hits[1:]]


def interleaved(found: Sequence[Sequence[Hit]]) -> list[Hit]:
    """Put the hits of several searches into one list, in turns, each passage once."""
    chosen: dict[str, Hit] = {}
    for hit in chain.from_iterable(zip_longest(*found)):
        if hit is not None:
            chosen.setdefault(hit.passage.id, hit)
    return list(chosen.values())


def reserve_languages(hits: Sequence[Hit], limit: int) -> list[Hit]:
    """Move hits forward so that each language has its share of the first ``limit``.

    The share is that of a search's results: it holds again for the fewer that are read.
    """
    japanese = [hit for hit in hits if is_japanese(hit.passage.text)]
    english = [hit for hit in hits if not is_japanese(hit.passage.text)]
    share = int(LANGUAGE_SHARE * limit)
    kept = {id(hit) for listed in (english, japanese) for hit in listed[:share]}
    first = [hit for hit in hits if id(hit) in kept]
    first += [hit for hit in hits if id(hit) not in kept][: max(0, limit - len(first))]
    chosen = {id(hit) for hit in first}
    front = [hit for hit in hits if id(hit) in chosen]
    return front + [hit for hit in hits if id(hit) not in chosen]


def select_evidence(
    hits: Sequence[Hit],
    limit: int,
    characters: int,
    twins: Mapping[tuple[str, str], float] | None = None,
) -> tuple[Evidence, ...]:
    """Choose the best hits as evidence, numbered from 1.

    A passage is left out if its words stand in a better one, if it is of another text of the same
    work and repeats what better ones say, or if there is no room for it; a later one may still fit.
    The best hit is always chosen.

    Args:
        hits: The hits, best first.
        limit: How many are chosen at most.
        characters: How long they are together at most, in units of ``text_width``.
        twins: For two passages in two languages, by their ids, the share of the first that stands
            in the second.
    """
    chosen: list[Evidence] = []
    room: float = characters
    for hit in hits:
        text = hit.passage.text
        if len(chosen) == limit:
            break
        if any(text in e.passage.text for e in chosen) or (chosen and text_width(text) > room):
            continue
        if _said_again(hit, chosen, twins or {}):
            continue
        room -= text_width(text)
        chosen.append(Evidence(len(chosen) + 1, hit.passage, hit.source, hit.score))
    return tuple(chosen)


def with_pages(store: Store, evidence: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """Add the printed pages to evidence that lies on several, by one query for all of it."""
    printed = {e.source.id for e in evidence if e.passage.page is not None}
    known = store.pages(printed) if printed else {}
    found = []
    for e in evidence:
        of_text = known.get((e.source.id, e.source.version), ())  # empty if replaced meanwhile
        pages = pages_between(of_text, e.passage.start, e.passage.end)
        found.append(replace(e, pages=tuple(pages)) if len(pages) > 1 else e)
    return tuple(found)


def _said_again(
    hit: Hit, chosen: Sequence[Evidence], twins: Mapping[tuple[str, str], float]
) -> bool:
    """Return whether other texts of a hit's work say it already, in its words or translated.

    A translation with another number says something else, which must not be hidden.
    """
    others = [
        e.passage
        for e in chosen
        if e.source.id != hit.source.id and e.source.work_key == hit.source.work_key
    ]
    if not others:
        return False
    if is_repetition([passage.text for passage in others], hit.passage.text):
        return True
    share = {p.id: twins.get((hit.passage.id, p.id), 0.0) for p in others}
    said = [p.text for p in others if share[p.id]]
    if sum(share.values()) < REPEATED_SHARE:
        return False
    return stated(hit.passage.text) <= mentioned("\n".join(said))
