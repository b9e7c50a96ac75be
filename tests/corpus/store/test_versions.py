"""corpus.store.versions: former texts and passages of a source stay available."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.errors import NotFound
from corpus.store.store import Store, StoreChange, Version
from corpus.text.chunking import split_into_passages
from corpus.types import (
    Document,
    PageSpan,
    Passage,
    Section,
    Source,
    Unread,
    passage_id,
    text_hash,
)

LONG = "The room holds 40,000 maps of the city. " * 60


def document(source_id: str, text: str, read: str = "") -> Document:
    return Document(Source(source_id, f"https://example.org/{source_id}", retrieved_at=read), text)


def put(store: Store, source_id: str, text: str, read: str = "") -> list[Passage]:
    doc = document(source_id, text, read)
    store.put(doc, passages := split_into_passages(doc))
    return passages


def cut(doc: Document, *ends: int) -> list[Passage]:
    """Passages of a text that end at given offsets, as another release might cut it."""
    version, spans = text_hash(doc.text), zip((0, *ends), ends, strict=False)
    return [
        Passage(passage_id(doc.source.id, version, a, b), doc.source.id, a, b, doc.text[a:b])
        for a, b in spans
    ]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(f"sqlite:///{tmp_path / 'tenkyo.db'}")


@pytest.mark.parametrize(("by_ocr", "found"), [((1,), []), ((2,), [2]), ((2, 3), [2, 3]), ((), [])])
def test_passage_names_all_its_pages_that_were_read_by_ocr(
    store: Store, by_ocr: tuple[int, ...], found: list[int]
) -> None:
    text = "On the first page. It begins on the second page and ends on the third."
    starts = (0, 19, 52, len(text))
    pages = tuple(
        PageSpan(n, start, end, n in by_ocr) for n, (start, end) in enumerate(pairwise(starts), 1)
    )
    doc = replace(document("a", text), pages=pages)
    passages = cut(doc, 19, len(text))
    store.put(doc, passages)
    located = store.locate_passage(passages[1].id)
    assert (located.ocr_pages, located.ocr) == (found, bool(found))


def test_former_passage_is_found_with_its_former_document(store: Store) -> None:
    old = Document(
        Source("a", "https://example.org/a", "Old title", "digest", ("A. B.",), venue="V"),
        f"Title\n\n{LONG}", (Section("Title", 1, 0, 7 + len(LONG)),), (PageSpan(3, 0, len(LONG)),),
    )  # fmt: skip
    store.put(old, passages := split_into_passages(old))
    as_it_was = store.document("a")
    new = Source("a", "https://example.org/other", "New title", "paper", cited_by=("x",))
    store.put(Document(new, "Something else."), [])
    assert len(passages) > 1
    for passage in passages:
        located = store.locate_passage(passage.id)
        assert (located.passage, located.current) == (passage, False)
        assert store.passage(passage.id) == passage
        then = located.document
        assert then == replace(as_it_was, source=replace(as_it_was.source, cited_by=("x",)))
        assert then.text[passage.start : passage.end] == passage.text
    assert store.document("a", text_hash(old.text)) == then
    assert store.document("a", text_hash("Something else.")) == store.document("a")
    assert store.document("a").source.title == "New title" and store.source("a").kind == "paper"


def test_former_passages_are_not_searched_or_counted(store: Store) -> None:
    put(store, "a", LONG)
    old = store.rows()
    (new,) = put(store, "a", "New.")
    (row,) = store.rows()
    assert row not in old and store.passages([*old, row]) == {row: (new, store.source("a"))}
    assert [count for _, count in store.sources()] == [1]
    fresh = Store("sqlite://")
    put(fresh, "a", LONG)
    revision = fresh.revision()
    put(fresh, "a", "New.")
    assert fresh.revision() != revision


def test_returning_text_becomes_current_again(store: Store) -> None:
    first = put(store, "a", LONG, "2026-01-01")
    (second,) = put(store, "a", "New.", "2026-01-02")
    assert put(store, "a", LONG, "2026-01-03") == first
    assert all(store.locate_passage(p.id).current for p in first)
    assert not store.locate_passage(second.id).current
    current, former = store.versions("a")
    assert current == Version(text_hash(LONG), "2026-01-03", "", len(first))
    assert (former.version, former.retrieved_at, former.passages) == (
        text_hash("New."), "2026-01-02", 1,
    )  # fmt: skip
    put(store, "a", "New.", "2026-01-04")
    back, again = store.versions("a")
    assert (back.version, again.version) == (former.version, current.version)
    assert again.retrieved_at == "2026-01-03" and again.replaced_at > former.replaced_at
    assert not store.locate_passage(first[0].id).current and store.locate_passage(second.id).current


def test_versions_are_newest_first(store: Store) -> None:
    texts = ["One.", "Two. " * 400, "Three.", "\n", ""]
    passages = [put(store, "a", text, f"2026-01-0{n}") for n, text in enumerate(texts, 1)]
    put(store, "b", "Other.")
    found = store.versions("a")
    assert [v.version for v in found] == [text_hash(text) for text in reversed(texts)]
    assert [v.retrieved_at for v in found] == [f"2026-01-0{n}" for n in (5, 4, 3, 2, 1)]
    assert [v.passages for v in found] == [len(each) for each in reversed(passages)]
    times = [v.replaced_at for v in found]
    assert times[0] == "" and times[1:] == sorted(times[1:], reverse=True)
    assert [store.document("a", v.version).text for v in found] == texts[::-1]
    with pytest.raises(NotFound, match="'a' has had no version 'none'"):
        store.document("a", "none")
    with pytest.raises(NotFound, match="no source 'none'"):
        store.versions("none")


def test_unchanged_text_adds_no_version(store: Store) -> None:
    put(store, "a", LONG, "2026-01-01")
    put(store, "a", LONG, "2026-01-02")
    doc = document("a", LONG, "2026-01-03")
    titled = replace(doc, source=replace(doc.source, title="T"), pages=(PageSpan(1, 0, len(LONG)),))
    assert store.put(titled, split_into_passages(titled)).added
    (only,) = store.versions("a")
    assert (only.retrieved_at, only.replaced_at) == ("2026-01-03", "")
    assert all(store.locate_passage(p.id).current for p in split_into_passages(titled))


def test_rechunked_text_keeps_its_former_passages(store: Store) -> None:
    doc = document("a", "One. Two. Three.")
    old, new = cut(doc, 9, 16), cut(doc, 4, 16)
    store.put(doc, old)
    assert store.put(doc, new) == StoreChange(2, 2)
    for passage, current in [(p, False) for p in old] + [(p, True) for p in new]:
        located = store.locate_passage(passage.id)
        assert (located.passage, located.current) == (passage, current)
        assert located.document == store.document("a")
    assert len(store.versions("a")) == 1
    store.put(doc, old)
    assert [store.locate_passage(p.id).current for p in (*old, *new)] == [True, True, False, False]
    put(store, "a", "Other.")
    assert [store.passage(p.id) for p in (*old, *new)] == [*old, *new]


def test_former_passage_names_its_replacement(store: Store) -> None:
    doc = document("a", "One two. Three. Four. Five.")
    same, within, across, gone = cut(doc, 8, 15, 21, 27)
    store.put(doc, [same, within, across, gone])
    assert store.locate_passage(same.id).replaced_by is None
    new = document("a", "Here: One two. One\n two. Now Three. Then Fo ur.")
    containing, equal, third, fourth, fifth = cut(new, 14, 24, 35, 43, 47)
    store.put(new, [containing, equal, third, fourth, fifth])
    put(store, "b", "Five.")  # another source's words are its own
    found = [store.locate_passage(p.id).replaced_by for p in (same, within, across, gone)]
    assert found == [equal.id, third.id, None, None]


OLD_SCHEMA = """
CREATE TABLE sources (
    id VARCHAR NOT NULL, url VARCHAR DEFAULT '' NOT NULL, title VARCHAR DEFAULT '' NOT NULL,
    kind VARCHAR DEFAULT '' NOT NULL, venue VARCHAR DEFAULT '' NOT NULL,
    published VARCHAR DEFAULT '' NOT NULL, language VARCHAR DEFAULT '' NOT NULL,
    licence VARCHAR DEFAULT '' NOT NULL, authors JSON NOT NULL, cited_by JSON NOT NULL,
    retrieved_at VARCHAR DEFAULT '' NOT NULL, version VARCHAR DEFAULT '' NOT NULL,
    PRIMARY KEY (id));
CREATE TABLE documents (
    source_id VARCHAR NOT NULL, text TEXT NOT NULL, sections JSON NOT NULL, pages JSON NOT NULL,
    PRIMARY KEY (source_id), FOREIGN KEY(source_id) REFERENCES sources (id) ON DELETE CASCADE);
CREATE TABLE passages (
    "row" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, id VARCHAR(16) NOT NULL,
    source_id VARCHAR NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL,
    text TEXT NOT NULL, heading VARCHAR NOT NULL, page INTEGER,
    UNIQUE (id), FOREIGN KEY(source_id) REFERENCES sources (id) ON DELETE CASCADE);
CREATE INDEX ix_passages_source_id ON passages (source_id);
CREATE TABLE unread (
    place VARCHAR NOT NULL, title VARCHAR DEFAULT '' NOT NULL, reason VARCHAR NOT NULL,
    tried_at VARCHAR NOT NULL, PRIMARY KEY (place));
"""


def test_database_of_an_earlier_release_can_be_used(tmp_path: Path) -> None:
    doc = document("a", LONG)
    passages = split_into_passages(doc)
    with sqlite3.connect(tmp_path / "tenkyo.db") as old:
        old.executescript(OLD_SCHEMA)
        old.execute(
            "INSERT INTO sources VALUES ('a', ?, 'T', 'web', '', '', 'en', '', '[\"A. B.\"]',"
            " '[]', '2025', ?)",
            (doc.source.url, text_hash(LONG)),
        )
        old.execute("INSERT INTO documents VALUES ('a', ?, '[]', '[]')", (LONG,))
        rows = [(p.id, p.start, p.end, p.text) for p in passages]
        old.execute("INSERT INTO unread VALUES ('https://example.org/b', 'B', 'gone', '2025')")
        old.executemany("INSERT INTO passages VALUES (NULL, ?, 'a', ?, ?, ?, '', NULL)", rows)
    old.close()
    store = Store(f"sqlite:///{tmp_path / 'tenkyo.db'}")
    assert store.versions("a") == [Version(text_hash(LONG), "2025", "", len(passages))]
    assert store.unread() == [Unread("https://example.org/b", "B", "gone", "2025")]
    store.record_unread("https://example.org/b", "it answered 404", "B", "not found")
    assert [each.problem for each in store.unread()] == ["not found"]
    assert store.passage(passages[1].id) == passages[1]
    put(store, "a", "New.")
    located = store.locate_passage(passages[1].id)
    assert (located.passage, located.current) == (passages[1], False)
    assert located.document.source.authors == ("A. B.",)
    assert [v.retrieved_at for v in store.versions("a")] == ["", "2025"]
    store.delete("a")
    assert store.sources() == []


TEXTS = ["One.", "Two.", "One. Two. Three.", "", LONG]
steps = st.tuples(st.sampled_from("abc"), st.sampled_from([*TEXTS, None]), st.booleans())


@settings(max_examples=60, deadline=None)
@given(st.lists(steps, max_size=12))
def test_passages_are_lost_only_by_deletion(taken: list[tuple[str, str | None, bool]]) -> None:
    """After any puts and deletions, each passage that ever was is found with its text, and the
    current ones are those of a fresh store that was given the last texts only."""
    store = Store("sqlite://")
    ever: dict[str, dict[str, Passage]] = {"a": {}, "b": {}, "c": {}}
    last: dict[str, tuple[Document, list[Passage]]] = {}
    for name, text, whole in taken:
        if text is not None:
            doc = document(name, text)
            passages = cut(doc, len(text)) if whole and text else split_into_passages(doc)
            store.put(doc, passages)
            last[name] = (doc, passages)
            ever[name] |= {p.id: p for p in passages}
        elif last.pop(name, None):
            store.delete(name)
            for id in ever[name]:
                with pytest.raises(NotFound):
                    store.locate_passage(id)
            ever[name] = {}
        for each in ever:
            current = {p.id for p in last[each][1]} if each in last else set()
            for id, passage in ever[each].items():
                located = store.locate_passage(id)
                assert (located.passage, located.current) == (passage, id in current)
                assert located.document.text[passage.start : passage.end] == passage.text
    fresh = Store("sqlite://")
    for doc, passages in last.values():
        fresh.put(doc, passages)
    held, wanted = (
        sorted((p.id, p, s) for p, s in each.passages(each.rows()).values())
        for each in (store, fresh)
    )
    assert held == wanted and store.sources() == fresh.sources()
    assert [store.document(name) for name in sorted(last)] == [
        fresh.document(name) for name in sorted(last)
    ]
