"""Tenkyo without torch, transformers and sentence-transformers, from an empty folder on."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from corpus.errors import ModelUnavailable
from index.inference import extra_library
from index.inference.embedder import SentenceTransformerEmbedder
from index.inference.extra_library import extra_needed, install_command
from index.inference.nli_checker import NliChecker
from index.inference.reranker import CrossEncoderReranker
from tests.support.commands import run_here
from tests.support.paths import ROOT
from tests.support.soak import soak_only

INSTALL = "install -e '.[sentence-transformers]'"


@pytest.fixture
def tenkyo(tmp_path: Path):
    """Runs a command in a process that cannot import the libraries, on a folder of its own."""

    def run(*arguments: str, stdin: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("TENKYO_")}
        done = subprocess.run(
            [sys.executable, "-m", "tests.support.plain_installation", *arguments],
            cwd=ROOT, capture_output=True, text=True, input=stdin, timeout=240,
            env=kept | {"TENKYO_DATA_DIR": str(tmp_path / "data"), "TENKYO_PORT": "0"} | environ,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return run


@soak_only
@pytest.mark.model
@pytest.mark.process
def test_bundled_models_need_no_torch(tenkyo, tmp_path: Path) -> None:
    note = tmp_path / "note.md"
    note.write_text(
        "# The bridge\n\nThe bridge at Sawa was opened in 1931 and rebuilt in 1988.\n\n"
        "# 橋\n\n沢の橋は1931年に開通し、1988年に架け替えられた。\n"
    )
    done = tenkyo("ingest", str(note))
    assert done.returncode == 0, done.stderr
    done = tenkyo("ask", "When was the bridge at Sawa opened?")
    assert done.returncode == 0 and "1931" in done.stdout and "using" not in done.stderr
    made = sorted(path.name.split(".")[0] for path in (tmp_path / "data" / "models").iterdir())
    networks = ["checker", "multilingual-e5-small", "parser", "reader"]
    assert made == ["bundled-multilingual-e5-small", *networks]
    done = tenkyo("verify", "-", stdin="The bridge at Sawa was opened in 1931.\n")
    assert done.returncode == 0 and "1931" in done.stdout, done
    assert tenkyo("doctor").returncode == 0
    done = tenkyo("reindex", TENKYO_EMBEDDER="owner/model")
    assert done.returncode == 2 and f".venv/bin/pip {INSTALL}" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the libraries be missing in this process."""
    for name in ("sentence_transformers", "transformers"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.parametrize(
    ("setting", "use"),
    [
        ("EMBEDDER", lambda name, at: SentenceTransformerEmbedder(name, at).embed_query("x")),
        ("RERANKER", lambda name, at: CrossEncoderReranker(name).scores("x", ["y"])),
        ("CHECKER", lambda name, at: NliChecker(name, None).supports([("x", "y")])),
    ],
)
def test_another_model_names_what_to_install(plain, tmp_path: Path, setting: str, use) -> None:
    with pytest.raises(ModelUnavailable) as caught:
        use("owner/model", tmp_path)
    said = str(caught.value)
    assert said.endswith(f"run .venv/bin/pip {INSTALL}, or unset TENKYO_{setting}")
    assert "'owner/model' needs the library sentence-transformers" in said and "\n" not in said


@pytest.mark.model
@pytest.mark.parametrize(
    ("setting", "check"), [("EMBEDDER", "models"), ("CHECKER", "models"), ("RERANKER", "re-ranker")]
)
def test_doctor_names_the_command(plain, models, tmp_path: Path, setting: str, check: str) -> None:
    (tmp_path / "models").symlink_to(models.resolve())
    given = {"TENKYO_DATA_DIR": str(tmp_path), "TENKYO_PORT": "0"}
    done = run_here("doctor", "--json", **given, **{f"TENKYO_{setting}": "owner/model"})
    (found,) = [each for each in json.loads(done.stdout)["checks"] if each["name"] == check]
    assert done.returncode == 1 and not found["ok"]
    assert found["command"].endswith(f" -m pip {INSTALL}")


def test_command_depends_on_where_tenkyo_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert install_command() == f".venv/bin/pip {INSTALL}"
    installed = tmp_path / "site-packages" / "index" / "inference" / "extra_library.py"
    monkeypatch.setattr(extra_library, "__file__", str(installed))
    assert install_command() == "pip install 'tenkyo[sentence-transformers]'"
    assert install_command("x -m pip") == "x -m pip install 'tenkyo[sentence-transformers]'"


def test_other_imports_that_fail_are_not_explained_by_it() -> None:
    for name in ("no_such_module", "torch.no_such_module"):
        with pytest.raises(ModuleNotFoundError), extra_needed("a model", "TENKYO_EMBEDDER"):
            importlib.import_module(name)


def test_no_gpu_without_the_library(plain, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from index.inference import sentence_transformer

    (tmp_path / "device").touch()
    monkeypatch.setattr(sentence_transformer, "_GPU_DEVICES", (str(tmp_path / "device"),))
    assert not sentence_transformer.has_gpu()
