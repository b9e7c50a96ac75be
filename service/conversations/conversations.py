"""The table of conversations: list them page by page, read and change titles, delete one.

The HTTP routes are in ``service.api.conversations``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from corpus.errors import RequestRefused
from corpus.store.database import Database, upsert
from service.conversations import schema
from service.conversations.search import Match, find_match, has_words, search_words
from service.conversations.titles import title_of
from service.errors import ConversationNotFound
from service.query import printable

MAX_TITLE_LENGTH = 200  # characters of a title that a reader sets
_SET_TITLES = sa.select(schema.titles.c.conversation_id, schema.titles.c.title)
_CURSOR = re.compile(r"c([0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation as listed: title, number of answers and times (ISO 8601, UTC).

    ``found``: where a search found it; null without a search.
    """

    id: str
    title: str
    answers: int
    created_at: str
    last_asked_at: str
    found: Match | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the list of conversations, latest first, with the cursor of the ``next`` page."""

    conversations: tuple[Conversation, ...]
    next: str | None


class ConversationStore:
    """The conversations that have an answer. Every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, limit: int, cursor: str = "", query: str = "") -> Page:
        """Return a page of conversations, the one with the latest answer first.

        Questions asked while a reader turns the pages neither repeat nor hide a conversation on
        later pages, since a cursor names the last one shown.

        Args:
            limit: The number of conversations.
            cursor: ``next`` of the page before; empty for the first page.
            query: Words that title, questions or answers have; empty for all conversations.

        Raises:
            RequestRefused: The cursor is malformed.
        """
        last = sa.func.max(schema.order.c.row).label("last")
        wanted = _listed(last).order_by(last.desc()).limit(limit + 1)
        if cursor:
            wanted = wanted.having(last < _row(cursor))
        words = search_words(query)
        with self._database.transaction() as db:
            if words:
                titles = {row.conversation_id: row.title for row in db.execute(_SET_TITLES)}
                wanted = wanted.where(has_words(words, titles))
            rows = db.execute(wanted).all()
            more = len(rows) > limit
            found = tuple(_conversation(db, row, words) for row in rows[:limit])
        return Page(found, f"c{rows[limit - 1].last}" if more else None)

    def find(self, conversation_id: str) -> Conversation:
        """Return a conversation; NotFound if there is none with an answer under that id."""
        last = sa.func.max(schema.order.c.row).label("last")
        with self._database.transaction() as db:
            row = db.execute(_listed(last).having(_same_id(conversation_id))).first()
            if row is None:
                raise unknown_conversation(conversation_id)
            return _conversation(db, row)

    def rename(self, conversation_id: str, title: str) -> None:
        """Set a conversation's title; an empty one restores that made from its first answer."""
        title = " ".join(printable(title).split())
        if len(title) > MAX_TITLE_LENGTH:
            raise RequestRefused(
                f"the title has {len(title)} characters, and the limit is {MAX_TITLE_LENGTH}:"
                " give a shorter one"
            )
        with self._database.transaction(writes=True) as db:
            if db.execute(sa.select(schema.conversations).where(_same_id(conversation_id))).first():
                if title:
                    values = {"conversation_id": conversation_id, "title": title}
                    upsert(db, schema.titles, "conversation_id", values)
                else:
                    same = schema.titles.c.conversation_id == conversation_id
                    db.execute(sa.delete(schema.titles).where(same))
                return
        raise unknown_conversation(conversation_id)

    def delete(self, conversation_id: str) -> None:
        """Delete a conversation with its answers and everything stored about them.

        Its text is erased from the database files too: see ``Database.erase_deleted``.
        """
        answered = sa.select(schema.answers.c.id).where(
            schema.answers.c.conversation_id == conversation_id
        )
        with self._database.transaction(writes=True) as db:
            db.execute(sa.delete(schema.records).where(schema.records.c.answer_id.in_(answered)))
            same = schema.answers.c.conversation_id == conversation_id
            db.execute(sa.delete(schema.answers).where(same))
            deleted = db.execute(sa.delete(schema.conversations).where(_same_id(conversation_id)))
            if not deleted.rowcount:
                raise unknown_conversation(conversation_id)
        self._database.erase_deleted()


def unknown_conversation(conversation_id: str) -> ConversationNotFound:
    """Make the error for a conversation that does not exist."""
    return ConversationNotFound(
        f"no conversation {conversation_id!r}: /v1/conversations lists them all"
    )


def _same_id(conversation_id: str) -> sa.ColumnElement[bool]:
    return schema.conversations.c.id == conversation_id


def _listed(last: sa.Label[int]) -> sa.Select[Any]:
    """Select conversations with the rows of their first and last answers, and their number."""
    table = schema.conversations
    return (
        sa.select(
            table.c.id,
            table.c.created_at,
            sa.func.count(schema.answers.c.id).label("answers"),
            sa.func.min(schema.order.c.row).label("first"),
            last,
        )
        .join(schema.answers, schema.answers.c.conversation_id == table.c.id)
        .join(schema.order, schema.order.c.answer_id == schema.answers.c.id)
        .group_by(table.c.id, table.c.created_at)
    )


def _conversation(db: sa.Connection, row: sa.Row[Any], words: Sequence[str] = ()) -> Conversation:
    searched = schema.searched
    first_and_last = (
        sa.select(schema.answers.c.created_at, schema.answers.c.question, searched.c.title)
        .join(schema.order, schema.order.c.answer_id == schema.answers.c.id)
        # None where a process of an earlier version is still writing.
        .join(searched, searched.c.answer_id == schema.answers.c.id, isouter=True)
        .where(schema.order.c.row.in_([row.first, row.last]))
        .order_by(schema.order.c.row)
    )
    set_title = sa.select(schema.titles.c.title).where(schema.titles.c.conversation_id == row.id)
    found = db.execute(first_and_last).all()
    title = db.execute(set_title).scalar() or found[0].title or title_of(found[0].question)
    match = find_match(db, row.id, title, words) if words else None
    return Conversation(row.id, title, row.answers, row.created_at, found[-1].created_at, match)


def _row(cursor: str) -> int:
    if not (read := _CURSOR.fullmatch(cursor)):
        raise RequestRefused(
            f"the cursor {cursor[:40]!r} is not one of ours: send `next` of the page before, or"
            " leave it out for the first page"
        )
    return int(read[1])
