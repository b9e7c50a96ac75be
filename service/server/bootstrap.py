"""The parts of a running Tenkyo, made from its settings.

Everything heavy is imported where it is used, so that ``tenkyo --help`` is quick.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING

from corpus.errors import SettingsError, StoreError, TenkyoError

if TYPE_CHECKING:
    from index.inference.cross_encoder import Checker
    from index.inference.embedder import Embedder
    from index.search import Library
    from service.answering.engine import Engine
    from service.answering.factcheck import FactChecker
    from service.client.sync_client import Client
    from service.concurrency.process_locks import ProcessLocks
    from service.ingestion.pipeline import IngestionPipeline
    from service.ingestion.worker import IngestionWorker
    from service.settings import Settings
    from service.verification.verifier import Verifier


def load_settings() -> Settings:
    """The settings of the environment, and logging as they say."""
    from service.logs import log_to_standard_error
    from service.settings import read_settings

    settings = read_settings()
    log_to_standard_error(settings.log)
    return settings


def open_store(settings: Settings):
    from corpus.store.store import Store

    return Store(settings.database)


def open_store_if_any(settings: Settings):
    """The library of the settings if there is one; none is made."""
    from corpus.store.store import Store

    if not settings.database_url and not (settings.data_dir / "tenkyo.db").exists():
        return None
    try:
        return Store(settings.database)
    except StoreError as error:
        print(f"tenkyo: without the library: {error}", file=sys.stderr)
        return None


def create_checker(settings: Settings) -> Checker:
    """The shipped checker, its verdicts by a larger judge where one is set."""
    from index.inference.cross_encoder import CrossEncoder

    if not settings.judge:
        return CrossEncoder(cache=settings.models_dir)
    from index.inference.nli_judge import LargerJudge

    return LargerJudge(settings.judge, CrossEncoder(cache=settings.models_dir))


def create_embedder(settings: Settings):
    from index.inference.embedder import SentenceTransformerEmbedder

    return SentenceTransformerEmbedder(settings.embedder, settings.models_dir)


def desk(settings: Settings) -> IngestionPipeline:
    """What ingests into the library of the settings, and takes out of it."""
    from corpus.store.uploads import UploadStore
    from corpus.web.http_cache import HttpCache
    from service.ingestion.pipeline import IngestionPipeline

    cache, uploads = HttpCache(settings.cache_dir), UploadStore(settings.uploads_dir)
    return IngestionPipeline(
        open_store(settings), cache, uploads, create_embedder(settings), settings.index_dir
    )


@dataclass(frozen=True, slots=True)
class Models:
    """The two models that answers hang on; each is loaded at first use."""

    embedder: Embedder
    checker: Checker


def create_models(settings: Settings) -> Models:
    return Models(create_embedder(settings), create_checker(settings))


def create_verifier(settings: Settings) -> Verifier:
    from service.verification.verifier import Verifier

    return Verifier(create_checker(settings), create_embedder(settings))


def fact_checker(settings: Settings, verifier: Verifier) -> FactChecker:
    """What verifies texts in the library of the settings."""
    from service.answering.factcheck import FactChecker

    return FactChecker(open_library(settings), verifier)


def open_library(
    settings: Settings, behind: bool = False, vectors: Embedder | None = None
) -> Library:
    """The library of the settings. IndexMissing where it has no index, and IndexMismatch where
    that is not of what the database holds, unless it may be ``behind``, for somebody to bring
    it up: it is then made, and empty.
    """
    from index.ingestion import sync
    from index.search import Library
    from index.storage.local_index import LiveIndex
    from index.storage.manifest import check_manifest, read_manifest

    texts, vectors = open_store(settings), vectors or create_embedder(settings)
    if behind:
        sync.create_index(vectors, settings.index_dir)
    manifest = read_manifest(settings.index_dir)
    check_manifest(settings.index_dir, manifest, vectors.name, None if behind else texts.revision())
    return Library(texts, LiveIndex(settings.index_dir, vectors.name), vectors)


def create_ingestion_worker(settings: Settings, library: Library) -> IngestionWorker:
    """What ingests into a library while it is served, by one process or several."""
    from corpus.store.uploads import UploadStore
    from corpus.web.http_cache import HttpCache
    from service.ingestion.job_run import IngestionResources
    from service.ingestion.worker import IngestionWorker

    uploads, cache = UploadStore(settings.uploads_dir), HttpCache(settings.cache_dir)
    means = IngestionResources(library.store, library.embedder, settings.index_dir, uploads, cache)
    return IngestionWorker(means, shared=settings.workers > 1)


def start_local_model(settings: Settings) -> tuple[Settings, object]:
    """The settings with the address of the model that they name by a file, and its server, which
    ends with the object; as they are where they name none. Progress goes to standard error.
    """
    if not settings.llm_gguf or settings.llm_url:
        return settings, None
    from service.generation import llama_cpp

    report = partial(print, file=sys.stderr, flush=True)
    url, name, server = llama_cpp.start_server(settings.llm_gguf, report)
    found = {"llm_url": url, "llm_model": name, "llm_gguf": ""}
    return settings.model_copy(update=found), server


def create_engine(
    settings: Settings, behind: bool = False, loaded: Models | None = None
) -> tuple[Engine, Callable]:
    """The engine of the settings, and what to await when it is done with.

    ``behind``: see ``open_library``. ``loaded``: models that may be in use already.
    """
    from index.inference.batch_scheduler import BatchScheduler
    from index.inference.shared_models import SharedChecker, SharedEmbedder
    from service.answering.engine import Engine
    from service.conversations.store import History
    from service.generation.llm import ChatModel

    settings, server = start_local_model(settings)
    url, name = settings.llm_url, settings.llm_model
    model = ChatModel(url, name, settings.llm_key, settings.llm_timeout) if url else None

    async def close() -> None:
        nonlocal server
        if model:
            await model.aclose()
        server = None

    scheduler, loaded = BatchScheduler(), loaded or create_models(settings)
    searched = open_library(settings, behind, SharedEmbedder(loaded.embedder, scheduler))
    engine = Engine(
        searched,
        SharedChecker(loaded.checker, scheduler),
        History(searched.store.database),
        model,
        top_k=settings.top_k,
        evidence_chars=settings.evidence_chars,
        window=settings.llm_window,
    )
    return engine, close


def process_locks(settings: Settings) -> ProcessLocks | None:
    """The locks that the processes of a service share; None where there is one process."""
    if settings.workers == 1:
        return None
    from service.concurrency.process_locks import ProcessLocks

    return ProcessLocks(settings.data_dir / "locks")


def print_error(error: TenkyoError) -> None:
    print(f"tenkyo: {error}", file=sys.stderr)


def connect_client(url: str) -> Client:
    """A Tenkyo that runs elsewhere, or in another process; it is to be closed."""
    from service.client.sync_client import Client

    return Client(url)


def bind_socket(settings: Settings) -> socket.socket:
    """Take the socket to listen on, before anything slow is done.

    Raises:
        SettingsError: it cannot be had, or others could reach it and nothing says that they may.
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
                "whoever reaches that address could read and change everything, for there is no"
                " sign-in: set TENKYO_OPEN=1 if that is meant, or TENKYO_HOST=127.0.0.1",
            )
        bound = socket.socket(family, kind, protocol)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        in_use = isinstance(error.errno, int) and "in use" in str(error)
        name, value = ("TENKYO_PORT", port) if in_use else ("TENKYO_HOST", f"{host}:{port}")
        raise SettingsError(
            name, value, f"cannot listen there ({error.strerror}): set {name} to another"
        ) from None
    return bound
