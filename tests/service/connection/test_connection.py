"""Exchanging a model: what goes wrong beside an answer is logged, and nothing stops by it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest
from fastapi.responses import JSONResponse

from service.answering.writers import Writers, WritersInUse
from service.connection import connection as module
from service.connection.choice import ChoiceFile, ModelChoice
from service.connection.connection import ModelConnection
from service.generation.llm import ChatModel
from service.server.language_models import connect_models, create_connection
from service.settings import Settings
from tests.support.chat_server import chat_app
from tests.support.live_server import served

A, B = ModelChoice("http://127.0.0.1:9/v1", "a"), ModelChoice("http://127.0.0.1:9/v1", "b")


@pytest.fixture(autouse=True)
def often(monkeypatch):
    monkeypatch.setattr(module, "_POLL", 0.01)


class Connector:
    """Connects models, as often as it was asked to; of some names it cannot."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.failing: set[str] = set()
        self.closed: list[str] = []

    def __call__(self, settings: Settings):
        name = settings.llm_model
        self.asked.append(name)
        if name in self.failing:
            raise ValueError(f"no client of {name}")

        async def close() -> None:
            self.closed.append(name)
            if name == "a":
                raise RuntimeError("it is closed already")

        return Writers(ChatModel(settings.llm_url, name) if name else None), close


async def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def watched(tmp_path) -> tuple[ModelConnection, WritersInUse, Connector]:
    engine, connector = WritersInUse(), Connector()
    settings = Settings(data_dir=tmp_path)
    return ModelConnection(engine, settings, connector, shared=True), engine, connector


def test_choice_that_cannot_be_connected_is_logged_once_and_the_last_one_stays(tmp_path, caplog):
    connection, engine, connector = watched(tmp_path)
    connector.failing = {"b"}
    file = ChoiceFile(tmp_path)

    async def run() -> None:
        async with connection.running():
            file.keep(A)
            await until(lambda: engine.model is not None)
            file.keep(B)
            await until(lambda: "no client of b" in caplog.text)
            await asyncio.sleep(0.1)
            assert engine.model.name == "a" and connection.state.chosen
            assert connector.asked == ["a", "b"]
            file.forget()  # the watcher has survived it
            await until(lambda: engine.model is None)

    asyncio.run(run())
    assert caplog.text.count("no client of b") == 1


def test_every_model_is_closed_though_one_cannot_be(tmp_path, caplog):
    connection, engine, connector = watched(tmp_path)

    async def run() -> None:
        async with connection.running():
            for choice in (A, B):
                ChoiceFile(tmp_path).keep(choice)
                await until(lambda name=choice.model: engine.model and engine.model.name == name)

    asyncio.run(run())
    assert connector.closed == ["a", "b"] and "it is closed already" in caplog.text


def test_choice_kept_while_an_earlier_one_is_read_is_noticed(tmp_path, monkeypatch):
    connection, engine, _ = watched(tmp_path)
    file, read = ChoiceFile(tmp_path), ChoiceFile.read

    def slow(self: ChoiceFile) -> ModelChoice | None:
        found = read(self)
        if found == A:  # just now another process keeps another one
            file.keep(B)
        return found

    async def run() -> None:
        async with connection.running():
            monkeypatch.setattr(ChoiceFile, "read", slow)
            file.keep(A)
            await until(lambda: engine.model is not None and engine.model.name == "b")

    asyncio.run(run())


def test_choice_kept_while_the_engine_was_made_is_noticed(tmp_path):
    engine, settings = WritersInUse(), Settings(data_dir=tmp_path, workers=2)
    kept = ChoiceFile(tmp_path).look()
    ChoiceFile(tmp_path).keep(A)  # by a process that was ready before
    connection = create_connection(settings, engine, kept)

    async def run() -> None:
        async with connection.running():
            assert not connection.state.chosen
            await until(lambda: engine.model is not None and engine.model.name == "a")
            assert connection.state.chosen

    asyncio.run(run())


@pytest.mark.server
def test_own_choice_is_connected_once(tmp_path, monkeypatch):
    connection, engine, connector = watched(tmp_path)
    keep = ChoiceFile.keep

    def slow(self: ChoiceFile, choice: ModelChoice):
        stamp = keep(self, choice)
        time.sleep(0.2)  # many looks of the watcher
        return stamp

    async def run(url: str) -> None:
        async with connection.running():
            monkeypatch.setattr(ChoiceFile, "keep", slow)
            await connection.choose(url, "x", None)
            await asyncio.sleep(0.1)
            assert engine.writers.names == ["x", "y"] and connector.asked == ["x"]

    with served(chat_app(["x", "y"])) as url:
        asyncio.run(run(url))


@pytest.mark.server
def test_server_that_fails_for_a_while_keeps_its_models(tmp_path, caplog):
    caplog.set_level("INFO", "service.connection")
    app, down = chat_app(["x", "y"]), []

    @app.middleware("http")
    async def fail(request, call_next):
        return JSONResponse({"error": "busy"}, 503) if down else await call_next(request)

    async def run(url: str) -> None:
        settings = Settings(data_dir=tmp_path, llm_url=f"{url}/v1", judge="off")
        engine = WritersInUse()
        engine.writers, close = connect_models(settings)
        connection = ModelConnection(engine, settings, connect_models)
        await connection.name_models()
        assert engine.writers.names == ["x", "y"]
        down.append(True)
        await connection.name_models()
        assert engine.writers.names == ["x", "y"]
        await close()

    with served(app) as url:
        asyncio.run(run(url))

    async def nobody() -> None:  # a server that is down, and has not said what its model is
        settings = Settings(data_dir=tmp_path, llm_url="http://127.0.0.1:9/v1", judge="off")
        engine = WritersInUse()
        engine.writers, close = connect_models(settings)
        await ModelConnection(engine, settings, connect_models).name_models()
        assert engine.writers.names == ["default"]
        await close()

    asyncio.run(nobody())
    assert "the models of a server are not known" in caplog.text


def test_what_fails_in_the_background_is_logged(tmp_path, caplog, monkeypatch):
    connection, engine, _ = watched(tmp_path)
    engine.model = ChatModel("http://127.0.0.1:9/v1", "m")

    async def broken(*_: str) -> None:
        raise ValueError("a fault of ours")

    monkeypatch.setattr(module, "list_models", broken)

    async def run() -> None:
        async with connection.running():
            await asyncio.sleep(0.1)

    asyncio.run(run())
    assert "a fault of ours" in caplog.text
