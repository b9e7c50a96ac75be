"""service.server.startup: who asks while the service is starting is answered, or told when to ask."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from fastapi import FastAPI

from service.api.app import SECURITY_HEADERS
from service.server.startup import IMMEDIATE_PATHS, StartingApp
from tests.support.live_server import served

pytestmark = pytest.mark.server


@pytest.fixture
def loading():
    """What makes an app, once it is let."""
    go = threading.Event()

    def load():
        load.let = go.wait(60)
        if load.error:
            raise load.error
        app = FastAPI()
        app.get("/readyz")(lambda: {"status": "ok"})
        app.get("/v1/search")(lambda: {"hits": []})
        return app

    load.go, load.let, load.error = go, None, None
    yield load
    go.set()


def test_it_lives_at_once_and_is_ready_later(loading):
    opened = threading.Event()
    app = StartingApp(loading, opened.set, pytest.fail)
    with served(app) as url, ThreadPoolExecutor(1) as readers:
        assert httpx.get(f"{url}/healthz").json() == {"status": "ok"}
        early = httpx.get(f"{url}/readyz")
        assert early.status_code == 503 and early.headers["retry-after"] == "1"
        assert early.headers["content-type"] == "application/problem+json"
        assert early.json()["title"] == "The service is starting" and not opened.is_set()
        assert early.json()["request_id"] == early.headers["x-request-id"]
        for path in IMMEDIATE_PATHS:
            headers = httpx.get(f"{url}{path}", headers={"X-Request-ID": "r-1"}).headers
            assert headers["x-request-id"] == "r-1"
            assert all(name in headers for name in SECURITY_HEADERS)
        asked = readers.submit(httpx.get, f"{url}/v1/search", timeout=60)
        loading.go.set()
        assert asked.result().json() == {"hits": []}
        assert opened.wait(60) and httpx.get(f"{url}/readyz").json() == {"status": "ok"}


def test_who_has_waited_for_long_is_told_when_to_ask_again(loading):
    with served(StartingApp(loading, lambda: None, pytest.fail, patience=0.01)) as url:
        refused = httpx.get(f"{url}/v1/search")
        assert refused.status_code == 503 and refused.json()["retry_after"] == 1
        refused = httpx.post(f"{url}/v1/chat/completions", json={})
        assert refused.status_code == 503 and refused.headers["retry-after"] == "1"
        assert refused.json()["error"].keys() == {"message", "type", "param", "code"}
        loading.go.set()


def test_what_keeps_it_from_starting_is_told(loading):
    failed = []
    loading.error = OSError("no disk")
    with served(StartingApp(loading, lambda: pytest.fail("it cannot"), failed.append)) as url:
        loading.go.set()
        assert httpx.get(f"{url}/v1/search", timeout=60).status_code == 503
    assert failed == [loading.error]


def test_it_ends_while_it_is_loading(loading):
    with served(StartingApp(loading, lambda: pytest.fail("it ended"), pytest.fail)) as url:
        assert httpx.get(f"{url}/healthz").json() == {"status": "ok"}
    assert loading.let is None  # it was not waited for
