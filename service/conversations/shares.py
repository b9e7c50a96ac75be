"""Links that let others read a conversation, as it was when it was shared, and no more."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from corpus.errors import Gone, NotFound
from corpus.store.database import Database, utc_now
from service.conversations import schema
from service.conversations.conversations import title_of, unknown_conversation
from service.disclosure import public


@dataclass(frozen=True, slots=True)
class Share:
    """A link; times are ISO date-times in UTC, ``expires_at`` empty for one without an end."""

    token: str
    title: str
    answers: int
    created_at: str
    expires_at: str
    revoked_at: str

    @property
    def url(self) -> str:
        """Its path: under which name the service is reached, the reader's address bar knows."""
        return f"/v1/shared/{self.token}"


@dataclass(frozen=True, slots=True)
class Shared:
    """What a link shows: the answers as JSON, without the ids by which one could write."""

    title: str
    shared_at: str
    expires_at: str
    answers: tuple[dict, ...]


class ShareStore:
    """The links of a database. Every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def make(self, conversation_id: str, seconds: int | None = None) -> Share:
        """A new link to what was answered until now, for so many seconds (None: without end)."""
        row, kept = schema.order.c.row, schema.answers
        query = (
            sa.select(row, kept.c.question)
            .join(kept, kept.c.id == schema.order.c.answer_id)
            .where(kept.c.conversation_id == conversation_id)
            .order_by(row)
        )
        given = sa.select(schema.titles.c.title).where(
            schema.titles.c.conversation_id == conversation_id
        )
        created = utc_now()
        values = {
            "token": secrets.token_urlsafe(24),
            "conversation_id": conversation_id,
            "created_at": created,
            "expires_at": _after(created, seconds) if seconds is not None else "",
        }
        with self._database.transaction(writes=True) as db:
            found = db.execute(query).all()
            if not found:
                raise unknown_conversation(conversation_id)
            values["title"] = db.execute(given).scalar() or title_of(found[0].question)
            values["upto"] = found[-1].row
            db.execute(sa.insert(schema.shares), values)
        return Share(
            values["token"], values["title"], len(found), created, values["expires_at"], ""
        )

    def of(self, conversation_id: str) -> list[Share]:
        """The links of a conversation, newest first; those that are over included."""
        shown = (
            sa.select(sa.func.count())
            .select_from(schema.answers.join(schema.order))
            .where(schema.answers.c.conversation_id == schema.shares.c.conversation_id)
            .where(schema.order.c.row <= schema.shares.c.upto)
            .scalar_subquery()
        )
        query = (
            sa.select(schema.shares, shown.label("answers"))
            .where(schema.shares.c.conversation_id == conversation_id)
            .order_by(schema.shares.c.created_at.desc(), schema.shares.c.token)
        )
        known = sa.select(schema.conversations.c.id).where(
            schema.conversations.c.id == conversation_id
        )
        with self._database.transaction() as db:
            if db.execute(known).first() is None:
                raise unknown_conversation(conversation_id)
            return [
                Share(s.token, s.title, s.answers, s.created_at, s.expires_at, s.revoked_at)
                for s in db.execute(query)
            ]

    def revoke(self, conversation_id: str, token: str) -> None:
        """End a link; NotFound if the conversation has none such. Twice is once."""
        same = (schema.shares.c.token == token) & (
            schema.shares.c.conversation_id == conversation_id
        )
        with self._database.transaction(writes=True) as db:
            row = db.execute(sa.select(schema.shares.c.revoked_at).where(same)).first()
            if row is None:
                raise NotFound(
                    "the conversation has no such link: /v1/conversations/{id}/shares lists them"
                )
            if not row.revoked_at:
                db.execute(sa.update(schema.shares).where(same).values(revoked_at=utc_now()))

    def shared(self, token: str) -> Shared:
        """What a link shows; Gone for one that is over, NotFound for one that never was."""
        with self._database.transaction() as db:
            link = db.execute(
                sa.select(schema.shares).where(schema.shares.c.token == token)
            ).first()
            if link is None:
                raise NotFound(
                    "there is no such shared conversation: check that the link is whole; if it is,"
                    " the conversation was deleted"
                )
            if link.revoked_at:
                raise Gone(
                    "this conversation is not shared any more: ask who sent the link for a new one"
                )
            if link.expires_at and link.expires_at <= utc_now():
                raise Gone(
                    f"the link ended on {link.expires_at[:10]}: ask who sent it for a new one"
                )
            query = (
                sa.select(schema.answers.c.answer)
                .join(schema.order, schema.order.c.answer_id == schema.answers.c.id)
                .where(schema.answers.c.conversation_id == link.conversation_id)
                .where(schema.order.c.row <= link.upto)
                .order_by(schema.order.c.row)
            )
            answers = tuple(_without_ids(found) for found in db.execute(query).scalars())
        return Shared(link.title, link.created_at, link.expires_at, answers)


def _without_ids(answer: dict) -> dict:
    """An answer's own id leads to the conversation's, and by that one could go on with it."""
    shown = public(answer)
    return {name: v for name, v in shown.items() if name not in ("id", "conversation_id")}


def _after(moment: str, seconds: int) -> str:
    at = datetime.fromisoformat(moment).astimezone(UTC) + timedelta(seconds=seconds)
    return at.isoformat(timespec="microseconds")
