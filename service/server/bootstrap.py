"""The composition root: makes the parts of a running Tenkyo from its settings.

Heavy modules are imported inside the functions that use them, so that ``tenkyo --help`` is fast.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from corpus.errors import SettingsError, StoreError, TenkyoError
from service.server.judges import choose_judge, name_models, print_untested
from service.server.language_models import connect_models, create_answer_model

if TYPE_CHECKING:
    from corpus.store.originals import OriginalStore
    from corpus.store.store import Store
    from corpus.store.uploads import UploadStore
    from corpus.web.http_cache import HttpCache
    from index.inference.cross_encoder import Checker
    from index.inference.embedder import Embedder
    from index.inference.reranker import Reranker
    from index.search import Library
    from service.answering.engine import Engine
    from service.answering.factcheck import FactChecker
    from service.client.sync_client import Client
    from service.concurrency.process_locks import ProcessLocks
    from service.ingestion.pipeline import IngestionPipeline
    from service.ingestion.worker import IngestionWorker
    from service.settings import Settings
    from service.verification.verifier import Verifier


def load_settings(
    options: Mapping[str, str] | None = None, *, opens_data: bool = True, chosen: bool = True
) -> Settings:
    """Read the settings from the environment, and start logging at the level that they set.

    Args:
        options: Settings from the command line, which take the place of variables.
        opens_data: Whether the command opens the data folder; a line on standard error then says
            which one that is, unless ``TENKYO_DATA_DIR`` does.
        chosen: Whether the language model that was chosen on the page is used where none is set.
    """
    from service.connection.choice import with_kept_choice
    from service.logs import log_to_standard_error
    from service.settings import read_settings

    settings = read_settings(options=options)
    log_to_standard_error(settings.log)
    if opens_data and "data_dir" not in settings.model_fields_set:
        print(
            f"tenkyo: the data folder is {settings.data_dir.resolve()}"
            " (to use another, set TENKYO_DATA_DIR)",
            file=sys.stderr,
        )
    return with_kept_choice(settings) if chosen else settings


def open_store(settings: Settings) -> Store:
    """Open the library's database, making it if necessary."""
    from corpus.store.store import Store

    return Store(settings.database)


def open_store_if_any(settings: Settings) -> Store | None:
    """Open the library's database if it exists and can be used; else return None."""
    from corpus.store.store import Store

    if not settings.database_url and not (settings.data_dir / "tenkyo.db").exists():
        return None
    try:
        return Store(settings.database)
    except StoreError as error:
        print(f"tenkyo: continuing without the library: {error}", file=sys.stderr)
        return None


def create_checker(settings: Settings) -> Checker:
    """Make the bundled checker; where a larger model is set, that decides about claims."""
    from index.inference.cross_encoder import CrossEncoder

    if not settings.checker:
        return CrossEncoder(cache=settings.models_dir)
    from index.inference.nli_checker import NliChecker

    return NliChecker(settings.checker, CrossEncoder(cache=settings.models_dir))


def create_embedder(settings: Settings) -> Embedder:
    """Make the embedder of the settings; it is loaded at first use."""
    if settings.embedder_url:
        from index.inference.http_embedder import HttpEmbedder

        given = settings.embedder if "embedder" in settings.model_fields_set else ""
        server = settings.embedder_url, settings.embedder_model, settings.embedder_key
        return HttpEmbedder(*server, described_by=given)
    from index.inference.embedder import SentenceTransformerEmbedder

    return SentenceTransformerEmbedder(settings.embedder, settings.models_dir)


def create_reranker(settings: Settings) -> Reranker | None:
    """Make the re-ranker of the settings, if there is one; it is loaded at first use."""
    from index.inference.reranker import CrossEncoderReranker, HttpReranker

    if settings.reranker_url:
        return HttpReranker(settings.reranker_url, settings.reranker, settings.reranker_key)
    return CrossEncoderReranker(settings.reranker) if settings.reranker else None


def create_ingestion_pipeline(settings: Settings) -> IngestionPipeline:
    """Make the pipeline that adds sources to the library and removes them."""
    from service.ingestion.pipeline import IngestionPipeline

    cache, uploads, kept = _file_stores(settings)
    embedder = create_embedder(settings)
    return IngestionPipeline(
        open_store(settings), cache, uploads, embedder, settings.index_dir, kept
    )


def _file_stores(settings: Settings) -> tuple[HttpCache, UploadStore, OriginalStore]:
    from corpus.store.originals import OriginalStore
    from corpus.store.uploads import UploadStore
    from corpus.web.http_cache import HttpCache

    kept = OriginalStore(settings.data_dir / "originals", settings.keep_originals * 1_000_000)
    return HttpCache(settings.cache_dir), UploadStore(settings.uploads_dir), kept


@dataclass(frozen=True, slots=True)
class Models:
    """The embedder and the checker, each loaded at first use."""

    embedder: Embedder
    checker: Checker


def create_models(settings: Settings) -> Models:
    """Make the two models that every answer needs."""
    return Models(create_embedder(settings), create_checker(settings))


def create_verifier(settings: Settings) -> Verifier:
    """Make what verifies a claim against evidence, without a library."""
    from service.verification.verifier import Verifier

    return Verifier(create_checker(settings), create_embedder(settings))


def fact_checker(
    settings: Settings, verifier: Verifier
) -> tuple[FactChecker, Callable[[], Coroutine[Any, Any, None]]]:
    """Make a fact checker for one command: it verifies every sentence of a text.

    A model that has passed the self-test judges, but for one that runs in the service's process.

    Returns:
        The fact checker, and a function to await when it is no longer used.
    """
    from service.answering.factcheck import FactChecker

    settings = asyncio.run(name_models(settings))
    chosen = choose_judge(settings, create_answer_model(settings))
    print_untested(chosen.judge if chosen else None)

    async def close() -> None:
        if chosen:
            await chosen.close()

    checker = FactChecker(open_library(settings), verifier, chosen.judge if chosen else None)
    return checker, close


def open_library(
    settings: Settings, behind: bool = False, vectors: Embedder | None = None
) -> Library:
    """Open the library: the database and the index over it.

    Args:
        settings: The settings that say where both are.
        behind: Whether the index may lack what the database has, because somebody will update
            it; a missing one is then made, empty.
        vectors: The embedder for questions; None for that of the settings.

    Raises:
        IndexMissing: There is no index.
        IndexMismatch: The index is for another embedder or another state of the database.
    """
    from index.cosine_scale import scale_of
    from index.inference.reranker import ToleratedReranker
    from index.ingestion import sync
    from index.search import Library
    from index.storage.local_index import LiveIndex
    from index.storage.manifest import check_manifest, read_manifest

    store, embedder = open_store(settings), vectors or create_embedder(settings)
    if behind:
        sync.create_index(embedder, settings.index_dir)
    manifest = read_manifest(settings.index_dir)
    revision = None if behind else store.revision()
    check_manifest(settings.index_dir, manifest, embedder.name, revision)
    scale = scale_of(embedder, manifest["dim"], settings.models_dir)
    index, reranker = LiveIndex(settings.index_dir, embedder.name, scale), create_reranker(settings)
    return Library(store, index, embedder, ToleratedReranker(reranker) if reranker else None)


def create_ingestion_worker(settings: Settings, library: Library) -> IngestionWorker:
    """Make the worker that carries out ingestion jobs while the library is being served."""
    from service.ingestion.job_run import IngestionResources
    from service.ingestion.worker import IngestionWorker

    cache, uploads, kept = _file_stores(settings)
    resources = IngestionResources(
        library.store, library.embedder, settings.index_dir, uploads, cache, originals=kept
    )
    return IngestionWorker(resources, shared=settings.workers > 1)


def start_local_model(settings: Settings) -> tuple[Settings, object]:
    """Start the language model of ``TENKYO_LLM_GGUF``, reporting progress on standard error.

    Returns:
        The settings with that model's address, and its server, which ends when the object is
        dropped. Where no model file is set, or the server runs already, the settings unchanged and
        None.
    """
    if not settings.llm_gguf or settings.llm_url:
        return settings, None
    from service.generation import llama_cpp

    report = partial(print, file=sys.stderr, flush=True)
    url, name, server = llama_cpp.start_server(settings.llm_gguf, report)
    address = {"llm_url": url, "llm_model": name}
    return settings.model_copy(update=address), server


def create_engine(
    settings: Settings, behind: bool = False, loaded: Models | None = None
) -> tuple[Engine, Callable[[], Awaitable[None]]]:
    """Make the engine that answers questions.

    Args:
        settings: The settings of the service.
        behind: See ``open_library``.
        loaded: The two models, where they exist already.

    Returns:
        The engine, and a function to await when it is no longer used.
    """
    from index.inference.batch_scheduler import BatchScheduler
    from index.inference.shared_models import SERVER_TOKENS, SharedChecker, SharedEmbedder
    from service.answering.engine import Engine
    from service.conversations.store import History

    settings, server = start_local_model(settings)
    writers, close_models = connect_models(settings)

    async def close() -> None:
        nonlocal server
        await close_models()
        server = None

    scheduler, loaded = BatchScheduler(), loaded or create_models(settings)
    if settings.embedder_url:  # the models of this process, which take turns, do not wait for it
        vectors = SharedEmbedder(loaded.embedder, BatchScheduler(), SERVER_TOKENS)
    else:
        vectors = SharedEmbedder(loaded.embedder, scheduler)
    library = open_library(settings, behind, vectors)
    engine = Engine(
        library,
        SharedChecker(loaded.checker, scheduler),
        History(library.store.database),
        writers.model,
        judge=writers.judge,
        judge_writes=writers.judge_writes,
        top_k=settings.top_k,
        evidence_chars=settings.evidence_chars,
        window=settings.llm_window,
    )
    return engine, close


def process_locks(settings: Settings) -> ProcessLocks | None:
    """Make the locks that the processes of a service share; None for a single process."""
    if settings.workers == 1:
        return None
    from service.concurrency.process_locks import ProcessLocks

    return ProcessLocks(settings.data_dir / "locks")


def print_error(error: TenkyoError) -> None:
    """Print an error on standard error, as the command line does."""
    print(f"tenkyo: {error}", file=sys.stderr)


def connect_client(url: str) -> Client:
    """Make a client of a running service; the caller closes it."""
    from service.client.sync_client import Client

    return Client(url)


def bind_socket(settings: Settings) -> socket.socket:
    """Bind the socket to listen on, before anything slow is done.

    Raises:
        SettingsError: The address cannot be used, or is open to other machines without
            ``TENKYO_OPEN``.
    """
    host, port = settings.host, settings.port
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        if not (settings.open or ip_address(address[0]).is_loopback):
            raise SettingsError(
                "TENKYO_HOST",
                host,
                "whoever reaches that address could read and change everything, since there is no"
                " sign-in: set TENKYO_OPEN=1 to allow that, or listen on 127.0.0.1 only",
            )
        bound = socket.socket(family, kind, protocol)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
        except OSError:
            bound.close()
            raise
    except OSError as error:
        in_use = isinstance(error.errno, int) and "in use" in str(error)
        name, value = ("TENKYO_PORT", port) if in_use else ("TENKYO_HOST", f"{host}:{port}")
        option = "--port" if in_use else "--host"
        raise SettingsError(
            name,
            value,
            f"cannot listen there ({error.strerror}): choose another by {option} or {name}",
        ) from None
    return bound
