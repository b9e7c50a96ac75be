"""Tests of the HTTP API: responses, problem documents, and a stream from a real server."""

import asyncio
import json
import re
import socket
import time
from dataclasses import replace
from functools import partial

import httpx
import pytest

from corpus.store.store import Store
from corpus.text.chunking import split_into_passages
from corpus.types import Document, Source
from index.search import Library
from index.storage.local_index import LiveIndex
from service.answering.engine import Engine
from service.api.app import create_app
from service.problems import CODES, STATUSES
from service.receipts.checks import all_passed
from service.receipts.recheck import recheck
from service.verification.receipt import read_receipt
from tests.support.asgi_client import QUESTION, request
from tests.support.live_server import served
from tests.support.scripted_judge import ScriptedJudge
from tests.support.scripted_model import Script
from tests.support.switched_model import SAID, Endless


@pytest.fixture(scope="module")
def app(library, library_folder, checker, history):
    model = Script(SAID)
    return create_app(Engine(library, checker, history, model), index_dir=library_folder / "index")


@pytest.fixture
def call(app):
    return partial(request, app)


def test_answer_as_json(call):
    response = call("POST", "/v1/answers", json={"question": QUESTION})
    made = response.json()
    assert response.status_code == 200 and made["mode"] == "generated" and not made["abstained"]
    assert made["claims"][0]["citations"][0]["quote"] in made["evidence"][0]["passage"]["text"]
    assert made["evidence"][0]["source"]["kind"] == "digest"
    assert call("GET", f"/v1/answers/{made['id']}").json() == made


@pytest.mark.server
@pytest.mark.parametrize("by_header", [True, False])
def test_stream_from_real_server(app, by_header):
    body = {"question": QUESTION} | ({} if by_header else {"stream": True})
    headers = {"accept": "text/event-stream"} if by_header else {}
    with (
        served(app) as url,
        httpx.stream(
            "POST", f"{url}/v1/answers", json=body, headers=headers, timeout=60
        ) as response,
    ):
        assert response.headers["content-type"].startswith("text/event-stream")
        frames = "".join(response.iter_text()).split("\n\n")[:-1]
    events = [dict(line.split(": ", 1) for line in frame.split("\n")) for frame in frames]
    assert [e["event"] for e in events] == ["evidence", "claim", "rejected", "answer"]
    assert [e["id"] for e in events] == ["1", "2", "3", "4"]
    answer = json.loads(events[-1]["data"])
    assert json.loads(events[1]["data"]) == answer["claims"][0]


def leave_when(url, asked, true):
    """Ask, and close the connection without a reply once something is true."""
    host, _, port = url.removeprefix("http://").partition(":")
    body = json.dumps(asked)
    head = f"Host: {host}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(f"POST /v1/answers HTTP/1.1\r\n{head}\r\n{body}".encode())
        while not true():
            time.sleep(0.01)


@pytest.mark.server
@pytest.mark.parametrize("streams", [True, False])
def test_client_disconnect_stops_model(library, library_folder, checker, history, streams):
    model = Endless()
    app = create_app(Engine(library, checker, history, model), index_dir=library_folder / "index")
    asked = {"question": QUESTION, "stream": streams}
    with served(app) as url:
        if streams:
            with httpx.stream("POST", f"{url}/v1/answers", json=asked, timeout=60) as response:
                pieces = response.iter_text()  # a dropped iterator would end the request at once
                next(pieces)
                while not model.begun:  # the evidence is sent before the model is called
                    time.sleep(0.01)
        else:
            leave_when(url, asked, lambda: model.begun)
        for _ in range(50):
            if model.closed:
                break
            time.sleep(0.02)
        assert model.begun and model.closed


def test_search_sources_and_passages(call):
    hit = call("GET", "/v1/search", params={"q": "Whisper training hours", "k": 3}).json()["hits"][
        0
    ]
    assert hit["source"]["id"] in ("whisper", "article-en") and hit["score"] > 0
    listed = call("GET", "/v1/sources").json()
    sources = listed["sources"]
    assert listed["adds"] is False and all(each["reason"] for each in listed["unread"])
    assert all(each["versions"] == 1 for each in sources)
    assert len(sources) == 14 and all(s["passages"] > 0 for s in sources)
    passage = call("GET", f"/v1/passages/{hit['passage']['id']}").json()
    whole = call("GET", f"/v1/sources/{passage['source_id']}").json()["text"]
    assert whole[passage["start"] : passage["end"]] == passage["text"]
    assert passage["before"] + passage["text"] + passage["after"] in whole


def test_versions_of_changed_source(library, checker, history, tmp_path):
    """An old passage is shown in its own version, and earlier versions of the source can be read."""
    store = Store(f"sqlite:///{tmp_path / 'tenkyo.db'}")
    kept, gone = "The room holds 40,000 maps. " * 100, "It opened in 1931. " * 60
    source = Source("kanda", "https://example.org/kanda", "Kanda", retrieved_at="2026-01-01")
    old = Document(source, f"Before.\n\n{kept}\n\n{gone}")
    new = Document(replace(source, retrieved_at="2026-01-02"), f"Behind.\n\n{kept}")
    for document in (old, new):
        store.put(document, split_into_passages(document))
    index = LiveIndex(tmp_path, library.embedder.name)
    engine = Engine(Library(store, index, library.embedder), checker, history)
    get = partial(request, create_app(engine, index_dir=tmp_path), "GET")

    for passage in split_into_passages(new):
        shown = get(f"/v1/passages/{passage.id}").json()
        assert (shown["current"], shown["replaced_by"]) == (True, None)
    replaced = []
    for passage in split_into_passages(old):
        shown = get(f"/v1/passages/{passage.id}").json()
        assert shown["current"] is False and shown["source"]["retrieved_at"] == "2026-01-01"
        assert shown["before"] + shown["text"] + shown["after"] in old.text
        assert len(shown["before"]) == min(600, passage.start)
        replaced.append(shown["replaced_by"])
    assert replaced[1] == split_into_passages(new)[1].id and replaced[0] is replaced[-1] is None

    now = get("/v1/sources/kanda").json()
    assert now["text"] == new.text and len(now["versions"]) == 2
    current, former = now["versions"]
    assert (current["version"], current["replaced_at"]) == (now["version"], "")
    assert former["passages"] == len(split_into_passages(old)) and former["replaced_at"]
    then = get("/v1/sources/kanda", params={"version": former["version"]}).json()
    assert then["text"] == old.text and then["version"] == former["version"]
    assert then["versions"] == now["versions"]
    unknown = get("/v1/sources/kanda", params={"version": "none"})
    assert unknown.status_code == 404 and "'none'" in unknown.json()["detail"]


@pytest.mark.parametrize("path", ["/static/app.js", "/docs/swagger/swagger-ui.css"])
def test_files_of_the_pages_are_compressed_for_those_who_ask(call, path):
    plain = call("GET", path, headers={"Accept-Encoding": "identity"})
    packed = call("GET", path, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip" and packed.content == plain.content
    assert "content-encoding" not in plain.headers
    assert 0 < packed.num_bytes_downloaded < len(plain.content) / 2


def test_health_chat_page_and_headers(call):
    assert call("GET", "/healthz").json() == {"status": "ok"}
    ready = call("GET", "/readyz").json()
    assert ready["passages"] > 50 and ready["sources"] == 14 and ready["model"] == "script"
    page = call("GET", "/")
    assert (
        page.status_code == 200 and "default-src 'none'" in page.headers["content-security-policy"]
    )
    assert "http://" not in page.text and "https://" not in page.text
    assert call("GET", "/static/app.js").status_code == 200
    shared = call("GET", "/shared/anything")  # the page's script finds out whether the link exists
    assert '<script type="application/json" id="start">' in page.text  # what the start page shows
    without = re.sub(r'<script type="application/json".*?</script>', "<!-- start -->", page.text)
    assert shared.text == without and "noindex" in shared.headers["x-robots-tag"]
    assert "/v1/answers" in call("GET", "/openapi.json").json()["paths"]


@pytest.mark.parametrize(
    ("request_", "status", "says"),
    [
        ({"content": b"not json", "headers": {"content-type": "application/json"}}, 400, "JSON"),
        ({"json": {}}, 422, "question"),
        ({"json": {"question": 5}}, 422, "question"),
        ({"json": {"question": "x", "colour": "red"}}, 422, "colour"),
        ({"json": {"question": ""}}, 422, "empty"),
        ({"json": {"question": "\x00\x01"}}, 422, "empty"),
        ({"json": {"question": "x" * 50_000}}, 422, "4,000"),
        ({"json": {"question": "x" * 1_100_000}}, 413, ""),
        ({"json": {"question": "Whisper?", "conversation_id": "nope"}}, 404, "conversation"),
        ({"json": {"question": "Whisper?", "source_ids": ["nope"]}}, 404, "tenkyo sources"),
        ({"json": {"question": "Whisper?", "source_ids": ["nope"], "stream": True}}, 404, "nope"),
        ({"json": {"question": "Whisper?", "mode": "magic"}}, 422, "quoted"),
    ],
)
def test_bad_requests_get_problem_documents(call, request_, status, says):
    response = call("POST", "/v1/answers", **request_)
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status and body["title"] and says in body["detail"] + body["title"]
    assert "Traceback" not in response.text


def test_receipt_of_answer(call, verifier):
    made = call("POST", "/v1/answers", json={"question": QUESTION}).json()
    response = call("GET", f"/v1/answers/{made['id']}/receipt")
    assert made["id"] in response.headers["content-disposition"]
    receipt = read_receipt(response.content)
    assert receipt["text"] == made["text"] and receipt["prompt"]
    assert all_passed(recheck(receipt, verifier))


def test_text_is_verified(call):
    text = "# 😀\n\nWhisper was trained on 680,000 hours of audio [7]. Is it? It cost 90 dollars."
    made = call("POST", "/v1/verify", json={"text": text, "source_ids": ["whisper"]}).json()
    assert set(made) == {"claims", "evidence", "error_rates"}
    true, false = made["claims"]
    assert text[true["start"] : true["end"]] == true["text"] and true["text"].endswith("[7].")
    assert true["verdict"]["label"] == "supported" and true["citations"][0]["label"] == 1
    assert false["verdict"]["label"] != "supported" and false["reason"]
    assert {e["source"]["id"] for e in made["evidence"]} == {"whisper"}
    assert made["evidence"][0]["passage"]["id"] == true["citations"][0]["passage_id"]


def test_text_is_verified_by_the_judge(library, checker, history, library_folder):
    judge = ScriptedJudge()
    engine = Engine(library, checker, history, judge=judge)
    app = create_app(engine, index_dir=library_folder / "index")
    text = "Whisper heard 680,000 hours of sound. It cost 90,123 dollars."
    made = request(app, "POST", "/v1/verify", json={"text": text}).json()
    assert {claim["verdict"]["method"] for claim in made["claims"]} == {"judge: scripted"}
    assert [claim["verdict"]["label"] for claim in made["claims"]] == ["supported", "unsupported"]
    assert len(judge.calls) == 1


@pytest.mark.parametrize(
    ("request_", "status", "says"),
    [
        ({"content": b"no", "headers": {"content-type": "application/json"}}, 400, '{"text": '),
        ({"json": {}}, 422, "text"),
        ({"json": {"text": 5}}, 422, "text"),
        ({"json": {"text": ["a"]}}, 422, "text"),
        ({"json": {"text": " \n"}}, 422, "empty"),
        ({"content": b'{"text": "\\ud800 a"}', "headers": {"content-type": "application/json"}}, 422, "half a character"),
        ({"json": {"text": "x. " * 7000}}, 422, "in parts"),
        ({"json": {"text": "Two is two. " * 201}}, 422, "in parts"),
        ({"json": {"text": "Whisper.", "source_ids": ["nope"]}}, 404, "tenkyo sources"),
    ],
)  # fmt: skip
def test_unverifiable_texts_get_problem_documents(call, request_, status, says):
    response = call("POST", "/v1/verify", **request_)
    assert response.status_code == status, response.text
    body = response.json()
    assert body["status"] == status and says in body["detail"]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/passages/nope",
        "/v1/sources/nope",
        "/v1/answers/nope",
        "/v1/answers/nope/receipt",
        "/x",
        "/v1/search?q=Whisper&source_id=nope",
        "/v1/search?q=a&source_id=whisper&source_id=nope",
    ],
)
def test_unknown_ids_get_404(call, path):
    response = call("GET", path)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


def test_missing_index_gets_503_with_fix(library, checker, history, tmp_path, call):
    empty = Library(library.store, LiveIndex(tmp_path, library.embedder.name), library.embedder)
    app = create_app(Engine(empty, checker, history), index_dir=tmp_path)

    async def run():
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:
            return [
                await client.get("/readyz"),
                await client.post("/v1/answers", json={"question": "a?"}),
            ]

    for response in asyncio.run(run()):
        assert response.status_code == 503 and "tenkyo ingest" in response.json()["detail"]


def test_every_error_has_a_status():
    kinds = [kind for kind, _, _ in STATUSES]
    assert set(kinds) == set(CODES)
    for i, kind in enumerate(kinds):
        assert not any(issubclass(kind, earlier) for earlier in kinds[:i]), kind
