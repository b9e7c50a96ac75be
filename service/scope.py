"""The part of the library in which a question is asked: chosen sources, collections, or all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from corpus.errors import NotFound
from service.errors import CollectionNotFound

if TYPE_CHECKING:
    from corpus.store.store import Store

Chosen = Literal["", "source", "sources", "collection", "collections"]


@dataclass(frozen=True, slots=True)
class Scope:
    """Where to look: in the whole library if both are None, else in what is named.

    Attributes:
        source_ids: Sources, by their ids.
        collections: Collections, by their names.
    """

    source_ids: tuple[str, ...] | None = None
    collections: tuple[str, ...] | None = None

    @property
    def chosen(self) -> Chosen:
        """What a reader has chosen, to be named in a sentence; empty for the whole library."""
        if self.collections is not None:
            return "collection" if len(self.collections) == 1 else "collections"
        if self.source_ids is None:
            return ""
        return "source" if len(self.source_ids) == 1 else "sources"


EVERYWHERE = Scope()


def scope_of(
    source_ids: Sequence[str] | None = None, collections: Sequence[str] | None = None
) -> Scope:
    """Make a scope from the arguments of a request; None for those that are not given."""
    return Scope(
        None if source_ids is None else tuple(dict.fromkeys(source_ids)),
        None if collections is None else tuple(dict.fromkeys(collections)),
    )


@dataclass(frozen=True, slots=True)
class FoundScope:
    """What a scope holds at one moment.

    Attributes:
        scope: The scope, with the names of its collections as they are stored.
        source_ids: The ids of all its sources; None for the whole library.
    """

    scope: Scope
    source_ids: tuple[str, ...] | None


WHOLE_LIBRARY = FoundScope(EVERYWHERE, None)


def find_scope(store: Store, scope: Scope) -> FoundScope:
    """Look up what a scope holds now.

    Raises:
        NotFound: There is no such source or collection.
    """
    from corpus.store.collections import name_key  # loads SQLAlchemy, which a client does without

    for source_id in scope.source_ids or ():
        store.source(source_id)
    if scope.collections is None:
        return FoundScope(scope, scope.source_ids)
    # Spellings of one name are looked up once: there is no end of them.
    spelled = {name_key(name): name for name in scope.collections}
    try:
        found = [store.collections.named(name) for name in spelled.values()]
    except NotFound as error:
        raise CollectionNotFound(str(error)) from None
    ids = dict.fromkeys(scope.source_ids or ())
    for collection in found:
        ids.update(dict.fromkeys(collection.source_ids))
    names = tuple(collection.name for collection in found)
    return FoundScope(Scope(scope.source_ids, names), tuple(ids))


def has_only_empty_collections(store: Store, scope: Scope) -> bool:
    """Return whether a reader asks in collections of which none has a source, or is there, now."""
    try:
        return scope.collections is not None and not find_scope(store, scope).source_ids
    except NotFound:
        return True
