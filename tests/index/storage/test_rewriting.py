"""Every answer comes from a complete index, also while the index is being rebuilt."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from corpus.store.store import Store
from corpus.text.chunking import split_into_passages
from corpus.types import Document, Source
from index.ingestion.report import IngestProgress
from index.ingestion.sync import sync
from index.search import Library
from index.storage.local_index import LiveIndex
from service.answering.engine import Engine
from service.api.app import create_app
from service.conversations.store import History
from tests.support.live_server import served

ROOMS = ("Kanda", "Ueno", "Asakusa", "Nakano", "Meguro", "Akabane")


def document(room: str, maps: int) -> Document:
    text = f"The {room} reading room opened in 1931. The {room} reading room holds {maps} maps."
    return Document(Source(room.lower(), f"https://example.org/{room}", f"{room} room"), text)


@pytest.fixture
def store(tmp_path) -> Store:
    store = Store(f"sqlite:///{tmp_path / 'tenkyo.db'}")
    for room in ROOMS:
        made = document(room, 40_000)
        store.put(made, split_into_passages(made))
    return store


@pytest.mark.server
def test_answers_stay_correct_during_rebuild_and_document_changes(
    store, embedder, checker, tmp_path
):
    folder = tmp_path / "index"
    sync(store, embedder, folder, IngestProgress())
    library = Library(store, LiveIndex(folder, embedder.name), embedder)
    engine = Engine(library, checker, History(store.database))
    over, changes, failed = threading.Event(), 0, []

    def write() -> None:
        nonlocal changes
        try:
            while not over.is_set():
                changes += 1
                for room in ROOMS[::2]:
                    made = document(room, 40_000 + changes)
                    store.put(made, split_into_passages(made))
                    sync(store, embedder, folder, IngestProgress())
                sync(store, embedder, folder, IngestProgress(), rebuild=True)
        except Exception as error:
            failed.append(error)

    with served(create_app(engine, index_dir=folder)) as url, ThreadPoolExecutor(4) as readers:

        def ask(n: int) -> dict:
            room = ROOMS[n % len(ROOMS)]
            asked = {"question": f"How many maps does the {room} reading room hold?"}
            reply = httpx.post(f"{url}/v1/answers", json=asked, timeout=120)
            assert reply.status_code == 200, reply.text
            return reply.json() | {"room": room}

        writer = threading.Thread(target=write)
        writer.start()
        try:
            made = list(readers.map(ask, range(24)))
        finally:
            over.set()
            writer.join()
        assert changes > 1 and not failed
        for answer in made:
            # A document that has just changed is found once the index has followed.
            assert answer["claims"] or answer["room"] in ROOMS[::2], answer["reason"]
            for citation in (c for claim in answer["claims"] for c in claim["citations"]):
                assert answer["room"] in citation["quote"]
                found = httpx.get(f"{url}/v1/passages/{citation['passage_id']}").json()
                assert citation["quote"] in found["text"] and found["source"]["id"]


def test_rebuild_is_invisible_until_complete(store, embedder, tmp_path, monkeypatch):
    monkeypatch.setattr("index.ingestion.sync.CHECKPOINT_PASSAGES", 2)
    folder, sizes = tmp_path / "index", []
    live = LiveIndex(folder, embedder.name)

    class Watching:
        name, dim = embedder.name, embedder.dim

        def embed_passages(self, texts):
            if (folder / "manifest.json").exists():
                sizes.append(len(live))
            return embedder.embed_passages(texts)

    sync(store, Watching(), folder, IngestProgress())
    assert sizes[-1] == 4  # a first index is readable while it is being filled
    sizes.clear()
    sync(store, Watching(), folder, IngestProgress(), rebuild=True)
    assert set(sizes) == {6} == {len(live)}
