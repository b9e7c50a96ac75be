"""Pin the version of every dependency, transitive ones too, for all platforms (``make update``).

    python tools/lock.py

Writes two files, by ``uv pip compile`` from pyproject.toml:

- constraints.txt: a version for each package of all extras, for ``pip install -c``.
- requirements.txt: what the image installs, each package with the hashes of its builds.

torch is not pinned, since versions and builds of it differ between package indexes; nor are the GPU
libraries that only some of its builds need.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = "3.11"  # the oldest that is supported; pins only for newer ones get a marker
IMAGE = ("postgres", "local", "build")
LEFT_OPEN = re.compile(r"(torch|triton|cuda-.+|nvidia-.+)$")
HEAD = "# Made by `make update` from pyproject.toml: {0}\n"
TORCH = "# No version of torch: its builds differ between package indexes.\n"


def compiled(*options: str) -> list[str]:
    """Resolve versions for all platforms by uv; return an entry for each package, with hashes."""
    uv = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--upgrade"]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.txt"
        output = ["--python-version", PYTHON, "--no-annotate", "--no-header", "--output-file"]
        subprocess.run([*uv, *output, str(out), *options, "pyproject.toml"], check=True, cwd=ROOT)
        # The lines of hashes are indented.
        entries = re.split(r"\n(?=\S)", out.read_text(encoding="utf-8").strip())
    return [entry for entry in entries if not LEFT_OPEN.match(re.match(r"[\w.-]+", entry)[0])]


def torch_range() -> str:
    """Return the requirement of torch in pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needs = project["optional-dependencies"]["sentence-transformers"]
    return next(need for need in needs if re.match(r"torch\b", need))


def main() -> None:
    """Write constraints.txt and requirements.txt."""
    pins = compiled("--all-extras")
    head = HEAD.format("a version for each package, for `pip install -c`.")
    text = "\n".join([head + TORCH + torch_range(), *pins, ""])
    (ROOT / "constraints.txt").write_text(text, encoding="utf-8")
    extras = [option for name in IMAGE for option in ("--extra", name)]
    with_hashes = compiled("--generate-hashes", "--constraint", "constraints.txt", *extras)
    head = HEAD.format("what the image installs, with the hashes of every build.")
    text = "\n".join([head.rstrip("\n"), *with_hashes, ""])
    (ROOT / "requirements.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
