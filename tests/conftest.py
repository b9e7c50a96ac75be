"""Fixtures and markers of all tests. No test uses a network other than loopback."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import os
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
# Each of several test processes computes with its share of the cores: a thread that waits for one
# that another process has would spin.
if _processes := os.environ.get("PYTEST_XDIST_WORKER_COUNT"):
    for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(_name, str(max(1, (os.cpu_count() or 1) // int(_processes))))
# No test uses the library of whoever runs it: this folder is never made.
os.environ["XDG_DATA_HOME"] = str(Path(__file__).parent / "no-user-data")

import pytest
from filelock import FileLock
from httpx._transports import default as httpx_transport

pytest.register_assert_rewrite("tests.support")

from corpus.store.store import Store
from corpus.web.fetcher import Fetcher
from index.inference.cross_encoder import CrossEncoder
from index.inference.embedder import SentenceTransformerEmbedder
from index.ingestion.ingest import Ingestion
from index.ingestion.report import IngestProgress
from index.ingestion.sync import sync
from index.ingestion.work_linking import link_works
from index.search import Library
from index.storage.local_index import LocalIndex
from service.conversations.store import History
from service.verification.verifier import Verifier
from tests.support import bundled_models
from tests.support.digest_library import digest_entries
from tests.support.kept_readers import KeptReaders, end_kept_readers
from tests.support.markers import EXEMPT, MarkerGuard
from tests.support.offline import offline_fetcher
from tests.support.paths import CACHE, ROOT, SHARED
from tests.support.remembering_checker import RememberingChecker
from tests.support.remembering_embedder import RememberingEmbedder

# httpx reads the certificates of all authorities for each client, which takes 7 ms; no test needs that.
httpx_transport.create_ssl_context = cache(httpx_transport.create_ssl_context)

for _name in [name for name in os.environ if name.startswith("TENKYO_")]:
    del os.environ[_name]

MARKERS = {
    "bundled_embedder": ["model"],
    "embedder": ["model"],
    "checker": ["model"],
    "cross_encoder": ["model"],
    "models": ["model"],
    "shared": ["shared"],
    "url": ["server"],
    "open_house": ["server", "process"],
    "refusing_house": ["server", "process"],
    "hostile_house": ["server", "process"],
    "server": ["server", "process"],
}
"""The markers that a fixture gives to the tests that use it."""


def pytest_configure(config: pytest.Config) -> None:
    # A Store is open as long as its process; Python 3.13 warns of connections not closed.
    config.addinivalue_line("filterwarnings", "ignore:unclosed database:ResourceWarning")
    config.pluginmanager.register(MarkerGuard(), "marker-guard")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collect the tests without looking for garbage: what is there then stays, so nor is it later.

    It is half a million objects, which would take a third of a second each time.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by the fixtures that they use; skip those whose data is absent."""
    for item in items:
        for name in MARKERS.keys() & set(getattr(item, "fixturenames", ())):
            for marker in MARKERS[name]:
                item.add_marker(marker)
        if item.get_closest_marker("shared") and not SHARED.is_dir():
            item.add_marker(pytest.mark.skip(reason="../shared is absent"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The measurement data beside the repository."""
    return SHARED


@pytest.fixture(scope="session")
def models() -> Path:
    """The folder into which the bundled models are unpacked."""
    return bundled_models.MODELS


@pytest.fixture(scope="session")
def bundled_embedder() -> SentenceTransformerEmbedder:
    """The embedder itself, for tests of the model, or of threads that share it."""
    return bundled_models.bundled_embedder()


@pytest.fixture(scope="session")
def embedder() -> RememberingEmbedder:
    """The embedder, but embedding the same texts only once: most tests ask the same questions."""
    return bundled_models.embedder()


@pytest.fixture(scope="session")
def cross_encoder() -> CrossEncoder:
    """The checker itself, for tests of the networks, of their speed, or of threads that share them."""
    return bundled_models.cross_encoder()


@pytest.fixture(scope="session")
def checker() -> RememberingChecker:
    """The checker, but reading the same pairs only once: most tests ask the same questions."""
    return bundled_models.checker()


@pytest.fixture(scope="session")
def verifier(checker: RememberingChecker, embedder: RememberingEmbedder) -> Verifier:
    return Verifier(checker, embedder)


@pytest.fixture(scope="session")
def offline() -> Fetcher:
    """A fetcher whose connections are all refused at once, as on a machine without a network."""
    return offline_fetcher()


@pytest.fixture(scope="session")
def _kept_readers_end() -> Iterator[None]:
    yield
    end_kept_readers()


@pytest.fixture
def kept_readers(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, _kept_readers_end: None
) -> None:
    """Where a test may start processes, its ingestions use the reader processes of those before."""
    if any(map(request.node.get_closest_marker, ("process", *EXEMPT))):
        monkeypatch.setattr("index.ingestion.ingest.ReaderPool", KeptReaders)


@pytest.fixture(scope="session")
def library_folder(
    tmp_path_factory: pytest.TempPathFactory,
    bundled_embedder: SentenceTransformerEmbedder,
    offline: Fetcher,
) -> Path:
    """A data folder with the digests of the shipped library. Do not write to it.

    Not what ``tenkyo ingest`` makes, which also has whole texts: bounds are about the digests.
    Embedding takes half a minute, so it is cached as long as ``corpus`` and ``index`` are the same.
    """
    made_by = [p for name in ("corpus", "index") for p in sorted((ROOT / name).rglob("*.*"))]
    read = [p.read_bytes() for p in made_by if p.suffix in (".py", ".md", ".toml")]
    kept = CACHE / f"library-{hashlib.sha256(b''.join(read)).hexdigest()[:12]}"
    CACHE.mkdir(exist_ok=True)
    with FileLock(CACHE / "library.lock"):  # tests run in several processes
        if not kept.exists():
            made = tmp_path_factory.mktemp("made") / "data"
            store = Store(f"sqlite:///{made / 'tenkyo.db'}")
            with Ingestion(store) as ingestion:
                asyncio.run(ingestion.library(digest_entries(), offline))
            sync(store, bundled_embedder, made / "index", IngestProgress())
            link_works(store, bundled_embedder, made / "index", IngestProgress())
            for old in CACHE.glob("library-*"):
                shutil.rmtree(old, ignore_errors=True)
            shutil.copytree(made, partial := CACHE / f"library-{os.getpid()}.part")
            partial.rename(kept)
        return Path(shutil.copytree(kept, tmp_path_factory.mktemp("library") / "data"))


@pytest.fixture(scope="session")
def library(library_folder: Path, embedder: RememberingEmbedder) -> Library:
    store = Store(f"sqlite:///{library_folder / 'tenkyo.db'}")
    return Library(store, LocalIndex.open(library_folder / "index", embedder.name), embedder)


@pytest.fixture(scope="session")
def history(library: Library) -> History:
    return History(library.store.database)
