"""Ingestion: documents reach the store and the index, whatever fails in between."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from corpus.errors import IndexMismatch, StoreError
from corpus.library.catalogue import CatalogueEntry, entries
from corpus.store.store import Store
from corpus.text.chunking import split_into_passages, with_headings
from corpus.types import Document, Passage, Source, text_hash
from corpus.web.fetcher import Fetcher, Limits
from index.ingestion.ingest import Ingestion
from index.ingestion.report import IngestProgress, Item, Progress
from index.ingestion.sync import EMBED_BATCH, INCOMPLETE_MARK, check_index, sync
from index.ingestion.tasks import FileSelection
from index.lexical.tokenizer import tokens
from index.search import Library
from index.storage.local_index import LocalIndex
from index.storage.manifest import INDEX_FORMAT, read_manifest
from index.types import Floats
from tests.support.digest_library import digest_entries

pytestmark = pytest.mark.usefixtures("kept_readers")

LONG = "Whisper learned from 680,000 hours of audio, as its authors write in the paper. " * 30


class HashingEmbedder:
    """An embedder without a model: each dimension counts the tokens that hash to it."""

    dim = 64

    def __init__(self, name: str = "hashed") -> None:
        self.name = name
        self.embedded: list[str] = []
        self.fails_after = 10**9

    def embed_passages(self, texts: Sequence[str]) -> Floats:
        self.embedded += texts
        if len(self.embedded) > self.fails_after:
            raise KeyboardInterrupt
        return np.array([self.embed_query(text) for text in texts]).reshape(-1, self.dim)

    def embed_query(self, text: str) -> Floats:
        vector = np.full(self.dim, 0.01, np.float32)
        for token in tokens(text):
            vector[zlib.crc32(token.encode()) % self.dim] += 1
        return vector / np.linalg.norm(vector)

    def embed_queries(self, texts: Sequence[str]) -> Floats:
        return np.array([self.embed_query(text) for text in texts]).reshape(-1, self.dim)


class IngestionHarness:
    """A data folder, with methods for what the commands do to it."""

    def __init__(self, folder: Path, fetcher: Fetcher) -> None:
        self.folder, self.fetcher, self.embedder = folder, fetcher, HashingEmbedder()
        self.store = Store(f"sqlite:///{folder / 'tenkyo.db'}")
        self.index = folder / "index"
        self.reported: list[Progress] = []
        self.progress = IngestProgress(self.reported.append)

    def ingest(self, *places: str | Path) -> list[Item]:
        names = [str(place) for place in places]
        with Ingestion(self.store, self.progress) as ingestion:
            return asyncio.run(ingestion.places(names, self.fetcher))

    def ingest_library(self, works: Sequence[CatalogueEntry] | None = None) -> list[Item]:
        """Ingest shipped works; by default all, as if none had a whole text beside it."""
        with Ingestion(self.store, self.progress) as ingestion:
            return asyncio.run(ingestion.library(works or digest_entries(), self.fetcher))

    def sync(self, **options: bool) -> int:
        count = self.update(**options)
        self.check()
        return count

    def update(self, **options: bool) -> int:
        self.embedder.embedded.clear()
        count = sync(self.store, self.embedder, self.index, self.progress, **options)
        assert len(self.embedder.embedded) == count
        return count

    def check(self) -> None:
        """Assert that the index has the rows, terms and vectors of what the store holds now."""
        revision = self.store.revision()
        index = LocalIndex.open(self.index, self.embedder.name, revision)
        rows = self.store.rows()
        assert index.rows().tolist() == rows
        for row, (passage, source) in self.store.passages(rows).items():
            text = with_headings(passage.text, passage, source)
            (hit,) = index.search(self.embedder.embed_query(text), text, 1, [row])
            assert hit.row == row and hit.coverage > 0
            assert hit.cosine == pytest.approx(1, abs=1e-4)

    def vectors_by_passage(self) -> dict[str, tuple[Passage, bytes]]:
        """Return each passage with its indexed vector, by id."""
        index = LocalIndex.open(self.index, self.embedder.name)
        return {
            passage.id: (passage, *(vector.tobytes() for vector in index.vectors([row]).values()))
            for row, (passage, _) in self.store.passages(self.store.rows()).items()
        }

    def put(self, name: str, text: str) -> None:
        document = Document(Source(name, f"https://example.org/{name}"), text)
        self.store.put(document, split_into_passages(document))


@pytest.fixture
def harness(tmp_path: Path, offline: Fetcher) -> IngestionHarness:
    return IngestionHarness(tmp_path / "data", offline)


def web_fetcher(pages: dict[str, tuple[str, bytes]]) -> Fetcher:
    """Make a fetcher for a web of (content type, body) by URL path, served by an ASGI app."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        kind, body = pages.get(scope["path"], ("", b""))
        headers = [(b"content-type", kind.encode())]
        status = 200 if kind else 404
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["93.184.216.34"]

    transport = httpx.ASGITransport(app=app)
    return Fetcher(transport=transport, resolve=resolve, limits=Limits(max_wait=0))


def outcomes(items: Iterable[Item]) -> list[str]:
    return [item.outcome for item in items]


# The library


@pytest.mark.process
def test_library_without_network_uses_digests(harness: IngestionHarness) -> None:
    items = harness.ingest_library()
    assert [item.place for item in items] == [entry.source.url for entry in entries()]
    for item, entry in zip(items, entries(), strict=True):
        assert item.outcome == "digest" and item.passages >= 3 and item.title
        expected = "there is no network" if entry.fetch_url else "is an application"
        assert expected in item.reason and "\n" not in item.reason
        assert item.problem == ("unreachable" if entry.fetch_url else "page without text")
        source = harness.store.source(entry.source.id)
        assert (source.kind, source.url) == ("digest", entry.source.url)
        assert source.language == entry.digest_language and source.retrieved_at
    unread = {each.place: each.problem for each in harness.store.unread()}
    assert unread == {item.place: item.problem for item in items}
    total = sum(item.passages for item in items)
    assert len(harness.store.rows()) == total == harness.sync()
    count = len(items)
    assert harness.reported[0] == Progress(of_documents=count)
    assert Progress("reading", count, count, passages=total) in harness.reported
    assert harness.reported[-1] == Progress("indexing", count, count, 0, 0, total, total, total)

    revision, rows = harness.store.revision(), harness.store.rows()
    assert outcomes(harness.ingest_library()) == ["digest"] * len(items)
    assert (harness.store.revision(), harness.store.rows()) == (revision, rows)
    assert harness.sync() == 0


@pytest.mark.process
def test_original_replaces_digest_and_is_kept(harness: IngestionHarness) -> None:
    harness.ingest_library()
    harness.sync()
    offline = harness.fetcher
    (entry,) = (entry for entry in entries() if entry.source.id == "whisper")
    html = f"<html><body><article><h1>Whisper</h1><p>{LONG}</p></article></body></html>"
    harness.fetcher = web_fetcher({httpx.URL(entry.fetch_url).path: ("text/html", html.encode())})
    items = {item.place: item for item in harness.ingest_library()}
    fetched = items.pop(entry.source.url)
    assert fetched.outcome == "fetched" and fetched.reason == ""
    assert {item.outcome for item in items.values()} == {"digest"}
    assert harness.store.source("whisper").kind == entry.source.kind == "paper"
    document = harness.store.document("whisper")
    assert "680,000 hours" in document.text
    assert harness.sync() == fetched.passages

    harness.fetcher = offline  # later, without a network
    (kept,) = (item for item in harness.ingest_library() if item.place == entry.source.url)
    assert kept.outcome == "kept" and "there is no network" in kept.reason
    assert kept.problem == "unreachable"
    assert harness.store.document("whisper") == document
    assert harness.sync() == 0


@pytest.mark.process
def test_page_with_almost_no_text_does_not_replace_digest(harness: IngestionHarness) -> None:
    pages = {
        httpx.URL(entry.fetch_url).path: ("text/html", b"<html><body><p>Log in.</p></body></html>")
        for entry in entries()
        if entry.fetch_url
    }
    harness.fetcher = web_fetcher(pages)
    items = harness.ingest_library()
    assert set(outcomes(items)) == {"digest"}
    web = [item for item in items if "almost no text" in item.reason]
    assert web and all(
        harness.store.document(e.source.id).source.kind == "digest" for e in entries()
    )


@pytest.mark.process
def test_whole_text_is_read_where_it_ships(harness: IngestionHarness) -> None:
    whole = [entry for entry in entries() if entry.text_path]
    assert [entry.source.id for entry in whole] == ["article-en"]
    harness.ingest_library()  # as an earlier version left it: all digests
    harness.sync()
    (item,) = harness.ingest_library(whole)  # without a network
    assert (item.outcome, item.reason) == ("read", "")
    document = harness.store.document("article-en")
    kept = replace(document.source, retrieved_at="", version="", work="")
    assert kept == whole[0].source and document.source.kind == "article"
    assert "It splits the entire scene into multiple sub-scenes" in document.text
    assert all(len(text) > 50 for text in document.text.split("\n\n") if text.endswith("."))
    assert whole[0].source.url not in {each.place for each in harness.store.unread()}
    assert harness.sync() == item.passages > 15

    page = f"<html><body><p>{LONG}</p></body></html>".encode()  # what is online is not fetched
    harness.fetcher = web_fetcher({httpx.URL(whole[0].fetch_url).path: ("text/html", page)})
    assert outcomes(harness.ingest_library(whole)) == ["unchanged"]
    assert harness.store.document("article-en").text == document.text


def test_question_finds_its_passage(library: Library) -> None:
    """The fixture that other tests build on, with the real model."""
    (hit, *_) = library.search("How many hours of audio was Whisper trained on?", 5)
    assert hit.source.id == "whisper" and "680,000 hours" in hit.passage.text
    hits = library.search("Whisperは何時間の音声で訓練されましたか？", 5, ["whisper"])
    assert {hit.source.id for hit in hits} == {"whisper"}
    assert any("680,000" in hit.passage.text for hit in hits)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    for k, only in ((0, None), (5, []), (5, ["none"])):
        assert library.search("Whisper", k, only) == []
    assert len(library.search("Whisper", 3)) == 3


# Files and folders


@pytest.mark.process
def test_changed_file_replaces_only_its_passages(harness: IngestionHarness, tmp_path: Path) -> None:
    (tmp_path / "docs" / "deeper").mkdir(parents=True)
    one, two = tmp_path / "docs" / "one.md", tmp_path / "docs" / "deeper" / "two.txt"
    one.write_text(f"# One\n\n{LONG}")
    two.write_text("二つ目の文書です。音声を扱う。", encoding="utf-8")
    items = harness.ingest(tmp_path / "docs")
    assert {(i.place, i.outcome) for i in items} == {(str(one), "read"), (str(two), "read")}
    assert harness.sync() == sum(item.passages for item in items) > 2
    assert outcomes(harness.ingest(tmp_path / "docs")) == ["unchanged"] * 2
    assert harness.sync() == 0

    ids = {source.url: source.id for source, _ in harness.store.sources()}
    old, kept = (harness.store.rows([ids[path.as_uri()]]) for path in (one, two))
    one.write_text("# One\n\nIt is short now.")
    assert sorted(outcomes(harness.ingest(tmp_path / "docs"))) == ["read", "unchanged"]
    assert harness.sync() == 1
    assert harness.store.rows([ids[two.as_uri()]]) == kept and harness.store.passages(old) == {}
    assert harness.store.document(ids[one.as_uri()]).text == "One\n\nIt is short now."
    assert harness.store.source(ids[one.as_uri()]).kind == "upload"
    assert {source.url for source, _ in harness.store.sources()} == {one.as_uri(), two.as_uri()}


@pytest.mark.process
def test_only_changed_passages_are_embedded(harness: IngestionHarness, tmp_path: Path) -> None:
    path = tmp_path / "one.md"
    parts = [f"## Part {i}\n\nNumber {i} is about {LONG[:600]}\n" for i in range(8)]
    path.write_text("# One\n\n" + "\n".join(parts))
    (item,) = harness.ingest(path)
    assert harness.sync() == item.passages >= 8

    parts[3] = parts[3].replace("680,000", "700,000")  # one passage, the others as they were
    path.write_text("# One\n\n" + "\n".join(parts))
    assert outcomes(harness.ingest(path)) == ["read"] and harness.sync() == 1
    assert "700,000" in harness.embedder.embedded[0] and "Part 3" in harness.embedder.embedded[0]

    path.write_text("# One\n\nA line before all.\n\n" + "\n".join([*parts[5:], *parts[:2]]))
    harness.ingest(path)
    assert harness.sync() == 1 and "A line before" in harness.embedder.embedded[0]
    path.write_text("# Another title\n\n" + "\n".join(parts[:2]))
    harness.ingest(path)
    assert harness.sync() == len(harness.store.rows())  # passages are embedded below the title


@pytest.mark.process
@pytest.mark.shared
def test_second_ingestion_of_posts_after_edit_and_deletion(
    harness: IngestionHarness, tmp_path: Path, offline: Fetcher, shared: Path
) -> None:
    posts = Path(shutil.copytree(shared / "corpus" / "posts", tmp_path / "posts"))
    items = harness.ingest(posts)
    assert outcomes(items) == ["read"] * 55
    assert harness.update() == sum(item.passages for item in items) > 800
    assert outcomes(harness.ingest(posts)) == ["unchanged"] * 55 and harness.update() == 0

    post = posts / "double_descent.md"
    (count,) = (item.passages for item in items if item.place == str(post))
    text = post.read_text()
    middle = text.index("\n\n", len(text) // 2)
    post.write_text(f"{text[:middle]}\n\nKanda has 40,000 maps.{text[middle:]}")
    assert sorted(outcomes(harness.ingest(posts)))[:2] == ["read", "unchanged"]
    assert 1 <= harness.update() <= 3 < count
    assert any("Kanda has" in text for text in harness.embedder.embedded)

    post.unlink()
    source = text_hash(post.as_uri())[:12]
    harness.store.delete(source)
    assert harness.update() == 0
    assert len(harness.store.sources()) == 54 and harness.store.rows([source]) == []
    scratch = IngestionHarness(tmp_path / "scratch", offline)
    scratch.ingest(posts)
    scratch.update()
    assert harness.vectors_by_passage() == scratch.vectors_by_passage()
    for path in filter(Path.is_file, harness.index.rglob("*")):
        assert b"kanda" not in path.read_bytes().lower()


@pytest.mark.process
def test_same_bytes_are_read_once(harness: IngestionHarness, tmp_path: Path) -> None:
    """Only a reread returns their links; an edited file is read."""
    path = tmp_path / "a.md"
    path.write_text("# A\n\nIt [cites](https://arxiv.org/abs/2202.05263) a paper.\n")
    (first,) = harness.ingest(path)
    harness.sync()
    before = harness.store.source(first.source_id).retrieved_at
    (second,) = harness.ingest(path)
    assert (first.outcome, second.outcome, harness.sync()) == ("read", "unchanged", 0)
    assert first.links and not second.links  # only reading them returns links
    assert replace(second, outcome="read", links=first.links) == first
    assert harness.store.source(first.source_id).retrieved_at > before
    with Ingestion(harness.store, reread=True) as ingestion:
        (third,) = asyncio.run(ingestion.places([str(path)], harness.fetcher))
    assert third == replace(first, outcome="unchanged")
    path.write_text("# A\n\nIt cites nothing.\n")
    assert outcomes(harness.ingest(path)) == ["read"] and harness.sync() == 1
    path.write_text("# A\n\nIt [cites](https://arxiv.org/abs/2202.05263) a paper.\n")
    assert outcomes(harness.ingest(path)) == ["read"] and harness.sync() == 1


@pytest.mark.process
@pytest.mark.shared
def test_encrypted_file_is_read_with_password(
    harness: IngestionHarness, offline: Fetcher, shared: Path
) -> None:
    place = [str(shared / "pdfs" / "encrypted.pdf")]

    def ingest(password: str) -> Item:
        with Ingestion(harness.store) as ingestion:
            (item,) = asyncio.run(
                ingestion.places(place, offline, FileSelection(password=password))
            )
        return item

    assert "give its password with --password" in ingest("").reason
    assert "try another --password" in ingest("wrong").reason
    assert (ingest("pass123").outcome, len(harness.store.rows())) == ("read", 1)


@pytest.mark.process
def test_bad_files_are_reported_and_others_are_read(
    harness: IngestionHarness, tmp_path: Path
) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "good.md").write_text("# Good\n\nThis one is fine.")
    (folder / "last.txt").write_text("And so is this.")
    bad = {
        "picture.pdf": (b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "PNG picture"),
        "empty.txt": (b"", "empty"),
        "only-a-heading.md": (b"# Nothing below\n", "no text below"),
        "noise.bin": (bytes(range(256)) * 4, "noise.bin"),
    }
    for name, (data, _reason) in bad.items():
        (folder / name).write_bytes(data)
    items = {Path(item.place).name: item for item in harness.ingest(folder)}
    for name, (_data, reason) in bad.items():
        item = items.pop(name)
        assert (item.outcome, item.passages) == ("failed", 0)
        assert reason in item.reason and "\n" not in item.reason
    assert {name: item.outcome for name, item in items.items()} == {
        "good.md": "read", "last.txt": "read",
    }  # fmt: skip
    assert len(harness.store.sources()) == 2 == harness.sync()


@pytest.mark.process
def test_encrypted_pdf_is_reported(harness: IngestionHarness, tmp_path: Path, shared: Path) -> None:
    shutil.copy(shared / "pdfs" / "encrypted.pdf", tmp_path / "secret.pdf")
    (tmp_path / "good.txt").write_text("This one is fine.")
    good, secret = sorted(harness.ingest(tmp_path / "good.txt", tmp_path / "secret.pdf"),
                          key=lambda item: item.place)  # fmt: skip
    assert (good.outcome, secret.outcome) == ("read", "failed")
    assert "secret.pdf" in secret.reason and "encrypted" in secret.reason


@pytest.mark.process
@pytest.mark.skipif(os.name == "nt", reason="Windows allows no such names")
def test_undecodable_file_names(harness: IngestionHarness, tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    for name, data in ((b"\xff.md", b"Read me."), (b"\xfe.md", b""), (b"two\nlines.md", b"Two.")):
        (folder / os.fsdecode(name)).write_bytes(data)
    items = harness.ingest(folder, tmp_path / os.fsdecode(b"none-\xff"))
    assert {Path(item.place).name: (item.outcome, item.title) for item in items} == {
        r"\xff.md": ("read", r"\xff.md"),
        r"\xfe.md": ("failed", ""),
        r"two\nlines.md": ("read", r"two\nlines.md"),
        r"none-\xff": ("failed", ""),
    }
    assert all(item.reason.isprintable() for item in items)
    assert [Path(unread.place).name for unread in harness.store.unread()] == [r"\xfe.md"]
    assert harness.sync() == 2


@pytest.mark.process
def test_file_that_became_unreadable_keeps_earlier_text(
    harness: IngestionHarness, tmp_path: Path
) -> None:
    path = tmp_path / "one.md"
    path.write_text("# One\n\nIt was fine.")
    harness.ingest(path)
    rows = harness.store.rows()
    for data in (b"", b"# One\n", b"\x89PNG\r\n\x1a\n"):
        path.write_bytes(data)
        assert outcomes(harness.ingest(path)) == ["failed"]
    assert harness.store.rows() == rows


@pytest.mark.process
def test_missing_places_are_reported(harness: IngestionHarness, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "good.txt").write_text("This one is fine.")
    none, empty, url, good = tmp_path / "no", tmp_path / "empty", "https://ex.com/a", "good.txt"
    items = {i.place: i for i in harness.ingest(none, empty, url, "file:///etc/x", tmp_path / good)}
    reasons = {
        str(none): "does not exist",
        str(empty): "holds no files",
        url: "there is no network",
        "file:///etc/x": "only http",
    }
    for place, reason in reasons.items():
        assert items[place].outcome == "failed" and reason in items[place].reason
    assert items[str(tmp_path / good)].outcome == "read" and len(items) == 5


# The web


@pytest.mark.process
def test_web_pages_are_ingested(harness: IngestionHarness) -> None:
    page = f"<html lang=en><title>A page</title><body><p>{LONG}</p></body></html>".encode()
    pages = {"/a": ("text/html", page), "/b.md": ("text/markdown", "# 題\n\n本文。".encode())}
    harness.fetcher = web_fetcher(pages)
    items = harness.ingest("https://ex.com/a#part", "https://ex.com/a?utm_source=x",
                         "https://ex.com/b.md", "https://ex.com/none")  # fmt: skip
    assert [(item.place, item.outcome) for item in items] == [
        ("https://ex.com/a", "fetched"),
        ("https://ex.com/b.md", "fetched"),
        ("https://ex.com/none", "failed"),
    ]
    assert "404" in items[2].reason and items[0].title == "A page"
    assert {source.kind for source, _ in harness.store.sources()} == {"web"}
    assert harness.sync() == items[0].passages + 1
    assert outcomes(harness.ingest("https://ex.com/a")) == ["unchanged"]
    pages["/a"] = ("text/html", page.replace(b"680,000", b"700,000"))
    assert outcomes(harness.ingest("https://ex.com/a")) == ["fetched"]
    assert harness.sync() == items[0].passages
    texts = [passage.text for passage, _ in harness.store.passages(harness.store.rows()).values()]
    assert any("700,000" in text for text in texts) and "680,000" not in "".join(texts)


# Store and index


def test_recovery_after_crash_between_store_and_index(
    harness: IngestionHarness, offline: Fetcher
) -> None:
    harness.put("a", LONG)
    harness.sync()
    harness.put("b", "Text of b.")
    harness.put("a", "Short now.")  # and the process is killed here
    later = IngestionHarness(harness.folder, offline)
    with pytest.raises(IndexMismatch, match="revision"):
        LocalIndex.open(later.index, "hashed", later.store.revision())
    assert later.sync() == 2
    later.store.delete("b")
    assert later.sync() == 0


def test_recovery_after_crash_while_embedding(harness: IngestionHarness) -> None:
    harness.put("a", "First.")
    harness.sync()
    for i in range(EMBED_BATCH + 10):
        harness.put(f"b{i:03}", f"Text number {i}.")
    harness.embedder.embedded.clear()
    harness.embedder.fails_after = EMBED_BATCH + 5  # in the second batch
    with pytest.raises(KeyboardInterrupt):
        sync(harness.store, harness.embedder, harness.index, harness.progress)
    assert len(LocalIndex.open(harness.index, "hashed")) == 1  # the old one, still usable
    harness.embedder.fails_after = 10**9
    assert harness.sync() == EMBED_BATCH + 10


def test_incomplete_index_is_completed(harness: IngestionHarness) -> None:
    for name in "abcd":
        harness.put(name, f"Text of {name}.")
    harness.sync()
    index = LocalIndex.open(harness.index, "hashed")
    index.remove(harness.store.rows()[2:])
    index.save(harness.index, "hashed", INCOMPLETE_MARK)
    assert harness.sync() == 2


def test_row_committed_late_is_indexed(harness: IngestionHarness) -> None:
    """PostgreSQL numbers rows before their transaction is committed and visible to others."""
    for name in "abcd":
        harness.put(name, f"Text of {name}.")
    harness.sync()
    index = LocalIndex.open(harness.index, "hashed")
    index.remove(harness.store.rows()[1:2])
    index.save(harness.index, "hashed", "of then")
    assert harness.sync() == 1


def test_index_of_another_embedder_is_refused_before_reading(harness: IngestionHarness) -> None:
    harness.put("a", "First.")
    harness.sync()
    manifest = read_manifest(harness.index)
    harness.put("b", "Second.")
    harness.embedder = HashingEmbedder("another")
    for work in (lambda: harness.sync(), lambda: check_index(harness.index, "another")):
        with pytest.raises(IndexMismatch, match="embedder hashed, but embedder another"):
            work()
    assert harness.embedder.embedded == [] and read_manifest(harness.index) == manifest
    assert harness.sync(rebuild=True) == 2
    check_index(harness.index, "another")


def test_index_of_another_format_is_refused_before_reading(harness: IngestionHarness) -> None:
    check_index(harness.index, "hashed")  # none yet: nothing to refuse
    harness.put("a", "First.")
    harness.sync()
    path = harness.index / "manifest.json"
    path.write_text(path.read_text().replace(f'"format": {INDEX_FORMAT}', '"format": 0'))
    for work in (lambda: harness.sync(), lambda: check_index(harness.index, "hashed")):
        with pytest.raises(IndexMismatch, match="format 0, but format"):
            work()
    assert harness.sync(rebuild=True) == 1


def test_empty_store_has_empty_index(harness: IngestionHarness) -> None:
    assert harness.sync() == 0
    library = Library(harness.store, LocalIndex.open(harness.index, "hashed"), harness.embedder)
    assert library.search("anything", 5) == []


def test_passage_deleted_after_indexing_is_not_found(harness: IngestionHarness) -> None:
    harness.put("a", "Whisper.")
    harness.put("b", "Whisper too.")
    harness.sync()
    library = Library(harness.store, LocalIndex.open(harness.index, "hashed"), harness.embedder)
    harness.store.delete("a")
    harness.put("a", "Something else.")
    assert [hit.source.id for hit in library.search("Whisper", 5)] == ["b"]


@pytest.mark.process
def test_store_error_ends_the_ingestion(harness: IngestionHarness, tmp_path: Path) -> None:
    (tmp_path / "good.txt").write_text("This one is fine.")
    with sqlite3.connect(harness.folder / "tenkyo.db") as other:
        other.execute("DROP TABLE passages")
    other.close()
    with pytest.raises(StoreError, match="no such table"):
        harness.ingest(tmp_path / "good.txt")


@pytest.mark.parametrize(
    ("title", "heading", "expected"),
    [
        ("Paper", "Data › Audio", "Paper › Data › Audio\nText."),
        ("Paper", "Paper › Audio", "Paper › Audio\nText."),
        ("Paper", "", "Paper\nText."),
        ("", "Audio", "Audio\nText."),
        ("", "", "Text."),
    ],
)
def test_passages_are_embedded_with_their_headings(title: str, heading: str, expected: str) -> None:
    passage = Passage("id", "s", 0, 5, "Text.", heading)
    assert with_headings(passage.text, passage, Source("s", "u", title)) == expected


def test_search_fills_up_after_deletions(harness: IngestionHarness) -> None:
    harness.put("a", "Kanda holds maps of the old city.")
    harness.put("b", "Kanda lies in the city.")
    harness.sync()
    index = LocalIndex.open(harness.index, harness.embedder.name)
    library = Library(harness.store, index, harness.embedder)
    assert [hit.source.id for hit in library.search("maps of Kanda", 1)] == ["a"]
    harness.store.delete("a")  # the index follows later
    assert [hit.source.id for hit in library.search("maps of Kanda", 1)] == ["b"]
    assert library.search("maps of Kanda", 1, ["a"]) == []
