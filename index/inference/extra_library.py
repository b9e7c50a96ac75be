"""The library sentence-transformers, which only models other than the bundled ones need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from index.inference.model_errors import SearchModelUnavailable

EXTRA = "sentence-transformers"
_LIBRARIES = ("sentence_transformers", "torch", "transformers")  # that come with it


class ModelLibraryMissing(SearchModelUnavailable):
    """The library that a model runs by is not installed: install it, or choose another model."""


@contextmanager
def extra_needed(model: str, setting: str) -> Iterator[None]:
    """Raise ModelLibraryMissing if an import within fails since the library is not installed.

    Args:
        model: What needs it, such as ``the embedding model 'x'``.
        setting: The environment variable that names the model.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name not in _LIBRARIES:
            raise
        raise ModelLibraryMissing(
            f"{model} needs the library sentence-transformers, which is not installed:"
            f" run {install_command()}, or unset {setting}"
        ) from error


def in_one_line(reason: object) -> str:
    """Return the first line of a library's error; its class if it says nothing."""
    lines = str(reason).strip().splitlines()
    return (lines[0] if lines else type(reason).__name__)[:200]


def install_command(pip: str = "", extra: str = EXTRA) -> str:
    """Return the command that installs an extra of Tenkyo.

    Args:
        pip: How pip is called; if empty, as a reader would call it.
        extra: Its name; by default that of the library.
    """
    if (Path(__file__).parents[2] / "pyproject.toml").is_file():  # the source folder
        return f"{pip or '.venv/bin/pip'} install -e '.[{extra}]'"
    return f"{pip or 'pip'} install 'tenkyo[{extra}]'"
