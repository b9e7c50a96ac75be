"""The commands on collections, run in this process: what they print, and what other commands do."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from corpus.store.store import Store
from service.cli import main, progress
from tests.support.bundled_models import lend_models


@pytest.fixture
def data(tmp_path, models, kept_readers, monkeypatch):
    """An empty data folder with unpacked models; the working directory has two documents."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "models").symlink_to(models)
    lend_models(monkeypatch)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    Path("kanda.md").write_text("# Kanda\n\nThe Kanda reading room holds 40,000 maps.")
    Path("ships.md").write_text("# Ships\n\nThe harbour of Shiogama lists 312 fishing boats.")
    monkeypatch.setenv("TENKYO_DATA_DIR", str(data))
    monkeypatch.setattr(progress, "EVERY", 120.0)
    return data


@pytest.fixture
def run(data, monkeypatch, capsys):
    """A function that runs a command, and returns its exit code, output and errors."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["tenkyo", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main.main()
        return (ended.value.code or 0, *capsys.readouterr())

    return run


@pytest.fixture
def listed(run):
    def listed():
        code, out, _ = run("collections", "--json")
        assert code == 0
        return {each["name"]: each["sources"] for each in json.loads(out)["collections"]}

    return listed


def test_collections_are_listed_made_renamed_filled_and_deleted(run, listed, data):
    code, out, _ = run("collections")
    assert code == 0 and "tenkyo collections make NAME" in out
    assert run("ingest", "kanda.md", "ships.md")[0] == 0
    assert run("collections", "make", "To read") == (0, *run("collections")[1:])
    assert run("collections", "add", "to read", "kanda.md", "ships.md")[0] == 0
    assert listed() == {"To read": 2}
    code, out, _ = run("collections", "remove", "To read", "ships.md")
    assert code == 0 and out.split() == ["collection", "sources", "To", "read", "1"]
    assert run("collections", "rename", "TO READ", "地図")[0] == 0
    assert listed() == {"地図": 1}
    code, _, err = run("collections", "make", " 地図 ")
    assert code == 2 and "choose another name" in err and len(err.splitlines()) == 1
    code, _, err = run("collections", "add", "地図", "nope")
    assert code == 2 and "'nope'" in err
    code, _, err = run("collections", "delete", "Maps")
    assert code == 2 and "'Maps'" in err and "'地図'" in err
    code, out, _ = run("collections", "delete", "地図")
    assert code == 0 and "stay in the library" in out and listed() == {}
    assert len(Store(f"sqlite:///{data / 'tenkyo.db'}").sources()) == 2


def test_documents_are_ingested_into_a_collection_and_asked_in_it(run, listed):
    assert run("ingest", "--collection", "Maps", "kanda.md")[0] == 0
    assert run("ingest", "--collection", "Sea", "ships.md")[0] == 0
    assert run("ingest", "--collection", "sea", "kanda.md")[0] == 0  # unchanged, and put there
    assert listed() == {"Maps": 1, "Sea": 2}
    run("collections", "remove", "Sea", "kanda.md")

    question = "How many maps does the Kanda reading room hold?"
    code, out, _ = run("ask", "--collection", "Maps", question, "--json")
    made = json.loads(out)
    assert code == 0 and "40,000" in made["text"] and made["scope"]["collections"] == ["Maps"]
    code, out, _ = run("ask", "--collection", "Sea", question, "--json")
    assert "40,000" not in out and json.loads(out)["abstained"]
    code, out, _ = run("ask", "--collection", "Sea", "--collection", "Maps", question)
    assert code == 0 and "40,000" in out
    code, out, _ = run("search", "--collection", "Sea", "maps", "--json")
    assert {hit["source"]["title"] for hit in json.loads(out)["hits"]} == {"Ships"}
    code, _, err = run("ask", "--collection", "Land", question)
    assert code == 2 and "'Land'" in err and "'Maps', 'Sea'" in err
    Path("said.txt").write_text("The Kanda reading room holds 40,000 maps.")
    assert run("verify", "--collection", "Maps", "said.txt")[0] == 0
    assert run("verify", "--collection", "Sea", "said.txt")[0] == 1

    run("collections", "make", "Later")
    code, out, _ = run("ask", "--collection", "Later", question)
    assert code == 0 and "This collection has no sources yet" in out
    code, _, err = run("ingest", "--collection", " ", "kanda.md")
    assert code == 2 and "give it one" in err


@pytest.mark.parametrize(
    ("line", "shell", "shown"),
    [
        ("ask --collection T", "fish", ["To read", "Tower"]),
        ("ask --collection T", "bash", [r"To\ read", "Tower"]),
        ("verify --collection Tow", "bash", ["Tower"]),
        ("ingest --collection K", "bash", ["Kanda"]),
        ("collections rename K", "bash", ["Kanda"]),
        ("search --collection x", "bash", []),
    ],
)
def test_names_are_completed_in_a_shell(data, monkeypatch, capsys, line, shell, shown):
    def completed():
        monkeypatch.setenv("_TENKYO_COMPLETE", f"complete_{shell}")
        words = f"tenkyo {line}"
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", "3")
        monkeypatch.setenv("_TYPER_COMPLETE_ARGS", words)
        monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
        with pytest.raises(SystemExit):
            main.app(prog_name="tenkyo")
        out, errors = capsys.readouterr()
        assert not errors
        return out.split("\n")[:-1] if out.strip() else []

    assert completed() == []
    assert not (data / "tenkyo.db").exists()
    store = Store(f"sqlite:///{data / 'tenkyo.db'}")
    for name in ("Tower", "To read", "Kanda"):
        store.collections.make(name)
    assert completed() == shown
    monkeypatch.setenv("TENKYO_DATABASE_URL", f"sqlite:///{data / 'none' / 'x' / 'tenkyo.db'}")
    (data / "none").write_text("a file, and no folder")
    assert completed() == []
