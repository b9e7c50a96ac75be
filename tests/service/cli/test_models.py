"""`tenkyo models test`, and the commands that use its outcome."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.support.commands import run_here, run_process
from tests.support.judge_server import ITEMS, believes, judge_app, knows
from tests.support.live_server import served
from tests.support.scripted_judge_model import verdict

pytestmark = [pytest.mark.process, pytest.mark.server]
QUESTION = "How many hours of labelled audio was Whisper trained on?"


@pytest.fixture
def tenkyo(tmp_path):
    """Runs a `tenkyo` command in this process."""
    data = {"TENKYO_DATA_DIR": str(tmp_path / "data")}
    return lambda *arguments, **environ: run_here(*arguments, **data | environ)


@pytest.fixture
def process(tmp_path):
    """Runs a `tenkyo` command in a process of its own."""
    data = {"TENKYO_DATA_DIR": str(tmp_path / "data")}
    return lambda *arguments, **environ: run_process(*arguments, **data | environ)


def test_model_that_passes_may_judge_and_the_outcome_is_kept(tenkyo, process, tmp_path):
    app = judge_app(knows)
    with served(app) as url:
        host = url.removeprefix("http://")
        done = process("models", "test", TENKYO_LLM_URL=f"{url}/v1")
        assert done.returncode == 0, done.stderr
        assert "12 of 12 true sentences right, 12 of 12 false ones" in done.stdout
        assert f"scripted at {host} may judge" in done.stdout
        assert "with control sentences: " in done.stdout and " tokens, " in done.stdout
        rows = [line for line in done.stdout.splitlines() if line.split()[-1:] != []]
        assert sum(" right " in row for row in rows) >= len(ITEMS)
        kept = (tmp_path / "data" / "judges.json").read_text()
        asked = app.state.asked
        made = json.loads(tenkyo("models", "test", "--json", TENKYO_LLM_URL=f"{url}/v1").stdout)
        assert app.state.asked == 2 * asked  # it is taken again whenever it is asked for
    assert made["passed"] and made["answered"] and (made["true"], made["false"]) == ([12, 12],) * 2
    assert {each["language"] for each in made["items"]} == {"en", "ja"}
    assert all(each["right"] and each["kind"] for each in made["items"])
    assert len(made["items"]) == len(ITEMS) and made["tokens"] > 0 and host in kept


def test_model_that_supports_everything_may_not_judge(tenkyo):
    with served(judge_app(believes)) as url:
        done = tenkyo("models", "test", TENKYO_LLM_URL=f"{url}/v1")
        assert done.returncode == 1 and "may not judge" in done.stdout
        assert "12 of 12 true sentences right, 0 of 12 false ones" in done.stdout
        assert " wrong " in done.stdout


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({}, "TENKYO_JUDGE_URL"),
        ({"TENKYO_JUDGE": "off", "TENKYO_LLM_URL": "http://127.0.0.1:9/v1"}, "TENKYO_JUDGE=off"),
        ({"TENKYO_JUDGE_URL": "http://127.0.0.1:9/v1"}, "cannot be reached"),
        ({"TENKYO_JUDGE": "llm"}, "TENKYO_JUDGE=llm"),
    ],
)
def test_without_a_model_that_can_be_reached_the_exit_code_is_2(tenkyo, tmp_path, environ, says):
    done = tenkyo("models", "test", **environ)
    assert done.returncode == 2 and says in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "data" / "judges.json").exists()


def test_model_that_is_too_slow_has_no_outcome(tenkyo, tmp_path):
    with served(judge_app(knows, wait=1.0)) as url:
        slow = {"TENKYO_LLM_URL": f"{url}/v1", "TENKYO_JUDGE_TIMEOUT": "0.05"}
        done = tenkyo("models", "test", **slow)
    assert done.returncode == 2 and "TENKYO_JUDGE_TIMEOUT" in done.stdout
    assert not (tmp_path / "data" / "judges.json").exists()


@pytest.mark.model
def test_commands_use_the_kept_outcome_and_never_take_the_test(
    tenkyo, process, tmp_path, library_folder, models
):
    shutil.copytree(library_folder, tmp_path / "data")
    (tmp_path / "data" / "models").symlink_to(models)
    text = tmp_path / "text.md"
    text.write_text("Whisper was trained on 680,000 hours of audio.")

    def rule(sentence, evidence):
        if sentence in ITEMS:
            return knows(sentence, evidence)
        number = next((n for n, words in evidence.items() if "680,000 hours" in words), 1)
        return verdict("supported", [number])

    app = judge_app(rule)
    with served(app) as url:
        environ = {"TENKYO_JUDGE_URL": f"{url}/v1"}
        for command in (("ask", QUESTION), ("verify", text)):
            done = process(*command, **environ)
            assert done.returncode == 0 and "tenkyo models test" in done.stderr, done.stderr
            assert "680,000" in done.stdout
        assert app.state.asked == 0
        assert tenkyo("models", "test", **environ).returncode == 0
        tested = app.state.asked
        done = process("verify", text, "--json", **environ)
        assert "tenkyo models test" not in done.stderr
        assert app.state.asked == tested + 1  # one call, in which the sentences are judged
        (claim,) = json.loads(done.stdout)["files"][0]["claims"]
        assert claim["verdict"]["method"].endswith(("judge: scripted", "(judge: control)"))
        done = process("verify", text, **environ, TENKYO_JUDGE="off")
        assert done.returncode == 0 and app.state.asked == tested + 1
