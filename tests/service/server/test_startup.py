"""Tests of a service that is still starting: requests wait, or are told when to try again."""

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
    """A function that makes an app once its event ``go`` is set."""
    go = threading.Event()

    def load():
        load.released = go.wait(60)
        if load.error:
            raise load.error
        app = FastAPI()
        app.get("/readyz")(lambda: {"status": "ok"})
        app.get("/v1/search")(lambda: {"hits": []})
        return app

    load.go, load.released, load.error = go, None, None
    yield load
    go.set()


def test_health_replies_at_once_and_requests_wait_until_ready(loading):
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


def test_request_that_waited_too_long_gets_503_with_retry_after(loading):
    with served(StartingApp(loading, lambda: None, pytest.fail, max_wait=0.01)) as url:
        refused = httpx.get(f"{url}/v1/search")
        assert refused.status_code == 503 and refused.json()["retry_after"] == 1
        for path in ("chat/completions", "responses"):
            refused = httpx.post(f"{url}/v1/{path}", json={})
            assert refused.status_code == 503 and refused.headers["retry-after"] == "1"
            assert refused.json()["error"].keys() == {"message", "type", "param", "code"}
        loading.go.set()


def test_loading_error_is_reported(loading):
    failed = []
    loading.error = OSError("no disk")
    with served(StartingApp(loading, lambda: pytest.fail("it cannot"), failed.append)) as url:
        loading.go.set()
        assert httpx.get(f"{url}/v1/search", timeout=60).status_code == 503
    assert failed == [loading.error]


def test_shutdown_does_not_wait_for_loading(loading):
    with served(StartingApp(loading, lambda: pytest.fail("it ended"), pytest.fail)) as url:
        assert httpx.get(f"{url}/healthz").json() == {"status": "ok"}
    assert loading.released is None  # it was not waited for
