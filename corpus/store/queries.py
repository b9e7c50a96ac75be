"""SQL statements that several methods of the store share.

Each function works within a transaction of its caller; none opens or commits one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, fields

import sqlalchemy as sa

from corpus.errors import NotFound
from corpus.store import schema, versions
from corpus.store.database import upsert
from corpus.types import Document, PageSpan, Source, Unread


@dataclass(frozen=True, slots=True)
class SourceSummary:
    """A source with the number of its passages, its printed pages and its versions."""

    source: Source
    passages: int
    pages: int
    versions: int


def is_source(source_id: str) -> sa.ColumnElement[bool]:
    """Build the SQL condition that a row of ``sources`` has this id."""
    return schema.sources.c.id == source_id


def source_of(db: sa.Connection, source_id: str) -> Source:
    """Read a source by its id.

    Raises:
        NotFound: there is none.
    """
    row = db.execute(sa.select(schema.sources, schema.work).where(is_source(source_id))).first()
    if row is None:
        raise no_source(source_id)
    return schema.source_of(row)


def source_summaries(db: sa.Connection, which: sa.ColumnElement[bool]) -> Iterator[SourceSummary]:
    """Read sources, each with how many passages, pages and versions are stored; ordered by id.

    Args:
        db: A connection, within a transaction.
        which: The SQL condition that the sources meet.
    """

    def count(table: sa.Table) -> sa.ScalarSelect[int]:
        of_source = table.c.source_id == schema.sources.c.id
        return sa.select(sa.func.count()).select_from(table).where(of_source).scalar_subquery()

    documents = schema.documents
    query = (
        sa.select(
            schema.sources,
            schema.work,
            count(schema.passages).label("passages"),
            count(schema.former_documents).label("former"),
            documents.c.pages,
        )
        .join(documents, documents.c.source_id == schema.sources.c.id)
        .where(which)
        .order_by(schema.sources.c.id)
    )
    for row in db.execute(query):
        yield SourceSummary(schema.source_of(row), row.passages, len(row.pages), 1 + row.former)


def first_rows(db: sa.Connection) -> dict[str, int]:
    """Read the row number of each source's first passage, by the source's id."""
    passages = schema.passages.c
    query = sa.select(passages.source_id, sa.func.min(passages.row)).group_by(passages.source_id)
    return {row[0]: row[1] for row in db.execute(query)}


def no_source(source_id: str) -> NotFound:
    """Make the error for an id that no source has."""
    return NotFound(f"no source {source_id!r}: `tenkyo sources` lists what there is")


def document_of(db: sa.Connection, source: Source, version: str = "") -> Document:
    """Read the document of a source: the current one, or the one of a version (its SHA-256).

    Raises:
        NotFound: the source has no document, or never had this version.
    """
    if version not in ("", source.version):
        former = versions.former_document(db, source, version)
        if former is None:
            raise NotFound(
                f"the source {source.id!r} has had no version {version!r}: leave it out to read"
                " the current one"
            )
        return former
    of_source = schema.documents.c.source_id == source.id
    row = db.execute(sa.select(schema.documents).where(of_source)).first()
    if row is None:
        raise NotFound(f"the source {source.id!r} has no document: ingest it again")
    return schema.document_of(row, source)


def pages_of(
    db: sa.Connection, source_ids: Collection[str]
) -> dict[tuple[str, str], tuple[PageSpan, ...]]:
    """Read the printed pages of the documents of some sources, by (source id, version)."""
    query = (
        sa.select(schema.sources.c.id, schema.sources.c.version, schema.documents.c.pages)
        .join(schema.documents, schema.documents.c.source_id == schema.sources.c.id)
        .where(schema.sources.c.id.in_(source_ids))
    )
    return {
        (row.id, row.version): tuple(PageSpan(**page) for page in row.pages)
        for row in db.execute(query)
    }


def unread(db: sa.Connection) -> list[Unread]:
    """Read the records of what could not be read, those tried last first."""
    records, problems = schema.unread, schema.unread_problems
    query = (
        sa.select(records, sa.func.coalesce(problems.c.problem, "").label("problem"))
        .join(problems, problems.c.place == records.c.place, isouter=True)
        .order_by(records.c.tried_at.desc(), records.c.place)
    )
    return [Unread(**row._mapping) for row in db.execute(query)]


def write_unread(db: sa.Connection, record: Unread) -> None:
    """Insert or replace the record of what could not be read at a place."""
    row = asdict(record)
    problem = {"place": record.place, "problem": row.pop("problem")}
    upsert(db, schema.unread, "place", row)
    upsert(db, schema.unread_problems, "place", problem)


def write(db: sa.Connection, document: Document, fingerprint: str) -> None:
    """Insert or replace a source, its document and the fingerprint of what it was read from."""
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
    upsert(db, schema.readings, "source_id", {"source_id": source.id, "digest": fingerprint})
