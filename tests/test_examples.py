"""The scripts in examples/, run as a person runs them, and the paths that CONTRIBUTING.md names."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from index.inference.cross_encoder import CrossEncoder
from index.search import Library
from service.answering.engine import Engine
from service.api.app import create_app
from service.conversations.store import History
from tests.support.live_server import served
from tests.support.paths import ROOT

SCRIPTS = sorted(path.name for path in (ROOT / "examples").glob("*.py"))
QUESTION = "How many hours of labelled audio was Whisper trained on?"


def run(name: str, *arguments: str | Path, fails: bool = False) -> str:
    """Run an example; return its standard output, or its standard error if it must fail."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("TENKYO_")}
    done = subprocess.run(
        [sys.executable, f"examples/{name}", *map(str, arguments)],
        cwd=ROOT,
        env=environ | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert bool(done.returncode) == fails, done.stderr
    return done.stderr if fails else done.stdout


@pytest.fixture
def data(tmp_path: Path, library_folder: Path, models: Path) -> Path:
    """A data folder with the library in it, which an example may change."""
    folder = tmp_path / "data"
    shutil.copytree(library_folder, folder)
    (folder / "models").symlink_to(models)
    return folder


@pytest.fixture(scope="module")
def url(
    library: Library, library_folder: Path, checker: CrossEncoder, history: History
) -> Iterator[str]:
    """The address of a server of the library."""
    engine = Engine(library, checker, history)
    with served(create_app(engine, index_dir=library_folder / "index")) as url:
        yield url


def test_every_example_is_tested() -> None:
    assert SCRIPTS == [
        "ask_http.py",
        "check_text.py",
        "ingest_folder.py",
        "own_model.py",
        "typed_client.py",
    ]
    assert all(f"`examples/{name}`" in (ROOT / "CONTRIBUTING.md").read_text() for name in SCRIPTS)


def test_contributing_names_only_files_that_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = {*re.findall(r"`([\w./-]+(?:/|\.\w+))`", text), *re.findall(r"\]\(([\w./-]+)", text)}
    files = [f for folder in ("corpus", "index", "service") for f in (ROOT / folder).rglob("*.py")]
    known = {path.name for path in files}
    made = {"data/", ".venv/bin/tenkyo", "corpus/readers/FORMAT.py"}  # not in the repository
    missing = {path for path in named - made if not (ROOT / path).exists() and path not in known}
    assert len(named) > 30 and not missing


def test_contributing_names_only_constants_and_functions_that_exist() -> None:
    """Each name is defined in some file that the page names."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    paths = {ROOT / path for path in re.findall(r"`([\w./-]+\.py)`", text)}
    paths |= set((ROOT / "service/verification/rules").glob("*.py"))
    code = "\n".join(path.read_text(encoding="utf-8") for path in paths if path.is_file())
    named = set(re.findall(r"`([A-Za-z]+_\w+|[A-Z][a-z]+[A-Z]?\w+)`", text))
    named = {name for name in named if not name.startswith("TENKYO_")}  # settings
    named -= {"test_cancelled_waiter_frees_queue_slot"}
    missing = {name for name in named if not re.search(rf"\b{name}\b", code)}
    assert len(named) > 10 and not missing


@pytest.mark.process
@pytest.mark.parametrize("name", SCRIPTS)
def test_example_without_arguments_prints_its_usage(name: str) -> None:
    assert f"Usage: python examples/{name} " in run(name, fails=True)
    assert len((ROOT / "examples" / name).read_text().splitlines()) < 60


@pytest.mark.process
@pytest.mark.server
def test_ask_http_prints_the_answer_with_its_sources(url: str) -> None:
    shown = run("ask_http.py", QUESTION, url)
    assert "680,000" in shown and "supported" in shown and "“" in shown and "http" in shown
    assert run("ask_http.py", "What is the capital of Australia?", url).strip()
    assert "empty" in run("ask_http.py", " ", url, fails=True)


@pytest.mark.process
@pytest.mark.server
def test_typed_client_prints_events_as_they_arrive(url: str) -> None:
    first, *claims, last = run("typed_client.py", QUESTION, url).splitlines()
    assert first.endswith(" passages found") and first[0].isdigit()
    assert any(line.startswith("supported: ") and "680,000" in line for line in claims)
    assert last.startswith("answer ") and last.endswith(", quoted")
    assert "empty" in run("typed_client.py", " ", url, fails=True)


@pytest.mark.process
@pytest.mark.model
def test_ingest_folder_reads_documents_once(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "kanda.md").write_text("# Kanda\n\nThe reading room holds 40,000 maps.")
    (folder / "empty.txt").write_text("")
    shown = run("ingest_folder.py", folder, data)
    assert "read: Kanda" in shown and "failed: " in shown and "1 passages embedded" in shown
    assert "0 passages embedded" in run("ingest_folder.py", folder, data)


@pytest.mark.process
@pytest.mark.model
def test_check_text_prints_a_verdict_for_each_sentence(data: Path, tmp_path: Path) -> None:
    text = tmp_path / "draft.txt"
    text.write_text("Whisper was trained on 680,000 hours of audio. It was trained on 12 hours.")
    shown = run("check_text.py", text, data)
    assert "supported (" in shown.splitlines()[0] and "680,000" in shown
    assert "12 hours" in shown and shown.count("\nsupported (") == 0


@pytest.mark.process
@pytest.mark.model
def test_own_model_is_checked_like_any_other(data: Path) -> None:
    shown = run("own_model.py", QUESTION, data)
    assert shown.startswith("generated: ") and "[1]" in shown
    assert "withheld: It was built by 312 elephants in 1066" in shown
    assert "elephants" not in shown.splitlines()[0]
