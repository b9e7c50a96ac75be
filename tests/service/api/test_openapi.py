"""Tests that /openapi.json is true: every example is sent, every response matches its schema."""

import shutil
from pathlib import Path

import httpx
import pytest
from jsonschema import Draft202012Validator

from tests.support.library_service import MAPS, House
from tests.support.scripted_model import Script

pytestmark = [pytest.mark.process, pytest.mark.server]

NO_SCHEMA = {"/v1/chat/completions", "/v1/models", "/v1/models/{model}"}  # OpenAI's own


@pytest.fixture(scope="module")
def house(tmp_path_factory, library_folder, embedder, checker):
    folder = tmp_path_factory.mktemp("openapi") / "data"
    house = House(Path(shutil.copytree(library_folder, folder)), embedder, checker)
    said = "Whisper was trained on 680,000 hours of audio [1]. It cost 90 dollars [1]."
    house.engine.model = Script(said)
    with house.open():
        yield house


@pytest.fixture(scope="module")
def client(house):
    with httpx.Client(base_url=house.url, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def described(client):
    return client.get("/openapi.json").json()


@pytest.fixture(scope="module")
def ids(house, client):
    """The ids in the library, which a static example cannot know."""
    uploaded = house.ended(house.upload(("maps.md", MAPS)))
    house.web.hold.clear()  # a job that takes a while, to be read and cancelled
    job = client.post("/v1/sources", json={"url": "https://example.org/slow"}).json()
    answer = client.post("/v1/answers", json={"question": "What is Whisper?"}).json()
    share = client.post(f"/v1/conversations/{answer['conversation_id']}/share").json()
    return {
        "answer_id": answer["id"],
        "passage_id": answer["evidence"][0]["passage"]["id"],
        "conversation_id": answer["conversation_id"],
        "token": share["token"],
        "job_id": job["id"],
        "source_id": uploaded["items"][0]["source_id"],
    }


def operations(described):
    """Return the operations; those that delete come last, parts before wholes."""
    found = [
        (method, path, operation)
        for path, operations in described["paths"].items()
        for method, operation in operations.items()
    ]
    return sorted(found, key=lambda one: (one[0] == "delete", -one[1].count("/")))


def resolved(described, schema):
    """Return the schema of an object, without the reference or the null around it."""
    for one in schema.get("anyOf", [schema]):
        if name := one.get("$ref", "").removeprefix("#/components/schemas/"):
            return described["components"]["schemas"][name]
    return schema


def requests(described, operation, ids):
    """Yield the requests that an operation's examples make: path values, and the rest."""
    inside, query, headers = {}, {}, {}
    for parameter in operation.get("parameters", []):
        name, examples = parameter["name"], parameter["schema"].get("examples", [])
        if parameter["in"] == "path":
            inside[name] = examples[0] if examples else ids[name]
        elif parameter["in"] == "header":
            headers.update(zip([name], examples, strict=False))
        elif parameter["required"]:
            query[name] = examples[0]
    content = operation.get("requestBody", {}).get("content", {})
    if "multipart/form-data" in content:
        return [(inside, {"files": {"files": ("ships.md", b"# Ships")}})]
    if "application/json" not in content:
        return [(inside, {"params": query, "headers": headers})]
    bodies = resolved(described, content["application/json"]["schema"])["examples"]
    return [
        (inside, {"params": query, "json": {n: ids.get(n, v) for n, v in body.items()}})
        for body in bodies
    ]


def test_openapi_examples_match_responses(client, described, ids):
    seen = set()
    for method, path, operation in operations(described):
        expected = min(status for status in operation["responses"] if status.startswith("2"))
        replied = operation["responses"][expected].get("content", {})
        for inside, more in requests(described, operation, ids):
            response = client.request(method, path.format(**inside), **more)
            assert response.status_code == int(expected), (method, path, response.text)
            seen.add((method, path))
            kind = response.headers.get("content-type", "").partition(";")[0]
            assert kind in replied or not (kind or response.content or replied), (path, kind)
            if kind != "application/json" or path in NO_SCHEMA:
                continue
            schema = replied[kind]["schema"]
            whole = schema | {"components": described["components"]}
            Draft202012Validator(whole).validate(response.json())
            assert set(resolved(described, schema)["properties"]) == set(response.json()), path
    assert len(seen) == sum(map(len, described["paths"].values())) >= 37


def test_every_route_documents_its_responses(described):
    for method, path, operation in operations(described):
        assert operation["summary"], path
        for status, reply in operation["responses"].items():
            if status.startswith("2") and status != "204":
                assert reply["content"], (method, path)
            for kind, content in reply.get("content", {}).items():
                assert content["schema"] or path in NO_SCHEMA, (method, path, kind)


def test_openapi_examples_get_answer_and_supported_claim(client, described):
    """An example that gets an abstention would be correct but useless."""
    schemas = described["components"]["schemas"]
    (asked,), (checked,) = schemas["Question"]["examples"], schemas["Text"]["examples"]
    assert client.post("/v1/answers", json=asked).json()["claims"]
    claims = client.post("/v1/verify", json=checked).json()["claims"]
    assert [claim["verdict"]["label"] for claim in claims] == ["supported"]
    (chat,) = schemas["ChatRequest"]["examples"]
    assert client.post("/v1/chat/completions", json=chat).json()["citations"]


def test_every_route_documents_its_errors(client, described):
    for _, path, operation in operations(described):
        assert "default" in operation["responses"] and "422" not in operation["responses"], path
    problem = described["paths"]["/v1/answers"]["post"]["responses"]["default"]["content"]
    refused = client.post("/v1/answers", json={}).json()
    Draft202012Validator(problem["application/problem+json"]["schema"]).validate(refused)
