"""The probe of a model's server, on real servers that go wrong in the ways servers do."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, StreamingResponse

from service.generation.probe import probe
from tests.support.live_server import served

pytestmark = pytest.mark.server

COMPLETION = {"choices": [{"message": {"content": "OK"}}]}
ERROR = {"error": {"message": "no"}}


def api(models: Any, reply: Callable[[dict], Any], key: str = "") -> FastAPI:
    """Make a server with a list of models, and a function of a request for a completion."""
    app = FastAPI()

    @app.middleware("http")
    async def check_key(request: Request, call_next: Any) -> Any:
        if key and request.headers.get("authorization") != f"Bearer {key}":
            return JSONResponse(ERROR, 401)
        return await call_next(request)

    @app.get("/v1/models")
    def listed() -> Any:
        return models

    @app.post("/v1/chat/completions")
    def completed(body: dict) -> Any:
        return reply(body)

    return app


def names(*models: str) -> dict:
    return {"data": [{"id": name} for name in models]}


def knows(*models: str) -> Callable[[dict], Any]:
    def reply(body: dict) -> Any:
        return COMPLETION if body["model"] in models else JSONResponse(ERROR, 404)

    return reply


def drip() -> StreamingResponse:
    def spaces() -> Any:
        for _ in range(100):
            yield b" "
            time.sleep(0.1)

    return StreamingResponse(spaces(), media_type="application/json")


@pytest.mark.parametrize(
    ("app", "model", "key", "fault"),
    [
        (api(names("a", "b"), knows("a", "b")), "", "", None),
        (api(names("a", "b"), knows("a", "b")), "b", "", None),
        (api(names("a:latest"), knows("a")), "a", "", None),  # Ollama takes a short name
        (api(HTMLResponse("nothing", 404), knows("default")), "", "", None),  # lists none
        (api(names("a"), knows("a"), key="k"), "", "k", None),
        (api(names("a"), knows("a"), key="k"), "", "", "key"),
        (api(names("a"), knows("a"), key="k"), "", "wrong", "key"),
        (api(names("a"), lambda _: JSONResponse(ERROR, 403)), "", "", "key"),
        (api(names(), knows("a")), "", "", "no model"),
        (api(names("a"), knows("a")), "c", "", "no model"),
        (api(HTMLResponse("<html>"), lambda _: HTMLResponse("<html>")), "", "", "not an API"),
        (api({"ok": 1}, lambda _: {"ok": 1}), "", "", "not an API"),
        (api([1], lambda _: "x"), "", "", "not an API"),
        (api(names("a"), lambda _: JSONResponse(ERROR, 500)), "", "", "refused"),
        (api(names("a"), lambda _: HTMLResponse("bad gateway", 502)), "", "", "refused"),
        (api(names("a"), lambda _: ERROR), "", "", "refused"),
        (api(names("a"), lambda _: JSONResponse(ERROR, 429)), "", "", "refused"),
    ],
)
def test_probe_finds_what_is_wrong(app: FastAPI, model: str, key: str, fault: str | None) -> None:
    with served(app) as url:
        found = probe(f"{url}/v1/", model, key, 5)
    assert found.fault == fault, found
    assert fault or found.status == 200


def test_address_without_v1_is_not_an_api() -> None:
    with served(api(names("a"), knows("a"))) as url:
        assert probe(url, "", "", 5).fault == "not an API"


def test_message_of_the_server_is_kept_on_one_short_line() -> None:
    said = {"error": {"message": "out of\nmemory " + "x" * 500}}
    with served(api(names("a"), lambda _: JSONResponse(said, 500))) as url:
        found = probe(f"{url}/v1", "", "", 5)
    assert found.said.startswith("out of memory xxx") and len(found.said) == 200
    with served(api(names("a"), lambda _: JSONResponse({"error": "no"}, 500))) as url:
        assert probe(f"{url}/v1", "", "", 5).said == "no"


def test_models_of_the_server_are_named() -> None:
    with served(api(names("a", "b"), knows("a", "b"))) as url:
        found = probe(f"{url}/v1", "c", "", 5)
        assert (found.model, found.models) == ("c", ["a", "b"])
        assert probe(f"{url}/v1", "", "", 5).model == "a"


@pytest.mark.parametrize("reply", [lambda _: time.sleep(1.0), lambda _: drip()])
def test_slow_server_is_not_waited_for(reply: Callable[[dict], Any]) -> None:
    with served(api(names("a"), reply)) as url:
        began = time.monotonic()
        assert probe(f"{url}/v1", "", "", 0.3).fault == "slow"
        assert time.monotonic() - began < 5


def test_nothing_answers() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # and does not listen
        url = f"http://127.0.0.1:{bound.getsockname()[1]}/v1"
        assert probe(url, "", "", 5).fault == "unreachable"


@pytest.mark.parametrize("url", ["", "localhost:1", "http://", "http://[::1", "ftp://x/v1"])
def test_what_is_no_address_is_unreachable(url: str) -> None:
    assert probe(url, "", "", 1).fault == "unreachable"
