"""/openapi.json tells the truth: each example is sent, and each reply is as its schema says."""

import httpx
import pytest
from jsonschema import Draft202012Validator
from scripted import Script
from test_api import served

from service.api import create_app
from service.engine import Engine
from service.history import History

BY_HAND = {"answer_id", "passage_id"}  # what a static example cannot know
NO_SCHEMA = {"/v1/chat/completions", "/v1/models", "/v1/models/{model}"}  # OpenAI's own


@pytest.fixture(scope="module")
def client(library, library_folder, checker):
    model = Script("Whisper was trained on 680,000 hours of audio [1]. It cost 90 dollars [1].")
    app = create_app(
        Engine(library, checker, History(library.store.database), model),
        index_dir=library_folder / "index",
    )
    with served(app) as url, httpx.Client(base_url=url, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def described(client):
    return client.get("/openapi.json").json()


@pytest.fixture(scope="module")
def ids(client):
    answer = client.post("/v1/answers", json={"question": "Whisper?"}).json()
    return {"answer_id": answer["id"], "passage_id": answer["evidence"][0]["passage"]["id"]}


def operations(described):
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            yield method, path, operation


def resolved(described, schema):
    name = schema.get("$ref", "").removeprefix("#/components/schemas/")
    return described["components"]["schemas"][name] if name else schema


def requests(described, operation, ids):
    """The requests that an operation's examples make: (path values, query, body)."""
    inside, query = {}, {}
    for parameter in operation.get("parameters", []):
        name, examples = parameter["name"], parameter["schema"].get("examples", [])
        if parameter["in"] == "path":
            inside[name] = ids[name] if name in BY_HAND else examples[0]
        elif parameter["required"]:
            query[name] = examples[0]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    bodies = resolved(described, body["schema"])["examples"] if body else [None]
    return [(inside, query, body) for body in bodies]


def test_every_example_is_true(client, described, ids):
    seen = set()
    for method, path, operation in operations(described):
        for inside, query, body in requests(described, operation, ids):
            response = client.request(method, path.format(**inside), params=query, json=body)
            assert response.status_code == 200, (path, response.text)
            seen.add(path)
            schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
            if path in NO_SCHEMA:
                continue
            whole = schema | {"components": described["components"]}
            Draft202012Validator(whole).validate(response.json())
            assert set(resolved(described, schema)["properties"]) == set(response.json()), path
    assert len(seen) == len(described["paths"]) >= 12


def test_the_examples_show_an_answer_and_a_supported_claim(client, described):
    """An example that abstains would be true, and of little use."""
    schemas = described["components"]["schemas"]
    (asked,), (checked,) = schemas["Question"]["examples"], schemas["Text"]["examples"]
    assert client.post("/v1/answers", json=asked).json()["claims"]
    claims = client.post("/v1/verify", json=checked).json()["claims"]
    assert [claim["verdict"]["label"] for claim in claims] == ["supported"]
    (chat,) = schemas["ChatRequest"]["examples"]
    assert client.post("/v1/chat/completions", json=chat).json()["citations"]


def test_every_route_says_how_it_refuses(client, described):
    for _method, path, operation in operations(described):
        assert "default" in operation["responses"] and "422" not in operation["responses"], path
    problem = described["paths"]["/v1/answers"]["post"]["responses"]["default"]["content"]
    refused = client.post("/v1/answers", json={}).json()
    Draft202012Validator(problem["application/problem+json"]["schema"]).validate(refused)
