"""Progress on standard error: live bars on a terminal, elsewhere a plain line every few seconds.

Plain lines are what a pipe, the log of a service or the file of ``nohup`` can show. Heavy modules
are imported where they are used.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, Group
    from rich.progress import Task, TaskID

    from index.ingestion.report import Progress

EVERY = 5.0  # seconds between two lines: with a slow start of the program, still less than ten
PERIOD = 60.0  # seconds over which the rate is averaged

_STEPS = {
    "reading": "reading documents",
    "opening": "opening the index",  # and loading the model: all is read, nothing indexed yet
    "waiting": "waiting for another process that writes the index",
    "indexing": "indexing passages",
    "comparing": "comparing new sources with the others",
}


class Display:
    """The progress of an ingestion as text or bars, with its rate and the time left.

    One thread may update it while another one shows it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bars
        from rich.table import Column

        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.completed:,.0f}/{task.total:,.0f}"),
            TimeRemainingColumn(table_column=Column(no_wrap=True)),
            get_time=clock,
            speed_estimate_period=PERIOD,
        )
        self._now: Progress | None = None
        self._documents, self._indexed, self._compared, self._read = map(
            self._task, ("documents", "passages", "sources", "passages read")
        )

    def _task(self, name: str) -> Task:
        self._bars.add_task(name, total=None, visible=False)
        return self._bars.tasks[-1]

    def update(self, now: Progress) -> None:
        """Set the current progress of the ingestion."""
        match now.step:
            case "reading":
                self._count(self._documents, now.documents, now.of_documents)
                self._count(self._read, now.passages)  # without a bar: the total is not known yet
            case "indexing":
                self._count(self._indexed, now.indexed, now.to_index)
            case "comparing":
                self._count(self._compared, now.compared, now.to_compare)
        self._now = now

    def _count(self, task: Task, done: int, total: int | None = None) -> None:
        self._bars.update(task.id, total=total, visible=bool(total))
        if done < task.completed:  # a new count has begun
            self._bars.reset(task.id)
        self._bars.advance(task.id, done - task.completed)

    def _step(self, now: Progress) -> str:
        read = now.step == "reading" and now.documents == now.of_documents
        return "opening" if read else now.step

    def line(self) -> str:
        """Return the progress in one line, without the rate as long as it is unknown."""
        now = self._now
        if now is None:
            return "starting"
        step, (rate, left) = self._step(now), self.rate_and_left()
        if step == "indexing":
            parts = [f"{now.indexed:,} of {now.to_index:,} passages"]
        elif step == "comparing":
            parts = [f"{now.compared:,} of {now.to_compare:,} sources"]
        else:
            parts = [f"{now.documents:,} of {now.of_documents:,} documents"]
            parts += [f"{now.pages:,} pages", f"{now.passages:,} passages"]
        parts += self._failed_and_rate(now, rate)
        if left is not None:
            parts.append(f"{timedelta(seconds=left)} left")
        return f"{_STEPS[step]}: {', '.join(parts)}"

    def bars(self) -> Group:
        """Return a bar for each step that has begun, below the current step and above counts."""
        from rich.console import Group
        from rich.text import Text

        now = self._now
        if now is None:
            return Group(Text("starting", style="bold"))
        rate, _ = self.rate_and_left()
        parts = [f"{now.pages:,} pages", f"{now.passages:,} passages"]
        parts += self._failed_and_rate(now, rate)
        step = Text(_STEPS[self._step(now)], style="bold")
        return Group(step, self._bars.get_renderable(), Text(", ".join(parts)))

    @staticmethod
    def _failed_and_rate(now: Progress, rate: float | None) -> Iterator[str]:
        if now.failed:
            yield f"{now.failed:,} failed"
        if rate is not None:
            yield f"{rate:,.1f} passages a second"

    def rate_and_left(self) -> tuple[float | None, float | None]:
        """Return the rate and the time left of the current step.

        Returns:
            Passages per second, and seconds left. Either is None while it is unknown: at first,
            and after nothing was done for some time.
        """
        match self._now and self._step(self._now):
            case "reading":
                counted, bar = self._read, self._documents
            case "indexing":
                counted = bar = self._indexed
            case _:
                return None, None
        for task in {counted.id, bar.id}:
            self._bars.advance(task, 0)  # so that the time since the last update counts, too
        return counted.speed or None, bar.time_remaining


@contextmanager
def ingestion() -> Iterator[Callable[[Progress], None]]:
    """Show the progress of an ingestion on standard error; yields the function to report it to."""
    from rich.console import Console

    display, console = Display(), Console(stderr=True)
    with _live_bars(display, console) if _is_live(console) else lines(display.line):
        yield display.update


@contextmanager
def steps() -> Iterator[Callable[[str, int, int], None]]:
    """Show how far other work is; yields a function of step, number done and total."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bars
    from rich.progress import TimeRemainingColumn as Remaining

    console, now = Console(stderr=True), ["working"]
    tasks: dict[str, TaskID] = {}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Remaining())
    bars = Bars(*columns, console=console)

    def advance(step: str, done: int, total: int) -> None:
        if step not in tasks:
            tasks[step] = bars.add_task(step, total=total)
        bars.update(tasks[step], completed=done, total=total)
        now[0] = f"{step}: {done:,} of {total:,}"

    with bars if _is_live(console) else lines(lambda: now[0]):
        yield advance


def _is_live(console: Console) -> bool:
    # Not console.is_terminal: FORCE_COLOR, which CI systems set, makes that true of a pipe.
    return sys.stderr.isatty() and not console.is_dumb_terminal


def _live_bars(display: Display, console: Console) -> AbstractContextManager[object]:
    from rich.live import Live

    return Live(
        console=console,
        get_renderable=display.bars,
        refresh_per_second=4,
        transient=True,
        redirect_stdout=False,
    )


@contextmanager
def lines(line: Callable[[], str]) -> Iterator[None]:
    """Print a plain line every ``EVERY`` seconds, and none for work shorter than that.

    Args:
        line: Returns the line to print; called in another thread.
    """
    ended = threading.Event()

    def print_lines() -> None:
        while not ended.wait(EVERY):
            with contextlib.suppress(OSError, ValueError):  # standard error may be closed
                print(line(), file=sys.stderr, flush=True)

    thread = threading.Thread(target=print_lines, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
