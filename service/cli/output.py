"""What the command line prints, for a person to read. Nothing heavy is imported before use."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from corpus.store.queries import SourceSummary
    from corpus.store.versions import LocatedPassage
    from corpus.types import Document, Source, Unread
    from index.ingestion.report import Item
    from index.search import Hit
    from service.answering.factcheck import Checked
    from service.ingestion.pipeline import RemovedSource
    from service.ingestion.watcher import WatchNotice
    from service.types import Answer, Citation, Claim, Evidence
    from service.verification.recheck import Check


NARROW_COLUMNS = 60  # columns: below, a table would break its words to pieces


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


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table as wide as the terminal; in a narrow one, each row as lines of its own.

    Elsewhere, such as in a pipe, a row is one line, however long.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    rows = [[_printable(cell) for cell in row] for row in rows]
    console = Console()
    if console.is_terminal and console.width < NARROW_COLUMNS:
        for row in rows:
            named = [f"{name}: {cell}" for name, cell in zip(head, row, strict=True) if cell]
            print(*named, sep="\n", end="\n\n")
        return
    made = Table(box=None, pad_edge=False)
    for name in head:
        made.add_column(name, overflow="fold")  # half an address is of no use
    for row in rows:
        made.add_row(*map(Text, row))
    if console.is_terminal:
        console.print(made)
    else:
        columns = zip(head, *rows, strict=True)
        console.width = sum(2 * max(map(len, column)) + 1 for column in columns)
        with console.capture() as captured:
            console.print(made)
        print("\n".join(line.rstrip() for line in captured.get().splitlines()))


def print_items(read: Sequence[Item], embedded: int) -> None:
    """What an ingestion did."""
    rows = [
        (item.outcome, item.title or item.place, str(item.passages or ""), _why(item))
        for item in read
    ]
    print_table(("outcome", "source", "passages", "why"), rows)
    total = _count(sum(item.passages for item in read), "passage")
    print(f"\n{total}, {embedded} newly embedded")


def failures(failed: Sequence[Item], named: int, dry_run: bool) -> None:
    """Say in one line of standard error how many of the ``named`` documents failed, and why."""
    said = _printable(failed[0].reason)
    if named > 1:
        counted = f"{len(failed):,} of {named:,} documents could not be read"
        if len(failed) == named:
            counted = f"none of {named:,} documents could be read"
        elif not dry_run:
            counted += ", the others are in the library"
        said = f"{counted}{': ' if len(failed) == 1 else '; the first: '}{said}"
    print(f"tenkyo: {said}", file=sys.stderr)


def print_notice(noticed: WatchNotice) -> None:
    """What became of a file or a folder that is watched, at once."""
    said = noticed.path
    if noticed.passages:
        said += f", {_count(noticed.passages, 'passage')}"
    if noticed.reason:
        said += f": {_without(noticed.reason, noticed.path)}"
    print(f"{noticed.outcome:<8} {said}", flush=True)


def print_sources(listed: Sequence[SourceSummary], unread: Sequence[Unread]) -> None:
    """What is in the library, and what could not be read."""
    ids = {each.source.id for each in listed}
    rows = [
        (
            each.source.id,
            each.source.kind,
            each.source.title,
            str(each.pages or ""),
            str(each.passages),
            str(each.versions),
            each.source.retrieved_at[:10],
            str(sum(id in ids for id in each.source.cited_by) or ""),
        )
        for each in listed
    ]
    if rows:
        head = ("id", "kind", "title", "pages", "passages", "versions", "retrieved", "cited by")
        print_table(head, rows)
        print()
    total = sum(each.passages for each in listed)
    print(f"{_count(len(rows), 'source')}, {_count(total, 'passage')}")
    if unread:
        print(f"\n{len(unread):,} could not be read when last tried:\n")
        rows = [(each.tried_at[:10], each.place, _why(each)) for each in unread]
        print_table(("tried", "place", "why"), rows)


def print_removed(sources: Sequence[RemovedSource]) -> None:
    for each in sources:
        name = each.source.title or each.source.url
        print(f"removed {each.source.id}, {_count(each.passages, 'passage')}: {_printable(name)}")


def print_planned(items: Sequence[Item]) -> None:
    """What an ingestion would do."""
    rows = [(item.outcome, item.place, item.title, _why(item)) for item in items]
    print_table(("outcome", "source", "title", "why"), rows)


def _why(item: Item | Unread) -> str:
    return _without(item.reason, item.place)


def _without(reason: str, place: str) -> str:
    """A reason without the name that it begins with, and that stands beside it."""
    names = [place]
    if "://" not in place:
        names.append(Path(place).resolve().as_uri())
    return next(
        (reason[len(name) + 1 :] for name in names if reason.startswith(f"{name} ")), reason
    )


def _count(count: int, one: str) -> str:
    return f"{count:,} {one if count == 1 else f'{one}s'}"


def _printable(text: str) -> str:
    """A text on one line, without what would move a cursor or turn the writing around."""
    return "".join(char if char.isprintable() else " " if char.isspace() else "" for char in text)


def print_hits(found: Sequence[Hit]) -> None:
    for hit in found:
        print(f"{hit.score:6.2f}  {hit.passage.id}  {hit.source.title}")
        print(f"        {_line(hit.passage.text)[:160]}\n")


def print_document(found: Document) -> None:
    _heading(found.source)
    print(f"\n{found.text}")


def print_passage(standing: LocatedPassage) -> None:
    """A passage, with a line on it where its source has changed since."""
    source = standing.document.source
    _heading(source)
    if not standing.current:
        words = f"has these words now as {standing.replaced_by}"
        now = words if standing.replaced_by else "no longer has these words"
        print(f"of a former version, read {source.retrieved_at or 'earlier'}: the source {now}")
    if standing.ocr:
        print(f"page {standing.passage.page}, read by OCR: compare it with the page itself")
    print(f"\n{standing.passage.text}")


def _heading(source: Source) -> None:
    print(f"{source.title}\n{source.kind} · {source.url}")


def print_answer(made: Answer) -> None:
    if made.understood:
        print(f"(taken as: {made.understood})\n")
    if made.reason:
        print(f"({made.reason})\n" if made.claims else made.reason)
    shown = {e.label: e for e in made.evidence}
    for claim in made.claims:
        print(claim.text, "".join(f"[{c.label}]" for c in claim.citations))
        _rests_on(claim, shown)
    for rejected in made.rejected:
        print(f"\nwithheld: {rejected.text}\n    {rejected.reason}")


def print_checked(name: str, found: Checked) -> None:
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


def print_rechecked(name: str, checks: Sequence[Check]) -> None:
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
    works = {shown[citation.label].source.work_key for citation in claim.citations}
    for citation in claim.disputed_by:
        same = shown[citation.label].source.work_key in works
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
