"""What was asked and answered: answers in their order, and what was noted beside them."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from corpus.errors import NotFound
from corpus.store.database import Database, upsert, utc_now
from service.conversations import schema
from service.conversations.conversations import ConversationStore
from service.conversations.feedback import FeedbackStore
from service.conversations.shares import ShareStore
from service.disclosure import public

RETENTION_SECONDS = 24 * 3600  # seconds
MAX_STORED_REPLIES = 10_000  # replies; an answer is no part of them, so one has some hundred bytes


@dataclass(frozen=True, slots=True)
class StoredReply:
    """A reply: ``body`` as JSON, or, where it is None, the answer of that id.

    ``request`` is the SHA-256 of what was asked. It goes when the answer or the conversation
    that it names goes.
    """

    request: str
    body: Any = None
    answer_id: str | None = None
    conversation_id: str | None = None


class ReplyStore:
    """At most ``most`` replies, each for a day, by a hash of their keys."""

    def __init__(self, database: Database, most: int = MAX_STORED_REPLIES) -> None:
        self._database, self._most = database, most

    def find(self, key: str) -> StoredReply | None:
        table = schema.replies
        query = sa.select(table).where(
            (table.c.key == key) & (table.c.kept_at > time.time() - RETENTION_SECONDS)
        )
        with self._database.transaction() as db:
            row = db.execute(query).first()
        return (
            StoredReply(row.request, row.body, row.answer_id, row.conversation_id) if row else None
        )

    def keep(self, key: str, reply: StoredReply) -> None:
        """Keep a reply, and forget those that are a day old, or the oldest of too many."""
        table = schema.replies
        values = {
            "key": key,
            "request": reply.request,
            "answer_id": reply.answer_id,
            "conversation_id": reply.conversation_id,
            "body": reply.body,
            "kept_at": time.time(),
        }
        with self._database.transaction(writes=True) as db:
            upsert(db, table, "key", values)
            newest = sa.select(table.c.kept_at).order_by(table.c.kept_at.desc())
            oldest = db.execute(newest.offset(self._most).limit(1)).scalar() or 0
            over = max(oldest, values["kept_at"] - RETENTION_SECONDS)
            db.execute(sa.delete(table).where(table.c.kept_at <= over))


class History:
    """The answers that were given, kept in a database.

    ``conversations`` lists and deletes them, ``shares`` are links to them, ``feedback`` is what
    readers thought, and ``replies`` are those that a repeated request gets again.

    An answer is given as readers elsewhere may have it (see ``service.disclosure``), however it
    was stored. Every method is one transaction. Methods raise StoreError when the database
    cannot be used. Safe to share between threads.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        database.create(schema.schema)
        _order_earlier(database)
        self.conversations = ConversationStore(database)
        self.shares = ShareStore(database)
        self.feedback = FeedbackStore(database)
        self.replies = ReplyStore(database)

    def new_conversation(self) -> str:
        conversation = secrets.token_urlsafe(12)
        with self.database.transaction(writes=True) as db:
            _begin(db, conversation)
        return conversation

    def conversation(self, conversation_id: str) -> list[dict]:
        """The answers of a conversation, oldest first; NotFound if there is none such."""
        query = (
            sa.select(schema.answers.c.answer)
            .join(schema.order, schema.order.c.answer_id == schema.answers.c.id)
            .where(schema.answers.c.conversation_id == conversation_id)
            .order_by(schema.order.c.row)
        )
        with self.database.transaction() as db:
            known = _is_known(db, conversation_id)
            answers = [public(found) for found in db.execute(query).scalars()]
        if not known:
            raise NotFound(
                f"no conversation {conversation_id!r}: leave conversation_id out to start one"
            )
        return answers

    def save_answer(
        self,
        answer_id: str,
        conversation_id: str,
        answer: dict,
        record: dict | None = None,
        *,
        begins: bool = False,
    ) -> None:
        """Keep an answer, and what else is to be known of how it was made.

        ``answer`` is JSON and holds the question under that name; ``record`` is JSON. Where it
        ``begins`` a conversation, that is made; else NotFound where it was deleted while the
        answer was made.
        """
        with self.database.transaction(writes=True) as db:
            if begins:
                _begin(db, conversation_id)
            elif not _is_known(db, conversation_id):
                raise NotFound(
                    f"the conversation {conversation_id!r} was deleted before the answer was"
                    " finished: ask again without conversation_id"
                )
            db.execute(
                sa.insert(schema.answers),
                {
                    "id": answer_id,
                    "conversation_id": conversation_id,
                    "created_at": utc_now(),
                    "question": answer["question"],
                    "answer": answer,
                },
            )
            db.execute(sa.insert(schema.order), {"answer_id": answer_id})
            if record is not None:
                db.execute(sa.insert(schema.records), {"answer_id": answer_id, "record": record})

    def answer(self, answer_id: str) -> dict:
        with self.database.transaction() as db:
            found = db.execute(
                sa.select(schema.answers.c.answer).where(schema.answers.c.id == answer_id)
            ).scalar()
        if found is None:
            raise NotFound(f"no answer {answer_id!r}")
        return public(found)

    def record(self, answer_id: str) -> tuple[str, dict | None]:
        """When an answer was stored, and what was noted beside it, if anything was."""
        query = (
            sa.select(schema.answers.c.created_at, schema.records.c.record)
            .join(schema.records, schema.records.c.answer_id == schema.answers.c.id, isouter=True)
            .where(schema.answers.c.id == answer_id)
        )
        with self.database.transaction() as db:
            found = db.execute(query).first()
        if found is None:
            raise NotFound(f"no answer {answer_id!r}")
        return found.created_at, found.record


def _begin(db: sa.Connection, conversation_id: str) -> None:
    row = {"id": conversation_id, "created_at": utc_now()}
    db.execute(sa.insert(schema.conversations), row)


def _is_known(db: sa.Connection, conversation_id: str) -> bool:
    same = schema.conversations.c.id == conversation_id
    return db.execute(sa.select(schema.conversations.c.id).where(same)).first() is not None


def _order_earlier(database: Database) -> None:
    """Give the answers of an earlier version, which kept no order, one: by their times."""
    ordered = sa.select(schema.order.c.answer_id)
    missing = schema.answers.c.id.not_in(ordered)
    with database.transaction() as db:
        if db.execute(sa.select(schema.answers.c.id).where(missing).limit(1)).first() is None:
            return
    query = (
        sa.select(schema.answers.c.id)
        .where(missing)
        .order_by(schema.answers.c.created_at, schema.answers.c.id)
    )
    with database.transaction(writes=True) as db:
        rows = [{"answer_id": answer_id} for answer_id in db.execute(query).scalars()]
        if rows:
            db.execute(sa.insert(schema.order), rows)
