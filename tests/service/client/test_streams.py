"""Tests of the Python client over broken connections, and of its jobs and conversations."""

import asyncio
import inspect
import shutil
import time
from contextlib import aclosing
from pathlib import Path

import httpx
import pytest

from corpus.errors import CorpusError, ServiceRefused, ServiceUnreachable, StreamBroken
from index.ingestion.report import Progress
from service.client.sync_client import AsyncClient, Client
from service.ingestion.job_store import Job
from service.schemas import ReadItem
from tests.support.asgi_client import QUESTION
from tests.support.library_service import MAPS, SHIPS, House, many
from tests.support.scripted_model import Script
from tests.support.switched_model import SAID

pytestmark = [pytest.mark.process, pytest.mark.server, pytest.mark.usefixtures("kept_readers")]


class BreakingNetwork(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A network that breaks the first ``times`` streams after ``after`` events each, and records
    the requests."""

    def __init__(self, after: int, times: int) -> None:
        self.after, self.left, self.asked = after, times, []
        self._plain, self._async = httpx.HTTPTransport(), httpx.AsyncHTTPTransport()

    def handle_request(self, request):
        response = self._plain.handle_request(request)
        if self._breaks(request, response.headers):
            response.stream = CutStream(response.stream, self.after)
        return response

    async def handle_async_request(self, request):
        response = await self._async.handle_async_request(request)
        if self._breaks(request, response.headers):
            response.stream = CutStream(response.stream, self.after)
        return response

    def _breaks(self, request, headers) -> bool:
        self.asked.append(request.headers)
        breaks = self.left > 0 and headers["content-type"].startswith("text/event-stream")
        self.left -= breaks
        return breaks


class CutStream(httpx.SyncByteStream, httpx.AsyncByteStream):
    def __init__(self, stream, events: int) -> None:
        self._stream, self._left = stream, events

    def __iter__(self):
        for data in self._stream:
            yield self._some(data)

    async def __aiter__(self):
        async for data in self._stream:
            yield self._some(data)

    def _some(self, data: bytes) -> bytes:
        if self._left <= 0:
            raise httpx.ReadError("the cable was pulled out")
        self._left -= data.count(b"\n\n")
        return data

    def close(self) -> None:
        self._stream.close()

    async def aclose(self) -> None:
        await self._stream.aclose()


class SlowModel(Script):
    """A scripted model that takes some time, and counts its calls."""

    asked = 0

    async def stream(self, messages):
        self.asked += 1
        async for piece in super().stream(messages):
            await asyncio.sleep(0.01)
            yield piece


@pytest.fixture(scope="module")
def house(tmp_path_factory, library_folder, embedder, checker):
    folder = tmp_path_factory.mktemp("client") / "data"
    house = House(Path(shutil.copytree(library_folder, folder)), embedder, checker)
    with house.open():
        yield house


@pytest.fixture(autouse=True)
def model(house):
    house.engine.model = SlowModel(SAID)
    return house.engine.model


@pytest.fixture(autouse=True)
def reconnect_at_once(monkeypatch):
    """Otherwise the clients of this file would wait for ten seconds in all."""
    monkeypatch.setattr("service.client.streams.RECONNECT_SECONDS", 0.01)


@pytest.fixture
def client(house):
    with Client(house.url, timeout=60) as client:
        yield client


def events_of(url, transport, asynchronous, retries=4):
    """Return the names of the events of an answer."""

    async def run():
        async with (
            AsyncClient(url, transport=transport, retries=retries) as client,
            aclosing(client.stream(QUESTION)) as events,
        ):
            return [event.name async for event in events]

    if asynchronous:
        return asyncio.run(run())
    with Client(url, transport=transport, retries=retries) as client:
        return [event.name for event in client.stream(QUESTION)]


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("after", [0, 1, 2, 3])
def test_broken_stream_resumes_after_its_last_event(house, model, after, asynchronous):
    network = BreakingNetwork(after, 1)
    seen = events_of(house.url, network, asynchronous)
    assert seen == ["evidence", "claim", "rejected", "answer"] and model.asked == 1
    first, second = network.asked
    assert first["idempotency-key"] == second["idempotency-key"]
    assert "last-event-id" not in first and second.get("last-event-id", "0") == str(after)


@pytest.mark.parametrize("asynchronous", [False, True])
def test_stream_without_progress_is_given_up_after_retries(house, model, asynchronous):
    network = BreakingNetwork(0, 100)
    with pytest.raises((StreamBroken, ServiceUnreachable), match="pulled out"):
        events_of(house.url, network, asynchronous, retries=3)
    assert len(network.asked) == 4 and model.asked == 1
    # A stream with a new event each time is not given up.
    network = BreakingNetwork(1, 3)
    assert len(events_of(house.url, network, asynchronous, retries=1)) == 4


def test_without_retries_no_key_is_sent(house):
    network = BreakingNetwork(1, 1)
    with pytest.raises(StreamBroken, match="ask again"):
        events_of(house.url, network, False, retries=0)
    (only,) = network.asked
    assert "idempotency-key" not in only


def test_answer_is_made_once_over_broken_connections(house, model):
    network = BreakingNetwork(1, 2)
    with Client(house.url, transport=network) as client:
        answer = client.answer(QUESTION)
        assert answer.claims and model.asked == 1 and len(network.asked) == 3
        assert client.answer(QUESTION).id != answer.id and model.asked == 2


def test_stream_that_cannot_be_resumed_is_broken(house):
    """The service replies 410 to the attempt to resume."""

    def reply(request):
        if "last-event-id" in request.headers:
            problem = {"title": "Gone", "status": 410, "detail": "it was stopped: ask again"}
            return httpx.Response(410, json=problem)
        body = b'id: 1\nevent: evidence\ndata: {"id": "a", "conversation_id": "b", "question": "c", "evidence": []}\n\n'  # fmt: skip
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=body)

    with (
        Client("http://t", transport=httpx.MockTransport(reply)) as client,
        pytest.raises(StreamBroken, match="stopped"),
    ):
        list(client.stream(QUESTION))


# --- Jobs ---------------------------------------------------------------------------------------


def test_files_are_uploaded_watched_and_removed(client, house, tmp_path):
    (tmp_path / "地図.md").write_bytes(MAPS)
    (tmp_path / "ships.md").write_bytes(SHIPS)
    job = client.upload([tmp_path / "地図.md", str(tmp_path / "ships.md")])
    events = list(client.watch(job))
    assert {type(each.data) for each in events} == {Progress, ReadItem, Job}
    items = [each.data for each in events if each.name == "item"]
    assert {(item.place, item.outcome) for item in items} == {("地図.md", "read"), ("ships.md", "read")}  # fmt: skip
    assert events[-1].name == "job" and events[-1].data.status == "done"
    whole = client.job(job.id)
    assert whole.items == tuple(items) and whole.progress.indexed == 2 and whole.ended
    assert list(client.watch(job.id))[-1].data == events[-1].data
    assert "40,000" in client.answer("How many maps does the Kanda room hold?", mode="quoted").text
    newer = tmp_path / "newer.md"
    newer.write_bytes(MAPS.replace(b"40,000", b"51,000"))
    (item,) = (e.data for e in client.watch(client.upload([newer], source_id=items[0].source_id)) if e.name == "item")  # fmt: skip
    assert item.source_id == items[0].source_id
    for item in items:
        assert client.remove(item.source_id) is None
    assert not {item.source_id for item in items} & {source.id for source in client.sources()}
    page = client.jobs(1)
    assert len(page.jobs) == 1 and client.jobs(1, page.next).jobs[0].id == job.id
    with pytest.raises(CorpusError, match=r"nowhere\.md cannot be read"):
        client.upload([tmp_path / "nowhere.md"])


@pytest.mark.parametrize("asynchronous", [False, True])
def test_job_is_watched_over_broken_connections(house, client, tmp_path, asynchronous):
    path = tmp_path / f"many-{asynchronous}.md"
    path.write_bytes(many(60, f"maps-{asynchronous}"))

    async def watch(network):
        async with AsyncClient(house.url, transport=network) as other:
            job = await other.upload([path])
            async with aclosing(other.watch(job)) as events:
                return [event async for event in events]

    network = BreakingNetwork(1, 3)
    if asynchronous:
        events = asyncio.run(watch(network))
    else:
        with Client(house.url, transport=network) as other:
            events = list(other.watch(other.upload([path])))
    assert events[-1].name == "job" and [e.name for e in events].count("item") == 1
    numbers = [int(sent["last-event-id"]) for sent in network.asked if "last-event-id" in sent]
    assert len(numbers) == 3 and numbers == sorted(set(numbers))
    client.remove(next(e.data.source_id for e in events if e.name == "item"))


def test_addresses_are_ingested_and_job_is_cancelled(client, house):
    house.web.pages["example.org/maps"] = ("text/markdown", MAPS + b" It is by the river.")
    done = list(client.watch(client.add_urls(["https://example.org/maps"])))[-1]
    assert done.data.status == "done"
    client.remove(client.job(done.data.id).items[0].source_id)
    house.web.hold.clear()
    try:
        job = client.add_urls(["https://example.org/slow"], follow=True, limit=3)
        assert job.asked["limit"] == 3
        deadline = time.monotonic() + 20
        while client.job(job.id).status == "queued":
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert client.cancel(job).status == "interrupted"
    finally:
        house.web.hold.set()
    with pytest.raises(ServiceRefused, match="has ended"):
        client.cancel(job.id)


# --- Conversations ------------------------------------------------------------------------------


def test_conversation_routes(client):
    answer = client.answer(QUESTION)
    conversation_id = answer.conversation_id
    assert client.conversations(1).conversations[0].id == conversation_id
    whole = client.conversation(conversation_id)
    assert [each.id for each in whole.answers] == [answer.id]
    assert whole.title == "Whisper: hours of labelled audio"
    assert client.conversations(query="LABELLED").conversations[0].found.match == "labelled"
    assert client.conversations(query="no such words").conversations == ()
    assert (
        client.rename(conversation_id, "Hours").title
        == client.conversation(conversation_id).title
        == "Hours"
    )
    link = client.share(conversation_id, 3600)
    assert link.expires_at and client.shared(link.token).answers[0]["question"] == QUESTION
    assert "680,000" in client.export(conversation_id) and "[^1]:" in client.export_answer(
        answer.id
    )
    assert client.export(conversation_id, "bibtex").startswith("@")
    rated = client.feedback(answer.id, "down", "no", claim=0)
    assert (rated.rating, rated.claim, rated.reason) == ("down", 0, "no")
    assert all(isinstance(question, str) for question in client.related(answer.id))
    assert client.examples("ja") and client.examples() != client.examples("ja")
    assert client.delete_conversation(conversation_id) is None
    with pytest.raises(ServiceRefused, match="no conversation"):
        client.conversation(conversation_id)


def test_async_client_has_the_same_methods(house, tmp_path):
    def public(client):
        return {
            name: [(p.name, p.kind, p.default) for p in inspect.signature(f).parameters.values()]
            for name, f in inspect.getmembers(client, inspect.isroutine)
            if not name.startswith("_") and name not in ("close", "aclose")
        }

    with Client(house.url) as client:
        methods = public(client)
    assert public(AsyncClient(house.url)) == methods and len(methods) >= 26
    ships = tmp_path / "ships.md"
    ships.write_bytes(SHIPS)

    async def run():
        async with AsyncClient(house.url, timeout=60) as client:
            answer = await client.answer(QUESTION)
            conversation_id = answer.conversation_id
            assert (await client.conversation(conversation_id)).answers[0].id == answer.id
            assert "680,000" in await client.export(conversation_id)
            assert (await client.feedback(answer.id, "up")).rating == "up"
            assert len(await client.examples()) <= 3
            job = await client.upload([ships])
            *_, last = [event async for event in client.watch(job)]
            assert (await client.jobs(1)).jobs == (last.data,)
            await client.remove((await client.job(job.id)).items[0].source_id)
            assert await client.delete_conversation(conversation_id) is None

    asyncio.run(run())
