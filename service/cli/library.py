"""The commands that change or list the library: ingest, sources, remove and reindex.

Heavy modules are imported where they are used, so that ``tenkyo --help`` is fast.
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
from service.cli.completion import collection_names
from service.server import bootstrap

if TYPE_CHECKING:
    from index.ingestion.report import Item
    from service.ingestion.pipeline import IngestionPipeline, IngestRequest

app = typer.Typer()
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Password = Annotated[str, typer.Option(help="Password of the encrypted PDF files.")]
Names = list[str] | None

_PLACES = "URLs, files and folders. Without any: the library that comes with Tenkyo."
_WATCH = "Keep running and ingest files that change in the folders, until Ctrl-C."
_DRY_RUN = "List what would be ingested, without ingesting it."
_COLLECTION = "Put the documents in this collection; it is made if there is none."
_PRIVATE = "Allow fetching from this machine and its private network."


class Follow(StrEnum):
    """Kinds of links that are followed from an ingested web page."""

    papers = "papers"


@app.command()
def ingest(
    places: Annotated[Names, typer.Argument(help=_PLACES)] = None,
    follow: Annotated[
        Follow | None, typer.Option(help="Also ingest the papers that the pages link to.")
    ] = None,
    depth: Annotated[
        int,
        typer.Option(
            min=1, help="How many links deep to follow: 2 also follows the papers' links."
        ),
    ] = 1,
    limit: Annotated[int, typer.Option(min=1, help="Most papers to follow.")] = 50,
    host: Annotated[
        Names,
        typer.Option(help="Follow links only to this host and its subdomains; can be repeated."),
    ] = None,
    include: Annotated[
        Names,
        typer.Option(help="In folders, only files that match, such as *.pdf; can be repeated."),
    ] = None,
    exclude: Annotated[
        Names,
        typer.Option(help="In folders, no files that match, such as drafts/*; can be repeated."),
    ] = None,
    password: Password = "",
    collection: Annotated[
        str, typer.Option(help=_COLLECTION, autocompletion=collection_names)
    ] = "",
    watch: Annotated[bool, typer.Option("--watch", help=_WATCH)] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help=_DRY_RUN)] = False,
    trust_private: Annotated[bool, typer.Option(help=_PRIVATE)] = False,
    as_json: Json = False,
) -> None:
    """Read documents into the library and update the index.

    Exit codes: 0: everything was read. 1: some documents could not be read; the others are in
    the library. 2: no document could be read, or the options are wrong.
    """
    _check_options(places or (), follow, host or (), watch, dry_run)
    with _until_interrupted(watch):
        from index.ingestion.tasks import FileSelection
        from service.ingestion.pipeline import IngestRequest

        choice = FileSelection(include or (), exclude or (), password)
        depth = depth if follow else 0
        request = IngestRequest(
            places or (), choice, depth, limit, host or (), trust_private, collection
        )
        if watch:
            _watch(request, as_json)
        else:
            _ingest(request, dry_run, as_json)


def _check_options(
    places: Sequence[str], follow: Follow | None, hosts: Sequence[str], watch: bool, dry_run: bool
) -> None:
    """Raise BadParameter for options that cannot be combined."""
    if watch:
        if follow or dry_run:
            other = "--follow" if follow else "--dry-run"
            raise typer.BadParameter(f"it cannot be combined with {other}", param_hint="--watch")
        if urls := [place for place in places if "://" in place]:
            raise typer.BadParameter(f"it needs folders, not {urls[0]}", param_hint="--watch")
        if not places:
            raise typer.BadParameter("name the folders to watch", param_hint="--watch")
    if follow and not places:
        raise typer.BadParameter("name the page to follow", param_hint="--follow")
    if hosts and not follow:
        raise typer.BadParameter("it has an effect only with --follow papers", param_hint="--host")
    if any("/" in name for name in hosts):
        raise typer.BadParameter("name a host, such as arxiv.org", param_hint="--host")


@contextmanager
def _until_interrupted(watch: bool) -> Iterator[None]:
    """On Ctrl-C, print one line and exit: with code 130, or 0 for a command that watches."""
    try:
        yield
    except KeyboardInterrupt:
        ended = "stopped watching" if watch else "interrupted"
        kept = "what was read is kept, and the same command continues from there"
        print(f"tenkyo: {ended}: {kept}", file=sys.stderr)
        raise SystemExit(0 if watch else 130) from None


def _pipeline() -> IngestionPipeline:
    return bootstrap.create_ingestion_pipeline(bootstrap.load_settings())


def _ingest(request: IngestRequest, dry_run: bool, as_json: bool) -> None:
    """Ingest documents, or only list them, and print the report.

    Raises:
        SystemExit: With code 1 if some of the documents failed, and 2 if all of them did.
    """
    if dry_run:
        result = _pipeline().preview(request)
    else:
        with progress.ingestion() as on_progress:
            result = _pipeline().ingest(request, on_progress)
    _report(result.items, result.embedded, dry_run, as_json)
    failed = [item for item in result.named if item.outcome == "failed"]
    if failed:
        output.print_failures(failed, len(result.named), dry_run)
        raise SystemExit(2 if len(failed) == len(result.named) else 1)


def _watch(request: IngestRequest, as_json: bool) -> None:
    """Ingest folders, and then the files that are added or changed in them."""
    from corpus.files.files import printable_path
    from corpus.files.watcher import WatchedFolders
    from service.ingestion.watcher import FolderWatcher

    settings = bootstrap.load_settings()
    folders = [Path(place) for place in request.places]
    choice = request.choice
    # Without the data folder: each ingestion changes it, and would cause the next one.
    watched = WatchedFolders(folders, choice.include, choice.exclude, without=settings.data_dir)
    pipeline = bootstrap.create_ingestion_pipeline(settings)
    watcher = FolderWatcher(pipeline, watched, choice.password, request.collection)
    # Service managers end a program with SIGTERM.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with progress.ingestion() as on_progress:
        result = watcher.start(on_progress)
    _report(result.items, result.embedded, False, as_json)
    if not as_json:
        print(
            f"\nwatching {', '.join(map(printable_path, folders))}: press Ctrl-C to stop",
            flush=True,
        )
    for notices in watcher.follow_changes(progress.ingestion):
        for notice in notices:
            _print(asdict(notice)) if as_json else output.print_notice(notice)


def _report(items: Sequence[Item], embedded: int, dry_run: bool, as_json: bool) -> None:
    """Print the report of an ingestion or of a dry run."""
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
    """List the sources in the library, and the documents that could not be read."""
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
            metavar="SOURCE…", help="Ids (as listed by `tenkyo sources`), URLs or files."
        ),
    ],
    as_json: Json = False,
) -> None:
    """Remove sources from the library, with all their versions and uploads."""
    from service.types import to_json

    with _until_interrupted(False), progress.ingestion() as on_progress:
        removed = _pipeline().remove(names, on_progress)
    if as_json:
        _print(
            {"removed": [to_json(each.source) | {"passages": each.passages} for each in removed]}
        )
    else:
        output.print_removed(removed)


@app.command()
def reindex(as_json: Json = False) -> None:
    """Rebuild the index from the database."""
    from index.cosine_scale import forget_scales
    from index.ingestion.report import IngestProgress
    from index.ingestion.sync import sync

    settings = bootstrap.load_settings()
    with _until_interrupted(False), progress.ingestion() as on_progress:
        store, embedder = bootstrap.open_store(settings), bootstrap.create_embedder(settings)
        tally = IngestProgress(on_progress)
        count = sync(store, embedder, settings.index_dir, tally, rebuild=True)
        forget_scales(settings.models_dir)
    _print({"embedded": count}) if as_json else print(f"{count} passages embedded")


def _reasons(items: Sequence[Item]) -> list[dict[str, str]]:
    return [_place(item) | {"reason": item.reason} for item in items]


def _place(item: Item) -> dict[str, str]:
    return {"url" if "://" in item.place else "path": item.place}


def _print(value: Any) -> None:
    """Print a line of JSON without buffering: programs read it while the command runs."""
    print(json.dumps(value, ensure_ascii=False), flush=True)
