"""Shared links: read-only snapshots of a conversation as it was when the link was made.

A live view would publish every later question of somebody who has forgotten the link.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from corpus.errors import NotFound
from corpus.store.database import Database, utc_now
from service.conversations import schema
from service.conversations.conversations import unknown_conversation
from service.conversations.titles import title_of
from service.disclosure import public
from service.errors import LinkGone, LinkNotFound


@dataclass(frozen=True, slots=True)
class Share:
    """A link to a conversation; times are ISO 8601 in UTC, ``expires_at`` empty for no expiry."""

    token: str
    title: str
    answers: int
    created_at: str
    expires_at: str
    revoked_at: str

    @property
    def url(self) -> str:
        """Return the link's path; its host is the one at which readers reach the service."""
        return f"/v1/shared/{self.token}"


@dataclass(frozen=True, slots=True)
class Shared:
    """What a link shows: answers as JSON, without the ids by which one could add to them."""

    title: str
    shared_at: str
    expires_at: str
    answers: tuple[dict[str, Any], ...]


class ShareStore:
    """The shared links in the database. Every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def make(self, conversation_id: str, seconds: int | None = None) -> Share:
        """Make a link to the answers that a conversation has now.

        Args:
            conversation_id: The conversation.
            seconds: How long the link is valid; None for ever.

        Raises:
            NotFound: There is no such conversation, or nothing was answered in it.
        """
        row, answers = schema.order.c.row, schema.answers
        query = (
            sa.select(row, answers.c.question, schema.searched.c.title)
            .join(answers, answers.c.id == schema.order.c.answer_id)
            # None where a process of an earlier version is still writing.
            .join(schema.searched, schema.searched.c.answer_id == answers.c.id, isouter=True)
            .where(answers.c.conversation_id == conversation_id)
            .order_by(row)
        )
        set_title = sa.select(schema.titles.c.title).where(
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
            made = found[0].title or title_of(found[0].question)
            values["title"] = db.execute(set_title).scalar() or made
            values["upto"] = found[-1].row
            db.execute(sa.insert(schema.shares), values)
        return Share(
            values["token"], values["title"], len(found), created, values["expires_at"], ""
        )

    def of(self, conversation_id: str) -> list[Share]:
        """Return the links of a conversation, newest first, including expired and revoked ones."""
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
        """Revoke a link; NotFound if the conversation has no such link. Idempotent."""
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
        """Return what a link shows.

        Raises:
            Gone: The link has expired or was revoked.
            NotFound: There is no such link.
        """
        with self._database.transaction() as db:
            link = db.execute(
                sa.select(schema.shares).where(schema.shares.c.token == token)
            ).first()
            if link is None:
                raise LinkNotFound(
                    "there is no such shared conversation: check that the link is whole; if it is,"
                    " the conversation was deleted"
                )
            if link.revoked_at:
                raise LinkGone(
                    "this conversation is no longer shared: ask who sent the link for a new one"
                )
            if link.expires_at and link.expires_at <= utc_now():
                raise LinkGone(
                    f"the link expired on {link.expires_at[:10]}: ask who sent it for a new one"
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


def _without_ids(answer: dict[str, Any]) -> dict[str, Any]:
    """Remove the ids of an answer: they lead to its conversation, which could be continued."""
    shown = public(answer)
    return {name: v for name, v in shown.items() if name not in ("id", "conversation_id")}


def _after(moment: str, seconds: int) -> str:
    at = datetime.fromisoformat(moment).astimezone(UTC) + timedelta(seconds=seconds)
    return at.isoformat(timespec="microseconds")
