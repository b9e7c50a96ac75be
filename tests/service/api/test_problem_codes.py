"""The codes of problems, by which a client tells apart what has one status."""

from __future__ import annotations

import json
from functools import partial

import pytest

from corpus.errors import ModelUnavailable
from index.inference.embedder import SentenceTransformerEmbedder
from index.inference.http_embedder import EmbedderChanged, HttpEmbedder
from service.answering.engine import Engine
from service.api.app import create_app
from service.concurrency.replay import stopped_error
from service.problems import as_problem
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


def test_models_of_the_search_are_told_from_language_models(tmp_path):
    """A reader who reads "language model" would choose another one, to no avail."""
    with pytest.raises(ModelUnavailable) as unreachable:
        HttpEmbedder("http://127.0.0.1:9/v1", "m").embed_query("a")
    with pytest.raises(ModelUnavailable) as absent:
        SentenceTransformerEmbedder("/there/is/no/such/folder", tmp_path).embed_query("a")
    for error, code in (
        (unreachable.value, "search_model"),
        (absent.value, "search_model"),
        (EmbedderChanged("the server now answers with 3 dimensions"), "embedder_changed"),
        (ModelUnavailable("the language model is silent"), "model"),
    ):
        problem = json.loads(as_problem(error).body)
        assert (problem["status"], problem["code"]) == (502, code)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        (
            "POST",
            "/v1/answers",
            {"question": QUESTION, "collections": ["nope"]},
            404,
            "no_collection",
        ),
        ("POST", "/v1/answers", {"question": QUESTION, "model": "nope"}, 422, "no_model"),
        ("GET", "/v1/shared/nope", None, 404, "no_link"),
        ("GET", "/v1/sources/nope", None, 404, "not_here"),
    ],
)
def test_what_has_its_own_remedy_has_a_code_of_its_own(call, method, path, body, status, code):
    problem = call(method, path, json=body).json()
    assert (problem["status"], problem["code"]) == (status, code)


@pytest.mark.parametrize("name", ["nope", "nope; `tenkyo collections make NAME` makes one"])
def test_unknown_collection_is_told_without_a_command_where_there_are_none(call, name):
    """The page shows these words, since they name the collections that there are."""
    asked = {"question": QUESTION, "collections": [name]}
    assert call("POST", "/v1/answers", json=asked).json()["detail"] == (
        f"no collection {name!r}: there are none yet"
    )


def test_link_that_was_revoked_is_told_from_an_answer_that_was_stopped(call):
    asked = {"question": QUESTION, "mode": "quoted"}
    shares = (
        f"/v1/conversations/{call('POST', '/v1/answers', json=asked).json()['conversation_id']}"
    )
    token = call("POST", f"{shares}/share", json={}).json()["token"]
    assert call("DELETE", f"{shares}/shares/{token}").status_code == 204
    revoked = call("GET", f"/v1/shared/{token}").json()
    stopped = json.loads(as_problem(stopped_error()).body)
    assert [(each["status"], each["code"]) for each in (revoked, stopped)] == [
        (410, "expired"),
        (410, "stopped"),
    ]
