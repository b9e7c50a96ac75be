"""How far an ingestion is: its pace by a clock of the test's own, and what is shown of it."""

from __future__ import annotations

import io
import re
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from index.report import Item, Progress, Tally
from service import live
from service.live import Display
from service.pace import SMOOTHING, Pace, clock_time


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_pace_is_unknown_at_first(clock: Clock) -> None:
    pace = Pace(clock)
    assert pace.rate() is None and pace.left(10) is None
    pace.note(0)
    assert pace.rate() is None and pace.left(10) is None
    clock.now += 0.5
    pace.note(4)  # half a second says little
    assert pace.rate() is None and pace.left(10) is None
    clock.now += 0.5
    assert pace.rate() == pytest.approx(4, rel=0.02)
    assert pace.left(12) == pytest.approx(2, rel=0.02)


def test_what_was_there_at_first_is_not_counted(clock: Clock) -> None:
    pace = Pace(clock)
    pace.note(500)
    clock.now += 5
    pace.note(510)
    assert pace.rate() == pytest.approx(2) and pace.left(520) == pytest.approx(5)


def test_a_pace_is_smooth_and_follows(clock: Clock) -> None:
    pace, done, rates = Pace(clock), 0, []
    pace.note(done)
    for i in range(200):  # batches: nothing, nothing, nothing, 40 at once
        clock.now += 1
        if i % 4 == 3:
            done += 40
            pace.note(done)
        rates.append(pace.rate())
    assert all(7 < rate < 13 for rate in rates[40:])
    for _ in range(int(4 * SMOOTHING)):
        clock.now += 1
        done += 1
        pace.note(done)
    assert pace.rate() == pytest.approx(1, abs=0.3)  # of late, it is slow


def test_a_standstill_slows_the_pace(clock: Clock) -> None:
    pace = Pace(clock)
    pace.note(0)
    clock.now += 10
    pace.note(100)
    before = pace.left(200)
    clock.now += 30
    assert pace.left(200) > 2 * before and pace.rate() > 0


def test_a_count_that_sinks_is_of_something_new(clock: Clock) -> None:
    pace = Pace(clock)
    pace.note(0)
    clock.now += 10
    pace.note(1000)
    pace.note(0)
    assert pace.rate() is None
    clock.now += 10
    pace.note(20)
    assert pace.rate() == pytest.approx(2)


@given(
    st.lists(st.tuples(st.floats(-50, 500), st.integers(-5, 50)), max_size=40), st.integers(0, 500)
)
def test_neither_is_ever_negative(steps: list[tuple[float, int]], of: int) -> None:
    clock = Clock()
    pace, done = Pace(clock), 0
    for passed, more in steps:
        clock.now += passed  # a clock may be set back
        done = max(done + more, 0)
        pace.note(done)
        rate, left = pace.rate(), pace.left(of)
        assert rate is None or 0 < rate < float("inf")
        assert left is None or left >= 0
        assert clock_time(left).count(":") <= 2


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, ""),
        (0, "0:00"),
        (0.2, "0:01"),
        (59.5, "1:00"),
        (61, "1:01"),
        (3723, "1:02:03"),
        (1e300, "99:59:59"),
    ],
)
def test_time_as_a_clock_shows_it(seconds: float | None, shown: str) -> None:
    assert clock_time(seconds) == shown


def drawn(display: Display, columns: int) -> str:
    console = Console(file=io.StringIO(), width=columns, force_terminal=True, color_system=None)
    console.print(display.table())
    return re.sub(r"\x1b\[[\d;]*m", "", console.file.getvalue())


def rows(display: Display, columns: int = 40) -> dict[str, list[str]]:
    """The cells of each row that are not empty, by its name."""
    found = {}
    for line in drawn(display, columns).splitlines():
        assert len(line.rstrip()) <= columns
        name, *cells = re.split(r"\s{2,}", line.strip())
        found[name] = cells
    return found


def test_a_whole_ingestion_as_it_is_shown(clock: Clock) -> None:
    display = Display(clock)
    assert "starting" in drawn(display, 40) and display.line() == "starting"
    tally = Tally(display.tell)
    tally.expect(3)
    shown = rows(display)
    assert "reading documents" in shown and shown["documents"] == ["0/3"]
    assert shown["a second"] == shown["time left"] == []  # unknown, and not made up
    clock.now += 2
    tally.add(Item("a.pdf", "read", passages=10, pages=4))
    tally.add(Item("b.pdf", "failed", reason="is empty"))
    shown = rows(display)
    assert (shown["documents"], shown["failed"]) == (["2/3"], ["1"])
    assert (shown["pages"], shown["passages"]) == (["4"], ["10"])
    assert (shown["a second"], shown["time left"]) == (["5.0"], ["0:01"])
    assert display.line() == (
        "reading documents: 2 of 3 documents, 4 pages, 10 passages, 1 failed,"
        " 5.0 passages a second, 0:01 left"
    )
    tally.add(Item("c.md", "read", passages=2))
    assert "opening the index" in display.line() and "left" not in display.line()
    tally.wait()
    assert "waiting for another process" in " ".join(drawn(display, 40).split())
    tally.index(0, 1_000_000)
    clock.now += 10
    tally.index(100_000, 1_000_000)
    shown = rows(display)
    assert shown["passages"] == ["12", "100,000/1,000,000"]
    assert (shown["a second"], shown["time left"]) == (["10,000.0"], ["1:30"])
    assert display.line().startswith("indexing passages: 100,000 of 1,000,000 passages, 1 failed")


def test_where_nobody_watches_a_line_now_and_then(
    capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with live.ingestion() as tell:
        tell(Progress("reading", 1, 2))
    assert capsys.readouterr() == ("", "")  # it did not last
    monkeypatch.setattr(live, "EVERY", 0.1)
    with live.ingestion() as tell:
        tell(Progress("reading", 1, 2))
        time.sleep(0.35)
    out, err = capsys.readouterr()
    assert out == "" and "\x1b" not in err and "\r" not in err
    assert 2 <= err.count("reading documents: 1 of 2 documents") == err.count("\n") <= 3


def test_on_a_terminal_a_table_that_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with live.ingestion() as tell:
        tell(Progress("reading", 1, 2))
        time.sleep(0.6)
    shown = terminal.getvalue()
    assert "reading documents" in shown and "1/2" in shown
    assert shown.rstrip().endswith("\x1b[2K")  # the last thing is that its lines are erased
