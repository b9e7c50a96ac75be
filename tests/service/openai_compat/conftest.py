"""Fixtures: a real server with a model that a test can exchange, and OpenAI's client for it."""

import pytest
from openai import OpenAI

from service.answering.engine import Engine
from service.api.app import create_app
from service.conversations.store import History
from tests.support.live_server import served
from tests.support.scripted_model import Script
from tests.support.switched_model import SAID, Switch


@pytest.fixture(scope="module")
def model():
    return Switch()


@pytest.fixture(autouse=True)
def afresh(model):
    model.now = Script(SAID)


@pytest.fixture(scope="module")
def url(library, library_folder, checker, model):
    app = create_app(
        Engine(library, checker, History(library.store.database), model),
        index_dir=library_folder / "index",
    )
    with served(app) as url:
        yield url


@pytest.fixture(scope="module")
def client(url):
    with OpenAI(base_url=f"{url}/v1", api_key="anything", max_retries=0) as client:
        yield client
