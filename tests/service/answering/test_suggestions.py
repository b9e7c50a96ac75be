"""Questions to begin with: whoever clicks on one gets an answer."""

import asyncio

import pytest

from corpus.store.database import Database
from corpus.store.store import Store
from corpus.text.chunking import split_into_passages
from corpus.types import Document, Source
from index.ingestion.report import IngestProgress
from index.ingestion.sync import sync
from index.ingestion.work_linking import update_index
from index.search import Library
from index.storage.local_index import LiveIndex
from service.answering.engine import Engine
from service.answering.suggestions import Suggestions
from service.conversations.store import History


@pytest.fixture
def engine(library, checker, tmp_path):
    return Engine(library, checker, History(Database(f"sqlite:///{tmp_path / 'tenkyo.db'}")))


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_example_is_clearly_answered(engine, language):
    examples = Suggestions(engine).examples(language)
    assert len(examples) == 3
    for question in examples:
        answer = asyncio.run(engine.answer(question, mode="quoted"))
        assert any(claim.ticked for claim in answer.claims) and not answer.reason, question


def test_question_with_premise_that_no_source_states_is_not_answerable(engine):
    assert not engine.can_answer("Why is the approach of Block-NeRF preferred?")
    assert engine.can_answer("How does Block-NeRF divide a city?")


def test_source_has_examples_once_it_is_in_the_index(embedder, checker, tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'tenkyo.db'}")
    sync(store, embedder, tmp_path / "index", IngestProgress())
    library = Library(store, LiveIndex(tmp_path / "index", embedder.name), embedder)
    suggestions = Suggestions(Engine(library, checker, History(store.database)))
    text = "The Kanda reading room opened in 1931. It holds 40,000 maps of the city."
    source = Source("kanda", "https://kanda.example", "Kanda reading room", language="en")
    document = Document(source, text)
    store.put(document, split_into_passages(document))
    assert suggestions.examples("en") == []  # asked for while the index is being made
    update_index(store, embedder, tmp_path / "index", IngestProgress())
    assert suggestions.examples("en")
