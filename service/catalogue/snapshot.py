"""The catalogue of a library as it stands: its sources, and how each text begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from corpus.store.store import Store
from corpus.types import Passage, Source
from service.catalogue.matching import folded_letters
from service.catalogue.names import (
    NameKind,
    coined_names,
    defined_names,
    name_forms,
    names_of,
    words_of_names,
)
from service.text.alignment import content_words
from service.types import Evidence

_KEPT = 100_000  # sources whose names are cached
_OPENING = 3  # passages at the start of a text, in which it names its own work


@dataclass(frozen=True, slots=True)
class NameWords:
    """The content words of a source's names, and the letters of those names."""

    words: frozenset[str]
    letters: str

    def has(self, word: str) -> bool:
        """Return whether a content word is among them; a Japanese one may be part of one."""
        return word in self.words or (not word.isascii() and word in self.letters)


# Finding the names of a source takes longer than all else here. When the library changes, those of
# the other sources are still cached.


@lru_cache(_KEPT)
def _names(source: Source, coined: tuple[str, ...]) -> tuple[tuple[str, NameKind], ...]:
    listed = [(name.letters, name.kind) for name in names_of(source)]
    return (*listed, *((folded_letters(name), "coined name") for name in coined))


@lru_cache(_KEPT)
def _name_words(source: Source, coined: tuple[str, ...]) -> NameWords:
    text = words_of_names(source, coined)
    return NameWords(frozenset(w.text for w in content_words(text)), folded_letters(text))


@dataclass(frozen=True)
class Catalogue:
    """The sources of a library that have passages, ordered by id.

    Attributes:
        sources: The sources.
        first: The first passage of each, by the source's id.
        coined: The names that each text gives to its own work, by the source's id.
    """

    sources: tuple[Source, ...]
    first: Mapping[str, Passage]
    coined: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @cached_property
    def names(self) -> tuple[tuple[Source, str, NameKind], ...]:
        """Every name of every source as (source, name by its letters alone, kind of name)."""
        return tuple(
            (source, *name)
            for source in self.sources
            for name in _names(source, self.coined.get(source.id, ()))
        )

    @cached_property
    def name_words(self) -> tuple[tuple[Source, NameWords], ...]:
        """Every source with the words of its names."""
        return tuple((s, _name_words(s, self.coined.get(s.id, ()))) for s in self.sources)

    @cached_property
    def people(self) -> tuple[tuple[Source, int, tuple[tuple[str, str], ...]], ...]:
        """Every author as (source, place among its authors from 0, forms of the name).

        Each form stands beside the same without case.
        """
        return tuple(
            (source, place, tuple((form, form.casefold()) for form in forms))
            for source in self.sources
            for place, author in enumerate(source.authors)
            if (forms := name_forms(author))
        )

    def within(self, source_ids: Sequence[str] | None) -> Catalogue:
        """Return the catalogue of some sources only; of all for None."""
        if source_ids is None:
            return self
        chosen = set(source_ids)
        kept = tuple(source for source in self.sources if source.id in chosen)
        return Catalogue(kept, self.first, self.coined)

    def cards(self, sources: Sequence[Source]) -> tuple[Evidence, ...]:
        """Return the first passages of some sources as evidence, labelled from 1.

        A source without a passage has no card.
        """
        listed = [each for each in {s.id: s for s in sources}.values() if each.id in self.first]
        return tuple(
            Evidence(label, self.first[each.id], each, 0.0) for label, each in enumerate(listed, 1)
        )


def read_catalogue(store: Store) -> Catalogue:
    """Read the catalogue of a store."""
    first_rows = store.first_rows()
    opening = [row + n for row in first_rows.values() for n in range(_OPENING)]
    read = store.passages(opening)
    first: dict[str, Passage] = {}
    coined: dict[str, tuple[str, ...]] = {}
    sources: list[Source] = []
    for source_id, row in sorted(first_rows.items()):
        if row not in read:  # deleted meanwhile
            continue
        passage, source = read[row]
        near = [read[row + n][0] for n in range(_OPENING) if row + n in read]
        texts = [each.text for each in near if each.source_id == source_id]
        sources.append(source)
        first[source_id] = passage
        if names := (defined_names(texts) if source.kind == "digest" else coined_names(texts)):
            coined[source_id] = names
    return Catalogue(tuple(sources), first, coined)
