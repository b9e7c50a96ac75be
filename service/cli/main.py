"""The command line: puts the parts together. It prints, by service.cli.output, and nothing else does.

Everything heavy is imported where it is used, so that ``tenkyo --help`` is quick.
"""

from __future__ import annotations

import asyncio
import json
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
import typer.core

from corpus.errors import TenkyoError
from service.cli import output
from service.cli.library import Json
from service.cli.library import app as library_app
from service.cli.verify import SourceOption, Url
from service.cli.verify import app as verify_app
from service.server import bootstrap

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.types import Answer


class _InOrder(typer.core.TyperGroup):
    """Lists the commands in the order in which they come up; one that is not named, last."""

    NAMES = "ingest sources remove reindex ask search show verify eval serve mcp".split()

    def list_commands(self, context: typer.Context) -> list[str]:
        rank = {name: place for place, name in enumerate(self.NAMES)}
        return sorted(self.commands, key=lambda name: rank.get(name, len(rank)))


app = typer.Typer(
    cls=_InOrder,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Answers whose every sentence carries the passage it rests on, checked.",
    epilog="Settings are environment variables: TENKYO_DATA_DIR, _HOST, _PORT, _LLM_URL, …;"
    " docs/operations.md lists them.",
)
app.add_typer(library_app)
app.add_typer(verify_app)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"tenkyo {version('tenkyo')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Take the options that are there without a command."""


def main() -> None:
    """Run the command line; an expected error is one line and exit code 2."""
    try:
        app(standalone_mode=True)
    except TenkyoError as error:
        bootstrap.print_error(error)
        raise SystemExit(2) from None
    except BrokenPipeError:  # the reader of a pipe, such as head, has seen enough
        sys.stderr.close()
        raise SystemExit(0) from None


@app.command()
def ask(
    question: str,
    source: SourceOption = None,
    quoted: Annotated[bool, typer.Option(help="Quote the sources; use no language model.")] = False,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Answer a question from the library."""
    from service.query import check_question
    from service.types import to_json

    check_question(question)

    mode = "quoted" if quoted else None

    async def run() -> Answer:
        engine, close = bootstrap.create_engine(bootstrap.load_settings())
        try:
            return await engine.answer(question, None, source, mode)
        finally:
            await close()

    if url:
        with bootstrap.connect_client(url) as tenkyo:
            answer = tenkyo.answer(question, source_ids=source, mode=mode)
    else:
        answer = asyncio.run(run())
    if as_json:
        print(json.dumps(to_json(answer), ensure_ascii=False))
    else:
        output.print_answer(answer)


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
    from service.evaluation import metrics, runner

    asked = runner.sample_questions(runner.read_questions(questions), sample, limit)
    settings = runner.settings_for(bootstrap.load_settings(), mode)

    async def run(progress: Callable[[str, int, int], None]) -> tuple[dict, list[dict]]:
        engine, close = bootstrap.create_engine(settings)
        try:
            if engine.model:
                await engine.model.identify()
            made_with = runner.conditions(engine, settings, mode)
            return made_with, await runner.run_questions(
                engine, asked, mode, made_with, out, progress
            )
        finally:
            await close()

    with output.progress() as progress:
        made_with, records = asyncio.run(run(progress))
    report = {"conditions": made_with} | metrics.report(asked, records)
    if as_json:
        print(json.dumps(report, ensure_ascii=False))
    else:
        output.print_table(metrics.HEAD, metrics.rows(report))


@app.command()
def search(
    question: str,
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="How many passages.")] = 5,
    source: SourceOption = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Show the passages nearest to a question."""
    from service.query import check_question
    from service.types import to_json

    question = check_question(question)
    if url:
        with bootstrap.connect_client(url) as tenkyo:
            hits = tenkyo.search(question, k, source_ids=source)
    else:
        library = bootstrap.open_library(bootstrap.load_settings())
        for each in source or ():
            library.store.source(each)  # NotFound, as for an answer
        hits = library.search(question, k, source)
    if as_json:
        print(json.dumps({"hits": [to_json(hit) for hit in hits]}, ensure_ascii=False))
        return
    output.print_hits(hits)


@app.command()
def show(
    identifier: Annotated[str, typer.Argument(help="Id of a passage or of a source.")],
    as_json: Json = False,
) -> None:
    """Show one passage, or the whole text of one source."""
    from corpus.errors import NotFound
    from service.types import to_json

    store = bootstrap.open_store(bootstrap.load_settings())
    try:
        standing = store.locate_passage(identifier)
    except NotFound:
        found = store.document(identifier)
        printed, more = partial(output.print_document, found), {"source": to_json(found.source)}
    else:
        found = standing.passage
        printed = partial(output.print_passage, standing)
        more = {
            "source": to_json(standing.document.source),
            "current": standing.current,
            "replaced_by": standing.replaced_by,
            "ocr": standing.ocr,
        }
    if as_json:
        print(json.dumps(to_json(found) | more, ensure_ascii=False))
    else:
        printed()


@app.command()
def serve() -> None:
    """Serve the chat page and the API."""
    from service.server import workers

    settings = bootstrap.load_settings()
    bound = bootstrap.bind_socket(settings)
    address = f"http://{settings.host}:{bound.getsockname()[1]}"
    print(f"Tenkyo is starting at {address} …", flush=True)
    workers.run_service(settings, bound, address, partial(print, flush=True))


@app.command("mcp")
def serve_mcp() -> None:
    """Serve an MCP client, such as Claude Desktop, by standard input and output."""
    from service.mcp.transport import serve_stdio

    settings = bootstrap.load_settings()
    asyncio.run(serve_stdio(partial(bootstrap.create_engine, settings), settings.address))


if __name__ == "__main__":
    main()
