"""A library opened in this process, for asyncio and for programs and notebooks without it.

Heavy modules are imported where they are used, so that ``import tenkyo`` is fast.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import replace
from functools import cached_property, update_wrapper
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec, Self, TypeVar

from service.scope import find_scope, scope_of
from service.server import bootstrap, judges

if TYPE_CHECKING:
    from index.ingestion.report import Progress
    from index.search import Hit
    from service.answering.engine import Engine
    from service.answering.factcheck import Checked
    from service.ingestion.pipeline import IngestResult
    from service.types import Answer

P = ParamSpec("P")
T = TypeVar("T")
Place = str | PathLike[str]
CLOSED = "this library is closed: open it again with tenkyo.open() or tenkyo.open_async()"


class AsyncTenkyo:
    """A library in this process, for one event loop: close it, or use it in an ``async with``.

    Questions may be asked at once, also during an ingestion. The models are loaded at first use.
    ``search``, ``ask`` and ``verify`` raise IndexMissing before anything has been ingested,
    IndexMismatch after an ingestion that was interrupted, until another one has completed it, and
    NotFound for ids and names of collections that do not exist.

    Args:
        data: The data folder; None for the one that the ``tenkyo`` command uses here.
    """

    def __init__(self, data: Place | None = None) -> None:
        from service.connection.choice import with_kept_choice
        from service.settings import read_settings

        settings = read_settings(options={} if data is None else {"data_dir": os.fspath(data)})
        folder = settings.data_dir.resolve()  # the program may change its working directory
        self._settings = with_kept_choice(settings.model_copy(update={"data_dir": folder}))
        self._changing = asyncio.Lock()  # held while the index is opened or written
        self._engine: Engine | None = None
        self._close_models: Callable[[], Awaitable[None]] | None = None
        self._closed = False

    @property
    def data(self) -> Path:
        """The data folder."""
        return self._settings.data_dir

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the library, once an ingestion that is running has ended."""
        async with self._changing:
            self._closed = True
            if self._engine and self._close_models:
                await self._close_models()
                self._engine.library.store.database.close()
            self._engine = None

    async def ingest(
        self,
        places: Place | Iterable[Place] | None = None,
        *,
        collection: str = "",
        on_progress: Callable[[Progress], None] | None = None,
    ) -> IngestResult:
        """Read documents into the library, and update the index.

        Args:
            places: One or several URLs, files or folders; None for the library that comes with
                Tenkyo.
            collection: The name of the collection to put them in, which is made if there is none;
                empty for none.
            on_progress: Is called with the progress at each change, in another thread. It must not
                use the library.

        Returns:
            What became of each document. One that cannot be read raises nothing: its item has the
            outcome ``failed`` and the reason. A call that is interrupted keeps what was read.
        """
        named: list[str] | None = None
        if isinstance(places, str | PathLike):
            named = [os.fspath(places)]
        elif places is not None:
            named = [os.fspath(each) for each in places]
        stop = threading.Event()

        def report(progress: Progress | None = None) -> None:
            if stop.is_set():  # the event loop that reads documents understands this, too
                raise asyncio.CancelledError
            if progress and on_progress:
                on_progress(progress)

        async with self._changing:
            self._check_open()
            work = asyncio.to_thread(self._ingest, named, collection, report)
            running = asyncio.ensure_future(work)
            try:
                return await asyncio.shield(running)
            except asyncio.CancelledError:
                stop.set()
                await asyncio.gather(running, return_exceptions=True)
                raise

    async def search(
        self,
        question: str,
        k: int = 10,
        *,
        source_ids: Sequence[str] | None = None,
        collections: Sequence[str] | None = None,
    ) -> list[Hit]:
        """Find the ``k`` passages that fit a question best, best first."""
        from service.query import check_question

        wanted = check_question(question)
        library = (await self._open()).library

        def find() -> list[Hit]:
            found = find_scope(library.store, scope_of(source_ids, collections))
            return library.search(wanted, k, found.source_ids)

        return await asyncio.to_thread(find)

    async def ask(
        self,
        question: str,
        *,
        conversation_id: str | None = None,
        source_ids: Sequence[str] | None = None,
        collections: Sequence[str] | None = None,
        mode: Literal["quoted"] | None = None,
    ) -> Answer:
        """Answer a question, in English or Japanese; every sentence is checked.

        Args:
            question: The question.
            conversation_id: That of the answer to which this is a follow-up.
            source_ids: The sources to answer from; None for all.
            collections: The names of the collections to answer from; None for the whole library.
            mode: "quoted" to ask no language model, although ``TENKYO_LLM_URL`` names one.

        Returns:
            The answer. Where there is none, it is ``abstained``, with the ``reason``.
        """
        scope = scope_of(source_ids, collections)
        return await (await self._open()).answer(question, conversation_id, scope, mode)

    async def verify(
        self,
        text: str,
        *,
        source_ids: Sequence[str] | None = None,
        collections: Sequence[str] | None = None,
    ) -> Checked:
        """Check every sentence of a text, of any length, against the library."""
        from service.answering.factcheck import FactChecker

        engine = await self._open()
        checker = FactChecker(engine.library, engine.verifier, engine.judge)
        return await checker.check_async(text, scope_of(source_ids, collections))

    async def _open(self) -> Engine:
        """Open the index and make the engine, once."""
        if engine := self._engine:
            return engine
        async with self._changing:
            self._check_open()
            if self._engine is None:
                settings = await judges.name_models(self._settings)
                made = await asyncio.to_thread(
                    lambda: bootstrap.create_engine(settings, loaded=self._models)
                )
                self._engine, self._close_models = made
            return self._engine

    @cached_property
    def _models(self) -> bootstrap.Models:
        return bootstrap.create_models(self._settings)

    def _ingest(
        self, places: Sequence[str] | None, collection: str, report: Callable[..., None]
    ) -> IngestResult:
        """Ingest in this thread, giving way to questions; ``report`` raises to stop."""
        from service.ingestion.job_run import PreemptibleEmbedder
        from service.ingestion.pipeline import IngestRequest, IngestResult

        if places is not None and not places:  # a request without places is for what ships
            return IngestResult([], 0)
        shared = self._engine.library.embedder if self._engine else self._models.embedder
        pipeline = replace(
            bootstrap.create_ingestion_pipeline(self._settings),
            embedder=PreemptibleEmbedder(shared, report),
        )
        try:
            return pipeline.ingest(IngestRequest(places or (), collection=collection), report)
        finally:
            pipeline.store.database.close()

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError(CLOSED)


def _blocking(
    method: Callable[Concatenate[AsyncTenkyo, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[Tenkyo, P], T]:
    """Turn a method of ``AsyncTenkyo`` into one of ``Tenkyo``."""

    def blocking(self: Tenkyo, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._run(method(self._library, *args, **kwargs))

    update_wrapper(blocking, method)
    return blocking


class Tenkyo:
    """The methods of ``AsyncTenkyo`` without ``await``: close it, or use it in a ``with``.

    Any thread may use it, also one that runs an event loop, such as a notebook's: the work is done
    in a loop and a thread of its own.
    """

    def __init__(self, data: Place | None = None) -> None:
        self._library = AsyncTenkyo(data)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run_loop, name="tenkyo", daemon=True)
        self._thread.start()

    @property
    def data(self) -> Path:
        """The data folder."""
        return self._library.data

    ingest = _blocking(AsyncTenkyo.ingest)
    search = _blocking(AsyncTenkyo.search)
    ask = _blocking(AsyncTenkyo.ask)
    verify = _blocking(AsyncTenkyo.verify)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the library, once an ingestion that is running has ended."""
        if not self._loop.is_closed():
            self._run(self._library.aclose())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        if self._loop.is_closed():
            work.close()
            raise RuntimeError(CLOSED)
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:  # such as KeyboardInterrupt
            future.cancel()
            raise

    def _run_loop(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.get_loop().run_forever()


def open(data: Place | None = None) -> Tenkyo:
    """Open a library for a ``with``.

    Args:
        data: The data folder; None for the one that the ``tenkyo`` command uses here.

    Raises:
        SettingsError: A ``TENKYO_`` environment variable is wrong.
    """
    return Tenkyo(data)


def open_async(data: Place | None = None) -> AsyncTenkyo:
    """Open a library for an ``async with``; see ``open``."""
    return AsyncTenkyo(data)
