"""What was asked and answered: conversations, answers, and what was noted beside them."""

from __future__ import annotations

import secrets

import sqlalchemy as sa

from corpus.database import Database, now
from corpus.errors import NotFound

_schema = sa.MetaData()
_conversations = sa.Table(
    "conversations",
    _schema,
    sa.Column("id", sa.String(24), primary_key=True),
    sa.Column("created_at", sa.String, nullable=False),
)
_answers = sa.Table(
    "answers",
    _schema,
    sa.Column("id", sa.String(24), primary_key=True),
    sa.Column("conversation_id", sa.ForeignKey("conversations.id"), nullable=False, index=True),
    sa.Column("created_at", sa.String, nullable=False),
    sa.Column("question", sa.Text, nullable=False),
    sa.Column("answer", sa.JSON, nullable=False),
)
# What was noted beside an answer when it was made; none for answers of earlier versions.
_records = sa.Table(
    "records",
    _schema,
    sa.Column("answer_id", sa.ForeignKey("answers.id"), primary_key=True),
    sa.Column("record", sa.JSON, nullable=False),
)


class History:
    """The answers that were given, kept in a database.

    Every method is one transaction. Methods raise StoreError when the database cannot be used.
    Safe to share between threads.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        database.create(_schema)

    def new_conversation(self) -> str:
        conversation = secrets.token_urlsafe(12)
        with self.database.transaction(writes=True) as db:
            db.execute(sa.insert(_conversations), {"id": conversation, "created_at": now()})
        return conversation

    def conversation(self, conversation_id: str) -> list[dict]:
        """The answers of a conversation, oldest first; NotFound if there is none such."""
        with self.database.transaction() as db:
            known = db.execute(
                sa.select(_conversations.c.id).where(_conversations.c.id == conversation_id)
            ).first()
            query = (
                sa.select(_answers.c.answer)
                .where(_answers.c.conversation_id == conversation_id)
                .order_by(_answers.c.created_at)
            )
            answers = list(db.execute(query).scalars())
        if known is None:
            raise NotFound(
                f"no conversation {conversation_id!r}: leave conversation_id out to start one"
            )
        return answers

    def save_answer(
        self, answer_id: str, conversation_id: str, answer: dict, record: dict | None = None
    ) -> None:
        """Keep an answer, and what else is to be known of how it was made.

        ``answer`` is JSON and holds the question under that name; ``record`` is JSON.
        """
        with self.database.transaction(writes=True) as db:
            db.execute(
                sa.insert(_answers),
                {
                    "id": answer_id,
                    "conversation_id": conversation_id,
                    "created_at": now(),
                    "question": answer["question"],
                    "answer": answer,
                },
            )
            if record is not None:
                db.execute(sa.insert(_records), {"answer_id": answer_id, "record": record})

    def answer(self, answer_id: str) -> dict:
        with self.database.transaction() as db:
            found = db.execute(
                sa.select(_answers.c.answer).where(_answers.c.id == answer_id)
            ).scalar()
        if found is None:
            raise NotFound(f"no answer {answer_id!r}")
        return found

    def record(self, answer_id: str) -> tuple[str, dict | None]:
        """When an answer was stored, and what was noted beside it, if anything was."""
        query = (
            sa.select(_answers.c.created_at, _records.c.record)
            .join(_records, _records.c.answer_id == _answers.c.id, isouter=True)
            .where(_answers.c.id == answer_id)
        )
        with self.database.transaction() as db:
            found = db.execute(query).first()
        if found is None:
            raise NotFound(f"no answer {answer_id!r}")
        return found.created_at, found.record
