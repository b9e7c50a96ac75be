"""The library's tables, and what a row of them is as a value."""

from __future__ import annotations

from dataclasses import fields
from operator import attrgetter

import sqlalchemy as sa

from corpus.store import work_links
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
    # Never used again after a deletion: an index that still holds the row of a passage
    # that is gone must find nothing there, not another passage.
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
# What a source's current document was read from, where that is known: see corpus.store.fingerprint.
readings = sa.Table(
    "readings",
    schema,
    sa.Column("source_id", sa.ForeignKey("sources.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("digest", sa.String(64), nullable=False),
)
# One row: how often anything of all this was changed, so that what was made from it can be kept.
changes = sa.Table(
    "changes",
    schema,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),
)

# What was current once. A source's particulars are kept as they were, as JSON, but for who cites
# it: a digest must not pass for the original that took its place.
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
# Their texts are slices of the document of that version, be it former or current: a text that
# is cut otherwise than before has passages of both.
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
work = work_links.work_column(schema)  # to select with each source
_source, _passage = (attrgetter(*(f.name for f in fields(of))) for of in (Source, Passage))


def source_of(row: sa.Row) -> Source:
    """The source in a row of ``sources`` and ``work``."""
    values = _source(row)
    return Source(*(tuple(v) if isinstance(v, list) else v for v in values))


def passage_of(row: sa.Row) -> Passage:
    return Passage(*_passage(row))


def document_of(row: sa.Row, source: Source) -> Document:
    """The document in a row of ``documents`` or ``former_documents``."""
    sections = tuple(Section(**s) for s in row.sections)
    return Document(source, row.text, sections, tuple(PageSpan(**p) for p in row.pages))
