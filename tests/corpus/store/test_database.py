"""corpus.store.database: opening one, and what is said of one that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpus.errors import StoreError
from corpus.store.store import Store


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    with pytest.raises(StoreError, match=r"cannot make the data folder .*TENKYO_DATA_DIR"):
        Store(f"sqlite:///{tmp_path}/file/data/tenkyo.db")


def test_what_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "tenkyo.db").write_bytes(b"this is not a database at all. " * 100)
    with pytest.raises(StoreError, match="not a database") as caught:
        Store(f"sqlite:///{tmp_path}/tenkyo.db")
    assert "\n" not in str(caught.value)
    with pytest.raises(StoreError, match="cannot be used"):
        Store(f"sqlite:///{tmp_path}")
    for url in ("nonsense", "nosuch://host/name"):
        with pytest.raises(StoreError, match="TENKYO_DATABASE_URL"):
            Store(url)


def test_a_password_is_not_shown() -> None:
    pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
    with pytest.raises(StoreError) as caught:
        Store("postgresql+psycopg://user:secret@127.0.0.1:1/name")
    assert "secret" not in str(caught.value)


def test_what_is_committed_is_on_the_disk_and_what_is_deleted_is_overwritten(
    tmp_path: Path,
) -> None:
    """No test can cut the power: this holds that SQLite is asked to reckon with it."""
    store = Store(f"sqlite:///{tmp_path}/tenkyo.db")
    with store.database.transaction() as db:
        names = ("journal_mode", "synchronous", "secure_delete", "foreign_keys")
        set_to = {name: db.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names}
    full = 2
    assert set_to == {
        "journal_mode": "wal", "synchronous": full, "secure_delete": 1, "foreign_keys": 1,
    }  # fmt: skip


def test_a_database_in_memory_is_scrubbed_too() -> None:
    store = Store("sqlite://")
    store.database.erase_deleted()
    assert store.sources() == []
