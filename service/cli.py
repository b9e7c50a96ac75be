"""The command line: puts the parts together. It prints, by service.console, and nothing else does.

Everything heavy is imported where it is used, so that ``tenkyo --help`` is quick.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from corpus.errors import TenkyoError, TextRefused
from service import console, parts

if TYPE_CHECKING:
    from collections.abc import Callable

    from index.report import Item
    from service.factcheck import Checked, FactChecker
    from service.types import Answer

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Answers whose every sentence carries the passage it rests on, checked.",
    epilog="Settings are environment variables: TENKYO_DATA_DIR, _HOST, _PORT, _LLM_URL, …;"
    " docs/operations.md lists them.",
)
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Sources = Annotated[
    list[str] | None, typer.Option("--source", help="Only from this source; may be repeated.")
]


class Follow(StrEnum):
    """What to follow from a page that is ingested."""

    papers = "papers"


def main() -> None:
    """Run the command line; an expected error is one line and exit code 2."""
    try:
        app(standalone_mode=True)
    except TenkyoError as error:
        print(f"tenkyo: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except BrokenPipeError:  # the reader of a pipe, such as head, has seen enough
        sys.stderr.close()
        raise SystemExit(0) from None


@app.command()
def ingest(
    places: Annotated[
        list[str] | None,
        typer.Argument(help="URLs, files and folders; none: the library that ships with Tenkyo."),
    ] = None,
    follow: Annotated[
        Follow | None, typer.Option(help="Also ingest the papers that they link to.")
    ] = None,
    depth: Annotated[
        int, typer.Option(min=1, help="Follow papers' own links to papers, so many times in all.")
    ] = 1,
    limit: Annotated[int, typer.Option(min=1, help="At most so many papers.")] = 50,
    host: Annotated[
        list[str] | None,
        typer.Option(help="Follow only to this host, or one below it; may be repeated."),
    ] = None,
    include: Annotated[
        list[str] | None, typer.Option(help="Of folders, only files like *.pdf; may be repeated.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(help="Of folders, no files like drafts/*; may be repeated.")
    ] = None,
    password: Annotated[str, typer.Option(help="Opens encrypted PDFs among the files.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List what would be ingested, and ingest nothing.")
    ] = False,
    trust_private: Annotated[
        bool, typer.Option(help="Also fetch from this machine and its private network.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Read documents into the library and bring the index up to date."""
    from corpus.cache import Cache
    from corpus.catalogue import entries
    from corpus.crawl import MAX_WAIT, Crawler
    from corpus.fetch import Fetcher
    from index import follow as following
    from index.ingest import Ingestion
    from index.report import Item, Tally
    from index.sync import check_index, sync
    from index.tasks import Choice

    if follow and not places:
        raise typer.BadParameter("name the page to follow", param_hint="--follow")
    if host and not follow:
        raise typer.BadParameter("it bounds what --follow papers does", param_hint="--host")
    if any("/" in name for name in host or ()):
        raise typer.BadParameter("name a host, such as arxiv.org", param_hint="--host")
    settings = parts.read()
    store, cache = parts.store(settings), Cache(settings.cache_dir)
    choice = Choice(include or (), exclude or (), password)

    async def preview(ingestion: Ingestion) -> list[Item]:
        if not places:
            return [Item(e.source.url, "planned", e.source.title) for e in entries()]
        async with Fetcher(cache=cache, trust_private=trust_private) as fetcher:
            items = await ingestion.preview(places, fetcher, choice, open_them=bool(follow))
            crawler = Crawler(fetcher, hosts=host or ())
            return items + following.preview(items, crawler.may_ask, limit)

    async def read(ingestion: Ingestion) -> list[Item]:
        if not places:
            async with Fetcher(connect=4, read=8, deadline=20, cache=cache) as fetcher:
                return await ingestion.library(entries(), fetcher)
        wait = MAX_WAIT if follow else 5
        async with Fetcher(max_wait=wait, cache=cache, trust_private=trust_private) as fetcher:
            items = await ingestion.places(places, fetcher, choice)
            if follow:
                crawler = Crawler(fetcher, hosts=host or ())
                items += await following.follow(ingestion, items, crawler, depth=depth, limit=limit)
            return items

    if dry_run:
        with Ingestion(store) as ingestion:
            items, embedded = asyncio.run(preview(ingestion)), 0
    else:
        embedder = parts.embedder(settings)
        check_index(settings.index_dir, embedder.name)
        with console.ingestion() as tell:
            tally = Tally(tell)
            with Ingestion(store, tally) as ingestion:
                items = asyncio.run(read(ingestion))
            embedded = sync(store, embedder, settings.index_dir, tally)
    _report(items, embedded, dry_run, as_json)


def _report(items: Sequence[Item], embedded: int, dry_run: bool, as_json: bool) -> None:
    """Print what an ingestion did, or would do; exit code 2 where everything failed."""
    failed = [item for item in items if item.outcome == "failed"]
    skipped = [item for item in items if item.outcome == "skipped"]
    read = [item for item in items if item.outcome not in ("failed", "skipped")]
    if not as_json:
        console.planned(items) if dry_run else console.items(items, embedded)
    elif dry_run:
        planned = [_place(i) | {"title": i.title, "reason": i.reason} for i in read]
        report = {"planned": planned, "skipped": _reasons(skipped), "failed": _reasons(failed)}
        print(json.dumps(report, ensure_ascii=False))
    else:
        print(json.dumps({
            "sources": len(read),
            "passages": sum(item.passages for item in items),
            "embedded": embedded,
            "skipped": _reasons(skipped),
            "failed": _reasons(failed),
        }, ensure_ascii=False))  # fmt: skip
    if failed and len(failed) == len(items):
        raise SystemExit(2)


def _reasons(items: Sequence[Item]) -> list[dict[str, str]]:
    return [_place(item) | {"reason": item.reason} for item in items]


def _place(item: Item) -> dict[str, str]:
    return {"url" if "://" in item.place else "path": item.place}


@app.command()
def reindex(as_json: Json = False) -> None:
    """Write the index anew from the database."""
    from index.report import Tally
    from index.sync import sync

    settings = parts.read()
    store, embedder = parts.store(settings), parts.embedder(settings)
    with console.ingestion() as tell:
        count = sync(store, embedder, settings.index_dir, Tally(tell), rebuild=True)
    print(json.dumps({"embedded": count}) if as_json else f"{count} passages embedded")


@app.command()
def ask(
    question: str,
    source: Sources = None,
    quoted: Annotated[bool, typer.Option(help="Quote the sources; use no language model.")] = False,
    as_json: Json = False,
) -> None:
    """Answer a question from the library."""
    from service.question import check_question
    from service.types import to_json

    check_question(question)

    async def run() -> Answer:
        engine, close = parts.engine(parts.read())
        try:
            return await engine.answer(question, None, source, "quoted" if quoted else None)
        finally:
            await close()

    answer = asyncio.run(run())
    if as_json:
        print(json.dumps(to_json(answer), ensure_ascii=False))
    else:
        console.answer(answer)


@app.command()
def verify(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE…", help="Texts, documents and receipts; -: standard input."),
    ],
    source: Sources = None,
    as_json: Json = False,
) -> None:
    """Verify each sentence of a text in the library, or an answer by its receipt.

    Exit code 0: all is supported, or holds; 1: something is not; 2: bad input.
    """
    from service import factcheck, receipt
    from service.recheck import holds, recheck
    from service.types import to_json
    from service.verify import Verifier

    settings = parts.read()
    data = {name: _read(name) for name in files}
    receipts = {name: receipt.read(held) for name, held in data.items()}
    texts = {n: factcheck.text_of(n, data[n]) for n, found in receipts.items() if found is None}
    verifier = Verifier(parts.checker(settings), parts.embedder(settings))
    facts = factcheck.FactChecker(parts.library(settings), verifier) if texts else None
    store = parts.store_if_any(settings) if len(texts) < len(data) else None
    results: list[dict[str, Any]] = []
    good = True
    for name, held in receipts.items():
        if held is None:
            found = _check_text(facts, name, texts[name], source)
            fine = all(claim.verdict.label == "supported" for claim in found.claims)
            results.append({"file": name, **to_json(found)})
            printed = partial(console.checked, name, found)
        else:
            checks = recheck(held, verifier, store)
            fine = holds(checks)
            rows = [to_json(check) for check in checks]
            results.append({"file": name, "receipt": held["id"], "holds": fine, "checks": rows})
            printed = partial(console.rechecked, name, checks)
        good = good and fine
        if not as_json:
            printed()
    if as_json:
        print(json.dumps({"files": results}, ensure_ascii=False))
    raise SystemExit(0 if good else 1)


def _check_text(facts: FactChecker, name: str, text: str, sources: Sequence[str] | None) -> Checked:
    with console.progress() as progress:
        try:
            return facts.check(text, sources, progress)
        except TextRefused as error:
            raise TextRefused(f"{name}: {error}") from None


@app.command("eval")
def evaluate(
    questions: Annotated[Path, typer.Argument(help="JSON lines; docs/evaluation.md says what.")],
    mode: Annotated[
        str, typer.Option(metavar="quoted|generated", help="How to answer.")
    ] = "quoted",
    sample: Annotated[
        int | None, typer.Option(min=1, help="Only so many, at random, always the same.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Keep each answer here, as a line of JSON; goes on where it stopped."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Answer a file of questions, and measure how well."""
    from service import evaluation, measures

    asked = evaluation.choose(evaluation.read_questions(questions), sample, limit)
    settings = evaluation.settings_for(parts.read(), mode)

    async def run(progress: Callable[[str, int, int], None]) -> tuple[dict, list[dict]]:
        engine, close = parts.engine(settings)
        try:
            if engine.model:
                await engine.model.identify()
            made_with = evaluation.conditions(engine, settings, mode)
            return made_with, await evaluation.run(engine, asked, mode, made_with, out, progress)
        finally:
            await close()

    with console.progress() as progress:
        made_with, records = asyncio.run(run(progress))
    report = {"conditions": made_with} | measures.report(asked, records)
    if as_json:
        print(json.dumps(report, ensure_ascii=False))
    else:
        console.table(measures.HEAD, measures.rows(report))


@app.command()
def search(
    question: str,
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="How many passages.")] = 5,
    source: Sources = None,
    as_json: Json = False,
) -> None:
    """Show the passages nearest to a question."""
    from service.question import check_question
    from service.types import to_json

    question = check_question(question)
    hits = parts.library(parts.read()).search(question, k, source)
    if as_json:
        print(json.dumps({"hits": [to_json(hit) for hit in hits]}, ensure_ascii=False))
        return
    console.hits(hits)


@app.command()
def show(
    identifier: Annotated[str, typer.Argument(help="Id of a passage or of a source.")],
    as_json: Json = False,
) -> None:
    """Show one passage, or the whole text of one source."""
    from corpus.errors import NotFound
    from service.types import to_json

    store = parts.store(parts.read())
    try:
        standing = store.standing(identifier)
    except NotFound:
        found = store.document(identifier)
        printed, more = partial(console.document, found), {"source": to_json(found.source)}
    else:
        found = standing.passage
        printed = partial(console.passage, standing)
        more = {
            "source": to_json(standing.document.source),
            "current": standing.current,
            "replaced_by": standing.replaced_by,
        }
    if as_json:
        print(json.dumps(to_json(found) | more, ensure_ascii=False))
    else:
        printed()


@app.command()
def sources(as_json: Json = False) -> None:
    """List the sources of the library."""
    from service.types import to_json

    listed = parts.store(parts.read()).sources()
    if as_json:
        rows = [to_json(source) | {"passages": n} for source, n in listed]
        print(json.dumps({"sources": rows}, ensure_ascii=False))
        return
    console.table(
        ("id", "kind", "title", "passages"),
        [(source.id, source.kind, source.title, str(n)) for source, n in listed],
    )


@app.command()
def serve() -> None:
    """Serve the chat page and the API."""
    import uvicorn

    from service.api import create_app

    settings = parts.read()
    bound = parts.bind(settings.host, settings.port)
    address = f"http://{settings.host}:{bound.getsockname()[1]}"
    engine, close = parts.engine(settings)

    service = create_app(
        engine, index_dir=settings.index_dir, on_close=close, warm_up=engine.warm_up
    )

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                print(f"Tenkyo is ready: {address}", flush=True)

    # Its lines go where ours go (log_config), so that they too have the id of their request.
    config = uvicorn.Config(
        service, log_level=settings.log, log_config=None, timeout_graceful_shutdown=5
    )
    print(f"Tenkyo is starting at {address} …", flush=True)
    Server(config).run(sockets=[bound])


def _read(name: str) -> bytes:
    """The bytes of a file, or of standard input for ``-``."""
    from corpus import files

    return sys.stdin.buffer.read() if name == "-" else files.read(Path(name))


if __name__ == "__main__":
    main()
