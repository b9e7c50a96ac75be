"""SVG charts of the measurements for docs/: growth, the comparison with peers, and the load.

    python tests/benchmarks/plot.py [build/bench] [--out docs]

Reads scale.json, ingest.json, search.json and load.json if they are there, and draws
performance-growth.svg, performance-peers.svg and performance-load.svg. The background is
transparent, and every colour has enough contrast on white and on a dark page. Needs the extra
`bench`.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot as plt  # after the choice of what draws

ROOT = Path(__file__).parents[2]
INK = "#737b85"  # 4.3 : 1 at least, on white and on a dark page alike
OURS, THEIRS = "#d1602d", "#5a87c0"
LINES = ("#d1602d", "#5a87c0", "#3f9a6b")
STYLE = {
    "svg.hashsalt": "tenkyo", "svg.fonttype": "path", "font.size": 10, "text.color": INK,
    "axes.labelcolor": INK, "axes.edgecolor": INK, "xtick.color": INK, "ytick.color": INK,
    "axes.titlecolor": INK, "axes.titlesize": 10, "axes.titlelocation": "left",
    "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
    "legend.labelcolor": INK, "legend.title_fontsize": 9, "savefig.transparent": True, "figure.constrained_layout.use": True,
}  # fmt: skip
Rows = Sequence[dict]


def growth(scale: Rows):
    """Draw milliseconds of a search, recall and memory by the number of passages."""
    figure, (time, memory) = plt.subplots(1, 2, figsize=(8, 3.2))
    passages = [row["passages"] for row in scale]
    for colour, (key, name) in zip(
        LINES,
        {"search": "hybrid", "dense": "vectors alone", "lexical": "words alone"}.items(),
        strict=True,
    ):
        time.loglog(passages, [row[f"{key}_p50"] for row in scale], "o-", c=colour, label=name)
        time.loglog(passages, [row[f"{key}_p99"] for row in scale], ":", c=colour)
    time.set_title("One search, ms, without the embedding")
    time.legend(title="p50; dotted p99", alignment="left")
    for colour, (key, name) in zip(
        LINES, {"resident_mb": "resident", "files_mb": "on disk"}.items(), strict=False
    ):
        memory.loglog(passages, [row[key] for row in scale], "o-", c=colour, label=name)
    memory.set_title("MB")
    memory.legend()
    lowest = min(row["recall"] for row in scale)
    for axes in (time, memory):
        axes.set_xlabel(f"passages (recall@10 at least {lowest:.3f})")
        axes.set_xticks(passages, [_count(n) for n in passages])
        axes.grid(alpha=0.25)
        axes.set_ymargin(0.25)  # room for the legend
        axes.yaxis.set_major_formatter("{x:g}")
    return figure


def _count(n: int) -> str:
    return f"{n / 1e6:g}M" if n >= 1e6 else f"{n / 1e3:g}k"


def peers(ingest: Rows, search: Rows):
    """Draw bars with the spread of the rounds, ours highlighted."""
    figure, both = plt.subplots(1, 2, figsize=(8, 2.8), sharey=True)
    for axes, rows, key, title in (
        (both[0], ingest, "passages/s", "Ingest, passages a second: more is better"),
        (both[1], search, "p50 ms", "One search, ms at the median: less is better"),
    ):
        rows = list(reversed(rows))
        names = [row["side"].replace(", ", "\n") for row in rows]
        found = [row[key] for row in rows]
        low = [each["median"] - each["low"] for each in found]
        high = [each["high"] - each["median"] for each in found]
        colours = [OURS if name == "Tenkyo" else THEIRS for name in names]
        medians = [each["median"] for each in found]
        bars = axes.barh(names, medians, xerr=[low, high], color=colours, ecolor=INK)
        for bar, each in zip(bars, found, strict=True):
            at = (each["high"], bar.get_y() + bar.get_height() / 2)
            text = f"{each['median']:.3g}"
            axes.annotate(text, at, (5, 0), textcoords="offset points", va="center")
        axes.set_title(title)
        axes.margins(x=0.18)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
    return figure


def load(rows: Rows):
    """Draw the delays of readers by their number."""
    figure, axes = plt.subplots(figsize=(6, 3))
    for colour, what in zip(
        LINES, ("question to first claim", "the engine adds to a claim"), strict=False
    ):
        for share, line in ((50, "o-"), (95, "o:")):
            found = _by_readers(rows, f"{what}, p{share} (ms)")
            label = what if share == 50 else None
            axes.loglog(list(found), list(found.values()), line, c=colour, label=label)
            axes.set_xticks(list(found), [f"{count}" for count in found])
    axes.minorticks_off()
    axes.set_xlabel("readers at once")
    axes.set_title("ms: median, dotted p95")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.grid(alpha=0.25)
    axes.legend()
    return figure


def _by_readers(rows: Rows, figure: str) -> dict[int, float]:
    found = {}
    for row in rows:
        count = re.fullmatch(r"(\d+) readers?", row["load"])
        if count and row["figure"] == figure:
            value = row["value"]  # of several runs, their spread
            found[int(count[1])] = value["median"] if isinstance(value, dict) else value
    return dict(sorted(found.items()))


PICTURES: dict[str, tuple[Callable, tuple[str, ...]]] = {
    "growth": (growth, ("scale",)),
    "peers": (peers, ("ingest", "search")),
    "load": (load, ("load",)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "build" / "bench")
    parser.add_argument("--out", type=Path, default=ROOT / "docs")
    given = parser.parse_args()
    for name, (draw, needed) in PICTURES.items():
        files = [given.folder / f"{each}.json" for each in needed]
        if not all(file.exists() for file in files):
            print(f"{name}: not drawn, for want of {' and '.join(map(str, files))}")
            continue
        with matplotlib.rc_context(STYLE):
            figure = draw(*(json.loads(file.read_text("utf-8"))["rows"] for file in files))
            target = given.out / f"performance-{name}.svg"
            figure.savefig(target, metadata={"Date": None})  # alike for the same figures
            plt.close(figure)
        print(target)


if __name__ == "__main__":
    main()
