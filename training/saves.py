"""Saves of a fit, from which it goes on when it was cut off."""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path
from typing import Any

import torch

_KIND = b"checker fit 1\n"


class BadSave(ValueError):
    """A file from which a fit cannot go on, with the reason."""


def write_save(path: Path, state: dict[str, Any]) -> None:
    """Write the state of a fit, in place of the save before it, or not at all."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    content = buffer.getvalue()
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        file.write(_KIND + hashlib.sha256(content).digest() + content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def read_save(path: Path, fit: str) -> dict[str, Any]:
    """Read what ``write_save`` wrote.

    Args:
        path: The file.
        fit: The value under ``fit`` that the state must have.

    Raises:
        BadSave: The file is no save, is damaged, or is of another fit.
    """
    content = path.read_bytes()
    digest, state = content[len(_KIND) :][:32], content[len(_KIND) + 32 :]
    if not content.startswith(_KIND):
        raise BadSave(f"{path.name} is no save of a fit: move it away or choose another --out")
    if hashlib.sha256(state).digest() != digest:
        raise BadSave(f"{path.name} is cut off or damaged: delete it to begin anew")
    found: dict[str, Any] = torch.load(io.BytesIO(state), weights_only=True)
    if found["fit"] != fit:
        raise BadSave(
            f"{path.name} is of a fit with other options, rows or starting weights: "
            "repeat its command, or delete the file to begin anew"
        )
    return found
