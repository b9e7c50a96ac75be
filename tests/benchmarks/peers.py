"""Tenkyo beside LlamaIndex, txtai, Haystack, LangChain, and sentence-transformers with FAISS.

    python tests/benchmarks/peers.py ingest  # seconds from texts to a searchable index
    python tests/benchmarks/peers.py search  # one warm search, start, size
    python tests/benchmarks/peers.py setup   # only installs the peers

Each side runs alone in a separate process, in the environment that peers.toml pins; the sides take
turns. The others search by vectors, Tenkyo's search is hybrid. ``--json FILE --more`` adds rounds
to those in FILE, so that a long measurement can be made in parts.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import corpora
import environments
import measure

ROOT = Path(__file__).parents[2]
PEER = Path(__file__).with_name("peer.py")
OURS = "tenkyo"
NAMES = {OURS: "Tenkyo", "plain": "sentence-transformers, FAISS", "llamaindex": "LlamaIndex",
         "txtai": "txtai", "haystack": "Haystack", "langchain": "LangChain"}  # fmt: skip
INGESTED = 256  # passages
K = 10  # hits asked for
WARM = 20  # questions before those that count
Round = dict[str, float]


class Process:
    """A side's process and its protocol; ``started`` is when it was started."""

    def __init__(self, name: str, command: Sequence[str]) -> None:
        kept = {name: value for name, value in os.environ.items() if name[:7] != "TENKYO_"}
        quiet = {"HF_HUB_OFFLINE": "1", "HAYSTACK_TELEMETRY_ENABLED": "False"}
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        self._name, self.started = name, time.perf_counter()
        self._process = subprocess.Popen(
            command, env=kept | quiet, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self._errors, text=True, encoding="utf-8",
        )  # fmt: skip

    def __enter__(self) -> Process:
        try:
            self._answer()  # that it is ready
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with self._process, self._errors, contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()  # which ends it

    def ask(self, do: str, **more: object) -> dict:
        """Send a command and return the reply; RuntimeError if the side fails or ends."""
        with contextlib.suppress(BrokenPipeError):
            print(json.dumps({"do": do, **more}), file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> dict:
        line = self._process.stdout.readline()
        found = json.loads(line) if line else {"error": "it ended without an answer"}
        if "error" in found:
            self._process.wait()  # for the last that it has to say
            self._errors.seek(0)
            said = "".join(self._errors.readlines()[-8:])
            raise RuntimeError(f"{self._name}: {found['error']}\n{said}")
        return found


class Sides:
    """Starts the sides, and keeps the indexes that they search."""

    def __init__(self, envs: Path, models: Path, names: Sequence[str]) -> None:
        from index.inference.model_registry import BUNDLED_EMBEDDER, model_folder

        self.envs, bundled = envs, Path(model_folder(BUNDLED_EMBEDDER, models))
        self.python = {OURS: sys.executable}
        self.python |= {name: environments.python(envs, name) for name in names if name != OURS}
        theirs = environments.model(envs, bundled)
        self.model = {name: bundled if name == OURS else theirs for name in names}

    def process(self, name: str, folder: Path) -> Process:
        given = [name, str(self.model[name]), str(folder)]
        return Process(NAMES[name], [self.python[name], str(PEER), *given])

    def ingest(self, name: str, corpus: corpora.Corpus) -> Round:
        with tempfile.TemporaryDirectory() as made, self.process(name, Path(made, "of")) as side:
            taken = side.ask("ingest", documents=corpus.documents)
            rate = taken["passages"] / taken["seconds"]
            return {"passages/s": rate, "peak MB": side.ask("memory")["peak"]}

    def prepare(self, name: str, corpus: corpora.Corpus, folder: Path) -> None:
        """Make the index to search; a peer's is reused as long as it would be the same."""
        with self.process(name, folder) as side:
            side.ask("ingest", documents=corpus.documents)
            side.ask("save")
        (folder.with_suffix(".done")).touch()

    def folder(self, name: str, corpus: corpora.Corpus, scratch: Path) -> Path:
        if name == OURS:
            return scratch / OURS
        what = json.dumps([environments.pins(name), corpus.documents]).encode()
        key = hashlib.blake2b(what, digest_size=6).hexdigest()
        return self.envs / "indexes" / f"{name}-{corpus.name}-{key}"

    def search(self, name: str, corpus: corpora.Corpus, folder: Path, count: int) -> Round:
        asked = corpus.asked[: WARM + count]
        questions = [question for question, _ in asked]
        with self.process(name, folder) as side:
            side.ask("open")
            side.ask("search", questions=questions[:1], k=K)
            start = time.perf_counter() - side.started
            side.ask("search", questions=questions[:WARM], k=K)
            found = side.ask("search", questions=questions[WARM:], k=K)
            return {
                "p50 ms": measure.quantile(found["ms"], 0.5),
                "p95 ms": measure.quantile(found["ms"], 0.95),
                "first hit right": corpora.first_ranked(found["found"], asked[WARM:]),
                "start s": start,
                "MB in memory": side.ask("memory")["now"],
                "MB on disk": measure.size(folder) / 1e6,
            }


def table(found: dict[str, list[Round]], figure: str, faster: bool) -> list[dict[str, object]]:
    """Make a row for each side, with the ratio of ours and theirs, by ``figure`` in each round.

    ``faster``: whether a higher figure is better.
    """
    rows = []
    ours = [each[figure] for each in found.get(OURS, [])]
    for name, rounds in found.items():
        row: dict[str, object] = {"side": NAMES[name]}
        row |= {key: measure.spread(each[key] for each in rounds) for key in rounds[0]}
        if ours and name != OURS:
            theirs = [each[figure] for each in rounds]
            better = measure.ratios(*((ours, theirs) if faster else (theirs, ours)))
            row["Tenkyo is faster"] = f"{measure.spread(better)} ×"
        rows.append(row)
    return rows


def before(file: Path | None, setup: dict[str, object]) -> dict[str, list[Round]]:
    """Read the rounds of an earlier run with the same set-up, if there was one."""
    if not file or not file.exists():
        return {}
    kept = json.loads(file.read_text(encoding="utf-8"))
    if kept["setup"] != setup:
        raise SystemExit(f"{file} is of {kept['setup']}, this is of {setup}: name another file")
    return kept["rounds"]


def run(given, sides: Sides, scratch: Path) -> tuple[dict, dict[str, list[Round]]]:
    """Measure; return what was measured, and each side's rounds."""
    if given.what == "ingest":
        corpus = corpora.mixed(given.shared).cut(given.passages or INGESTED)
        calls = {name: partial(sides.ingest, name, corpus) for name in given.sides}
        setup = {"passages": corpus.passages, "sides": given.sides}
    else:
        corpus = corpora.searched(given.shared)
        corpus = corpus.cut(given.passages or corpus.passages)
        count = min(given.questions, len(corpus.asked) - WARM)
        folders = {name: sides.folder(name, corpus, scratch) for name in given.sides}
        for name, folder in folders.items():
            if not folder.with_suffix(".done").exists():
                print(f"{NAMES[name]}: {corpus.passages} passages to search", file=sys.stderr)
                sides.prepare(name, corpus, folder)
        calls = {n: partial(sides.search, n, corpus, folders[n], count) for n in given.sides}
        setup = {"corpus": corpus.name, "passages": corpus.passages, "questions": count}
        setup["sides"] = given.sides
    found = before(given.json, setup) if given.more else {}
    for _ in range(given.rounds):
        done = len(next(iter(found.values()), []))
        first = done % len(calls)
        names = list(calls)[first:] + list(calls)[:first]
        for name, rounds in measure.take_turns({n: calls[n] for n in names}, 1).items():
            found.setdefault(name, []).extend(rounds)
            print(f"round {done + 1}, {NAMES[name]}: {rounds[0]}", file=sys.stderr)
    return setup, {name: found[name] for name in NAMES if name in found}


def main() -> None:
    parser = measure.arguments(__doc__)
    parser.add_argument("what", choices=["setup", "ingest", "search"])
    parser.add_argument("--envs", type=Path, default=ROOT / "build" / "peers")
    parser.add_argument("--models", type=Path, default=ROOT / "data" / "models")
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--sides", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--passages", type=int, help=f"ingest: {INGESTED}; search: all there are")
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--more", action="store_true", help="add to the rounds in --json")
    given = parser.parse_args()
    sides = Sides(given.envs.resolve(), given.models.resolve(), given.sides)
    if given.what == "setup":
        return
    with tempfile.TemporaryDirectory() as scratch:
        setup, found = run(given, sides, Path(scratch))
    figure, faster = ("passages/s", True) if given.what == "ingest" else ("p50 ms", False)
    pins = {name: environments.pins(name) for name in found if name != OURS}
    rows = table(found, figure, faster)
    measure.report(given.what, rows, given.json, setup=setup, rounds=found, pins=pins)


if __name__ == "__main__":
    main()
