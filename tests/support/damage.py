"""Ways in which a file of weights may be damaged."""

from __future__ import annotations

from pathlib import Path


def truncate(path: Path) -> None:
    """Cut off the second half."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    """Leave nothing."""
    path.write_bytes(b"")


def zero(path: Path) -> None:
    """Write zeros over all of it."""
    path.write_bytes(bytes(path.stat().st_size))
