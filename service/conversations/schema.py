"""The tables of what was asked and answered, in the database of the library."""

from __future__ import annotations

import sqlalchemy as sa

schema = sa.MetaData()


def _of_answer(**more: bool) -> sa.Column:
    """A column that names an answer, and whose row goes when the answer goes."""
    return sa.Column("answer_id", sa.ForeignKey("answers.id", ondelete="CASCADE"), **more)


def _of_conversation(**more: bool) -> sa.Column:
    key = sa.ForeignKey("conversations.id", ondelete="CASCADE")
    return sa.Column("conversation_id", key, **more)


conversations = sa.Table(
    "conversations",
    schema,
    sa.Column("id", sa.String(24), primary_key=True),
    sa.Column("created_at", sa.String, nullable=False),
)
answers = sa.Table(
    "answers",
    schema,
    sa.Column("id", sa.String(24), primary_key=True),
    sa.Column("conversation_id", sa.ForeignKey("conversations.id"), nullable=False, index=True),
    sa.Column("created_at", sa.String, nullable=False),
    sa.Column("question", sa.Text, nullable=False),
    sa.Column("answer", sa.JSON, nullable=False),
)
# What was noted beside an answer when it was made; none for answers of earlier versions.
records = sa.Table(
    "records",
    schema,
    sa.Column("answer_id", sa.ForeignKey("answers.id"), primary_key=True),
    sa.Column("record", sa.JSON, nullable=False),
)
# The order in which answers were stored. A clock may be put back, and SQLite may number the
# rows of ``answers``, whose key is a text, anew; this number is never used twice.
order = sa.Table(
    "answer_order",
    schema,
    sa.Column("row", sa.Integer, primary_key=True, autoincrement=True),
    _of_answer(nullable=False, unique=True),
    sqlite_autoincrement=True,
)
titles = sa.Table(  # only those that a reader gave
    "conversation_titles",
    schema,
    _of_conversation(primary_key=True),
    sa.Column("title", sa.Text, nullable=False),
)
# A link shows the answers up to row ``upto``, and the title of then.
shares = sa.Table(
    "shares",
    schema,
    sa.Column("token", sa.String(32), primary_key=True),
    _of_conversation(nullable=False, index=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("upto", sa.Integer, nullable=False),
    sa.Column("created_at", sa.String, nullable=False),
    sa.Column("expires_at", sa.String, nullable=False, server_default=""),  # empty: never
    sa.Column("revoked_at", sa.String, nullable=False, server_default=""),
)
feedback = sa.Table(
    "feedback",
    schema,
    _of_answer(primary_key=True),
    sa.Column("claim", sa.Integer, primary_key=True, autoincrement=False),  # -1: all of it
    sa.Column("rating", sa.String(8), nullable=False),
    sa.Column("reason", sa.Text, nullable=False, server_default=""),
    sa.Column("given_at", sa.String, nullable=False),
)
# Replies to be given again to the same request. One that is an answer is not kept twice:
# ``body`` is null. Both columns that name something are there so that it goes when that goes.
replies = sa.Table(
    "replies",
    schema,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("request", sa.String(64), nullable=False),
    _of_answer(index=True),
    _of_conversation(index=True),
    sa.Column("body", sa.JSON(none_as_null=True)),
    sa.Column("kept_at", sa.Float, nullable=False, index=True),
)
