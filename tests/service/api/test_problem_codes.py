"""The codes of problems, by which a client tells apart what has one status."""

from __future__ import annotations

from functools import partial

import pytest

from service.answering.engine import Engine
from service.api.app import create_app
from tests.support.asgi_client import QUESTION, request


@pytest.fixture(scope="module")
def call(library, library_folder, checker, history):
    engine = Engine(library, checker, history)
    return partial(request, create_app(engine, index_dir=library_folder / "index"))


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/conversations/nope", None),
        ("PATCH", "/v1/conversations/nope", {"title": "Another"}),
        ("DELETE", "/v1/conversations/nope", None),
        ("POST", "/v1/conversations/nope/share", {}),
        ("POST", "/v1/answers", {"question": QUESTION, "conversation_id": "nope"}),
    ],
)
def test_unknown_conversation_has_a_code_of_its_own(call, method, path, body):
    problem = call(method, path, json=body).json()
    assert (problem["status"], problem["code"]) == (404, "no_conversation")
