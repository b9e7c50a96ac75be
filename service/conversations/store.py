"""History: the stored answers in order, each with the record from which a receipt is made."""

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
from service.conversations.search import make_searchable, search_row
from service.conversations.shares import ShareStore
from service.disclosure import public
from service.errors import ConversationNotFound

RETENTION_SECONDS = 24 * 3600  # of replies
MAX_STORED_REPLIES = 10_000  # of some hundred bytes each: answers are stored elsewhere


@dataclass(frozen=True, slots=True)
class StoredReply:
    """A reply that is given again to the same request.

    It is deleted with the answer or conversation that it names.

    Attributes:
        request: The SHA-256 of the request.
        body: The reply as JSON; for an answer only the names of its frames, in order.
        answer_id: The answer that it is or is about, if any.
        conversation_id: The conversation that it is about, if any.
    """

    request: str
    body: Any = None
    answer_id: str | None = None
    conversation_id: str | None = None


class ReplyStore:
    """Stored replies by hashed idempotency key: a bounded number, each for a day."""

    def __init__(self, database: Database, max_replies: int = MAX_STORED_REPLIES) -> None:
        self._database, self._max_replies = database, max_replies

    def find(self, key: str) -> StoredReply | None:
        """Return the reply stored under a key, if it is less than a day old."""
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
        """Store a reply; delete those that are a day old, and the oldest if there are too many."""
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
            oldest = db.execute(newest.offset(self._max_replies).limit(1)).scalar() or 0
            expired = max(oldest, values["kept_at"] - RETENTION_SECONDS)
            db.execute(sa.delete(table).where(table.c.kept_at <= expired))


class History:
    """The answers that were given, stored in the library's database.

    ``conversations``, ``shares``, ``feedback`` and ``replies`` are the stores of what belongs to
    them. Answers are returned without local paths (see ``service.disclosure``), however they were
    stored. Every method is one transaction, and raises StoreError if the database cannot be used.
    Safe to share between threads.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        database.create(schema.schema)
        _number_unordered(database)
        make_searchable(database)
        self.conversations = ConversationStore(database)
        self.shares = ShareStore(database)
        self.feedback = FeedbackStore(database)
        self.replies = ReplyStore(database)

    def new_conversation(self) -> str:
        """Begin a conversation and return its id."""
        conversation_id = secrets.token_urlsafe(12)
        with self.database.transaction(writes=True) as db:
            _insert_conversation(db, conversation_id)
        return conversation_id

    def conversation(self, conversation_id: str) -> list[dict[str, Any]]:
        """Return the answers of a conversation as JSON, oldest first; NotFound if it is unknown."""
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
            raise ConversationNotFound(
                f"no conversation {conversation_id!r}: leave conversation_id out to start one"
            )
        return answers

    def save_answer(
        self,
        answer_id: str,
        conversation_id: str,
        answer: dict[str, Any],
        record: dict[str, Any] | None = None,
        *,
        begins: bool = False,
    ) -> None:
        """Store an answer, with the record from which a receipt can be made.

        Args:
            answer_id: The answer's id.
            conversation_id: The conversation that it belongs to.
            answer: The answer as JSON, with its ``question``.
            record: How it was made, as JSON; None for no record.
            begins: Whether to begin the conversation too.

        Raises:
            NotFound: The conversation was deleted while the answer was made.
        """
        with self.database.transaction(writes=True) as db:
            if begins:
                _insert_conversation(db, conversation_id)
            elif not _is_known(db, conversation_id):
                raise ConversationNotFound(
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
            db.execute(sa.insert(schema.searched), search_row(answer_id, answer))
            if record is not None:
                db.execute(sa.insert(schema.records), {"answer_id": answer_id, "record": record})

    def answer(self, answer_id: str) -> dict[str, Any]:
        """Return an answer as JSON; NotFound if it is unknown."""
        with self.database.transaction() as db:
            found = db.execute(
                sa.select(schema.answers.c.answer).where(schema.answers.c.id == answer_id)
            ).scalar()
        if found is None:
            raise NotFound(f"no answer {answer_id!r}")
        shown: dict[str, Any] = public(found)
        return shown

    def record(self, answer_id: str) -> tuple[str, dict[str, Any] | None]:
        """Return when an answer was stored (ISO 8601, UTC), and its record, if it has one."""
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


def _insert_conversation(db: sa.Connection, conversation_id: str) -> None:
    row = {"id": conversation_id, "created_at": utc_now()}
    db.execute(sa.insert(schema.conversations), row)


def _is_known(db: sa.Connection, conversation_id: str) -> bool:
    same = schema.conversations.c.id == conversation_id
    return db.execute(sa.select(schema.conversations.c.id).where(same)).first() is not None


def _number_unordered(database: Database) -> None:
    """Number the answers of an early version, which stored no order, by their times."""
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
