"""Trying a model: what it writes, how fast, in which languages, and whether it can judge."""

from __future__ import annotations

import asyncio
import socket

import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from service.connection.choice import ModelChoice
from service.connection.trial import try_judging, try_writing
from service.judging.standing import Standing
from tests.support.chat_server import chat_app
from tests.support.judge_server import believes
from tests.support.live_server import served
from tests.support.model_servers import replying

pytestmark = pytest.mark.server

SAYS = {"choices": [{"message": {"content": "The hall has 312 lanterns."}}]}


def tried(app: FastAPI, model: str = "scripted", key: str = "", silent: float = 10.0):
    with served(app, patience=0.1) as url:  # a slow one is not waited for at the end
        return asyncio.run(try_writing(ModelChoice(f"{url}/v1", model, key), silent))


def test_model_that_writes_from_its_source_is_told_apart_by_language():
    found = tried(chat_app())
    assert found.fault is None and found.answers == {"en": True, "ja": True}
    assert 0 <= found.first < 10 and found.rate > 0


def test_model_of_one_language_is_noticed():
    found = tried(replying(SAYS))
    assert found.fault is None and found.answers == {"en": True, "ja": False}


@pytest.mark.parametrize(
    ("app", "model", "key", "fault"),
    [
        (chat_app(key="k"), "scripted", "wrong", "key refused"),
        (chat_app(), "another", "", "no model"),
        (replying("<html>"), "scripted", "", "web page"),
        (replying({"error": {"message": "out of memory"}}, 500), "scripted", "", "refused"),
        (chat_app(wait=1.0), "scripted", "", "slow"),
    ],
)
def test_what_is_wrong_is_said(app, model, key, fault):
    found = tried(app, model, key, silent=0.4)
    assert found.fault == fault
    assert found.said == ("out of memory" if fault == "refused" else found.said)


def test_server_that_is_down_is_unreachable():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}/v1"
        assert asyncio.run(try_writing(ModelChoice(url, "m"))).fault == "unreachable"


def test_server_that_goes_down_during_the_trial_is_unreachable():
    app = FastAPI()

    @app.post("/v1/chat/completions")
    async def completed(body: dict):
        async def broken():
            yield "data: "
            raise ConnectionError

        return StreamingResponse(broken()) if body["stream"] else SAYS

    assert tried(app).fault == "unreachable"


def test_self_test_of_a_judge_is_taken_and_kept(tmp_path):
    def judged(app: FastAPI):
        with served(app) as url:
            wanted = ModelChoice(f"{url}/v1", "scripted")
            return asyncio.run(try_judging(wanted, 8000, 20.0, Standing(tmp_path)))

    able = judged(chat_app())
    assert (able.state, able.true_right, able.false_right) == ("able", 12, 12)
    assert (tmp_path / "judges.json").exists()
    failed = judged(chat_app(judge=believes))
    assert (failed.state, failed.true_right, failed.false_right) == ("failed", 12, 0)
