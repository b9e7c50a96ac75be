"""SQL tables of conversations, answers, titles, shared links, ratings and stored replies.

They are in the library's database. Tables that were added later name what they belong to with
``ON DELETE CASCADE``, so that no deletion forgets one.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

schema = sa.MetaData()


def _answer_column(**options: Any) -> sa.Column[Any]:
    """Make a column for an answer's id; a row is deleted with its answer."""
    return sa.Column("answer_id", sa.ForeignKey("answers.id", ondelete="CASCADE"), **options)


def _conversation_column(**options: Any) -> sa.Column[Any]:
    """Make a column for a conversation's id; a row is deleted with its conversation."""
    key = sa.ForeignKey("conversations.id", ondelete="CASCADE")
    return sa.Column("conversation_id", key, **options)


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
# What a receipt needs besides the answer; answers of early versions have none.
records = sa.Table(
    "records",
    schema,
    sa.Column("answer_id", sa.ForeignKey("answers.id"), primary_key=True),
    sa.Column("record", sa.JSON, nullable=False),
)
# The order in which answers were stored. Times will not do, since a clock may be put back, nor
# will row numbers of ``answers``, whose key is a text, so that SQLite may renumber them. These
# numbers are never used twice.
order = sa.Table(
    "answer_order",
    schema,
    sa.Column("row", sa.Integer, primary_key=True, autoincrement=True),
    _answer_column(nullable=False, unique=True),
    sqlite_autoincrement=True,
)
# What a search in the history looks at, and the title made from the question and what is cited.
searched = sa.Table(
    "answer_search",
    schema,
    _answer_column(primary_key=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),  # folded, see ``search``
)
titles = sa.Table(  # only those set by a reader
    "conversation_titles",
    schema,
    _conversation_column(primary_key=True),
    sa.Column("title", sa.Text, nullable=False),
)
# A link shows the answers up to row ``upto``, and the title at the time it was made.
shares = sa.Table(
    "shares",
    schema,
    sa.Column("token", sa.String(32), primary_key=True),
    _conversation_column(nullable=False, index=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("upto", sa.Integer, nullable=False),
    sa.Column("created_at", sa.String, nullable=False),
    sa.Column("expires_at", sa.String, nullable=False, server_default=""),  # empty: never
    sa.Column("revoked_at", sa.String, nullable=False, server_default=""),
)
feedback = sa.Table(
    "feedback",
    schema,
    _answer_column(primary_key=True),
    sa.Column(
        "claim", sa.Integer, primary_key=True, autoincrement=False
    ),  # -1: the answer as a whole
    sa.Column("rating", sa.String(8), nullable=False),
    sa.Column("reason", sa.Text, nullable=False, server_default=""),
    sa.Column("given_at", sa.String, nullable=False),
)
# Replies by idempotency key. The reply of a question is not stored twice: ``body`` has only the
# names of its frames, and ``answer_id`` names the answer. A reply is deleted with what it names.
replies = sa.Table(
    "replies",
    schema,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("request", sa.String(64), nullable=False),
    _answer_column(index=True),
    _conversation_column(index=True),
    sa.Column("body", sa.JSON(none_as_null=True)),
    sa.Column("kept_at", sa.Float, nullable=False, index=True),
)
