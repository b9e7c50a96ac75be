"""What the HTTP API says of its judge, which proves itself while requests are answered."""

from __future__ import annotations

import asyncio
import threading
import time

import httpx
import pytest

from service.answering.engine import Engine
from service.api.app import create_app
from service.judging.service_judge import ServiceJudge
from service.judging.standing import Standing
from tests.support.asgi_client import request
from tests.support.judge_server import believes, knows
from tests.support.live_server import served
from tests.support.scripted_judge_model import ScriptedJudgeModel


class Held(ScriptedJudgeModel):
    """A model that answers nothing before ``hold`` is set."""

    def __init__(self, rule):
        super().__init__(rule)
        self.hold = threading.Event()

    async def complete(self, messages, max_tokens, schema=None, timeout=None):
        while not self.hold.is_set():
            await asyncio.sleep(0.005)
        return await super().complete(messages, max_tokens, schema, timeout)


@pytest.fixture
def app_of(library, library_folder, checker, history, tmp_path):
    def app_of(model):
        judge = ServiceJudge(model, 8000, 60.0, Standing(tmp_path)) if model else None
        engine = Engine(library, checker, history, judge=judge)
        return create_app(engine, index_dir=library_folder / "index")

    return app_of


@pytest.mark.server
@pytest.mark.parametrize(
    ("rule", "state", "false_right"), [(knows, "able", 12), (believes, "failed", 0)]
)
def test_service_answers_while_its_judge_is_tested(app_of, rule, state, false_right):
    model = Held(rule)
    with served(app_of(model)) as url:

        def told():
            ready = httpx.get(f"{url}/readyz", timeout=30)
            assert ready.status_code == 200
            return ready.json()["judge"]

        assert told() == {
            "name": "scripted", "host": "judge.example:8080", "able": False, "state": "testing",
            "true_right": None, "false_right": None,
        }  # fmt: skip
        assert httpx.get(f"{url}/v1/search?q=Whisper", timeout=30).json()["hits"]
        model.hold.set()
        deadline = time.monotonic() + 30
        while (now := told())["state"] == "testing":
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert (now["state"], now["able"]) == (state, state == "able")
        assert (now["true_right"], now["false_right"]) == (12, false_right)


@pytest.mark.server
def test_service_ends_while_its_judge_is_tested(app_of):
    model = Held(knows)
    began = time.monotonic()
    with served(app_of(model)) as url:
        assert httpx.get(f"{url}/readyz", timeout=30).json()["judge"]["state"] == "testing"
    assert time.monotonic() - began < 30 and not model.calls


def test_documentation_says_where_a_text_is_sent(app_of):
    def described(model):
        found = request(app_of(model), "GET", "/openapi.json").json()
        return found["paths"]["/v1/verify"]["post"]["description"]

    assert "judge.example:8080" in described(ScriptedJudgeModel(knows))
    assert "sent nowhere else" in described(None)
    for model in (ScriptedJudgeModel(knows), None):  # those of TENKYO_EMBEDDER_URL, for example
        assert "models for the search" in described(model)


def test_service_without_a_judge_says_so(app_of):
    assert request(app_of(None), "GET", "/readyz").json()["judge"] is None
