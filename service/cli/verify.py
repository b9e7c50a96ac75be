"""The command ``tenkyo verify``: checks texts against the library, and answers' receipts."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

from corpus.errors import ReceiptRefused, ServiceRefused, TextRefused
from service.cli import output, progress
from service.cli.completion import collection_names
from service.cli.library import Json, Password
from service.scope import Scope, scope_of
from service.server import bootstrap

if TYPE_CHECKING:
    from corpus.store.store import Store
    from service.answering.factcheck import Checked, FactChecker
    from service.verification.verifier import Verifier

app = typer.Typer()
PASSED, FAILED, VOUCHED = 0, 1, 3  # exit codes; 2 is that of an error
SourceOption = Annotated[
    list[str] | None, typer.Option("--source", help="Use only this source; can be repeated.")
]
CollectionOption = Annotated[
    list[str] | None,
    typer.Option(
        "--collection",
        help="Use only this collection; can be repeated.",
        autocompletion=collection_names,
    ),
]
Url = Annotated[
    str | None,
    typer.Option(help="Use the Tenkyo server at this address instead of the library here."),
]


@app.command()
def verify(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE…", help="Texts, documents and receipts; - reads standard input."
        ),
    ],
    source: SourceOption = None,
    collection: CollectionOption = None,
    password: Password = "",
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Check each sentence of a text against the library, or an earlier answer by its receipt.

    A receipt is the JSON record of an answer; it holds if its quotes, verdicts and text still
    follow from the passages in it. Exit codes: 0: every sentence is supported and every receipt
    holds. 1: one is not or does not. 2: wrong input. 3: nothing fails, and verdicts of a receipt
    rest on a language model's word, which cannot be re-checked.
    """
    from service.verification import receipt

    settings = bootstrap.load_settings(opens_data=not url)
    data = {name: _read(name) for name in files}
    receipts = {name: made for name, each in data.items() if (made := receipt.read_receipt(each))}
    texts = _texts({name: each for name, each in data.items() if name not in receipts}, password)
    scope, verified = scope_of(source, collection), []
    with asyncio.Runner() as loop, contextlib.ExitStack() as opened:
        checks: dict[str, Callable[[], _Verified]] = {}
        if url:
            if receipts:
                raise ReceiptRefused(
                    "a receipt is checked here, from itself alone: leave out --url"
                )
            checks |= _text_checks(texts, _RemoteFactChecker(url), scope)
        else:
            verifier = bootstrap.create_verifier(settings)
            if texts:
                fact_checker, close = bootstrap.fact_checker(settings, verifier)
                opened.callback(lambda: loop.run(close()))
                checks |= _text_checks(texts, _LocalFactChecker(fact_checker, loop), scope)
            store = bootstrap.open_store_if_any(settings) if receipts else None
            for name, made in receipts.items():
                checks[name] = partial(_recheck, name, made, verifier, store)
        for name in data:
            verified.append(checks[name]())
            if not as_json:
                verified[-1].show()
    if as_json:
        print(json.dumps({"files": [each.result for each in verified]}, ensure_ascii=False))
    codes = {each.code for each in verified}
    raise SystemExit(FAILED if FAILED in codes else max(codes))


@dataclass(frozen=True, slots=True)
class _Verified:
    """The result for one file: as JSON, as an exit code, and as a function to print it."""

    result: dict[str, Any]
    code: int
    show: Callable[[], None]


def _texts(data: Mapping[str, bytes], password: str) -> dict[str, str]:
    """Return the texts of files, by their names; each is read in a reader process."""
    from corpus.readers.sandbox import ReaderPool
    from service.answering import factcheck

    with ReaderPool() as readers:
        return {
            name: factcheck.document_text(name, d, readers, password) for name, d in data.items()
        }


def _text_checks(
    texts: Mapping[str, str], checker: _TextChecker, scope: Scope
) -> dict[str, Callable[[], _Verified]]:
    return {name: partial(_check, name, text, checker, scope) for name, text in texts.items()}


def _recheck(name: str, made: dict[str, Any], verifier: Verifier, store: Store | None) -> _Verified:
    from service.receipts.checks import all_passed, count_vouched, summary
    from service.receipts.recheck import recheck
    from service.types import to_json

    with progress.steps():  # the models are loaded, at first also converted
        checks = recheck(made, verifier, store)
    passed, vouched, said = all_passed(checks), count_vouched(checks), summary(made, checks)
    result = {
        "file": name,
        "receipt": made["id"],
        "holds": passed and not vouched,
        "vouched": vouched,
        "summary": said,
        "checks": [to_json(check) for check in checks],
    }
    code = (VOUCHED if vouched else PASSED) if passed else FAILED
    return _Verified(result, code, partial(output.print_rechecked, name, checks, said))


def _check(name: str, text: str, checker: _TextChecker, scope: Scope) -> _Verified:
    from service.types import to_json

    with progress.steps() as on_progress:
        try:
            checked = checker.check(text, scope, on_progress)
        except (TextRefused, ServiceRefused) as error:
            raise TextRefused(f"{name}: {error}") from None
    good = all(claim.verdict.label == "supported" for claim in checked.claims)
    result = {"file": name, **to_json(checked)}
    return _Verified(
        result, PASSED if good else FAILED, partial(output.print_checked, name, checked)
    )


class _TextChecker(Protocol):
    """Checks the sentences of a text: with the library here, or by asking a server."""

    def check(
        self,
        text: str,
        scope: Scope,
        on_progress: Callable[[str, int, int], None],
        /,
    ) -> Checked: ...


class _LocalFactChecker:
    """A FactChecker whose judge, if it has one, is asked in one event loop for all texts."""

    def __init__(self, fact_checker: FactChecker, loop: asyncio.Runner) -> None:
        self._fact_checker, self._loop = fact_checker, loop

    def check(
        self,
        text: str,
        scope: Scope,
        on_progress: Callable[[str, int, int], None],
        /,
    ) -> Checked:
        async def report(step: str, done: int, total: int) -> None:
            on_progress(step, done, total)

        return self._loop.run(self._fact_checker.check_async(text, scope, report))


class _RemoteFactChecker:
    """A Tenkyo server that checks texts; it reports no progress."""

    def __init__(self, url: str) -> None:
        self._url = url

    def check(self, text: str, scope: Scope, _on_progress: object, /) -> Checked:
        with bootstrap.connect_client(self._url) as tenkyo:
            return tenkyo.verify(text, source_ids=scope.source_ids, collections=scope.collections)


def _read(name: str) -> bytes:
    """Return the bytes of a file, or of standard input for ``-``."""
    from corpus.files import files

    return sys.stdin.buffer.read() if name == "-" else files.read_file(Path(name))
