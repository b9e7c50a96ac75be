"""The peers' virtual environments, made by venv and pip from peers.toml and reused."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

_PINS = tomllib.loads(Path(__file__).with_name("peers.toml").read_text(encoding="utf-8"))
PEERS: dict[str, list[str]] = _PINS["peers"]
BASE: list[str] = _PINS["base"]


def pins(name: str) -> list[str]:
    """List the pinned packages of a peer's environment, without their dependencies."""
    return BASE + PEERS[name]


def python(envs: Path, name: str) -> str:
    """Return the interpreter of a peer's environment, making the environment if needed."""
    base = _environment(envs / "base", BASE)
    if not PEERS[name]:
        return str(base)
    # Torch is 1 GB: it is installed once, and found behind what the peer has of its own.
    return str(_environment(envs / name, PEERS[name], base))


def model(envs: Path, bundled: Path) -> Path:
    """Return a float32 copy of the model, as its publisher has it.

    The unpacked one is in float16; torch would compute in it, several times slower.
    """
    folder = envs / "model-float32"
    if not (folder / "modules.json").exists():
        import torch
        from sentence_transformers import SentenceTransformer

        given = {"dtype": torch.float32}
        SentenceTransformer(str(bundled), device="cpu", model_kwargs=given).save(str(folder))
    return folder


def _environment(folder: Path, packages: list[str], base: Path | None = None) -> Path:
    interpreter, made = folder / "bin" / "python", folder / "made.json"
    if made.exists() and json.loads(made.read_text(encoding="utf-8")) == packages:
        return interpreter
    print(f"Installing {', '.join(packages)} (once) …", file=sys.stderr, flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    if base:
        (_site(interpreter) / "base.pth").write_text(f"{_site(base)}\n", encoding="utf-8")
    subprocess.run([str(interpreter), "-m", "pip", "install", "--quiet", *packages], check=True)
    made.write_text(json.dumps(packages), encoding="utf-8")
    return interpreter


def _site(interpreter: Path) -> Path:
    """Return the folder of an environment's packages."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    found = subprocess.run([interpreter, "-c", code], check=True, capture_output=True, text=True)
    return Path(found.stdout.strip()).resolve()
