"""The commands of docs/operations.md that make a backup, run as they stand there."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from corpus.store.store import Store
from corpus.types import Document, Passage, Source
from service.connection.choice import ChoiceFile, ModelChoice
from tests.support.paths import ROOT

pytestmark = pytest.mark.process

KEY = "sk-very-secret"
CHOICE = ModelChoice("http://127.0.0.1:11434/v1", "small", KEY)


def commands() -> list[str]:
    """List the commands for who runs Tenkyo without a container."""
    page = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    section = page.split("### Backup\n")[1].split("\n### ")[0]
    found = re.findall(r"```sh\n(.+?)```", section, re.DOTALL)
    return [each.strip() for each in found if "docker" not in each]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in which the data of a library lies, as the commands expect it."""
    store = Store(f"sqlite:///{tmp_path / 'data' / 'tenkyo.db'}")
    text = "The archive holds 4,711 maps."
    source = Source("maps", "https://maps.example", "Maps")
    store.put(Document(source, text), [Passage("maps-0", "maps", 0, len(text), text)])
    ChoiceFile(tmp_path / "data").keep(CHOICE)
    (tmp_path / "data" / "tmpabc.part").write_text(KEY)  # as a crash while it is written leaves it
    upload = tmp_path / "data" / "uploads" / "ab" / "maps.md"
    upload.parent.mkdir(parents=True)
    upload.write_text(text)
    return tmp_path


def run(command: str, folder: Path) -> None:
    command = command.replace(".venv/bin/python", sys.executable)
    subprocess.run(["sh", "-c", command], cwd=folder, check=True, timeout=60)


def test_key_of_a_connected_model_is_in_no_backup(folder: Path) -> None:
    database, whole = commands()
    run(database, folder)
    assert KEY.encode() not in (folder / "backup.db").read_bytes()
    with sqlite3.connect(folder / "backup.db") as copy:
        assert copy.execute("SELECT id FROM sources").fetchall() == [("maps",)]
    copy.close()

    run(whole, folder)
    with tarfile.open(folder / "backup.tar.gz") as archive:
        archive.extractall(folder / "restored", filter="data")
    files = [path for path in (folder / "restored").rglob("*") if path.is_file()]
    assert {"tenkyo.db", "model.json", "maps.md"} <= {path.name for path in files}
    assert not [path for path in files if KEY.encode() in path.read_bytes()]
    # Without its key the model is still the one that was chosen: only the key is asked for again.
    assert ChoiceFile(folder / "restored" / "data").read() == ModelChoice(CHOICE.url, CHOICE.model)


def test_every_command_that_copies_the_folder_leaves_the_key_out() -> None:
    page = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    copying = [line for line in page.splitlines() if re.search(r"\btar\b.* data\b", line)]
    assert len(copying) == 2  # with and without a container
    assert all("--exclude=model.key" in line and "--exclude='*.part'" in line for line in copying)
