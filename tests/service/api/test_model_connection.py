"""Connecting a model by the page's routes: who may, what happens to answers, what is kept and said."""

from __future__ import annotations

import asyncio
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import mcp
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from corpus.errors import ServiceRefused
from service.answering.engine import Engine
from service.api.app import Options, create_app
from service.api.own_browser import is_own_browser, page_token
from service.client.sync_client import Client
from service.connection.choice import ChoiceFile, ModelChoice, with_kept_choice
from service.connection.connection import ModelConnection
from service.server.language_models import connect_models
from service.settings import Settings, read_settings
from tests.support.asgi_client import QUESTION, request
from tests.support.chat_server import chat_app
from tests.support.live_server import served
from tests.support.model_servers import replying

pytestmark = pytest.mark.server

KEY = "sk-very-secret"
PATHS = [
    ("POST", "/page/model/find"), ("POST", "/page/model/list"), ("POST", "/page/model/try"),
    ("POST", "/page/model/judge"), ("PUT", "/page/model"), ("DELETE", "/page/model"),
]  # fmt: skip
BODY = {"url": "http://127.0.0.1:9/v1", "model": "m", "key": ""}


@pytest.fixture(scope="module")
def make_app(library, library_folder, checker, history) -> Callable[..., FastAPI]:
    def make_app(settings: Settings, ports: dict[str, int] | None = None, **more: Any) -> FastAPI:
        writers, close = connect_models(with_kept_choice(settings))
        engine = Engine(library, checker, history)
        engine.writers = writers
        connection = ModelConnection(engine, settings, connect_models, ports=ports or {}, **more)
        options = Options(connection=connection, kept=100)
        index = library_folder / "index"
        return create_app(engine, index_dir=index, on_close=close, options=options)

    return make_app


@pytest.fixture
def app_of(make_app, tmp_path) -> Callable[..., FastAPI]:
    def app_of(settings: Settings | None = None, *given: Any, **more: Any) -> FastAPI:
        return make_app(settings or Settings(data_dir=tmp_path), *given, **more)

    return app_of


@pytest.fixture(scope="module")
def refusing(make_app, tmp_path_factory) -> tuple[FastAPI, Path]:
    """An app that all share who are refused, and its data folder: they leave nothing in it."""
    data = tmp_path_factory.mktemp("refusing")
    return make_app(Settings(data_dir=data)), data


def own(url: str) -> httpx.Client:
    """A client that does what the page does in a browser of this machine."""
    token = httpx.get(f"{url}/page/model").json()["token"]
    return httpx.Client(base_url=url, timeout=60, headers={"X-Tenkyo-Token": token})


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


# --- Who may change the model ---------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path"), PATHS)
@pytest.mark.parametrize(
    "headers",
    [
        {},  # a form of another site, or a program that did not ask for the token
        {"X-Tenkyo-Token": "guessed"},
        {"X-Tenkyo-Token": "鍵".encode()},
        {"X-Tenkyo-Token": page_token(), "Host": "evil.example"},  # its name was made to lead here
        {"X-Tenkyo-Token": page_token(), "Origin": "https://evil.example"},
        {"X-Tenkyo-Token": page_token(), "Sec-Fetch-Site": "cross-site"},
        {"X-Tenkyo-Token": page_token(), "X-Forwarded-For": "203.0.113.5"},  # through a proxy
        {"X-Tenkyo-Token": page_token(), "Forwarded": "for=203.0.113.5"},
        {"X-Tenkyo-Token": page_token(), "X-Forwarded-Proto": "https"},
        {"X-Tenkyo-Token": page_token(), "Host": "192.168.1.7:8000"},
    ],
)
def test_nobody_else_can_change_the_model(refusing, method, path, headers):
    app, data = refusing
    body = {} if method == "DELETE" else {"json": BODY}
    refused = request(app, method, path, headers={"Host": "localhost"} | headers, **body)
    assert refused.status_code == 403, refused.text
    assert not list(data.iterdir())


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"}, {"X-Forwarded-For": "203.0.113.5"}, {"Via": "1.1 proxy"},
        {"Host": "192.168.1.7:8000"}, {"Origin": "https://evil.example"},
    ],
)  # fmt: skip
def test_token_and_address_are_told_only_to_this_machines_browser(app_of, tmp_path, headers):
    ChoiceFile(tmp_path).keep(ModelChoice("http://127.0.0.1:9/v1", "/srv/models/big.gguf", KEY))
    headers = {"Host": "localhost"} | headers
    told = request(app_of(), "GET", "/page/model", headers=headers).json()
    assert told == {"model": "big", "models": ["big"], "fault": None, "hindrance": "elsewhere"}


@pytest.mark.parametrize(
    ("own", "client", "host", "version"),
    [
        (True, "127.0.0.1", "localhost:8000", "1.1"),
        (True, "::1", "[::1]:8000", "1.1"),
        (True, "::ffff:127.0.0.1", "127.0.0.2", "1.1"),
        (False, "192.168.1.7", "localhost:8000", "1.1"),
        (False, "127.0.0.1", "localhost.evil.example", "1.1"),
        (False, "127.0.0.1", "127.0.0.1.evil.example", "1.1"),
        (False, "127.0.0.1", "[::1", "1.1"),
        (False, "127.0.0.1", "", "1.1"),
        (False, "127.0.0.1", "127.0.0.1:8000", "1.0"),  # nginx, with nothing but proxy_pass
    ],
)
def test_browser_of_this_machine_is_recognised(own, client, host, version):
    scope = {
        "type": "http", "method": "GET", "path": "/", "query_string": b"", "scheme": "http",
        "server": ("127.0.0.1", 8000), "client": (client, 5), "http_version": version,
        "headers": [(b"host", host.encode())],
    }  # fmt: skip
    assert is_own_browser(Request(scope)) is own


def test_service_whose_model_stays_says_how_to_set_one(library, library_folder, checker, history):
    app = create_app(Engine(library, checker, history), index_dir=library_folder / "index")
    with served(app) as url:
        assert httpx.get(f"{url}/page/model").json()["hindrance"] == "elsewhere"
        assert httpx.put(f"{url}/page/model", json=BODY).status_code == 405


@pytest.mark.parametrize(
    "reached", [{"public_url": "https://tenkyo.example"}, {"hosts": "tenkyo.example"}]
)
def test_where_others_reach_the_service_nobody_can_change_the_model(app_of, tmp_path, reached):
    app = app_of(Settings(data_dir=tmp_path, **reached))
    with served(app) as url:  # a proxy on this machine, which says nothing of itself
        told = httpx.get(f"{url}/page/model").json()
        assert told["hindrance"] == "elsewhere" and "token" not in told
        token = {"X-Tenkyo-Token": page_token()}
        assert httpx.put(f"{url}/page/model", json=BODY, headers=token).status_code == 405


def test_routes_of_the_page_are_not_part_of_the_api(app_of):
    paths = request(app_of(), "GET", "/openapi.json").json()["paths"]
    assert not [path for path in paths if path.startswith("/page")]


# --- Connecting -----------------------------------------------------------------------------------


def test_model_is_connected_without_a_restart_and_after_one(app_of, tmp_path):
    model = chat_app(["/srv/models/big.gguf", "small"], key=KEY)
    with served(model) as server:
        with served(app_of()) as url, own(url) as page:
            before = page.post("/v1/answers", json={"question": QUESTION}).json()
            assert before["mode"] == "quoted"
            state = page.get("/page/model").json()
            assert (state["model"], state["hindrance"], state["chosen"]) == (None, None, False)
            wanted = {"url": server, "model": "big", "key": KEY}
            state = page.put("/page/model", json=wanted).json()
            assert (state["model"], state["models"]) == ("big", ["big", "small"])
            assert state["chosen"] and state["has_key"] and state["url"] == f"{server}/v1"
            made = page.post("/v1/answers", json={"question": QUESTION}).json()
            assert (made["mode"], made["model"]) == ("generated", "big")
            assert page.get("/readyz").json()["models"] == ["big", "small"]
            replies = [
                page.get(path).text for path in ("/", "/page/model", "/page/start", "/readyz")
            ]
            assert not [text for text in replies if KEY in text or "/srv" in text]
        assert stat.S_IMODE((tmp_path / "model.key").stat().st_mode) == 0o600
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        # Above all not in the database, which backups copy.
        assert [path.name for path in files if KEY.encode() in path.read_bytes()] == ["model.key"]
        with served(app_of()) as url, own(url) as page:
            wait_until(lambda: page.get("/readyz").json()["models"] == ["big", "small"])
            asked = {"question": QUESTION, "model": "small"}
            assert page.post("/v1/answers", json=asked).json()["model"] == "small"
            assert model.state.asked[-1] == "small"
            # The key is not asked for again, for the same server.
            state = page.put("/page/model", json={"url": server + "/v1", "model": "small"}).json()
            assert (state["model"], state["has_key"]) == ("small", True)
            state = page.delete("/page/model").json()
            assert (state["model"], state["chosen"]) == (None, False)
            assert page.post("/v1/answers", json={"question": QUESTION}).json()["mode"] == "quoted"
    assert not list(tmp_path.glob("model.*"))
    assert set(model.state.keys) == {f"Bearer {KEY}"}


@pytest.mark.parametrize("status", [401, 500])
def test_key_and_paths_that_a_server_repeats_leave_nowhere(app_of, caplog, status):
    """Its list of models is open; only who asks one of them is told off, with the key."""
    server, words = FastAPI(), f"bad key {KEY}; see /srv/models/hidden/small.gguf"

    @server.get("/v1/models")
    async def listed():
        return {"data": [{"id": "m"}]}

    @server.post("/v1/chat/completions")
    async def refused():
        return JSONResponse({"error": {"message": words}}, status, {"Retry-After": "0"})

    with served(server) as address, served(app_of()) as url, own(url) as page:
        wanted = {"url": f"{address}/v1", "model": "m", "key": KEY}
        tried = page.post("/page/model/try", json=wanted)
        assert tried.json()["said"] == "bad key …; see small.gguf"
        page.put("/page/model", json=wanted)
        answered = page.post("/v1/answers", json={"question": QUESTION})
        assert answered.json()["mode"] == "quoted" and answered.json()["reason"]
    seen = tried.text + answered.text + caplog.text
    assert "bad key …" in caplog.text  # whoever runs it learns why
    assert not [secret for secret in (KEY, "/srv", "hidden") if secret in seen]


def test_kept_key_is_not_sent_to_another_server(app_of, tmp_path):
    ChoiceFile(tmp_path).keep(ModelChoice("http://127.0.0.1:9/v1", "m", KEY))
    other = chat_app(["a"])
    with served(other) as server, served(app_of()) as url, own(url) as page:
        page.post("/page/model/list", json={"url": server})
        page.post("/page/model/try", json={"url": server, "model": "a"})
        page.put("/page/model", json={"url": server, "model": "a"})
    assert other.state.keys and set(other.state.keys) == {""}
    assert ChoiceFile(tmp_path).read() == ModelChoice(f"{server}/v1", "a")


@pytest.mark.parametrize(
    ("server", "fault"),
    [
        (replying("<html>"), "web page"),
        (chat_app(["a"], key="k"), "key wanted"),
        (chat_app([]), "no models"),
    ],
)
def test_server_with_a_fault_is_not_connected(app_of, tmp_path, server, fault):
    with served(server) as address, served(app_of()) as url, own(url) as page:
        reply = page.put("/page/model", json={"url": address, "model": "a", "key": ""}).json()
        assert reply["fault"] == fault
        assert page.get("/page/model").json()["model"] is None
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "environ", [{"TENKYO_LLM_URL": "http://127.0.0.1:9/v1", "TENKYO_LLM_MODEL": "set"}]
)
def test_environment_overrides_the_choice_and_the_dialog_says_so(app_of, tmp_path, environ):
    kept = ModelChoice("http://127.0.0.1:8/v1", "kept")
    ChoiceFile(tmp_path).keep(kept)
    settings = read_settings(environ | {"TENKYO_DATA_DIR": str(tmp_path)})
    with served(app_of(settings)) as url, own(url) as page:
        state = page.get("/page/model").json()
        assert (state["hindrance"], state["model"], state["chosen"]) == ("settings", "set", False)
        for reply in (page.put("/page/model", json=BODY), page.delete("/page/model")):
            assert reply.status_code == 422 and "TENKYO_LLM_URL" in reply.json()["detail"]
            assert reply.json()["code"] == "model_fixed"
    assert ChoiceFile(tmp_path).read() == kept


def test_servers_are_found_tried_and_tested_as_judges(app_of, tmp_path):
    with served(chat_app(["/srv/a.gguf", "embed"])) as server:
        ports = {"Ollama": int(server.rpartition(":")[2]), "vLLM": 9}
        with served(app_of(ports=ports)) as url, own(url) as page:
            found = page.post("/page/model/find").json()
            assert found == {
                "servers": [
                    {"program": "Ollama", "url": f"{server}/v1", "models": ["a"], "fault": None}
                ]
            }
            wanted = {"url": f"{server}/v1", "model": "a"}
            tried = page.post("/page/model/try", json=wanted).json()
            assert tried["fault"] is None and tried["answers"] == {"en": True, "ja": True}
            judged = page.post("/page/model/judge", json=wanted).json()
            assert (judged["state"], judged["name"]) == ("able", "a")
            page.put("/page/model", json=wanted)
            wait_until(lambda: page.get("/readyz").json()["judge"]["able"])  # without another test
            page.delete("/page/model")
            assert page.get("/readyz").json()["judge"] is None


def test_cancelled_trial_ends_and_holds_nothing_up(app_of):
    slow = chat_app(["a"], wait=20)
    with served(slow, patience=0.1) as server, served(app_of()) as url, own(url) as page:
        began = time.monotonic()
        with pytest.raises(httpx.ReadTimeout):
            page.post("/page/model/list", json={"url": server}, timeout=0.5)
        assert page.get("/readyz").status_code == 200
    assert time.monotonic() - began < 15


def test_key_that_is_too_long_is_not_told_again(app_of):
    body = BODY | {"key": KEY * 200}
    headers = {"X-Tenkyo-Token": page_token(), "Host": "localhost"}
    refused = request(app_of(), "PUT", "/page/model", headers=headers, json=body)
    assert refused.status_code == 422 and KEY not in refused.text


@pytest.mark.parametrize("path", ["/page/model/try", "/page/model/judge"])
def test_model_is_not_tried_with_a_text_that_cannot_be_a_key(app_of, path):
    headers = {"X-Tenkyo-Token": page_token(), "Host": "localhost"}
    refused = request(app_of(), "POST", path, headers=headers, json=BODY | {"key": "鍵"})
    assert refused.status_code == 422 and "copy it again" in refused.json()["detail"]
    assert refused.json()["code"] == "model_key"


def test_unknown_model_of_a_question_is_refused(app_of):
    refused = request(app_of(), "POST", "/v1/answers", json={"question": QUESTION, "model": "x"})
    assert refused.status_code == 422
    assert "there is no model “x” here" in refused.json()["detail"]


def test_client_and_assistants_get_the_models_of_the_moment(app_of):
    async def tools(url: str) -> str:
        async with mcp.Client(f"{url}/mcp") as client:
            return str((await client.list_tools()).tools)

    with served(chat_app(["a", "b"])) as server, served(app_of()) as url, own(url) as page:
        assert "judges the sentences" not in asyncio.run(tools(url))
        page.put("/page/model", json={"url": server, "model": "a", "key": ""})
        assert server.removeprefix("http://") in asyncio.run(tools(url))
        with Client(url) as tenkyo:
            assert tenkyo.answer(QUESTION, model="b").model == "b"
            assert [*tenkyo.stream(QUESTION, model="b")][-1].data.model == "b"
            with pytest.raises(ServiceRefused, match="use a, b"):
                tenkyo.answer(QUESTION, model="c")


def test_cached_answer_of_another_model_is_not_given(app_of):
    with served(chat_app(["a", "b"])) as server, served(app_of()) as url, own(url) as page:
        page.put("/page/model", json={"url": server, "model": "a", "key": ""})
        for name in ("a", "b", "a"):
            asked = {"question": QUESTION, "model": name}
            assert page.post("/v1/answers", json=asked).json()["model"] == name


def test_choice_made_in_one_process_reaches_the_others(app_of, tmp_path: Path):
    with (
        served(chat_app(["a"])) as server,
        served(app_of(shared=True)) as first,
        served(app_of(shared=True)) as second,
    ):
        with own(first) as page:
            page.put("/page/model", json={"url": server, "model": "a", "key": ""})
        wait_until(lambda: httpx.get(f"{second}/readyz").json()["model"] == "a")
        with own(second) as page:  # its token is the same
            page.delete("/page/model")
        wait_until(lambda: httpx.get(f"{first}/readyz").json()["model"] is None)
