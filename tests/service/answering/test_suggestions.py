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
from service.scope import find_scope, scope_of
from service.types import to_json


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


def test_source_in_the_other_language_gives_follow_ups_that_are_answered(engine):
    """An English work answered, and a Japanese reader can go on in Japanese."""
    question = "Whisperは何時間の音声で学習されましたか？"
    answer = asyncio.run(engine.answer(question, mode="quoted"))
    assert {c.source_id for claim in answer.claims for c in claim.citations} == {"whisper"}
    related = Suggestions(engine).related(answer.id)
    assert len(related) == 3 and "Whisperとは何ですか？" in related
    for each in related:
        made = asyncio.run(engine.answer(each, mode="quoted"))
        assert any(claim.ticked for claim in made.claims) and not made.reason, each


def test_follow_ups_are_answered_where_the_question_was_asked(engine):
    """A collection may have been emptied or deleted since."""
    suggestions, chosen = Suggestions(engine), scope_of(source_ids=["whisper"])
    asked = engine.answer("How many hours of audio was Whisper trained on?", None, chosen, "quoted")
    answer = asyncio.run(asked)
    related = suggestions.related(answer.id)
    assert related
    for question in related:
        within = asyncio.run(engine.answer(question, None, chosen, "quoted"))
        assert any(claim.ticked for claim in within.claims), question

    def elsewhere(**scope):
        talk, moved = engine.history.new_conversation(), f"in {scope}"
        engine.history.save_answer(moved, talk, to_json(answer) | {"scope": scope})
        return suggestions.related(moved)

    assert elsewhere(source_ids=["instructgpt"], collections=None) == []
    assert elsewhere(source_ids=None, collections=["Deleted"]) == []


def test_question_is_answerable_only_in_a_scope_that_answers_it(engine):
    question, store = "How does Block-NeRF divide a city?", engine.library.store
    assert engine.can_answer(question, find_scope(store, scope_of(["block-nerf"])))
    assert not engine.can_answer(question, find_scope(store, scope_of(["whisper"])))


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
