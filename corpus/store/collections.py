"""SQL tables of collections: named groups of sources, of which a source may be in any number."""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from itertools import groupby

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from corpus.errors import CollectionExists, CollectionRefused, NotFound

LONGEST_NAME = 80  # characters
NAMED = 10  # collections that the message on an unknown one names
_BATCH = 400  # values in one IN (...)
Transaction = Callable[..., AbstractContextManager[sa.Connection]]


@dataclass(frozen=True, slots=True)
class Collection:
    """A named group of sources.

    Attributes:
        id: A random name that stays the same when the collection is renamed.
        name: Its name; no other collection has the same, whatever the case of its letters.
        source_ids: The ids of its sources, in alphabetical order.
    """

    id: str
    name: str
    source_ids: tuple[str, ...]


def declare_tables(schema: sa.MetaData) -> None:
    """Declare the tables of collections next to that of sources."""
    sa.Table(
        "collections",
        schema,
        sa.Column("id", sa.String(24), primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False, unique=True),  # see name_key
    )
    sa.Table(
        "collection_sources",
        schema,
        sa.Column(
            "collection_id", sa.ForeignKey("collections.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column(
            "source_id",
            sa.ForeignKey("sources.id", ondelete="CASCADE"),
            primary_key=True,
            index=True,
        ),
    )


def clean_name(name: str) -> str:
    """Return the name of a collection as it is stored: without needless blanks, in NFKC.

    Raises:
        CollectionRefused: Nothing is left of it, or it is too long.
    """
    cleaned = _cleaned(name)
    if not name_key(cleaned):
        raise CollectionRefused("the collection has no name: give it one")
    if len(cleaned) > LONGEST_NAME:
        raise CollectionRefused(
            f"the name of a collection has at most {LONGEST_NAME} characters, and this one has"
            f" {len(cleaned):,}: shorten it"
        )
    return cleaned


def _cleaned(name: str) -> str:
    # Control characters and lone surrogates are refused by some databases, and seen by nobody.
    seen = "".join(c if unicodedata.category(c) not in ("Cc", "Cs") else " " for c in name)
    return " ".join(unicodedata.normalize("NFKC", seen).split())


def name_key(name: str) -> str:
    """Fold a name as two are compared: without regard to case, width and what cannot be seen."""
    seen = "".join(c for c in name if unicodedata.category(c) != "Cf")
    return unicodedata.normalize("NFKC", _cleaned(seen).casefold())


class CollectionTable:
    """The collections of a library. Each method is a transaction of its own.

    Args:
        schema: metadata with the tables of ``declare_tables`` and of the store.
        transaction: opens a transaction of the store, for writing with ``writes=True``.
    """

    def __init__(self, schema: sa.MetaData, transaction: Transaction) -> None:
        self._transaction = transaction
        self._sources = schema.tables["sources"]
        self._collections = schema.tables["collections"]
        self._members = schema.tables["collection_sources"]

    def all(self) -> list[Collection]:
        """List the collections by their names."""
        table, members = self._collections, self._members.c
        # One statement: between two, another process may make or delete a collection.
        query = (
            sa.select(table.c.id, table.c.name, members.source_id)
            .join(self._members, members.collection_id == table.c.id, isouter=True)
            .order_by(table.c.key, table.c.id, members.source_id)
        )
        with self._transaction() as db:
            rows = db.execute(query).all()
        return [
            Collection(*each, tuple(row.source_id for row in held if row.source_id is not None))
            for each, held in groupby(rows, key=lambda row: (row.id, row.name))
        ]

    def get(self, collection_id: str) -> Collection:
        """Return a collection by its id; NotFound if there is none."""
        with self._transaction() as db:
            return self._read(db, self._collections.c.id == collection_id, collection_id)

    def named(self, name: str) -> Collection:
        """Return a collection by its name, in any case; NotFound names those that there are."""
        with self._transaction() as db:
            return self._read(db, self._collections.c.key == name_key(name), name)

    def make(self, name: str) -> Collection:
        """Make an empty collection.

        Raises:
            CollectionExists: there is one of this name.
            CollectionRefused: the name cannot be used.
        """
        cleaned = clean_name(name)
        with self._transaction(writes=True) as db:
            made = self._insert(db, cleaned)
            if made is None:
                raise _exists(cleaned)
            return made

    def ensure(self, name: str) -> Collection:
        """Return the collection of a name, which is made if there is none; see ``make``."""
        cleaned = clean_name(name)
        with self._transaction(writes=True) as db:
            same = self._collections.c.key == name_key(cleaned)
            return self._insert(db, cleaned) or self._read(db, same, cleaned)

    def rename(self, collection_id: str, name: str) -> Collection:
        """Give a collection another name, or the same in another case.

        Raises:
            CollectionExists: another collection has this name.
            CollectionRefused: the name cannot be used.
            NotFound: there is no such collection.
        """
        cleaned = clean_name(name)
        this = self._collections.c.id == collection_id
        with self._transaction(writes=True) as db:
            self._read(db, this, collection_id)
            changed = sa.update(self._collections).where(this)
            try:
                with db.begin_nested():
                    db.execute(changed.values(name=cleaned, key=name_key(cleaned)))
            except IntegrityError:
                raise _exists(cleaned) from None
            return self._read(db, this, collection_id)

    def delete(self, collection_id: str) -> None:
        """Delete a collection, and none of its sources; NotFound if there is none."""
        this = self._collections.c.id == collection_id
        with self._transaction(writes=True) as db:
            self._read(db, this, collection_id)
            db.execute(sa.delete(self._collections).where(this))

    def add(
        self, collection_id: str, source_ids: Iterable[str], *, skip_unknown: bool = False
    ) -> Collection:
        """Put sources into a collection; those that are in it stay.

        Args:
            collection_id: the collection.
            source_ids: the sources.
            skip_unknown: whether to pass over ids that no source has, as after a removal.

        Raises:
            NotFound: there is no such collection, or no such source; then nothing is added.
        """
        wanted = list(dict.fromkeys(source_ids))
        this = self._collections.c.id == collection_id
        with self._transaction(writes=True) as db:
            # Locked, where the database knows that: two that add the same must not collide.
            db.execute(sa.select(self._collections.c.id).where(this).with_for_update())
            held = {*self._read(db, this, collection_id).source_ids}
            known = self._known(db, wanted)
            unknown = [each for each in wanted if each not in known]
            if unknown and not skip_unknown:
                raise NotFound(f"no source {unknown[0]!r}: `tenkyo sources` lists what there is")
            rows = [
                {"collection_id": collection_id, "source_id": each}
                for each in wanted
                if each in known and each not in held
            ]
            if rows:
                db.execute(sa.insert(self._members), rows)
            return self._read(db, this, collection_id)

    def remove(self, collection_id: str, source_ids: Iterable[str]) -> Collection:
        """Take sources out of a collection; they stay in the library.

        Ids that it does not have are passed over. NotFound if there is no such collection.
        """
        this = self._collections.c.id == collection_id
        members = self._members.c
        with self._transaction(writes=True) as db:
            self._read(db, this, collection_id)
            for each in dict.fromkeys(source_ids):
                pair = (members.collection_id == collection_id) & (members.source_id == each)
                db.execute(sa.delete(self._members).where(pair))
            return self._read(db, this, collection_id)

    def _insert(self, db: sa.Connection, name: str) -> Collection | None:
        """Insert a collection; None if there is one of this name."""
        made = Collection(secrets.token_urlsafe(6), name, ())
        with suppress(IntegrityError), db.begin_nested():
            row = {"id": made.id, "name": name, "key": name_key(name)}
            db.execute(sa.insert(self._collections), row)
            return made
        return None

    def _read(self, db: sa.Connection, which: sa.ColumnElement[bool], asked: str) -> Collection:
        row = db.execute(sa.select(self._collections).where(which)).first()
        if row is None:
            raise self._unknown(db, asked)
        members = self._members.c
        held = sa.select(members.source_id).where(members.collection_id == row.id)
        ids = db.execute(held.order_by(members.source_id)).scalars()
        return Collection(row.id, row.name, tuple(ids))

    def _known(self, db: sa.Connection, ids: Sequence[str]) -> set[str]:
        known: set[str] = set()
        for i in range(0, len(ids), _BATCH):
            some = self._sources.c.id.in_(ids[i : i + _BATCH])
            known.update(db.execute(sa.select(self._sources.c.id).where(some)).scalars())
        return known

    def _unknown(self, db: sa.Connection, asked: str) -> NotFound:
        table = self._collections
        names = db.execute(sa.select(table.c.name).order_by(table.c.key)).scalars().all()
        if not names:
            advice = "there are none yet; `tenkyo collections make NAME` makes one"
        else:
            more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            advice = f"there are {', '.join(map(repr, names[:NAMED]))}{more}"
        return NotFound(f"no collection {asked[: 2 * LONGEST_NAME]!r}: {advice}")


def _exists(name: str) -> CollectionExists:
    return CollectionExists(f"there is a collection {name!r} already: choose another name")
