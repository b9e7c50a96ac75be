"""Plain requests under load: searches per second, and whether memory grows."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote

import httpx
import measure
from load_service import ROOT, Load, Service, serving

if TYPE_CHECKING:
    from load import Bench

CLIENTS = (1, 8, 32)
MIX = {"search": 60, "health": 20, "passage": 12, "sources": 5, "quoted": 3}  # of 100 requests
ALONE = """import json, sys, time; from pathlib import Path
from index.inference.embedder import SentenceTransformerEmbedder; from index.inference.model_registry import BUNDLED_EMBEDDER
embedder = SentenceTransformerEmbedder(BUNDLED_EMBEDDER, Path(sys.argv[1])); embedder.embed_query('Who?')
asked, at = json.loads(sys.stdin.readline()), 0
def rate(call, size=1):
    global at
    begun, done = time.perf_counter(), 0
    while time.perf_counter() - begun < 1.5:
        call([asked[(at + n) % len(asked)] for n in range(size)]); at += size; done += size
    return done / (time.perf_counter() - begun)
for line in sys.stdin:
    rates = {'one at a time': rate(lambda some: embedder.embed_query(some[0]))}
    if hasattr(embedder, 'embed_queries'):
        rates |= {f'{size} at a time': rate(embedder.embed_queries, size) for size in (8, 32)}
    print(json.dumps(rates), flush=True)"""


def search(bench: Bench) -> None:
    """Measure clients of GET /v1/search against the embedder alone.

    They take turns; while one is measured the other has nothing to do.
    """
    found: dict[int, list[dict]] = {clients: [] for clients in CLIENTS}
    begun = 0  # never what was asked of late: its vector is kept
    with serving(bench.data, **bench.settings) as service, _alone(service, bench.asked) as alone:

        def served(clients: int) -> float:
            nonlocal begun
            asked, load = bench.from_the(begun), Load(service)
            told = load.run({"send": _searches(asked), "clients": clients, "seconds": 2.5})
            begun += len(told["took"]) + clients
            found[clients].append(told | {"health": load.health, "cores": load.cores})
            return len(told["took"]) / told["seconds"]

        sides = {clients: partial(served, clients) for clients in CLIENTS}
        served(8)  # the lengths that are met for the first time
        for each in found.values():
            each.clear()
        rates = measure.take_turns({"alone": alone} | sides, bench.rounds)
    embedder = {how: [each[how] for each in rates["alone"]] for how in rates["alone"][0]}
    for how, of in embedder.items():
        bench.row("embedder alone", f"queries a second, {how}", measure.spread(of))
    for clients, told in found.items():
        name = f"search, {clients} client{'s' * (clients > 1)}"
        bench.row(name, "searches a second", measure.spread(rates[clients]))
        for how, of in embedder.items():
            shares = measure.spread(measure.ratios(rates[clients], of))
            bench.row(name, f"share of the embedder, {how}", shares)
        bench.quantiles(name, "a search", (s for each in told for s in each["took"]))
        bench.quantiles(name, "GET /healthz meanwhile", (s for e in told for s in e["health"]))
        for process in told[0]["cores"]:
            used = [each["cores"][process] for each in told]
            bench.row(name, f"cores used by the {process}", measure.spread(used))
        statuses = Counter(
            s for each in told for s, n in each["statuses"].items() for _ in range(n)
        )
        bench.row(name, "statuses", str(dict(statuses)))


@contextmanager
def _alone(service: Service, asked: Sequence[str]) -> Iterator[Callable[[], dict[str, float]]]:
    """Return a call that measures the embedder alone, in a separate process."""
    command = [sys.executable, "-c", ALONE, str(service.folder / "models")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as run:

        def tell(line: str) -> None:
            run.stdin.write(f"{line}\n")
            run.stdin.flush()

        def rates() -> dict[str, float]:
            tell("")
            return json.loads(run.stdout.readline())

        tell(json.dumps(asked))
        yield rates
        run.stdin.close()


def _searches(asked: Iterable[str]) -> list[list]:
    return [["GET", f"/v1/search?q={quote(question)}", None] for question in asked]


def memory(bench: Bench) -> None:
    """Send a mixed load in steps of 250 requests, and record the resident memory after each."""
    name, steps = f"{bench.requests} requests", []
    with serving(bench.data, **bench.settings) as service:
        hits = httpx.get(f"{service.url}/v1/search", params={"q": bench.asked[0], "k": 50}).json()
        places = [f"/v1/passages/{hit['passage']['id']}" for hit in hits["hits"]]
        ways: dict[str, Callable[[int], list]] = {
            "search": lambda n: _searches([bench.asked[n % len(bench.asked)]])[0],
            "health": lambda n: ["GET", "/healthz", None],
            "passage": lambda n: ["GET", places[n % len(places)], None],
            "sources": lambda n: ["GET", "/v1/sources", None],
            "quoted": lambda n: [
                "POST", "/v1/answers", {"question": bench.asked[n % 20], "mode": "quoted"}
            ],
        }  # fmt: skip
        hundred = [kind for kind, count in MIX.items() for _ in range(count)]
        statuses: dict[str, int] = {}
        seconds = 0.0
        for begun in range(0, bench.requests, 250):
            kinds = [(n, hundred[(n * 37) % 100]) for n in range(begun, begun + 250)]
            plan = {"send": [ways[kind](n) for n, kind in kinds], "clients": 8}
            load = Load(service)
            for status, count in load.run(plan)["statuses"].items():
                statuses[status] = statuses.get(status, 0) + count
            seconds += load.seconds
            steps.append(service.resident())
            done = f"{name} · {begun + 250} done: {steps[-1]:.0f} MB resident"
            print(done, file=sys.stderr, flush=True)
    bench.row(name, "mix of 100", ", ".join(f"{count} {kind}" for kind, count in MIX.items()))
    bench.row(name, "statuses", str(statuses))
    bench.row(name, "seconds", seconds)
    quarters = [steps[int(len(steps) * part)] for part in (0, 0.25, 0.5, 0.75)] + steps[-1:]
    shown = ", ".join(f"{mb:.0f}" for mb in quarters)
    bench.row(name, "resident at 0, 1/4, 1/2, 3/4, 1 (MB)", shown)
    half = steps[len(steps) // 2 :]
    slope = statistics.linear_regression(range(len(half)), half).slope * 4
    bench.row(name, "slope of the last half (MB a 1,000 requests)", slope)
