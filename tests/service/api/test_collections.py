"""Collections over HTTP: making and filling them, asking in them, and adding documents to them."""

import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from service.client.sync_client import Client
from service.query import language_of
from service.receipts.recheck import recheck
from tests.support.library_service import MAPS, SHIPS, House

pytestmark = [pytest.mark.process, pytest.mark.server, pytest.mark.usefixtures("kept_readers")]

WHISPER = "How many hours of labelled audio was Whisper trained on?"
BOATS = "How many fishing boats does the harbour office of Shiogama list?"


@pytest.fixture(scope="module")
def house(tmp_path_factory, library_folder, embedder, checker):
    folder = tmp_path_factory.mktemp("collections") / "data"
    house = House(Path(shutil.copytree(library_folder, folder)), embedder, checker)
    with house.open():
        yield house


@pytest.fixture
def make(house):
    """A function that makes a collection, and fills it; all are deleted after the test."""

    def make(name, *source_ids):
        made = house.call("POST", "/v1/collections", 201, json={"name": name})
        path = made.headers["location"]
        house.call("POST", f"{path}/sources", json={"source_ids": source_ids})
        return path

    yield make
    for each in house.call("GET", "/v1/collections").json()["collections"]:
        house.call("DELETE", f"/v1/collections/{each['id']}", 204)


def ask(house, question, status=200, **more):
    asked = {"question": question, "mode": "quoted", **more}
    return house.call("POST", "/v1/answers", status, json=asked).json()


def cited(answer):
    return {c["source_id"] for claim in answer["claims"] for c in claim["citations"]}


def test_collections_are_made_renamed_filled_emptied_and_deleted(house, make):
    path = make("  Speech ", "whisper")
    shown = house.call("GET", path).json()
    assert shown == shown | {"name": "Speech", "sources": 1, "source_ids": ["whisper"]}
    assert house.call("GET", "/v1/collections").json() == {"collections": [shown]}
    for _ in range(2):  # idempotent
        added = house.call("POST", f"{path}/sources", json={"source_ids": ["article-en"]}).json()
        assert added["source_ids"] == ["article-en", "whisper"] and added["sources"] == 2
    for _ in range(2):
        left = house.call("DELETE", f"{path}/sources/whisper").json()
        assert left["source_ids"] == ["article-en"]
    assert house.call("PATCH", path, json={"name": "音声/認識"}).json()["name"] == "音声/認識"
    house.call("DELETE", path, 204)
    house.call("GET", path, 404)
    assert house.call("GET", "/v1/sources/article-en").json()["id"] == "article-en"


def test_refusals_are_sentences_with_the_fix(house, make):
    path = make("Speech")
    for method, where, body, status, says in [
        ("POST", "/v1/collections", {"name": "SPEECH"}, 409, "choose another name"),
        ("POST", "/v1/collections", {"name": " "}, 422, "give it one"),
        ("POST", "/v1/collections", {"name": "x" * 81}, 422, "at most 80 characters"),
        ("POST", "/v1/collections", {"title": "x"}, 422, "name"),
        ("POST", f"{path}/sources", {"source_ids": ["nope"]}, 404, "tenkyo sources"),
        ("POST", f"{path}/sources", {"source_ids": "whisper"}, 422, "source_ids"),
        ("PATCH", "/v1/collections/nope", {"name": "x"}, 404, "'Speech'"),
    ]:
        problem = house.call(method, where, status, json=body).json()
        assert says in problem["detail"], problem
    other = {"Origin": "http://elsewhere.example"}
    house.call("POST", "/v1/collections", 403, json={"name": "x"}, headers=other)


def test_question_is_answered_from_its_collections_alone(house, make):
    make("Speech", "whisper", "article-en")
    make("Agents", "instructgpt")
    answer = ask(house, WHISPER, collections=["speech"])
    assert cited(answer) and cited(answer) <= {"whisper", "article-en"}
    assert answer["scope"] == {"source_ids": None, "collections": ["Speech"]}
    assert {e["source"]["id"] for e in answer["evidence"]} <= {"whisper", "article-en"}

    outside = ask(house, WHISPER, collections=["Agents"])
    assert outside["abstained"] and not outside["claims"]
    assert {e["source"]["id"] for e in outside["evidence"]} == {"instructgpt"}
    if outside["abstention"] == "outside_library":
        assert "The collection you chose does not cover this topic" in outside["reason"]
        assert "whole library" in outside["reason"]

    receipt = house.call("GET", f"/v1/answers/{answer['id']}/receipt").json()
    assert "scope" not in receipt  # nothing that it proves follows from where was asked
    assert {c.outcome for c in recheck(receipt, house.engine.verifier, house.store)} == {"ok"}

    both = ask(house, WHISPER, collections=["Agents", "Speech"])
    assert cited(both) <= {"whisper", "article-en"} and cited(both)
    assert ask(house, WHISPER)["scope"] is None
    mixed = ask(house, WHISPER, collections=["Agents"], source_ids=["whisper"])
    assert cited(mixed) == {"whisper"}

    found = house.call(
        "GET", "/v1/search", params={"q": "agents", "collection": ["Agents"], "k": 20}
    ).json()
    assert {hit["source"]["id"] for hit in found["hits"]} == {"instructgpt"}
    text = {"text": "Whisper was trained on 680,000 hours of audio.", "collections": ["Speech"]}
    checked = house.call("POST", "/v1/verify", json=text).json()
    assert {e["source"]["id"] for e in checked["evidence"]} <= {"whisper", "article-en"}


def test_one_source_that_does_not_answer_is_said_to_be_the_chosen_one(house):
    answer = ask(house, "Who won the Tour de France in 2031?", source_ids=["whisper"])
    assert answer["abstention"] == "outside_library"
    assert "The source you chose does not cover this topic" in answer["reason"]
    answer = ask(
        house, "2031年のツール・ド・フランスで優勝したのは誰ですか？", source_ids=["whisper"]
    )
    assert "選んだ資料" in answer["reason"]


@pytest.mark.parametrize("question", [WHISPER, "hello", "What documents are there?"])
def test_unknown_collection_is_refused_and_names_those_that_there_are(house, make, question):
    make("Speech", "whisper")
    problem = ask(house, question, 404, collections=["Speach"])
    assert "'Speach'" in problem["detail"] and "'Speech'" in problem["detail"]
    house.call("GET", "/v1/search", 404, params={"q": question, "collection": "Speach"})
    house.call("POST", "/v1/verify", 404, json={"text": question, "collections": ["Speach"]})


@pytest.mark.parametrize(
    "question",
    [WHISPER, "Whisperは何時間の音声で学習しましたか？", "hello", "Whisper", "資料の一覧は？"],
)
def test_empty_collection_says_so_in_the_reader_s_language(house, make, question):
    make("Later")
    answer = ask(house, question, collections=["Later"])
    says = {"en": "This collection has no sources yet; add some", "ja": "まだ資料がありません"}
    assert answer["abstained"] and says[language_of(question)] in answer["reason"]
    assert not answer["claims"] and not answer["evidence"] and answer["abstention"] is None


def test_collection_that_is_emptied_while_it_is_asked_gets_no_answer_from_elsewhere(house, make):
    """It is emptied after the question was taken, and before the search ends."""
    path = make("Speech", "whisper")
    library, searched = house.engine.library, house.engine._evidence._library.search

    def search(*arguments):
        hits = searched(*arguments)
        house.call("DELETE", f"{path}/sources/whisper")
        return hits

    emptied = SimpleNamespace(store=library.store, embedder=library.embedder, search=search)
    house.engine._evidence._library = emptied
    try:
        answer = ask(house, WHISPER, collections=["Speech"])
    finally:
        house.engine._evidence._library = library
    assert answer["abstained"] and not answer["evidence"]
    assert "no sources yet" in answer["reason"]


def test_documents_go_straight_into_a_collection(house, make):
    path = make("Harbour", "whisper")
    job = house.ended(house.upload(("ships.md", SHIPS), collection=" harbour "))
    assert job["asked"]["collection"] == "Harbour" and job["status"] == "done"
    (item,) = job["items"]
    assert set(house.call("GET", path).json()["source_ids"]) == {"whisper", item["source_id"]}
    answer = ask(house, BOATS, collections=["Harbour"])
    assert "312" in answer["text"]

    house.web.pages["example.org/maps"] = ("text/markdown", MAPS)
    body = {"url": "http://example.org/maps", "collection": "Maps of Kanda"}  # made by this
    job = house.ended(house.call("POST", "/v1/sources", 202, json=body).json())
    made = house.call("GET", "/v1/collections").json()["collections"][-1]
    assert made["name"] == "Maps of Kanda" and made["source_ids"] == [job["items"][0]["source_id"]]
    again = house.ended(house.upload(("ships.md", SHIPS), collection="Maps of Kanda"))
    assert again["items"][0]["outcome"] == "unchanged"  # and yet it is put there
    assert (
        item["source_id"] in house.call("GET", f"/v1/collections/{made['id']}").json()["source_ids"]
    )

    house.call("DELETE", f"/v1/sources/{item['source_id']}", 204)
    assert house.call("GET", path).json()["source_ids"] == ["whisper"]
    house.upload(("ships.md", SHIPS), status=422, collection="x" * 81)


def test_collection_deleted_while_it_is_filled_stays_deleted(house, make):
    path = make("Harbour")
    house.web.hold.clear()
    house.web.pages["example.org/slow"] = ("text/markdown", SHIPS)
    body = {"url": "http://example.org/slow", "collection": "Harbour"}
    job = house.call("POST", "/v1/sources", 202, json=body).json()
    house.call("DELETE", path, 204)
    house.web.hold.set()
    assert house.ended(job)["status"] == "done"
    assert house.call("GET", "/v1/collections").json() == {"collections": []}


def test_client_has_a_method_for_each_route(house, make, tmp_path):
    make("Speech", "whisper")
    (tmp_path / "ships.md").write_bytes(SHIPS)
    with Client(house.url) as client:
        (speech,) = client.collections()
        assert speech.source_ids == ("whisper",) and client.collection(speech.id) == speech
        sea = client.make_collection("Sea")
        assert client.rename_collection(sea.id, "Harbour").name == "Harbour"
        assert client.add_to_collection(sea.id, ["instructgpt"]).sources == 1
        assert client.remove_from_collection(sea.id, "instructgpt").sources == 0
        assert "no sources yet" in client.answer(WHISPER, collections=["Harbour"]).reason
        assert {hit.source.id for hit in client.search("Whisper", collections=["Speech"])} == {
            "whisper"
        }
        house.ended({"id": client.upload([tmp_path / "ships.md"], collection="Harbour").id})
        assert client.collection(sea.id).sources == 1
        assert client.verify("Whisper.", collections=["Harbour"]).claims
        client.delete_collection(sea.id)
        assert [each.name for each in client.collections()] == ["Speech"]


def test_read_only_service_lists_collections_and_changes_none(house):
    from fastapi.testclient import TestClient

    from service.api.app import create_app

    client = TestClient(
        create_app(house.engine, index_dir=house.index), base_url="http://localhost"
    )
    assert client.get("/v1/collections").json() == {"collections": []}
    assert client.post("/v1/collections", json={"name": "x"}).status_code == 405
    assert not re.search("make_collection", client.get("/openapi.json").text)
