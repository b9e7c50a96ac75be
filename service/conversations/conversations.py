"""The table of conversations: list them page by page, read and change titles, delete one.

The HTTP routes are in ``service.api.conversations``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from corpus.errors import NotFound, RequestRefused
from corpus.store.database import Database, upsert
from service.conversations import schema
from service.query import printable

TITLE_LENGTH = 60  # columns of a title made from a question; Japanese characters take two
_EAST_ASIAN = 0x2E7F  # code points above this take two columns
MAX_TITLE_LENGTH = 200  # characters of a title that a reader sets
_CURSOR = re.compile(r"c([0-9]{1,18})")
_ENDS = "。．.!！?？、,;；:：…・-–—( （「『“\"'"  # removed before the ellipsis


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation as listed: title, number of answers and times (ISO 8601, UTC)."""

    id: str
    title: str
    answers: int
    created_at: str
    last_asked_at: str


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the list of conversations, latest first, with the cursor of the ``next`` page."""

    conversations: tuple[Conversation, ...]
    next: str | None


class ConversationStore:
    """The conversations that have an answer. Every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, limit: int, cursor: str = "") -> Page:
        """Return a page of conversations, the one with the latest answer first.

        Questions asked while a reader turns the pages neither repeat nor hide a conversation on
        later pages, since a cursor names the last one shown.

        Args:
            limit: The number of conversations.
            cursor: ``next`` of the page before; empty for the first page.

        Raises:
            RequestRefused: The cursor is malformed.
        """
        last = sa.func.max(schema.order.c.row).label("last")
        query = _listed(last).order_by(last.desc()).limit(limit + 1)
        if cursor:
            query = query.having(last < _row(cursor))
        with self._database.transaction() as db:
            rows = db.execute(query).all()
            more = len(rows) > limit
            found = tuple(_conversation(db, row) for row in rows[:limit])
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
        """Set a conversation's title; an empty one restores that made from its first question."""
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


def unknown_conversation(conversation_id: str) -> NotFound:
    """Make the error for a conversation that does not exist."""
    return NotFound(f"no conversation {conversation_id!r}: /v1/conversations lists them all")


def title_of(question: str) -> str:
    """Shorten a question to a title of at most 60 columns, cut at the end of a word."""
    text = " ".join(question.split())
    room, cut = TITLE_LENGTH, 0
    while cut < len(text) and room > 0:
        room -= 2 if ord(text[cut]) > _EAST_ASIAN else 1
        cut += 1
    if cut == len(text) and room >= 0:
        return text
    cut -= 1
    at = next((i for i in range(cut, cut * 2 // 3, -1) if _may_cut(text[i - 1], text[i])), cut)
    return text[:at].rstrip(_ENDS) + "…"


def _may_cut(before: str, after: str) -> bool:
    """Return whether a title may be cut between two characters.

    It may at a blank or a full-width mark, and in Japanese, which has no blanks, after hiragana,
    which end a word or are its particle.
    """
    left, right = _script(before), _script(after)
    return "mark" in (left, right) or (left == "hiragana" != right)


def _script(c: str) -> str:
    if c.isspace() or (ord(c) > _EAST_ASIAN and not c.isalnum()):
        return "mark"
    return "hiragana" if "\u3040" <= c < "\u30a0" else "other"


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


def _conversation(db: sa.Connection, row: sa.Row[Any]) -> Conversation:
    first_and_last = (
        sa.select(schema.answers.c.question, schema.answers.c.created_at)
        .join(schema.order, schema.order.c.answer_id == schema.answers.c.id)
        .where(schema.order.c.row.in_([row.first, row.last]))
        .order_by(schema.order.c.row)
    )
    set_title = sa.select(schema.titles.c.title).where(schema.titles.c.conversation_id == row.id)
    found = db.execute(first_and_last).all()
    title = db.execute(set_title).scalar() or title_of(found[0].question)
    return Conversation(row.id, title, row.answers, row.created_at, found[-1].created_at)


def _row(cursor: str) -> int:
    if not (read := _CURSOR.fullmatch(cursor)):
        raise RequestRefused(
            f"the cursor {cursor[:40]!r} is not one of ours: send `next` of the page before, or"
            " leave it out for the first page"
        )
    return int(read[1])
