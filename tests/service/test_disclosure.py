"""Tests that no interface reveals paths, internal addresses or system errors of this machine.

A library is made with planted secrets in all such places; every route and tool is called, and every
response is searched for them.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import time
from pathlib import Path

import httpx
import pytest
from mcp import Client

from corpus.errors import IndexMismatch, IndexMissing, ModelUnavailable, StoreError
from corpus.store.store import Store
from corpus.store.uploads import UploadStore
from corpus.types import Source
from corpus.web.http_cache import HttpCache
from index.ingestion.ingest import Ingestion
from index.ingestion.report import IngestProgress, Item
from index.ingestion.sync import sync
from index.search import Library
from index.storage.local_index import LiveIndex
from service.answering.engine import Engine
from service.api.app import create_app
from service.conversations.store import History
from service.disclosure import (
    file_name,
    in_short,
    is_local,
    model_name,
    name_of,
    public,
    without_paths,
)
from service.generation.llm import ChatModel
from service.ingestion.job_run import IngestionResources
from service.ingestion.worker import IngestionWorker
from service.problems import as_problem
from service.receipts.checks import all_passed
from service.receipts.recheck import recheck
from service.types import to_json
from service.verification import receipt
from tests.support.live_server import served
from tests.support.scripted_model import Script

SECRET = "s3cr3tplace"  # in every path and address that must not be revealed
NEVER = (SECRET, "file:", "Errno", "Permission denied", "Connection refused", "ledger")
ASKED = {
    "en": "How many maps does the Kanda reading room hold?",
    "ja": "神田閲覧室は地図を何枚所蔵していますか？",
}
UNKNOWN = {
    "en": "Who paid for the lighthouse on the northern cape?",
    "ja": "北の岬の灯台の建設費は誰が払いましたか？",
}
CODE = "What is the Kanda reading room's catalogue KRR-9099?"
TEXTS = {
    "maps.md": "# Kanda reading room\n\nThe Kanda reading room holds 40,000 maps of the city.\n",
    "chizu.md": "# 神田閲覧室\n\n神田閲覧室は市街の地図を4万枚所蔵している。\n",
    "note.txt": "The lighthouse on the northern cape is lit at dusk.\n",
}
SAID = "The Kanda reading room holds 40,000 maps of the city [1]."


class House:
    """A service over a library of files in a folder whose name is secret."""

    def __init__(self, folder: Path, embedder, checker) -> None:
        self.folder, data = folder, folder / "data"
        docs = folder / "shelf one"
        docs.mkdir(parents=True)
        for name, text in TEXTS.items():
            (docs / name).write_text(text, "utf-8")
        (docs / "ledger of maps.pdf").write_bytes(b"%PDF-1.4 broken")
        (docs / "ledger.txt").write_bytes(b"")
        self.store = Store(f"sqlite:///{data / 'tenkyo.db'}")
        with Ingestion(self.store) as ingestion:
            items = asyncio.run(ingestion.places([str(docs)], None))
        assert {item.outcome for item in items} == {"read", "failed"}
        denied = f"[Errno 13] Permission denied: '{docs}/ledger three.pdf'"
        self.store.record_unread(f"{docs}/ledger three.pdf", denied, "Maps of the reading room")
        refused = f"cannot be reached ([Errno 111] Connection refused) from {docs}/ledger"
        self.store.record_unread("https://example.org/ledger", refused, "灯台の地図")
        sync(self.store, embedder, data / "index", IngestProgress())
        library = Library(self.store, LiveIndex(data / "index", embedder.name), embedder)
        self.history = History(self.store.database)
        self.engine = Engine(library, checker, self.history)
        self.means = IngestionResources(
            self.store,
            embedder,
            data / "index",
            UploadStore(data / "uploads"),
            HttpCache(data / "fetched"),
        )
        self.runner = IngestionWorker(self.means)
        self.app = create_app(self.engine, index_dir=data / "index", runner=self.runner)
        self.replies: dict[str, str] = {}

    def ask(self, name: str, method: str, path: str, status: int = 200, **more) -> httpx.Response:
        reply = httpx.request(method, self.url + path, timeout=120, **more)
        assert reply.status_code == status, (name, reply.status_code, reply.text)
        self.replies[f"{name}: {method} {path}"] = reply.text + str(reply.headers)
        return reply


@pytest.fixture(scope="module")
def house(tmp_path_factory, embedder, checker):
    house = House(tmp_path_factory.mktemp(SECRET) / "in it", embedder, checker)
    assert all(source.url.startswith("file:") for source, _ in house.store.sources())
    with served(house.app) as house.url:
        yield house


MODELS = {
    "quotes": lambda _: None,
    "away": lambda _: ChatModel(f"http://127.0.0.1:9/{SECRET}/v1", f"/srv/{SECRET}/q.gguf"),
    "failing": lambda folder: Script(
        "", ModelUnavailable(f"llama.cpp cannot load {folder}/q.gguf ([Errno 2] No such file or directory)")
    ),
    "breaking": lambda folder: Script(SAID + " More ", ModelUnavailable(f"{folder}/q.gguf is gone")),
    "writing": lambda folder: Script(SAID),
}  # fmt: skip


def clean(text: str, where: str = "") -> None:
    plain = text + json.dumps(text, ensure_ascii=False) if "\\u" in text else text
    for planted in NEVER:
        assert planted not in plain, (
            where,
            planted,
            plain[max(0, plain.find(planted) - 200) :][:400],
        )


@pytest.mark.parametrize("kind", MODELS)
def test_answers_contain_no_path_address_or_system_error(house, kind):
    model = house.engine.model = MODELS[kind](f"/srv/{SECRET}")
    if kind == "writing":
        model.name = f"/srv/{SECRET}/weights.gguf"
    modes = set()
    for language in ("en", "ja"):
        for question in (ASKED[language], UNKNOWN[language], CODE):
            body = {"question": question}
            made = house.ask(kind, "POST", "/v1/answers", json=body).json()
            streamed = house.ask(kind, "POST", "/v1/answers", json=body | {"stream": True})
            assert "event: answer" in streamed.text
            chat = {"model": "tenkyo", "messages": [{"role": "user", "content": question}]}
            for stream in (False, True):
                house.ask(kind, "POST", "/v1/chat/completions", json=chat | {"stream": stream})
                asked = {"model": "tenkyo", "input": question, "stream": stream}
                house.ask(kind, "POST", "/v1/responses", json=asked)
            conversation = f"/v1/conversations/{made['conversation_id']}"
            link = house.ask(kind, "POST", f"{conversation}/share", 201).json()["url"]
            for path in (f"/v1/answers/{made['id']}", conversation, link):
                house.ask(kind, "GET", path)
                for form in ("markdown", "bibtex") if path is not conversation else ():
                    house.ask(kind, "GET", f"{path}/export?format={form}")
            house.ask(kind, "GET", f"{conversation}/export")
            house.ask(kind, "GET", link.removeprefix("/v1"))
            house.ask(kind, "GET", f"/v1/answers/{made['id']}/related")
            found = house.ask(kind, "GET", f"/v1/answers/{made['id']}/receipt").json()
            checks = recheck(found, house.engine.verifier, house.store)
            assert all_passed(checks), [check for check in checks if check.outcome == "failed"]
            modes.add(made["mode"])
            for shown in made["evidence"]:
                source = shown["source"]
                assert source["url"] == f"/sources/{source['id']}" and source["title"]
                assert httpx.get(house.url + source["url"]).status_code == 200
    house.ask(kind, "GET", "/readyz")
    house.ask(kind, "GET", "/v1/conversations")
    assert modes >= {"abstained", "generated" if kind in ("writing", "breaking") else "quoted"}
    for where, text in house.replies.items():
        clean(text, where)


def test_exports_name_file_and_link_to_service_page(house):
    house.engine.model = None
    made = house.ask("export", "POST", "/v1/answers", json={"question": ASKED["en"]}).json()
    cited = made["claims"][0]["citations"][0]["source_id"]
    page = f"{house.url}/sources/{cited}"
    text = house.ask("export", "GET", f"/v1/answers/{made['id']}/export").text
    assert f"<{page}>" in text and "*Kanda reading room*" in text
    assert f"url = {{{page}}}" in house.ask("export", "GET", f"/v1/answers/{made['id']}/export?format=bibtex").text  # fmt: skip


def test_library_responses_contain_no_path(house):
    house.replies.clear()
    listed = house.ask("library", "GET", "/v1/sources").json()
    assert len(listed["sources"]) == 3 and len(listed["unread"]) == 4
    assert {each["place"] for each in listed["unread"]} >= {"ledger.txt", "ledger three.pdf"}
    for source in listed["sources"]:
        for path in (f"/v1/sources/{source['id']}", f"/sources/{source['id']}"):
            house.ask("library", "GET", path)
        house.ask("library", "GET", f"/v1/sources/{source['id']}/file", 404)
    hits = house.ask("library", "GET", "/v1/search?q=maps").json()["hits"]
    for hit in hits:
        house.ask("library", "GET", f"/v1/passages/{hit['passage']['id']}")
    for path in (
        "/llms.txt",
        "/openapi.json",
        "/",
        "/readyz",
        "/healthz",
        "/v1/examples",
        "/v1/models",
    ):
        house.ask("library", "GET", path)
    checked = {"text": "The Kanda reading room holds 90,000 maps of the city. " + SAID}
    assert house.ask("library", "POST", "/v1/verify", json=checked).json()["claims"]
    for path in ("/v1/sources/none", "/v1/passages/none", "/v1/answers/none", "/nowhere"):
        house.ask("library", "GET", path, 404)
    for where, text in house.replies.items():
        # The list of what could not be read has the names of the files.
        clean(text.replace("ledger", "") if where.endswith("/v1/sources") else text, where)


def test_jobs_contain_no_path(house):
    source = house.store.sources()[0][0]
    table = house.runner.table
    job = table.add("documents", {"files": [], "source_id": source.id, "replaces": source.url})
    kept = f"{house.folder.as_posix().replace(' ', '-')}/ledger.pdf"
    item = Item("ledger.pdf", "failed", reason=f"{kept} cannot be read: Permission denied")
    table.add_item(job.id, item)
    house.replies.clear()
    house.runner.cancel(job.id)
    while not house.ask("job", "GET", f"/v1/jobs/{job.id}").json()["finished_at"]:
        time.sleep(0.1)
    house.ask("job", "GET", "/v1/jobs")
    events = house.ask("job", "GET", f"/v1/jobs/{job.id}", headers={"accept": "text/event-stream"})
    assert "ledger.pdf cannot be read" in events.text
    for where, text in house.replies.items():
        clean(text.replace("ledger", ""), where)


def test_mcp_tools_contain_no_path(house):
    house.engine.model = None

    async def run():
        async with Client(f"{house.url}/mcp", read_timeout_seconds=120) as client:
            found = await client.call_tool("search", {"query": ASKED["en"]})
            ids = [row["id"] for row in found.structured_content["results"]]
            ids += [source.id for source, _ in house.store.sources()]
            calls = [("fetch", {"id": id}) for id in ids] + [("fetch", {"id": "none"})]
            for question in (*ASKED.values(), *UNKNOWN.values(), CODE):
                calls.append(("answer", {"question": question}))
            calls.append(("verify", {"text": SAID}))
            return [found, *[await client.call_tool(*call) for call in calls]]

    for result in asyncio.run(run()):
        clean(result.model_dump_json())
        assert result.content[0].text


def test_earlier_answers_and_receipts_are_shown_without_paths_and_still_verify(house):
    """Earlier versions stored paths as addresses and as names of models, and system errors."""
    house.engine.model = None
    answer = asyncio.run(house.engine.answer(ASKED["en"]))
    assert answer.evidence[0].source.url.startswith("file:")  # as on the owner's command line
    docs = house.folder / "shelf one"
    model = f"the language model at http://10.0.0.7/{SECRET} cannot be reached ([Errno 111] x): start it"
    reasons = {
        "quoted": f"The language model failed ({model}); these are the sources' own words.",
        "abstained": f"The sources are about other things than this question. Nearest were"
        f" “{docs.as_uri()}/maps.md”. Not read in the original: “ledger.pdf” (denied at {docs}).",
    }
    _, noted = house.history.record(answer.id)
    noted["checker"] |= {"name": f"/srv/{SECRET}/judge"}
    noted["index"] |= {"embedder": f"/srv/{SECRET}/e5"}
    for mode, reason in reasons.items():
        bare = {"claims": (), "text": ""} if mode == "abstained" else {}
        old = dataclasses.replace(answer, id=f"old {mode}", mode=mode, reason=reason, **bare)
        record = noted | ({"drafts": []} if bare else {})
        house.history.save_answer(old.id, old.conversation_id, to_json(old), record)
        shown = house.history.answer(old.id)
        clean(json.dumps(shown, ensure_ascii=False))
        assert shown["reason"].startswith(reason[:24]) and public(shown) == shown
        made = receipt.make_receipt(house.history, old.id)
        clean(json.dumps(made, ensure_ascii=False))
        assert made["checker"]["name"] == "judge" and made["index"]["embedder"] == "e5"
        # The receipt as the previous version would have made it, with all secrets.
        raw = made | {
            name: value
            for name, value in to_json(old).items()
            if name not in ("conversation_id", "scope")
        }
        raw["evidence"] = [
            each | {"sha256": shown["sha256"]}
            for each, shown in zip(to_json(old)["evidence"], made["evidence"], strict=True)
        ]
        raw = receipt.seal(json.loads(json.dumps(raw | record)))
        assert SECRET in json.dumps(raw)
        for each in (made, raw):
            checks = recheck(each, house.engine.verifier, house.store)
            assert all_passed(checks), [check for check in checks if check.outcome == "failed"]


@pytest.mark.parametrize(
    "error",
    [
        StoreError(f"the database sqlite:////srv/{SECRET} cannot be used (Permission denied)"),
        IndexMissing(f"/srv/{SECRET}"),
        IndexMismatch(f"/srv/{SECRET}", f"embedder /srv/{SECRET}/a", "embedder b"),
        ModelUnavailable(f"cannot load the checker from /srv/{SECRET} ([Errno 13] x)"),
    ],
)
def test_errors_contain_no_path(house, error, monkeypatch, caplog):
    def fail(*_args, **_more):
        raise error

    assert as_problem(error).status_code in (502, 503)
    monkeypatch.setattr(Library, "search", fail)
    house.replies.clear()
    status = as_problem(error).status_code
    house.ask("error", "GET", "/v1/search?q=maps", status)
    house.ask("error", "POST", "/v1/answers", status, json={"question": ASKED["en"]})
    chat = {"model": "tenkyo", "messages": [{"role": "user", "content": ASKED["en"]}]}
    house.ask("error", "POST", "/v1/chat/completions", status, json=chat)

    async def call():
        async with Client(f"{house.url}/mcp", read_timeout_seconds=60) as client:
            return await client.call_tool("answer", {"question": ASKED["en"]})

    house.replies["mcp"] = asyncio.run(call()).model_dump_json()
    for where, text in house.replies.items():
        clean(text, where)
    assert SECRET in caplog.text  # in the log, for the owner


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/srv/a b/x.pdf is encrypted: give its password", "x.pdf is encrypted: give its password"),
        ("x.pdf cannot be read: Input/output error", "x.pdf cannot be read"),
        ("[Errno 28] No space left on device", "a system error"),
        ("it answered 403 Forbidden", "it answered 403 Forbidden"),
        ("cannot read /docs/contracts/a.txt", "cannot read a.txt"),
        ("see /v1/sources/abc/file", "see /v1/sources/abc/file"),
        ("cannot read file:///srv/x/a.txt", "cannot read a.txt"),
        ("r'C:\\Users\\me\\x.pdf' is broken", "r'x.pdf' is broken"),
        ("and/or/maybe TCP/IP 3/4/5 https://a.org/b/c", "and/or/maybe TCP/IP 3/4/5 https://a.org/b/c"),
    ],
)  # fmt: skip
def test_reasons_name_files_without_paths(text, shown):
    assert without_paths(text, "/srv/a b/x.pdf") == shown
    assert without_paths(shown) == shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("gpt-4", "gpt-4"),
        ("Qwen/Qwen2.5-1.5B-Instruct", "Qwen/Qwen2.5-1.5B-Instruct"),
        ("bundled:multilingual-e5-small", "bundled:multilingual-e5-small"),
        ("/srv/models/q4.gguf", "q4"),
        ("../models/q4.gguf", "q4"),
        ("C:\\models\\q4.gguf", "q4"),
        ("~/models/e5/", "e5"),
        ("http://10.0.0.7:8080/v1", "default"),
    ],
)
def test_model_is_called_by_its_name(name, shown):
    assert model_name(name) == shown == model_name(shown)


def test_source_is_called_by_title_or_file_name():
    assert name_of(Source("a", "file:///srv/x/%E5%9C%B0%E5%9B%B3.md")) == "地図.md"
    assert name_of(Source("a", "file:///srv/x.md", "Maps")) == "Maps"
    assert name_of(Source("a", "https://example.org/x")) == "https://example.org/x"
    assert name_of(Source("a", "")) == "a" and file_name("/srv/x/") == "x"
    assert is_local("FILE:///x") and not is_local("upload:abc/x.md")
    assert in_short("the model (at (home)) is down: start it") == "the model is down"
