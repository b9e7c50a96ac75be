"""Where a question is asked: chosen sources, collections, or the whole library."""

import pytest

from corpus.errors import NotFound
from corpus.store.store import Store
from corpus.types import Document, Source
from service.scope import Scope, find_scope, has_only_empty_collections, scope_of


@pytest.fixture
def store(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'tenkyo.db'}")
    for name in ("maps", "ships", "snow"):
        store.put(Document(Source(name, f"upload:{name}"), f"Text on {name}.", ()), [])
    for name, held in (("Sea", ["ships", "maps"]), ("North", ["ships", "snow"])):
        store.collections.add(store.collections.make(name).id, held)
    return store


def test_scope_holds_each_source_once(store):
    found = find_scope(store, scope_of(["snow"], ["SEA", "north"]))
    assert found.source_ids == ("snow", "maps", "ships")
    assert found.scope == Scope(("snow",), ("Sea", "North"))
    assert find_scope(store, scope_of()).source_ids is None


def test_spellings_of_one_name_are_looked_up_once(store, monkeypatch):
    table, looked_up = store.collections, []
    monkeypatch.setattr(table, "named", lambda name: looked_up.append(name) or table.all()[1])
    spellings = [" " * n + name for n in range(50) for name in ("sea", "Sea", "ＳＥＡ")]
    assert find_scope(store, scope_of(None, spellings)).scope.collections == ("Sea",)
    assert len(looked_up) == 1


def test_no_collection_is_not_the_whole_library(store):
    nowhere = scope_of(None, [])
    assert find_scope(store, nowhere).source_ids == ()
    assert nowhere.chosen == "collections" and has_only_empty_collections(store, nowhere)
    assert not has_only_empty_collections(store, scope_of())


def test_unknown_names_are_refused(store):
    for scope in (scope_of(["nope"]), scope_of(None, ["Sea", "nope"])):
        with pytest.raises(NotFound, match="'nope'"):
            find_scope(store, scope)
    assert has_only_empty_collections(store, scope_of(None, ["nope"]))
