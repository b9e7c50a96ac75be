"""Questions to begin with: whoever clicks on one gets an answer."""

import asyncio
from dataclasses import replace

import pytest

from corpus.library.catalogue import suggestions as catalogue_suggestions
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


def own_library(shipped: Store, folder, embedder, texts: dict[str, str]) -> Library:
    """Make a library of some shipped sources and of texts by id, the newest last."""
    store = Store(f"sqlite:///{folder / 'tenkyo.db'}")
    for source_id in ("whisper", "block-nerf", "instructgpt", "gt-sophy", "multi-game-dt"):
        document = shipped.document(source_id)
        store.put(document, split_into_passages(document))
    for day, (name, text) in enumerate(texts.items(), 1):
        language = "ja" if name.endswith("ja") else "en"
        source = Source(name, f"https://{name}.example", name.title(), language=language)
        source = replace(source, retrieved_at=f"2030-01-0{day}T00:00:00+00:00")
        document = Document(source, text)
        store.put(document, split_into_passages(document))
    sync(store, embedder, folder / "index", IngestProgress())
    return Library(store, LiveIndex(folder / "index", embedder.name), embedder)


TEXTS = {
    "mill": "The mill of Amberley was built in 1742. It has four millstones and a weir.",
    "kanda": "The Kanda reading room was opened in 1931. It holds 40,000 maps of the city.",
    "tram-ja": "路面電車とは、道路の上を走る電車である。上野の車庫には20両ある。",
    "lighthouse": "The lighthouse of Otaru was built in 1883. Its lamp turns once in a minute.",
}


def test_newest_sources_of_a_reader_are_among_the_examples(library, embedder, checker, tmp_path):
    own = own_library(library.store, tmp_path, embedder, TEXTS)
    suggestions = Suggestions(Engine(own, checker, History(own.store.database)))
    examples = suggestions.examples("en")
    assert len(examples) == 3 and "Otaru" in examples[0] and "Kanda" in examples[1], examples
    shipped = {each.en for each in catalogue_suggestions()}
    assert examples[2] in shipped and not shipped.intersection(examples[:2])
    for question in examples:
        answer = asyncio.run(suggestions._engine.answer(question, mode="quoted"))
        assert any(claim.ticked for claim in answer.claims), question
    first, *others = suggestions.examples("ja")
    assert first == "路面電車とは何ですか？" and len(others) == 2


def test_sources_that_give_no_question_leave_the_examples_to_others(
    library, embedder, checker, tmp_path
):
    own = own_library(library.store, tmp_path, embedder, {"list": "Apples. Pears. Plums. Figs."})
    examples = Suggestions(Engine(own, checker, History(own.store.database))).examples("en")
    assert len(examples) == 3 and set(examples) <= {each.en for each in catalogue_suggestions()}


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
