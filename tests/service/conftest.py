"""Fixtures: a real server with the library, and with a model that a test can exchange."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from service.answering.engine import Engine
from service.api.app import create_app
from service.conversations.store import History
from tests.support.live_server import served
from tests.support.scripted_model import Script
from tests.support.switched_model import SAID, Switch


@pytest.fixture(scope="module")
def switch() -> Switch:
    return Switch()


@pytest.fixture
def model(switch: Switch) -> Iterator[Switch]:
    """The model of ``url``, which a test can exchange by setting ``now``."""
    switch.now = Script(SAID)
    yield switch
    switch.now = Script(SAID)


@pytest.fixture(scope="module")
def url(library, library_folder, checker, switch) -> Iterator[str]:
    """A service whose model writes one true sentence and one that no source supports."""
    engine = Engine(library, checker, History(library.store.database), switch)
    with served(create_app(engine, index_dir=library_folder / "index")) as url:
        yield url
