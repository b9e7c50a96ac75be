"""Tests that /openapi.json is true: every example is sent, every response matches its schema."""

import json
import keyword
import re
import shutil
from pathlib import Path

import httpx
import pytest
from jsonschema import Draft202012Validator
from openai.pagination import SyncPage
from openai.types import Model
from openai.types.chat import ChatCompletion
from openai.types.responses import Response
from pydantic import TypeAdapter

from tests.support.library_service import House
from tests.support.openapi_calls import CUT, made_ids, operations, record, requests, resolved
from tests.support.scripted_model import Script

pytestmark = [pytest.mark.process, pytest.mark.server, pytest.mark.usefixtures("kept_readers")]

NO_SCHEMA = {  # OpenAI's own
    "/v1/chat/completions": ChatCompletion,
    "/v1/responses": Response,
    "/v1/responses/{response_id}": Response,
    "/v1/models": SyncPage[Model],
    "/v1/models/{model}": Model,
}
# Client generators name their methods by these: one that changes breaks the code of who uses them.
OPERATIONS = {
    "ask": "POST /v1/answers",
    "stop_answer": "DELETE /v1/answers",
    "get_answer": "GET /v1/answers/{answer_id}",
    "get_receipt": "GET /v1/answers/{answer_id}/receipt",
    "export_answer": "GET /v1/answers/{answer_id}/export",
    "suggest_follow_ups": "GET /v1/answers/{answer_id}/related",
    "suggest_first_questions": "GET /v1/examples",
    "rate_answer": "POST /v1/feedback",
    "list_ratings": "GET /v1/answers/{answer_id}/feedback",
    "list_conversations": "GET /v1/conversations",
    "get_conversation": "GET /v1/conversations/{conversation_id}",
    "rename_conversation": "PATCH /v1/conversations/{conversation_id}",
    "delete_conversation": "DELETE /v1/conversations/{conversation_id}",
    "export_conversation": "GET /v1/conversations/{conversation_id}/export",
    "share_conversation": "POST /v1/conversations/{conversation_id}/share",
    "list_shares": "GET /v1/conversations/{conversation_id}/shares",
    "revoke_share": "DELETE /v1/conversations/{conversation_id}/shares/{token}",
    "get_shared_conversation": "GET /v1/shared/{token}",
    "export_shared_conversation": "GET /v1/shared/{token}/export",
    "verify": "POST /v1/verify",
    "search": "GET /v1/search",
    "list_sources": "GET /v1/sources",
    "add_sources": "POST /v1/sources",
    "get_source": "GET /v1/sources/{source_id}",
    "delete_source": "DELETE /v1/sources/{source_id}",
    "download_file": "GET /v1/sources/{source_id}/file",
    "get_page_image": "GET /v1/sources/{source_id}/pages/{number}",
    "get_boxes": "GET /v1/sources/{source_id}/boxes",
    "read_source_text": "GET /sources/{source_id}",
    "get_passage": "GET /v1/passages/{passage_id}",
    "list_collections": "GET /v1/collections",
    "make_collection": "POST /v1/collections",
    "get_collection": "GET /v1/collections/{collection_id}",
    "rename_collection": "PATCH /v1/collections/{collection_id}",
    "delete_collection": "DELETE /v1/collections/{collection_id}",
    "add_to_collection": "POST /v1/collections/{collection_id}/sources",
    "remove_from_collection": "DELETE /v1/collections/{collection_id}/sources/{source_id}",
    "upload_documents": "POST /v1/documents",
    "translate_quote": "POST /v1/translations",
    "list_jobs": "GET /v1/jobs",
    "get_job": "GET /v1/jobs/{job_id}",
    "cancel_job": "DELETE /v1/jobs/{job_id}",
    "create_chat_completion": "POST /v1/chat/completions",
    "create_response": "POST /v1/responses",
    "get_response": "GET /v1/responses/{response_id}",
    "list_models": "GET /v1/models",
    "get_model": "GET /v1/models/{model}",
    "check_health": "GET /healthz",
    "check_readiness": "GET /readyz",
    "describe_service": "GET /llms.txt",
}
ADVICE = "record the examples again: python -m tests.support.openapi_calls FOLDER"
NOTHING = (
    [],
    ["[]"],
    "NoneType",
    ['"NoneType"'],
)  # shapes of an empty list, of null, and of lists of these
VOLATILE = {"timings", "retry_after"}  # members whose own members differ from reply to reply


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
def recorded(tmp_path_factory, library_folder, embedder, checker):
    """What a service without a language model replies, as it was recorded for the examples."""
    folder = tmp_path_factory.mktemp("recorded") / "data"
    house = House(Path(shutil.copytree(library_folder, folder)), embedder, checker)
    with house.open(), httpx.Client(base_url=house.url, timeout=60) as client:
        yield record(house, client)


@pytest.fixture(scope="module")
def ids(house, client):
    return made_ids(house, client)


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
    (asked,) = schemas["ResponseRequest"]["examples"]
    made = client.post("/v1/responses", json=asked).json()
    assert made["output"][0]["content"][0]["annotations"]


def test_every_route_documents_its_errors(client, described):
    for _, path, operation in operations(described):
        assert "default" in operation["responses"] and "422" not in operation["responses"], path
    problem = described["paths"]["/v1/answers"]["post"]["responses"]["default"]["content"]
    refused = client.post("/v1/answers", json={}).json()
    Draft202012Validator(problem["application/problem+json"]["schema"]).validate(refused)


# --- Examples of replies ------------------------------------------------------------------------


def shape(value, name=""):
    """Reduce JSON to the names of members and the types of values; a list to what its items have."""
    if isinstance(value, dict):
        members = {} if name in VOLATILE else value
        return {key: shape(inner, key) for key, inner in members.items()}
    if isinstance(value, list):
        return merged([shape(item) for item in value])
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__  # fmt: skip


def merged(shapes):
    """Return what the shapes of the items of a list have in common: members of any, and types."""
    shapes = [each for each in shapes if each not in NOTHING] or shapes
    if shapes and all(isinstance(each, dict) for each in shapes):
        names = {name for each in shapes for name in each}
        return {n: merged([each[n] for each in shapes if n in each]) for n in names}
    return sorted({json.dumps(each, sort_keys=True) for each in shapes})


def fits(example, reply):
    """Whether two shapes have the same members; a value may be null, or a list empty, in one."""
    if isinstance(example, dict) and isinstance(reply, dict):
        return example.keys() == reply.keys() and all(fits(example[n], reply[n]) for n in example)
    if example in NOTHING or reply in NOTHING or example == reply:
        return True
    return isinstance(example, list) and isinstance(reply, list) and bool({*example} & {*reply})


def example_of(operation):
    """Return the example of an operation's reply in JSON, and whether it has such a reply."""
    for status, reply in operation["responses"].items():
        if status.startswith("2") and "application/json" in reply.get("content", {}):
            return reply["content"]["application/json"].get("example"), True
    return None, False


def test_every_reply_in_json_has_an_example_that_fits_its_schema(described):
    for _, path, operation in operations(described):
        example, expected = example_of(operation)
        assert bool(example) == expected, path
        if expected and path in NO_SCHEMA:
            TypeAdapter(NO_SCHEMA[path]).validate_python(example)
        elif expected:
            schema = next(
                reply["content"]["application/json"]["schema"]
                for status, reply in operation["responses"].items()
                if status.startswith("2") and "content" in reply
            )
            whole = schema | {"components": described["components"]}
            Draft202012Validator(whole).validate(example)
            assert set(resolved(described, schema)["properties"]) == set(example), path


def test_examples_are_like_what_the_service_replies(client, described, recorded):
    """Not the same values: ids, times and what a library has differ."""
    for _, path, operation in operations(described):
        example, expected = example_of(operation)
        if expected:
            reply = recorded[operation["operationId"]]
            assert fits(shape(example), shape(reply)), f"{path}: {ADVICE}"


def test_example_of_an_answer_is_the_answer_to_the_example_of_a_question(described):
    (asked,) = described["components"]["schemas"]["Question"]["examples"]
    ask = described["paths"]["/v1/answers"]["post"]
    example, _ = example_of(ask)
    assert example["question"] == asked["question"] and example["claims"], ADVICE
    for claim in example["claims"]:
        assert example["text"][claim["start"] : claim["end"]] == claim["text"]
        for cited in claim["citations"]:
            shown = example["evidence"][cited["label"] - 1]["passage"]
            assert cited["quote"] in cited["before"] + cited["quote"] + cited["after"]
            assert cited["metadata"] or cited["quote"] in shown["text"]


def test_examples_of_errors_are_errors_that_the_service_gives(client, described):
    (problem,) = described["paths"]["/v1/answers"]["post"]["responses"]["default"][
        "content"
    ].values()
    given = client.post("/v1/answers", json={}).json()
    assert problem["example"] | {"request_id": ""} == given | {"request_id": ""}
    Draft202012Validator(problem["schema"]).validate(problem["example"])
    (error,) = described["paths"]["/v1/responses"]["post"]["responses"]["default"][
        "content"
    ].values()
    given = client.post("/v1/responses", json={"model": "gpt", "input": "x"}).json()
    assert error["example"] == given
    Draft202012Validator(error["schema"]).validate(given)


def test_examples_are_short(described):
    """A page shows them all; lists of a library are cut."""
    for _, path, operation in operations(described):
        example, _ = example_of(operation)
        assert len(json.dumps(example)) < 60_000, path
    assert set(CUT) <= OPERATIONS.keys()


# --- Names for generated clients ----------------------------------------------------------------


def test_operation_ids_are_unique_and_stay_the_same(described):
    found = {o["operationId"]: f"{m.upper()} {p}" for m, p, o in operations(described)}
    assert len(found) == len(operations(described))
    assert found == OPERATIONS
    for name in found:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", name) and not keyword.iskeyword(name)


def test_operations_are_in_named_groups(described):
    groups = {
        operation["operationId"]: operation["tags"] for *_, operation in operations(described)
    }
    assert {group for (group,) in groups.values()} == {
        "Answers",
        "Conversations",
        "Library",
        "OpenAI-compatible",
        "Service",
    }
    assert groups["list_sources"] == groups["read_source_text"] == ["Library"]
    assert groups["check_health"] == ["Service"] and groups["ask"] == ["Answers"]


def test_names_of_types_are_plain(described):
    """Two types of one name would get the names of their modules: service__types__Answer."""
    for name in described["components"]["schemas"]:
        assert re.fullmatch(r"[A-Z][A-Za-z]*", name), name
