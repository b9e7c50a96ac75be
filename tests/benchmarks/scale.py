"""Search over 10,000 to 1,000,000 passages: recall, latency, memory, and the cost of changes.

    python tests/benchmarks/scale.py --cache FOLDER [--sizes 10000 100000 1000000] [--json FILE]

Passages are synthetic ones around real ones (see drawn.py); the questions are real, embedded by the
bundled model. Each index is built as `tenkyo ingest` would build it, without the embedding, and
measured in a separate process that opens it as the service does:

- recall@10 of vector search against a comparison with all vectors: over everything, within a source
  of 1,000 passages, and within a tenth of all passages; and the recall measured when it was built;
- vector search, BM25, and the whole search with fusion, without the embedding of the question:
  elapsed milliseconds, and the processor time of its one thread, which other load does not change;
- opening; adding 1,000 passages and saving; deleting 1,000 and saving; resident memory after all
  searches; the size of the files.

The indexes stay in FOLDER/index-SIZE (--again rebuilds them), and so do the embedded texts.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from drawn import Drawn, real

from index.storage.local_index import LocalIndex
from index.storage.manifest import read_manifest

ROOT = Path(__file__).parents[2]
NAME, CHUNK, ASKED, AT = "drawn", 50_000, 1000, 10


def build(drawn: Drawn, n: int, folder: Path) -> None:
    """Build the index of ``n`` synthetic passages in ``folder``, with the exact results beside it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    asked = drawn.real.asked[:ASKED]
    rng = np.random.default_rng(n)
    filters = {
        "source": np.arange(n // 2, n // 2 + 1000),
        "tenth": np.sort(rng.choice(n, n // 10, replace=False)),
    }
    near = {label: [] for label in ("all", *filters)}
    index, seconds = LocalIndex(asked.shape[1]), 0.0
    for start in range(0, n, CHUNK):
        vectors, around = drawn.vectors(min(CHUNK, n - start), seed=start + 1)
        texts = drawn.texts(around, seed=start + 1)
        rows = np.arange(start, start + len(texts))
        for label, found in near.items():
            own = rows if label == "all" else np.intersect1d(rows, filters[label])
            found.append(_best(asked, vectors[own - start], own))
        started = time.perf_counter()
        index.add(rows, vectors, texts)
        seconds += time.perf_counter() - started
    started = time.perf_counter()
    index.save(folder / "index", NAME, "r")
    seconds += time.perf_counter() - started
    truth = {label: _merged(found) for label, found in near.items()}
    np.savez(
        folder / "truth.npz", asked=asked, **truth, **{f"in_{k}": v for k, v in filters.items()}
    )
    notes = {"build_s": seconds, "questions": drawn.real.questions[:ASKED]}
    (folder / "notes.json").write_text(json.dumps(notes))


def _best(asked: np.ndarray, vectors: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return [q, up to 10] rows of the nearest vectors, and their cosines."""
    cosine = asked @ vectors.T
    k = min(AT, cosine.shape[1])
    at = np.argpartition(-cosine, k - 1, axis=1)[:, :k] if k else np.zeros((len(asked), 0), int)
    return rows[at], np.take_along_axis(cosine, at, axis=1)


def _merged(found: Sequence[tuple[np.ndarray, ...]]) -> np.ndarray:
    rows, cosine = (np.concatenate(column, axis=1) for column in zip(*found, strict=True))
    return np.take_along_axis(rows, np.argsort(-cosine, axis=1)[:, :AT], axis=1)


def measure(folder: Path) -> dict:
    """Measure the index in ``folder`` for one row of the table, in a fresh process."""
    truth = dict(np.load(folder / "truth.npz"))
    notes = json.loads((folder / "notes.json").read_text())
    asked, questions = truth["asked"], notes["questions"]
    before = _resident()
    started = time.perf_counter()
    index = LocalIndex.open(folder / "index", NAME)
    index.search(asked[0], questions[0], 10)
    row = {"passages": len(index), "build_s": notes["build_s"], "open_ms": _since(started)}
    for vector, question in zip(asked[:100], questions[:100], strict=True):
        index.search(vector, question, 10)
    timed: dict[str, list[tuple[float, float]]] = {"dense": [], "lexical": [], "search": []}
    hits = []
    for i, (vector, question) in enumerate(zip(asked, questions, strict=True)):
        found = _timed(timed["dense"], lambda v=vector: index.dense(v, AT))
        _timed(timed["lexical"], lambda q=question: index.lexical(q, 100))
        _timed(timed["search"], lambda v=vector, q=question: index.search(v, q, 10))
        hits.append(len(set(found) & set(truth["all"][i].tolist())) / AT)
    row["recall"] = statistics.mean(hits)
    row["resident_mb"], row["grown_mb"] = _resident(), _resident() - before
    for label in ("source", "tenth"):
        within, found = truth[f"in_{label}"].tolist(), []
        timed[label] = []
        for i in range(0, len(asked), 5):
            rows = _timed(timed[label], lambda i=i, w=within: index.dense(asked[i], AT, w))
            found.append(len(set(rows) & set(truth[label][i].tolist())) / AT)
        row[f"recall_{label}"] = statistics.mean(found)
    for label, milliseconds in timed.items():
        passed, spent = np.percentile(milliseconds, [50, 99], axis=0).T.tolist()
        row[f"{label}_p50"], row[f"{label}_p99"] = passed
        row[f"{label}_cpu_p50"], row[f"{label}_cpu_p99"] = spent
    segments = read_manifest(folder / "index")["segments"]
    row["segments"] = [
        {"passages": len(s), **(entry.get("approximate") or {})}
        for s, entry in zip(index._segments, segments, strict=True)
    ]
    row["files_mb"] = _size(folder / "index")
    return row | _changes(folder, len(index))


def _changes(folder: Path, n: int) -> dict:
    """Measure adding and deleting, on a copy of the index."""
    copy = folder / "changed"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder / "index", copy)
    dim = read_manifest(copy)["dim"]
    vectors = np.random.default_rng(0).normal(size=(1000, dim)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    texts = [
        f"The reading room number {i} holds {i} maps of the city and the sea" for i in range(1000)
    ]
    index = LocalIndex.open(copy, NAME)
    row = {}
    started = time.perf_counter()
    index.add(range(n, n + 1000), vectors, texts)
    index.save(copy, NAME, "added")
    row["add_1000_ms"] = _since(started)
    started = time.perf_counter()
    index.remove(range(100, 1100))
    index.save(copy, NAME, "removed")
    row["delete_1000_ms"] = _since(started)
    shutil.rmtree(copy)
    return row


def _timed(into: list[tuple[float, float]], call: Callable[[], list]) -> list:
    """Call a function; record elapsed milliseconds and those of its thread."""
    started, before = time.perf_counter(), time.thread_time()
    found = call()
    into.append((_since(started), 1000 * (time.thread_time() - before)))
    return found


def _since(started: float) -> float:
    return 1000 * (time.perf_counter() - started)


def _size(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def _resident() -> float:
    """Return the megabytes that this process has in memory, with mapped files."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1000
    return float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "qa")
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--models", type=Path, default=ROOT / "data" / "models")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(given.measure)))
        return
    rows, drawn = [], None
    for n in given.sizes:
        folder = given.cache / f"index-{n}"
        if given.again or not (folder / "notes.json").exists():
            drawn = drawn or Drawn(real(given.data, given.cache, given.models))
            print(f"median cosine to the nearest: {drawn.wanted:.4f}, drawn {drawn.reached:.4f}")
            build(drawn, n, folder)
        command = [sys.executable, __file__, "--cache", given.cache, "--measure", folder]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        rows.append(json.loads(done.stdout))
    _print(rows)
    if given.json:
        machine = f"{os.cpu_count()} cores"
        given.json.write_text(
            json.dumps({"name": "scale", "machine": machine, "rows": rows}, indent=1)
        )


def _print(rows: Sequence[dict]) -> None:
    for label in rows[0]:
        if label != "segments":
            values = "".join(f"{row[label]:14.3f}" for row in rows)
            print(f"{label:16}{values}")
    for row in rows:
        print(json.dumps(row["segments"]))


if __name__ == "__main__":
    main()
