"""What was asked and answered: answers in their order, and what was noted beside them."""

from __future__ import annotations

import secrets

import sqlalchemy as sa

from corpus.database import Database, utc_now
from corpus.errors import NotFound
from service import tables
from service.conversations import ConversationStore
from service.disclosure import public
from service.feedback import FeedbackStore
from service.replies import ReplyStore
from service.shares import ShareStore


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
        database.create(tables.schema)
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
            sa.select(tables.answers.c.answer)
            .join(tables.order, tables.order.c.answer_id == tables.answers.c.id)
            .where(tables.answers.c.conversation_id == conversation_id)
            .order_by(tables.order.c.row)
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
                sa.insert(tables.answers),
                {
                    "id": answer_id,
                    "conversation_id": conversation_id,
                    "created_at": utc_now(),
                    "question": answer["question"],
                    "answer": answer,
                },
            )
            db.execute(sa.insert(tables.order), {"answer_id": answer_id})
            if record is not None:
                db.execute(sa.insert(tables.records), {"answer_id": answer_id, "record": record})

    def answer(self, answer_id: str) -> dict:
        with self.database.transaction() as db:
            found = db.execute(
                sa.select(tables.answers.c.answer).where(tables.answers.c.id == answer_id)
            ).scalar()
        if found is None:
            raise NotFound(f"no answer {answer_id!r}")
        return public(found)

    def record(self, answer_id: str) -> tuple[str, dict | None]:
        """When an answer was stored, and what was noted beside it, if anything was."""
        query = (
            sa.select(tables.answers.c.created_at, tables.records.c.record)
            .join(tables.records, tables.records.c.answer_id == tables.answers.c.id, isouter=True)
            .where(tables.answers.c.id == answer_id)
        )
        with self.database.transaction() as db:
            found = db.execute(query).first()
        if found is None:
            raise NotFound(f"no answer {answer_id!r}")
        return found.created_at, found.record


def _begin(db: sa.Connection, conversation_id: str) -> None:
    row = {"id": conversation_id, "created_at": utc_now()}
    db.execute(sa.insert(tables.conversations), row)


def _is_known(db: sa.Connection, conversation_id: str) -> bool:
    same = tables.conversations.c.id == conversation_id
    return db.execute(sa.select(tables.conversations.c.id).where(same)).first() is not None


def _order_earlier(database: Database) -> None:
    """Give the answers of an earlier version, which kept no order, one: by their times."""
    ordered = sa.select(tables.order.c.answer_id)
    missing = tables.answers.c.id.not_in(ordered)
    with database.transaction() as db:
        if db.execute(sa.select(tables.answers.c.id).where(missing).limit(1)).first() is None:
            return
    query = (
        sa.select(tables.answers.c.id)
        .where(missing)
        .order_by(tables.answers.c.created_at, tables.answers.c.id)
    )
    with database.transaction(writes=True) as db:
        rows = [{"answer_id": answer_id} for answer_id in db.execute(query).scalars()]
        if rows:
            db.execute(sa.insert(tables.order), rows)
