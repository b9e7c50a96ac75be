"""The command group ``tenkyo collections``: named groups of sources, in which one can ask."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli import output
from service.cli.completion import collection_names
from service.cli.library import Json
from service.server import bootstrap

if TYPE_CHECKING:
    from corpus.store.collections import Collection
    from corpus.store.store import Store

app = typer.Typer(
    help="List collections, or make, rename, fill and delete them. `--collection NAME` of other"
    " commands adds documents to one, or asks in it."
)
Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="Name of the collection, in any case.",
        autocompletion=collection_names,
    ),
]
NewName = Annotated[str, typer.Argument(metavar="NAME", help="Name of the new collection.")]
Sources = Annotated[
    list[str],
    typer.Argument(metavar="SOURCE…", help="Ids (as listed by `tenkyo sources`), URLs or files."),
]


@app.callback(invoke_without_command=True)
def list_collections(context: typer.Context, as_json: Json = False) -> None:
    """List the collections, with the number of sources in each."""
    if context.invoked_subcommand:
        return
    listed = _store().collections.all()
    if as_json:
        _print({"collections": [_shown(each) for each in listed]})
    else:
        output.print_collections(listed)


@app.command()
def make(name: NewName, as_json: Json = False) -> None:
    """Make an empty collection."""
    _report(_store().collections.make(name), as_json)


@app.command()
def rename(
    name: Name,
    new_name: Annotated[str, typer.Argument(metavar="NEW_NAME", help="Its new name.")],
    as_json: Json = False,
) -> None:
    """Give a collection another name."""
    collections = _store().collections
    _report(collections.rename(collections.named(name).id, new_name), as_json)


@app.command()
def delete(name: Name, as_json: Json = False) -> None:
    """Delete a collection; its sources stay in the library."""
    collections = _store().collections
    deleted = collections.named(name)
    collections.delete(deleted.id)
    if as_json:
        _print({"deleted": _shown(deleted)})
    else:
        print(f"{deleted.name} is deleted; its sources stay in the library")


@app.command()
def add(name: Name, sources: Sources, as_json: Json = False) -> None:
    """Add sources of the library to a collection."""
    store = _store()
    collection = store.collections.named(name)
    _report(store.collections.add(collection.id, _ids(store, sources)), as_json)


@app.command()
def remove(name: Name, sources: Sources, as_json: Json = False) -> None:
    """Take sources out of a collection; they stay in the library."""
    store = _store()
    collection = store.collections.named(name)
    _report(store.collections.remove(collection.id, _ids(store, sources)), as_json)


def _store() -> Store:
    return bootstrap.open_store(bootstrap.load_settings())


def _ids(store: Store, names: list[str]) -> list[str]:
    from service.ingestion.pipeline import find_source

    return [find_source(store, name).id for name in names]


def _report(collection: Collection, as_json: bool) -> None:
    """Print a collection after a change."""
    if as_json:
        _print(_shown(collection))
    else:
        output.print_collections([collection])


def _shown(collection: Collection) -> dict[str, Any]:
    from service.schemas import ListedCollection

    return asdict(ListedCollection.of(collection))


def _print(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False))
