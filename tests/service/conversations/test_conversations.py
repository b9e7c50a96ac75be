"""Tests of listing, sharing, rating and repeated requests, in real database files."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from pathlib import Path

import pytest

from corpus.errors import Gone, NotFound, RequestRefused
from corpus.store.database import Database
from service.conversations.feedback import Feedback
from service.conversations.store import RETENTION_SECONDS, History, ReplyStore, StoredReply
from tests.support.disk import on_disk


@pytest.fixture
def history(tmp_path: Path) -> History:
    return opened(tmp_path)


def opened(folder: Path) -> History:
    return History(Database(f"sqlite:///{folder / 'tenkyo.db'}"))


def ask(history: History, answer_id: str, question: str, conversation: str | None = None) -> str:
    """Store an answer as the engine does, and return its conversation's id."""
    conversation = conversation or history.new_conversation()
    answer = {
        "id": answer_id,
        "conversation_id": conversation,
        "question": question,
        "claims": [{"text": f"To {question}"}] * 2,
    }
    history.save_answer(answer_id, conversation, answer, {"noted": question})
    return conversation


def change(history: History, statement: str, *values: object) -> None:
    """Change the database directly, as a clock or an earlier version would."""
    path = history.database.url.removeprefix("sqlite:///")
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        assert db.execute(statement, values).rowcount


def test_order_of_answers_does_not_depend_on_clock(history: History) -> None:
    first = ask(history, "a", "One?")
    second = ask(history, "b", "Two?")
    for answer_id, question in (("c", "Three?"), ("0", "Four?")):
        ask(history, answer_id, question, first)
    for answer_id, year in (("a", 2030), ("b", 2040), ("c", 2020), ("0", 1970)):
        change(history, "UPDATE answers SET created_at = ? WHERE id = ?", f"{year}", answer_id)
    history.database.erase_deleted()  # VACUUM may renumber rows
    again = opened(Path(history.database.url.removeprefix("sqlite:///")).parent)
    assert [a["question"] for a in again.conversation(first)] == ["One?", "Three?", "Four?"]
    assert [c.id for c in again.conversations.page(9).conversations] == [first, second]


def test_database_of_an_earlier_version_is_opened(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "tenkyo.db")) as db, db:
        db.executescript(
            """CREATE TABLE conversations (id VARCHAR(24) PRIMARY KEY, created_at VARCHAR NOT NULL);
            CREATE TABLE answers (id VARCHAR(24) PRIMARY KEY, conversation_id VARCHAR(24) NOT NULL
             REFERENCES conversations (id), created_at VARCHAR NOT NULL, question TEXT NOT NULL,
             answer JSON NOT NULL);
            CREATE TABLE records (answer_id VARCHAR(24) PRIMARY KEY REFERENCES answers (id),
             record JSON NOT NULL);
            INSERT INTO conversations VALUES ('old', '2026-01-01');"""
        )
        for answer_id, day in (("z", "01"), ("a", "02"), ("m", "03")):
            answer = json.dumps({"id": answer_id, "question": f"{day}?", "claims": []})
            row = (answer_id, "old", f"2026-01-{day}", f"{day}?", answer)
            db.execute("INSERT INTO answers VALUES (?, ?, ?, ?, ?)", row)
    history = opened(tmp_path)
    ask(history, "b", "04?", "old")
    assert [a["id"] for a in history.conversation("old")] == ["z", "a", "m", "b"]
    (listed,) = opened(tmp_path).conversations.page(5).conversations
    assert (listed.title, listed.answers) == ("01?", 4)
    history.conversations.delete("old")
    with pytest.raises(NotFound):
        history.answer("z")


def test_conversations_are_listed_by_page(history: History) -> None:
    history.new_conversation()  # without an answer: not shown
    made = [ask(history, f"a{n}", f"Question {n}?") for n in range(5)]
    ask(history, "more", "And then?", made[1])
    first = history.conversations.page(2)
    assert [c.id for c in first.conversations] == [made[1], made[4]]
    assert first.conversations[0].title == "Question 1?" and first.conversations[0].answers == 2
    newest = ask(history, "new", "Meanwhile?")
    ask(history, "old", "Again?", made[4])  # was shown already, and is not shown again
    second = history.conversations.page(2, first.next)
    third = history.conversations.page(2, second.next)
    assert [c.id for c in second.conversations] == [made[3], made[2]]
    assert [c.id for c in third.conversations] == [made[0]] and third.next is None
    assert history.conversations.page(1).conversations[0].id == made[4]
    assert newest in [c.id for c in history.conversations.page(9).conversations]
    for cursor in ("x", "c", "c-1", "5", "c" + "9" * 30):
        with pytest.raises(RequestRefused, match="first page"):
            history.conversations.page(2, cursor)


def test_conversation_can_be_renamed(history: History) -> None:
    made = ask(history, "a", "What is it?")
    history.conversations.rename(made, "  Maps\n of  Kanda ")
    assert history.conversations.find(made).title == "Maps of Kanda"
    history.conversations.rename(made, "地図")
    assert history.conversations.find(made).title == "地図"
    history.conversations.rename(made, "a\x00b\ud800c")
    assert history.conversations.find(made).title == "a b c"
    history.conversations.rename(made, " ")
    assert history.conversations.find(made).title == "What is it?"
    with pytest.raises(RequestRefused, match="200"):
        history.conversations.rename(made, "x" * 201)
    for act in (history.conversations.find, history.conversations.delete, history.shares.make):
        with pytest.raises(NotFound, match="'none'"):
            act("none")
    with pytest.raises(NotFound, match="'none'"):
        history.conversations.rename("none", "x")


def test_deleted_conversation_leaves_nothing_on_disk(history: History, tmp_path: Path) -> None:
    gone, kept = ask(history, "g", "Quassia?"), ask(history, "k", "Galangal?")
    ask(history, "h", "Zedoary? " * 3000, gone)
    for answer_id, word in (("g", "Asafoetida"), ("k", "Cubeb")):
        history.feedback.put(Feedback(answer_id, "down", f"{word}, claim", 0))
    history.conversations.rename(gone, "Orpiment")
    link, other = history.shares.make(gone), history.shares.make(kept)
    history.replies.keep("1", StoredReply("r", {"reason": "Realgar"}, answer_id="g"))
    history.replies.keep("2", StoredReply("r", {"token": link.token}, conversation_id=gone))
    history.replies.keep("3", StoredReply("r", {"token": other.token}, conversation_id=kept))
    words = ("Quassia", "Zedoary", "Asafoetida", "Orpiment", "Realgar", link.token, gone)
    stay = ("Galangal", "Cubeb", other.token, kept)
    assert on_disk(tmp_path, *words, *stay) == {*words, *stay}
    history.conversations.delete(gone)
    assert on_disk(tmp_path, *words, *stay) == {*stay}
    assert history.replies.find("1") is history.replies.find("2") is None
    assert history.replies.find("3") and history.shares.shared(other.token)
    for read in (history.conversation, history.conversations.find, history.shares.of):
        with pytest.raises(NotFound):
            read(gone)
    with pytest.raises(NotFound, match="the conversation was deleted"):
        history.shares.shared(link.token)


def test_shared_link_is_a_snapshot(history: History) -> None:
    made = ask(history, "a", "First?")
    ask(history, "b", "Other?")
    link = history.shares.make(made)
    ask(history, "c", "Later?", made)
    history.conversations.rename(made, "Private")
    shown = history.shares.shared(link.token)
    assert [a["question"] for a in shown.answers] == ["First?"] and shown.title == "First?"
    whole = history.shares.make(made, 3600)
    assert [a["question"] for a in history.shares.shared(whole.token).answers] == [
        "First?",
        "Later?",
    ]
    assert made not in repr(shown) and "'id'" not in repr(shown) and shown.answers[0]["claims"]
    assert {s.token: s.answers for s in history.shares.of(made)} == {link.token: 1, whole.token: 2}


def test_links_expire_and_are_revoked(history: History) -> None:
    made, other = ask(history, "a", "First?"), ask(history, "b", "Other?")
    revoked, ended = history.shares.make(made), history.shares.make(made, 60)
    assert ended.expires_at > ended.created_at and history.shares.shared(ended.token)
    change(
        history, "UPDATE shares SET expires_at = '2020-01-01T00:00:00' WHERE token = ?", ended.token
    )
    with pytest.raises(Gone, match="2020-01-01: ask who sent it"):
        history.shares.shared(ended.token)
    with pytest.raises(NotFound, match="no such link"):
        history.shares.revoke(other, revoked.token)
    for _ in range(2):
        history.shares.revoke(made, revoked.token)
    with pytest.raises(Gone, match="ask who sent the link"):
        history.shares.shared(revoked.token)
    for token in ("nope", made, "a"):
        with pytest.raises(NotFound, match="the link is whole") as raised:
            history.shares.shared(token)
        assert not isinstance(raised.value, Gone)


def test_latest_rating_of_answer_or_claim_is_stored(history: History) -> None:
    ask(history, "a", "First?")
    assert history.feedback.of("a") == []
    history.feedback.put(Feedback("a", "up", "よい", 1))
    history.feedback.put(Feedback("a", "up"))
    changed = history.feedback.put(Feedback("a", "down", "Not what I asked"))
    assert [(f.rating, f.claim) for f in history.feedback.of("a")] == [("down", None), ("up", 1)]
    assert history.feedback.of("a")[0] == changed
    assert history.feedback.put(Feedback("a", "up", "a\x00b\r\n\udc00c")).reason == "a b\n c"
    with pytest.raises(RequestRefused, match="has 2"):
        history.feedback.put(Feedback("a", "up", claim=2))
    for act in (
        lambda: history.feedback.put(Feedback("x", "up")),
        lambda: history.feedback.of("x"),
    ):
        with pytest.raises(NotFound, match="'x'"):
            act()


def test_stored_replies_expire_and_are_bounded(history: History) -> None:
    replies = ReplyStore(history.database, max_replies=3)
    for n in range(5):
        replies.keep(f"k{n}", StoredReply("r", {"n": n}))
    assert [bool(replies.find(f"k{n}")) for n in range(5)] == [False, False, True, True, True]
    old = time.time() - RETENTION_SECONDS
    change(history, "UPDATE replies SET kept_at = ? WHERE key = 'k4'", old)
    assert replies.find("k4") is None and replies.find("k3") == StoredReply("r", {"n": 3})
    replies.keep("k4", StoredReply("s", {"n": 4}))
    assert replies.find("k4") == StoredReply("s", {"n": 4})
