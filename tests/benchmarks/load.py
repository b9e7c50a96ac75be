"""The service under load: many readers, a stub model of fixed speed, and the delay the engine adds.

    python tests/benchmarks/load.py [readers search memory bad real …] [--json FILE]

Starts real services on copies of a data folder (by default the shipped library and passages of
../shared if that is there), a stub model and the readers, each as a process on this machine; they
share its cores, and the table shows how much each uses.

- `readers`: 1, 10 and 100 at once, each asking one question after the other over SSE; with
  `--quoted`, of a service without a language model.
- `search`: GET /v1/search by 1, 8 and 32 clients, in turn with the embedder alone.
- `memory`: 10,000 requests, and the resident memory.
- `bad`: more readers than slots and queue allow (`overload`), a model that stops sending (`stall`),
  readers who disconnect (`leave`), an index that is rebuilt while it is read (`reindex`).
- `real`: a real language model in place of the stub.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import load_bad
import load_requests
import measure
from load_check import Read, Report, differing, report
from load_service import ROOT, Load, prepare, questions, serving, writing


@dataclass(slots=True)
class Bench:
    """The shared parts of all loads, and the rows that they add to: (load, figure, value)."""

    data: Path
    speed: float
    readers: list[int]
    per_reader: int
    same: bool
    quoted: bool
    flood: int
    beside: int
    requests: int
    rounds: int
    model: Path
    settings: dict[str, str]
    asked: list[str]
    rows: list[dict[str, object]] = field(default_factory=list)

    def from_the(self, start: int) -> list[str]:
        """Return all questions, starting at one of them."""
        start %= len(self.asked)
        return self.asked[start:] + self.asked[:start]

    def row(self, load: str, figure: str, value: object) -> None:
        self.rows.append({"load": load, "figure": figure, "value": value})
        shown = measure.short(value) if isinstance(value, float) else value
        print(f"{load} · {figure}: {shown}", file=sys.stderr, flush=True)

    def table(self) -> list[dict[str, object]]:
        """Format the rows; of repeated measurements, the median with its spread."""
        found: dict[tuple, list] = {}
        for row in self.rows:
            found.setdefault((row["load"], row["figure"]), []).append(row["value"])
        return [
            {"load": load, "figure": figure, "value": _together(values)}
            for (load, figure), values in found.items()
        ]

    def quantiles(self, load: str, what: str, seconds: Iterable[float | None]) -> None:
        known = [1e3 * s for s in seconds if s is not None]
        for share in (0.5, 0.95, 0.99) if known else ():
            value = measure.quantile(known, share)
            self.row(load, f"{what}, p{100 * share:.0f} (ms)", float(value))

    def judged(self, name: str, load: Load, reads: Sequence[Read], made: Report) -> None:
        """Make the rows of a load of readers."""
        read = [r for r in reads if r.answer]
        self.row(name, "answers", len(read))
        for mode in ("generated", "quoted", "abstained"):
            count = sum(r.answer["mode"] == mode for r in read)
            self.row(name, f"answers, {mode}", count)
        self.row(name, "sentences of the stub decided", sum(len(j.verdicts) for j in made.judged))
        self.row(name, "false ones of these shown", sum(j.shown_false for j in made.judged))
        self.row(name, "faults", sum(made.faults.values()))
        for kind, count in made.faults.items():
            self.row(name, f"fault: {kind}", count)
        for example in made.examples[:3]:
            print(f"   {example[:300]}", file=sys.stderr)
        self.row(name, "errors", sum(made.errors.values()))
        for kind, count in made.errors.items():
            self.row(name, f"error: {kind}", count)
        self.row(name, "refused with 503 and Retry-After", made.refused)
        self.quantiles(name, "question to evidence", (r.first("evidence") for r in read))
        said = [r for r in read if r.answer["mode"] != "abstained"]
        first = (r.first("claim", "rejected") for r in said)
        self.quantiles(name, "question to first claim", first)
        self.quantiles(name, "the engine adds to a claim", made.added)
        self.row(name, "answers a second", len(read) / load.seconds)
        decided = sum(e.name in ("claim", "rejected") for r in read for e in r.events)
        self.row(name, "claims a second", decided / load.seconds)
        self.quantiles(name, "GET /healthz meanwhile", load.health)
        self.row(name, "GET /healthz without an answer", load.dead)
        self.row(name, "resident at first and at most (MB)", _least_most(load.resident))
        for process, cores in load.cores.items():
            self.row(name, f"cores used by the {process}", cores)
        if read:  # says more than a time where others use the machine too
            used = 1e3 * load.cores["service"] * load.seconds / len(read)
            self.row(name, "processor time of the service, an answer (ms)", used)


def _together(values: Sequence[object]) -> object:
    if len(values) == 1:
        return values[0]
    if all(isinstance(value, int | float) for value in values):
        return measure.spread(values)
    return "; ".join(map(str, values))


def _least_most(resident: Sequence[float]) -> str:
    return f"{resident[0]:.0f}, {max(resident):.0f}" if resident else ""


def readers(bench: Bench) -> None:
    """Measure a number of readers at once, on a fresh service, with the same questions first."""
    reports: dict[int, Report] = {}
    for count in bench.readers:
        each = max(bench.per_reader, -(-12 // count))
        asked = bench.asked[:each] * count if bench.same else bench.asked[: each * count]
        plan = {"ask": [asked[n::count] for n in range(count)]}
        name = f"{count} reader{'s' * (count > 1)}{', same questions' * bench.same}"
        name += ", without a model" * bench.quoted
        with ExitStack() as stack:
            stub = stack.enter_context(writing(bench.speed))
            model = {} if bench.quoted else {"llm_url": stub.url}
            service = stack.enter_context(serving(bench.data, **model, **bench.settings))
            load = Load(service)
            reads = load.ask(plan, ("stub", stub.pid))
            texts = stub.written()
            reports[count] = report(reads, texts)
        bench.judged(name, load, reads, reports[count])
        bench.row(name, "answers without the stub", reports[count].alone)
        fewest = reports[min(reports)]
        if fewest is not reports[count]:
            differs, compared = differing(fewest, reports[count])
            what = f"verdicts other than with {min(reports)}"
            bench.row(name, what, f"{differs} of {compared}")


def real(bench: Bench) -> None:
    """Measure a real language model, of which only the text is not known beforehand."""
    name = "real model"
    if not bench.model.exists():
        bench.row(name, "skipped", f"{bench.model.name} is not there: give its path by --model")
        return
    port = str(load_bad.free_port())
    command = [sys.executable, str(bench.model), "small", "--port", port]
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        load_bad.until_up(f"http://127.0.0.1:{port}/v1/models", run)
        for count in (1, 4):
            url = f"http://127.0.0.1:{port}/v1"
            with serving(bench.data, llm_url=url, llm_timeout="150") as service:
                load = Load(service)
                asked = [bench.asked[n : n + 4 // count] for n in range(0, 4, 4 // count)]
                reads = load.ask({"ask": asked}, ("model", run.pid))
            bench.judged(f"{name}, {count} readers", load, reads, report(reads, []))
    finally:
        run.terminate()
        run.wait()


PARTS: dict[str, Callable[[Bench], None]] = {
    "readers": readers,
    "search": load_requests.search,
    "memory": load_requests.memory,
    "bad": load_bad.everything,
    "overload": load_bad.overload,
    "stall": load_bad.stall,
    "leave": load_bad.leave,
    "reindex": load_bad.reindex,
    "real": real,
}


def _arguments() -> argparse.ArgumentParser:
    parser = measure.arguments(__doc__)
    usual = ["readers", "search", "memory", "bad", "real"]
    parser.add_argument("parts", nargs="*", default=usual, help=f"of {', '.join(PARTS)}")
    default = ROOT / ".pytest_cache" / "load"
    parser.add_argument("--data", type=Path, default=default, help="data folder; made if missing")
    parser.add_argument("--models", type=Path, default=ROOT / ".pytest_cache" / "models")
    parser.add_argument("--speed", type=float, default=50, help="tokens a second of the stub")
    parser.add_argument("--readers", default="1,10,100", help="how many at once")
    parser.add_argument("--questions", type=int, default=2, help="of each reader, at least")
    parser.add_argument("--repeat", type=int, default=1, help="runs of `readers`; default: 1")
    parser.add_argument("--same", action="store_true", help="all readers ask the same questions")
    parser.add_argument("--quoted", action="store_true", help="no model for `readers`")
    parser.add_argument("--flood", type=int, default=300, help="readers, for `overload`")
    parser.add_argument("--beside", type=int, default=10, help="readers, for the rest of `bad`")
    parser.add_argument("--requests", type=int, default=10_000, help="for `memory`")
    place = ROOT.parent / "shared" / "tools" / "local_llm.py"
    parser.add_argument("--model", type=Path, default=place, help="script, for `real`")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="setting")
    return parser


def main() -> None:
    parser = _arguments()
    given = parser.parse_args()
    if unknown := set(given.parts) - PARTS.keys():
        parser.error(f"there is no part {', '.join(unknown)}: they are {', '.join(PARTS)}")
    models = given.models if given.models.exists() else None
    data = prepare(given.data, models)
    bench = Bench(
        data=data,
        speed=given.speed,
        readers=[int(count) for count in given.readers.split(",")],
        per_reader=given.questions,
        same=given.same,
        quoted=given.quoted,
        flood=given.flood,
        beside=given.beside,
        requests=given.requests,
        rounds=given.rounds,
        model=given.model,
        settings=dict(each.split("=", 1) for each in given.set),
        asked=questions(data),
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started ends too
    try:
        for part in given.parts:
            for _ in range(given.repeat if part == "readers" else 1):
                PARTS[part](bench)
    finally:  # what was measured until something failed is told
        measure.report("load", bench.table(), given.json)


if __name__ == "__main__":
    main()
