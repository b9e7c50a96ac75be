"""Search in the history: the conversations whose title, questions or answers have some words.

Texts are compared folded: in NFKD and without case, so that full-width letters and half-width
kana are found too. Each answer has a row with its folded text, in which SQL looks.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from corpus.store.database import Database, upsert
from service.conversations import schema
from service.conversations.titles import subject_title
from service.disclosure import public
from service.query import printable

MAX_QUERY_LENGTH = 200  # characters
_MAX_WORDS = 8
_BEFORE, _AFTER = 30, 60  # characters shown before and after a match
_MARKER = re.compile(r" ?\[\d+\]")
_BATCH = 200  # answers of an early version that are made searchable at once

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Match:
    """The place where a conversation has a searched word: the word with the text around it."""

    where: Literal["title", "question", "answer"]
    before: str
    match: str
    after: str


def search_words(query: str) -> list[str]:
    """Split what a reader typed into folded words, each of which must be found."""
    return [fold(word) for word in printable(query).split()][:_MAX_WORDS]


def fold(text: str) -> str:
    """Fold a text for comparison, each character by itself: compatibility forms and case."""
    if text.isascii():
        return text.lower()  # the same, sooner
    return "".join(unicodedata.normalize("NFKD", c).casefold() for c in text)


def search_row(answer_id: str, answer: Mapping[str, Any]) -> dict[str, str]:
    """Make the row in which an answer is searched, with the title that its conversation may get.

    It is made from what readers are shown, as ``public`` returns it.
    """
    answer = public(answer)
    title = subject_title(answer["question"], answer)
    text = fold("\n".join((title, answer["question"], answer_text(answer))))
    return {"answer_id": answer_id, "title": title, "text": text}


def answer_text(answer: Mapping[str, Any]) -> str:
    """Return what an answer says: its text without markers, and why it lacks something, if so."""
    text = _MARKER.sub("", answer.get("text") or "")
    return " ".join(filter(None, (text, answer.get("reason"))))


def has_words(words: Sequence[str], titles: Mapping[str, str]) -> sa.ColumnElement[bool]:
    """Make the SQL condition that a conversation has every word, in its title or an answer.

    Args:
        words: Folded words.
        titles: The titles that readers set, by conversation.
    """
    answers, searched = schema.answers, schema.searched
    found = sa.select(answers.c.conversation_id).join(
        searched, searched.c.answer_id == answers.c.id
    )
    table, conditions = schema.conversations, []
    for word in words:
        titled = [id for id, title in titles.items() if word in fold(title)]
        inside = found.where(searched.c.text.contains(word, autoescape=True))
        conditions.append(table.c.id.in_(inside) | table.c.id.in_(titled))
    return sa.and_(*conditions)


def find_match(
    db: sa.Connection, conversation_id: str, title: str, words: Sequence[str]
) -> Match | None:
    """Return where a conversation has the first of the words that its title lacks, if any."""
    shown = fold(title)
    word = next((each for each in words if each not in shown), None)
    if word is None:
        return match_in(title, words[0], "title")
    answers, searched, order = schema.answers, schema.searched, schema.order
    query = (
        sa.select(answers.c.question, answers.c.answer)
        .join(searched, searched.c.answer_id == answers.c.id)
        .join(order, order.c.answer_id == answers.c.id)
        .where(answers.c.conversation_id == conversation_id)
        .where(searched.c.text.contains(word, autoescape=True))
        .order_by(order.c.row)
    )
    row = db.execute(query.limit(1)).first()
    if row is None:
        return None
    return match_in(row.question, word, "question") or match_in(
        answer_text(public(row.answer)), word, "answer"
    )


def match_in(text: str, word: str, where: Literal["title", "question", "answer"]) -> Match | None:
    """Find a folded word in a text, and cut out the text around it."""
    text = " ".join(text.split())
    folded = [fold(c) for c in text]
    places = [n for n, part in enumerate(folded) for _ in part]
    at = "".join(folded).find(word)
    if at < 0:
        return None
    start, end = places[at], places[at + len(word) - 1] + 1
    first, last = max(0, start - _BEFORE), min(len(text), end + _AFTER)
    before = ("…" if first else "") + text[first:start]
    after = text[end:last] + ("…" if last < len(text) else "")
    return Match(where, before, text[start:end], after)


def make_searchable(database: Database) -> None:
    """Make the answers of an early version searchable.

    A batch is a transaction, so that what was interrupted goes on at the next start.
    """
    answers, searched = schema.answers, schema.searched
    missing = (
        sa.select(answers.c.id, answers.c.question, answers.c.answer)
        .where(~sa.exists().where(searched.c.answer_id == answers.c.id))
        .order_by(answers.c.id)
        .limit(_BATCH)
    )
    last, done = "", 0
    while True:
        with database.transaction() as db:
            rows = db.execute(missing.where(answers.c.id > last)).all()
        if not rows:
            break
        if not done:
            _log.info("making the history searchable: this happens once")
        made = [search_row(row.id, row.answer | {"question": row.question}) for row in rows]
        last, done = rows[-1].id, done + len(rows)
        with database.transaction(writes=True) as db:
            same = answers.c.id.in_([row.id for row in rows])
            kept = set(db.execute(sa.select(answers.c.id).where(same)).scalars())
            for row in made:
                if row["answer_id"] in kept:  # else it was deleted meanwhile
                    upsert(db, searched, "answer_id", row)
    if done:
        _log.info("%d answers of an earlier version can be searched now", done)
