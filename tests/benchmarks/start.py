"""Start-up times: `tenkyo --help`, `tenkyo serve`, and a baseline's first query.

    python tests/benchmarks/start.py [--data data] [--json FILE]

Each is a new process with its files in the disk cache; the kinds take turns. `serve` is asked for
/readyz until it answers 200, and then for one search, since ready does not mean that it has
answered. The baseline imports sentence-transformers, loads the same model, and embeds one question,
without index or server. --data is a data folder with a library.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import measure

ROOT = Path(__file__).parents[2]
LIMIT = 120.0  # seconds until a server that is not ready counts as broken
BASELINE = """import sys, torch; from sentence_transformers import SentenceTransformer
model = SentenceTransformer(sys.argv[1], device="cpu", model_kwargs={"dtype": torch.float32})
model.encode(["Who?"], prompt_name="query")"""


def environment(data: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TENKYO_")}
    return kept | {"TENKYO_DATA_DIR": str(data), "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT)}


def helped(environ: dict[str, str]) -> dict[str, float]:
    command = [sys.executable, "-m", "service.cli.main", "--help"]
    return {"tenkyo --help": measure.cold(command, env=environ)}


def served(environ: dict[str, str]) -> dict[str, float]:
    """Return the seconds from the start of `tenkyo serve` to ready, and to the first search."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "service.cli.main", "serve"],
        env=environ | {"TENKYO_PORT": str(port)}, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while _get(port, "/readyz")[0] != 200:
            if process.poll() is not None or time.perf_counter() - started > LIMIT:
                raise RuntimeError("`tenkyo serve` does not get ready: see what it wrote above")
            time.sleep(0.005)
        ready = time.perf_counter() - started
        status, body = _get(port, "/v1/search?q=What+was+Whisper+trained+on%3F&k=5")
        if status != 200 or not json.loads(body)["hits"]:
            raise RuntimeError(f"a search is answered by {status}, {body[:200]!r}")
        first = time.perf_counter() - started
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return {"tenkyo serve, until /readyz": ready, "tenkyo serve, until its first search": first}


def baseline(model: Path, environ: dict[str, str]) -> dict[str, float]:
    command = [sys.executable, "-c", BASELINE, str(model)]
    taken = measure.cold(command, env=environ, stderr=subprocess.DEVNULL)
    return {"sentence-transformers, until its first query": taken}


def _get(port: int, path: str) -> tuple[int, bytes]:
    """Return status and body; status 0 while nothing listens."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except OSError:
        return 0, b""
    finally:
        connection.close()


def main() -> None:
    parser = measure.arguments(__doc__)
    parser.add_argument("--data", type=Path, default=ROOT / "data")
    given = parser.parse_args()
    data = given.data.resolve()
    environ, model = environment(data), data / "models" / "multilingual-e5-small"
    sides = {
        "help": partial(helped, environ),
        "serve": partial(served, environ),
        "baseline": partial(baseline, model, environ),
    }
    for call in sides.values():
        call()  # so that all files are in the disk's cache
    found = measure.take_turns(sides, given.rounds)
    *_, theirs = found["baseline"][0]
    beside = [each[theirs] for each in found["baseline"]]
    rows = []
    for rounds in found.values():
        for name in rounds[0]:
            taken = [each[name] for each in rounds]
            row: dict[str, object] = {"from the start of": name, "s": measure.spread(taken)}
            if name != theirs:
                row["the baseline takes"] = f"{measure.spread(measure.ratios(beside, taken))} ×"
            rows.append(row)
    measure.report("start", rows, given.json)


if __name__ == "__main__":
    main()
