"""corpus.store.database: opening databases, and errors for unusable ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from corpus.errors import StoreError
from corpus.store.store import Store


def test_uncreatable_data_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    with pytest.raises(StoreError, match=r"cannot make the data folder .*TENKYO_DATA_DIR"):
        Store(f"sqlite:///{tmp_path}/file/data/tenkyo.db")


def test_invalid_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tenkyo.db").write_bytes(b"this is not a database at all. " * 100)
    with pytest.raises(StoreError, match="not a database") as caught:
        Store(f"sqlite:///{tmp_path}/tenkyo.db")
    assert "\n" not in str(caught.value)
    with pytest.raises(StoreError, match="cannot be used"):
        Store(f"sqlite:///{tmp_path}")
    for url in ("nonsense", "nosuch://host/name"):
        with pytest.raises(StoreError, match="TENKYO_DATABASE_URL"):
            Store(url)


def test_error_hides_the_database_password() -> None:
    pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
    with pytest.raises(StoreError) as caught:
        Store("postgresql+psycopg://user:secret@127.0.0.1:1/name")
    assert "secret" not in str(caught.value)


def test_sqlite_syncs_commits_and_overwrites_deleted_data(
    tmp_path: Path,
) -> None:
    """No test can cut the power, so this checks the settings of SQLite that protect from it."""
    store = Store(f"sqlite:///{tmp_path}/tenkyo.db")
    with store.database.transaction() as db:
        names = ("journal_mode", "synchronous", "secure_delete", "foreign_keys")
        set_to = {name: db.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names}
    full = 2
    assert set_to == {
        "journal_mode": "wal", "synchronous": full, "secure_delete": 1, "foreign_keys": 1,
    }  # fmt: skip


def test_in_memory_database_can_erase_deleted_data() -> None:
    store = Store("sqlite://")
    store.database.erase_deleted()
    assert store.sources() == []


def test_closed_database_opens_again_when_it_is_used(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'tenkyo.db'}")
    files = Path("/proc/self/fd")
    store.database.close()
    if files.is_dir():  # on Linux
        held = [os.readlink(each) for each in files.iterdir() if each.is_symlink()]
        assert not [path for path in held if str(tmp_path) in path]
    assert store.sources() == []
