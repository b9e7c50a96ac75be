"""Replies that are given again to a request which comes twice under one Idempotency-Key."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from corpus.database import Database, upsert
from service import tables

KEPT = 24 * 3600  # seconds
MOST = 10_000  # replies; an answer is no part of them, so one has some hundred bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply: ``body`` as JSON, or, where it is None, the answer of that id.

    ``request`` is the SHA-256 of what was asked. It goes when the answer or the conversation
    that it names goes.
    """

    request: str
    body: Any = None
    answer_id: str | None = None
    conversation_id: str | None = None


class Replies:
    """At most ``most`` replies, each for a day, by a hash of their keys."""

    def __init__(self, database: Database, most: int = MOST) -> None:
        self._database, self._most = database, most

    def find(self, key: str) -> Reply | None:
        table = tables.replies
        query = sa.select(table).where(
            (table.c.key == key) & (table.c.kept_at > time.time() - KEPT)
        )
        with self._database.transaction() as db:
            row = db.execute(query).first()
        return Reply(row.request, row.body, row.answer_id, row.conversation_id) if row else None

    def keep(self, key: str, reply: Reply) -> None:
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
            over = max(oldest, values["kept_at"] - KEPT)
            db.execute(sa.delete(table).where(table.c.kept_at <= over))
