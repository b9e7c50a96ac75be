"""A service that runs: one process, or several that share a library and a port.

The port listens at once; with several processes, when the language model that they share is
loaded, where it is theirs to load. What takes long, the code of the API, the index and the two
models, is loaded meanwhile, the models beside each other. Nothing heavy is imported before.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import wait
from dataclasses import dataclass
from multiprocessing import connection
from typing import TYPE_CHECKING, Any

import uvicorn

from corpus.errors import TenkyoError
from corpus.uploads import Uploads
from service import parts
from service.opening import Opening, aside

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess
    from multiprocessing.sharedctypes import Synchronized

    from service.engine import Engine
    from service.runner import Runner
    from service.settings import Settings

_log = logging.getLogger(__name__)

Say = Callable[[str], None]

FAILED = 2  # exit code of a process that has said why it ends
INTERRUPTED = 130  # of one that was told to end while it was loading, as shells have it
PAUSE = 0.5  # seconds before a process that died is replaced
LONGEST_PAUSE = 30.0  # where its successors cannot start
END_SECONDS = 15.0  # for the processes to end, after which they are killed


@dataclass(frozen=True, slots=True)
class Ready:
    """Says once, when all of ``workers`` processes can answer, that the service can."""

    say: Say
    address: str
    workers: int = 1
    started: Synchronized | None = None  # so many of them; None where there is one

    def tell(self, empty: str) -> None:
        if self.started is not None:
            with self.started.get_lock():
                self.started.value += 1
                if self.started.value != self.workers:
                    return
        if empty:
            self.say(empty)
        self.say(f"Tenkyo is ready: {self.address}")


class Server(uvicorn.Server):
    """One process of the service of some settings. ``error`` is what kept it from starting."""

    def __init__(self, settings: Settings, ready: Ready) -> None:
        self._settings = settings
        self._runner: Runner | None = None
        self._loading, self._empty = True, ""
        self.error: Exception | None = None
        # Its lines go where ours go (log_config), so that they too have the id of their request.
        super().__init__(
            uvicorn.Config(
                Opening(self._load, lambda: ready.tell(self._empty), self._fail),
                log_level=settings.log,
                log_config=None,
                lifespan="on",
                timeout_graceful_shutdown=5,
            )
        )

    def _load(self) -> Any:
        try:
            return self._made()
        finally:
            self._loading = False

    def _made(self) -> Any:
        settings = self._settings
        models = parts.models(settings)
        loads = [
            aside(lambda: models.embedder.embed_query("warm")),
            aside(lambda: models.checker.answers([("warm", "up")])),
        ]
        try:
            engine, close = parts.engine(settings, behind=True, loaded=models)  # see Runner
            app = self._app(engine, close)
        finally:
            wait(loads)  # what fails ends the process, which is to come down in order
        for load in loads:
            load.result()
        engine.warm_up()
        return app

    def _app(self, engine: Engine, close: Callable) -> Any:
        from service.api import Options, create_app
        from service.gate import Gates
        from service.wording import say

        settings = self._settings
        self._runner = parts.runner(settings, engine.library)
        self._empty = "" if engine.library.store.sources() else say("empty", "en")
        return create_app(
            engine,
            index_dir=settings.index_dir,
            on_close=close,
            runner=self._runner,
            gates=Gates.for_readers(-(-settings.readers // settings.workers)),
            locks=parts.process_locks(settings),
            options=Options(
                hosts=settings.host_names, public_url=settings.public_url, kept=settings.kept
            ),
        )

    def _fail(self, error: Exception) -> None:
        self.error, self.should_exit = error, True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._runner:  # no stream of a job is to hold up the end
            await asyncio.to_thread(self._runner.stop)
        await super().shutdown(sockets)

    def serve_until_told(self, bound: socket.socket) -> None:
        """Serve until a signal comes; raises what kept it from starting."""
        try:
            self.run(sockets=[bound])
        finally:
            if self._loading and self.should_exit:  # told so, while a thread is in native code,
                os._exit(INTERRUPTED)  # which may not come through the end of the interpreter
        if self.error:
            raise self.error


def serve(settings: Settings, bound: socket.socket, address: str, say: Say) -> None:
    """Serve until a signal comes. TenkyoError for what keeps it from starting."""
    if settings.workers == 1:
        Server(settings, Ready(say, address)).serve_until_told(bound)
        return
    Uploads(settings.uploads_dir).tidy()  # before any of them receives one
    settings, _model = parts.local_model(settings)  # one for all of them, as long as this runs
    spawn = multiprocessing.get_context("spawn")
    started = spawn.Value("i", 0)
    given = (settings, bound, Ready(say, address, settings.workers, started))

    def begin() -> SpawnProcess:
        process = spawn.Process(target=_work, args=given)
        process.start()
        return process

    workers = Workers(settings.workers, begin, started)
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, workers.end)
    workers.run()


class Workers:
    """``count`` processes, each from ``begin``; one that dies is replaced.

    Where one cannot start, the service ends if none ever could, since the next could not either.
    Later the reason is one that passes, such as a full disk: the others go on, and the next is
    tried after a pause, which grows until one has ``started``.
    """

    def __init__(
        self, count: int, begin: Callable[[], SpawnProcess], started: Synchronized
    ) -> None:
        self._count, self._begin, self._started = count, begin, started
        self._ending = False

    def run(self) -> None:
        """Keep them going until ``end``; SystemExit if they cannot start."""
        processes: list[SpawnProcess] = []
        known, pause, due = 0, PAUSE, 0.0
        failed = False
        while not self._ending:
            if time.monotonic() >= due:
                processes += [self._begin() for _ in range(self._count - len(processes))]
            connection.wait([process.sentinel for process in processes], timeout=PAUSE)
            dead = [process for process in processes if process.exitcode is not None]
            if not dead:
                continue
            now = self._started.value
            if failed := not now and any(process.exitcode == FAILED for process in dead):
                break
            processes = [process for process in processes if process not in dead]
            pause = PAUSE if now > known else min(2 * pause, LONGEST_PAUSE)
            known, due = now, time.monotonic() + pause
        self._stop(processes)
        if failed:  # it has said why
            raise SystemExit(FAILED)

    def end(self, *_: object) -> None:
        self._ending = True

    def _stop(self, processes: list[SpawnProcess]) -> None:
        for process in processes:
            process.terminate()
        deadline = time.monotonic() + END_SECONDS
        for process in processes:
            process.join(max(deadline - time.monotonic(), 0))
            process.kill()


def _work(settings: Settings, bound: socket.socket, ready: Ready) -> None:
    """What one of several processes does."""
    from service.logs import log_to_standard_error

    log_to_standard_error(settings.log)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        Server(settings, ready).serve_until_told(bound)
    except TenkyoError as error:
        parts.complain(error)
        sys.exit(FAILED)
    except KeyboardInterrupt:  # the one at the keyboard ends all of them
        pass
    except Exception:
        _log.exception("a process of the service failed")
        sys.exit(FAILED)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    connection.wait([parent.sentinel])
    with contextlib.suppress(ProcessLookupError):
        os.kill(os.getpid(), signal.SIGTERM)
