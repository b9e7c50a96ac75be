"""Progress of an ingestion: its rate by a fake clock, and what is shown of it."""

from __future__ import annotations

import io
import re
import runpy
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from index.ingestion.report import IngestProgress, Item, Progress
from service.cli import progress
from service.cli.progress import Display
from service.server import workers
from tests.support.paths import ROOT


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def indexed(display: Display, done: int, of: int = 10_000_000) -> None:
    display.update(Progress("indexing", indexed=done, to_index=of))


def test_rate_is_unknown_at_first(clock: Clock) -> None:
    display = Display(clock)
    assert display.rate_and_left() == (None, None)
    indexed(display, 0, of=12)
    assert display.rate_and_left() == (None, None)
    clock.now += 0.5
    indexed(display, 4, of=12)
    clock.now += 0.5
    assert display.rate_and_left() == (pytest.approx(4, rel=0.02), pytest.approx(2, rel=0.02))


def test_count_at_the_start_does_not_affect_the_rate(clock: Clock) -> None:
    display = Display(clock)
    indexed(display, 500, of=520)
    clock.now += 5
    indexed(display, 510, of=520)
    assert display.rate_and_left() == (pytest.approx(2), pytest.approx(5))


def test_rate_is_smooth_and_follows_changes(clock: Clock) -> None:
    display, done, rates = Display(clock), 0, []
    indexed(display, done)
    for i in range(200):  # batches: nothing, nothing, nothing, 40 at once
        clock.now += 1
        if i % 4 == 3:
            done += 40
            indexed(display, done)
        rates.append(display.rate_and_left()[0])
    assert all(7 < rate < 13 for rate in rates[40:])
    for _ in range(int(progress.PERIOD) + 1):
        clock.now += 1
        done += 1
        indexed(display, done)
    assert display.rate_and_left()[0] == pytest.approx(1, abs=0.3)  # it is slow of late


def test_standstill_slows_the_rate(clock: Clock) -> None:
    display = Display(clock)
    indexed(display, 0, of=200)
    clock.now += 10
    indexed(display, 100, of=200)
    _, before = display.rate_and_left()
    clock.now += 30
    rate, left = display.rate_and_left()
    assert left > 2 * before and rate > 0
    clock.now += progress.PERIOD + 1
    display.rate_and_left()
    assert display.rate_and_left() == (None, None)  # unknown after a long standstill


def test_smaller_count_starts_a_new_rate(clock: Clock) -> None:
    display = Display(clock)
    indexed(display, 0)
    clock.now += 10
    indexed(display, 1000)
    indexed(display, 0)
    assert display.rate_and_left()[0] is None
    clock.now += 10
    indexed(display, 20)
    assert display.rate_and_left()[0] == pytest.approx(2)


@given(
    st.lists(st.tuples(st.floats(0, 500), st.integers(-5, 50)), max_size=40), st.integers(0, 500)
)
def test_rate_and_time_left_are_never_negative(steps: list[tuple[float, int]], of: int) -> None:
    clock = Clock()
    display, done = Display(clock), 0
    for passed, more in steps:
        clock.now += passed
        done = max(done + more, 0)
        indexed(display, min(done, of), of)
        rate, left = display.rate_and_left()
        assert rate is None or 0 < rate < float("inf")
        assert left is None or left >= 0
        assert display.line().count(":") <= 3


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0:00:00"), (1, "0:00:01"), (60, "0:01:00"), (61, "0:01:01"), (3723, "1:02:03")],
)
def test_time_left_is_shown_as_hours_minutes_seconds(
    clock: Clock, seconds: int, shown: str
) -> None:
    display = Display(clock)
    indexed(display, 0, of=seconds + 1)
    clock.now += 1
    indexed(display, 1, of=seconds + 1)
    assert display.line().endswith(f", {shown} left")
    assert shown in drawn(display, 40)


@pytest.mark.parametrize("columns", [40, 200])
def test_time_left_of_years_is_shown(clock: Clock, columns: int) -> None:
    display = Display(clock)
    indexed(display, 0, of=10**12)
    clock.now += 1
    indexed(display, 1, of=10**12)
    assert display.line().endswith(" left") and drawn(display, columns)


def drawn(display: Display, columns: int) -> str:
    console = Console(file=io.StringIO(), width=columns, force_terminal=True, color_system=None)
    console.print(display.bars())
    return re.sub(r"\x1b\[[\d;]*m", "", console.file.getvalue())


def lines(display: Display) -> list[str]:
    """What is shown in 40 columns, without the bars and repeated spaces."""
    shown = drawn(display, 40).splitlines()
    assert all(len(line.rstrip()) <= 40 for line in shown)
    return [re.sub(r"[━╸╺ ]+", " ", line).strip() for line in shown]


def test_display_of_a_whole_ingestion(clock: Clock) -> None:
    display = Display(clock)
    assert "starting" in drawn(display, 40) and display.line() == "starting"
    tally = IngestProgress(display.update)
    tally.add_expected(3)
    assert lines(display) == [
        "reading documents",
        "documents 0/3 -:--:--",  # unknown
        "0 pages, 0 passages",
    ]
    clock.now += 2
    tally.add(Item("a.pdf", "read", passages=10, pages=4))
    tally.add(Item("b.pdf", "failed", reason="is empty"))
    step, bar, *counts = lines(display)
    assert (step, bar) == ("reading documents", "documents 2/3 0:00:01")
    assert " ".join(counts) == "4 pages, 10 passages, 1 failed, 5.0 passages a second"
    assert display.line() == (
        "reading documents: 2 of 3 documents, 4 pages, 10 passages, 1 failed,"
        " 5.0 passages a second, 0:00:01 left"
    )
    tally.add(Item("c.md", "read", passages=2))
    assert "opening the index" in display.line() and "left" not in display.line()
    tally.set_waiting()
    assert "waiting for another process" in " ".join(drawn(display, 40).split())
    tally.set_indexed(0, 1_000_000)
    clock.now += 10
    tally.set_indexed(100_000, 1_000_000)
    step, read, bar, *counts = lines(display)
    assert (step, read) == ("indexing passages", "documents 3/3 0:00:00")
    assert bar == "passages 100,000/1,000,000 0:01:30"
    assert " ".join(counts) == "4 pages, 12 passages, 1 failed, 10,000.0 passages a second"
    assert display.line().startswith("indexing passages: 100,000 of 1,000,000 passages, 1 failed")
    tally.set_compared(1, 2)
    assert display.line() == "comparing new sources with the others: 1 of 2 sources, 1 failed"
    assert "sources 1/2 -:--:--" in lines(display)


def test_lines_are_printed_without_a_terminal(
    capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with progress.ingestion() as report:
        report(Progress("reading", 1, 2))
    assert capsys.readouterr() == ("", "")  # it was too short
    monkeypatch.setattr(progress, "EVERY", 0.1)
    with progress.ingestion() as report:
        report(Progress("reading", 1, 2))
        time.sleep(0.35)
    out, err = capsys.readouterr()
    assert out == "" and "\x1b" not in err and "\r" not in err
    assert 2 <= err.count("reading documents: 1 of 2 documents") == err.count("\n") <= 3


def test_other_work_prints_the_same_lines_without_a_terminal(
    capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with progress.steps() as report:
        report("asking", 1, 2)
    assert capsys.readouterr() == ("", "")  # it was too short
    monkeypatch.setattr(progress, "EVERY", 0.1)
    with progress.steps() as report:
        time.sleep(0.15)
        report("asking", 1_000, 2_000)
        time.sleep(0.2)
    out, err = capsys.readouterr()
    assert out == "" and "\x1b" not in err and "\r" not in err
    first, *rest = err.splitlines()
    assert first == "working" and rest and set(rest) == {"asking: 1,000 of 2,000"}


def test_other_work_has_bars_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with progress.steps() as report:
        report("asking", 1, 2)
    assert "asking" in terminal.getvalue() and "1/2" in terminal.getvalue()


def test_nothing_is_silent_for_ten_seconds() -> None:
    installing = runpy.run_path(str(ROOT / "tools/install.py"))["EVERY"]
    for seconds in (progress.EVERY, workers.STILL_LOADING_SECONDS, installing):
        assert 0 < seconds <= 10


def test_bars_on_a_terminal_are_erased_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with progress.ingestion() as report:
        report(Progress("reading", 1, 2))
        time.sleep(0.6)
    shown = terminal.getvalue()
    assert "reading documents" in shown and "1/2" in shown
    assert shown.rstrip().endswith("\x1b[2K")  # its lines are erased at the end
