"""Tests of many readers at once: the same answers as alone, and no work for those who left."""

import asyncio
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, contextmanager
from urllib.parse import urlencode

import httpx
import numpy as np
import pytest

from index.inference.batch_scheduler import BatchScheduler
from index.inference.shared_models import ResultCache, SharedChecker, SharedEmbedder
from index.search import Library
from service.answering.engine import Engine
from service.api.app import create_app
from service.concurrency.admission import Limiters
from service.generation.llm import ChatModel
from tests.support.live_server import served
from tests.support.scripted_model import Script
from tests.support.soak import SOAK

QUESTIONS = {
    "How many hours of labelled audio was Whisper trained on?": "Whisper learned from 680,000 hours"
    " of labelled audio [1]. It cost 90 dollars [1].",
    "Whisperは何時間の音声で学習しましたか？": "Whisperは68万時間の音声で学習した [1]。",
    "What does Block-NeRF render?": "Block-NeRF renders a neighbourhood of San Francisco [1].",
    "What is the capital of Australia?": "",
}
TIMES = 10 if SOAK else 4  # that each question is asked at once
TEXTS = (*QUESTIONS, *(said for said in QUESTIONS.values() if said), "The sky is blue. " * 20)


class RecitingModel:
    """A language model with a fixed text for each question."""

    name = "recital"

    async def stream(self, messages):
        said = next(said for asked, said in QUESTIONS.items() if asked in messages[-1]["content"])
        async with aclosing(Script(said).stream(messages)) as pieces:
            async for piece in pieces:
                yield piece


class RecordingChecker:
    """A checker that records the claims it gets, and can be paused."""

    def __init__(self, checker):
        self.name, self.digest, self._checker = checker.name, checker.digest, checker
        self.claims, self.answers_read = [], 0
        self.open = threading.Event()
        self.open.set()

    def supports(self, pairs):
        self.claims += [claim for _, claim in pairs]
        assert self.open.wait(60)
        return self._checker.supports(pairs)

    def parse(self, questions):
        return self._checker.parse(questions)

    def reads_whole(self, claim):
        return self._checker.reads_whole(claim)

    def answers(self, pairs):
        return self._checker.answers(pairs)

    def read(self, pairs):
        self.answers_read += len(pairs)
        return self._checker.read(pairs)


@pytest.fixture(scope="module")
def checker(cross_encoder):
    """The checker itself: one that remembers would not show whether threads get each other's.

    For the same reason the tests use ``bundled_embedder``.
    """
    return cross_encoder


@pytest.fixture
def seen(checker):
    made = RecordingChecker(checker)
    yield made
    made.open.set()


@pytest.fixture
def scheduler():
    return BatchScheduler()


@pytest.fixture
def shared_library(library, bundled_embedder, scheduler):
    return Library(library.store, library.index, SharedEmbedder(bundled_embedder, scheduler))


def together(function, given):
    """Call a function for each item at once, in as many threads."""
    barrier = threading.Barrier(len(given))

    def work(one):
        barrier.wait()
        return function(one)

    with ThreadPoolExecutor(len(given)) as pool:
        return list(pool.map(work, given))


def test_shared_models_give_each_thread_its_own_results(bundled_embedder, checker, scheduler):
    vectors, judge = SharedEmbedder(bundled_embedder, scheduler), SharedChecker(checker, scheduler)
    pairs = [(a, b) for a in TEXTS[:6] for b in TEXTS[2:]]
    for shared, alone, given in (
        (vectors.embed_query, bundled_embedder.embed_query, TEXTS),
        (
            lambda t: vectors.embed_passages([t]),
            lambda t: bundled_embedder.embed_passages([t]),
            TEXTS,
        ),
        (lambda p: judge.supports([p]), lambda p: checker.supports([p]), pairs),
        (
            lambda p: judge.read([p])[0].answers() / 10,
            lambda p: checker.read([p])[0].answers() / 10,
            pairs,
        ),
    ):
        expected = [alone(one) for one in given]
        for found in together(shared, given), together(shared, given):  # read, then remembered
            np.testing.assert_allclose(np.array(found), np.array(expected), atol=0.02)
    assert vectors.embed_passages([]).shape == vectors.embed_queries([]).shape == (0, 384)
    assert judge.supports([]).shape == (0, 3) and judge.read([]) == []


def test_identical_concurrent_requests_are_computed_once(seen, scheduler):
    judge = SharedChecker(seen, scheduler)
    pairs = [("The sky is blue.", f"The sky is {colour}.") for colour in ("blue", "red")]
    together(judge.supports, [pairs] * 8)
    together(judge.read, [pairs + pairs] * 8)
    assert sorted(seen.claims) == sorted(claim for _, claim in pairs) and seen.answers_read == 2


def test_result_cache_evicts_least_recently_used():
    read = []

    def run(items):
        read.extend(items)
        return [np.full(2, len(item)) for item in items]

    known = ResultCache(run, 2)
    for items in (["a", "bb"], ["a"], ["ccc"]):  # "bb" is evicted
        known.compute_missing(items)
    assert read == ["a", "bb", "ccc"]
    found = known.compute_missing(["ccc", "a"])
    assert read == ["a", "bb", "ccc"] and [row[0] for row in found] == [3, 1]
    found = known.compute_missing(["dddd", "bb", "a", "bb", "ccc"])  # more than are cached
    assert [row[0] for row in found] == [4, 2, 1, 2, 3]
    assert read == ["a", "bb", "ccc", "dddd", "bb"]


def test_concurrent_readers_get_the_answers_they_get_alone(
    shared_library, checker, history, scheduler, library
):
    def summary(made):
        verdicts = [(c.text, c.verdict.label) for c in (*made.claims, *made.rejected)]
        return made.mode, verdicts, made.text, [e.passage.id for e in made.evidence]

    async def ask(engine, times):
        return await asyncio.gather(*(engine.answer(q) for q in QUESTIONS for _ in range(times)))

    alone = Engine(library, checker, history, RecitingModel())
    expected = [summary(asyncio.run(alone.answer(question))) for question in QUESTIONS]
    engine = Engine(shared_library, SharedChecker(checker, scheduler), history, RecitingModel())
    made = asyncio.run(ask(engine, TIMES))
    assert [summary(one) for one in made] == [one for one in expected for _ in range(TIMES)]
    assert {"generated", "abstained"} <= {mode for mode, *_ in expected}
    assert {history.answer(one.id)["id"] for one in made} == {one.id for one in made}
    assert scheduler.queued == 0


class Upstream:
    """A chat API that sends one sentence, stays open, and counts the clients that disconnect."""

    def __init__(self):
        self.asked = self.left = 0

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            return
        await receive()
        self.asked += 1
        said = f"Whisper number {self.asked} learned from 680,000 hours of audio [1]. And "
        chunk = json.dumps({"choices": [{"delta": {"content": said}}]})
        head = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        body = f"data: {chunk}\n\n".encode()
        await send({"type": "http.response.body", "body": body, "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass
        self.left += 1


def until(holds):
    """Wait for a condition."""
    limit = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < limit
        time.sleep(0.002)


@pytest.mark.server
@pytest.mark.parametrize("streams", [True, False])
def test_disconnect_stops_model_while_claim_waits_for_checker(
    shared_library, library_folder, seen, history, scheduler, streams
):
    """Of two readers, the claim of one is being checked, and that of the other is queued. Both
    disconnect: both model calls end, though the checker has not returned, the queued claim is
    never checked, and the next reader is served."""
    upstream = Upstream()
    with served(upstream) as model_url:
        model = ChatModel(f"{model_url}/v1", "stub")
        engine = Engine(shared_library, SharedChecker(seen, scheduler), history, model)
        engine.warm_up()
        app = create_app(engine, index_dir=library_folder / "index", on_close=model.aclose)
        seen.claims.clear()
        with served(app) as url:
            seen.open.clear()
            with reader(url, streams), reader(url, streams):
                until(lambda: upstream.asked == 2 and seen.claims and scheduler.queued)
                assert len(set(seen.claims)) == 1 and upstream.left == 0
            until(lambda: upstream.left == 2)
            until(lambda: not scheduler.queued)  # the queued one, while the other is still held
            assert len(set(seen.claims)) == 1
            seen.open.set()
            quoted = {"question": next(iter(QUESTIONS)), "mode": "quoted"}
            reply = httpx.post(f"{url}/v1/answers", json=quoted, timeout=60)
            assert reply.json()["mode"] == "quoted"
    assert len(set(seen.claims)) == 1


class PausedEmbedder:
    """An embedder that waits in its first question until a test lets it go on."""

    def __init__(self, embedder):
        self.name, self.dim, self._embedder = embedder.name, embedder.dim, embedder
        self.embed_passages = embedder.embed_passages
        self.begun, self.go = threading.Event(), threading.Event()

    def embed_queries(self, texts):
        self.begun.set()
        assert self.go.wait(60)
        return self._embedder.embed_queries(texts)


@pytest.mark.parametrize("interface", ["searches", "texts"])
def test_slot_of_disconnected_client_is_held_until_its_thread_ends(
    library, library_folder, bundled_embedder, checker, history, scheduler, interface
):
    held, limiters = PausedEmbedder(bundled_embedder), Limiters.for_readers()
    searched = Library(library.store, library.index, SharedEmbedder(held, scheduler))
    engine = Engine(searched, SharedChecker(checker, scheduler), history)
    app = create_app(engine, index_dir=library_folder / "index", limiters=limiters)
    limiter = getattr(limiters, interface)

    async def scenario():
        left = asyncio.Event()
        first = asyncio.create_task(
            leaving(app, interface, "Block-NeRF renders a neighbourhood.", left)
        )
        await soon(held.begun.is_set)
        second = asyncio.create_task(leaving(app, interface, "Whisper was trained on audio.", left))
        await soon(lambda: scheduler.queued)
        assert limiter.running == 2
        left.set()
        await second  # what it had queued is dropped
        await soon(lambda: limiter.running < 2)
        for _ in range(50):
            await asyncio.sleep(0)
        assert limiter.running == 1 and not first.done()
        held.go.set()
        await first
        assert limiter.running == 0

    try:
        asyncio.run(scenario())
    finally:
        held.go.set()


async def soon(holds):
    while not holds():
        await asyncio.sleep(0.002)


async def leaving(app, interface, text, left):
    """Send a request as a client that disconnects once ``left`` is set."""
    method, path = ("GET", "/v1/search") if interface == "searches" else ("POST", "/v1/verify")
    body = json.dumps({"text": text}).encode() if method == "POST" else b""
    sent = [{"type": "http.request", "body": body}]
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path,
        "query_string": urlencode({"q": text}).encode(),
        "headers": [(b"host", b"localhost"), (b"content-type", b"application/json")],
    }

    async def receive():
        if sent:
            return sent.pop()
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(_message):
        pass

    await app(scope, receive, send)


@contextmanager
def reader(url, streams):
    """Open a connection, send a question, and close the connection at the end."""
    body = json.dumps({"question": next(iter(QUESTIONS)), "stream": streams}).encode()
    head = f"POST /v1/answers HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(f"{head}Content-Type: application/json\r\n\r\n".encode() + body)
        yield
