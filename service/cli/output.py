"""What the command line prints for a person to read: tables, answers, verdicts.

Heavy modules are imported where they are used.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from corpus.store.collections import Collection
    from corpus.store.queries import SourceSummary
    from corpus.store.versions import LocatedPassage
    from corpus.types import Document, Source, Unread
    from index.ingestion.report import Item
    from index.search import Hit
    from service.answering.factcheck import Checked
    from service.ingestion.pipeline import RemovedSource
    from service.ingestion.watcher import WatchNotice
    from service.receipts.checks import Check
    from service.types import Answer, Citation, Claim, Evidence


NARROW_COLUMNS = 60  # width of a terminal below which a table would break up its words


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table as wide as the terminal; in a narrow terminal, each cell on its own line.

    In a pipe or a file each row is one line, however long, so that grep finds whole rows.
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
        made.add_column(name, overflow="fold")  # an address must not be cut
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
    """Print what an ingestion did with each document."""
    rows = [
        (item.outcome, item.title or item.place, str(item.passages or ""), _reason(item))
        for item in read
    ]
    print_table(("outcome", "source", "passages", "reason"), rows)
    total = _count(sum(item.passages for item in read), "passage")
    print(f"\n{total}, {embedded} newly embedded")


def print_failures(failed: Sequence[Item], named: int, dry_run: bool) -> None:
    """Print one line on standard error: how many of the ``named`` documents failed, and why."""
    message = _printable(failed[0].reason)
    if named > 1:
        counted = f"{len(failed):,} of {named:,} documents could not be read"
        if len(failed) == named:
            counted = f"none of {named:,} documents could be read"
        elif not dry_run:
            counted += ", the others are in the library"
        message = f"{counted}{': ' if len(failed) == 1 else '; the first: '}{message}"
    print(f"tenkyo: {message}", file=sys.stderr)


def print_notice(notice: WatchNotice) -> None:
    """Print what was done about a change in a watched folder."""
    line = notice.path
    if notice.passages:
        line += f", {_count(notice.passages, 'passage')}"
    if notice.reason:
        line += f": {_without(notice.reason, notice.path)}"
    print(f"{notice.outcome:<8} {line}", flush=True)


def print_sources(listed: Sequence[SourceSummary], unread: Sequence[Unread]) -> None:
    """Print the sources in the library and the documents that could not be read."""
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
        failed = [(each.tried_at[:10], each.place, _reason(each)) for each in unread]
        print_table(("tried", "place", "reason"), failed)


def print_collections(listed: Sequence[Collection]) -> None:
    """Print collections, with the number of sources in each."""
    if listed:
        rows = [(each.name, f"{len(each.source_ids):,}") for each in listed]
        print_table(("collection", "sources"), rows)
    else:
        print("there are no collections yet: `tenkyo collections make NAME` makes one")


def print_removed(sources: Sequence[RemovedSource]) -> None:
    """Print the sources that were removed, one per line."""
    for each in sources:
        name = each.source.title or each.source.url
        print(f"removed {each.source.id}, {_count(each.passages, 'passage')}: {_printable(name)}")


def print_planned(items: Sequence[Item]) -> None:
    """Print what an ingestion would do with each document."""
    rows = [(item.outcome, item.place, item.title, _reason(item)) for item in items]
    print_table(("outcome", "source", "title", "reason"), rows)


def _reason(item: Item | Unread) -> str:
    return _without(item.reason, item.place)


def _without(reason: str, place: str) -> str:
    """Return a reason without the path or URL at its start, which is printed beside it."""
    names = [place]
    if "://" not in place:
        names.append(Path(place).resolve().as_uri())
    return next(
        (reason[len(name) + 1 :] for name in names if reason.startswith(f"{name} ")), reason
    )


def _count(count: int, one: str) -> str:
    return f"{count:,} {one if count == 1 else f'{one}s'}"


def _printable(text: str) -> str:
    """Return a text in one line, without control characters of terminals and text direction."""
    return "".join(char if char.isprintable() else " " if char.isspace() else "" for char in text)


def print_hits(hits: Sequence[Hit]) -> None:
    """Print the passages of a search, each with its score, id and first words."""
    for hit in hits:
        print(f"{hit.score:6.2f}  {hit.passage.id}  {hit.source.title}")
        print(f"        {_line(hit.passage.text)[:160]}\n")


def print_document(document: Document) -> None:
    """Print the whole text of a source."""
    _heading(document.source)
    print(f"\n{document.text}")


def print_passage(located: LocatedPassage) -> None:
    """Print a passage; say so if it is of a former version of its source, or was read by OCR."""
    source = located.document.source
    _heading(source)
    if not located.current:
        same_words = f"has the same words as passage {located.replaced_by}"
        now = same_words if located.replaced_by else "no longer has these words"
        retrieved = f", retrieved {source.retrieved_at}" if source.retrieved_at else ""
        print(f"from a former version{retrieved}: the source {now}")
    for page in located.ocr_pages:
        print(f"page {page} was read by OCR: compare it with the original page")
    print(f"\n{located.passage.text}")


def _heading(source: Source) -> None:
    print(f"{source.title}\n{source.kind} · {source.url}")


def print_answer(answer: Answer) -> None:
    """Print an answer: its claims with their quotes and sources, and what was withheld."""
    if answer.understood:
        print(f"(answered as: {answer.understood})\n")
    if answer.mode == "metadata":
        print("(from the catalogue: what the library knows of its sources, not what they say)\n")
    if answer.reason:
        print(f"({answer.reason})\n" if answer.claims else answer.reason)
    evidence = {e.label: e for e in answer.evidence}
    for claim in answer.claims:
        print(claim.text, "".join(f"[{label}]" for label in claim.labels))
        if claim.answers and not claim.answers.holds:
            print("    context: its source supports it, but it does not answer the question")
        _print_quotes(claim, evidence)
    for rejected in answer.rejected:
        print(f"\nwithheld: {rejected.text}\n    {rejected.reason}")


def print_checked(name: str, checked: Checked) -> None:
    """Print the claims of a text that was verified, each with its verdict, quotes and sources."""
    evidence = {e.label: e for e in checked.evidence}
    print(name)
    for claim in checked.claims:
        print(f"\n{claim.verdict.label:<12} {claim.verdict.score:.2f}  {_line(claim.text)}")
        if claim.reason:
            print(f"    {claim.reason}")
        _print_quotes(claim, evidence)
    counted = Counter(claim.verdict.label for claim in checked.claims)
    each = ", ".join(f"{n} {label}" for label, n in counted.most_common())
    print(f"\n{_count(len(checked.claims), 'claim')}{': ' if each else ''}{each}")


def print_rechecked(name: str, checks: Sequence[Check], summary: str) -> None:
    """Print the checks of a receipt, one per line, and what they amount to."""
    print(name)
    for check in checks:
        print(f"{check.outcome:<7} {check.name}: {_line(_printable(check.detail))}")
    print(f"\n{_printable(summary)}")


def print_retrieval(reports: Sequence[Mapping[str, Any]]) -> None:
    """Print how embedders and re-rankers did on the shipped questions."""
    head = ("model", "dimension", "passages/s", "ms a question", "R@1 en", "R@1 ja")
    rows = [
        (
            ("re-ranked by " if each["kind"] == "reranker" else "") + each["name"],
            str(each["dimension"] or ""),
            f"{each['passages_per_second']:,.0f}",
            f"{each['question_ms']:,.0f}",
            *(f"{100 * share:.0f} %" for share in each["recall_at_1"].values()),
        )
        for each in reports
    ]
    print_table(head, rows)
    count = reports[0]["questions"]
    print(f"R@1: of {count} questions, those whose first hit is of the work that is asked about\n")


def print_self_test(result: Mapping[str, Any]) -> None:
    """Print the self-test of a judge: each item, the counts, the cost, and what follows."""
    rows = [
        (
            each["kind"],
            each["language"],
            "true" if each["supported"] else "false",
            each["verdict"],
            "right" if each["right"] else "wrong",
            each["sentence"],
        )
        for each in result["items"]
    ]
    print_table(("kind", "language", "truth", "verdict", "", "sentence"), rows)
    (true, of_true), (false, of_false) = result["true"], result["false"]
    print(f"\n{true} of {of_true} true sentences right, {false} of {of_false} false ones")
    print(f"{result['tokens']:,} tokens, {result['seconds']:.1f} s")
    print(f"an ordinary call with control sentences: {result['controls']}")
    name = f"{_printable(result['name'])} at {_printable(result['host'])}"
    if not result["answered"]:
        print(f"{name} gave no reply in time: raise TENKYO_JUDGE_TIMEOUT, or use a faster one")
    elif result["passed"]:
        print(f"{name} may judge")
    else:
        print(
            f"{name} may not judge: set TENKYO_JUDGE_URL and TENKYO_JUDGE_MODEL to a stronger one"
        )


def _print_quotes(claim: Claim, evidence: Mapping[int, Evidence]) -> None:
    """Print the quotes that support a claim, and those that dispute it."""
    for citation in claim.citations:
        _print_quote(citation, evidence[citation.label])
    works = {evidence[citation.label].source.work_key for citation in claim.citations}
    cited = {citation.source_id for citation in claim.citations}
    for citation in claim.disputed_by:
        found = evidence[citation.label]
        before = "another version: " if found.source.work_key in works else "disputed: "
        before = "elsewhere in it: " if citation.source_id in cited else before
        _print_quote(citation, found, before)
    if claim.secondary:
        print("    second hand: the source only reports on a work that is in the library")


def _print_quote(citation: Citation, evidence: Evidence, before: str = "") -> None:
    source = evidence.source
    page = f", page {citation.page}" if citation.page else ""
    catalogue = " (from the catalogue)" if citation.metadata else ""
    print(f"    {before}“{_line(citation.quote)}”{catalogue}")
    print(f"    [{citation.label}] {source.title or source.id} ({source.kind}{page}) {source.url}")


def _line(text: str) -> str:
    return " ".join(text.split())
