"""The store: sources, documents and passages in an SQL database.

It is the truth from which the index can be rebuilt at any time, and knows no vectors.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from corpus.document_errors import DocumentProblem
from corpus.errors import NotFound
from corpus.files.files import is_location_of
from corpus.store import queries, schema, versions
from corpus.store.collections import CollectionTable
from corpus.store.database import Database, utc_now
from corpus.store.queries import SourceSummary, is_source
from corpus.store.versions import LocatedPassage, Version
from corpus.store.work_links import WorkLinkTable
from corpus.types import Document, PageSpan, Passage, Source, Unread, text_hash

_BATCH = 500  # ids in one IN (...): below every database's limit on parameters
# Built once: building a statement takes longer than executing it.
_OF_ROWS = sa.select(schema.passages).where(schema.passages.c.row.in_(sa.bindparam("rows")))
_OF_IDS = sa.select(schema.sources, schema.work).where(schema.sources.c.id.in_(sa.bindparam("ids")))


@dataclass(frozen=True, slots=True)
class StoreChange:
    """The effect of ``Store.put``: the numbers of passages added and removed, 0 for no change."""

    added: int
    removed: int


class Store:
    """All sources, documents and passages of a library, in one database.

    Every method is one atomic transaction and raises StoreError when the database cannot be
    used. Safe to share between threads and processes.

    Args:
        url: the database's SQLAlchemy URL, as for ``Database``.
    """

    def __init__(self, url: str) -> None:
        self.database = Database(url)
        self.database.create(schema.schema)
        self.works = WorkLinkTable(schema.schema, self._transaction)
        self.collections = CollectionTable(schema.schema, self._transaction)
        self._revision: tuple[int, str] | None = None

    @contextmanager
    def _transaction(self, writes: bool = False) -> Iterator[sa.Connection]:
        with self.database.transaction(writes) as db:
            yield db
            if writes:
                counted = sa.update(schema.changes).values(number=schema.changes.c.number + 1)
                if db.execute(counted).rowcount == 0:
                    with suppress(IntegrityError), db.begin_nested():  # another may insert it too
                        db.execute(sa.insert(schema.changes), {"id": 1, "number": 0})
                    db.execute(counted)

    def change_count(self) -> int:
        """Return how often the store was written, by any process.

        While it is the same, every method returns the same, so results can be cached.
        """
        with self._transaction() as db:
            return db.execute(sa.select(schema.changes.c.number)).scalar() or 0

    # Sources, documents and passages

    def put(
        self, document: Document, passages: Sequence[Passage], fingerprint: str = ""
    ) -> StoreChange:
        """Store a document and its passages, replacing those that its source had before.

        If text, title, sections and pages are unchanged, the passages keep their rows and only
        the other metadata is updated. A replaced text is not lost: it becomes a former version,
        until the same text returns.

        Args:
            document: the document.
            passages: its passages.
            fingerprint: the ``reading_fingerprint`` of its file, for ``find_unchanged``.
        """
        source = replace(document.source, version=text_hash(document.text))
        new = {(p.id, p.heading, p.page) for p in passages}
        ids = {p.id for p in passages}
        with self._transaction(writes=True) as db:
            query = sa.select(schema.sources, schema.work).where(is_source(source.id))
            before = db.execute(query).first()
            of_source = schema.passages.c.source_id == source.id
            old = db.execute(sa.select(*versions.PASSAGE_COLUMNS).where(of_source)).all()
            if before and before.version != source.version:
                versions.archive_document(db, schema.source_of(before))
                versions.unarchive_document(db, source)
            queries.write(db, replace(document, source=source), fingerprint)
            stored = {(row.id, row.heading, row.page) for row in old}
            if before and new == stored and before.title == source.title:
                return StoreChange(0, 0)
            self.works.forget(db, source.id)
            removed = [row for row in old if row.id not in ids]
            if before and removed:
                versions.archive_passages(db, before.version, removed)
            versions.unarchive_passages(db, source.id, ids)
            db.execute(sa.delete(schema.passages).where(of_source))
            if passages:
                db.execute(sa.insert(schema.passages), [asdict(p) for p in passages])
        return StoreChange(len(passages), len(old))

    def find_unchanged(self, source: Source, fingerprint: str) -> SourceSummary | None:
        """Return the summary of a source whose file is unchanged since it was last read.

        If it is unchanged, its ``retrieved_at`` and ``cited_by`` are updated as if it had been
        read again.

        Args:
            source: the source with its new ``retrieved_at`` and ``cited_by``.
            fingerprint: the ``reading_fingerprint`` of its file now.

        Returns:
            The summary, or None if the file has to be read.
        """
        with self._transaction(writes=True) as db:
            of_source = schema.readings.c.source_id == source.id
            query = sa.select(schema.readings.c.digest).where(of_source)
            if db.execute(query).scalar() != fingerprint:
                return None
            known = queries.source_of(db, source.id)
            cited_by = tuple(dict.fromkeys([*known.cited_by, *source.cited_by]))
            updated = {"retrieved_at": source.retrieved_at, "cited_by": cited_by}
            db.execute(sa.update(schema.sources).where(is_source(source.id)).values(updated))
            return next(queries.source_summaries(db, is_source(source.id)))

    def delete(self, *source_ids: str) -> None:
        """Delete sources with everything that belongs to them, former versions included.

        Their text is also erased from the files of the database, which takes some seconds for a
        large one (see ``Database.erase_deleted``); so delete several sources in one call.

        Raises:
            NotFound: there is no source of one of the ids; then nothing is deleted.
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
            for row in db.execute(sa.select(*schema.sources.c["id", "cited_by"])).all():
                if deleted := set(source_ids).intersection(row.cited_by):
                    left = [citing for citing in row.cited_by if citing not in deleted]
                    changed = sa.update(schema.sources).where(is_source(row.id))
                    db.execute(changed.values(cited_by=left))
        self.database.erase_deleted()

    def sources(self) -> list[tuple[Source, int]]:
        """List every source with the number of its passages, ordered by id."""
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
        """List every source with the counts of what is stored, ordered by id."""
        with self._transaction() as db:
            return list(queries.source_summaries(db, sa.true()))

    def source(self, source_id: str) -> Source:
        """Return a source by its id.

        Raises:
            NotFound: there is none.
        """
        with self._transaction() as db:
            return queries.source_of(db, source_id)

    def source_at(self, url: str) -> Source | None:
        """Return the source with this URL, the first by id if there are several, or None."""
        return self._first(schema.sources.c.url == url)

    def source_with_prefix(self, prefix: str) -> Source | None:
        """Return the first source by id whose URL starts with a prefix, or None."""
        return self._first(schema.sources.c.url.startswith(prefix, autoescape=True))

    def _first(self, which: sa.ColumnElement[bool]) -> Source | None:
        query = sa.select(schema.sources, schema.work).where(which).order_by(schema.sources.c.id)
        with self._transaction() as db:
            row = db.execute(query).first()
        return schema.source_of(row) if row else None

    def add_citing(self, source_id: str, citing: Iterable[str]) -> None:
        """Record that some sources (ids) link to a source.

        Raises:
            NotFound: there is no source ``source_id``.
        """
        with self._transaction(writes=True) as db:
            known = queries.source_of(db, source_id).cited_by
            cited_by = tuple(dict.fromkeys([*known, *citing]))
            if cited_by != known:
                changed = sa.update(schema.sources).where(is_source(source_id))
                db.execute(changed.values(cited_by=cited_by))

    def document(self, source_id: str, version: str = "") -> Document:
        """Return the document of a source: the current one, or that of a version (its SHA-256).

        Raises:
            NotFound: there is no such source or version.
        """
        with self._transaction() as db:
            return queries.document_of(db, queries.source_of(db, source_id), version)

    def pages(self, ids: Collection[str]) -> dict[tuple[str, str], tuple[PageSpan, ...]]:
        """Return the printed pages of the texts of some sources, by (source id, version)."""
        with self._transaction() as db:
            return queries.pages_of(db, ids)

    def versions(self, source_id: str) -> list[Version]:
        """List the versions of a source, newest first; the first is the current one.

        Raises:
            NotFound: there is no such source.
        """
        of_source = schema.passages.c.source_id == source_id
        with self._transaction() as db:
            source = queries.source_of(db, source_id)
            count = db.execute(sa.select(sa.func.count()).where(of_source)).scalar_one()
            current = Version(source.version, source.retrieved_at, "", count)
            return [current, *versions.versions(db, source)]

    def passage(self, passage_id: str) -> Passage:
        """Return a passage, current or former, by its id.

        Raises:
            NotFound: there is none.
        """
        return self.locate_passage(passage_id).passage

    def locate_passage(self, passage_id: str) -> LocatedPassage:
        """Return a passage, current or former, with the document that it is cut from.

        Raises:
            NotFound: there is none; its source may have been deleted.
        """
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

    def record_unread(
        self, place: str, reason: str, title: str = "", problem: DocumentProblem = ""
    ) -> None:
        """Record that an address or a file could not be read, with the reason and its code."""
        with self._transaction(writes=True) as db:
            queries.write_unread(db, Unread(place, title, reason, utc_now(), problem))

    def clear_unread(self, place: str) -> None:
        """Delete the record that an address or a file could not be read."""
        with self._transaction(writes=True) as db:
            db.execute(sa.delete(schema.unread).where(schema.unread.c.place == place))

    def unread(self) -> list[Unread]:
        """List the addresses and files that could not be read when last tried, latest first."""
        with self._transaction() as db:
            return queries.unread(db)

    # What the index is built from

    def rows(self, source_ids: Sequence[str] | None = None) -> list[int]:
        """List the row numbers of all passages, or of those of some sources, ascending."""
        query = sa.select(schema.passages.c.row).order_by(schema.passages.c.row)
        if source_ids is not None:
            query = query.where(schema.passages.c.source_id.in_(source_ids))
        with self._transaction() as db:
            return list(db.execute(query).scalars())

    def first_rows(self) -> dict[str, int]:
        """Return the row number of each source's first passage, by the source's id."""
        with self._transaction() as db:
            return queries.first_rows(db)

    def revision(self) -> str:
        """Return a short hash of the current set of passages, to check whether an index is current.

        Rows are never reused and never change, so the number of rows and the newest one
        distinguish any two states of a database; the newest one's id distinguishes two databases.

        Returns:
            12 hexadecimal digits.
        """
        changes, cached = self.change_count(), self._revision
        if cached and cached[0] == changes:  # counting a million rows takes a while
            return cached[1]
        newest = sa.select(schema.passages.c.row, schema.passages.c.id).order_by(
            schema.passages.c.row.desc()
        )
        with self._transaction() as db:
            count = db.execute(sa.select(sa.func.count()).select_from(schema.passages)).scalar_one()
            last = db.execute(newest.limit(1)).first()
        revision = text_hash(f"{count} {tuple(last) if last else None}")[:12]
        self._revision = changes, revision
        return revision

    def passages(self, rows: Sequence[int]) -> dict[int, tuple[Passage, Source]]:
        """Return the passages of some row numbers with their sources; missing rows are left out."""
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
