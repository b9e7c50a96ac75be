"""What the command line prints, for a person to read. Nothing heavy is imported before use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from index.ingest import Item
    from index.search import Hit
    from service.factcheck import Checked
    from service.recheck import Check
    from service.types import Answer, Citation, Claim, Evidence


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar on stderr, which a pipe does not see: call it with step, done, total."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Remaining())
    tasks: dict[str, Any] = {}
    with Progress(*columns, console=Console(stderr=True)) as bar:

        def advance(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bar.add_task(step, total=total)
            bar.update(tasks[step], completed=done, total=total)

        yield advance


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, pad_edge=False)
    for name in head:
        made.add_column(name, overflow="fold")  # half an address is of no use
    for row in rows:
        made.add_row(*map(Text, row))
    Console().print(made)


def items(read: Sequence[Item], embedded: int) -> None:
    """What an ingestion did."""
    rows = [
        (item.outcome, item.title or item.place, str(item.passages or ""), _why(item))
        for item in read
    ]
    table(("outcome", "source", "passages", "why"), rows)
    print(f"\n{sum(item.passages for item in read)} passages, {embedded} newly embedded")


def planned(items: Sequence[Item]) -> None:
    """What an ingestion would do."""
    rows = [(item.outcome, item.place, item.title, _why(item)) for item in items]
    table(("outcome", "source", "title", "why"), rows)


def _why(item: Item) -> str:
    """The reason, without the name that it begins with and that stands beside it."""
    names = [item.place]
    if "://" not in item.place:
        names.append(Path(item.place).resolve().as_uri())
    return next(
        (item.reason[len(name) + 1 :] for name in names if item.reason.startswith(f"{name} ")),
        item.reason,
    )


def hits(found: Sequence[Hit]) -> None:
    for hit in found:
        print(f"{hit.score:6.2f}  {hit.passage.id}  {hit.source.title}")
        print(f"        {_line(hit.passage.text)[:160]}\n")


def answer(made: Answer) -> None:
    if made.reason:
        print(f"({made.reason})\n" if made.claims else made.reason)
    shown = {e.label: e for e in made.evidence}
    for claim in made.claims:
        print(claim.text, "".join(f"[{c.label}]" for c in claim.citations))
        _rests_on(claim, shown)
    for rejected in made.rejected:
        print(f"\nwithheld: {rejected.text}\n    {rejected.reason}")


def checked(name: str, found: Checked) -> None:
    """The claims of a text, each with its verdict, its quotes and where they stand."""
    shown = {e.label: e for e in found.evidence}
    print(name)
    for claim in found.claims:
        print(f"\n{claim.verdict.label:<12} {claim.verdict.score:.2f}  {_line(claim.text)}")
        if claim.reason:
            print(f"    {claim.reason}")
        _rests_on(claim, shown)
    counted = Counter(claim.verdict.label for claim in found.claims)
    each = ", ".join(f"{n} {label}" for label, n in counted.most_common())
    print(f"\n{len(found.claims)} claims{': ' if each else ''}{each}")


def rechecked(name: str, checks: Sequence[Check]) -> None:
    """The checks of a receipt, a line each."""
    print(name)
    for check in checks:
        print(f"{check.outcome:<7} {check.name}: {_line(check.detail)}")
    failed = sum(check.outcome == "failed" for check in checks)
    print(f"\n{failed} of {len(checks)} checks failed" if failed else "\nthe receipt holds")


def _rests_on(claim: Claim, shown: Mapping[int, Evidence]) -> None:
    """The quotes that a claim rests on, and what there is to say against them."""
    for citation in claim.citations:
        _quote(citation, shown[citation.label])
    works = {shown[citation.label].source.one_work for citation in claim.citations}
    for citation in claim.disputed_by:
        same = shown[citation.label].source.one_work in works
        _quote(citation, shown[citation.label], "another version: " if same else "disputed: ")
    if claim.secondary:
        print("    second hand: the source only reports on a work that is in the library")


def _quote(citation: Citation, evidence: Evidence, before: str = "") -> None:
    source = evidence.source
    page = f", page {citation.page}" if citation.page else ""
    print(f"    {before}“{_line(citation.quote)}”")
    print(f"    [{citation.label}] {source.title or source.id} ({source.kind}{page}) {source.url}")


def _line(text: str) -> str:
    return " ".join(text.split())
