"""How far an ingestion is, on stderr: a table that is kept up to date, or a line now and then.

Nothing heavy is imported before use.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from service.pace import Pace, clock_time

if TYPE_CHECKING:
    from rich.table import Table

    from index.report import Progress

EVERY = 10.0  # seconds between two lines where nobody watches

_STEPS = {
    "reading": "reading documents",
    "opening": "opening the index",  # and with it the model: all is read, nothing indexed yet
    "waiting": "waiting for another process that writes the index",
    "indexing": "indexing passages",
    "comparing": "comparing new sources with the others",
}


class Display:
    """The latest of what an ingestion tells of itself, and how fast that goes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._lock = threading.Lock()  # told by one thread, shown by another
        self._now: Progress | None = None
        self._documents, self._read, self._indexed = Pace(clock), Pace(clock), Pace(clock)

    def tell(self, now: Progress) -> None:
        with self._lock:
            self._now = now
            if now.step == "reading":
                self._documents.note(now.documents)
                self._read.note(now.passages)
            elif now.step == "indexing":
                self._indexed.note(now.indexed)

    def _step(self, now: Progress) -> str:
        read = now.step == "reading" and now.documents == now.of_documents
        return "opening" if read else now.step

    def line(self) -> str:
        """All of it in one line, without a rate where there is none yet."""
        with self._lock:
            now = self._now
            if now is None:
                return "starting"
            step, (rate, left) = self._step(now), self._rate_and_left(now)
            said = [f"{now.documents:,} of {now.of_documents:,} documents"]
            if step == "indexing":
                said = [f"{now.indexed:,} of {now.to_index:,} passages"]
            elif step == "comparing":
                said = [f"{now.compared:,} of {now.to_compare:,} sources"]
            else:
                said += [f"{now.pages:,} pages", f"{now.passages:,} passages"]
            if now.failed:
                said.append(f"{now.failed:,} failed")
            if rate is not None:
                said.append(f"{rate:.1f} passages a second")
            if left is not None:
                said.append(f"{clock_time(left)} left")
            return f"{_STEPS[step]}: {', '.join(said)}"

    def table(self) -> Table:
        """A table of two steps, in 40 columns."""
        from rich.table import Table

        with self._lock:
            now = self._now
            made = Table(box=None, pad_edge=False, title_justify="left", title_style="bold")
            made.title = _STEPS[self._step(now)] if now else "starting"
            for name in ("", "reading", "indexing"):
                made.add_column(name, justify="right" if name else "left")
            for row in self._rows(now) if now else ():
                made.add_row(*row)
            return made

    def _rows(self, now: Progress) -> Iterator[tuple[str, str, str]]:
        rate, left = self._rate_and_left(now)
        each, to_wait = "" if rate is None else f"{rate:,.1f}", clock_time(left)
        reading = now.step == "reading"
        indexed = f"{now.indexed:,}/{now.to_index:,}" if now.to_index else ""
        yield "documents", f"{now.documents:,}/{now.of_documents:,}", ""
        yield "failed", f"{now.failed:,}", ""
        yield "pages", f"{now.pages:,}", ""
        yield "passages", f"{now.passages:,}", indexed
        yield "a second", *((each, "") if reading else ("", each))
        yield "time left", *((to_wait, "") if reading else ("", to_wait))

    def _rate_and_left(self, now: Progress) -> tuple[float | None, float | None]:
        """Passages a second, and seconds left, of the step that it is at."""
        match self._step(now):
            case "reading":
                return self._read.rate(), self._documents.left(now.of_documents)
            case "indexing":
                return self._indexed.rate(), self._indexed.left(now.to_index)
            case _:
                return None, None


@contextmanager
def ingestion() -> Iterator[Callable[[Progress], None]]:
    """Show how far an ingestion is, on stderr, for as long as it lasts: call it with Progress."""
    from rich.console import Console

    display, console = Display(), Console(stderr=True)
    watched = console.is_terminal and not console.is_dumb_terminal
    with _table(display, console) if watched else _lines(display):
        yield display.tell


@contextmanager
def _table(display: Display, console) -> Iterator[None]:
    from rich.live import Live

    options = {"refresh_per_second": 4, "transient": True, "redirect_stdout": False}
    with Live(console=console, get_renderable=display.table, **options):
        yield


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
