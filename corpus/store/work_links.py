"""Which sources are texts of one work, in tables of their own beside the store's.

``index.ingestion.work_linking`` decides; here it is kept, and undone where what it was decided from changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import sqlalchemy as sa

from corpus.text.near_duplicates import Reason, WorkText

Transaction = Callable[..., AbstractContextManager[sa.Connection]]
PassageOverlaps = Mapping[
    tuple[str, str], float
]  # (passage, another) -> share of it that stands there

_BATCH = 400  # values in one IN (...)


@dataclass(frozen=True, slots=True)
class WorkLink:
    """A source that is another text of a work: ``work`` is the id of the work's first source,
    and ``title`` that one's title.
    """

    source_id: str
    work: str
    reason: Reason
    title: str

    @property
    def description(self) -> str:
        return f"another text of: {self.title or self.work}"


def declare_tables(schema: sa.MetaData) -> None:
    """Declare the tables beside those of sources and passages.

    ``works`` has a row for each source but the first of a work. ``prints`` has one for each
    source that was compared with the others as it is now. ``sketches`` finds candidates by the
    hashes of their words. ``twins`` are passages of which a share stands, in another language,
    in another one.
    """

    def source(name: str = "source_id", **more) -> sa.Column:
        key = sa.ForeignKey("sources.id", ondelete="CASCADE")
        return sa.Column(name, key, nullable=False, **more)

    def passage(name: str, **more) -> sa.Column:
        key = sa.ForeignKey("passages.id", ondelete="CASCADE")
        return sa.Column(name, key, primary_key=True, **more)

    sa.Table(
        "works",
        schema,
        source(primary_key=True),
        source("work", index=True),
        sa.Column("reason", sa.String, nullable=False),
    )
    sa.Table(
        "prints",
        schema,
        source(primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False, index=True),
    )
    sa.Table(
        "sketches",
        schema,
        sa.Column("hash", sa.BigInteger, primary_key=True, autoincrement=False),
        source(primary_key=True, index=True),
    )
    sa.Table(
        "twins",
        schema,
        passage("passage_id"),
        passage("other_id", index=True),
        sa.Column("share", sa.Float, nullable=False),
    )


def work_column(schema: sa.MetaData) -> sa.ColumnElement[str]:
    """The work of a row of ``sources``, as a column to select with it."""
    works, sources = schema.tables["works"], schema.tables["sources"]
    found = sa.select(works.c.work).where(works.c.source_id == sources.c.id).correlate(sources)
    return sa.func.coalesce(found.scalar_subquery(), sources.c.id).label("work")


class WorkLinkTable:
    """The works of one store; each method is one transaction, as the store's own are."""

    def __init__(self, schema: sa.MetaData, transaction: Transaction) -> None:
        self._transaction = transaction
        self._sources, self._passages = schema.tables["sources"], schema.tables["passages"]
        self._works, self._prints = schema.tables["works"], schema.tables["prints"]
        self._sketches, self._twins = schema.tables["sketches"], schema.tables["twins"]

    def forget(self, db: sa.Connection, source_id: str) -> None:
        """Undo, within a transaction, what was decided with a source that changes or goes.

        The other texts of its work stay one work, and are compared anew by the next run: it
        may have been what held them together.
        """
        works, same = self._works, self._works.c.source_id == source_id
        first = db.execute(sa.select(works.c.work).where(same)).scalar() or source_id
        members = sa.select(works.c.source_id).where(works.c.work == first)
        rest = sorted({first, *db.execute(members).scalars()} - {source_id})
        if first == source_id and rest:
            first = db.execute(self._by_age(rest)).scalars().first() or rest[0]
            moved = works.c.source_id.in_(rest)
            db.execute(sa.update(works).where(moved).values(work=first))
        db.execute(sa.delete(works).where(works.c.source_id.in_([source_id, first])))
        for table in (self._prints, self._sketches):
            db.execute(sa.delete(table).where(table.c.source_id.in_([source_id, *rest])))

    def pending(self) -> list[str]:
        """Ids of the sources that were not compared yet as they are now, the oldest first."""
        with self._transaction() as db:
            query = sa.select(self._sources.c.id).where(
                self._sources.c.id.not_in(sa.select(self._prints.c.source_id))
            )
            new = set(db.execute(query).scalars())
            return [id for id in db.execute(self._by_age()).scalars() if id in new]

    def rows(self) -> dict[str, list[int]]:
        """The rows of the passages of every source that was compared, ascending, by its id;
        the oldest source first.
        """
        query = (
            sa.select(self._passages.c.source_id, self._passages.c.row)
            .join(self._prints, self._prints.c.source_id == self._passages.c.source_id)
            .order_by(self._passages.c.row)
        )
        found: dict[str, list[int]] = {}
        with self._transaction() as db:
            for source_id, row in db.execute(query):
                found.setdefault(source_id, []).append(row)
        return found

    def candidates(self, text: WorkText, least: int, most: int) -> list[str]:
        """Ids of sources that may share words with a text: every copy, and the ``most`` that
        have the most of its sketch, if at least ``least`` hashes.
        """
        sketch, prints = text.sketch, self._prints
        shared: dict[str, int] = {}
        with self._transaction() as db:
            query = sa.select(prints.c.source_id).where(prints.c.digest == text.digest)
            copies = list(db.execute(query.order_by(prints.c.source_id)).scalars())
            for i in range(0, len(sketch), _BATCH):
                query = sa.select(self._sketches.c.source_id).where(
                    self._sketches.c.hash.in_(sketch[i : i + _BATCH])
                )
                for id in db.execute(query).scalars():
                    shared[id] = shared.get(id, 0) + 1
        close = sorted((-n, id) for id, n in shared.items() if n >= least)[:most]
        return list(dict.fromkeys([*copies, *(id for _, id in close)]))

    def save(self, text: WorkText, found: Mapping[str, Reason], twins: PassageOverlaps) -> None:
        """Keep what a text was found to be one work with, and why.

        All of these, and what is one work with them already, become one work, named after the
        one that was there first. Nothing is kept of a source that has changed meanwhile.
        """
        id, works = text.source.id, self._works
        with self._transaction(writes=True) as db:
            query = sa.select(self._sources.c.version).where(self._sources.c.id == id)
            if db.execute(query).scalar() != text.source.version:
                return
            db.execute(sa.delete(works).where(works.c.source_id == id))
            for table in (self._prints, self._sketches):
                db.execute(sa.delete(table).where(table.c.source_id == id))
            db.execute(sa.insert(self._prints), {"source_id": id, "digest": text.digest})
            if text.sketch:
                rows = [{"hash": each, "source_id": id} for each in text.sketch]
                db.execute(sa.insert(self._sketches), rows)
            here = self._here(db, found)
            if here:
                self._join(db, id, here, next(found[each] for each in found if each in here))
            if twins:
                self._keep_twins(db, twins)

    def links(self, source_ids: Iterable[str] | None = None) -> list[WorkLink]:
        """The sources, all or some of these, that are another text of a work, by id."""
        works, titles = self._works, self._sources
        query = sa.select(works, titles.c.title).join(titles, titles.c.id == works.c.work)
        wanted = None if source_ids is None else set(source_ids)
        with self._transaction() as db:
            found = [
                WorkLink(**row._mapping) for row in db.execute(query.order_by(works.c.source_id))
            ]
        return [link for link in found if wanted is None or link.source_id in wanted]

    def twins(self, passage_ids: Sequence[str]) -> dict[tuple[str, str], float]:
        """Of some passages, the share of each that stands in each other one of them."""
        twins, given = self._twins, list(passage_ids)
        query = sa.select(twins).where(twins.c.passage_id.in_(given), twins.c.other_id.in_(given))
        with self._transaction() as db:
            return {(row.passage_id, row.other_id): row.share for row in db.execute(query)}

    def _by_age(self, source_ids: Sequence[str] | None = None) -> sa.Select[tuple[str]]:
        """Ids of sources by when their passages were stored: later ones have higher rows."""
        id, rows = self._sources.c.id, self._passages
        query = sa.select(id).join(rows, rows.c.source_id == id, isouter=True).group_by(id)
        if source_ids is not None:
            query = query.where(id.in_(source_ids))
        return query.order_by(sa.func.min(rows.c.row), id)

    def _here(self, db: sa.Connection, source_ids: Iterable[str]) -> list[str]:
        """Those of some sources that are as they were when they were compared."""
        prints = self._prints.c.source_id
        return list(db.execute(sa.select(prints).where(prints.in_(list(source_ids)))).scalars())

    def _join(self, db: sa.Connection, id: str, with_: list[str], reason: Reason) -> None:
        works = self._works
        query = sa.select(works.c.source_id, works.c.work)
        known = dict(tuple(row) for row in db.execute(query.where(works.c.source_id.in_(with_))))
        heads = sorted({id, *(known.get(each, each) for each in with_)})
        first = db.execute(self._by_age(heads)).scalars().first()
        members = sa.select(works.c.source_id).where(works.c.work.in_(heads))
        rows = dict.fromkeys(db.execute(members).scalars(), works.c.reason)
        for each in sorted({*heads, *rows} - {first}):
            same = works.c.source_id == each
            if each in rows:
                db.execute(sa.update(works).where(same).values(work=first))
            else:
                db.execute(sa.insert(works), {"source_id": each, "work": first, "reason": reason})
        db.execute(sa.delete(works).where(works.c.source_id == first))

    def _keep_twins(self, db: sa.Connection, twins: PassageOverlaps) -> None:
        query = sa.select(self._passages.c.id)
        ids = sorted({id for pair in twins for id in pair})
        here: set[str] = set()
        for i in range(0, len(ids), _BATCH):
            batch = ids[i : i + _BATCH]
            here.update(db.execute(query.where(self._passages.c.id.in_(batch))).scalars())
            # Two texts are aligned once, or again as they were: there is nothing else to keep.
            both = self._twins.c.passage_id.in_(batch) & self._twins.c.other_id.in_(ids)
            db.execute(sa.delete(self._twins).where(both))
        rows = [
            {"passage_id": one, "other_id": other, "share": share}
            for (one, other), share in twins.items()
            if one in here and other in here
        ]
        if rows:
            db.execute(sa.insert(self._twins), rows)
