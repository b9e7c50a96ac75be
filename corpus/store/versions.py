"""What the library held before: documents that another text took the place of, their passages.

Within a transaction of the store's; nothing here opens or commits one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass

import sqlalchemy as sa

from corpus.store.database import utc_now
from corpus.store.schema import (
    document_of,
    documents,
    former_documents,
    former_passages,
    passages,
)
from corpus.text.chunking import page_at
from corpus.types import Document, Passage, Source

PASSAGE_COLUMNS = passages.c["id", "source_id", "start", "end", "heading", "page"]  # of a passage


@dataclass(frozen=True, slots=True)
class Version:
    """A text that a source has or had; ``version`` is its SHA-256.

    ``retrieved_at`` is when it was last read and ``replaced_at`` when another took its place,
    empty for the current one; both are ISO date-times in UTC. ``passages`` counts those that can
    be searched or, of a former text, still be looked up.
    """

    version: str
    retrieved_at: str
    replaced_at: str
    passages: int


@dataclass(frozen=True, slots=True)
class LocatedPassage:
    """A passage, and the document that it stands in as that was read.

    A ``current`` one is among those that are searched. ``replaced_by`` is the id of the one that
    has the words of a former one now, white space apart; None where none has, or for a current.
    """

    passage: Passage
    document: Document
    current: bool
    replaced_by: str | None = None

    @property
    def ocr(self) -> bool:
        """Whether its page was read by OCR, so that it may differ from what is printed."""
        page = page_at(self.document, self.passage.start)
        return page is not None and page.ocr


def archive_document(db: sa.Connection, source: Source) -> None:
    """Keep the document of a source, which is about to be replaced, with its particulars."""
    there = documents.c.source_id == source.id
    row = db.execute(sa.select(documents).where(there)).one()
    particulars = asdict(source) | {"cited_by": (), "work": ""}
    kept = {"version": source.version, "source": particulars, "replaced_at": utc_now()}
    db.execute(sa.insert(former_documents), [dict(row._mapping) | kept])


def archive_passages(db: sa.Connection, version: str, gone: Sequence[sa.Row]) -> None:
    """Keep passages, rows of ``PASSAGE_COLUMNS``, that a source of that version no longer has."""
    kept = [dict(row._mapping) | {"version": version} for row in gone]
    db.execute(sa.insert(former_passages), kept)


def unarchive_document(db: sa.Connection, source: Source) -> None:
    """The text that a source has now is former no more."""
    db.execute(sa.delete(former_documents).where(_is(former_documents, source.id, source.version)))


def unarchive_passages(db: sa.Connection, source_id: str, ids: Collection[str]) -> None:
    """Of what was kept of a source, the passages with these ids are former no more."""
    of_source = former_passages.c.source_id == source_id
    kept = db.execute(sa.select(former_passages.c.id).where(of_source)).scalars()
    if back := [{"back": id} for id in kept if id in ids]:
        db.execute(
            sa.delete(former_passages).where(former_passages.c.id == sa.bindparam("back")), back
        )


def former_document(db: sa.Connection, source: Source, version: str) -> Document | None:
    """A former document of a source, as it was then; None if there is none of that version."""
    query = sa.select(former_documents).where(_is(former_documents, source.id, version))
    row = db.execute(query).first()
    if row is None:
        return None
    still = {"cited_by": source.cited_by, "work": source.work}
    then = row.source | {"authors": tuple(row.source["authors"])} | still
    return document_of(row, Source(**then))


def former_passage(db: sa.Connection, passage_id: str) -> sa.Row | None:
    """The row of a former passage, without its text; None if there is none such."""
    return db.execute(sa.select(former_passages).where(former_passages.c.id == passage_id)).first()


def replacement(db: sa.Connection, passage: Passage) -> str | None:
    """The id of the current passage of its source that has a former one's words, if any has."""
    query = sa.select(passages.c.id, passages.c.text).order_by(passages.c.row)
    words = _folded(passage.text)
    held = [
        (_folded(row.text) != words, row.id)
        for row in db.execute(query.where(passages.c.source_id == passage.source_id))
        if words in _folded(row.text)
    ]
    return min(held, key=lambda found: found[0])[1] if held else None


def versions(db: sa.Connection, source: Source) -> list[Version]:
    """The former texts of a source, the last that was current first."""
    count = (
        sa.select(sa.func.count())
        .where(_is(former_passages, source.id, former_documents.c.version))
        .scalar_subquery()
    )
    query = (
        sa.select(former_documents.c["version", "source", "replaced_at"], count.label("passages"))
        .where(former_documents.c.source_id == source.id)
        .order_by(former_documents.c.replaced_at.desc())
    )
    return [
        Version(row.version, row.source["retrieved_at"], row.replaced_at, row.passages)
        for row in db.execute(query)
    ]


def _is(table: sa.Table, source_id: str, version: object) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.source_id == source_id, table.c.version == version)


def _folded(text: str) -> str:
    return " ".join(text.split())
