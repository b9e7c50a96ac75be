"""Entry point of the ``tenkyo`` command, and the commands that answer, search and serve.

Heavy modules are imported where they are used, so that ``tenkyo --help`` is fast.
"""

from __future__ import annotations

import asyncio
import json
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
import typer.core

from corpus.errors import TenkyoError
from service.cli import output, progress
from service.cli.collections import app as collections_app
from service.cli.doctor import app as doctor_app
from service.cli.library import Json
from service.cli.library import app as library_app
from service.cli.models import app as models_app
from service.cli.verify import CollectionOption, SourceOption, Url
from service.cli.verify import app as verify_app
from service.scope import find_scope, scope_of
from service.server import bootstrap, judges

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from index.search import Hit
    from service.evaluation.runner import Conditions, ProgressCallback, ResultRecord
    from service.types import Answer


class _OrderedCommands(typer.core.TyperGroup):
    """A group that lists its commands in the order in which people need them."""

    NAMES = (
        "ingest sources collections remove reindex ask search show verify eval models serve mcp"
        " doctor"
    ).split()

    def list_commands(self, ctx: Any) -> list[str]:  # typer does not export the type
        rank = {name: place for place, name in enumerate(self.NAMES)}
        return sorted(self.commands, key=lambda name: rank.get(name, len(rank)))


app = typer.Typer(
    cls=_OrderedCommands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Answer questions from your documents, and check every sentence against its source.",
    epilog="Settings are environment variables, such as TENKYO_DATA_DIR, TENKYO_PORT and"
    " TENKYO_LLM_URL; docs/operations.md lists them all.",
)
Question = Annotated[str, typer.Argument(help="The question, in English or Japanese.")]

app.add_typer(library_app)
app.add_typer(verify_app)
app.add_typer(collections_app, name="collections")
app.add_typer(models_app, name="models")
app.add_typer(doctor_app)


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
    """Accept the options that need no command."""


def main() -> None:
    """Run the ``tenkyo`` command; print an expected error in one line and exit with code 2."""
    try:
        app(standalone_mode=True)
    except TenkyoError as error:
        bootstrap.print_error(error)
        raise SystemExit(2) from None
    except BrokenPipeError:  # the program that reads the output, such as head, has ended
        sys.stderr.close()
        raise SystemExit(0) from None


@app.command()
def ask(
    question: Question,
    source: SourceOption = None,
    collection: CollectionOption = None,
    quoted: Annotated[
        bool, typer.Option(help="Quote the sources, without a language model.")
    ] = False,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Answer a question from the library."""
    from service.query import check_question
    from service.types import to_json

    check_question(question)
    mode: Literal["quoted"] | None = "quoted" if quoted else None

    async def run() -> Answer:
        engine, close = bootstrap.create_engine(await judges.name_models(bootstrap.load_settings()))
        judges.print_untested(engine.judge)
        try:
            return await engine.answer(question, None, scope_of(source, collection), mode)
        finally:
            await close()

    if url:
        with bootstrap.connect_client(url) as tenkyo:
            answer = tenkyo.answer(question, source_ids=source, collections=collection, mode=mode)
    else:
        answer = asyncio.run(run())
    if as_json:
        print(json.dumps(to_json(answer), ensure_ascii=False))
    else:
        output.print_answer(answer)


@app.command("eval")
def evaluate(
    questions: Annotated[
        Path, typer.Argument(help="JSON Lines file; docs/evaluation.md describes it.")
    ],
    mode: Annotated[
        str, typer.Option(metavar="quoted|generated", help="How to answer the questions.")
    ] = "quoted",
    sample: Annotated[
        int | None,
        typer.Option(min=1, help="Answer a random sample of this many, the same each time."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Answer only the first questions, this many.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Store each answer here as a line of JSON, and resume a run that was interrupted."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Answer a file of questions and measure how good the answers are."""
    from service.evaluation import metrics, runner

    asked = runner.sample_questions(runner.read_questions(questions), sample, limit)
    checked_mode = runner.check_mode(mode)
    settings = runner.settings_for(bootstrap.load_settings(), checked_mode)

    async def run(on_progress: ProgressCallback) -> tuple[Conditions, list[ResultRecord]]:
        from service.generation.llm import ChatModel

        engine, close = bootstrap.create_engine(await judges.name_models(settings))
        judges.print_untested(engine.judge)
        try:
            if isinstance(engine.model, ChatModel):
                await engine.model.identify()  # the model's name is one of the conditions
            made_with = runner.conditions(engine, settings, checked_mode)
            return made_with, await runner.run_questions(
                engine, asked, checked_mode, made_with, out, on_progress
            )
        finally:
            await close()

    with progress.steps() as on_progress:
        made_with, records = asyncio.run(run(on_progress))
    report = {"conditions": made_with} | metrics.report(asked, records)
    if as_json:
        print(json.dumps(report, ensure_ascii=False))
    else:
        output.print_table(metrics.HEAD, metrics.rows(report))


@app.command()
def search(
    question: Question,
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="Number of passages to show.")] = 5,
    source: SourceOption = None,
    collection: CollectionOption = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Search the library and show the passages nearest to a question."""
    from service.query import check_question
    from service.types import to_json

    question = check_question(question)
    hits: Sequence[Hit]
    if url:
        with bootstrap.connect_client(url) as tenkyo:
            hits = tenkyo.search(question, k, source_ids=source, collections=collection)
    else:
        library = bootstrap.open_library(bootstrap.load_settings())
        found = find_scope(library.store, scope_of(source, collection))
        hits = library.search(question, k, found.source_ids)
    if as_json:
        print(json.dumps({"hits": [to_json(hit) for hit in hits]}, ensure_ascii=False))
        return
    output.print_hits(hits)


@app.command()
def show(
    identifier: Annotated[str, typer.Argument(help="Id of a passage or a source.")],
    as_json: Json = False,
) -> None:
    """Show a passage, or the whole text of a source."""
    from corpus.errors import NotFound
    from service.types import to_json

    store = bootstrap.open_store(bootstrap.load_settings())
    show_text: Callable[[], None]
    try:
        located = store.locate_passage(identifier)
    except NotFound:
        document = store.document(identifier)
        show_text = partial(output.print_document, document)
        value = to_json(document) | {"source": to_json(document.source)}
    else:
        show_text = partial(output.print_passage, located)
        value = to_json(located.passage) | {
            "source": to_json(located.document.source),
            "current": located.current,
            "replaced_by": located.replaced_by,
            "ocr": located.ocr,
        }
    if as_json:
        print(json.dumps(value, ensure_ascii=False))
    else:
        show_text()


@app.command()
def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on, in place of TENKYO_HOST.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port to listen on, in place of TENKYO_PORT; 0: any."),
    ] = None,
    model_url: Annotated[
        str | None,
        typer.Option(
            help="OpenAI-compatible base URL of the language model, such as"
            " http://127.0.0.1:11434/v1, in place of TENKYO_LLM_URL; empty: none."
        ),
    ] = None,
) -> None:
    """Start the server with the chat page and the API."""
    from service.server import workers

    if model_url and not model_url.startswith(("http://", "https://")):
        raise typer.BadParameter(
            f"write the whole address: did you mean http://{model_url}?", param_hint="--model-url"
        )
    given = {
        "host": host or None,
        "port": None if port is None else str(port),
        "llm_url": model_url,
    }
    options = {k: v for k, v in given.items() if v is not None}
    settings = bootstrap.load_settings(options, chosen=False)  # it may be exchanged meanwhile
    bound = bootstrap.bind_socket(settings)
    address = f"http://{settings.host}:{bound.getsockname()[1]}"
    print(f"Tenkyo is starting at {address} …", flush=True)
    workers.run_service(settings, bound, address, partial(print, flush=True))


@app.command("mcp")
def serve_mcp() -> None:
    """Serve an MCP client, such as Claude Desktop, over standard input and output."""
    from service.mcp.transport import serve_stdio

    settings = bootstrap.load_settings()
    make = partial(bootstrap.create_engine, settings)
    asyncio.run(serve_stdio(make, settings.address, judges.judge_host(settings)))


if __name__ == "__main__":
    main()
