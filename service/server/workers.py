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
from corpus.store.uploads import UploadStore
from service.server import bootstrap
from service.server.startup import StartingApp, run_in_daemon_thread

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess
    from multiprocessing.sharedctypes import Synchronized

    from service.answering.engine import Engine
    from service.ingestion.worker import IngestionWorker
    from service.settings import Settings

_log = logging.getLogger(__name__)

Announce = Callable[[str], None]

EXIT_FAILED = 2  # exit code of a process that has said why it ends
EXIT_INTERRUPTED = 130  # of one that was told to end while it was loading, as shells have it
RESTART_SECONDS = 0.5  # seconds before a process that died is replaced
MAX_RESTART_SECONDS = 30.0  # where its successors cannot start
SHUTDOWN_SECONDS = 15.0  # for the processes to end, after which they are killed


@dataclass(frozen=True, slots=True)
class ReadyAnnouncement:
    """Says once, when all of ``workers`` processes can answer, that the service can."""

    emit: Announce
    address: str
    workers: int = 1
    started: Synchronized | None = None  # so many of them; None where there is one

    def announce(self, empty: str) -> None:
        if self.started is not None:
            with self.started.get_lock():
                self.started.value += 1
                if self.started.value != self.workers:
                    return
        if empty:
            self.emit(empty)
        self.emit(f"Tenkyo is ready: {self.address}")


class Server(uvicorn.Server):
    """One process of the service of some settings. ``error`` is what kept it from starting."""

    def __init__(self, settings: Settings, ready: ReadyAnnouncement) -> None:
        self._settings = settings
        self._runner: IngestionWorker | None = None
        self._loading, self._empty = True, ""
        self.error: Exception | None = None
        # Its lines go where ours go (log_config), so that they too have the id of their request.
        super().__init__(
            uvicorn.Config(
                StartingApp(self._load, lambda: ready.announce(self._empty), self._fail),
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
        models = bootstrap.create_models(settings)
        loads = [
            run_in_daemon_thread(lambda: models.embedder.embed_query("warm")),
            run_in_daemon_thread(lambda: models.checker.answers([("warm", "up")])),
        ]
        try:
            engine, close = bootstrap.create_engine(
                settings, behind=True, loaded=models
            )  # see Runner
            app = self._app(engine, close)
        finally:
            wait(loads)  # what fails ends the process, which is to come down in order
        for load in loads:
            load.result()
        engine.warm_up()
        return app

    def _app(self, engine: Engine, close: Callable) -> Any:
        from service.api.app import Options, create_app
        from service.concurrency.admission import Limiters
        from service.messages import reader_message

        settings = self._settings
        self._runner = bootstrap.create_ingestion_worker(settings, engine.library)
        self._empty = "" if engine.library.store.sources() else reader_message("empty", "en")
        return create_app(
            engine,
            index_dir=settings.index_dir,
            on_close=close,
            runner=self._runner,
            limiters=Limiters.for_readers(-(-settings.readers // settings.workers)),
            locks=bootstrap.process_locks(settings),
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

    def serve_until_signal(self, bound: socket.socket) -> None:
        """Serve until a signal comes; raises what kept it from starting."""
        try:
            self.run(sockets=[bound])
        finally:
            if self._loading and self.should_exit:  # told so, while a thread is in native code,
                os._exit(EXIT_INTERRUPTED)  # which may not come through the end of the interpreter
        if self.error:
            raise self.error


def run_service(settings: Settings, bound: socket.socket, address: str, emit: Announce) -> None:
    """Serve until a signal comes. TenkyoError for what keeps it from starting."""
    if settings.workers == 1:
        Server(settings, ReadyAnnouncement(emit, address)).serve_until_signal(bound)
        return
    UploadStore(settings.uploads_dir).delete_partial()  # before any of them receives one
    settings, _model = bootstrap.start_local_model(
        settings
    )  # one for all of them, as long as this runs
    spawn = multiprocessing.get_context("spawn")
    started = spawn.Value("i", 0)
    given = (settings, bound, ReadyAnnouncement(emit, address, settings.workers, started))

    def begin() -> SpawnProcess:
        process = spawn.Process(target=_work, args=given)
        process.start()
        return process

    workers = ProcessSupervisor(settings.workers, begin, started)
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, workers.end)
    workers.run()


class ProcessSupervisor:
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
        known, pause, due = 0, RESTART_SECONDS, 0.0
        failed = False
        while not self._ending:
            if time.monotonic() >= due:
                processes += [self._begin() for _ in range(self._count - len(processes))]
            connection.wait([process.sentinel for process in processes], timeout=RESTART_SECONDS)
            dead = [process for process in processes if process.exitcode is not None]
            if not dead:
                continue
            now = self._started.value
            if failed := not now and any(process.exitcode == EXIT_FAILED for process in dead):
                break
            processes = [process for process in processes if process not in dead]
            pause = RESTART_SECONDS if now > known else min(2 * pause, MAX_RESTART_SECONDS)
            known, due = now, time.monotonic() + pause
        self._stop(processes)
        if failed:  # it has said why
            raise SystemExit(EXIT_FAILED)

    def end(self, *_: object) -> None:
        self._ending = True

    def _stop(self, processes: list[SpawnProcess]) -> None:
        for process in processes:
            process.terminate()
        deadline = time.monotonic() + SHUTDOWN_SECONDS
        for process in processes:
            process.join(max(deadline - time.monotonic(), 0))
            process.kill()


def _work(settings: Settings, bound: socket.socket, ready: ReadyAnnouncement) -> None:
    """What one of several processes does."""
    from service.logs import log_to_standard_error

    log_to_standard_error(settings.log)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        Server(settings, ready).serve_until_signal(bound)
    except TenkyoError as error:
        bootstrap.print_error(error)
        sys.exit(EXIT_FAILED)
    except KeyboardInterrupt:  # the one at the keyboard ends all of them
        pass
    except Exception:
        _log.exception("a process of the service failed")
        sys.exit(EXIT_FAILED)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    connection.wait([parent.sentinel])
    with contextlib.suppress(ProcessLookupError):
        os.kill(os.getpid(), signal.SIGTERM)
