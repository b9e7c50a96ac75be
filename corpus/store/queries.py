"""Statements of the store that several of its methods need.

Within a transaction of the store's; nothing here opens or commits one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields

import sqlalchemy as sa

from corpus.errors import NotFound
from corpus.store import schema, versions
from corpus.store.database import upsert
from corpus.types import Document, Source


@dataclass(frozen=True, slots=True)
class SourceSummary:
    """A source, and what is held of it: passages, printed pages, and texts that it has had."""

    source: Source
    passages: int
    pages: int
    versions: int


def is_source(source_id: str) -> sa.ColumnElement[bool]:
    """The condition that a row of ``sources`` is that of an id."""
    return schema.sources.c.id == source_id


def source_of(db: sa.Connection, source_id: str) -> Source:
    """A source by its id; NotFound if there is none."""
    row = db.execute(sa.select(schema.sources, schema.work).where(is_source(source_id))).first()
    if row is None:
        raise no_source(source_id)
    return schema.source_of(row)


def source_summaries(db: sa.Connection, which: sa.ColumnElement[bool]) -> Iterator[SourceSummary]:
    """Some sources with what is held of them, by id."""

    def of_source(table: sa.Table) -> sa.ScalarSelect:
        there = table.c.source_id == schema.sources.c.id
        return sa.select(sa.func.count()).select_from(table).where(there).scalar_subquery()

    documents = schema.documents
    query = (
        sa.select(
            schema.sources,
            schema.work,
            of_source(schema.passages).label("passages"),
            of_source(schema.former_documents).label("former"),
            documents.c.pages,
        )
        .join(documents, documents.c.source_id == schema.sources.c.id)
        .where(which)
        .order_by(schema.sources.c.id)
    )
    for row in db.execute(query):
        yield SourceSummary(schema.source_of(row), row.passages, len(row.pages), 1 + row.former)


def no_source(source_id: str) -> NotFound:
    """The error that there is no source of an id."""
    return NotFound(f"no source {source_id!r}: `tenkyo sources` lists what there is")


def document_of(db: sa.Connection, source: Source, version: str = "") -> Document:
    """The document of a source, current or of a version; NotFound if there is none."""
    if version not in ("", source.version):
        found = versions.former_document(db, source, version)
        if found is None:
            raise NotFound(f"the source {source.id!r} has had no version {version!r}")
        return found
    there = schema.documents.c.source_id == source.id
    row = db.execute(sa.select(schema.documents).where(there)).first()
    if row is None:
        raise NotFound(f"the source {source.id!r} has no document")
    return schema.document_of(row, source)


def write(db: sa.Connection, document: Document, digest: str) -> None:
    """Write a source, its document and what that was read from, whether there are some or not."""
    source = document.source
    row = {f.name: getattr(source, f.name) for f in fields(source) if f.name != "work"}
    upsert(db, schema.sources, "id", row)
    values = {
        "source_id": source.id,
        "text": document.text,
        "sections": [asdict(s) for s in document.sections],
        "pages": [asdict(p) for p in document.pages],
    }
    upsert(db, schema.documents, "source_id", values)
    upsert(db, schema.readings, "source_id", {"source_id": source.id, "digest": digest})
