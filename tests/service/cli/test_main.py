"""The `tenkyo` command as a person runs it: its output and its exit code.

Each command is run in a process of its own by one test at least, and else in this process.
"""

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest
from filelock import FileLock

from corpus.store.store import Store
from corpus.text.chunking import split_into_passages
from corpus.types import Document, Source
from index.inference.model_registry import BUNDLED_EMBEDDER
from service.answering.engine import Engine
from service.cli import progress
from service.verification import receipt
from tests.support.commands import run_here, run_process
from tests.support.judge_server import judge_app
from tests.support.judged_receipts import ReceiptMaker
from tests.support.live_server import served
from tests.support.paths import ROOT
from tests.support.small_web import html, links, paper_pdf, serving

pytestmark = [pytest.mark.process, pytest.mark.usefixtures("kept_readers")]


@pytest.fixture
def data(tmp_path, library_folder):
    """A data folder with the library in it, which the test may change."""
    folder = tmp_path / "data"
    shutil.copytree(library_folder, folder)
    return folder


@pytest.fixture
def settings(data, models):
    """The settings of commands on that folder; their models are unpacked already."""
    (data / "models").symlink_to(models)
    return {"TENKYO_DATA_DIR": str(data)}


@pytest.fixture
def process(settings):
    """Runs a `tenkyo` command in a process of its own: each command in one test at least."""
    return lambda *arguments, **more: run_process(*arguments, **settings | more)


@pytest.fixture
def tenkyo(settings):
    """Runs a `tenkyo` command in this process."""
    return lambda *arguments, **more: run_here(*arguments, **settings | more)


def refused(done):
    """Return the one error line of a command that failed as expected."""
    assert done.returncode == 2, done.stderr
    lines = [line for line in done.stderr.strip().splitlines() if line.startswith("tenkyo:")]
    assert len(lines) == 1 and "Traceback" not in done.stderr
    return lines[0]


def test_ask_search_show_and_sources_print_the_library(tenkyo, process):
    asked = tenkyo("ask", "How many hours of labelled audio was Whisper trained on?")
    assert asked.returncode == 0 and "680,000" in asked.stdout and "“" in asked.stdout
    hits = json.loads(tenkyo("search", "Whisper", "-k", 2, "--json").stdout)["hits"]
    assert len(hits) == 2
    shown = process("show", hits[0]["passage"]["id"])
    assert hits[0]["passage"]["text"].split("\n")[0] in shown.stdout
    listed = json.loads(tenkyo("sources", "--json").stdout)["sources"]
    assert {s["id"] for s in listed} >= {"whisper", "article-ja"}


def test_show_marks_a_passage_of_a_former_version(tenkyo, data):
    store = Store(f"sqlite:///{data / 'tenkyo.db'}")
    source = Source("kanda", "https://example.org/kanda", "Kanda", retrieved_at="2026-01-01")
    old, same, new = (
        Document(source, text) for text in ("It has maps.", "It has  maps.", "It is closed.")
    )
    (passage,), (again,), _ = (split_into_passages(each) for each in (old, same, new))
    store.put(old, [passage])
    assert "former" not in tenkyo("show", passage.id).stdout
    store.put(same, [again])
    shown = tenkyo("show", passage.id).stdout
    assert (
        "It has maps." in shown
        and f"same words as passage {again.id}" in shown
        and "2026-01-01" in shown
    )
    store.put(new, split_into_passages(new))
    assert "no longer has" in tenkyo("show", passage.id).stdout
    made = json.loads(tenkyo("show", passage.id, "--json").stdout)
    assert (made["text"], made["current"], made["replaced_by"]) == ("It has maps.", False, None)
    assert made["source"]["id"] == "kanda"
    whole = tenkyo("show", "kanda").stdout
    assert "It is closed." in whole and "former" not in whole


def test_ingest_twice_with_unreadable_files(tenkyo, process, tmp_path):
    papers = tmp_path / "papers"
    papers.mkdir()
    (papers / "good.md").write_text("# Kanda\n\nThe Kanda reading room holds 40,000 maps.")
    (papers / "empty.txt").write_text("")
    (papers / "picture.pdf").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 64)
    done = process("ingest", papers, "--json")
    report = json.loads(done.stdout.splitlines()[-1])
    assert (report["sources"], report["passages"], report["embedded"]) == (1, 1, 1)
    reasons = {os.path.basename(f["path"]): f["reason"] for f in report["failed"]}
    assert set(reasons) == {"empty.txt", "picture.pdf"} and "PNG" in reasons["picture.pdf"]
    assert done.returncode == 1
    again = json.loads(tenkyo("ingest", papers, "--json").stdout.splitlines()[-1])
    assert again["embedded"] == 0 and again["sources"] == 1
    shown = tenkyo("ingest", papers / "picture.pdf").stdout
    assert "PNG" in shown and "file://" not in shown  # its path is in another column
    answer = json.loads(tenkyo("ask", "How many maps does Kanda hold?", "--json").stdout)
    assert "40,000" in answer["claims"][0]["text"]


def test_dry_run_ingests_nothing(tenkyo, tmp_path):
    (tmp_path / "docs").mkdir()
    page, note = tmp_path / "docs" / "page.html", tmp_path / "docs" / "note.md"
    page.write_text(
        "<!doctype html><title>Maps</title><p>See <a href='https://arxiv.org/pdf/2202.05263'>this</a>."
    )
    note.write_text("# Note\n\nKanda.")
    before = tenkyo("sources", "--json").stdout
    done = tenkyo("ingest", tmp_path / "docs", "--include", "*.html", "--dry-run", "--json")
    assert json.loads(done.stdout) == {
        "planned": [{"path": str(page), "title": "", "reason": ""}], "skipped": [], "failed": [],
    }  # fmt: skip
    followed = ("ingest", page, "file:///a.pdf", "--follow", "papers", "--dry-run")
    report = json.loads(tenkyo(*followed, "--json").stdout)
    paper = {
        "url": "https://arxiv.org/abs/2202.05263",
        "title": "",
        "reason": f"linked from {page}",
    }
    assert report["planned"] == [{"path": str(page), "title": "Maps", "reason": ""}, paper]
    assert [failure["url"] for failure in report["failed"]] == ["file:///a.pdf"]
    report = json.loads(tenkyo(*followed, "--json", "--host", "doi.org").stdout)
    assert [skipped["url"] for skipped in report["skipped"]] == [paper["url"]]
    assert "planned" in tenkyo(*followed).stdout
    library = json.loads(tenkyo("ingest", "--dry-run", "--json").stdout)["planned"]
    assert any(planned["title"].startswith("Block-NeRF") for planned in library)
    assert tenkyo("sources", "--json").stdout == before

    for wrong in (("--follow", "papers"), (page, "--host", "arxiv.org"), (page, "--follow", "all")):
        done = tenkyo("ingest", *wrong)
        assert done.returncode == 2 and "Traceback" not in done.stderr
        assert "--follow" in done.stderr or "--host" in done.stderr


@pytest.mark.server
def test_ingest_follows_links_to_papers(tenkyo):
    with serving() as web:
        here = f"127.0.0.1:{web.server_port}"
        web.pages |= {
            f"{here}/": html(links(f"http://{here}/maps.pdf", f"http://{here}/no/maps.pdf")),
            f"{here}/robots.txt": (200, {}, b"User-agent: *\nDisallow: /no/"),
            f"{here}/maps.pdf": paper_pdf("The Kanda reading room holds 40,000 maps."),
        }
        follow = ("ingest", f"http://{here}/", "--follow", "papers", "--json")
        assert (
            tenkyo(*follow).returncode == 2 and web.asked == []
        )  # this machine is private: refused
        done = tenkyo(*follow, "--trust-private")
        report = json.loads(done.stdout.splitlines()[-1])
        assert done.returncode == 0 and report["sources"] == 2
        assert [failure["url"] for failure in report["failed"]] == [f"http://{here}/no/maps.pdf"]
        listed = json.loads(tenkyo("sources", "--json").stdout)["sources"]
        ids = {s["url"]: s["id"] for s in listed}
        (paper,) = (s for s in listed if s["url"] == f"http://{here}/maps.pdf")
        assert (paper["kind"], paper["cited_by"]) == ("paper", [ids[f"http://{here}/"]])


def test_verify_checks_texts(tenkyo, tmp_path):
    good, bad = tmp_path / "good.md", tmp_path / "bad.html"
    good.write_text("# Whisper\n\nWhisper was trained on 680,000 hours of audio.")
    bad.write_text("<!doctype html><p>Whisper was trained on 680,000 hours of audio.<p>It sings.")
    done = tenkyo("verify", good)
    assert done.returncode == 0 and "supported" in done.stdout and "“" in done.stdout
    done = tenkyo("verify", good, bad, "--json")
    assert done.returncode == 1
    first, second = json.loads(done.stdout)["files"]
    assert first["file"] == str(good) and len(first["claims"]) == 1 and first["evidence"]
    assert [c["text"] for c in second["claims"]][-1] == "It sings."
    (tmp_path / "heading.md").write_text("# Whisper")
    assert tenkyo("verify", tmp_path / "heading.md").returncode == 0


def test_verify_prints_progress_as_plain_lines(tenkyo, tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "EVERY", 0.01)
    text = tmp_path / "text.md"
    text.write_text("Whisper was trained on 680,000 hours of audio. It sings.")
    done = tenkyo("verify", text)
    assert {line.partition(":")[0] for line in done.stderr.splitlines()} & {"working", "verify"}


def test_verify_checks_receipts(tenkyo, tmp_path, library, checker, history):
    engine = Engine(library, checker, history)
    answer = asyncio.run(engine.answer("How many hours was Whisper trained on?"))
    made = receipt.make_receipt(history, answer.id)
    kept, bent = tmp_path / "kept.json", tmp_path / "bent.json"
    kept.write_text(json.dumps(made, ensure_ascii=False))
    bent.write_text(json.dumps(made | {"question": "Why?"}))
    done = tenkyo("verify", kept)
    assert done.returncode == 0 and "the receipt holds" in done.stdout and "library" in done.stdout
    done = tenkyo("verify", kept, bent, "--json")
    assert done.returncode == 1
    assert [found["holds"] for found in json.loads(done.stdout)["files"]] == [True, False]
    empty = tmp_path / "nothing"
    done = tenkyo("verify", kept, TENKYO_DATA_DIR=str(empty))
    assert done.returncode == 0 and not empty.exists()


def test_receipt_that_a_model_vouches_for_does_not_plainly_hold(tenkyo, tmp_path, library, checker):
    judged = tmp_path / "judged.json"
    judged.write_text(json.dumps(ReceiptMaker(library, checker).judged()))
    done = tenkyo("verify", judged)
    last = done.stdout.strip().splitlines()[-1]
    assert done.returncode == 3 and last.endswith("1 of 3 verdicts is vouched for by big")
    assert "vouched verdict on claim 2: vouched for by big, not re-checked" in done.stdout
    (found,) = json.loads(tenkyo("verify", judged, "--json").stdout)["files"]
    assert (found["holds"], found["vouched"], found["summary"]) == (False, 1, last)


@pytest.mark.parametrize(
    ("given", "says"),
    [("", "empty"), ("…", "empty"), ('{"a": 1}', "not a receipt"), ("Two is two " * 200, "full stop")],
)  # fmt: skip
def test_verify_refuses_wrong_input(tenkyo, given, says):
    assert says in refused(tenkyo("verify", "-", stdin=given))


def test_ingest_without_readable_files_fails(tenkyo, tmp_path):
    (tmp_path / "none").mkdir()
    done = tenkyo("ingest", tmp_path / "none", tmp_path / "missing")
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "no files to read" in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("arguments", "environ", "says"),
    [
        (("ask", ""), {}, "empty"),
        (("ask", "x" * 50_000), {}, "4,000"),
        (("search", "\x01\x02"), {}, "empty"),
        (("show", "nope"), {}, "nope"),
        (("verify", "/nowhere"), {}, "does not exist"),
        (("ask", "Whisper?", "--source", "nope"), {}, "tenkyo sources"),
        (("search", "Whisper?", "--source", "nope"), {}, "tenkyo sources"),
        (("serve",), {"TENKYO_HOST": "0.0.0.0", "TENKYO_PORT": "0"}, "TENKYO_OPEN=1"),
        (("ingest", "example.org"), {}, "did you mean https://example.org?"),
        (("sources",), {"TENKYO_PROT": "1"}, "TENKYO_PORT"),
        (("sources",), {"TENKYO_PORT": "x"}, "TENKYO_PORT"),
        (("sources",), {"TENKYO_DATA_DIR": "/proc/nowhere"}, "TENKYO_DATA_DIR"),
        (("sources",), {"TENKYO_DATABASE_URL": "nonsense"}, "TENKYO_DATABASE_URL"),
        (("search", "a"), {"TENKYO_EMBEDDER": "other/model"}, "tenkyo reindex"),
        (("ingest",), {"TENKYO_EMBEDDER": "other/model"}, "tenkyo reindex"),
        (("reindex",), {"TENKYO_EMBEDDER": "/nowhere/model"}, BUNDLED_EMBEDDER),
        (("ask", "a"), {"TENKYO_LLM_GGUF": "/nowhere.gguf"}, ""),
    ],
)
def test_wrong_input_is_one_line_with_the_fix(tenkyo, arguments, environ, says):
    assert says in refused(tenkyo(*arguments, **environ))


def test_missing_index_names_the_command_that_builds_it(tenkyo, data):
    shutil.rmtree(data / "index")
    assert "tenkyo ingest" in refused(tenkyo("ask", "Whisper?"))


def test_outdated_index_is_refused_until_reindex(tenkyo, data):
    manifest = data / "index" / "manifest.json"
    made = json.loads(manifest.read_text()) | {"corpus_revision": "before"}
    manifest.write_text(json.dumps(made))
    assert "tenkyo reindex" in refused(tenkyo("search", "Whisper"))
    assert tenkyo("reindex").returncode == 0
    assert tenkyo("search", "Whisper").returncode == 0


def test_port_in_use_is_named(tenkyo):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        line = refused(tenkyo("serve", TENKYO_PORT=str(taken.getsockname()[1])))
    assert "TENKYO_PORT" in line and "another" in line


def test_serve_prints_its_address_answers_and_stops(data, models):
    (data / "models").symlink_to(models)
    environ = dict(os.environ, TENKYO_DATA_DIR=str(data), TENKYO_PORT="0")
    with subprocess.Popen(
        [sys.executable, "-m", "service.cli.main", "serve"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environ,
    ) as server:
        try:
            for line in server.stdout:
                if "ready" in line:
                    break
            address = re.search(r"http://\S+", line)[0]
            ready = httpx.get(f"{address}/readyz").json()
            assert ready["status"] == "ok" and ready["sources"] == 14
        finally:
            server.terminate()
            started = time.monotonic()
            server.wait(timeout=20)
    assert time.monotonic() - started < 10


@pytest.mark.server
def test_options_of_serve_override_the_environment(data, models):
    (data / "models").symlink_to(models)
    environ = dict(os.environ, TENKYO_DATA_DIR=str(data), TENKYO_HOST="nowhere.invalid")
    environ |= {
        "TENKYO_PORT": "1",
        "TENKYO_LLM_URL": "http://127.0.0.1:9/v1",
        "TENKYO_LOG": "error",
    }
    with served(judge_app()) as model, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
        free.close()
        options = ["--host", "127.0.0.1", "--port", port, "--model-url", f"{model}/v1"]
        with subprocess.Popen(
            [sys.executable, "-m", "service.cli.main", "serve", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environ,
        ) as server:
            try:
                assert any("ready" in line for line in server.stdout)
                judge = httpx.get(f"http://127.0.0.1:{port}/readyz").json()["judge"]
                assert judge["host"] == model.removeprefix("http://")
                running = {"TENKYO_PORT": port, "TENKYO_DATA_DIR": str(data)}
                found = json.loads(run_here("doctor", "--json", **running).stdout)
                assert found["ok"] and "Tenkyo is running at" in found["checks"][-1]["detail"]
            finally:
                server.terminate()
                _, complaints = server.communicate(timeout=60)
    assert complaints == ""


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--port", "70000"), "--port"),
        (("--port", "many"), "--port"),
        (("--model-url", "localhost:11434/v1"), "did you mean http://localhost:11434/v1?"),
        (("--host", "0.0.0.0", "--port", "0"), "TENKYO_OPEN=1"),
    ],
)
def test_wrong_option_of_serve_is_named(tenkyo, options, says):
    done = tenkyo("serve", *options, COLUMNS="200")
    assert done.returncode == 2 and says in done.stderr and "Traceback" not in done.stderr


def test_library_is_found_without_a_setting(tmp_path, data, models, monkeypatch):
    """In ``data`` here, else in the user's folder; which one is said on standard error."""
    (data / "models").symlink_to(models)
    (tmp_path / "empty").mkdir()
    users = {"XDG_DATA_HOME": str(tmp_path / "share")}

    def run(folder, *arguments):
        monkeypatch.chdir(folder)
        return run_here(*arguments, **users)

    kept = {k: v for k, v in os.environ.items() if not k.startswith("TENKYO_")}
    done = subprocess.run(
        [sys.executable, "-m", "service.cli.main", "sources", "--json"], capture_output=True,
        text=True, timeout=120, env=kept | users | {"PYTHONPATH": str(ROOT)}, cwd=tmp_path,
    )  # fmt: skip
    assert len(json.loads(done.stdout)["sources"]) == 14
    assert (
        done.stderr.startswith(f"tenkyo: the data folder is {data} (")
        and done.stderr.count("\n") == 1
    )
    (tmp_path / "share").mkdir()
    data.rename(moved := tmp_path / "share" / "tenkyo")
    for folder in (tmp_path, tmp_path / "empty"):
        done = run(folder, "search", "Whisper", "--json")
        assert done.returncode == 0 and json.loads(done.stdout)["hits"]
        assert f"the data folder is {moved} (" in done.stderr
    done = run(tmp_path, "serve", "--host", "203.0.113.1")  # which it may not listen on
    assert done.returncode == 2 and "TENKYO_HOST" in done.stderr
    assert done.stderr.startswith(f"tenkyo: the data folder is {moved} (")
    assert run(tmp_path, "--help").stderr == ""  # opens none
    assert list((tmp_path / "empty").iterdir()) == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shell_completion_completes_commands_and_options(tenkyo, shell, monkeypatch):
    # Named as the program that is installed, and not after `python -m pytest`.
    monkeypatch.setattr(sys.modules["__main__"], "__package__", None)
    asked = {"COMP_WORDS": "tenkyo re", "COMP_CWORD": "1", "_TYPER_COMPLETE_ARGS": "tenkyo re"}
    fish = {"_TYPER_COMPLETE_FISH_ACTION": "get-args"}

    def complete(**words):
        return tenkyo(**asked | fish | words | {"_TENKYO_COMPLETE": f"complete_{shell}"}).stdout

    shown = complete()
    assert {"remove", "reindex"} <= set(re.findall(r"\w+", shown)) and "serve" not in shown
    line = "tenkyo serve --mo"
    shown = complete(COMP_WORDS=line, COMP_CWORD="2", _TYPER_COMPLETE_ARGS=line)
    assert "--model-url" in shown


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_shell_completion_is_installed(tmp_path):
    """The shell is recognised from the process that runs the command."""
    script = "import sys; sys.argv = ['tenkyo', '--install-completion']; from service.cli.main import main; main()"
    env = os.environ | {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = ["bash", "-c", '"$0" -c "$1"; exit $?', sys.executable, script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=env)
    assert done.returncode == 0 and "bash completion installed" in done.stdout
    assert (tmp_path / ".bashrc").exists()


@pytest.mark.skipif(shutil.which("nohup") is None, reason="there is no nohup here")
def test_progress_survives_nohup_as_plain_lines(settings, tmp_path):
    """Even where FORCE_COLOR, which CI systems set, asks for bars; and when the terminal goes."""
    script = (
        "import sys, time; sys.argv = ['tenkyo', 'reindex']\n"
        "from service.cli import main, progress\n"
        "from index.ingestion import sync\n"
        "progress.EVERY, embed = 0.05, sync._embed\n"
        "sync._embed = lambda *given: (time.sleep(1), embed(*given))[1]\n"
        "main.main()"
    )
    environ = os.environ | settings | {"FORCE_COLOR": "1", "TERM": "xterm-256color"}
    log = tmp_path / "log"
    with (
        log.open("wb") as out,
        subprocess.Popen(
            ["nohup", sys.executable, "-c", script],
            stdout=out, stderr=subprocess.STDOUT, env=environ, cwd=ROOT,
        ) as process,
    ):  # fmt: skip
        deadline = time.monotonic() + 60
        while not log.read_bytes().count(b"\n") and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGHUP)
        assert process.wait(timeout=120) == 0
    shown = log.read_text()
    assert "\x1b" not in shown and "\r" not in shown
    *lines, last = [line for line in shown.splitlines() if "nohup" not in line]
    assert last == "103 passages embedded" and len(lines) > 10


def test_serve_stops_at_once_while_loading(data, models):
    (data / "models").symlink_to(models)
    shutil.rmtree(data / "index")
    environ = dict(os.environ, TENKYO_DATA_DIR=str(data), TENKYO_PORT="0")
    with (
        FileLock(data / "index.lock"),  # so that it keeps loading
        subprocess.Popen(
            [sys.executable, "-m", "service.cli.main", "serve"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environ,
        ) as server,
    ):
        try:
            address = re.search(r"http://\S+", server.stdout.readline())[0]
            transport = httpx.HTTPTransport(retries=9)  # until it listens
            with httpx.Client(transport=transport, timeout=60) as client:
                assert client.get(f"{address}/readyz").status_code == 503
            server.send_signal(signal.SIGINT)
            assert server.communicate(timeout=60) == ("", "") and server.returncode == 130
        finally:
            server.kill()
