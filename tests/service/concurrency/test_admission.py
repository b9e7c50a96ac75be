"""Tests of admission control, alone and at the HTTP, OpenAI-compatible and client interfaces."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx
import pytest

from corpus.errors import ServiceFailed, TooBusy
from corpus.store.database import Database
from service.api.app import create_app
from service.client.sync_client import Client
from service.concurrency.admission import ConcurrencyLimiter, Limiters
from service.conversations.store import History
from service.types import Answer, Event, EvidenceFound, to_json
from tests.support.live_server import served

ASKED = {"question": "Why?"}
CHAT = {"model": "tenkyo", "messages": [{"role": "user", "content": "Why?"}]}


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_queue_is_first_come_first_served_and_bounded():
    async def scenario():
        limiter, order, done = ConcurrencyLimiter("answers", 2, 3), [], asyncio.Event()

        async def reader(name):
            async with limiter.slot():
                order.append(name)
                await done.wait()

        readers = [asyncio.create_task(reader(name)) for name in "abcde"]
        await asyncio.sleep(0)
        assert order == ["a", "b"] and (limiter.running, limiter.queued) == (2, 3)
        with pytest.raises(
            TooBusy, match=r"2 answers at once is the limit, and 3 wait: try again in"
        ):
            await reader("f")
        readers[2].cancel()  # leaves the queue, and room for one
        await asyncio.gather(readers[2], return_exceptions=True)
        readers.append(asyncio.create_task(reader("g")))
        readers[0].cancel()  # leaves its work: the first in the queue gets its slot
        await asyncio.gather(readers[0], return_exceptions=True)
        done.set()
        await asyncio.gather(*readers, return_exceptions=True)
        assert order == ["a", "b", "d", "e", "g"] and (limiter.running, limiter.queued) == (0, 0)

    asyncio.run(scenario())


def test_slot_given_to_cancelled_waiter_passes_to_next():
    async def scenario():
        limiter = ConcurrencyLimiter("answers", 1, 2)
        async with limiter.slot():
            first, second = (asyncio.create_task(limiter._acquire()) for _ in range(2))
            await asyncio.sleep(0)
        first.cancel()  # it has been given the slot, and has not resumed yet
        await second
        assert limiter.running == 1 and limiter.queued == 0

    asyncio.run(scenario())


def test_waiter_is_refused_after_max_queued_seconds():
    async def scenario():
        limiter = ConcurrencyLimiter("answers", 1, 2, max_queued_seconds=0.01)
        async with limiter.slot():
            with pytest.raises(TooBusy):
                async with limiter.slot():
                    pass
            assert limiter.queued == 0

    asyncio.run(scenario())


def test_request_with_too_long_expected_wait_is_refused_at_once():
    clock = Clock()

    async def scenario():
        limiter = ConcurrencyLimiter("answers", 1, 10, max_queued_seconds=10, clock=clock)
        async with limiter.slot():
            clock.now += 6
        async with limiter.slot():
            waiting = asyncio.create_task(limiter._acquire())
            await asyncio.sleep(0)
            with pytest.raises(TooBusy, match="and 1 wait: try again in 12 seconds"):
                await limiter._acquire()
        await waiting
        limiter._release()
        for _ in range(2):  # however slow it was: a free slot is given
            async with limiter.slot():
                clock.now += 1000

    asyncio.run(scenario())


def test_retry_after_is_estimated_from_recent_durations():
    clock = Clock()

    async def scenario():
        limiter = ConcurrencyLimiter("answers", 2, 10, clock=clock)
        assert limiter.retry_after() == 1  # nothing is known yet
        for _ in range(2):
            async with limiter.slot():
                clock.now += 6
        assert limiter.retry_after() == 3  # six seconds each, two at once
        async with limiter.slot(), limiter.slot():
            waiting = [asyncio.create_task(limiter._acquire()) for _ in range(3)]
            await asyncio.sleep(0)
            assert limiter.retry_after() == 12
            clock.now += 20  # the running ones have stalled: that counts before they end
            assert limiter.retry_after() == 40
            clock.now += 1000
            assert limiter.retry_after() == 60
        await asyncio.gather(*waiting[:2])

    asyncio.run(scenario())


# The interfaces


class Held:
    """An engine whose answers begin when a test allows it."""

    model, library = None, type("", (), {"store": None})()
    verifier = judge = None

    def __init__(self, history: History) -> None:
        self.history, self.go, self.closed = history, threading.Event(), 0

    async def stream(self, question, conversation_id=None, scope=None, mode=None, **_):
        try:
            while not self.go.is_set():
                await asyncio.sleep(0.005)
            conversation = self.history.new_conversation()
            made = f"a{conversation}"[:24]
            yield Event("evidence", EvidenceFound(made, conversation, question, ()))
            answer = Answer(made, conversation, question, "", "abstained", "", reason="none")
            self.history.save_answer(made, conversation, to_json(answer))
            yield Event("answer", answer)
        finally:
            self.closed += 1


@pytest.fixture
def held(tmp_path):
    return Held(History(Database(f"sqlite:///{tmp_path / 'tenkyo.db'}")))


def until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.server
def test_every_interface_refuses_surplus_requests_before_the_first_byte(held):
    limiters = replace(Limiters.for_readers(), answers=ConcurrencyLimiter("answers", 1, 1))
    app = create_app(held, index_dir="none", limiters=limiters)
    stream = {"Accept": "text/event-stream"}
    with served(app) as url, ThreadPoolExecutor(2) as readers:
        first = readers.submit(httpx.post, f"{url}/v1/answers", json=ASKED, timeout=60)
        until(lambda: limiters.answers.running == 1)
        second = readers.submit(httpx.post, f"{url}/v1/chat/completions", json=CHAT, timeout=60)
        until(lambda: limiters.answers.queued == 1)

        for headers in ({}, stream, stream | {"Idempotency-Key": "k"}):
            refused = httpx.post(f"{url}/v1/answers", json=ASKED, headers=headers)
            assert refused.status_code == 503, refused.text
            assert refused.headers["content-type"] == "application/problem+json"
            problem = refused.json()
            assert problem["title"] == "Too many requests at once"
            assert "try again" in problem["detail"]
            assert int(refused.headers["retry-after"]) == problem["retry_after"] >= 1
        refused = httpx.post(f"{url}/v1/chat/completions", json=CHAT | {"stream": True})
        assert refused.status_code == 503 and refused.headers["retry-after"]
        assert refused.json()["error"]["code"] == "too_busy"
        with Client(url, retries=0) as client, pytest.raises(ServiceFailed) as failed:
            client.answer("Why?")
        assert failed.value.retry_after >= 1

        held.go.set()
        assert first.result().json()["reason"] == "none" and second.result().status_code == 200
        with Client(url) as client:
            assert client.answer("Why?").reason == "none"


@pytest.mark.server
def test_client_retries_after_the_time_it_was_given(held):
    limiters = replace(Limiters.for_readers(), answers=ConcurrencyLimiter("answers", 1, 0))
    app = create_app(held, index_dir="none", limiters=limiters)
    with served(app) as url, ThreadPoolExecutor(1) as readers:
        first = readers.submit(httpx.post, f"{url}/v1/answers", json=ASKED, timeout=60)
        until(lambda: limiters.answers.running == 1)
        statuses = []

        def record(response):
            statuses.append(response.status_code)
            held.go.set()

        with Client(url) as client:
            client._http.event_hooks = {"response": [record]}
            assert client.answer("Why?").reason == "none"
        assert statuses[0] == 503 and statuses[-1] == 200 and first.result().status_code == 200


@pytest.mark.server
@pytest.mark.parametrize("headers", [{}, {"Accept": "text/event-stream"}])
def test_cancelled_waiter_frees_queue_slot(held, headers):
    limiters = replace(Limiters.for_readers(), answers=ConcurrencyLimiter("answers", 1, 1))
    with served(create_app(held, index_dir="none", limiters=limiters)) as url:
        with ThreadPoolExecutor(1) as readers:
            first = readers.submit(httpx.post, f"{url}/v1/answers", json=ASKED, timeout=60)
            until(lambda: limiters.answers.running == 1)
            with pytest.raises(httpx.ReadTimeout):
                httpx.post(f"{url}/v1/answers", json=ASKED, headers=headers, timeout=0.3)
            until(lambda: limiters.answers.queued == 0)
            assert limiters.answers.running == 1
            held.go.set()
            first.result()
        until(lambda: limiters.answers.running == 0)
