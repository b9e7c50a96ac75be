"""corpus.store.store: documents in SQLite, also under concurrency and killed processes."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.errors import NotFound, StoreError
from corpus.store.latest import Latest
from corpus.store.store import Store, StoreChange
from corpus.text.chunking import split_into_passages
from corpus.types import Document, PageSpan, Passage, Section, Source, text_hash
from service.answering.evidence import originals_of
from service.verification.provenance import Originals


def document(source_id: str, text: str = "One. Two.") -> Document:
    return Document(Source(source_id, f"https://example.org/{source_id}"), text)


def put(store: Store, doc: Document) -> StoreChange:
    return store.put(doc, split_into_passages(doc))


def contents(store: Store) -> object:
    """Everything that a store returns about its documents."""
    sources = store.sources()
    return (
        [(store.document(source.id), count) for source, count in sources],
        store.passages(range(1, 2000)),
        store.revision(),
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(f"sqlite:///{tmp_path / 'deep' / 'tenkyo.db'}")


def test_stored_document_is_returned_unchanged(store: Store) -> None:
    source = Source(
        "a", "https://example.org/a", "題 𝄞", "paper", ("A. B.", "文 太郎"), "V", "2022-01",
        "ja", "MIT", ("x", "y"), "2026-01-01T00:00:00+00:00",
    )  # fmt: skip
    text = "題\n\n本文です。More text."
    doc = Document(source, text, (Section("題", 1, 0, len(text)),), (PageSpan(7, 0, len(text)),))
    assert put(store, doc) == StoreChange(1, 0)
    saved = replace(source, version=text_hash(text), work="a")
    again = Store(store.database.url)
    assert again.document("a") == replace(doc, source=saved)
    assert again.source("a") == saved
    (passage,) = split_into_passages(doc)
    assert (passage.page, passage.heading) == (7, "題")
    assert again.passages([1]) == {1: (passage, saved)}
    assert again.passage(passage.id) == passage
    assert again.sources() == [(saved, 1)]


def test_ocr_flag_is_stored_and_false_in_older_databases(store: Store) -> None:
    pages = (PageSpan(1, 0, 4, ocr=True), PageSpan(2, 5, 9))
    put(store, replace(document("a"), pages=pages))
    assert store.document("a").pages == pages
    old = '[{"number": 1, "start": 0, "end": 4}]'
    with sqlite3.connect(store.database.url.removeprefix("sqlite:///")) as db:
        db.execute("UPDATE documents SET pages = ?", (old,))
    db.close()
    assert store.document("a").pages == (PageSpan(1, 0, 4),)


def test_put_is_idempotent(store: Store) -> None:
    put(store, document("a"))
    before = contents(store)
    assert put(store, document("a")) == StoreChange(0, 0)
    assert contents(store) == before


def test_metadata_is_updated_without_changing_passages(store: Store) -> None:
    put(store, document("a"))
    rows, revision = store.rows(), store.revision()
    doc = document("a")
    assert put(store, replace(doc, source=replace(doc.source, venue="V"))) == StoreChange(0, 0)
    assert store.source("a").venue == "V"
    assert (store.rows(), store.revision()) == (rows, revision)


def test_new_title_replaces_passages(store: Store) -> None:
    put(store, document("a"))
    doc = document("a")
    assert put(store, replace(doc, source=replace(doc.source, title="T"))).added
    assert store.source("a").title == "T"


def test_changed_document_replaces_the_old_one(store: Store) -> None:
    put(store, document("a", "Old. " * 400))
    put(store, document("b"))
    old, kept = store.rows(["a"]), store.rows(["b"])
    assert put(store, document("a", "New.")) == StoreChange(1, len(old))
    (new,) = store.rows(["a"])
    assert new > max(old + kept) and store.rows(["b"]) == kept
    assert store.document("a").text == "New."
    assert store.passages(old) == {}


def test_changed_pages_and_headings_replace_passages(store: Store) -> None:
    doc = document("a", "Title\n\nText.")
    titled = replace(doc, sections=(Section("Title", 1, 0, 12),))
    put(store, titled)
    renamed = replace(titled, sections=(Section("Chapter", 1, 0, 0), Section("Title", 2, 0, 12)))
    assert put(store, renamed) == StoreChange(1, 1)
    paged = replace(renamed, pages=(PageSpan(3, 0, 12),))
    assert put(store, paged) == StoreChange(1, 1)
    (passage, _source) = store.passages(store.rows())[store.rows()[0]]
    assert (passage.heading, passage.page) == ("Chapter › Title", 3)
    assert (store.document("a").sections, store.document("a").pages) == (
        paged.sections, paged.pages,
    )  # fmt: skip


def test_document_without_passages_is_stored(store: Store) -> None:
    put(store, document("a", "\n"))
    assert store.document("a").text == "\n" and store.rows() == []
    put(store, document("a", "Text."))
    put(store, document("a", "\n"))
    assert store.document("a").text == "\n" and store.rows() == []


def test_delete_removes_only_that_document_and_its_passages(store: Store) -> None:
    put(store, document("a"))
    (row,) = store.rows()
    passage, _source = store.passages([row])[row]
    put(store, document("b"))
    store.delete("a")
    assert [source.id for source, _ in store.sources()] == ["b"]
    assert store.passages([row]) == {} and len(store.rows()) == 1
    for method in (store.source, store.document, store.delete):
        with pytest.raises(NotFound, match=r"'a'.*`tenkyo sources`"):
            method("a")
    with pytest.raises(NotFound, match=passage.id):
        store.passage(passage.id)


def test_source_is_found_by_url(store: Store) -> None:
    put(store, document("b"))
    put(store, replace(document("a"), source=Source("a", "https://example.org/b")))
    put(store, document("c"))
    assert store.source_at("https://example.org/b") == store.source("a")
    assert store.source_at("https://example.org/a") is None


def test_citing_sources_are_added_once(store: Store) -> None:
    put(store, document("a"))
    revision = store.revision()
    store.add_citing("a", ["x", "y"])
    store.add_citing("a", ["y", "z"])
    assert store.source("a").cited_by == ("x", "y", "z") and store.revision() == revision
    with pytest.raises(NotFound, match="no source 'none'"):
        store.add_citing("none", ["x"])


def test_row_numbers_are_never_reused(store: Store) -> None:
    seen: set[int] = set()
    for _ in range(4):
        put(store, document("a"))
        (row,) = store.rows()
        assert row not in seen
        seen.add(row)
        store.delete("a")
        store = Store(store.database.url)  # also not by a later process


def test_rows_of_some_sources(store: Store) -> None:
    for name in "abc":
        put(store, document(name, "Some words. " * 200))
    a, b, c = (store.rows([name]) for name in "abc")
    assert len(a) > 1 and store.rows(["c", "a", "none"]) == a + c
    assert store.rows() == a + b + c and store.rows([]) == []


operations = st.tuples(st.sampled_from("abc"), st.sampled_from(["One.", "Two.", "One. " * 300, ""]))


@settings(max_examples=50, deadline=None)
@given(st.lists(operations, max_size=8))
def test_revision_changes_exactly_when_passages_do(steps: list[tuple[str, str]]) -> None:
    store = Store("sqlite://")
    revisions: dict[str, object] = {}
    states: dict[object, str] = {}
    for name, text in [*steps, ("a", "Last."), ("a", "")]:
        if text:
            put(store, document(name, text))
        elif any(source.id == name for source, _ in store.sources()):
            store.delete(name)
        state = tuple((row, p.id) for row, (p, _) in store.passages(store.rows()).items())
        assert revisions.setdefault(store.revision(), state) == state
        assert states.setdefault(state, store.revision()) == store.revision()


def test_different_databases_have_different_revisions(tmp_path: Path) -> None:
    one, two = (Store(f"sqlite:///{tmp_path}/{name}.db") for name in "ab")
    assert one.revision() == two.revision()
    put(one, document("a", "One."))
    put(two, document("a", "Two."))
    assert one.revision() != two.revision()


def test_failed_transaction_changes_nothing(store: Store) -> None:
    put(store, document("a"))
    put(store, document("b", "Old."))
    before = contents(store)
    new = document("b", "New. " * 400)
    passages = split_into_passages(new)
    with pytest.raises(StoreError, match="UNIQUE"):
        store.put(new, [*passages, passages[0]])
    assert contents(store) == before
    stolen = replace(
        split_into_passages(document("a"))[0], source_id="b"
    )  # an id that another source has
    with pytest.raises(StoreError, match="UNIQUE"):
        store.put(new, [*passages, stolen])
    assert contents(store) == before
    assert put(store, new) == StoreChange(len(passages), 1)


def test_reads_are_isolated_from_concurrent_deletion(store: Store) -> None:
    """A source deleted while its passages are being read is read completely or not at all."""
    put(store, document("a", "Some words. " * 200))

    class Rows(list[int]):
        """More rows than one query takes; the source is deleted between two queries."""

        def __getitem__(self, part: slice) -> list[int]:
            if part.start:
                store.delete("a")
            return list(self)[part]

    found = store.passages(Rows(range(1, 600)))
    assert len(found) > 1 and {source.id for _, source in found.values()} == {"a"}
    assert store.rows() == []


def test_threads_can_write_and_read_concurrently(store: Store) -> None:
    errors: list[BaseException] = []
    stop = threading.Event()

    def guarded(work: object, *args: object) -> None:
        try:
            work(*args)
        except BaseException as error:
            errors.append(error)

    def write(name: str) -> None:
        for i in range(12):
            put(store, document(name, f"Version {i} of {name}. " * (20 + 40 * (i % 2))))
            put(store, document("both", f"Version {i}."))
            if i % 5 == 4:
                store.delete(name)

    def read() -> None:
        while not stop.is_set():
            for passage, source in store.passages(store.rows()).values():
                assert passage.source_id == source.id
            store.revision()

    writers = [threading.Thread(target=guarded, args=(write, name)) for name in "ab"]
    reader = threading.Thread(target=guarded, args=(read,))
    for thread in (*writers, reader):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    reader.join()
    assert errors == []
    assert [source.id for source, _ in store.sources()] == ["a", "b", "both"]
    for name in "ab":
        doc = store.document(name)
        assert doc.text == f"Version 11 of {name}. " * 60
        assert [p for p, _ in store.passages(store.rows([name])).values()] == split_into_passages(
            doc
        )


def test_new_database_can_be_opened_concurrently(tmp_path: Path) -> None:
    errors: list[Exception] = []
    for i in range(5):
        barrier = threading.Barrier(6)

        def opening(url: str, barrier: threading.Barrier) -> None:
            barrier.wait()
            try:
                put(Store(url), document(threading.current_thread().name))
            except Exception as error:
                errors.append(error)

        url = f"sqlite:///{tmp_path}/{i}.db"
        threads = [threading.Thread(target=opening, args=(url, barrier)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert len(Store(url).sources()) == 6


KILLED = """
import os, sys
from corpus.text.chunking import split_into_passages
from corpus.store.store import Store
from corpus.types import Document, Source

class Dying(list):
    rounds = 0
    def __iter__(self):
        self.rounds += 1
        for i, passage in enumerate(list.__iter__(self)):
            if self.rounds == int(sys.argv[2]) and i == 3:
                os._exit(7)
            yield passage

store = Store(sys.argv[1])
store.put(first := Document(Source("first", "u"), "First."), split_into_passages(first))
store.put(old := Document(Source("old", "u"), "Old."), split_into_passages(old))
new = Document(Source(sys.argv[3], "u"), "New words. " * 1000)
store.put(new, Dying(split_into_passages(new)))
"""


@pytest.mark.process
@pytest.mark.parametrize("name", ["old", "new"])
@pytest.mark.parametrize("when", [1, 2])
def test_killed_process_loses_no_committed_document(tmp_path: Path, name: str, when: int) -> None:
    url = f"sqlite:///{tmp_path}/tenkyo.db"
    arguments = [sys.executable, "-c", KILLED, url, str(when), name]
    assert subprocess.run(arguments, timeout=60).returncode == 7
    store = Store(url)
    assert [(source.id, count) for source, count in store.sources()] == [("first", 1), ("old", 1)]
    assert [store.document(name).text for name in ("first", "old")] == ["First.", "Old."]
    assert put(store, document(name, "New.")).added == 1


def test_given_passages_are_stored_unchanged(store: Store) -> None:
    doc = document("a", "Some text. And more.")
    mine = Passage("0123456789abcdef", "a", 5, 10, "text.", "H", 2)
    assert store.put(doc, [mine]) == StoreChange(1, 0)
    assert store.passage(mine.id) == mine


def test_record_of_what_could_not_be_read_has_the_code_of_the_last_attempt(store: Store) -> None:
    place = "https://example.org/c"
    for reason, problem in [("it answered 404", "not found"), ("no idea", ""), ("late", "busy")]:
        store.record_unread(place, reason, "C", problem)
        (record,) = store.unread()
        assert (record.place, record.title, record.reason) == (place, "C", reason)
        assert record.problem == problem and record.tried_at
    store.clear_unread(place)
    store.record_unread(place, "as an earlier release would have it")
    assert [record.problem for record in store.unread()] == [""]


def test_writes_of_every_connection_are_counted(store: Store) -> None:
    """Results computed from the sources can be cached until the count changes."""
    put(store, document("a"))
    other, latest = Store(store.database.url), Latest(store, originals_of)
    for write in (
        lambda: put(other, document("b")),
        lambda: other.add_citing("b", ["a"]),
        lambda: other.record_unread("https://example.org/c", "gone"),
        lambda: other.delete("b"),
    ):
        changes, known = store.change_count(), latest()
        assert latest() is known and store.change_count() == changes == other.change_count()
        write()
        assert store.change_count() > changes and latest() is not known
        fresh = Store(store.database.url)
        assert store.revision() == fresh.revision() and store.sources() == fresh.sources()
        expected = Originals(source for source, _ in fresh.sources())
        assert latest().works(["a"]) == expected.works(["a"])
