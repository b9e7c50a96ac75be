"""Ingest a folder of documents into a data folder, with Tenkyo as a library.

Usage: python examples/ingest_folder.py FOLDER DATA_FOLDER

It does what `tenkyo ingest FOLDER` does: unchanged files are not read again.
"""

from __future__ import annotations

import sys
from pathlib import Path

from corpus.store.store import Store
from corpus.store.uploads import UploadStore
from corpus.web.http_cache import HttpCache
from index.inference.embedder import SentenceTransformerEmbedder
from service.ingestion.pipeline import IngestionPipeline, IngestRequest
from service.settings import Settings


def main() -> None:
    """Read the documents of one folder, store them and bring the index up to date."""
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    folder = sys.argv[1]
    settings = Settings(data_dir=Path(sys.argv[2]))  # where the parts below lie

    pipeline = IngestionPipeline(
        Store(settings.database),
        HttpCache(settings.cache_dir),
        UploadStore(settings.uploads_dir),
        SentenceTransformerEmbedder(settings.embedder, settings.models_dir),
        settings.index_dir,
    )
    result = pipeline.ingest(IngestRequest((folder,)))

    for item in result.items:
        print(f"{item.outcome}: {item.title or item.place} {item.reason}".rstrip())
    print(f"{result.embedded} passages embedded")


if __name__ == "__main__":
    main()
