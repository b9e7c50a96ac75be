"""Questions to begin with: whoever clicks on one gets an answer."""

import asyncio

import pytest

from corpus.store.database import Database
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
