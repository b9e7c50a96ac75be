"""Server processes: one, or several that share a library and a port.

The port listens at once (several processes first load the language model that they share, where
one is set). Everything slow is loaded after that in parallel: the code of the API with the index,
and each of the two models. The package of MCP, a third of all import time, is loaded at its first
request. This module imports nothing heavy.
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
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from functools import partial
from multiprocessing import connection
from typing import TYPE_CHECKING, Any

import uvicorn

from corpus.errors import TenkyoError
from corpus.store.uploads import UploadStore
from service.connection.choice import ChoiceFile, KeptChoice, with_choice
from service.server import bootstrap
from service.server.language_models import create_connection
from service.server.startup import StartingApp, run_in_daemon_thread

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess
    from multiprocessing.sharedctypes import Synchronized

    from fastapi import FastAPI

    from service.answering.engine import Engine
    from service.ingestion.worker import IngestionWorker
    from service.settings import Settings

_log = logging.getLogger(__name__)

Announce = Callable[[str], None]

EXIT_FAILED = 2  # exit code of a process that has printed why it ends
EXIT_INTERRUPTED = 130  # of one that got a signal while it was loading, as in shells
RESTART_SECONDS = 0.5  # before a process that died is replaced
MAX_RESTART_SECONDS = 30.0  # the same while replacements fail to start
STILL_LOADING_SECONDS = 8.0  # between two lines which say that the service is still loading
SHUTDOWN_SECONDS = 15.0  # for the processes to end; then they are killed


@dataclass(frozen=True, slots=True)
class ReadyAnnouncement:
    """Prints once that the service is ready, when all its processes are.

    Attributes:
        emit: Prints a line.
        address: The address at which readers find the service.
        workers: The number of processes.
        started: How many of them have started, shared between them; None for a single process.
    """

    emit: Announce
    address: str
    workers: int = 1
    started: Synchronized[int] | None = None

    def announce(self, empty: str) -> None:
        """Count this process as ready; the last one prints, after ``empty`` if it says anything."""
        if self.started is not None:
            with self.started.get_lock():
                self.started.value += 1
                if self.started.value != self.workers:
                    return
        if empty:
            self.emit(empty)
        self.emit(f"Tenkyo is ready: {self.address}")


class Server(uvicorn.Server):
    """One server process; ``error`` is what kept it from starting, if anything did."""

    def __init__(self, settings: Settings, ready: ReadyAnnouncement) -> None:
        self._settings = settings
        self._worker: IngestionWorker | None = None
        self._loading, self._empty = True, ""
        self.error: Exception | None = None
        # No log_config: uvicorn logs through our handler, so that its lines have request ids too.
        super().__init__(
            uvicorn.Config(
                StartingApp(self._load, lambda: ready.announce(self._empty), self._fail),
                log_level=settings.log,
                log_config=None,
                lifespan="on",
                timeout_graceful_shutdown=5,
            )
        )

    @property
    def loading(self) -> bool:
        """Whether the models and the index are still being loaded."""
        return self._loading

    def _load(self) -> FastAPI:
        try:
            return self._make_app()
        finally:
            self._loading = False

    def _make_app(self) -> FastAPI:
        settings = self._settings
        models = bootstrap.create_models(settings)
        loads: list[Future[Any]] = [
            run_in_daemon_thread(partial(models.embedder.embed_query, "warm")),
            run_in_daemon_thread(partial(models.checker.read, [("warm", "up")])),
        ]
        try:
            # The index may be behind: the ingestion worker updates it.
            kept = ChoiceFile(settings.data_dir).look()
            chosen = with_choice(settings, kept.choice)
            engine, close = bootstrap.create_engine(chosen, behind=True, loaded=models)
            app = self._create_app(engine, close, kept)
        finally:
            wait(loads)  # an error ends the process, and no thread should be loading then
        for load in loads:
            load.result()
        engine.warm_up()
        return app

    def _create_app(
        self, engine: Engine, close: Callable[[], Awaitable[None]], kept: KeptChoice
    ) -> FastAPI:
        from service.api.app import Options, create_app
        from service.concurrency.admission import Limiters
        from service.messages import reader_message

        settings = self._settings
        self._worker = bootstrap.create_ingestion_worker(settings, engine.library)
        self._empty = "" if engine.library.store.sources() else reader_message("empty", "en")
        return create_app(
            engine,
            index_dir=settings.index_dir,
            on_close=close,
            runner=self._worker,
            limiters=Limiters.for_readers(-(-settings.readers // settings.workers)),
            locks=bootstrap.process_locks(settings),
            options=Options(
                hosts=settings.host_names,
                public_url=settings.public_url,
                kept=settings.kept,
                ahead=True,
                connection=create_connection(settings, engine, kept),
            ),
        )

    def _fail(self, error: Exception) -> None:
        self.error, self.should_exit = error, True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop ingesting, then end open connections; see ``uvicorn.Server.shutdown``."""
        if self._worker:  # first, so that no stream of a job holds up the end
            await asyncio.to_thread(self._worker.stop)
        await super().shutdown(sockets)

    def serve_until_signal(self, bound: socket.socket) -> None:
        """Serve until a signal comes; raise the error that kept the process from starting."""
        try:
            self.run(sockets=[bound])
        finally:
            if self._loading and self.should_exit:
                # A signal came while a thread is in native code, which may crash when the
                # interpreter shuts down.
                os._exit(EXIT_INTERRUPTED)
        if self.error:
            raise self.error


def run_service(settings: Settings, bound: socket.socket, address: str, emit: Announce) -> None:
    """Run the service, in as many processes as set, until a signal comes.

    Args:
        settings: The settings of the service.
        bound: The socket to listen on.
        address: The address to print.
        emit: Prints a line.

    Raises:
        TenkyoError: A single process cannot start.
        SystemExit: Several processes cannot.
    """
    if settings.workers == 1:
        server = Server(settings, ReadyAnnouncement(emit, address))
        emit_while(lambda: server.loading, emit)
        server.serve_until_signal(bound)
        return
    spawn = multiprocessing.get_context("spawn")
    started = spawn.Value("i", 0)
    emit_while(lambda: started.value < settings.workers, emit)
    UploadStore(settings.uploads_dir).delete_partial()  # before any of them receives one
    settings, _model = bootstrap.start_local_model(settings)  # shared; it lives as long as this
    arguments = (settings, bound, ReadyAnnouncement(emit, address, settings.workers, started))

    def begin() -> SpawnProcess:
        process = spawn.Process(target=_serve_in_child, args=arguments)
        process.start()
        return process

    workers = ProcessSupervisor(settings.workers, begin, started)
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, workers.end)
    workers.run()


def emit_while(loading: Callable[[], bool], emit: Announce) -> None:
    """Say every few seconds that the service is still loading, in a thread, as long as it is.

    The first start converts the models, which takes half a minute on a slow machine.
    """

    def run() -> None:
        began = time.monotonic()
        while loading():
            time.sleep(STILL_LOADING_SECONDS)
            if loading():
                seconds = time.monotonic() - began
                emit(f"Tenkyo is still loading its models and the index, {seconds:.0f} s so far …")

    threading.Thread(target=run, name="still loading", daemon=True).start()


class ProcessSupervisor:
    """Keeps a number of processes running and replaces those that die.

    If a process cannot start and none has before, the service ends: the next would fail too.
    Later the cause is likely temporary, such as a full disk: the others go on, and the next is
    started after a pause, which doubles until one starts.

    Args:
        count: The number of processes.
        begin: Starts one.
        started: How many have started, counted by the processes themselves.
    """

    def __init__(
        self, count: int, begin: Callable[[], SpawnProcess], started: Synchronized[int]
    ) -> None:
        self._count, self._begin, self._started = count, begin, started
        self._ending = False

    def run(self) -> None:
        """Keep the processes running until ``end`` is called; SystemExit if they cannot start."""
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
        if failed:  # it has printed why
            raise SystemExit(EXIT_FAILED)

    def end(self, *_: object) -> None:
        """Have ``run`` end all processes and return; also a signal handler."""
        self._ending = True

    def _stop(self, processes: list[SpawnProcess]) -> None:
        for process in processes:
            process.terminate()
        deadline = time.monotonic() + SHUTDOWN_SECONDS
        for process in processes:
            process.join(max(deadline - time.monotonic(), 0))
            process.kill()


def _serve_in_child(settings: Settings, bound: socket.socket, ready: ReadyAnnouncement) -> None:
    """Serve in one of several processes."""
    from service.logs import log_to_standard_error

    log_to_standard_error(settings.log)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        Server(settings, ready).serve_until_signal(bound)
    except TenkyoError as error:
        bootstrap.print_error(error)
        sys.exit(EXIT_FAILED)
    except KeyboardInterrupt:  # Ctrl-C reaches every process of the terminal
        pass
    except Exception:
        _log.exception("a process of the service failed")
        sys.exit(EXIT_FAILED)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None  # this runs in a child only
    connection.wait([parent.sentinel])
    with contextlib.suppress(ProcessLookupError):
        os.kill(os.getpid(), signal.SIGTERM)
