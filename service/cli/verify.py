"""The command line for what is verified: texts in the library, answers by their receipts."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from corpus.errors import ReceiptRefused, ServiceRefused, TextRefused
from service.cli import output
from service.cli.library import Json, Password
from service.server import bootstrap

if TYPE_CHECKING:
    from corpus.store.store import Store
    from service.answering.factcheck import Checked, FactChecker
    from service.verification.verifier import Verifier

app = typer.Typer()
SourceOption = Annotated[
    list[str] | None, typer.Option("--source", help="Only from this source; may be repeated.")
]
Url = Annotated[
    str | None,
    typer.Option(help="Ask the Tenkyo that runs at this address; nothing is loaded here."),
]


@app.command()
def verify(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE…", help="Texts, documents and receipts; -: standard input."),
    ],
    source: SourceOption = None,
    password: Password = "",
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Verify each sentence of a text in the library, or an answer by its receipt.

    Exit code 0: all is supported, or holds; 1: something is not; 2: bad input.
    """
    from service.verification import receipt

    settings = bootstrap.load_settings()
    data = {name: _read(name) for name in files}
    receipts = {name: found for name, held in data.items() if (found := receipt.read_receipt(held))}
    texts = _texts({name: held for name, held in data.items() if name not in receipts}, password)
    if url and receipts:
        raise ReceiptRefused("a receipt is checked here, from itself alone: leave out --url")
    verifier = None if url else bootstrap.create_verifier(settings)
    facts = _Service(url) if url else bootstrap.create_fact_checker(settings, verifier) if texts else None
    store = bootstrap.open_store_if_any(settings) if receipts else None
    verified = []
    for name in data:
        if name in receipts:
            verified.append(_recheck(name, receipts[name], verifier, store))
        else:
            verified.append(_check(name, texts[name], facts, source))
        if not as_json:
            verified[-1].show()
    if as_json:
        print(json.dumps({"files": [each.result for each in verified]}, ensure_ascii=False))
    raise SystemExit(0 if all(each.good for each in verified) else 1)


@dataclass(frozen=True, slots=True)
class _Verified:
    """What became of one file: as JSON, whether all of it holds, and how it is printed."""

    result: dict[str, Any]
    good: bool
    show: Callable[[], None]


def _texts(data: Mapping[str, bytes], password: str) -> dict[str, str]:
    """The texts of documents, by their names."""
    from corpus.readers.sandbox import ReaderPool
    from service.answering import factcheck

    with ReaderPool() as workers:
        return {
            name: factcheck.document_text(name, d, workers, password) for name, d in data.items()
        }


def _recheck(
    name: str, held: dict[str, Any], verifier: Verifier | None, store: Store | None
) -> _Verified:
    from service.types import to_json
    from service.verification.recheck import all_passed, recheck

    checks = recheck(held, verifier, store)
    rows = [to_json(check) for check in checks]
    result = {"file": name, "receipt": held["id"], "holds": all_passed(checks), "checks": rows}
    return _Verified(result, result["all_passed"], partial(output.print_rechecked, name, checks))


def _check(
    name: str, text: str, facts: FactChecker | _Service, sources: Sequence[str] | None
) -> _Verified:
    from service.types import to_json

    with output.progress() as progress:
        try:
            found = facts.check(text, sources, progress)
        except (TextRefused, ServiceRefused) as error:
            raise TextRefused(f"{name}: {error}") from None
    good = all(claim.verdict.label == "supported" for claim in found.claims)
    return _Verified(
        {"file": name, **to_json(found)}, good, partial(output.print_checked, name, found)
    )


class _Service:
    """A running Tenkyo in the place of a FactChecker; how far it is, it does not say."""

    def __init__(self, url: str) -> None:
        self._url = url

    def check(self, text: str, sources: Sequence[str] | None, _progress: object) -> Checked:
        with bootstrap.connect_client(self._url) as tenkyo:
            return tenkyo.verify(text, source_ids=sources)


def _read(name: str) -> bytes:
    """The bytes of a file, or of standard input for ``-``."""
    from corpus.files import files

    return sys.stdin.buffer.read() if name == "-" else files.read_file(Path(name))
