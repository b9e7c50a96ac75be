"""Removal deletes a source from the database, its files, the index and the HTTP cache."""

from __future__ import annotations

import logging
import random
from dataclasses import replace
from pathlib import Path

import pytest

from corpus.errors import NotFound
from corpus.library.catalogue import entries
from corpus.store.store import Store
from corpus.store.uploads import UploadStore
from corpus.text.chunking import split_into_passages
from corpus.types import Document, Source
from corpus.web.http_cache import HttpCache
from corpus.web.paper_resolver import remove_from_cache
from corpus.web.response import Fetched
from index.ingestion.removal import remove_sources
from index.ingestion.report import IngestProgress
from index.ingestion.sync import sync
from index.storage.local_index import LocalIndex
from tests.support.disk import on_disk


def document(source_id: str, text: str) -> Document:
    return Document(Source(source_id, f"https://example.org/{source_id}", text[:20]), text)


def put(store: Store, source_id: str, text: str) -> None:
    doc = document(source_id, text)
    store.put(doc, split_into_passages(doc))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(f"sqlite:///{tmp_path / 'tenkyo.db'}")


def test_versions_are_deleted_with_their_source(store: Store, tmp_path: Path) -> None:
    put(store, "a", "Quassia, formerly. " * 200)
    old, version = store.passages(store.rows()), store.source("a").version
    put(store, "a", "Zedoary, now.")
    put(store, "b", "Galangal.")
    assert on_disk(tmp_path, "Quassia", "Zedoary", "Galangal") == {
        "Quassia", "Zedoary", "Galangal",
    }  # fmt: skip
    store.delete("a")
    for passage, _ in old.values():
        with pytest.raises(NotFound, match=passage.id):
            store.locate_passage(passage.id)
    for look in (store.versions, lambda name: store.document(name, version)):
        with pytest.raises(NotFound, match="'a'"):
            look("a")
    assert on_disk(tmp_path, "Quassia", "Zedoary", "Galangal") == {"Galangal"}
    put(store, "a", "Zedoary again.")
    assert len(store.versions("a")) == 1


def test_deleted_source_is_removed_from_cited_by(store: Store) -> None:
    for name in "abcd":
        put(store, name, f"Of {name}.")
    store.add_citing("b", ["a", "c", "d"])
    store.add_citing("c", ["a"])
    put(store, "b", "Of b, otherwise.")
    former = store.versions("b")[1].version
    store.delete("a", "d")
    assert [source.cited_by for source, _ in store.sources()] == [(), ()]
    store.add_citing("b", ["c"])
    assert store.document("b", former).source.cited_by == ("c",)


def test_removal_of_several_sources_is_atomic(store: Store) -> None:
    for name in "abc":
        put(store, name, f"Of {name}.")
    with pytest.raises(NotFound, match="'none'"):
        store.delete("a", "none", "b")
    assert len(store.sources()) == 3
    store.delete("a", "b")
    assert [source.id for source, _ in store.sources()] == ["c"]


def test_recorded_failures_are_deleted_with_source(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = (tmp_path / "a b.md").resolve()
    put(store, "web", "Of the web.")
    doc = document("file", "Of a file.")
    store.put(replace(doc, source=replace(doc.source, url=file.as_uri())), split_into_passages(doc))
    places = [
        "https://example.org/web", "a b.md", f"./{file.name}", str(file),
        "https://example.org/other", "b.md", "sub/a b.md",
    ]  # fmt: skip
    for place in places:
        store.record_unread(place, "it is encrypted")
    store.delete("web")
    assert {each.place for each in store.unread()} == set(places[1:])
    store.delete("file")
    assert {each.place for each in store.unread()} == set(places[4:])


@pytest.mark.parametrize("seed", [0, 1, 2, 7])  # without VACUUM, 0 and 7 leave some
def test_deleted_text_is_erased_from_all_files(tmp_path: Path, seed: int) -> None:
    """Rows of all sizes are added and deleted, so that SQLite moves the remaining ones."""
    store, order = Store(f"sqlite:///{tmp_path / 'tenkyo.db'}"), random.Random(seed)
    marks: dict[str, list[str]] = {}
    gone: list[str] = []
    for step in range(60):
        name = f"source-{order.randrange(30)}"
        mark = f"Mark{seed}x{step:03}x"
        marks.setdefault(name, []).append(mark)
        put(store, name, f"{mark} is here. " * order.choice([1, 5, 60, 400]))
        if step % 3 == 2:
            store.delete(name := order.choice(sorted(marks)))
            gone += marks.pop(name)
    assert on_disk(tmp_path, *gone) == set()
    left = [mark for each in marks.values() for mark in each]
    assert on_disk(tmp_path, *left) == set(left)


def test_open_read_transaction_blocks_erasure_and_is_reported(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    put(store, "a", "Quassia. " * 30)
    put(store, "b", "Galangal.")
    with store.database.transaction() as reading:
        reading.exec_driver_sql("SELECT * FROM sources").all()
        with caplog.at_level(logging.WARNING, "corpus.store.database"):
            store.delete("a")
    assert "tenkyo.db, which is being read" in caplog.text
    assert [source.id for source, _ in store.sources()] == ["b"]
    put(store, "c", "Cubeb.")
    store.delete("c")
    assert on_disk(tmp_path, "Quassia", "Galangal") == {"Galangal"}


ABS, PDF = "https://arxiv.org/abs/2202.05263", "https://arxiv.org/pdf/2202.05263"
NAMED = "https://example.org/files/paper.pdf"
PAGE = f"""<meta name="citation_title" content="Block"><meta name="citation_pdf_url"
    content="{NAMED}">"""


def test_cached_pages_of_paper_are_deleted_with_pdf(tmp_path: Path) -> None:
    cache = HttpCache(tmp_path)
    fetched = [
        (ABS, Fetched(ABS, "text/html", PAGE.encode())),
        ("https://arxiv.org/abs/2202.05263v1", Fetched(ABS, "text/html", PAGE.encode())),
        *((pdf, Fetched(pdf, "application/pdf", b"%PDF-1.7")) for pdf in (PDF, NAMED)),
        ("https://arxiv.org/pdf/2202.05264", Fetched(PDF + "4", "application/pdf", b"%PDF-1.7")),
    ]
    for url, page in fetched:
        cache.put(url, page)
    (tmp_path / "damaged.json").write_bytes(b"[" * 100_000)
    remove_from_cache(Source("block", ABS), cache)
    assert [cache.get(url) is None for url, _ in fetched] == [True, True, True, True, False]
    remove_from_cache(Source("never", "https://example.org/never"), HttpCache(tmp_path / "none"))


def test_cached_page_of_library_work_is_deleted(tmp_path: Path) -> None:
    cache = HttpCache(tmp_path)
    (entry, *_) = (e for e in entries() if e.fetch_url not in ("", e.source.url))
    cache.put(entry.fetch_url, Fetched("https://example.org/", "text/html", b"Text."))
    remove_from_cache(entry.source, cache)
    assert cache.get(entry.fetch_url) is None


def test_removal_reaches_index_and_http_cache(store: Store, tmp_path: Path, embedder) -> None:
    """After removal and synchronisation, nothing of the source is left anywhere."""
    cache = HttpCache(tmp_path / "fetched")
    texts = {"a": "The quassia of Kanda is bitter.", "b": "The galangal of Kanda is hot."}
    for name, text in texts.items():
        put(store, name, text)
        at = f"https://example.org/{name}"
        cache.put(at, Fetched(at, "text/plain", text.encode()))
    sync(store, embedder, tmp_path / "index", IngestProgress())
    put(store, "a", "The quassia of Kanda is sweet.")
    assert on_disk(tmp_path, "quassia") and on_disk(tmp_path / "fetched", "quassia")
    assert [source.id for source in remove_sources(store, cache, UploadStore(tmp_path), ["a"])] == [
        "a"
    ]
    sync(store, embedder, tmp_path / "index", IngestProgress())
    assert on_disk(tmp_path, "quassia", "example.org/a", "galangal") == {"galangal"}
    index = LocalIndex.open(tmp_path / "index", embedder.name, store.revision())
    assert index.rows().tolist() == store.rows() and len(store.rows()) == 1
