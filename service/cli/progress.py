"""How far an ingestion is, on stderr: bars that are kept up to date, or a line now and then.

Nothing heavy is imported before use.
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
    from rich.progress import Task

    from index.ingestion.report import Progress

EVERY = 10.0  # seconds between two lines where nobody watches
PERIOD = 60.0  # seconds: the rate is that of so many, the last

_STEPS = {
    "reading": "reading documents",
    "opening": "opening the index",  # and with it the model: all is read, nothing indexed yet
    "waiting": "waiting for another process that writes the index",
    "indexing": "indexing passages",
    "comparing": "comparing new sources with the others",
}


class Display:
    """The latest of what an ingestion tells of itself, and how fast that goes.

    It may be told by one thread and shown by another.
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

    def tell(self, now: Progress) -> None:
        """Take over how far the ingestion is now."""
        match now.step:
            case "reading":
                self._count(self._documents, now.documents, now.of_documents)
                self._count(self._read, now.passages)  # without a bar: how many is not known yet
            case "indexing":
                self._count(self._indexed, now.indexed, now.to_index)
            case "comparing":
                self._count(self._compared, now.compared, now.to_compare)
        self._now = now

    def _count(self, task: Task, done: int, of: int | None = None) -> None:
        self._bars.update(task.id, total=of, visible=bool(of))
        if done < task.completed:  # something new is counted
            self._bars.reset(task.id)
        self._bars.advance(task.id, done - task.completed)

    def _step(self, now: Progress) -> str:
        read = now.step == "reading" and now.documents == now.of_documents
        return "opening" if read else now.step

    def line(self) -> str:
        """All of it in one line, without a rate where there is none yet."""
        now = self._now
        if now is None:
            return "starting"
        step, (rate, left) = self._step(now), self.rate_and_left()
        if step == "indexing":
            said = [f"{now.indexed:,} of {now.to_index:,} passages"]
        elif step == "comparing":
            said = [f"{now.compared:,} of {now.to_compare:,} sources"]
        else:
            said = [f"{now.documents:,} of {now.of_documents:,} documents"]
            said += [f"{now.pages:,} pages", f"{now.passages:,} passages"]
        said += self._failed_and_rate(now, rate)
        if left is not None:
            said.append(f"{timedelta(seconds=left)} left")
        return f"{_STEPS[step]}: {', '.join(said)}"

    def bars(self) -> Group:
        """A bar for each step that has begun, with the step above and the counts below them."""
        from rich.console import Group
        from rich.text import Text

        now = self._now
        if now is None:
            return Group(Text("starting", style="bold"))
        rate, _ = self.rate_and_left()
        said = [f"{now.pages:,} pages", f"{now.passages:,} passages"]
        said += self._failed_and_rate(now, rate)
        step = Text(_STEPS[self._step(now)], style="bold")
        return Group(step, self._bars.get_renderable(), Text(", ".join(said)))

    @staticmethod
    def _failed_and_rate(now: Progress, rate: float | None) -> Iterator[str]:
        if now.failed:
            yield f"{now.failed:,} failed"
        if rate is not None:
            yield f"{rate:,.1f} passages a second"

    def rate_and_left(self) -> tuple[float | None, float | None]:
        """Passages a second, and whole seconds left, of the step that it is at.

        None is what is unknown yet, or again, because nothing was done for some time.
        """
        match self._now and self._step(self._now):
            case "reading":
                counted, bar = self._read, self._documents
            case "indexing":
                counted = bar = self._indexed
            case _:
                return None, None
        for task in {counted.id, bar.id}:
            self._bars.advance(task, 0)  # the time that has passed since counts, too
        return counted.speed or None, bar.time_remaining


@contextmanager
def ingestion() -> Iterator[Callable[[Progress], None]]:
    """Show how far an ingestion is, on stderr, for as long as it lasts: call it with Progress."""
    from rich.console import Console

    display, console = Display(), Console(stderr=True)
    watched = console.is_terminal and not console.is_dumb_terminal
    with _bars(display, console) if watched else _lines(display):
        yield display.tell


def _bars(display: Display, console: Console) -> AbstractContextManager[object]:
    from rich.live import Live

    return Live(
        console=console,
        get_renderable=display.bars,
        refresh_per_second=4,
        transient=True,
        redirect_stdout=False,
    )


@contextmanager
def _lines(display: Display) -> Iterator[None]:
    """A plain line every EVERY seconds; none for what does not last so long."""
    over = threading.Event()

    def print_lines() -> None:
        while not over.wait(EVERY):
            with contextlib.suppress(OSError, ValueError):  # nobody reads it any more
                print(display.line(), file=sys.stderr, flush=True)

    thread = threading.Thread(target=print_lines, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
