"""The three collections on which tests/data/strong asks, each ingested into a data folder."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from corpus.store.store import Store
from corpus.types import Source
from index.inference.embedder import Embedder
from index.ingestion.ingest import Ingestion
from index.ingestion.report import IngestProgress
from index.ingestion.work_linking import update_index
from tests.support.digest_library import digest_entries
from tests.support.offline import offline_fetcher
from tests.support.paths import ROOT, SHARED

_PAPERS = ("2020.acl-main.447.pdf", "ALCE.pdf", "pasa.pdf", "react_paper.pdf", "tracemonkey.pdf")


def source_name(source: Source) -> str:
    """Return the name that rows have for a source: that of its file, or its id in the library."""
    return PurePosixPath(source.url).name if source.url.startswith("file:") else source.id


def texts(store: Store) -> dict[str, str]:
    """Return the text of each source of a store, by the name that rows have for it."""
    return {source_name(s): store.document(s.id).text for s, _ in store.sources()}


def files(collection: str, shared: Path = SHARED) -> list[Path]:
    """Return the files of a collection; none for the library, which ships with Tenkyo."""
    if collection == "papers":
        return [shared / "pdfs" / name for name in _PAPERS]
    return sorted((shared / "corpus" / "posts").glob("*.md")) if collection == "posts" else []


def made_by() -> list[Path]:
    """Return the files of code that decide what an ingestion makes of a document."""
    found = [p for name in ("corpus", "index") for p in sorted((ROOT / name).rglob("*.*"))]
    return [path for path in found if path.suffix in (".py", ".md", ".toml")]


def prepare(collection: str, embedder: Embedder, out: Path, shared: Path = SHARED) -> Path:
    """Ingest a collection into a data folder under ``out``, and return that folder.

    One that was made by the same code of the same files is used again. Nothing is fetched: of the
    library that is the digests.
    """
    places = files(collection, shared)
    digest = hashlib.sha256(b"".join(p.read_bytes() for p in (*made_by(), *places)))
    folder = out / f"{collection}-{digest.hexdigest()[:12]}"
    if folder.exists():
        return folder
    partial = folder.with_suffix(".part")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    store = Store(f"sqlite:///{partial.resolve() / 'tenkyo.db'}")
    with Ingestion(store) as ingestion:
        asyncio.run(_read(ingestion, places))
    update_index(store, embedder, partial / "index", IngestProgress())
    partial.rename(folder)
    return folder


async def _read(ingestion: Ingestion, places: Sequence[Path]) -> None:
    if places:
        items = await ingestion.places(map(str, places), offline_fetcher())
    else:
        items = await ingestion.library(digest_entries(), offline_fetcher())
    for item in items:
        if item.outcome == "failed":
            raise ValueError(f"{item.place} cannot be ingested: {item.reason}")
