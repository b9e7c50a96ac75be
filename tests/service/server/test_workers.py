"""Tests of several processes that serve one library: locks, one answer a key, one that ingests."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import multiprocessing
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partialmethod
from pathlib import Path

import httpx
import pytest
from filelock import FileLock

from corpus.errors import Gone
from corpus.store.database import Database
from index.storage.manifest import read_manifest
from service.answering.engine import Engine
from service.api.app import create_app
from service.concurrency.idempotency import IdempotencyKey
from service.concurrency.process_locks import ProcessLocks
from service.concurrency.resumable import ResumableAnswers
from service.conversations.store import History, StoredReply
from service.ingestion.worker import IngestionWorker
from service.server import bootstrap, workers
from service.server.workers import ProcessSupervisor
from service.settings import Settings
from service.types import Answer, to_json
from tests.support.library_service import House
from tests.support.scripted_engine import Scripted, read

KEY = IdempotencyKey("0f" * 32, "asked")
HOLD = """
import sys
from pathlib import Path
from service.concurrency.process_locks import ProcessLocks
locks, key = ProcessLocks(Path(sys.argv[1])), sys.argv[2]
with getattr(locks, sys.argv[3])(key):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def locks(tmp_path):
    return ProcessLocks(tmp_path / "locks")


@pytest.fixture
def history(tmp_path):
    return History(Database(f"sqlite:///{tmp_path / 'tenkyo.db'}"))


@pytest.fixture
def another(tmp_path):
    """``with another("held")``: another process holds that lock or signal of a key meanwhile."""

    @contextlib.contextmanager
    def another(how, key=KEY.key):
        command = [sys.executable, "-c", HOLD, str(tmp_path / "locks"), key, how]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with subprocess.Popen(command, **pipes) as process:
            assert process.stdout.readline() == b"held\n"
            yield process
            process.kill()  # however it ends

    return another


@pytest.mark.process
def test_lock_and_signals_end_with_their_process(locks, another):
    with another("held"):
        assert not locks.take(KEY.key) and locks.take("1f" * 32)
    assert locks.take(KEY.key)
    for how, is_signalled in (("waiting", locks.is_waited_for), ("stopping", locks.is_to_stop)):
        assert not is_signalled(KEY.key)
        with another(how):
            assert is_signalled(KEY.key) and not is_signalled("1f" * 32)
        assert not is_signalled(KEY.key)


COUNT = """
import sys, time
from pathlib import Path
from service.concurrency.process_locks import ProcessLocks
locks, count = ProcessLocks(Path(sys.argv[1])), Path(sys.argv[2])
for _ in range(60):
    with locks.held("ab"):
        count.write_text(str(int(count.read_text()) + 1))
    while not locks.take("ab"):
        time.sleep(0.001)
    count.write_text(str(int(count.read_text()) + 1))
    locks.release("ab")
"""


@pytest.mark.process
def test_locks_exclude_other_processes_and_leave_no_files(tmp_path):
    (tmp_path / "count").write_text("0")
    command = [sys.executable, "-c", COUNT, tmp_path / "locks", tmp_path / "count"]
    processes = [subprocess.Popen(command) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert (tmp_path / "count").read_text() == "360"
    assert not list((tmp_path / "locks").iterdir())


@pytest.mark.process
def test_lock_files_of_killed_processes_are_removed_at_start(locks, another, tmp_path):
    with another("held"), another("stopping", "1f" * 32), another("waiting", "2f" * 32):
        pass
    left = list((tmp_path / "locks").iterdir())
    assert len(left) == 3
    assert locks.take("3f" * 32)
    again = ProcessLocks(tmp_path / "locks")
    assert not again.take("3f" * 32)
    assert not {path.name for path in left} & {p.name for p in (tmp_path / "locks").iterdir()}


@pytest.mark.process
def test_threads_share_a_taken_lock_but_not_a_held_one(locks):
    assert locks.take(KEY.key)
    with ThreadPoolExecutor(2) as threads:
        assert threads.submit(locks.take, KEY.key).result()
        threads.submit(locks.release, KEY.key).result()
        inside = []

        def alone():
            with locks.held(KEY.key):
                inside.append(len(inside))
                time.sleep(0.05)
                assert inside.pop() == 0

        for each in [threads.submit(alone) for _ in range(2)]:
            each.result()


@pytest.mark.process
def test_answer_made_in_another_process_is_waited_for(history, locks, another):
    engine = Scripted(history, "c")
    answers = ResumableAnswers(engine, locks=locks)

    async def scenario():
        with another("held"):
            waits = [asyncio.create_task(read(answers, KEY, after)) for after in (0, 1)]
            await asyncio.sleep(0.3)
            assert engine.asked == 0 and not any(task.done() for task in waits)
            conversation = history.new_conversation()  # as the other process does
            made = Answer("made", conversation, "なぜ?", "", "quoted", "")
            history.save_answer("made", conversation, to_json(made))
            history.replies.keep(KEY.key, StoredReply("asked", ["evidence", "answer"], "made"))
        whole, rest = await asyncio.gather(*waits)
        assert len(whole) == 2 and rest == whole[1:] and '"made"' in whole[0]

    asyncio.run(scenario())
    assert engine.asked == 0


@pytest.mark.process
def test_answer_of_a_process_that_ended_is_made_here(history, locks, another):
    engine = Scripted(history, "c")
    answers = ResumableAnswers(engine, locks=locks)

    async def scenario():
        with another("held"):
            task = asyncio.create_task(read(answers, KEY))
        assert len(await task) == 3 and engine.asked == 1

    asyncio.run(scenario())
    with another("held"):  # the lock is free again
        pass


@pytest.mark.process
def test_answer_heeds_readers_and_stops_of_another_process(history, locks, another):
    engine = Scripted(history, "c" * 10_000, pause=0.01)
    answers = ResumableAnswers(engine, grace=0.05, locks=locks)

    async def scenario():
        with another("waiting"):
            assert len(await read(answers, KEY, most=2)) == 2
            await asyncio.sleep(0.5)
            assert engine.closed == 0
        while not engine.closed:  # no reader is left
            await asyncio.sleep(0.01)
        async with asyncio.timeout(60):
            reading = asyncio.create_task(read(answers, KEY, most=9_999))
            while engine.asked < 2:
                await asyncio.sleep(0.01)
            with another("stopping"):
                while engine.closed < 2:
                    await asyncio.sleep(0.01)
            await asyncio.gather(reading, return_exceptions=True)

    asyncio.run(scenario())


STOP = """
import asyncio, sys
from pathlib import Path
from service.concurrency.process_locks import ProcessLocks
from service.concurrency.idempotency import IdempotencyKey
from service.concurrency.resumable import ResumableAnswers
answers = ResumableAnswers(None, locks=ProcessLocks(Path(sys.argv[1])))
print(asyncio.run(answers.stop(IdempotencyKey(sys.argv[2], ""), timeout=60)))
"""


@pytest.mark.process
def test_stop_of_another_process_returns_when_the_answer_has_ended(history, locks, tmp_path):
    engine = Scripted(history, "c" * 10_000, pause=0.01)
    engine.closes_in = 0.3
    answers = ResumableAnswers(engine, locks=locks)

    async def scenario():
        stopped = asyncio.create_task(read(answers, KEY, most=9_999))  # it reads to the end
        await eventually(lambda: engine.asked)
        command = ["-c", STOP, str(tmp_path / "locks"), KEY.key]
        other = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=-1)
        assert await other.stdout.readline() == b"True\n" and engine.closed == 1
        with pytest.raises(Gone):
            await stopped
        await other.wait()

    asyncio.run(scenario())


@pytest.mark.process
@pytest.mark.parametrize("begun", [True, False])
def test_stop_does_not_hit_a_later_request(history, locks, another, begun):
    engine = Scripted(history, "c" * (10_000 if begun else 3), pause=0.01)
    answers = ResumableAnswers(engine, locks=locks)

    async def scenario():
        stopped = asyncio.create_task(read(answers, KEY, most=9_999)) if begun else None
        await eventually(lambda: engine.asked or not begun)
        with another("stopping"):  # it does not see at once that the answer has ended
            engine.decided = "ccc"
            later = asyncio.create_task(read(answers, KEY))
            await eventually(lambda: locks.is_waited_for(KEY.key) or later.done())
            assert not later.done() and engine.asked == begun
        assert len(await later) == 5 and engine.asked == begun + 1
        if stopped:
            with pytest.raises(Gone):
                await stopped

    asyncio.run(scenario())


@pytest.mark.process
def test_stop_goes_on_after_its_request_was_cancelled(locks, another):
    answers = ResumableAnswers(None, locks=locks)

    async def scenario():
        with another("held"):
            asked = asyncio.create_task(answers.stop(KEY, timeout=60))
            await eventually(lambda: locks.is_to_stop(KEY.key))
            assert not asked.done()
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)
            assert not await answers.stop(KEY, timeout=0)  # it is not over yet
            assert locks.is_to_stop(KEY.key)
        await eventually(lambda: not locks.is_to_stop(KEY.key))
        assert await answers.stop(KEY, timeout=60)

    asyncio.run(scenario())


@pytest.mark.process
def test_stop_that_has_not_ended_gets_503(
    library, library_folder, checker, locks, another, monkeypatch
):
    soon = partialmethod(ResumableAnswers.stop, timeout=1)  # instead of five seconds
    monkeypatch.setattr(ResumableAnswers, "stop", soon)
    engine = Engine(library, checker, History(library.store.database))
    app = create_app(engine, index_dir=library_folder / "index", locks=locks)

    async def scenario():
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:

            async def stop():
                return await client.delete("/v1/answers", headers={"Idempotency-Key": "k-1"})

            with another("held", hashlib.sha256(b"/v1/answers\0k-1").hexdigest()):
                refused = await stop()
                assert refused.status_code == 503 and refused.headers["Retry-After"] == "1"
                assert "is being stopped" in refused.json()["detail"]
            assert (await stop()).status_code == 204

    asyncio.run(scenario())


# Jobs


async def eventually(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.005)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.process
@pytest.mark.server
def test_one_of_two_processes_carries_out_the_jobs_of_both(
    library_folder, tmp_path, embedder, checker
):
    house = House(Path(shutil.copytree(library_folder, tmp_path / "data")), embedder, checker)
    house.web.pages["example.org/maps"] = ("text/plain", b"The Kanda room holds 40,000 maps. " * 9)
    first, second = (IngestionWorker(house.means, shared=True) for _ in range(2))
    try:
        first.start()
        until(lambda: first.is_at_work)
        second.start()
        job = second.add_places(["https://example.org/maps"], False, 1, 1)
        until(lambda: second.table.job(job.id).ended)
        (item,) = second.table.items(job.id)
        assert item["outcome"] == "fetched" and not second.is_at_work

        house.web.hold.clear()
        slow = second.add_places(["https://example.org/slow"], False, 1, 1)
        until(lambda: house.web.held)
        assert second.cancel(slow.id).status == "interrupted"
        assert not house.web.held  # the first process has stopped it
        assert "what it had read by then stays" in second.table.job(slow.id).reason
        second.remove(item["source_id"])
        house.web.hold.set()
        settled = house.store.revision()
        until(lambda: read_manifest(house.index)["corpus_revision"] == settled)

        first.close()
        until(lambda: second.is_at_work)
        again = second.add_places(["https://example.org/maps"], False, 1, 1)
        until(lambda: second.table.job(again.id).ended)
        assert second.table.job(again.id).status == "done"
        assert second.table.job(slow.id).status == "interrupted"
    finally:
        house.web.hold.set()
        for runner in (first, second):
            runner.close()


@pytest.mark.process
@pytest.mark.server
def test_interrupted_job_is_taken_over_once_the_database_is_free(
    library_folder, tmp_path, embedder, checker
):
    house = House(Path(shutil.copytree(library_folder, tmp_path / "data")), embedder, checker)
    house.web.pages["example.org/maps"] = ("text/plain", b"The Kanda room holds 40,000 maps. " * 9)
    runner = IngestionWorker(house.means, shared=True)
    job = runner.add_places(["https://example.org/maps"], False, 1, 1)
    runner.table.begin()  # by a process that has ended
    path = house.data / "tenkyo.db"
    waiting = LogLine("jobs that were running")
    log = logging.getLogger("service.ingestion.worker")
    log.addFilter(waiting)
    try:
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.execute(
                "CREATE TRIGGER busy BEFORE UPDATE ON jobs WHEN OLD.status = 'running'"
                " BEGIN SELECT RAISE(ABORT, 'busy'); END"
            )
        runner.start()
        assert waiting.seen.wait(60)
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.execute("DROP TRIGGER busy")
        until(lambda: runner.table.job(job.id).ended)
        assert runner.table.job(job.id).status == "done"
    finally:
        log.removeFilter(waiting)
        runner.close()


@pytest.mark.process
@pytest.mark.server
def test_cancelled_job_is_not_restarted_by_another_process(
    library_folder, tmp_path, embedder, checker
):
    house = House(Path(shutil.copytree(library_folder, tmp_path / "data")), embedder, checker)
    runner = IngestionWorker(house.means, shared=True)
    job = runner.add_places(["https://example.org/maps"], False, 1, 1)
    runner.table.begin()  # by a process that ends before it sees the cancellation
    try:
        with ThreadPoolExecutor(1) as pool:
            cancelling = pool.submit(runner.cancel, job.id)
            until(lambda: runner.table.job(job.id).reason)
            assert runner.table.job(job.id).status == "running"
            runner.start()
            assert cancelling.result(timeout=60).status == "interrupted"
        assert not house.web.asked
    finally:
        runner.close()


class LogLine(logging.Filter):
    """A log filter that notices a line and suppresses it."""

    def __init__(self, line: str) -> None:
        super().__init__()
        self.line, self.seen = line, threading.Event()

    def filter(self, record: logging.LogRecord) -> bool:
        if matches := self.line in record.getMessage():
            self.seen.set()
        return not matches


# Start of processes


def test_process_starts_while_another_one_indexes(library_folder, embedder):
    settings = Settings(data_dir=library_folder)
    with ThreadPoolExecutor(1) as starting, FileLock(library_folder / "index.lock"):
        found = starting.submit(bootstrap.open_library, settings, True, embedder)
        assert len(found.result(timeout=30).index) > 0


def process_starter(started, *exit_codes):
    """Make a function that starts processes: None runs on, a number exits with that code."""
    spawn, plan = multiprocessing.get_context("spawn"), iter(exit_codes)

    def begin():
        code = next(plan)
        lasts = code is None
        target, given = (time.sleep, 600) if lasts else (sys.exit, code)
        process = spawn.Process(target=target, args=(given,))
        process.start()
        started.value += lasts
        begin.begun.append(process)
        return process

    begin.begun = []
    return begin


def test_failed_start_ends_the_service_only_if_no_process_ever_started():
    started = multiprocessing.get_context("spawn").Value("i", 0)
    with pytest.raises(SystemExit) as ended:
        ProcessSupervisor(1, process_starter(started, workers.EXIT_FAILED), started).run()
    assert ended.value.code == workers.EXIT_FAILED

    begin = process_starter(started, None, 1, workers.EXIT_FAILED, None)
    supervisor = ProcessSupervisor(2, begin, started)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(supervisor.run)
        until(lambda: started.value == 2)
        first, *_, last = begin.begun
        assert first.is_alive() and last.is_alive() and not running.done()
        supervisor.end()
        running.result(timeout=60)
    assert first.exitcode and last.exitcode


# A real service of two processes


def children(pid: int) -> list[int]:
    """Return the worker processes of a service, without the resource tracker of Python."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [
        int(child)
        for child in found
        if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


@pytest.fixture
def two_workers(library_folder, models, tmp_path):
    """The address and the main process of a service with two workers."""
    if not Path("/proc/self/task").exists():
        pytest.skip("the list of processes is read from /proc")
    data = Path(shutil.copytree(library_folder, tmp_path / "data"))
    (data / "models").symlink_to(models)
    partial_upload = data / "uploads" / "half.part"
    partial_upload.parent.mkdir(exist_ok=True)
    partial_upload.write_bytes(b"the first half")
    environ = dict(os.environ, TENKYO_DATA_DIR=str(data), TENKYO_PORT="0", TENKYO_WORKERS="2")
    command = [sys.executable, "-m", "service.cli.main", "serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as process:
        try:
            for line in process.stdout:
                if "ready" in line:
                    break
            assert not partial_upload.exists()
            yield re.search(r"http://\S+", line)[0], process
        finally:
            process.terminate()
            assert process.stdout.read() == ""  # it printed that it was ready once only
            process.wait(timeout=60)


@pytest.mark.process
def test_two_processes_act_as_one_service(two_workers):
    url, process = two_workers
    pids = children(process.pid)
    assert len(pids) == 2

    def ask(after: int) -> httpx.Response:
        headers = {"Idempotency-Key": "k-1", "Accept": "text/event-stream"}
        headers |= {"Last-Event-ID": str(after)} if after else {}
        body = {"question": "How many hours of audio was Whisper trained on?"}
        return httpx.post(f"{url}/v1/answers", json=body, headers=headers, timeout=120)

    began = datetime.now(UTC).isoformat()  # the copied library has earlier answers
    with ThreadPoolExecutor(8) as readers:
        whole = {reply.text for reply in readers.map(ask, [0] * 8)}
        assert len(whole) == 1 and "event: answer" in next(iter(whole))
        rest = {reply.text for reply in readers.map(ask, [1] * 8)}
    assert len(rest) == 1 and next(iter(whole)).endswith(next(iter(rest)))
    listed = httpx.get(f"{url}/v1/conversations").json()["conversations"]
    assert sum(each["answers"] for each in listed if each["created_at"] > began) == 1

    def upload(name: str) -> dict:
        files = [("files", (f"{name}.txt", f"The {name} opened in 1931. ".encode() * 9))]
        job = httpx.post(f"{url}/v1/documents", files=files, timeout=60).json()
        headers = {"Accept": "text/event-stream"}
        httpx.get(f"{url}/v1/jobs/{job['id']}", headers=headers, timeout=120)  # until it ends
        return httpx.get(f"{url}/v1/jobs/{job['id']}").json()

    assert upload("Kanda reading room")["status"] == "done"
    os.kill(pids[0], signal.SIGKILL)
    for name in ("Ueno zoo", "Osaka mint"):  # whether or not it was the one that ingested
        with contextlib.suppress(httpx.HTTPError):  # requests of the killed process are lost
            assert upload(name)["status"] == "done"
    jobs = httpx.get(f"{url}/v1/jobs").json()["jobs"]
    assert len(jobs) >= 2
    found = httpx.get(f"{url}/v1/search", params={"q": "When did the Kanda reading room open?"})
    assert "1931" in found.json()["hits"][0]["passage"]["text"]
    assert process.poll() is None


def test_service_says_that_it_is_still_loading_until_it_is_not(monkeypatch):
    monkeypatch.setattr(workers, "STILL_LOADING_SECONDS", 0.05)
    said, loading = [], threading.Event()
    loading.set()
    workers.emit_while(loading.is_set, said.append)
    deadline = time.monotonic() + 10
    while len(said) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    loading.clear()
    time.sleep(0.2)
    count = len(said)
    time.sleep(0.3)
    assert count == len(said) >= 3 and all("still loading" in line for line in said)
