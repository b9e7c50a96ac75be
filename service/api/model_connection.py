"""Routes of the page's dialog that connects a language model.

They are the page's own and not part of the API: each change needs the page's token, and comes from
a browser of this machine (``service.api.own_browser``).
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import asdict
from typing import Any, Literal, TypeVar

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from service.answering.engine import Engine
from service.api.own_browser import is_own_browser, page_token, require_own_page
from service.concurrency.event_log import CLIENT_CLOSED_REQUEST, cancel_on_disconnect
from service.connection.connection import ModelConnection
from service.connection.servers import Listing
from service.disclosure import model_name

# Why the model cannot be changed by a page: the environment decides, or the page is not in a
# browser of this machine.
Hindrance = Literal["settings", "elsewhere"]
T = TypeVar("T")
_OWN = [Depends(require_own_page)]
_UNKEPT = {"Cache-Control": "no-store"}


class Server(BaseModel):
    """A server of language models: its base URL, and its key; null: the one that is kept for it."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(max_length=500)
    key: str | None = Field(None, max_length=1000, repr=False)


class ServedModel(Server):
    """A model on such a server."""

    model: str = Field(min_length=1, max_length=300)


def add_connection_routes(app: FastAPI, engine: Engine, connection: ModelConnection | None) -> None:
    """Add the routes that look for servers, try a model, and connect it.

    Args:
        app: The application that gets the routes.
        engine: Answers with the model.
        connection: Exchanges it; None: it stays as it is, and the dialog says how to set it.
    """

    @app.get("/page/model", include_in_schema=False)
    async def describe_connection(request: Request) -> JSONResponse:
        if connection:
            connection.freshen()
        return _state(engine, connection, request)

    if connection and connection.offered:
        _add_actions(app, engine, connection)


def _add_actions(app: FastAPI, engine: Engine, connection: ModelConnection) -> None:
    @app.post("/page/model/find", include_in_schema=False, dependencies=_OWN)
    async def find_servers(request: Request) -> Response:
        found = await cancel_on_disconnect(request, connection.find())
        return _reply(
            None
            if found is None
            else {"servers": [{"program": one.program, **_listing(one.listing)} for one in found]}
        )

    @app.post("/page/model/list", include_in_schema=False, dependencies=_OWN)
    async def list_models(server: Server, request: Request) -> Response:
        listed = await _unless_gone(request, connection.list(server.url, server.key))
        return _reply(_listing(listed) if listed else None)

    @app.post("/page/model/try", include_in_schema=False, dependencies=_OWN)
    async def try_writing(wanted: ServedModel, request: Request) -> Response:
        trial = connection.try_writing(wanted.url, wanted.model, wanted.key)
        done = await _unless_gone(request, trial)
        return _reply(asdict(done) if done else None)

    @app.post("/page/model/judge", include_in_schema=False, dependencies=_OWN)
    async def try_judging(wanted: ServedModel, request: Request) -> Response:
        trial = connection.try_judging(wanted.url, wanted.model, wanted.key)
        done = await _unless_gone(request, trial)
        return _reply(asdict(done) if done else None)

    @app.put("/page/model", include_in_schema=False, dependencies=_OWN)
    async def connect_model(wanted: ServedModel, request: Request) -> Response:
        listing = await connection.choose(wanted.url, wanted.model, wanted.key)
        if listing.fault:
            return _reply(_listing(listing))
        return _state(engine, connection, request)

    @app.delete("/page/model", include_in_schema=False, dependencies=_OWN)
    async def disconnect_model(request: Request) -> Response:
        await connection.disconnect()
        return _state(engine, connection, request)


def _state(engine: Engine, connection: ModelConnection | None, request: Request) -> JSONResponse:
    """Describe the connection; what is of this machine, only to a browser of this machine."""
    models = engine.writers.names
    shown = {"model": next(iter(models), None), "models": models, "fault": None}
    if connection is None or not (connection.offered and is_own_browser(request)):
        return JSONResponse(shown | {"hindrance": "elsewhere"}, headers=_UNKEPT)
    state = connection.state
    hindrance: Hindrance | None = "settings" if state.fixed else None
    shown |= asdict(state) | {"hindrance": hindrance, "token": page_token()}
    return JSONResponse(shown, headers=_UNKEPT)


def _listing(listing: Listing) -> dict[str, Any]:
    models = dict.fromkeys(map(model_name, listing.models))
    return {"url": listing.url, "models": list(models), "fault": listing.fault}


def _reply(value: dict[str, Any] | None) -> Response:
    if value is None:
        return Response(status_code=CLIENT_CLOSED_REQUEST)
    return JSONResponse(value, headers=_UNKEPT)


async def _unless_gone(request: Request, work: Awaitable[T]) -> T | None:
    """Wait for something, or return None if the reader has closed the dialog meanwhile."""
    done: T | None = await cancel_on_disconnect(request, work)
    return done
