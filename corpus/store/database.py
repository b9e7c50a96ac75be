"""A database by its URL, SQLite or another, and its transactions. Knows no tables."""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from corpus.errors import StoreError

BUSY_SECONDS = 10  # to wait for another process that writes
READER_SECONDS = 2  # to wait for readers, until the log can be emptied

_log = logging.getLogger(__name__)


class Database:
    """One database, SQLite by default, any that SQLAlchemy speaks by URL.

    Who keeps something in it declares the tables, creates them, and works on them within
    ``transaction``. Raises StoreError when the database cannot be used. Safe to share between
    threads.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._writing = threading.RLock()
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

    def create(self, schema: sa.MetaData) -> None:
        """Make the tables of a schema that are not there yet."""
        with self.transaction(writes=True) as db:
            schema.create_all(db)

    @contextmanager
    def transaction(self, writes: bool = False) -> Iterator[sa.Connection]:
        """What is done within has happened whole, or, where it raises, not at all.

        Only one that ``writes`` may change anything: it waits for other writers. Those of this
        process take turns here, since SQLite would have them look again and again whether
        they may.
        """
        turn = self._writing if writes else nullcontext()
        try:
            with turn, self._engine.execution_options(writes=writes).begin() as db:
                yield db
        except SQLAlchemyError as error:
            raise StoreError(
                f"the database {self._engine.url.render_as_string()} cannot be used"
                f" ({_first_line(error)}): check that its folder can be written and its disk is"
                " not full, or set TENKYO_DATA_DIR to another folder"
            ) from error

    def erase_deleted(self) -> None:
        """Leave nothing of what was deleted in SQLite's files; what keeps it from it is logged.

        What is deleted is overwritten with zeros where it stands. But SQLite moves rows as it
        goes, and where they stood before, and in its log, they are still to be read: so the
        file is written anew, 4 ms a megabyte, and the log is emptied.
        """
        if self._engine.dialect.name != "sqlite":
            return
        with closing(self._engine.raw_connection()) as connection:
            cursor = connection.cursor()
            try:
                cursor.execute("VACUUM")
            except sqlite3.Error as error:
                _log.warning(
                    "deleted text may stay in free parts of %s (%s): mend that, and run VACUUM"
                    " with the sqlite3 shell, or delete something else", self.url, error,
                )  # fmt: skip
            if not _emptied(cursor):
                _log.warning(
                    "deleted text stays in the log of %s, which is being read: it goes when more"
                    " has been written, or when the service ends", self.url,
                )  # fmt: skip


def upsert(db: sa.Connection, table: sa.Table, key: str, values: dict) -> None:
    """Write a row in place of the one with the same key, if there is one."""
    same = table.c[key] == values[key]
    if db.execute(sa.update(table).where(same).values(values)).rowcount == 0:
        db.execute(sa.insert(table).values(values))


def utc_now() -> str:
    """The time, as an ISO 8601 date-time in UTC with microseconds."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


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
    # NORMAL would save some milliseconds a commit, and lose the last ones in a power cut.
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA secure_delete = ON")
    cursor.execute("PRAGMA journal_size_limit = 0")  # old words are not left in the log's end
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


def _emptied(cursor: sqlite3.Cursor) -> bool:
    """Empty the write-ahead log into the file; False if that cannot be, since it is being read."""
    cursor.execute(f"PRAGMA busy_timeout = {READER_SECONDS * 1000}")
    try:
        busy, _, _ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy
    except sqlite3.Error:
        return False
    finally:
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")


def _begin_sqlite(db: sa.Connection) -> None:
    """Left to itself, sqlite3 begins none for a reader, and a writer's only after it has read."""
    writes = db.get_execution_options().get("writes")
    db.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _first_line(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    return (str(cause).strip() or type(cause).__name__).splitlines()[0]
