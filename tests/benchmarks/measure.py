"""Shared tools of the benchmarks: rounds in turn, medians with their spread, tables, JSON.

    rounds = take_turns({"ours": ours, "theirs": theirs})   # each a call that returns a figure
    spread(rounds["ours"])                                   # median, least, most
    spread(ratios(rounds["ours"], rounds["theirs"]))         # of the two figures of each round
    report("search", rows, given.json)                       # prints the table, writes the JSON

`python tests/benchmarks/measure.py FILE.json` prints the table of an earlier run again.

It uses only the standard library, so that code in other environments can import it too.
"""

from __future__ import annotations

import argparse
import gc
import importlib.metadata
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

ROUNDS = 5  # the fewest that a public figure rests on
LIBRARIES = ("numpy", "torch", "openvino", "faiss-cpu", "sentence-transformers", "tokenizers")
# Of what a CPU says it has, that which decides how fast vectors are multiplied.
_FLAGS = (
    "avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8", "avx_vnni", "asimddp",
    "bf16", "i8mm", "sve",
)  # fmt: skip

Row = Mapping[str, object]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, least and most of the figures of several rounds."""

    median: float
    low: float
    high: float
    rounds: int

    def __str__(self) -> str:
        middle, low, high = short(self.median), short(self.low), short(self.high)
        return middle if low == high else f"{middle} ({low}–{high})"


def spread(figures: Iterable[float]) -> Spread:
    found = list(figures)
    return Spread(statistics.median(found), min(found), max(found), len(found))


def ratios(of: Sequence[float], to: Sequence[float]) -> list[float]:
    """Divide the figures of two sides round by round, so that what slows both cancels out."""
    return [one / other for one, other in zip(of, to, strict=True)]


def quantile(figures: Iterable[float], share: float) -> float:
    """Return the least figure that at least ``share`` of them do not exceed; .95 for the p95."""
    found = sorted(figures)
    return found[max(0, math.ceil(share * len(found)) - 1)]


def take_turns(sides: Mapping[str, Callable[[], T]], rounds: int = ROUNDS) -> dict[str, list[T]]:
    """Call each side in each round, beginning with another one each time; return the figures."""
    names = list(sides)
    found: dict[str, list[T]] = {name: [] for name in names}
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            gc.collect()  # what one side left is not cleared in the time of the next
            found[name].append(sides[name]())
    return found


def seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def latencies(call: Callable[[str], object], over: Iterable[str]) -> list[float]:
    """Return the milliseconds of a call on each item."""
    return [1e3 * seconds(lambda each=each: call(each)) for each in over]


def cold(command: Sequence[str], **given) -> float:
    """Return the seconds of a process from start to end; CalledProcessError if it fails."""
    options = {"stdout": subprocess.DEVNULL, "check": True} | given
    return seconds(lambda: subprocess.run(list(command), **options))


def memory(pid: int | str = "self") -> dict[str, float]:
    """Return current and peak resident memory of a process, in MB (10^6 bytes); Linux only."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    kilobytes = dict(line.split(":", 1) for line in status.splitlines() if line.startswith("Vm"))
    return {
        name: int(kilobytes[key].split()[0]) * 1024 / 1e6
        for name, key in (("now", "VmRSS"), ("peak", "VmHWM"))
    }


def size(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def machine(libraries: Iterable[str] = LIBRARIES) -> dict[str, object]:
    """Describe the machine, without its host name or paths."""
    facts = _facts(Path("/proc/cpuinfo"))
    flags = set((facts.get("flags") or facts.get("Features") or "").split())
    total = _facts(Path("/proc/meminfo")).get("MemTotal", "0").split()[0]
    return {
        "cpu": facts.get("model name") or platform.processor() or platform.machine(),
        "family": [facts.get("cpu family", ""), facts.get("model", "")],
        "cores": len(os.sched_getaffinity(0)),
        "flags": [flag for flag in _FLAGS if flag in flags],
        "memory_gb": round(int(total) * 1024 / 1e9, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "libraries": versions(libraries),
    }


def versions(libraries: Iterable[str]) -> dict[str, str]:
    """Return the versions of those packages that are installed."""
    found = {}
    for name in libraries:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def short(figure: float) -> str:
    """Format a number with three significant digits, or as a whole number if it has more."""
    if not figure or not math.isfinite(figure):
        return "0" if figure == 0 else str(figure)
    digits = 2 - math.floor(math.log10(abs(figure)))
    return f"{figure:,.{max(0, digits)}f}"


def table(rows: Sequence[Row]) -> str:
    """Format rows as a Markdown table, with a column for each key."""
    if not rows:
        return "(nothing was measured)"
    columns = list(dict.fromkeys(key for row in rows for key in row))
    cells = [columns, *([_cell(row.get(column)) for column in columns] for row in rows)]
    widths = [max(3, *(len(row[i]) for row in cells)) for i in range(len(columns))]
    lines = [
        "| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |"
        for row in cells
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def arguments(doc: str | None) -> argparse.ArgumentParser:
    """Make a parser with the options of every benchmark."""
    parser = argparse.ArgumentParser(description=(doc or "").splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here as well")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"default: {ROUNDS}")
    return parser


def report(name: str, rows: Sequence[Row], file: Path | None = None, **more: object) -> None:
    """Print the table; with a file, also write ``{"name", "machine", "rows", …}`` to it."""
    print(table(rows), flush=True)
    if file:
        write(name, rows, file, **more)


def write(name: str, rows: Sequence[Row], file: Path, **more: object) -> None:
    """Write ``{"name", "machine", "rows", …}`` to a file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    found = {"name": name, "machine": machine(), "rows": rows, **more}
    text = json.dumps(found, ensure_ascii=False, indent=1, default=_plain)
    file.write_text(text + "\n", encoding="utf-8")


def _cell(value: object) -> str:
    if value is None:
        return ""
    return short(value) if isinstance(value, float) else str(value)


def _plain(value: object) -> object:
    if isinstance(value, Spread):
        return {field: getattr(value, field) for field in Spread.__slots__}
    return str(value)


def _facts(path: Path) -> dict[str, str]:
    """Return the first ``name: value`` of each name in a file of /proc; empty without the file."""
    found: dict[str, str] = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            found.setdefault(name.strip(), value.strip())
    return found


def _read(value: object) -> object:
    """Restore a Spread from what ``_plain`` made of it."""
    is_spread = isinstance(value, dict) and value.keys() == set(Spread.__slots__)
    return Spread(**value) if is_spread else value


def main(files: Sequence[str]) -> None:
    """Print the tables of earlier runs; without a file, describe this machine."""
    for file in files:
        rows = json.loads(Path(file).read_text(encoding="utf-8"))["rows"]
        print(table([{key: _read(value) for key, value in row.items()} for row in rows]))
    if not files:
        print(json.dumps(machine(), indent=1))


if __name__ == "__main__":
    main(sys.argv[1:])
