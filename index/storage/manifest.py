"""The manifest of an index folder: which files it consists of, and what they were made from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from corpus.errors import IndexMismatch, IndexMissing

INDEX_FORMAT = 3


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read the manifest of an index folder.

    Raises:
        IndexMissing: There is none.
        IndexMismatch: It cannot be read, or is not a manifest.
    """
    try:
        manifest: dict[str, Any] = json.loads(
            (folder / "manifest.json").read_text(encoding="utf-8")
        )
        needed = {"format", "embedder", "dim", "count", "corpus_revision"}
        if needed <= manifest.keys():
            return manifest
    except FileNotFoundError:
        raise IndexMissing(folder) from None
    except (OSError, ValueError, AttributeError):
        pass
    raise IndexMismatch(folder, f"format {INDEX_FORMAT}", "a manifest that cannot be read")


def check_manifest(
    folder: Path, manifest: Mapping[str, Any], embedder: str, revision: str | None = None
) -> None:
    """Raise IndexMismatch if an index was made by another embedder, format or store revision.

    Args:
        folder: The index folder, to be named in the error.
        manifest: Its manifest.
        embedder: The name of the embedder expected.
        revision: The revision of the store expected; None for any.
    """
    expected = {"format": INDEX_FORMAT, "embedder": embedder, "corpus_revision": revision}
    for name, value in expected.items():
        if value is not None and manifest[name] != value:
            label = name.replace("_", " ")
            raise IndexMismatch(folder, f"{label} {value}", f"{label} {manifest[name]}")


def check_dimension(folder: Path, indexed: int, dim: int) -> None:
    """Raise IndexMismatch if an embedder gives vectors of another dimension than those indexed.

    Its name can be the same: a server may have another model now, or cut its vectors shorter.

    Args:
        folder: The index folder, to be named in the error.
        indexed: The dimension of the vectors in the index.
        dim: The dimension of the embedder's.
    """
    if dim != indexed:
        raise IndexMismatch(folder, f"dimension {dim}", f"dimension {indexed}")
