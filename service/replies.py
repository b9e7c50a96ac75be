"""Replies that are given again to a request which comes twice under one Idempotency-Key."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from corpus.database import Database, upsert
from service import tables

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
        table = tables.replies
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
        table = tables.replies
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
