"""HTTP routes for collections: list, make, rename and delete them, add and remove sources.

A path names a collection by its id, since a name may contain a slash; questions name it by its
name. A service that is read-only has only the routes that read.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from corpus.store.collections import LONGEST_NAME, Collection
from corpus.store.store import Store
from service.schemas import Collections, ListedCollection, gives

MAX_SOURCES = 1000  # sources in one request


class CollectionName(BaseModel):
    """The request body that makes a collection."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "Speech recognition"}]}
    )

    name: str = Field(description=f"at most {LONGEST_NAME} characters; unique in any case")


class NewCollectionName(CollectionName):
    """The request body that renames a collection."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"name": "Hearing"}]})


class Members(BaseModel):
    """The request body that adds sources to a collection."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"source_ids": ["whisper"]}]}
    )

    source_ids: list[str] = Field(
        description="those that are in it already stay", max_length=MAX_SOURCES
    )


def add_collection_routes(app: FastAPI, store: Store, *, changes: bool) -> None:
    """Add the routes for collections.

    Args:
        app: The application that gets the routes.
        store: Its collections are listed and changed.
        changes: Whether the routes that change them are added, too.
    """

    @app.get(
        "/v1/collections",
        summary="List the collections, by their names",
        responses=gives(Collections),
    )
    def list_collections() -> JSONResponse:
        return JSONResponse({"collections": [_shown(each) for each in store.collections.all()]})

    @app.get(
        "/v1/collections/{collection_id}",
        summary="Get a collection",
        responses=gives(ListedCollection),
    )
    def get_collection(collection_id: str) -> JSONResponse:
        return JSONResponse(_shown(store.collections.get(collection_id)))

    if changes:
        _add_changes(app, store)


def _add_changes(app: FastAPI, store: Store) -> None:
    @app.post(
        "/v1/collections",
        status_code=201,
        summary="Make a collection",
        responses=gives(ListedCollection, 201),
    )
    def make_collection(body: CollectionName) -> JSONResponse:
        made = store.collections.make(body.name)
        return JSONResponse(_shown(made), 201, {"Location": f"/v1/collections/{made.id}"})

    @app.patch(
        "/v1/collections/{collection_id}",
        summary="Rename a collection",
        responses=gives(ListedCollection),
    )
    def rename_collection(collection_id: str, body: NewCollectionName) -> JSONResponse:
        return JSONResponse(_shown(store.collections.rename(collection_id, body.name)))

    @app.delete(
        "/v1/collections/{collection_id}",
        status_code=204,
        summary="Delete a collection; its sources stay in the library",
    )
    def delete_collection(collection_id: str) -> Response:
        store.collections.delete(collection_id)
        return Response(status_code=204)

    @app.post(
        "/v1/collections/{collection_id}/sources",
        summary="Add sources to a collection",
        responses=gives(ListedCollection),
    )
    def add_to_collection(collection_id: str, body: Members) -> JSONResponse:
        return JSONResponse(_shown(store.collections.add(collection_id, body.source_ids)))

    @app.delete(
        "/v1/collections/{collection_id}/sources/{source_id}",
        summary="Take a source out of a collection; it stays in the library",
        responses=gives(ListedCollection),
    )
    def remove_from_collection(collection_id: str, source_id: str) -> JSONResponse:
        return JSONResponse(_shown(store.collections.remove(collection_id, [source_id])))


def _shown(collection: Collection) -> dict[str, Any]:
    return asdict(ListedCollection.of(collection))
