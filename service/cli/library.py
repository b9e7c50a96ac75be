"""The commands on the library: what goes into it, what is in it, what is taken out.

Everything heavy is imported where it is used, so that ``tenkyo --help`` is quick.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli import output, progress
from service.server import bootstrap

if TYPE_CHECKING:
    from index.ingestion.report import Item
    from service.ingestion.pipeline import IngestionPipeline, IngestRequest

app = typer.Typer()
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Password = Annotated[str, typer.Option(help="Opens encrypted PDFs among the files.")]
Names = list[str] | None

_PLACES = "URLs, files and folders; none: the library that ships with Tenkyo."
_WATCH = "Stay, and ingest what changes in the folders, until Ctrl-C."
_DRY_RUN = "List what would be ingested, and ingest nothing."
_PRIVATE = "Also fetch from this machine and its private network."


class Follow(StrEnum):
    """What to follow from a page that is ingested."""

    papers = "papers"


@app.command()
def ingest(
    places: Annotated[Names, typer.Argument(help=_PLACES)] = None,
    follow: Annotated[
        Follow | None, typer.Option(help="Also ingest the papers that they link to.")
    ] = None,
    depth: Annotated[
        int, typer.Option(min=1, help="Follow papers' own links to papers, so many times in all.")
    ] = 1,
    limit: Annotated[int, typer.Option(min=1, help="At most so many papers.")] = 50,
    host: Annotated[
        Names, typer.Option(help="Follow only to this host, or one below it; may be repeated.")
    ] = None,
    include: Annotated[
        Names, typer.Option(help="Of folders, only files like *.pdf; may be repeated.")
    ] = None,
    exclude: Annotated[
        Names, typer.Option(help="Of folders, no files like drafts/*; may be repeated.")
    ] = None,
    password: Password = "",
    watch: Annotated[bool, typer.Option("--watch", help=_WATCH)] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help=_DRY_RUN)] = False,
    trust_private: Annotated[bool, typer.Option(help=_PRIVATE)] = False,
    as_json: Json = False,
) -> None:
    """Read documents into the library and bring the index up to date.

    Exit code 0: all that was named is read; 1: some could not be, and the rest is kept; 2: none
    could be, or bad input.
    """
    _check_options(places or (), follow, host or (), watch, dry_run)
    with _until_interrupted(watch):
        from index.ingestion.tasks import FileSelection
        from service.ingestion.pipeline import IngestRequest

        choice = FileSelection(include or (), exclude or (), password)
        depth = depth if follow else 0
        wanted = IngestRequest(places or (), choice, depth, limit, host or (), trust_private)
        if watch:
            _watch(wanted, as_json)
        else:
            _ingest(wanted, dry_run, as_json)


def _check_options(
    places: Sequence[str], follow: Follow | None, hosts: Sequence[str], watch: bool, dry_run: bool
) -> None:
    """Raise BadParameter for options that do not go together."""
    if watch:
        if follow or dry_run:
            other = "--follow" if follow else "--dry-run"
            raise typer.BadParameter(f"it does not go together with {other}", param_hint="--watch")
        if urls := [place for place in places if "://" in place]:
            raise typer.BadParameter(f"it watches folders, not {urls[0]}", param_hint="--watch")
        if not places:
            raise typer.BadParameter("name the folders to watch", param_hint="--watch")
    if follow and not places:
        raise typer.BadParameter("name the page to follow", param_hint="--follow")
    if hosts and not follow:
        raise typer.BadParameter("it bounds what --follow papers does", param_hint="--host")
    if any("/" in name for name in hosts):
        raise typer.BadParameter("name a host, such as arxiv.org", param_hint="--host")


@contextmanager
def _until_interrupted(watch: bool) -> Iterator[None]:
    """Ctrl-C ends an ingestion with one line and exit code 130, and one that watches with 0."""
    try:
        yield
    except KeyboardInterrupt:
        ended = "stopped watching" if watch else "interrupted"
        kept = "what was read is kept, and the same command goes on from there"
        print(f"tenkyo: {ended}: {kept}", file=sys.stderr)
        raise SystemExit(0 if watch else 130) from None


def _desk() -> IngestionPipeline:
    return bootstrap.create_ingestion_pipeline(bootstrap.load_settings())


def _ingest(wanted: IngestRequest, dry_run: bool, as_json: bool) -> None:
    """Ingest, or say what would be, and print the report.

    Raises:
        SystemExit: with code 1 where some of what was named failed, and 2 where all of it did.
    """
    if dry_run:
        done = _desk().preview(wanted)
    else:
        with progress.ingestion() as tell:
            done = _desk().ingest(wanted, tell)
    _report(done.items, done.embedded, dry_run, as_json)
    failed = [item for item in done.named if item.outcome == "failed"]
    if failed:
        output.failures(failed, len(done.named), dry_run)
        raise SystemExit(2 if len(failed) == len(done.named) else 1)


def _watch(wanted: IngestRequest, as_json: bool) -> None:
    """Ingest folders, then what changes in them."""
    from corpus.files.files import printable_path
    from corpus.files.watcher import WatchedFolders
    from service.ingestion.watcher import FolderWatcher

    settings = bootstrap.load_settings()
    folders = [Path(place) for place in wanted.places]
    choice = wanted.choice
    # Else each ingestion would change what is watched, and so be followed by another one.
    watched = WatchedFolders(folders, choice.include, choice.exclude, without=settings.data_dir)
    watch = FolderWatcher(_desk(), watched, choice.password)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as what runs a service ends it
    with progress.ingestion() as tell:
        done = watch.start(tell)
    _report(done.items, done.embedded, False, as_json)
    if not as_json:
        print(f"\nwatching {', '.join(map(printable_path, folders))}: Ctrl-C ends it", flush=True)
    for notices in watch.follow_changes(progress.ingestion):
        for notice in notices:
            _print(asdict(notice)) if as_json else output.print_notice(notice)


def _report(items: Sequence[Item], embedded: int, dry_run: bool, as_json: bool) -> None:
    """Print what an ingestion did, or would do."""
    failed = [item for item in items if item.outcome == "failed"]
    skipped = [item for item in items if item.outcome == "skipped"]
    read = [item for item in items if item.outcome not in ("failed", "skipped")]
    if not as_json:
        output.print_planned(items) if dry_run else output.print_items(items, embedded)
    elif dry_run:
        planned = [_place(i) | {"title": i.title, "reason": i.reason} for i in read]
        _print({"planned": planned, "skipped": _reasons(skipped), "failed": _reasons(failed)})
    else:
        _print({
            "sources": len(read),
            "passages": sum(item.passages for item in items),
            "embedded": embedded,
            "remarks": _reasons([item for item in read if item.reason]),
            "skipped": _reasons(skipped),
            "failed": _reasons(failed),
        })  # fmt: skip


@app.command()
def sources(as_json: Json = False) -> None:
    """List the sources of the library, and what could not be read."""
    from service.types import to_json

    store = bootstrap.open_store(bootstrap.load_settings())
    listed, unread = store.source_summaries(), store.unread()
    if as_json:
        counts = ("passages", "pages", "versions")
        rows = [to_json(e.source) | {name: getattr(e, name) for name in counts} for e in listed]
        _print({"sources": rows, "unread": [to_json(each) for each in unread]})
    else:
        output.print_sources(listed, unread)


@app.command()
def remove(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE…", help="Ids, as `tenkyo sources` lists them; or addresses, or files."
        ),
    ],
    as_json: Json = False,
) -> None:
    """Take sources out of the library, with everything that was kept of them."""
    from service.types import to_json

    with _until_interrupted(False), progress.ingestion() as tell:
        removed = _desk().remove(names, tell)
    if as_json:
        _print(
            {"removed": [to_json(each.source) | {"passages": each.passages} for each in removed]}
        )
    else:
        output.print_removed(removed)


@app.command()
def reindex(as_json: Json = False) -> None:
    """Write the index anew from the database."""
    from index.ingestion.report import IngestProgress
    from index.ingestion.sync import sync

    settings = bootstrap.load_settings()
    with _until_interrupted(False), progress.ingestion() as tell:
        store, embedder = bootstrap.open_store(settings), bootstrap.create_embedder(settings)
        count = sync(store, embedder, settings.index_dir, IngestProgress(tell), rebuild=True)
    _print({"embedded": count}) if as_json else print(f"{count} passages embedded")


def _reasons(items: Sequence[Item]) -> list[dict[str, str]]:
    return [_place(item) | {"reason": item.reason} for item in items]


def _place(item: Item) -> dict[str, str]:
    return {"url" if "://" in item.place else "path": item.place}


def _print(value: Any) -> None:
    """Print a line of JSON, at once: it may be read while the command goes on."""
    print(json.dumps(value, ensure_ascii=False), flush=True)
