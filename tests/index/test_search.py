"""Search with a re-ranker: it changes the order of hits, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from corpus.errors import IndexMismatch, ModelUnavailable
from corpus.store.store import Store
from corpus.text.chunking import split_into_passages
from corpus.types import Document, Source
from index.inference.http_embedder import HttpEmbedder
from index.inference.reranker import ToleratedReranker
from index.ingestion.report import IngestProgress
from index.ingestion.sync import sync
from index.search import RERANKED, Library
from index.storage.local_index import LiveIndex, LocalIndex
from index.types import Floats
from tests.support.live_server import served
from tests.support.model_servers import embeddings_app, hashed

QUESTION = "Which hall holds the maps?"


class Longest:
    """A re-ranker that prefers the longest text."""

    name = "longest"

    def __init__(self, fails: bool = False) -> None:
        self.fails, self.read = fails, []

    def scores(self, question: str, texts: Sequence[str]) -> Floats:
        self.read.append((question, list(texts)))
        if self.fails:
            raise ModelUnavailable("it is down: start it")
        return np.array([len(text) for text in texts], np.float32)


class Hashing:
    """An embedder without a model."""

    def __init__(self, dim: int = 64, name: str = "hashed") -> None:
        self.dim, self.name = dim, name

    def embed_passages(self, texts: Sequence[str]) -> Floats:
        vectors = hashed(texts, self.dim)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def embed_queries(self, texts: Sequence[str]) -> Floats:
        return self.embed_passages(texts)

    def embed_query(self, text: str) -> Floats:
        return self.embed_passages([text])[0]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A library of 30 sources, of which each later one is longer and less to the point."""
    made = Store(f"sqlite:///{tmp_path / 'tenkyo.db'}")
    for n in range(30):
        put(made, f"s{n:02}", f"Hall {n} holds the maps{' and some more ships' * n}.")
    return made


def put(store: Store, name: str, text: str) -> None:
    document = Document(Source(name, f"https://ex.org/{name}", f"Hall {name}"), text)
    store.put(document, split_into_passages(document))


def library(store: Store, folder: Path, reranker: Longest | None = None) -> Library:
    sync(store, Hashing(), folder, IngestProgress())
    tolerated = ToleratedReranker(reranker) if reranker else None
    return Library(store, LiveIndex(folder, "hashed"), Hashing(), tolerated)


def test_reranker_orders_the_first_hits_and_leaves_their_scores(
    store: Store, tmp_path: Path
) -> None:
    plain = library(store, tmp_path / "index").search(QUESTION, 25)
    reranker = Longest()
    searched = library(store, tmp_path / "index", reranker)
    hits = searched.search(QUESTION, 25)
    assert sorted(hits[:RERANKED], key=lambda hit: hit.passage.id) == sorted(
        plain[:RERANKED], key=lambda hit: hit.passage.id
    )
    assert hits[RERANKED:] == plain[RERANKED:] and len(hits) == 25
    lengths = [len(hit.passage.text) for hit in hits[:RERANKED]]
    assert lengths == sorted(lengths, reverse=True) != [len(h.passage.text) for h in plain[:20]]
    ((question, texts),) = reranker.read
    assert question == QUESTION and len(texts) == RERANKED
    assert all(text.startswith("Hall ") and "\n" in text for text in texts)  # below their titles
    # A search for fewer hits lets it choose among as many.
    assert searched.search(QUESTION, 3) == hits[:3]
    assert [hit.source.id for hit in searched.search(QUESTION, 3, ["s01"])] == ["s01"]
    assert searched.search(QUESTION, 0) == []


def test_search_without_a_reranker_that_fails_is_the_plain_one(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plain = library(store, tmp_path / "index")
    searched = library(store, tmp_path / "index", Longest(fails=True))
    for k in (3, 25):
        assert searched.search(QUESTION, k) == plain.search(QUESTION, k)
    assert [r.getMessage() for r in caplog.records] == [
        "answering without the re-ranker for 60 s: it is down: start it"
    ]


def test_embedder_of_another_dimension_needs_a_new_index(store: Store, tmp_path: Path) -> None:
    """The name is the same: a server has another model, or was told to cut its vectors."""
    folder = tmp_path / "index"
    old = library(store, folder)
    shorter = Hashing(32)
    searched = Library(store, LiveIndex(folder, "hashed"), shorter)
    says = "is for dimension 64, but dimension 32 is wanted: run `tenkyo reindex`"
    with pytest.raises(IndexMismatch, match=says):
        searched.search(QUESTION, 3)
    put(store, "new", "It holds charts.")
    with pytest.raises(IndexMismatch, match=says):
        sync(store, shorter, folder, IngestProgress())
    assert len(old.search(QUESTION, 30)) == 30  # the index is as it was
    sync(store, shorter, folder, IngestProgress(), rebuild=True)
    assert len(searched.search("charts", 40)) == 31


class Interrupted(Hashing):
    """An embedder that stops an ingestion after some calls."""

    calls = 0

    def embed_passages(self, texts: Sequence[str]) -> Floats:
        self.calls += 1
        if self.calls > 1:
            raise ModelUnavailable("it is down: start it")
        return super().embed_passages(texts)


def test_old_index_is_kept_until_that_of_another_embedder_is_complete(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "index"
    old = library(store, folder)
    monkeypatch.setattr("index.ingestion.sync.CHECKPOINT_PASSAGES", 10)
    with pytest.raises(ModelUnavailable):
        sync(store, Interrupted(32, "other"), folder, IngestProgress(), rebuild=True)
    assert len(old.search(QUESTION, 30)) == 30 and len(LocalIndex.open(folder, "hashed")) == 30
    sync(store, Hashing(32, "other"), folder, IngestProgress(), rebuild=True)
    assert LocalIndex.open(folder, "other", store.revision()).dim == 32
    with pytest.raises(IndexMismatch, match="embedder other, but embedder hashed"):
        old.search(QUESTION, 3)


@pytest.mark.server
def test_library_is_searched_by_an_embedder_on_a_server(store: Store, tmp_path: Path) -> None:
    with served(embeddings_app()) as url:
        embedder = HttpEmbedder(f"{url}/v1")
        sync(store, embedder, tmp_path / "index", IngestProgress())
        searched = Library(store, LiveIndex(tmp_path / "index", "m"), embedder)
        plain = library(store, tmp_path / "other").search(QUESTION, 30)
        hits = searched.search(QUESTION, 30)
    assert [hit.passage.id for hit in hits] == [hit.passage.id for hit in plain]
