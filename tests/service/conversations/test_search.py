"""Search in the history: words in titles, questions and answers, in both languages."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from corpus.store.database import Database
from service.conversations import schema, search
from service.conversations.search import Match, fold, match_in
from service.conversations.store import History


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(Database(f"sqlite:///{tmp_path / 'tenkyo.db'}"))


def ask(history: History, name: str, question: str, text: str, talk: str = "") -> str:
    talk = talk or history.new_conversation()
    history.save_answer(name, talk, {"id": name, "question": question, "text": text})
    return talk


def found(history: History, query: str, limit: int = 20) -> list[str]:
    return [each.id for each in history.conversations.page(limit, query=query).conversations]


@pytest.fixture
def three(history: History) -> list[str]:
    return [
        ask(
            history,
            "a",
            "How old is the tower?",
            "It was built in 1890 [1], of ＢＲＩＣＫ and stone. [2]",
        ),
        ask(history, "b", "閲覧室はいつ休みですか？", "閲覧室は日曜日に休館する。ｶﾞｲﾄﾞもある。"),
        ask(history, "c", "100% of what?", "Of the snow_line; C:\\maps. Ärger im Straßenbau."),
    ]


@pytest.mark.parametrize(
    ("query", "hits"),
    [
        ("tower", "a"),
        ("TOWER built", "a"),  # every word, in question or answer
        ("tower snow", ""),
        ("brick", "a"),  # full-width in the answer
        ("ｂｒｉｃｋ", "a"),  # and in the query
        ("休館", "b"),
        ("ガイド", "b"),  # half-width in the answer
        ("日曜日　休み", "b"),  # parted by a Japanese blank
        ("ärger", "c"),
        ("STRASSENBAU", "c"),
        ("100%", "c"),  # % and _ are themselves
        ("1%0", ""),
        ("snow_line", "c"),
        ("snowxline", ""),
        ("c:\\maps", "c"),
        ("o", "ac"),
        ("  ", "abc"),
        ("\x00'; DROP TABLE answers; --", ""),
    ],
)
def test_words_are_found(history, three, query: str, hits: str) -> None:
    assert found(history, query) == [three["abc".index(hit)] for hit in reversed(hits)]


def test_match_is_shown_with_the_text_around_it(history, three) -> None:
    def match(query: str) -> Match | None:
        return history.conversations.page(1, query=query).conversations[0].found

    assert match("TOWER") == Match("title", "How old is the ", "tower", "?")
    assert match("日曜日") == Match("answer", "閲覧室は", "日曜日", "に休館する。ｶﾞｲﾄﾞもある。")
    # The title is known; what is shown is the word that it lacks.
    assert match("tower brick") == Match(
        "answer", "It was built in 1890, of ", "ＢＲＩＣＫ", " and stone."
    )
    assert history.conversations.page(1).conversations[0].found is None
    long = match_in("word " * 50 + "needle" + " word" * 50, "needle", "answer")
    assert long.before.startswith("…") and long.after.endswith("…") and len(long.after) < 70


def test_title_that_a_reader_set_is_found(history, three) -> None:
    history.conversations.rename(three[0], "Landmarks of Otaru")
    assert found(history, "otaru landmarks") == [three[0]]
    assert found(history, "otaru brick") == [three[0]]
    (listed,) = history.conversations.page(5, query="otaru").conversations
    assert listed.found == Match("title", "Landmarks of ", "Otaru", "")


def test_search_turns_pages(history) -> None:
    made = [ask(history, f"a{n}", f"Question {n}?", "maps") for n in range(5)]
    ask(history, "other", "Other?", "ships")
    first = history.conversations.page(2, query="maps")
    second = history.conversations.page(2, first.next, "maps")
    ids = [each.id for page in (first, second) for each in page.conversations]
    assert ids == made[:0:-1]


def test_deleted_conversation_is_not_found_and_leaves_no_text(history, three, tmp_path) -> None:
    history.conversations.delete(three[0])
    assert found(history, "tower") == []
    history.database.close()
    for file in tmp_path.iterdir():
        assert b"how old is the tower" not in file.read_bytes()


def test_answers_of_an_earlier_version_are_found(history, three, tmp_path) -> None:
    history.database.close()
    with closing(sqlite3.connect(tmp_path / "tenkyo.db")) as db, db:
        db.execute("DROP TABLE answer_search")
    again = History(Database(f"sqlite:///{tmp_path / 'tenkyo.db'}"))
    assert found(again, "brick") == [three[0]]
    assert again.conversations.find(three[1]).title == "閲覧室はいつ休みですか？"


def test_each_character_is_folded_by_itself() -> None:
    assert fold("ﬁＡßガ") == "".join(map(fold, "ﬁＡßガ")) == "fiassカ\u3099"


def test_search_shows_no_path_that_an_early_version_stored(history) -> None:
    stored = {
        "id": "a",
        "question": "Where is it?",
        "text": "",
        "mode": "abstained",
        "reason": "The closest is /home/ada/secret/tower.pdf.",
        "evidence": [],
        "claims": [],
    }
    history.save_answer("a", history.new_conversation(), stored)
    (listed,) = history.conversations.page(5, query="tower.pdf").conversations
    assert "secret" not in str(listed) and "/home" not in str(listed)
    assert found(history, "ada") == []


def test_many_answers_of_an_earlier_version_are_made_searchable_in_batches(
    history, monkeypatch, caplog
) -> None:
    """An interruption loses no more than the batch at hand."""
    made = [ask(history, f"a{n}", f"Question {n}?", "maps") for n in range(5)]
    database = history.database
    with database.transaction(writes=True) as db:
        db.execute(sa.delete(schema.searched))
    monkeypatch.setattr(search, "_BATCH", 2)
    real, calls = search.search_row, []

    def interrupted(answer_id, answer):
        calls.append(answer_id)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return real(answer_id, answer)

    monkeypatch.setattr(search, "search_row", interrupted)
    with pytest.raises(KeyboardInterrupt):
        search.make_searchable(database)
    assert found(history, "maps") == made[1::-1]
    with caplog.at_level("INFO"):
        search.make_searchable(database)
    assert found(history, "maps") == made[::-1]
    assert sorted(calls[4:]) == ["a2", "a3", "a4"]  # and none twice
    assert "3 answers" in caplog.text


def test_answer_that_a_process_of_an_earlier_version_wrote_is_listed(history, three) -> None:
    with history.database.transaction(writes=True) as db:
        db.execute(sa.delete(schema.searched).where(schema.searched.c.answer_id == "a"))
    listed = history.conversations.page(5).conversations
    assert [each.title for each in listed][-1] == "How old is the tower?"
    assert history.conversations.find(three[0]).answers == 1


def test_answer_that_a_process_of_an_earlier_version_wrote_is_shared(history, three) -> None:
    ask(history, "later", "How high is it?", "Nineteen metres.", three[0])
    with history.database.transaction(writes=True) as db:
        db.execute(sa.delete(schema.searched))
    link = history.shares.make(three[0])
    assert (link.title, link.answers) == ("How old is the tower?", 2)
    assert [each["question"] for each in history.shares.shared(link.token).answers] == [
        "How old is the tower?",
        "How high is it?",
    ]
