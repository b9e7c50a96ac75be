"""Requests of the client for collections: one function for each route. No I/O."""

from __future__ import annotations

from collections.abc import Sequence

from service.client.requests import Call, escaped
from service.schemas import Collections, ListedCollection


def collections() -> Call[tuple[ListedCollection, ...]]:
    """List the collections, by their names."""
    return Call("GET", "/v1/collections", Collections, part="collections")


def collection(collection_id: str) -> Call[ListedCollection]:
    """Get a collection, with the ids of its sources."""
    return Call("GET", _path(collection_id), ListedCollection)


def make_collection(name: str) -> Call[ListedCollection]:
    """Make an empty collection."""
    return Call("POST", "/v1/collections", ListedCollection, body={"name": name})


def rename_collection(collection_id: str, name: str) -> Call[ListedCollection]:
    """Give a collection another name."""
    return Call("PATCH", _path(collection_id), ListedCollection, body={"name": name})


def delete_collection(collection_id: str) -> Call[None]:
    """Delete a collection; its sources stay in the library."""
    return Call("DELETE", _path(collection_id), type(None))


def add_to_collection(collection_id: str, source_ids: Sequence[str]) -> Call[ListedCollection]:
    """Add sources to a collection; those that are in it already stay."""
    body = {"source_ids": list(source_ids)}
    return Call("POST", f"{_path(collection_id)}/sources", ListedCollection, body=body)


def remove_from_collection(collection_id: str, source_id: str) -> Call[ListedCollection]:
    """Take a source out of a collection; it stays in the library."""
    path = f"{_path(collection_id)}/sources/{escaped(source_id)}"
    return Call("DELETE", path, ListedCollection)


def _path(collection_id: str) -> str:
    return f"/v1/collections/{escaped(collection_id)}"
