"""Access to an SQL database by its URL (SQLite or another): transactions and secure deletion.

Nothing here knows any tables. A commit waits for the disk (``synchronous = FULL``), so a power cut
takes back nothing that was committed; ``erase_deleted`` removes deleted text from SQLite's files.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from corpus.errors import StoreError

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPICursor

BUSY_SECONDS = 10  # how long to wait for another process that writes
READER_SECONDS = 2  # how long to wait for readers before the write-ahead log can be emptied

_log = logging.getLogger(__name__)


class Database:
    """An SQL database with atomic transactions; its users declare and create their own tables.

    Safe to share between threads. Every method raises StoreError when the database cannot be
    used.

    Args:
        url: an SQLAlchemy URL, such as ``sqlite:///path/to/file``; the folder of an SQLite file
            is created.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._write_lock = threading.RLock()
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

    def close(self) -> None:
        """Close the connections; what is used again opens new ones."""
        self._engine.dispose()

    def create(self, schema: sa.MetaData) -> None:
        """Create the tables of a schema that do not exist yet."""
        with self.transaction(writes=True) as db:
            schema.create_all(db)

    @contextmanager
    def transaction(self, writes: bool = False) -> Iterator[sa.Connection]:
        """Open a transaction: commit at the end of the ``with`` block, roll back if it raises.

        Only one that ``writes`` may change anything; it waits for other writers. Writers of this
        process queue at a lock, since SQLite itself would poll with ever longer pauses.
        """
        lock = self._write_lock if writes else nullcontext()
        try:
            with lock, self._engine.execution_options(writes=writes).begin() as db:
                yield db
        except SQLAlchemyError as error:
            raise StoreError(
                f"the database {self._engine.url.render_as_string()} cannot be used"
                f" ({_first_line(error)}): check that its folder can be written and its disk is"
                " not full, or set TENKYO_DATA_DIR to another folder"
            ) from error

    def find_damage(self) -> str:
        """Read SQLite's whole file and say what is damaged in it; empty if nothing is.

        Other databases check themselves.
        """
        if self._engine.dialect.name != "sqlite":
            return ""
        with self.transaction() as db:
            found = str(db.exec_driver_sql("PRAGMA quick_check(1)").scalar())
        return "" if found == "ok" else " ".join(found.split())

    def erase_deleted(self) -> None:
        """Remove all traces of deleted rows from SQLite's files; failures are logged.

        SQLite's ``secure_delete`` overwrites a deleted row with zeros, but not the copies that
        remain where rows were moved between pages, nor those in the write-ahead log. So the file
        is rewritten (``VACUUM``, 4 ms a megabyte) and the log is emptied. Without effect on
        other databases.
        """
        if self._engine.dialect.name != "sqlite":
            return
        with closing(self._engine.raw_connection()) as connection:
            cursor = connection.cursor()
            try:
                cursor.execute("VACUUM")
            except sqlite3.Error as error:
                _log.warning(
                    "deleted text may stay in free parts of %s (%s): fix that, and run VACUUM"
                    " with the sqlite3 shell, or delete something else", self.url, error,
                )  # fmt: skip
            if not _empty_log(cursor):
                _log.warning(
                    "deleted text stays in the log of %s, which is being read: it goes when more"
                    " has been written, or when the service ends", self.url,
                )  # fmt: skip


def upsert(db: sa.Connection, table: sa.Table, key: str, values: Mapping[str, Any]) -> None:
    """Update the row with the same value in the column ``key``, or insert it as a new one."""
    same = table.c[key] == values[key]
    if db.execute(sa.update(table).where(same).values(values)).rowcount == 0:
        db.execute(sa.insert(table).values(values))


def utc_now() -> str:
    """Return the current time as an ISO 8601 date-time in UTC with microseconds."""
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


def _tune_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions begin in _begin_sqlite, not implicitly
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    _write_ahead(cursor)
    # NORMAL would save some milliseconds a commit, and lose the latest ones in a power cut.
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA secure_delete = ON")
    cursor.execute("PRAGMA journal_size_limit = 0")  # the end of the log keeps no old text
    cursor.close()


def _write_ahead(cursor: sqlite3.Cursor) -> None:
    """Turn write-ahead logging on, so that reads do not wait while an ingestion writes.

    This one statement ignores the busy timeout when another process opens the same new database,
    so it is retried here.
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


def _empty_log(cursor: DBAPICursor) -> bool:
    """Empty the write-ahead log into the file; return False if a reader prevents that."""
    cursor.execute(f"PRAGMA busy_timeout = {READER_SECONDS * 1000}")
    try:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        state = cursor.fetchone()  # whether a reader prevented it, and two page counts
        return state is not None and not state[0]
    except sqlite3.Error:
        return False
    finally:
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")


def _begin_sqlite(db: sa.Connection) -> None:
    """Begin transactions explicitly.

    Implicitly, sqlite3 begins none for reads, and one for writes only after the first read.
    """
    writes = db.get_execution_options().get("writes")
    db.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _first_line(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    return (str(cause).strip() or type(cause).__name__).splitlines()[0]
