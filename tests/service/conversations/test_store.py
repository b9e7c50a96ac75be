"""Tests of the history of answers in the database."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpus.errors import NotFound, StoreError
from corpus.store.database import Database
from service.conversations.store import History


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(Database(f"sqlite:///{tmp_path / 'tenkyo.db'}"))


def test_answers_are_stored_in_order(history: History) -> None:
    first, second = history.new_conversation(), history.new_conversation()
    assert first != second and history.conversation(first) == []
    answers = [{"question": f"なぜ {i}?", "claims": [{"n": i}]} for i in range(3)]
    for i, answer in enumerate(answers):
        history.save_answer(f"z{9 - i}", first, answer)
    again = History(Database(history.database.url))
    assert again.conversation(first) == answers and again.conversation(second) == []
    assert again.answer("z8") == answers[1]
    with pytest.raises(NotFound, match="'none'"):
        history.answer("none")
    with pytest.raises(NotFound, match=r"'none'.*leave conversation_id out"):
        history.conversation("none")
    with pytest.raises(NotFound, match="'none' was deleted"):
        history.save_answer("z0", "none", answers[0])
    with pytest.raises(StoreError):
        history.save_answer("z9", second, answers[0])
    assert history.conversation(second) == [] and history.answer("z9") == answers[0]


def test_record_and_time_of_an_answer(history: History) -> None:
    conversation = history.new_conversation()
    history.save_answer("a", conversation, {"question": "q"}, {"drafts": ["本"]})
    history.save_answer("b", conversation, {"question": "q"})
    (first, record), (second, no_record) = history.record("a"), history.record("b")
    assert record == {"drafts": ["本"]} and no_record is None and first < second
    with pytest.raises(NotFound, match="'none'"):
        history.record("none")
