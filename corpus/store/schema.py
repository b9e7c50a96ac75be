"""The SQL tables of the library, and the conversion of their rows to values.

The database is the truth and the index a cache of it: vectors and postings are keyed by the rows of
``passages``, which are never reused and never change.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from operator import attrgetter
from typing import Any

import sqlalchemy as sa

from corpus.store import collections, work_links
from corpus.types import Document, PageSpan, Passage, Section, Source

schema = sa.MetaData()
sources = sa.Table(
    "sources",
    schema,
    sa.Column("id", sa.String, primary_key=True),
    *(
        sa.Column(name, sa.String, nullable=False, server_default="")
        for name in ("url", "title", "kind", "venue", "published", "language", "licence")
    ),
    sa.Column("authors", sa.JSON, nullable=False),
    sa.Column("cited_by", sa.JSON, nullable=False),
    sa.Column("retrieved_at", sa.String, nullable=False, server_default=""),
    sa.Column("version", sa.String, nullable=False, server_default=""),
)
documents = sa.Table(
    "documents",
    schema,
    sa.Column("source_id", sa.ForeignKey("sources.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("sections", sa.JSON, nullable=False),
    sa.Column("pages", sa.JSON, nullable=False),
)
passages = sa.Table(
    "passages",
    schema,
    # Never reused after a deletion: an index that still holds the row of a deleted passage must
    # find nothing there, not another passage.
    sa.Column("row", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(16), nullable=False, unique=True),
    sa.Column(
        "source_id", sa.ForeignKey("sources.id", ondelete="CASCADE"), nullable=False, index=True
    ),
    sa.Column("start", sa.Integer, nullable=False),
    sa.Column("end", sa.Integer, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("heading", sa.String, nullable=False),
    sa.Column("page", sa.Integer),
    sqlite_autoincrement=True,
)
unread = sa.Table(
    "unread",
    schema,
    sa.Column("place", sa.String, primary_key=True),
    sa.Column("title", sa.String, nullable=False, server_default=""),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("tried_at", sa.String, nullable=False),
)
# A table of its own, since databases of earlier releases have ``unread`` without such a column.
unread_problems = sa.Table(
    "unread_problems",
    schema,
    sa.Column("place", sa.ForeignKey("unread.place", ondelete="CASCADE"), primary_key=True),
    sa.Column("problem", sa.String, nullable=False),
)
# The fingerprint of what a source's current document was read from (corpus.store.fingerprint).
readings = sa.Table(
    "readings",
    schema,
    sa.Column("source_id", sa.ForeignKey("sources.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("digest", sa.String(64), nullable=False),
)
# One row: how often the tables were written, so that results computed from them can be cached.
changes = sa.Table(
    "changes",
    schema,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),
)

# Replaced documents. A source's metadata is stored as it was, as JSON, except ``cited_by``: a
# digest must not pass for the original that replaced it.
former_documents = sa.Table(
    "former_documents",
    schema,
    sa.Column("source_id", sa.ForeignKey("sources.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("version", sa.String(64), primary_key=True),
    sa.Column("source", sa.JSON, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("sections", sa.JSON, nullable=False),
    sa.Column("pages", sa.JSON, nullable=False),
    sa.Column("replaced_at", sa.String, nullable=False),
)
# Their texts are slices of the document of that version, be it former or current: a text that was
# cut differently by an earlier release has former passages too.
former_passages = sa.Table(
    "former_passages",
    schema,
    sa.Column("id", sa.String(16), primary_key=True),
    sa.Column(
        "source_id", sa.ForeignKey("sources.id", ondelete="CASCADE"), nullable=False, index=True
    ),
    sa.Column("version", sa.String(64), nullable=False),
    sa.Column("start", sa.Integer, nullable=False),
    sa.Column("end", sa.Integer, nullable=False),
    sa.Column("heading", sa.String, nullable=False),
    sa.Column("page", sa.Integer),
)
work_links.declare_tables(schema)
collections.declare_tables(schema)
work = work_links.work_column(schema)  # to select with each source
_RowValues = Callable[[sa.Row[Any]], tuple[Any, ...]]
_source_values: _RowValues = attrgetter(*(field.name for field in fields(Source)))
_passage_values: _RowValues = attrgetter(*(field.name for field in fields(Passage)))


def source_of(row: sa.Row[Any]) -> Source:
    """Convert a row of ``sources`` with the column ``work`` to a source."""
    values: list[Any] = [tuple(v) if isinstance(v, list) else v for v in _source_values(row)]
    return Source(*values)


def passage_of(row: sa.Row[Any]) -> Passage:
    """Convert a row of ``passages`` to a passage."""
    return Passage(*_passage_values(row))


def document_of(row: sa.Row[Any], source: Source) -> Document:
    """Convert a row of ``documents`` or ``former_documents`` to the document of a source."""
    sections = tuple(Section(**s) for s in row.sections)
    return Document(source, row.text, sections, tuple(PageSpan(**p) for p in row.pages))
