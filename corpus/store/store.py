"""The truth: sources, documents and passages in a database. Knows no vectors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from corpus.errors import NotFound
from corpus.files.files import is_location_of
from corpus.store import queries, schema, versions
from corpus.store.database import Database, upsert, utc_now
from corpus.store.queries import SourceSummary, is_source
from corpus.store.versions import LocatedPassage, Version
from corpus.store.work_links import WorkLinkTable
from corpus.types import Document, Passage, Source, Unread, text_hash

_BATCH = 500  # ids in one IN (...): below every database's limit on parameters
# Written once: to put a statement together takes longer than to execute it.
_OF_ROWS = sa.select(schema.passages).where(schema.passages.c.row.in_(sa.bindparam("rows")))
_OF_IDS = sa.select(schema.sources, schema.work).where(schema.sources.c.id.in_(sa.bindparam("ids")))


@dataclass(frozen=True, slots=True)
class StoreChange:
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
        self.database.create(schema.schema)
        self.works = WorkLinkTable(schema.schema, self._transaction)
        self._revision: tuple[int, str] | None = None

    @contextmanager
    def _transaction(self, writes: bool = False) -> Iterator[sa.Connection]:
        with self.database.transaction(writes) as db:
            yield db
            if writes:
                counted = sa.update(schema.changes).values(number=schema.changes.c.number + 1)
                if db.execute(counted).rowcount == 0:
                    with suppress(IntegrityError), db.begin_nested():  # another may be as early
                        db.execute(sa.insert(schema.changes), {"id": 1, "number": 0})
                    db.execute(counted)

    def change_count(self) -> int:
        """How often anything was written here, by whatever process: while it is the same,
        everything that the store says is.
        """
        with self._transaction() as db:
            return db.execute(sa.select(schema.changes.c.number)).scalar() or 0

    # Sources, documents and passages

    def put(self, document: Document, passages: Sequence[Passage], digest: str = "") -> StoreChange:
        """Store a document and its passages in place of what its source had before.

        A document whose text, title, sections and pages are what they were keeps its passages,
        and only its source's other particulars are brought up to date. Of what another text
        takes the place of, nothing is lost: it is former from then on, until it comes back.
        ``digest`` is that of what the document was read from, for ``read_before``.
        """
        source = replace(document.source, version=text_hash(document.text))
        given = {(p.id, p.heading, p.page) for p in passages}
        ids = {p.id for p in passages}
        with self._transaction(writes=True) as db:
            query = sa.select(schema.sources, schema.work).where(is_source(source.id))
            before = db.execute(query).first()
            of_source = schema.passages.c.source_id == source.id
            known = db.execute(sa.select(*versions.PASSAGE_COLUMNS).where(of_source)).all()
            if before and before.version != source.version:
                versions.archive_document(db, schema.source_of(before))
                versions.unarchive_document(db, source)
            queries.write(db, replace(document, source=source), digest)
            stored = {(row.id, row.heading, row.page) for row in known}
            if before and given == stored and before.title == source.title:
                return StoreChange(0, 0)
            self.works.forget(db, source.id)
            if gone := [row for row in known if row.id not in ids]:
                versions.archive_passages(db, before.version, gone)
            versions.unarchive_passages(db, source.id, ids)
            db.execute(sa.delete(schema.passages).where(of_source))
            if passages:
                db.execute(sa.insert(schema.passages), [asdict(p) for p in passages])
        return StoreChange(len(passages), len(known))

    def find_unchanged(self, source: Source, digest: str) -> SourceSummary | None:
        """What a source has, where that was read from just what would be read now, else None.

        It counts as read again: when that was, and who cites it, are brought up to date.
        """
        with self._transaction(writes=True) as db:
            there = schema.readings.c.source_id == source.id
            if db.execute(sa.select(schema.readings.c.digest).where(there)).scalar() != digest:
                return None
            known = queries.source_of(db, source.id)
            cited_by = tuple(dict.fromkeys([*known.cited_by, *source.cited_by]))
            again = {"retrieved_at": source.retrieved_at, "cited_by": cited_by}
            db.execute(sa.update(schema.sources).where(is_source(source.id)).values(again))
            return next(queries.source_summaries(db, is_source(source.id)))

    def delete(self, *source_ids: str) -> None:
        """Remove sources with all that there is of them, former versions included.

        NotFound, and nothing is removed, where there is none such. Afterwards their words are
        not in the files of the database either (see ``Database.scrub``, which takes some
        seconds for a large one: so name all that go at once).
        """
        with self._transaction(writes=True) as db:
            for source_id in source_ids:
                where = sa.select(schema.sources.c.url).where(is_source(source_id))
                url = db.execute(where).scalar()
                if url is None:
                    raise queries.no_source(source_id)
                self.works.forget(db, source_id)
                db.execute(sa.delete(schema.sources).where(is_source(source_id)))
                places = db.execute(sa.select(schema.unread.c.place)).scalars()
                for place in [place for place in places if is_location_of(place, url)]:
                    db.execute(sa.delete(schema.unread).where(schema.unread.c.place == place))
            for row in db.execute(sa.select(schema.sources.c["id", "cited_by"])).all():
                if gone := set(source_ids).intersection(row.cited_by):
                    left = [citing for citing in row.cited_by if citing not in gone]
                    changed = sa.update(schema.sources).where(is_source(row.id))
                    db.execute(changed.values(cited_by=left))
        self.database.erase_deleted()

    def sources(self) -> list[tuple[Source, int]]:
        """Every source with the number of its passages, by id."""
        count = sa.func.count(schema.passages.c.row)
        query = (
            sa.select(schema.sources, schema.work, count.label("passages"))
            .join(schema.passages, schema.passages.c.source_id == schema.sources.c.id, isouter=True)
            .group_by(schema.sources.c.id)
            .order_by(schema.sources.c.id)
        )
        with self._transaction() as db:
            return [(schema.source_of(row), row.passages) for row in db.execute(query)]

    def source_summaries(self) -> list[SourceSummary]:
        """Every source with what is held of it, by id."""
        with self._transaction() as db:
            return list(queries.source_summaries(db, sa.true()))

    def source(self, source_id: str) -> Source:
        with self._transaction() as db:
            return queries.source_of(db, source_id)

    def source_at(self, url: str) -> Source | None:
        """The source of an address, or None; the first by id where there are several."""
        return self._first(schema.sources.c.url == url)

    def source_with_prefix(self, start: str) -> Source | None:
        """A source whose address begins so, or None; the first by id where there are several."""
        return self._first(schema.sources.c.url.startswith(start, autoescape=True))

    def _first(self, which: sa.ColumnElement[bool]) -> Source | None:
        query = sa.select(schema.sources, schema.work).where(which).order_by(schema.sources.c.id)
        with self._transaction() as db:
            row = db.execute(query).first()
        return schema.source_of(row) if row else None

    def add_citing(self, source_id: str, citing: Iterable[str]) -> None:
        """Note that some sources link to this one; NotFound if there is none such."""
        with self._transaction(writes=True) as db:
            known = queries.source_of(db, source_id).cited_by
            cited_by = tuple(dict.fromkeys([*known, *citing]))
            if cited_by != known:
                changed = sa.update(schema.sources).where(is_source(source_id))
                db.execute(changed.values(cited_by=cited_by))

    def document(self, source_id: str, version: str = "") -> Document:
        """The document of a source: the current one, or that of a version, as it was then."""
        with self._transaction() as db:
            return queries.document_of(db, queries.source_of(db, source_id), version)

    def versions(self, source_id: str) -> list[Version]:
        """The texts that a source has had, the newest first; the first is the current one."""
        of_source = schema.passages.c.source_id == source_id
        with self._transaction() as db:
            source = queries.source_of(db, source_id)
            count = db.execute(sa.select(sa.func.count()).where(of_source)).scalar_one()
            current = Version(source.version, source.retrieved_at, "", count)
            return [current, *versions.versions(db, source)]

    def passage(self, passage_id: str) -> Passage:
        """A passage, current or former."""
        return self.locate_passage(passage_id).passage

    def locate_passage(self, passage_id: str) -> LocatedPassage:
        """A passage, current or former, with the document that it stands in."""
        current = schema.passages.c.id == passage_id
        with self._transaction() as db:
            row = db.execute(sa.select(schema.passages).where(current)).first()
            if row is not None:
                source = queries.source_of(db, row.source_id)
                return LocatedPassage(schema.passage_of(row), queries.document_of(db, source), True)
            row = versions.former_passage(db, passage_id)
            if row is None:
                raise NotFound(f"no passage {passage_id!r}: its source may have been deleted since")
            document = queries.document_of(db, queries.source_of(db, row.source_id), row.version)
            text = document.text[row.start : row.end]
            passage = Passage(
                row.id, row.source_id, row.start, row.end, text, row.heading, row.page
            )
            return LocatedPassage(passage, document, False, versions.replacement(db, passage))

    # What could not be read

    def record_unread(self, place: str, reason: str, title: str = "") -> None:
        """Remember that an address or a file could not be read, and why."""
        row = {"place": place, "title": title, "reason": reason, "tried_at": utc_now()}
        with self._transaction(writes=True) as db:
            upsert(db, schema.unread, "place", row)

    def clear_unread(self, place: str) -> None:
        """It has been read since."""
        with self._transaction(writes=True) as db:
            db.execute(sa.delete(schema.unread).where(schema.unread.c.place == place))

    def unread(self) -> list[Unread]:
        """What could not be read when it was last tried, the latest first."""
        query = sa.select(schema.unread).order_by(
            schema.unread.c.tried_at.desc(), schema.unread.c.place
        )
        with self._transaction() as db:
            return [Unread(**row._mapping) for row in db.execute(query)]

    # What the index is built from

    def rows(self, source_ids: Sequence[str] | None = None) -> list[int]:
        """Row numbers of all passages, or of those of some sources, ascending."""
        query = sa.select(schema.passages.c.row).order_by(schema.passages.c.row)
        if source_ids is not None:
            query = query.where(schema.passages.c.source_id.in_(source_ids))
        with self._transaction() as db:
            return list(db.execute(query).scalars())

    def revision(self) -> str:
        """12 hexadecimal digits that name the set of passages as it is now.

        Rows are never used twice and never change, so the number of rows and the newest one
        tell any two states of a database apart; its id tells apart two databases.
        """
        changes, known = self.change_count(), self._revision
        if known and known[0] == changes:  # to count a million rows takes a while
            return known[1]
        newest = sa.select(schema.passages.c.row, schema.passages.c.id).order_by(
            schema.passages.c.row.desc()
        )
        with self._transaction() as db:
            count = db.execute(sa.select(sa.func.count()).select_from(schema.passages)).scalar_one()
            last = db.execute(newest.limit(1)).first()
        found = text_hash(f"{count} {tuple(last) if last else None}")[:12]
        self._revision = changes, found
        return found

    def passages(self, rows: Sequence[int]) -> dict[int, tuple[Passage, Source]]:
        """The passages in some rows, with their sources; rows that are gone are left out."""
        found: dict[int, Passage] = {}
        with self._transaction() as db:
            for i in range(0, len(rows), _BATCH):
                batch = [int(row) for row in rows[i : i + _BATCH]]
                some = db.execute(_OF_ROWS, {"rows": batch})
                found |= {row.row: schema.passage_of(row) for row in some}
            wanted = list({p.source_id for p in found.values()})
            sources: dict[str, Source] = {}
            for i in range(0, len(wanted), _BATCH):
                some = db.execute(_OF_IDS, {"ids": wanted[i : i + _BATCH]})
                sources |= {row.id: schema.source_of(row) for row in some}
        return {row: (passage, sources[passage.source_id]) for row, passage in found.items()}
