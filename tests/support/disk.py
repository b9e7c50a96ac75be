"""Search for strings in the files of a folder."""

from pathlib import Path


def on_disk(folder: Path, *words: str) -> set[str]:
    """Return those of some strings that any file of a folder contains."""
    data = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert data
    return {word for word in words if any(word.encode() in held for held in data)}
