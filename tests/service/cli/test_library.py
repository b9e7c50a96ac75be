"""The commands on the library, run in this process: their output and exit codes."""

from __future__ import annotations

import io
import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pytest

from corpus.library.catalogue import entries
from corpus.store.store import Store
from corpus.web.fetcher import Fetcher
from index.inference.model_registry import BUNDLED_EMBEDDER
from index.storage.local_index import LocalIndex
from service.cli import main, output, progress
from service.cli.library import _until_interrupted
from service.ingestion import pipeline
from tests.support.bundled_models import lend_models


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> dict:
        (line,) = self.out.splitlines()
        return json.loads(line)

    @property
    def refused(self) -> str:
        """The one line of an expected error; nothing else was printed."""
        assert self.code == 2 and self.out == ""
        (line,) = self.err.splitlines()
        assert line.startswith("tenkyo: ")
        return line


@pytest.fixture
def data(tmp_path: Path, models: Path, kept_readers: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder with unpacked models; the working directory is beside it."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "models").symlink_to(models)
    lend_models(monkeypatch)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("TENKYO_DATA_DIR", str(data))
    monkeypatch.setattr(progress, "EVERY", 120.0)  # on a busy machine, too, only errors are printed
    return data


@pytest.fixture
def tenkyo(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> Callable[..., Ran]:
    def tenkyo(*arguments: str | Path) -> Ran:
        monkeypatch.setattr(sys, "argv", ["tenkyo", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main.main()
        return Ran(ended.value.code or 0, *capsys.readouterr())

    return tenkyo


def store(data: Path) -> Store:
    return Store(f"sqlite:///{data / 'tenkyo.db'}")


def index_matches_store(data: Path) -> bool:
    """Return whether the index has exactly the rows of the database."""
    held = store(data)
    return (
        LocalIndex.open(data / "index", BUNDLED_EMBEDDER, held.revision()).rows().tolist()
        == held.rows()
    )


def write(text: str, *names: str) -> None:
    for name in names:
        Path(name).write_text(text)


def test_removed_source_can_be_ingested_again(tenkyo: Callable[..., Ran], data: Path) -> None:
    write("# Kanda\n\nThe reading room holds 40,000 maps.", "kanda.md")
    write("# Ueno\n\nThe park has 8,800 trees.", "ueno.md")
    assert tenkyo("ingest", "kanda.md", "ueno.md", "--json").json["embedded"] == 2
    before = tenkyo("sources", "--json").json["sources"]
    ids = {source["title"]: source["id"] for source in before}

    # With an unknown id nothing is removed, not even the known source.
    line = tenkyo("remove", "kanda.md", "nope").refused
    assert "'nope'" in line and "`tenkyo sources`" in line
    assert tenkyo("sources", "--json").json["sources"] == before

    done = tenkyo("remove", ids["Kanda"])
    assert (done.code, done.err) == (0, "")
    assert done.out == f"removed {ids['Kanda']}, 1 passage: Kanda\n"
    assert [s["id"] for s in tenkyo("sources", "--json").json["sources"]] == [ids["Ueno"]]
    assert index_matches_store(data)

    again = tenkyo("ingest", "kanda.md", "--json").json
    assert (again["sources"], again["embedded"]) == (1, 1)
    ids_again = {s["title"]: s["id"] for s in tenkyo("sources", "--json").json["sources"]}
    assert ids_again == ids and index_matches_store(data)


def test_remove_by_path_or_address(tenkyo: Callable[..., Ran], data: Path) -> None:
    write("# Kanda\n\nThe reading room holds 40,000 maps.", "a.md", "b.md", "c.md")
    tenkyo("ingest", ".")
    url = Path("b.md").resolve().as_uri()
    Path("a.md").unlink()  # a deleted file can still be named
    store(data).record_unread(url, "it answered 404")
    done = tenkyo("remove", "../work/a.md", url, url, "--json")
    removed = done.json["removed"]
    assert [Path(each["url"]).name for each in removed] == ["a.md", "b.md"]
    assert [each["passages"] for each in removed] == [1, 1]
    assert len(store(data).sources()) == 1 and index_matches_store(data)
    assert store(data).unread() == []


def test_sources_lists_sources_and_unreadable_documents(tenkyo: Callable[..., Ran]) -> None:
    empty = tenkyo("sources")
    assert empty.code == 0 and empty.out == "0 sources, 0 passages\n"
    write("# Kanda\n\nThe reading room holds 40,000 maps.", "kanda.md")
    write("", "empty.txt")
    tenkyo("ingest", ".")
    shown = tenkyo("sources").out
    assert "1 sources" not in shown and "1 source, 1 passage\n" in shown
    assert "1 could not be read when last tried" in shown
    (row,) = (line for line in shown.splitlines() if "empty.txt" in line)
    reason = "is empty (0 bytes): check the file".split()
    assert row.split()[1:] == [str(Path("empty.txt").resolve()), *reason]
    listed = tenkyo("sources", "--json").json
    assert (listed["sources"][0]["versions"], listed["sources"][0]["pages"]) == (1, 0)
    assert listed["sources"][0]["retrieved_at"] and listed["sources"][0]["passages"] == 1
    (unread,) = listed["unread"]
    assert (
        unread["place"] == str(Path("empty.txt").resolve())
        and "empty" in unread["reason"]
        and unread["tried_at"]
    )
    write("Now there is something in it.", "empty.txt")
    tenkyo("ingest", "empty.txt")
    assert tenkyo("sources", "--json").json["unread"] == []


def test_file_with_two_paths_is_one_source(tenkyo: Callable[..., Ran], data: Path) -> None:
    write("# Kanda\n\nThe reading room holds 40,000 maps.", "kanda.md")
    Path("link.md").symlink_to("kanda.md")
    there = Path("kanda.md").resolve()
    report = tenkyo("ingest", "kanda.md", there, "../work", "./link.md", "--json").json
    assert (report["sources"], report["embedded"]) == (1, 1)
    assert tenkyo("ingest", there, "--json").json["embedded"] == 0
    assert len(store(data).sources()) == 1


def test_control_characters_in_names_are_not_printed(tenkyo: Callable[..., Ran]) -> None:
    name = "new\nline \x1b[31m\u202egnp.exe 😀.txt"
    write("", name)
    write("# A \u202edaerd title\n\nIt holds 40,000 maps.", "title.md")
    for command in (("ingest", "."), ("sources",)):
        done = tenkyo(*command)
        shown = done.out
        assert "😀" in shown and "new\\nline" in shown
        assert not {"\x1b", "\u202e", "\r"} & set(shown)
        assert not {"\x1b", "\u202e", "\r"} & set(done.err) and done.err.count("\n") <= 1
        assert sum("gnp" in line for line in shown.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--watch",), "name the folders"),
        (("--watch", "https://example.org/"), "not https://example.org/"),
        (("--watch", ".", "--dry-run"), "--dry-run"),
        (("--watch", ".", "--follow", "papers"), "--follow"),
    ],
)
def test_watch_refuses_wrong_options(
    tenkyo: Callable[..., Ran], arguments: tuple[str, ...], says: str
) -> None:
    done = tenkyo("ingest", *arguments)
    assert done.code == 2 and done.out == "" and "--watch" in done.err
    assert says in " ".join(done.err.replace("│", " ").split())


def test_watch_names_what_is_not_a_folder(tenkyo: Callable[..., Ran], data: Path) -> None:
    write("Text.", "a.md")
    assert "nowhere does not exist" in tenkyo("ingest", "--watch", ".", "nowhere").refused
    assert "a.md is a file" in tenkyo("ingest", "--watch", "a.md").refused
    assert store(data).sources() == []


def test_verify_reads_encrypted_documents(
    tenkyo: Callable[..., Ran], shared: Path, library_folder: Path, data: Path
) -> None:
    shutil.copytree(library_folder, data, dirs_exist_ok=True)
    pdf = shared / "pdfs" / "libreoffice-writer-password.pdf"
    line = tenkyo("verify", pdf).refused
    assert str(pdf) in line and "--password" in line
    claims = tenkyo("verify", pdf, "--password", "openpassword", "--json").json["files"][0][
        "claims"
    ]
    assert any("Lorem ipsum" in claim["text"] for claim in claims)


@pytest.mark.parametrize(("watch", "code"), [(False, 130), (True, 0)])
def test_ctrl_c_prints_one_line(watch: bool, code: int, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as ended, _until_interrupted(watch):
        raise KeyboardInterrupt
    out, err = capsys.readouterr()
    assert ended.value.code == code and out == ""
    assert err.count("\n") == 1 and err.startswith("tenkyo: ") and "kept" in err


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@contextmanager
def terminal(columns: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    with monkeypatch.context() as patch:
        patch.setenv("TERM", "xterm")
        patch.setenv("COLUMNS", str(columns))
        patch.setattr(sys, "stdout", shown := Terminal())
        yield shown


def test_table_fits_the_terminal(
    capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    head, rows = ("id", "title"), [("80d413ce3327", "日本語の題 " * 20), ("e272c14123e1", "")]
    output.print_table(head, rows)  # in a pipe a row is one line, so that grep finds whole rows
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        "id",
        "80d413ce3327",
        "e272c14123e1",
    ]
    with terminal(80, monkeypatch) as shown:
        output.print_table(head, rows)
    lines = re.sub(r"\x1b\[\d*m", "", shown.getvalue()).splitlines()
    assert len(lines) > 3 and all(len(line) <= 80 for line in lines)
    with terminal(40, monkeypatch) as shown:
        output.print_table(head, rows)
    assert shown.getvalue().startswith("id: 80d413ce3327\ntitle: 日本語の題 日本語")
    assert shown.getvalue().endswith("\n\nid: e272c14123e1\n\n")


def test_help_lists_commands_in_order(tenkyo: Callable[..., Ran]) -> None:
    shown = tenkyo("--help").out
    listed = [
        line.split()[1] for line in shown.splitlines() if line.startswith("│ ") and line[2] != " "
    ]
    options = ["--version", "--install-completion", "--show-completion", "--help"]
    assert listed[:4] == options and listed[4:] == main._OrderedCommands.NAMES


def test_ingest_exit_code_is_1_for_some_failures_and_2_for_all(
    tenkyo: Callable[..., Ran], data: Path
) -> None:
    write("# Kanda\n\nThe reading room holds 40,000 maps.", "a.md")
    assert (done := tenkyo("ingest", ".")).code == 0 and done.err == ""
    write("", "b.txt", "c.txt")
    some = tenkyo("ingest", ".", "--json")
    assert some.code == 1 and some.json["sources"] == 1 and len(some.json["failed"]) == 2
    (line,) = some.err.splitlines()
    assert line == (
        "tenkyo: 2 of 3 documents could not be read, the others are in the library;"
        " the first: b.txt is empty (0 bytes): check the file"
    )
    assert len(store(data).sources()) == 1 and index_matches_store(data)
    none = tenkyo("ingest", "b.txt", "c.txt", "--json")
    assert none.code == 2 and "none of 2 documents could be read" in none.err
    assert (
        tenkyo("ingest", "c.txt", "--json").err
        == "tenkyo: c.txt is empty (0 bytes): check the file\n"
    )
    dry = tenkyo("ingest", "a.md", "nowhere", "--dry-run")
    assert dry.code == 1 and dry.err.count("\n") == 1 and "in the library" not in dry.err


def test_digest_instead_of_the_original_is_not_a_failure(
    tenkyo: Callable[..., Ran], offline: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "entries", lambda: entries()[:1])
    monkeypatch.setattr(pipeline, "Fetcher", lambda **_: nullcontext(offline))
    done = tenkyo("ingest", "--json")
    assert (done.code, done.err) == (0, "") and done.json["failed"] == []
    assert done.json["sources"] == 1 and "there is no network" in done.json["remarks"][0]["reason"]


def test_address_without_scheme_gets_a_hint(tenkyo: Callable[..., Ran]) -> None:
    line = tenkyo("ingest", "example.org", "--json").err
    assert line == "tenkyo: example.org does not exist: did you mean https://example.org?\n"
    write("# Kanda\n\nThe reading room holds 40,000 maps.", "example.org")
    assert tenkyo("ingest", "example.org", "--json").code == 0


def test_version_is_that_of_the_package(tenkyo: Callable[..., Ran]) -> None:
    done = tenkyo("--version")
    assert (done.code, done.out, done.err) == (0, f"tenkyo {version('tenkyo')}\n", "")
