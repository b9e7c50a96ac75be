"""The shipped library as measurements need it: each work by its digest, and nothing fetched.

    python -m tests.support.digest_library FOLDER [MODELS]

makes such a data folder, for the benchmarks; MODELS is where models are unpacked already. Figures
and bounds are about this library: a text that ships whole, or was fetched, would make them figures
about another one.
"""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import replace
from pathlib import Path

from corpus.library.catalogue import CatalogueEntry, entries
from corpus.store.store import Store
from index.inference.embedder import Embedder, SentenceTransformerEmbedder
from index.inference.model_registry import BUNDLED_EMBEDDER
from index.ingestion.ingest import Ingestion
from index.ingestion.report import IngestProgress
from index.ingestion.work_linking import update_index
from tests.support.offline import offline_fetcher


def digest_entries() -> list[CatalogueEntry]:
    """Return the works of the shipped library without whole texts: offline, each has its digest."""
    return [replace(entry, text_path=None) for entry in entries()]


def make_digest_library(folder: Path, embedder: Embedder) -> None:
    """Ingest all digests into a data folder, and index them."""
    store = Store(f"sqlite:///{folder.resolve() / 'tenkyo.db'}")
    with Ingestion(store) as ingestion:
        asyncio.run(ingestion.library(digest_entries(), offline_fetcher()))
    update_index(store, embedder, folder / "index", IngestProgress())


def check_digests(store: Store) -> None:
    """Refuse to measure on a library with another text of a shipped work than its digest."""
    shipped = {entry.source.id for entry in entries()}
    others = [s.id for s, _ in store.sources() if s.id in shipped and s.kind != "digest"]
    if others:
        raise SystemExit(
            f"these works are not read from their digests: {', '.join(others)}. Make a data folder"
            " with `python -m tests.support.digest_library FOLDER`, and measure on that"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="Make a data folder of the shipped digests.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("models", type=Path, nargs="?")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    models = given.folder / "models"
    if given.models and not models.exists():
        given.models.mkdir(parents=True, exist_ok=True)
        models.symlink_to(given.models.resolve())
    make_digest_library(given.folder, SentenceTransformerEmbedder(BUNDLED_EMBEDDER, models))


if __name__ == "__main__":
    main()
