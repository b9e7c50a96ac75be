"""The truth: sources, documents and passages in a database. Knows no vectors."""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from corpus import related
from corpus.errors import NotFound, StoreError
from corpus.types import Document, Page, Passage, Section, Source, Unread, text_hash

BUSY_SECONDS = 10  # to wait for another process that writes

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
_conversations = sa.Table(
    "conversations",
    _schema,
    sa.Column("id", sa.String(24), primary_key=True),
    sa.Column("created_at", sa.String, nullable=False),
)
_answers = sa.Table(
    "answers",
    _schema,
    sa.Column("id", sa.String(24), primary_key=True),
    sa.Column("conversation_id", sa.ForeignKey("conversations.id"), nullable=False, index=True),
    sa.Column("created_at", sa.String, nullable=False),
    sa.Column("question", sa.Text, nullable=False),
    sa.Column("answer", sa.JSON, nullable=False),
)
# What was noted beside an answer when it was made; none for answers of earlier versions.
_records = sa.Table(
    "records",
    _schema,
    sa.Column("answer_id", sa.ForeignKey("answers.id"), primary_key=True),
    sa.Column("record", sa.JSON, nullable=False),
)
related.tables(_schema)
_BATCH = 500  # ids in one IN (...): below every database's limit on parameters


@dataclass(frozen=True, slots=True)
class Change:
    """What ``Store.put`` did: how many passages came and went; both 0 if nothing changed."""

    added: int
    removed: int


class Store:
    """One database, SQLite by default, any that SQLAlchemy speaks by URL.

    Every method is one transaction: it has happened whole, or not at all. Methods raise
    StoreError when the database cannot be used. Safe to share between threads.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        if url.startswith("sqlite:///"):
            _make_folder(Path(url.removeprefix("sqlite:///")).parent)
        try:
            self._engine = sa.create_engine(url, json_serializer=_dumps)
        except (SQLAlchemyError, ImportError, ValueError) as error:
            raise StoreError(
                f"cannot open the database: {_first_line(error)}; TENKYO_DATABASE_URL wants the"
                " form postgresql+psycopg://user:password@host/name, and the extra `postgres`"
            ) from error
        if self._engine.dialect.name == "sqlite":
            sa.event.listen(self._engine, "connect", _tune_sqlite)
            sa.event.listen(self._engine, "begin", _begin_sqlite)
        self.works = related.Works(_schema, self._transaction)
        with self._transaction(writes=True) as db:
            _schema.create_all(db)

    @contextmanager
    def _transaction(self, writes: bool = False) -> Iterator[sa.Connection]:
        try:
            with self._engine.execution_options(writes=writes).begin() as db:
                yield db
        except SQLAlchemyError as error:
            raise StoreError(
                f"the database {self._engine.url.render_as_string()} cannot be used"
                f" ({_first_line(error)}): check that its folder can be written and its disk is"
                " not full, or set TENKYO_DATA_DIR to another folder"
            ) from error

    # Sources, documents and passages

    def put(self, document: Document, passages: Sequence[Passage]) -> Change:
        """Store a document and its passages in place of what its source had before.

        A document whose text, title, sections and pages are what they were keeps its passages,
        and only its source's other particulars are brought up to date.
        """
        source = replace(document.source, version=text_hash(document.text))
        row = {f.name: getattr(source, f.name) for f in fields(source) if f.name != "work"}
        with self._transaction(writes=True) as db:
            query = sa.select(_passages.c["id", "heading", "page"])
            known = db.execute(query.where(_passages.c.source_id == source.id)).all()
            same = _sources.c.id == source.id
            title = db.execute(sa.select(_sources.c.title).where(same)).scalar()
            self._upsert(db, _sources, "id", row)
            self._upsert(
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
            self.works.forget(db, source.id)
            db.execute(sa.delete(_passages).where(_passages.c.source_id == source.id))
            if passages:
                db.execute(sa.insert(_passages), [asdict(p) for p in passages])
        return Change(len(passages), len(known))

    def delete(self, source_id: str) -> None:
        """Remove a source with its document and passages; NotFound if there is none."""
        with self._transaction(writes=True) as db:
            self.works.forget(db, source_id)
            if db.execute(sa.delete(_sources).where(_sources.c.id == source_id)).rowcount == 0:
                raise NotFound(f"no source {source_id!r}: `tenkyo sources` lists what there is")

    def sources(self) -> list[tuple[Source, int]]:
        """Every source with the number of its passages, by id."""
        count = sa.func.count(_passages.c.row)
        query = (
            sa.select(_sources, self.works.of, count.label("passages"))
            .join(_passages, _passages.c.source_id == _sources.c.id, isouter=True)
            .group_by(_sources.c.id)
            .order_by(_sources.c.id)
        )
        with self._transaction() as db:
            return [(_source(row), row.passages) for row in db.execute(query)]

    def source(self, source_id: str) -> Source:
        with self._transaction() as db:
            query = sa.select(_sources, self.works.of).where(_sources.c.id == source_id)
            row = db.execute(query).first()
        if row is None:
            raise NotFound(f"no source {source_id!r}: `tenkyo sources` lists what there is")
        return _source(row)

    def source_at(self, url: str) -> Source | None:
        """The source of an address, or None; the first by id where there are several."""
        query = sa.select(_sources, self.works.of).where(_sources.c.url == url)
        query = query.order_by(_sources.c.id)
        with self._transaction() as db:
            row = db.execute(query).first()
        return _source(row) if row else None

    def add_citing(self, source_id: str, citing: Iterable[str]) -> None:
        """Note that some sources link to this one; NotFound if there is none such."""
        with self._transaction(writes=True) as db:
            same = _sources.c.id == source_id
            known = db.execute(sa.select(_sources.c.cited_by).where(same)).scalar()
            if known is None:
                raise NotFound(f"no source {source_id!r}: `tenkyo sources` lists what there is")
            cited_by = list(dict.fromkeys([*known, *citing]))
            if cited_by != known:
                db.execute(sa.update(_sources).where(same).values(cited_by=cited_by))

    def document(self, source_id: str) -> Document:
        source = self.source(source_id)
        with self._transaction() as db:
            row = db.execute(
                sa.select(_documents).where(_documents.c.source_id == source_id)
            ).first()
        if row is None:
            raise NotFound(f"the source {source_id!r} has no document")
        sections = tuple(Section(**s) for s in row.sections)
        return Document(source, row.text, sections, tuple(Page(**p) for p in row.pages))

    def passage(self, passage_id: str) -> Passage:
        with self._transaction() as db:
            row = db.execute(sa.select(_passages).where(_passages.c.id == passage_id)).first()
        if row is None:
            raise NotFound(f"no passage {passage_id!r}: its source may have changed since")
        return _passage(row)

    # What could not be read

    def note_unread(self, place: str, reason: str, title: str = "") -> None:
        """Remember that an address or a file could not be read, and why."""
        row = {"place": place, "title": title, "reason": reason, "tried_at": now()}
        with self._transaction(writes=True) as db:
            self._upsert(db, _unread, "place", row)

    def forget_unread(self, place: str) -> None:
        """It has been read since."""
        with self._transaction(writes=True) as db:
            db.execute(sa.delete(_unread).where(_unread.c.place == place))

    def unread(self) -> list[Unread]:
        """What could not be read when it was last tried, the latest first."""
        query = sa.select(_unread).order_by(_unread.c.tried_at.desc(), _unread.c.place)
        with self._transaction() as db:
            return [Unread(**row._mapping) for row in db.execute(query)]

    # What the index is built from

    def rows(self, source_ids: Sequence[str] | None = None) -> list[int]:
        """Row numbers of all passages, or of those of some sources, ascending."""
        query = sa.select(_passages.c.row).order_by(_passages.c.row)
        if source_ids is not None:
            query = query.where(_passages.c.source_id.in_(source_ids))
        with self._transaction() as db:
            return list(db.execute(query).scalars())

    def revision(self) -> str:
        """12 hexadecimal digits that name the set of passages as it is now.

        Rows are never used twice and never change, so the number of rows and the newest one
        tell any two states of a database apart; its id tells apart two databases.
        """
        newest = sa.select(_passages.c.row, _passages.c.id).order_by(_passages.c.row.desc())
        with self._transaction() as db:
            count = db.execute(sa.select(sa.func.count()).select_from(_passages)).scalar_one()
            last = db.execute(newest.limit(1)).first()
        return text_hash(f"{count} {tuple(last) if last else None}")[:12]

    def passages(self, rows: Sequence[int]) -> dict[int, tuple[Passage, Source]]:
        """The passages in some rows, with their sources; rows that are gone are left out."""
        found = {}
        with self._transaction() as db:
            for i in range(0, len(rows), _BATCH):
                batch = [int(row) for row in rows[i : i + _BATCH]]
                query = sa.select(_passages).where(_passages.c.row.in_(batch))
                found |= {row.row: _passage(row) for row in db.execute(query)}
            wanted = {p.source_id for p in found.values()}
            query = sa.select(_sources, self.works.of)
            if len(wanted) <= _BATCH:
                query = query.where(_sources.c.id.in_(wanted))
            sources = {row.id: _source(row) for row in db.execute(query)}
        return {row: (passage, sources[passage.source_id]) for row, passage in found.items()}

    # Answers

    def new_conversation(self) -> str:
        conversation = secrets.token_urlsafe(12)
        with self._transaction(writes=True) as db:
            db.execute(sa.insert(_conversations), {"id": conversation, "created_at": now()})
        return conversation

    def conversation(self, conversation_id: str) -> list[dict]:
        """The answers of a conversation, oldest first; NotFound if there is none such."""
        with self._transaction() as db:
            known = db.execute(
                sa.select(_conversations.c.id).where(_conversations.c.id == conversation_id)
            ).first()
            query = (
                sa.select(_answers.c.answer)
                .where(_answers.c.conversation_id == conversation_id)
                .order_by(_answers.c.created_at)
            )
            answers = list(db.execute(query).scalars())
        if known is None:
            raise NotFound(
                f"no conversation {conversation_id!r}: leave conversation_id out to start one"
            )
        return answers

    def save_answer(
        self, answer_id: str, conversation_id: str, answer: dict, record: dict | None = None
    ) -> None:
        """Keep an answer, and what else is to be known of how it was made.

        ``answer`` is JSON and holds the question under that name; ``record`` is JSON.
        """
        with self._transaction(writes=True) as db:
            db.execute(
                sa.insert(_answers),
                {
                    "id": answer_id,
                    "conversation_id": conversation_id,
                    "created_at": now(),
                    "question": answer["question"],
                    "answer": answer,
                },
            )
            if record is not None:
                db.execute(sa.insert(_records), {"answer_id": answer_id, "record": record})

    def answer(self, answer_id: str) -> dict:
        with self._transaction() as db:
            found = db.execute(
                sa.select(_answers.c.answer).where(_answers.c.id == answer_id)
            ).scalar()
        if found is None:
            raise NotFound(f"no answer {answer_id!r}")
        return found

    def record(self, answer_id: str) -> tuple[str, dict | None]:
        """When an answer was stored, and what was noted beside it, if anything was."""
        query = (
            sa.select(_answers.c.created_at, _records.c.record)
            .join(_records, _records.c.answer_id == _answers.c.id, isouter=True)
            .where(_answers.c.id == answer_id)
        )
        with self._transaction() as db:
            found = db.execute(query).first()
        if found is None:
            raise NotFound(f"no answer {answer_id!r}")
        return found.created_at, found.record

    @staticmethod
    def _upsert(db: sa.Connection, table: sa.Table, key: str, values: dict) -> None:
        same = table.c[key] == values[key]
        if db.execute(sa.update(table).where(same).values(values)).rowcount == 0:
            db.execute(sa.insert(table).values(values))


def now() -> str:
    """The time, as an ISO 8601 date-time in UTC with microseconds."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _source(row: sa.Row) -> Source:
    values = {f.name: getattr(row, f.name) for f in fields(Source)}
    return Source(**values | {k: tuple(values[k]) for k in ("authors", "cited_by")})


def _passage(row: sa.Row) -> Passage:
    return Passage(**{f.name: getattr(row, f.name) for f in fields(Passage)})


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"cannot make the data folder {folder} ({error.strerror}): set TENKYO_DATA_DIR to a"
            " folder that can be written"
        ) from error


def _tune_sqlite(connection, _record) -> None:
    connection.isolation_level = None  # transactions begin below, not where sqlite3 thinks best
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    _write_ahead(cursor)
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.close()


def _write_ahead(cursor: sqlite3.Cursor) -> None:
    """Turn write-ahead logging on, so that readers go on while an ingestion writes.

    This one statement does not wait for another process that opens the same new database,
    whatever its busy timeout: so it is asked again.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _begin_sqlite(db: sa.Connection) -> None:
    """Left to itself, sqlite3 begins none for a reader, and a writer's only after it has read."""
    writes = db.get_execution_options().get("writes")
    db.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _first_line(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    return (str(cause).strip() or type(cause).__name__).splitlines()[0]
