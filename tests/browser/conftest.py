"""Fixtures: one browser for the session, real servers, and a page per test without errors."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from service.answering.engine import Engine
from service.api.app import create_app
from service.conversations.store import History
from tests.support.browser.driver import (
    FLAGS,
    PATIENCE,
    Browser,
    Reader,
    Visit,
    chromium,
    expect,
    lacking,
)
from tests.support.browser.scripted_answers import Paced, Recital, Trusting, trusting
from tests.support.library_service import House
from tests.support.live_server import served

HERE = Path(__file__).parent
SHOTS = HERE / "shots"
LONGEST = ("test_hostile.py", "test_axe.py", "test_newcomer_tour.py", "test_dialog_screenshots.py")
"""The files that take long for their size."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the browser tests last, and skip them, saying what to install, without a browser.

    Last, for Playwright keeps an event loop running in the thread of the tests. Of their files the
    long ones come first, or the other processes would wait for one at the end.
    """
    items.sort(key=_place)
    reason = lacking()
    for item in items:
        if _place(item):
            item.add_marker("browser")
            if reason:
                item.add_marker(pytest.mark.skip(reason=reason))


def _place(item: pytest.Item) -> tuple[bool, int] | tuple[()]:
    if HERE not in item.path.parents:
        return ()
    return item.path.name not in LONGEST, -item.path.stat().st_size


@pytest.fixture(scope="session")
def quoting(library, library_folder, checker) -> Iterator[str]:
    """The URL of a service with the library and no model."""
    engine = Engine(library, checker, History(library.store.database))
    engine.warm_up()
    with served(create_app(engine, index_dir=library_folder / "index")) as url:
        yield url


@dataclass(frozen=True, slots=True)
class Staged:
    url: str
    model: Paced


@pytest.fixture(scope="session")
def staged(library, library_folder, checker) -> Iterator[Staged]:
    """The same with a model whose pace is set by the test."""
    model = Paced()
    engine = Trusting(library, checker, History(library.store.database), model)
    engine.warm_up()
    with served(create_app(engine, index_dir=library_folder / "index")) as url:
        yield Staged(url, model)


@dataclass(frozen=True, slots=True)
class Recited:
    url: str
    engine: Recital


@pytest.fixture(scope="session")
def reciting(library, library_folder, checker) -> Iterator[Recited]:
    """The same with an engine whose answers are written by the test."""
    engine = Recital(library, checker, History(library.store.database))
    with served(create_app(engine, index_dir=library_folder / "index")) as url:
        yield Recited(url, engine)


@pytest.fixture(scope="module")
def house(library_folder, tmp_path_factory, embedder, checker) -> Iterator[House]:
    """A service to which documents can be added, from pages that the test serves."""
    folder = tmp_path_factory.mktemp("house") / "data"
    house = trusting(House(Path(shutil.copytree(library_folder, folder)), embedder, checker))
    with house.open():
        yield house


@pytest.fixture(scope="session")
def browser(library) -> Iterator[Browser]:  # the library first: its making runs an event loop
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def visit(browser) -> Iterator[Visit]:
    """Return ``visit(url, **options of a browser context)``, which opens the page for a reader.

    At the end of the test no page that was visited may have had an error. The page does not move
    unless ``reduced_motion`` says so: what moves is painted sixty times a second while a test waits.
    """
    readers = []

    def visit(url: str, path: str = "/", start: bool = True, **options) -> Reader:
        context = browser.new_context(**{"locale": "en-GB", "reduced_motion": "reduce"} | options)
        context.set_default_timeout(PATIENCE)
        readers.append(Reader(context.new_page(), url))
        if start:
            return readers[-1].start(path)
        readers[-1].page.goto(url + path)
        return readers[-1]

    yield visit
    for reader in readers:
        reader.nothing_went_wrong()
        reader.page.context.close()


@pytest.fixture(autouse=True)
def _kept_readers(kept_readers) -> None:
    """Let what is added on the page be read by the reader processes of those before."""


@pytest.fixture
def open_sources(house, visit) -> Callable[..., Reader]:
    """Return ``open_sources(**options of a browser context)``, which opens the sources of ``house``."""

    def open_sources(**options) -> Reader:
        reader = visit(house.url, **options)
        reader.page.locator("#open-library").click()
        expect(reader.page.locator("#library .adding")).to_be_visible()
        return reader

    return open_sources


@pytest.fixture(scope="session")
def shots() -> Path:
    """The folder of screenshots, which git ignores."""
    SHOTS.mkdir(exist_ok=True)
    return SHOTS
