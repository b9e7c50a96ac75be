"""Tests of the Python client against a real service, broken servers, and none."""

import asyncio
import contextlib
import inspect
import json
import socket
import threading
import time
from contextlib import aclosing
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.errors import (
    ServiceError,
    ServiceFailed,
    ServiceRefused,
    ServiceUnreachable,
    ServiceUnreadable,
    StoreError,
    StreamBroken,
)
from corpus.types import Passage, Source
from service.answering.factcheck import Checked
from service.client import collection_requests, conversation_requests, requests, streams
from service.client.streams import ANSWER_STREAM, EventReader
from service.client.sync_client import AsyncClient, Client
from service.conversations.store import History
from service.schemas import from_json
from service.types import Answer, Claim, Event, Evidence, EvidenceFound, Rejected, Verdict, to_json
from service.verification.receipt import read_receipt
from tests.support.asgi_client import QUESTION
from tests.support.commands import run_here, run_process
from tests.support.live_server import unconnectable
from tests.support.scripted_model import Script
from tests.support.switched_model import SAID, Endless


@pytest.fixture
def client(url):
    with Client(url, timeout=60) as client:
        yield client


@contextlib.contextmanager
def raw_server(*pieces):
    """Serve the same bytes on each connection and close it, or stay silent without any; give the
    URL."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        bound.listen()

        def serve():
            while True:
                try:
                    connection, _ = bound.accept()
                except OSError:
                    return
                with connection, contextlib.suppress(OSError):
                    read_request(connection)
                    for piece in pieces:
                        connection.sendall(piece)
                    if not pieces:
                        time.sleep(1)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
        bound.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def read_request(connection):
    """Read a whole request: closing a connection before that resets it."""
    with connection.makefile("rb") as request:
        length = 0
        while (line := request.readline().lower()) not in (b"\r\n", b""):
            if line.startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        request.read(length)


def ok(kind, body=b""):
    return b"HTTP/1.1 200 OK\r\nContent-Type: " + kind + b"\r\nConnection: close\r\n\r\n" + body


# --- Every route --------------------------------------------------------------------------------


def test_answer_receipt_and_continued_conversation(client, library):
    made = client.answer(QUESTION)
    assert isinstance(made, Answer) and made.mode == "generated" and not made.abstained
    assert json.loads(json.dumps(to_json(made))) == History(library.store.database).answer(made.id)
    assert read_receipt(json.dumps(client.receipt(made.id)).encode())["id"] == made.id
    again = client.answer(QUESTION, conversation_id=made.conversation_id, mode="quoted")
    assert again.mode == "quoted" and again.conversation_id == made.conversation_id
    only = client.answer(QUESTION, source_ids=["article-en"])
    assert {e.source.id for e in only.evidence} == {"article-en"}


def test_stream_has_typed_events(client):
    events = list(client.stream(QUESTION))
    assert [e.name for e in events] == ["evidence", "claim", "rejected", "answer"]
    assert [type(e.data) for e in events] == [EvidenceFound, Claim, Rejected, Answer]
    assert events[1].data == events[-1].data.claims[0]


def test_search_sources_and_passages(client, library):
    hits = client.search("Whisper training hours", 3)
    assert hits == tuple(library.search("Whisper training hours", 3))
    within = client.search("Whisper", source_ids=["article-en", "article-ja"])
    assert {hit.source.id for hit in within} == {"article-en", "article-ja"} and len(within) == 10
    assert [(s.id, s.passages) for s in client.sources()] == [
        (source.id, n) for source, n in library.store.sources()
    ]
    passage = client.passage(hits[0].passage.id)
    whole = client.source(passage.source_id)
    assert whole.text[passage.start : passage.end] == passage.text
    assert passage.before + passage.text + passage.after in whole.text
    assert passage.source.title == whole.title


def test_text_is_verified(client):
    found = client.verify(SAID, source_ids=["whisper"])
    assert isinstance(found, Checked)
    assert [claim.verdict.label == "supported" for claim in found.claims] == [True, False]
    assert found.error_rates


def test_async_client_gives_the_same_results(client, url):
    async def run():
        async with AsyncClient(url, timeout=60) as other:
            answer = await other.answer(QUESTION, mode="quoted")
            assert answer.text == client.answer(QUESTION, mode="quoted").text
            events = [event async for event in other.stream(QUESTION)]
            assert [e.name for e in events] == ["evidence", "claim", "rejected", "answer"]
            hits = await other.search("Whisper", 2)
            assert hits == client.search("Whisper", 2)
            assert await other.sources() == client.sources()
            assert await other.source("whisper") == client.source("whisper")
            assert await other.passage(hits[0].passage.id) == client.passage(hits[0].passage.id)
            assert await other.verify("Whisper is big.") == client.verify("Whisper is big.")
            assert await other.receipt(answer.id) == client.receipt(answer.id)
            with pytest.raises(ServiceRefused, match="nope"):
                await other.receipt("nope")
            with pytest.raises(ServiceRefused, match="no words"):
                [event async for event in other.stream("?")]

    asyncio.run(run())


def test_both_clients_have_a_method_for_each_route():
    routes = {
        name: route
        for module in (requests, conversation_requests, collection_requests)
        for name, route in vars(module).items()
        if inspect.isfunction(route) and str(route.__annotations__.get("return")).startswith("Call")
    }
    assert {"search", "jobs", "feedback", "examples", "make_collection"} < set(routes)
    with Client("http://127.0.0.1:9") as client:
        for name, route in routes.items():
            wanted = inspect.signature(route).parameters
            for made in (getattr(client, name), getattr(AsyncClient("http://127.0.0.1:9"), name)):
                assert inspect.signature(made).parameters == wanted, name
            assert getattr(Client, name).__doc__ == route.__doc__


# --- Errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ask", "status", "says"),
    [
        (lambda c: c.answer(""), 422, "empty"),
        (lambda c: c.answer("Whisper?", source_ids=["nope"]), 404, "tenkyo sources"),
        (lambda c: list(c.stream("Whisper?", conversation_id="nope")), 404, "nope"),
        (lambda c: c.search("Whisper", 1000), 422, "100"),
        (lambda c: c.passage("../sources"), 404, "openapi.json"),
        (lambda c: c.source("é?x=1#y"), 404, "é?x=1#y"),
        (lambda c: c.verify(" "), 422, "empty"),
        (lambda c: c.receipt("nope"), 404, "nope"),
    ],
)
def test_refusal_is_raised_with_the_detail_of_the_service(client, url, ask, status, says):
    with pytest.raises(ServiceRefused) as caught:
        ask(client)
    error = caught.value
    assert (error.status, error.url) == (status, url) and error.title
    assert says in error.detail == str(error)


@pytest.mark.parametrize("error", [StoreError("the disk is full: free some"), ValueError("secret")])
def test_error_in_mid_stream_is_raised(client, model, error):
    model.now = Script(f"{SAID} ", error)
    seen = []
    with pytest.raises(ServiceFailed) as caught:
        for event in client.stream(QUESTION):
            seen.append(event.name)
    assert seen[:2] == ["evidence", "claim"] and "secret" not in str(caught.value)
    assert caught.value.status == (503 if isinstance(error, StoreError) else 500)


@pytest.mark.parametrize("asynchronous", [False, True])
def test_closing_the_stream_stops_the_model(url, model, asynchronous):
    async def read_one():
        async with (
            AsyncClient(url, retries=0) as client,
            aclosing(client.stream(QUESTION)) as events,
        ):
            await anext(events)

    model.now = Endless()
    if asynchronous:
        asyncio.run(read_one())
    else:
        with Client(url, retries=0) as client:
            for _ in client.stream(QUESTION):
                break
    for _ in range(100):
        if model.now.closed:
            break
        time.sleep(0.02)
    assert model.now.closed


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "localhost:8000", "nonsense", "http://[::1", ""])  # fmt: skip
def test_unreachable_server_error_names_address_and_fix(address):
    with Client(address) as client:
        for ask in (lambda: client.sources(), lambda: list(client.stream("Whisper?"))):
            with pytest.raises(ServiceUnreachable) as caught:
                ask()
            line = str(caught.value)
            assert f"at {address}" in line and "start it" in line and "\n" not in line


@pytest.mark.server
def test_server_without_a_connection_in_time_is_to_be_started():
    says = pytest.raises(ServiceUnreachable, match=r"\(timed out\): start it, or correct")
    with unconnectable() as url, Client(url, timeout=0.2) as client, says:
        client.sources()


@pytest.mark.server
def test_silent_server_times_out():
    with raw_server() as url, Client(url, timeout=0.2) as client:
        started = time.monotonic()
        with pytest.raises(ServiceUnreachable, match=r"silent for 0\.2 s"):
            client.sources()
        assert time.monotonic() - started < 1


@pytest.mark.server
@pytest.mark.parametrize(
    "reply",
    [
        ok(b"text/html", b"<h1>It works</h1>"),
        ok(b"application/json", b'{"sources": [{"id": 5}], "hits": 7}'),
        ok(b"application/json", b'["sources"]'),
        b"HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\nnginx",
        b"HTTP/1.1 302 Found\r\nLocation: /login\r\nConnection: close\r\n\r\n",
        ok(b"text/event-stream", b'event: claim\ndata: {"text": 5}\n\n'),
        ok(b"text/event-stream", b"event: evidence\ndata: not JSON\n\n"),
        ok(b"text/event-stream", b"event: error\ndata: {}\n\n"),
    ],
)
def test_reply_of_another_program_is_unreadable(reply):
    with raw_server(reply) as url, Client(url) as client:
        with pytest.raises(ServiceUnreadable, match=url):
            client.sources()
        with pytest.raises(ServiceUnreadable, match=url):
            list(client.stream("Whisper?"))


FOUND = b'id: 1\nevent: evidence\ndata: {"id": "a", "conversation_id": "b", "question": "c", "evidence": []}\n\n'  # fmt: skip


@pytest.mark.server
@pytest.mark.parametrize(
    "body", [FOUND, FOUND + b"event: answer\ndata: {", b"", b": comment\n\n", FOUND[:-1]]
)
@pytest.mark.parametrize("cut", [False, True])
def test_early_end_of_stream_is_an_error(body, cut):
    """``cut``: the HTTP response is incomplete too."""
    reply = ok(b"text/event-stream", body)
    if cut:
        reply = reply.replace(b"Connection: close", b"Content-Length: 5000")
    with raw_server(reply) as url, Client(url, retries=0) as client:
        events = client.stream("Whisper?")
        with pytest.raises(StreamBroken if body or not cut else ServiceError, match=r"ask again|start"):  # fmt: skip
            list(events)


# --- Parsing ------------------------------------------------------------------------------------

SOURCE = Source("s", "https://example.org", "😀 title\u2028two", authors=("A", "B"))
SHOWN = Evidence(1, Passage("p", "s", 0, 3, "a\r\nb"), SOURCE, 1)
EVENTS = [
    Event("evidence", EvidenceFound("id", "talk", "q", (SHOWN,))),
    Event("claim", Claim("日本\x85", 0, 3, (), Verdict("supported", 1, "rules"))),
    Event("rejected", Rejected("No.", "Why", Verdict("unsupported", 0.5, "rules"))),
    Event("answer", Answer("id", "talk", "q", "日本\x85", "quoted", "", evidence=(SHOWN,), timings={"total": 1.5})),
]  # fmt: skip


@given(st.lists(st.integers(0, 3000), max_size=12), st.sampled_from([b"\n", b"\r\n"]))
def test_events_do_not_depend_on_how_bytes_are_split(cuts, end):
    frames = [b": kept alive", b"event: new\ndata: {}"]
    for event in EVENTS:
        data = json.dumps(to_json(event.data), ensure_ascii=False).encode()
        frames.append(b"event: " + event.name.encode() + end + b"data: " + data)
    sent = b"".join(frame.replace(b"\n", end) + end + end for frame in frames)
    edges = sorted({0, len(sent), *(cut for cut in cuts if cut < len(sent))})
    reader = EventReader("http://t", ANSWER_STREAM)
    assert [event for a, b in pairwise(edges) for event in reader.feed(sent[a:b])] == EVENTS
    reader.close()


def test_only_an_empty_line_ends_an_event():
    """Not an empty comment; and what has no data is no event."""
    claim = json.dumps(to_json(EVENTS[1].data), ensure_ascii=False).encode()
    reader = EventReader("http://t", ANSWER_STREAM)
    assert not list(reader.feed(b"event: claim\nid: 7\n\ndata: " + claim + b"\n\n"))
    first, second = claim[:1], claim[1:]  # the data of one event, on two lines
    sent = b"event: claim\ndata: " + first + b"\n:\ndata: " + second + b"\n\n"
    assert list(reader.feed(sent)) == [EVENTS[1]] and reader.seen == 0


def test_event_that_does_not_end_is_refused(monkeypatch):
    monkeypatch.setattr(streams, "MAX_EVENT_BYTES", 1000)
    for piece in (b"data: x\n", b"x"):
        reader = EventReader("http://t", ANSWER_STREAM)
        with pytest.raises(ServiceUnreadable):
            for _ in range(2000):
                list(reader.feed(piece))


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.name)
def test_json_is_validated_strictly(event):
    sent = to_json(event.data)
    assert from_json(type(event.data), json.dumps(sent)) == event.data
    assert from_json(type(event.data), json.dumps(sent | {"new": 1})) == event.data
    for name in ("id", "text"):
        if name in sent:
            with pytest.raises(ValueError, match=name):
                from_json(
                    type(event.data), json.dumps({k: v for k, v in sent.items() if k != name})
                )
            with pytest.raises(ValueError, match=name):
                from_json(type(event.data), json.dumps(sent | {name: 5}))
    if "verdict" in sent:
        with pytest.raises(ValueError, match="score"):
            from_json(
                type(event.data), json.dumps(sent | {"verdict": sent["verdict"] | {"score": "1"}})
            )
        with pytest.raises(ValueError, match="label"):
            from_json(
                type(event.data),
                json.dumps(sent | {"verdict": sent["verdict"] | {"label": "true"}}),
            )


# --- The command line ---------------------------------------------------------------------------


@pytest.fixture
def tenkyo(tmp_path):
    """Run a command without a library, and check that it makes none."""

    def tenkyo(*arguments, stdin="", run=run_here):
        return run(*arguments, stdin=stdin, TENKYO_DATA_DIR=str(tmp_path / "none"))

    yield tenkyo
    assert not (tmp_path / "none").exists()


@pytest.mark.process
def test_commands_use_a_running_service(tenkyo, url, client, library):
    asked = tenkyo("ask", QUESTION, "--quoted", "--url", url, "--json", run=run_process)
    assert json.loads(asked.stdout)["text"] == client.answer(QUESTION, mode="quoted").text
    assert "“" in tenkyo("ask", QUESTION, "--url", url, "--source", "whisper").stdout
    found = json.loads(tenkyo("search", "Whisper", "-k", 2, "--url", url, "--json").stdout)["hits"]
    assert [hit["passage"]["id"] for hit in found] == [
        hit.passage.id for hit in library.search("Whisper", 2)
    ]
    done = tenkyo("verify", "-", "--url", url, stdin=SAID)
    assert done.returncode == 1 and "supported" in done.stdout and "2 claims" in done.stdout
    assert tenkyo("verify", "-", "--url", url, stdin=SAID[:50]).returncode == 0


def test_commands_report_errors_of_a_service_in_one_line(tenkyo, url, client, tmp_path):
    receipt = tmp_path / "receipt.json"
    receipt.write_text(json.dumps(client.receipt(client.answer(QUESTION).id)))
    (tmp_path / "long.txt").write_text("x. " * 7000)
    for arguments, says in [
        (("ask", "Whisper?", "--url", "http://127.0.0.1:9"), "at http://127.0.0.1:9"),
        (("ask", "Whisper?", "--url", url, "--source", "nope"), "tenkyo sources"),
        (("verify", receipt, "--url", url), "leave out --url"),
        (("verify", tmp_path / "long.txt", "--url", url), "long.txt: the text has 21,000"),
    ]:
        done = tenkyo(*arguments)
        lines = [line for line in done.stderr.splitlines() if line.startswith("tenkyo:")]
        assert done.returncode == 2 and len(lines) == 1 and says in lines[0], done.stderr
