"""The requests that the examples of /openapi.json make, and the replies to them as examples.

    python -m tests.support.openapi_calls FOLDER

Records service/api/examples.json again, from a copy of a data folder with the shipped library, as
``tenkyo ingest`` makes it: the replies of a service without a language model. Long lists of a
library are cut to their first entries.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx

from service.api.described import EXAMPLES
from tests.support.documents import column, pdf
from tests.support.library_service import MAPS, House

Json = dict[str, Any]
CUT = {
    "list_sources": ("sources", "unread"),
    "list_jobs": ("jobs",),
    "list_conversations": ("conversations",),
    "search": ("hits",),
}
SHOWN = 2  # entries of a list that is cut


def made_ids(house: House, client: httpx.Client) -> dict[str, str]:
    """Fill the library, ask a question, and return the ids, which a static example cannot know."""
    printed = pdf([column([MAPS.decode().split("\n")[-1]])])  # a PDF has pages to be drawn
    uploaded = house.ended(house.upload(("maps.pdf", printed)))
    house.web.hold.clear()  # a job that takes a while, to be read and cancelled
    job = client.post("/v1/sources", json={"url": "https://example.org/slow"}).json()
    answer = client.post(
        "/v1/answers", json={"question": "How many hours of audio was Whisper trained on?"}
    ).json()
    client.post("/v1/feedback", json={"answer_id": answer["id"], "rating": "up"})
    collection = client.post("/v1/collections", json={"name": "To read"}).json()
    client.post(f"/v1/collections/{collection['id']}/sources", json={"source_ids": ["article-en"]})
    share = client.post(f"/v1/conversations/{answer['conversation_id']}/share").json()
    return {
        "answer_id": answer["id"],
        "response_id": f"resp_{answer['id']}",
        "passage_id": answer["evidence"][0]["passage"]["id"],
        "conversation_id": answer["conversation_id"],
        "token": share["token"],
        "job_id": job["id"],
        "collection_id": collection["id"],
        "source_id": uploaded["items"][0]["source_id"],
    }


def operations(described: Json) -> list[tuple[str, str, Json]]:
    """Return the operations; those that delete come last, parts before wholes."""
    found = [
        (method, path, operation)
        for path, operations in described["paths"].items()
        for method, operation in operations.items()
    ]
    return sorted(found, key=lambda one: (one[0] == "delete", -one[1].count("/")))


def resolved(described: Json, schema: Json) -> Json:
    """Return the schema of an object, without the reference or the null around it."""
    for one in schema.get("anyOf", [schema]):
        if name := one.get("$ref", "").removeprefix("#/components/schemas/"):
            return described["components"]["schemas"][name]
    return schema


def requests(described: Json, operation: Json, ids: dict[str, str]) -> list[tuple[Json, Json]]:
    """Return the requests that an operation's examples make: path values, and the rest."""
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


def replies(house: House, client: httpx.Client) -> Iterator[tuple[str, httpx.Response]]:
    """Yield the id of each operation with the reply to its first example."""
    described = client.get("/openapi.json").json()
    ids = made_ids(house, client)
    for method, path, operation in operations(described):
        inside, more = requests(described, operation, ids)[0]
        yield operation["operationId"], client.request(method, path.format(**inside), **more)


def record(house: House, client: httpx.Client) -> Json:
    """Return the JSON replies by operation, and those to requests that are refused."""
    found: Json = {}
    for name, reply in replies(house, client):
        assert reply.is_success, (name, reply.text)
        if reply.headers.get("content-type") == "application/json":
            found[name] = reply.json()
            for listed in CUT.get(name, ()):
                found[name][listed] = found[name][listed][:SHOWN]
    found["problem"] = client.post("/v1/answers", json={}).json()
    found["openai_error"] = client.post("/v1/responses", json={"model": "gpt", "input": "x"}).json()
    return found


def main(arguments: Sequence[str]) -> int:
    """Record the examples from a data folder; returns the exit code."""
    from index.inference.cross_encoder import CrossEncoder
    from index.inference.embedder import SentenceTransformerEmbedder
    from index.inference.model_registry import BUNDLED_EMBEDDER

    (folder,) = map(Path, arguments)
    with tempfile.TemporaryDirectory() as made:
        data, models = Path(made) / "data", Path(made) / "models"
        shutil.copytree(folder, data)
        embedder = SentenceTransformerEmbedder(BUNDLED_EMBEDDER, models)
        house = House(data, embedder, CrossEncoder(cache=models))
        with house.open(), httpx.Client(base_url=house.url, timeout=300) as client:
            found = record(house, client)
    text = json.dumps(found, ensure_ascii=False, indent=1, sort_keys=True)
    text = text.replace(house.url, "http://127.0.0.1:8000")
    EXAMPLES.write_text(text + "\n", encoding="utf-8")
    print(f"{len(found)} examples, {len(text):,} characters, in {EXAMPLES}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
