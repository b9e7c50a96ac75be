"""Collections in the store: their names, what they hold, and what a deletion takes with it."""

import sqlite3
import zipfile
from pathlib import Path

import pytest

from corpus.errors import CollectionExists, CollectionRefused, NotFound
from corpus.store.store import Store
from corpus.types import Document, Source

RELEASED = Path(__file__).parents[2] / "data" / "released" / "data.zip"


@pytest.fixture
def store(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'tenkyo.db'}")
    for name in ("maps", "ships", "snow"):
        store.put(Document(Source(name, f"upload:{name}"), f"Text on {name}.", ()), [])
    return store


def held(store):
    return {each.name: each.source_ids for each in store.collections.all()}


def test_source_is_in_any_number_of_collections(store):
    table = store.collections
    sea, north = table.make("Sea"), table.make("北国")
    assert table.add(sea.id, ["ships", "maps", "ships"]).source_ids == ("maps", "ships")
    assert table.add(sea.id, ["maps"]).source_ids == ("maps", "ships")  # idempotent
    table.add(north.id, ["snow", "ships"])
    assert held(store) == {"Sea": ("maps", "ships"), "北国": ("ships", "snow")}
    assert table.remove(sea.id, ["maps", "snow", "nope"]).source_ids == ("ships",)
    assert table.get(sea.id) == table.named("SEA") and table.named("sea").source_ids == ("ships",)


def test_deleted_source_leaves_its_collections_and_deleted_collection_its_sources(store):
    table = store.collections
    sea = table.ensure("Sea")
    table.add(sea.id, ["ships", "maps"])
    store.delete("ships")
    assert table.named("Sea").source_ids == ("maps",)
    table.delete(sea.id)
    assert held(store) == {} and {s.id for s, _ in store.sources()} == {"maps", "snow"}
    for act in (table.get, table.delete, lambda id: table.rename(id, "x")):
        with pytest.raises(NotFound):
            act(sea.id)


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("  Deep   learning\n", "Deep learning"),
        ("ＡＢＣ　１２", "ABC 12"),
        ("音声認識", "音声認識"),
        ("Ünïcode / 東京 👩‍🔬", "Ünïcode / 東京 👩‍🔬"),
        ("a\x00b\ud800c", "a b c"),
        ("x" * 80, "x" * 80),
    ],
)
def test_names_are_cleaned(store, given, stored):
    made = store.collections.make(given)
    assert made.name == stored and store.collections.named(given) == made


@pytest.mark.parametrize("name", ["", "  \n", "\u200b", "\x07", "x" * 81, "㌖" * 30])
def test_names_that_cannot_be_used_are_refused(store, name):
    table = store.collections
    sea = table.make("Sea")
    for act in (table.make, table.ensure, lambda name: table.rename(sea.id, name)):
        with pytest.raises(CollectionRefused, match="name"):
            act(name)
    assert held(store) == {"Sea": ()}


@pytest.mark.parametrize("same", ["straße", "STRASSE", " Ｓtrasse ", "Strass\u200be"])
def test_names_are_unique_in_any_case(store, same):
    table = store.collections
    street, sea = table.make("Straße"), table.make("Sea")
    with pytest.raises(CollectionExists, match="another name"):
        table.make(same)
    with pytest.raises(CollectionExists):
        table.rename(sea.id, same)
    assert table.ensure(same) == street and table.rename(street.id, same).id == street.id
    assert len(held(store)) == 2


def test_unknown_source_adds_nothing_unless_passed_over(store):
    table = store.collections
    sea = table.make("Sea")
    with pytest.raises(NotFound, match="tenkyo sources"):
        table.add(sea.id, ["maps", "nope"])
    assert held(store) == {"Sea": ()}
    assert table.add(sea.id, ["maps", "nope"], skip_unknown=True).source_ids == ("maps",)


def test_message_on_unknown_collection_names_those_that_there_are(store):
    table = store.collections
    with pytest.raises(NotFound, match=r"none yet; `tenkyo collections make NAME`"):
        table.named("Sea")
    for n in range(12):
        table.make(f"Shelf {n:02}")
    with pytest.raises(NotFound, match=r"'Shelf 00', .*'Shelf 09' and 2 more"):
        table.named("Sea")


def test_folder_of_a_released_version_gets_the_tables(tmp_path):
    with zipfile.ZipFile(RELEASED) as archive:
        archive.extractall(tmp_path)
    database = tmp_path / "tenkyo.db"
    with sqlite3.connect(database) as db:
        assert not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'collections'").fetchone()
    store = Store(f"sqlite:///{database}")
    source, *_ = (each.id for each, _ in store.sources())
    made = store.collections.make("From before")
    store.collections.add(made.id, [source])
    backup = tmp_path / "backup.db"
    with sqlite3.connect(database) as db:
        db.execute("VACUUM INTO ?", [str(backup)])  # as docs/operations.md says
    assert held(Store(f"sqlite:///{backup}")) == {"From before": (source,)}
