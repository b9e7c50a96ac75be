"""Former versions: documents that a newer text has replaced, and their passages.

A citation stays resolvable as long as its source exists: a replaced document moves, with its
source's metadata as it was, to tables of its own, and its passages too; they move back when the
same text returns. The current tables know nothing of former rows, so no search can find one by a
forgotten condition. Former passages keep no text: it is a slice of their document's. They name a
version rather than a row of former_documents, because a later release may cut a current text
differently, and its earlier passages must be found too.

Each function works within a transaction of its caller; none opens or commits one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from corpus.store.database import utc_now
from corpus.store.schema import (
    document_of,
    documents,
    former_documents,
    former_passages,
    passages,
)
from corpus.types import Document, Passage, Source, pages_between

PASSAGE_COLUMNS = tuple(passages.c["id", "source_id", "start", "end", "heading", "page"])
"""The columns of ``passages`` that ``archive_passages`` needs."""


@dataclass(frozen=True, slots=True)
class Version:
    """One text that a source has or had; ``version`` is its SHA-256.

    ``retrieved_at`` is when it was last read and ``replaced_at`` when another text replaced it,
    empty for the current one; both are ISO date-times in UTC. ``passages`` is the number of its
    passages.
    """

    version: str
    retrieved_at: str
    replaced_at: str
    passages: int


@dataclass(frozen=True, slots=True)
class LocatedPassage:
    """A passage with its document, in the version that the passage is cut from.

    Attributes:
        passage: the passage, current or former.
        document: the document of that version.
        current: whether searches can find the passage.
        replaced_by: for a former passage, the id of the current one with the same words, up to
            white space; None where there is none, and for a current passage.
    """

    passage: Passage
    document: Document
    current: bool
    replaced_by: str | None = None

    @property
    def ocr(self) -> bool:
        """Whether a part of it was read by OCR, so that it may differ from the printed text."""
        return bool(self.ocr_pages)

    @property
    def ocr_pages(self) -> list[int]:
        """The printed pages on which it lies and that were read by OCR."""
        pages = pages_between(self.document.pages, self.passage.start, self.passage.end)
        return [page.number for page in pages if page.ocr]


def archive_document(db: sa.Connection, source: Source) -> None:
    """Copy the current document of a source, which is about to be replaced, to the former ones."""
    of_source = documents.c.source_id == source.id
    row = db.execute(sa.select(documents).where(of_source)).one()
    metadata = asdict(source) | {"cited_by": (), "work": ""}
    added = {"version": source.version, "source": metadata, "replaced_at": utc_now()}
    db.execute(sa.insert(former_documents), [dict(row._mapping) | added])


def archive_passages(db: sa.Connection, version: str, removed: Sequence[sa.Row[Any]]) -> None:
    """Store passages that are removed from a text as former ones.

    Args:
        db: the transaction.
        version: the SHA-256 of the text that they are cut from.
        removed: rows of ``PASSAGE_COLUMNS``.
    """
    rows = [dict(row._mapping) | {"version": version} for row in removed]
    db.execute(sa.insert(former_passages), rows)


def unarchive_document(db: sa.Connection, source: Source) -> None:
    """Delete the former document that equals the current text of a source, if there is one."""
    same = _has_version(former_documents, source.id, source.version)
    db.execute(sa.delete(former_documents).where(same))


def unarchive_passages(db: sa.Connection, source_id: str, ids: Collection[str]) -> None:
    """Delete the former passages of a source that are current again, given by their ids."""
    of_source = former_passages.c.source_id == source_id
    former = db.execute(sa.select(former_passages.c.id).where(of_source)).scalars()
    if returned := [{"returned": id} for id in former if id in ids]:
        same = former_passages.c.id == sa.bindparam("returned")
        db.execute(sa.delete(former_passages).where(same), returned)


def former_document(db: sa.Connection, source: Source, version: str) -> Document | None:
    """Read a former document with its source's metadata of that time; None if there is none."""
    same = _has_version(former_documents, source.id, version)
    row = db.execute(sa.select(former_documents).where(same)).first()
    if row is None:
        return None
    unchanged = {"cited_by": source.cited_by, "work": source.work}
    metadata = row.source | {"authors": tuple(row.source["authors"])} | unchanged
    return document_of(row, Source(**metadata))


def former_passage(db: sa.Connection, passage_id: str) -> sa.Row[Any] | None:
    """Read the row of a former passage, which has no text; None if there is none."""
    return db.execute(sa.select(former_passages).where(former_passages.c.id == passage_id)).first()


def replacement(db: sa.Connection, passage: Passage) -> str | None:
    """Find the current passage of the same source that contains a former passage's words.

    Returns:
        Its id, preferably of one with just these words, or None.
    """
    query = sa.select(passages.c.id, passages.c.text).order_by(passages.c.row)
    words = _single_spaced(passage.text)
    candidates = [
        (_single_spaced(row.text) != words, row.id)
        for row in db.execute(query.where(passages.c.source_id == passage.source_id))
        if words in _single_spaced(row.text)
    ]
    return min(candidates, key=lambda candidate: candidate[0])[1] if candidates else None


def versions(db: sa.Connection, source: Source) -> list[Version]:
    """List the former texts of a source, the most recently replaced first."""
    count = (
        sa.select(sa.func.count())
        .where(_has_version(former_passages, source.id, former_documents.c.version))
        .scalar_subquery()
    )
    columns = former_documents.c["version", "source", "replaced_at"]
    query = (
        sa.select(*columns, count.label("passages"))
        .where(former_documents.c.source_id == source.id)
        .order_by(former_documents.c.replaced_at.desc())
    )
    return [
        Version(row.version, row.source["retrieved_at"], row.replaced_at, row.passages)
        for row in db.execute(query)
    ]


def _has_version(table: sa.Table, source_id: str, version: object) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.source_id == source_id, table.c.version == version)


def _single_spaced(text: str) -> str:
    return " ".join(text.split())
