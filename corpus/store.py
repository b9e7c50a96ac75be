"""The truth: sources, documents and passages in a database. Knows no vectors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace

import sqlalchemy as sa

from corpus.database import Database, now, upsert
from corpus.errors import NotFound
from corpus.types import Document, Page, Passage, Section, Source, Unread, text_hash

_schema = sa.MetaData()
_sources = sa.Table(
    "sources",
    _schema,
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
_documents = sa.Table(
    "documents",
    _schema,
    sa.Column("source_id", sa.ForeignKey("sources.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("sections", sa.JSON, nullable=False),
    sa.Column("pages", sa.JSON, nullable=False),
)
_passages = sa.Table(
    "passages",
    _schema,
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
_unread = sa.Table(
    "unread",
    _schema,
    sa.Column("place", sa.String, primary_key=True),
    sa.Column("title", sa.String, nullable=False, server_default=""),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("tried_at", sa.String, nullable=False),
)
_BATCH = 500  # ids in one IN (...): below every database's limit on parameters


@dataclass(frozen=True, slots=True)
class Change:
    """What ``Store.put`` did: how many passages came and went; both 0 if nothing changed."""

    added: int
    removed: int


class Store:
    """The sources in one database, which ``url`` names as Database wants it.

    Every method is one transaction: it has happened whole, or not at all. Methods raise
    StoreError when the database cannot be used. Safe to share between threads.
    """

    def __init__(self, url: str) -> None:
        self.database = Database(url)
        self.database.create(_schema)

    # Sources, documents and passages

    def put(self, document: Document, passages: Sequence[Passage]) -> Change:
        """Store a document and its passages in place of what its source had before.

        A document whose text, title, sections and pages are what they were keeps its passages,
        and only its source's other particulars are brought up to date.
        """
        source = replace(document.source, version=text_hash(document.text))
        row = {f.name: getattr(source, f.name) for f in fields(source)}
        with self.database.transaction(writes=True) as db:
            query = sa.select(_passages.c["id", "heading", "page"])
            known = db.execute(query.where(_passages.c.source_id == source.id)).all()
            same = _sources.c.id == source.id
            title = db.execute(sa.select(_sources.c.title).where(same)).scalar()
            upsert(db, _sources, "id", row)
            upsert(
                db,
                _documents,
                "source_id",
                {
                    "source_id": source.id,
                    "text": document.text,
                    "sections": [asdict(s) for s in document.sections],
                    "pages": [asdict(p) for p in document.pages],
                },
            )
            stored = set(map(tuple, known))
            given = {(p.id, p.heading, p.page) for p in passages}
            if given == stored and title == source.title:
                return Change(0, 0)
            db.execute(sa.delete(_passages).where(_passages.c.source_id == source.id))
            if passages:
                db.execute(sa.insert(_passages), [asdict(p) for p in passages])
        return Change(len(passages), len(known))

    def delete(self, source_id: str) -> None:
        """Remove a source with its document and passages; NotFound if there is none."""
        with self.database.transaction(writes=True) as db:
            if db.execute(sa.delete(_sources).where(_sources.c.id == source_id)).rowcount == 0:
                raise NotFound(f"no source {source_id!r}: `tenkyo sources` lists what there is")

    def sources(self) -> list[tuple[Source, int]]:
        """Every source with the number of its passages, by id."""
        count = sa.func.count(_passages.c.row)
        query = (
            sa.select(_sources, count.label("passages"))
            .join(_passages, _passages.c.source_id == _sources.c.id, isouter=True)
            .group_by(_sources.c.id)
            .order_by(_sources.c.id)
        )
        with self.database.transaction() as db:
            return [(_source(row), row.passages) for row in db.execute(query)]

    def source(self, source_id: str) -> Source:
        with self.database.transaction() as db:
            row = db.execute(sa.select(_sources).where(_sources.c.id == source_id)).first()
        if row is None:
            raise NotFound(f"no source {source_id!r}: `tenkyo sources` lists what there is")
        return _source(row)

    def source_at(self, url: str) -> Source | None:
        """The source of an address, or None; the first by id where there are several."""
        query = sa.select(_sources).where(_sources.c.url == url).order_by(_sources.c.id)
        with self.database.transaction() as db:
            row = db.execute(query).first()
        return _source(row) if row else None

    def add_citing(self, source_id: str, citing: Iterable[str]) -> None:
        """Note that some sources link to this one; NotFound if there is none such."""
        with self.database.transaction(writes=True) as db:
            same = _sources.c.id == source_id
            known = db.execute(sa.select(_sources.c.cited_by).where(same)).scalar()
            if known is None:
                raise NotFound(f"no source {source_id!r}: `tenkyo sources` lists what there is")
            cited_by = list(dict.fromkeys([*known, *citing]))
            if cited_by != known:
                db.execute(sa.update(_sources).where(same).values(cited_by=cited_by))

    def document(self, source_id: str) -> Document:
        source = self.source(source_id)
        with self.database.transaction() as db:
            row = db.execute(
                sa.select(_documents).where(_documents.c.source_id == source_id)
            ).first()
        if row is None:
            raise NotFound(f"the source {source_id!r} has no document")
        sections = tuple(Section(**s) for s in row.sections)
        return Document(source, row.text, sections, tuple(Page(**p) for p in row.pages))

    def passage(self, passage_id: str) -> Passage:
        with self.database.transaction() as db:
            row = db.execute(sa.select(_passages).where(_passages.c.id == passage_id)).first()
        if row is None:
            raise NotFound(f"no passage {passage_id!r}: its source may have changed since")
        return _passage(row)

    # What could not be read

    def note_unread(self, place: str, reason: str, title: str = "") -> None:
        """Remember that an address or a file could not be read, and why."""
        row = {"place": place, "title": title, "reason": reason, "tried_at": now()}
        with self.database.transaction(writes=True) as db:
            upsert(db, _unread, "place", row)

    def forget_unread(self, place: str) -> None:
        """It has been read since."""
        with self.database.transaction(writes=True) as db:
            db.execute(sa.delete(_unread).where(_unread.c.place == place))

    def unread(self) -> list[Unread]:
        """What could not be read when it was last tried, the latest first."""
        query = sa.select(_unread).order_by(_unread.c.tried_at.desc(), _unread.c.place)
        with self.database.transaction() as db:
            return [Unread(**row._mapping) for row in db.execute(query)]

    # What the index is built from

    def rows(self, source_ids: Sequence[str] | None = None) -> list[int]:
        """Row numbers of all passages, or of those of some sources, ascending."""
        query = sa.select(_passages.c.row).order_by(_passages.c.row)
        if source_ids is not None:
            query = query.where(_passages.c.source_id.in_(source_ids))
        with self.database.transaction() as db:
            return list(db.execute(query).scalars())

    def revision(self) -> str:
        """12 hexadecimal digits that name the set of passages as it is now.

        Rows are never used twice and never change, so the number of rows and the newest one
        tell any two states of a database apart; its id tells apart two databases.
        """
        newest = sa.select(_passages.c.row, _passages.c.id).order_by(_passages.c.row.desc())
        with self.database.transaction() as db:
            count = db.execute(sa.select(sa.func.count()).select_from(_passages)).scalar_one()
            last = db.execute(newest.limit(1)).first()
        return text_hash(f"{count} {tuple(last) if last else None}")[:12]

    def passages(self, rows: Sequence[int]) -> dict[int, tuple[Passage, Source]]:
        """The passages in some rows, with their sources; rows that are gone are left out."""
        found = {}
        with self.database.transaction() as db:
            for i in range(0, len(rows), _BATCH):
                batch = [int(row) for row in rows[i : i + _BATCH]]
                query = sa.select(_passages).where(_passages.c.row.in_(batch))
                found |= {row.row: _passage(row) for row in db.execute(query)}
            wanted = {p.source_id for p in found.values()}
            query = sa.select(_sources)
            if len(wanted) <= _BATCH:
                query = query.where(_sources.c.id.in_(wanted))
            sources = {row.id: _source(row) for row in db.execute(query)}
        return {row: (passage, sources[passage.source_id]) for row, passage in found.items()}


def _source(row: sa.Row) -> Source:
    values = {f.name: getattr(row, f.name) for f in fields(Source)}
    return Source(**values | {k: tuple(values[k]) for k in ("authors", "cited_by")})


def _passage(row: sa.Row) -> Passage:
    return Passage(**{f.name: getattr(row, f.name) for f in fields(Passage)})
