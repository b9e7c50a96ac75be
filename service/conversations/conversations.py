"""Conversations as a reader looks back on them: a list, a title, and that one can be deleted."""

from __future__ import annotations

import re
from dataclasses import dataclass

import sqlalchemy as sa

from corpus.errors import NotFound, RequestRefused
from corpus.store.database import Database, upsert
from service.conversations import schema
from service.query import printable

TITLE_LENGTH = 60  # letters of a title made from a question; a Japanese one is two wide
_EAST_ASIAN = 0x2E7F  # from here on, letters are two wide
MAX_TITLE_LENGTH = 200  # characters of one that a reader gives
_CURSOR = re.compile(r"c([0-9]{1,18})")
_ENDS = "。．.!！?？、,;；:：…・-–—( （「『“\"'"  # not left standing before the dots


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation in a list; times are ISO date-times in UTC."""

    id: str
    title: str
    answers: int
    created_at: str
    last_asked_at: str


@dataclass(frozen=True, slots=True)
class Page:
    """Some conversations, the last asked first; ``next`` is the cursor of what follows them."""

    conversations: tuple[Conversation, ...]
    next: str | None


class ConversationStore:
    """Those in which something was answered. Every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, limit: int, cursor: str = "") -> Page:
        """``limit`` conversations, the one that was answered last first.

        A cursor names the place after a conversation: what is asked while a reader turns the
        pages is at the front of the list, and moves nothing that is still to come twice.
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
        """NotFound if there is none such, or nothing was answered in it."""
        last = sa.func.max(schema.order.c.row).label("last")
        with self._database.transaction() as db:
            row = db.execute(_listed(last).having(_is(conversation_id))).first()
            if row is None:
                raise unknown_conversation(conversation_id)
            return _conversation(db, row)

    def rename(self, conversation_id: str, title: str) -> None:
        """Give it a title; an empty one brings the one made from its first question back."""
        title = " ".join(printable(title).split())
        if len(title) > MAX_TITLE_LENGTH:
            raise RequestRefused(
                f"the title has {len(title)} characters, and at most {MAX_TITLE_LENGTH} are kept:"
                " give a shorter one"
            )
        with self._database.transaction(writes=True) as db:
            if db.execute(sa.select(schema.conversations).where(_is(conversation_id))).first():
                if title:
                    values = {"conversation_id": conversation_id, "title": title}
                    upsert(db, schema.titles, "conversation_id", values)
                else:
                    same = schema.titles.c.conversation_id == conversation_id
                    db.execute(sa.delete(schema.titles).where(same))
                return
        raise unknown_conversation(conversation_id)

    def delete(self, conversation_id: str) -> None:
        """Remove one with its answers, and everything that was kept beside them.

        Afterwards its words are not in the files of the database either; see Database.scrub.
        """
        answered = sa.select(schema.answers.c.id).where(
            schema.answers.c.conversation_id == conversation_id
        )
        with self._database.transaction(writes=True) as db:
            db.execute(sa.delete(schema.records).where(schema.records.c.answer_id.in_(answered)))
            same = schema.answers.c.conversation_id == conversation_id
            db.execute(sa.delete(schema.answers).where(same))
            gone = db.execute(sa.delete(schema.conversations).where(_is(conversation_id)))
            if not gone.rowcount:
                raise unknown_conversation(conversation_id)
        self._database.erase_deleted()


def unknown_conversation(conversation_id: str) -> NotFound:
    return NotFound(
        f"no conversation {conversation_id!r}: /v1/conversations lists those that there are"
    )


def title_of(question: str) -> str:
    """A question as a title: whole if it is short, else cut where a word ends, and dotted."""
    text = " ".join(question.split())
    room, cut = TITLE_LENGTH, 0
    while cut < len(text) and room > 0:
        room -= 2 if ord(text[cut]) > _EAST_ASIAN else 1
        cut += 1
    if cut == len(text) and room >= 0:
        return text
    cut -= 1
    at = next((i for i in range(cut, cut * 2 // 3, -1) if _parts(text[i - 1], text[i])), cut)
    return text[:at].rstrip(_ENDS) + "…"


def _parts(before: str, after: str) -> bool:
    """Whether a text may be cut between two characters: at a blank or a full-width mark, and
    in Japanese, which has no blanks, after the kana that end a word or are its particle.
    """
    left, right = _script(before), _script(after)
    return "mark" in (left, right) or (left == "hiragana" != right)


def _script(c: str) -> str:
    if c.isspace() or (ord(c) > _EAST_ASIAN and not c.isalnum()):
        return "mark"
    return "hiragana" if "\u3040" <= c < "\u30a0" else "other"


def _is(conversation_id: str) -> sa.ColumnElement[bool]:
    return schema.conversations.c.id == conversation_id


def _listed(last: sa.Label) -> sa.Select:
    """Conversations with the rows of their first and last answers, and the number of these."""
    kept = schema.conversations
    return (
        sa.select(
            kept.c.id,
            kept.c.created_at,
            sa.func.count(schema.answers.c.id).label("answers"),
            sa.func.min(schema.order.c.row).label("first"),
            last,
        )
        .join(schema.answers, schema.answers.c.conversation_id == kept.c.id)
        .join(schema.order, schema.order.c.answer_id == schema.answers.c.id)
        .group_by(kept.c.id, kept.c.created_at)
    )


def _conversation(db: sa.Connection, row: sa.Row) -> Conversation:
    ends = (
        sa.select(schema.answers.c.question, schema.answers.c.created_at)
        .join(schema.order, schema.order.c.answer_id == schema.answers.c.id)
        .where(schema.order.c.row.in_([row.first, row.last]))
        .order_by(schema.order.c.row)
    )
    given = sa.select(schema.titles.c.title).where(schema.titles.c.conversation_id == row.id)
    found = db.execute(ends).all()
    title = db.execute(given).scalar() or title_of(found[0].question)
    return Conversation(row.id, title, row.answers, row.created_at, found[-1].created_at)


def _row(cursor: str) -> int:
    if not (read := _CURSOR.fullmatch(cursor)):
        raise RequestRefused(
            f"the cursor {cursor[:40]!r} is none of ours: take `next` of the page before, or"
            " leave it out for the first page"
        )
    return int(read[1])
