"""Tests of the shared benchmark tools: arithmetic, order of rounds, tables."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import measure
import pytest


def test_each_side_begins_a_round_in_turn():
    called: list[str] = []
    sides = {name: lambda name=name: called.append(name) or len(called) for name in "abc"}
    found = measure.take_turns(sides, rounds=4)
    assert "".join(called) == "abcbcacababc"
    assert found == {"a": [1, 6, 8, 10], "b": [2, 4, 9, 11], "c": [3, 5, 7, 12]}


def test_median_spread_and_ratios():
    fast, slow = [10.0, 20.0, 40.0, 30.0], [20.0, 60.0, 40.0, 90.0]
    assert measure.spread(fast) == measure.Spread(25.0, 10.0, 40.0, 4)
    # Of the ratios, not the ratio of the medians, which is 2.0.
    assert measure.spread(measure.ratios(slow, fast)) == measure.Spread(2.5, 1.0, 3.0, 4)
    with pytest.raises(ValueError):
        measure.ratios(slow, fast[:3])
    assert str(measure.spread([38.04, 37.0, 41.2])) == "38.0 (37.0–41.2)"
    assert str(measure.spread([1234.5])) == "1,234"


@pytest.mark.parametrize(
    ("share", "expected"), [(0.5, 50), (0.95, 95), (0.951, 96), (1.0, 100), (0.0, 1)]
)
def test_quantile(share: float, expected: int):
    assert measure.quantile(range(100, 0, -1), share) == expected


def test_report_prints_table_and_writes_same_json(tmp_path: Path, capsys):
    rows = [
        {"side": "ours", "passages/s": measure.spread([3.0, 1.0, 2.0])},
        {"side": "theirs", "passages/s": 0.12345, "note": "once"},
    ]
    measure.report("ingest", rows, tmp_path / "made" / "ingest.json", passages=64)
    printed = capsys.readouterr().out
    assert printed.splitlines() == [
        "| side   | passages/s       | note |",
        "|--------|------------------|------|",
        "| ours   | 2.00 (1.00–3.00) |      |",
        "| theirs | 0.123            | once |",
    ]
    measure.main([str(tmp_path / "made" / "ingest.json")])
    assert capsys.readouterr().out == printed
    written = json.loads((tmp_path / "made" / "ingest.json").read_text(encoding="utf-8"))
    assert written["name"] == "ingest" and written["passages"] == 64
    assert written["rows"][0]["passages/s"] == {"median": 2.0, "low": 1.0, "high": 3.0, "rounds": 3}
    assert written["machine"]["cores"] >= 1
    assert written["machine"]["libraries"]["numpy"]
    assert os.uname().nodename not in json.dumps(written["machine"])
    assert "/" not in json.dumps(written["machine"])


@pytest.mark.process
def test_memory_of_process_and_time_of_cold_start():
    holding = "held = b'x' * 50_000_000; print(flush=True); input()"
    sides = [
        subprocess.Popen([sys.executable, "-c", code], stdin=PIPE, stdout=PIPE)
        for code in (holding, holding.replace("50_000_000", "5"))
    ]
    for side in sides:
        side.stdout.readline()
    full, empty = (measure.memory(side.pid) for side in sides)
    for side in sides:
        side.communicate(b"\n")
    assert full["now"] - empty["now"] > 40 and full["peak"] >= full["now"] * 0.99
    assert measure.memory()["now"] > 0
    assert 0 < measure.cold([sys.executable, "-c", "pass"]) < 60
