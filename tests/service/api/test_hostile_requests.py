"""Tests that every route answers wrong or hostile input with a helpful error.

Each route gets another part of what is sent; in `make soak`, all of it.
"""

import json
import shutil
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.library_service import House
from tests.support.soak import SOAK

pytestmark = [pytest.mark.process, pytest.mark.server]

IDS = ["nope", "x" * 5000, "%00", "..%2F..%2Fetc%2Fpasswd", "%E3%81%82", "%ff%fe", "9" * 400, "%0d%0aX-A:1", "%F0%9F%92%A9", "'; DROP TABLE answers;--", "{}", "-1"]  # fmt: skip
VALUES = ["", "-1", "1e400", "9" * 400, "NaN", "null", "[]", "\x00", "%00", "é\u202e", "x" * 20_000]
BODIES = [
    b"", b"null", b"[]", b'"x"', b"5", b"{", b"\xff\xfe{", b"[" * 100_000, b'{"a":' * 50_000,
    b'{"question": NaN}', b'{"\\ud800": "\\ud800"}', b"9" * 5000, b"{}", b'{"__proto__": {}}',
    b'{"url": "http://[::1"}', b'{"url": "file:///etc/passwd"}', b'{"url": "http://127.0.0.1/"}',
    b'{"urls": ["\\ud800"]}', b'{"url": "' + b"x" * 100_000 + b'"}',
    b'{"url": "http://example.org:99999/"}', b'{"url": "http://' + b"a." * 2000 + b'org/"}',
]  # fmt: skip
TYPES = ["application/json", "application/json; charset=utf-16", "text/plain", "multipart/form-data", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "\xff", "/"]  # fmt: skip
HEADERS = [
    {"Idempotency-Key": ""}, {"Idempotency-Key": "x" * 3000}, {"Idempotency-Key": "a b"},
    {"Last-Event-ID": "-1"}, {"Last-Event-ID": "9" * 400}, {"Last-Event-ID": "\u00b2"},
    {"Last-Event-ID": "7"}, {"Accept": "text/event-stream"}, {"Accept": "nonsense"},
    {"X-Request-ID": "\x80" * 500}, {"Range": "bytes=9-1"}, {"If-None-Match": "x" * 500},
    {"Content-Encoding": "gzip"}, {"Origin": "null"}, {"Host": "evil.example"}, {"Host": ""},
]  # fmt: skip
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"]
UNLISTED = ["/", "/mcp", "/openapi.json", "/static/app.js", "/static/..%2Fapi.py", "/v2/nothing"]


@pytest.fixture(scope="module")
def client(tmp_path_factory, library_folder, embedder, checker):
    folder = tmp_path_factory.mktemp("hostile") / "data"
    house = House(Path(shutil.copytree(library_folder, folder)), embedder, checker)
    with house.open(), httpx.Client(base_url=house.url, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def described(client):
    return client.get("/openapi.json").json()


@pytest.fixture(scope="module")
def operations(described):
    return [
        (method.upper(), path, operation)
        for path, operations in described["paths"].items()
        for method, operation in operations.items()
    ]


def check(client, method, path, **more):
    """Send a request; the response is not a server error, and a refusal gives its reason."""
    response = client.request(method, path, **more)
    what = (method, path[:200], str(more)[:300], response.status_code, response.text[:500])
    assert response.status_code < 500, what
    assert "Traceback" not in response.text, what
    if response.status_code < 400 or method == "HEAD":
        return response
    assert response.headers.get("content-type") and response.content, what
    kind, said = response.headers["content-type"].partition(";")[0], response.json()
    if path.startswith(("/v1/chat", "/v1/responses", "/v1/models")) and "error" in said:
        assert kind == "application/json" and said["error"]["message"], what
    elif path == "/mcp" and "jsonrpc" in said:
        assert said["error"]["message"], what
    else:
        assert kind == "application/problem+json", what
        assert said["status"] == response.status_code and said["title"] and said["detail"], what
    return response


def some(values, n):
    """Return a quarter of some values, another one for each ``n``; in `make soak`, all of them."""
    return values if SOAK else values[n % 4 :: 4]


def filled(path, value):
    """Return the path with one value for all of its parameters."""
    parts = [value if part.startswith("{") else part for part in path.split("/")]
    return "/".join(parts)


def test_unknown_and_hostile_ids_get_problem_documents(client, operations):
    for n, (method, path, _) in enumerate(operations):
        if "{" in path:
            for id in some(IDS, n):
                assert check(client, method, filled(path, id)).status_code >= 400, path


def test_hostile_query_parameters_get_problem_documents(client, operations):
    queried = [
        (method, path, parameter["name"])
        for method, path, operation in operations
        for parameter in operation.get("parameters", [])
        if parameter["in"] == "query"
    ]
    for n, (method, path, name) in enumerate(queried):
        for value in some(VALUES, n):
            check(client, method, filled(path, "whisper"), params={"q": "maps"} | {name: value})


def test_hostile_bodies_get_problem_documents(client, operations):
    for n, (method, path, operation) in enumerate(operations):
        if "requestBody" in operation:
            for body in some(BODIES, n):
                headers = {"Content-Type": "application/json"}
                check(client, method, filled(path, "nope"), content=body, headers=headers)
            for kind in some(TYPES, n):
                headers = {"Content-Type": kind.encode("latin-1")}
                check(client, method, filled(path, "nope"), content=b"a=1", headers=headers)


def test_hostile_headers_get_problem_documents(client, operations):
    for n, (method, path, operation) in enumerate(operations):
        body = b"{}" if "requestBody" in operation else None
        if method != "POST" and "job" not in path and path != "/v1/sources/{source_id}":
            continue  # these routes read no headers, and one of them is enough
        for headers in some(HEADERS, n):
            given = {name: value.encode("latin-1") for name, value in headers.items()}
            check(client, method, filled(path, "nope"), content=body, headers=given)


def test_wrong_methods_get_problem_documents(client, described):
    for n, path in enumerate([*described["paths"], *UNLISTED]):
        for method in some(METHODS, n):
            known = path in described["paths"] and method.lower() in described["paths"][path]
            if not known:
                check(client, method, filled(path, "nope"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.just("\ud800") | st.just(10**400) | st.just("x" * 5000),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


@settings(
    max_examples=1000 if SOAK else 50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_body_fields_of_any_type_cause_no_server_error(client, described, operations, data):
    """The known fields of a body get values of every type, except the question."""
    bodies = [
        (method, path, operation["requestBody"]["content"]["application/json"]["schema"])
        for method, path, operation in operations
        if "application/json" in operation.get("requestBody", {}).get("content", {})
    ]
    method, path, schema = data.draw(st.sampled_from(bodies))
    for one in schema.get("anyOf", [schema]):
        if "$ref" in one:
            schema = described["components"]["schemas"][one["$ref"].rpartition("/")[2]]
    names = st.sampled_from(sorted(schema["properties"]))
    body = data.draw(st.dictionaries(names, JSON, max_size=4))
    content = json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    check(client, method, filled(path, "nope"), content=content, headers=headers)
