"""SQL tables that record which sources are texts of one work, such as copies and translations.

``index.ingestion.work_linking`` decides; here its decisions are stored, and undone when a source
that they were based on changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from corpus.text.near_duplicates import Reason, WorkText

Transaction = Callable[..., AbstractContextManager[sa.Connection]]
PassageOverlaps = Mapping[tuple[str, str], float]
"""(id of a passage, id of another) -> share of the first, 0 to 1, that the other also has."""

_BATCH = 400  # values in one IN (...)


@dataclass(frozen=True, slots=True)
class WorkLink:
    """A source that is another text of a work, such as a copy or translation of an older source.

    ``work`` is the id of the work's oldest source and ``title`` that source's title; ``reason``
    is why the two were linked.
    """

    source_id: str
    work: str
    reason: Reason
    title: str

    @property
    def description(self) -> str:
        """A line for the report of an ingestion that says which work this is a text of."""
        return f"another text of: {self.title or self.work}"


def declare_tables(schema: sa.MetaData) -> None:
    """Declare the tables of works next to those of sources and passages.

    ``works`` has a row for each source except the oldest of each work. ``prints`` has a row, with
    a hash of its text, for each source that was compared with the others in its current version.
    ``sketches`` finds candidates by hashes of their words. ``twins`` are pairs of passages where
    one has a share of the other, in another language.
    """

    def source(name: str = "source_id", **options: Any) -> sa.Column[str]:
        key = sa.ForeignKey("sources.id", ondelete="CASCADE")
        return sa.Column(name, key, nullable=False, **options)

    def passage(name: str, **options: Any) -> sa.Column[str]:
        key = sa.ForeignKey("passages.id", ondelete="CASCADE")
        return sa.Column(name, key, primary_key=True, **options)

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
    """Build a column that gives the work's id of a row of ``sources``, to be selected with it."""
    works, sources = schema.tables["works"], schema.tables["sources"]
    linked = sa.select(works.c.work).where(works.c.source_id == sources.c.id).correlate(sources)
    return sa.func.coalesce(linked.scalar_subquery(), sources.c.id).label("work")


class WorkLinkTable:
    """The stored links between sources that are texts of one work.

    Each method except ``forget`` is a transaction of its own.

    Args:
        schema: metadata with the tables of ``declare_tables`` and of the store.
        transaction: opens a transaction of the store, for writing with ``writes=True``.
    """

    def __init__(self, schema: sa.MetaData, transaction: Transaction) -> None:
        self._transaction = transaction
        self._sources, self._passages = schema.tables["sources"], schema.tables["passages"]
        self._works, self._prints = schema.tables["works"], schema.tables["prints"]
        self._sketches, self._twins = schema.tables["sketches"], schema.tables["twins"]

    def forget(self, db: sa.Connection, source_id: str) -> None:
        """Undo, within the caller's transaction, the links of a source that changes or is deleted.

        The other texts of its work stay one work and are compared again by the next ingestion:
        this source may have been the only connection between them.
        """
        works, same = self._works, self._works.c.source_id == source_id
        oldest = db.execute(sa.select(works.c.work).where(same)).scalar() or source_id
        members = sa.select(works.c.source_id).where(works.c.work == oldest)
        others = sorted({oldest, *db.execute(members).scalars()} - {source_id})
        if oldest == source_id and others:
            oldest = db.execute(self._by_age(others)).scalars().first() or others[0]
            moved = works.c.source_id.in_(others)
            db.execute(sa.update(works).where(moved).values(work=oldest))
        db.execute(sa.delete(works).where(works.c.source_id.in_([source_id, oldest])))
        for table in (self._prints, self._sketches):
            db.execute(sa.delete(table).where(table.c.source_id.in_([source_id, *others])))

    def pending(self) -> list[str]:
        """List the ids of the sources whose current text was not compared yet, oldest first."""
        with self._transaction() as db:
            query = sa.select(self._sources.c.id).where(
                self._sources.c.id.not_in(sa.select(self._prints.c.source_id))
            )
            new = set(db.execute(query).scalars())
            return [id for id in db.execute(self._by_age()).scalars() if id in new]

    def rows(self) -> dict[str, list[int]]:
        """List the row numbers, ascending, of the passages of every source that was compared.

        Returns:
            Source id -> row numbers, the oldest source first.
        """
        query = (
            sa.select(self._passages.c.source_id, self._passages.c.row)
            .join(self._prints, self._prints.c.source_id == self._passages.c.source_id)
            .order_by(self._passages.c.row)
        )
        rows: dict[str, list[int]] = {}
        with self._transaction() as db:
            for source_id, row in db.execute(query):
                rows.setdefault(source_id, []).append(row)
        return rows

    def candidates(self, text: WorkText, least: int, most: int) -> list[str]:
        """Find sources that are worth comparing with a text because they share words with it.

        Args:
            text: the text.
            least: how many hashes of the text's sketch a candidate has to share.
            most: how many candidates to return besides exact copies, those that share most.

        Returns:
            Source ids, exact copies first.
        """
        sketch, prints = text.sketch, self._prints
        shared: dict[str, int] = {}
        with self._transaction() as db:
            query = sa.select(prints.c.source_id).where(prints.c.digest == text.fingerprint)
            copies = list(db.execute(query.order_by(prints.c.source_id)).scalars())
            for i in range(0, len(sketch), _BATCH):
                query = sa.select(self._sketches.c.source_id).where(
                    self._sketches.c.hash.in_(sketch[i : i + _BATCH])
                )
                for id in db.execute(query).scalars():
                    shared[id] = shared.get(id, 0) + 1
        close = sorted((-n, id) for id, n in shared.items() if n >= least)[:most]
        return list(dict.fromkeys([*copies, *(id for _, id in close)]))

    def save(self, text: WorkText, same: Mapping[str, Reason], twins: PassageOverlaps) -> None:
        """Store the result of comparing a source with the others.

        The source, all in ``same`` and all that are linked with those become one work, named
        after its oldest source. Nothing is stored about a source that has changed meanwhile.

        Args:
            text: the text of the source as it was compared.
            same: ids of sources that are texts of the same work, with the reason.
            twins: passages that have a share of each other.
        """
        id, works = text.source.id, self._works
        with self._transaction(writes=True) as db:
            query = sa.select(self._sources.c.version).where(self._sources.c.id == id)
            if db.execute(query).scalar() != text.source.version:
                return
            db.execute(sa.delete(works).where(works.c.source_id == id))
            for table in (self._prints, self._sketches):
                db.execute(sa.delete(table).where(table.c.source_id == id))
            db.execute(sa.insert(self._prints), {"source_id": id, "digest": text.fingerprint})
            if text.sketch:
                rows = [{"hash": each, "source_id": id} for each in text.sketch]
                db.execute(sa.insert(self._sketches), rows)
            unchanged = self._unchanged(db, same)
            if unchanged:
                reason = next(same[each] for each in same if each in unchanged)
                self._join(db, id, unchanged, reason)
            if twins:
                self._save_twins(db, twins)

    def links(self, source_ids: Iterable[str] | None = None) -> list[WorkLink]:
        """List the sources that are another text of an older source's work, ordered by id.

        Args:
            source_ids: only of these sources; None for all.
        """
        works, titles = self._works, self._sources
        query = sa.select(works, titles.c.title).join(titles, titles.c.id == works.c.work)
        wanted = None if source_ids is None else set(source_ids)
        with self._transaction() as db:
            links = [
                WorkLink(**row._mapping) for row in db.execute(query.order_by(works.c.source_id))
            ]
        return [link for link in links if wanted is None or link.source_id in wanted]

    def twins(self, passage_ids: Sequence[str]) -> dict[tuple[str, str], float]:
        """Return how much of each given passage another one of them says in another language.

        Returns:
            (passage id, other id) -> share, 0 to 1; pairs without a known share are left out.
        """
        twins, given = self._twins, list(passage_ids)
        query = sa.select(twins).where(twins.c.passage_id.in_(given), twins.c.other_id.in_(given))
        with self._transaction() as db:
            return {(row.passage_id, row.other_id): row.share for row in db.execute(query)}

    def _by_age(self, source_ids: Sequence[str] | None = None) -> sa.Select[Any]:
        """Select ids of sources, oldest first: passages stored later have higher rows."""
        id, rows = self._sources.c.id, self._passages
        query = sa.select(id).join(rows, rows.c.source_id == id, isouter=True).group_by(id)
        if source_ids is not None:
            query = query.where(id.in_(source_ids))
        return query.order_by(sa.func.min(rows.c.row), id)

    def _unchanged(self, db: sa.Connection, source_ids: Iterable[str]) -> list[str]:
        """Select those of some sources that have not changed since they were compared."""
        prints = self._prints.c.source_id
        return list(db.execute(sa.select(prints).where(prints.in_(list(source_ids)))).scalars())

    def _join(self, db: sa.Connection, id: str, others: list[str], reason: Reason) -> None:
        """Make one work of the works of a source and of some others."""
        works = self._works
        query = sa.select(works.c.source_id, works.c.work).where(works.c.source_id.in_(others))
        known: dict[str, str] = {row.source_id: row.work for row in db.execute(query)}
        joined = sorted({id, *(known.get(each, each) for each in others)})
        oldest = db.execute(self._by_age(joined)).scalars().first()
        members = sa.select(works.c.source_id).where(works.c.work.in_(joined))
        linked = set(db.execute(members).scalars())
        for each in sorted({*joined, *linked} - {oldest}):
            same = works.c.source_id == each
            if each in linked:
                db.execute(sa.update(works).where(same).values(work=oldest))
            else:
                db.execute(sa.insert(works), {"source_id": each, "work": oldest, "reason": reason})
        db.execute(sa.delete(works).where(works.c.source_id == oldest))

    def _save_twins(self, db: sa.Connection, twins: PassageOverlaps) -> None:
        query = sa.select(self._passages.c.id)
        ids = sorted({id for pair in twins for id in pair})
        existing: set[str] = set()
        for i in range(0, len(ids), _BATCH):
            batch = ids[i : i + _BATCH]
            existing.update(db.execute(query.where(self._passages.c.id.in_(batch))).scalars())
            # Two texts are aligned once, or again with the same result: old rows are redundant.
            both = self._twins.c.passage_id.in_(batch) & self._twins.c.other_id.in_(ids)
            db.execute(sa.delete(self._twins).where(both))
        rows = [
            {"passage_id": one, "other_id": other, "share": share}
            for (one, other), share in twins.items()
            if one in existing and other in existing
        ]
        if rows:
            db.execute(sa.insert(self._twins), rows)
