"""Ingestion over the API: uploads and addresses become jobs, and no accepted job is lost."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from corpus.errors import JobEnded, NotFound, TooManyJobs
from corpus.store.store import Store
from corpus.store.uploads import MAX_NAME, name_error
from index.inference.model_registry import BUNDLED_EMBEDDER
from index.ingestion.report import Item, Progress, Remark
from index.storage.manifest import read_manifest
from service.api.app import Options, create_app
from service.client.sync_client import Client
from service.ingestion.job_store import MAX_QUEUED_JOBS, MAX_STORED_JOBS, JobStore
from service.settings import Settings
from tests.support.documents import slides_of_text_and_picture
from tests.support.library_service import MAPS, SHIPS, House, Server, ended, many
from tests.support.live_server import served
from tests.support.soak import soak_only

pytestmark = pytest.mark.usefixtures("kept_readers")


def until_indexing(url: str, job: dict) -> int:
    """Wait until the passages of a job are being embedded; return how many are indexed."""
    for _ in range(1200):
        now = httpx.get(f"{url}/v1/jobs/{job['id']}", timeout=60).json()
        if now["progress"]["step"] == "indexing":
            assert now["status"] == "running"
            return now["progress"]["indexed"]
        time.sleep(0.05)
    raise AssertionError(now)


def events(url: str, job: dict, last: int | None = None, most: int = 10**6) -> list[tuple]:
    """Return the events of a job as (number, name, data), ``most`` of them at most."""
    headers = {"accept": "text/event-stream"} | ({"last-event-id": str(last)} if last else {})
    found = []
    with httpx.stream("GET", f"{url}/v1/jobs/{job['id']}", headers=headers, timeout=60) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines: dict[str, str] = {}
        for line in stream.iter_lines():
            if line.startswith(":"):  # it only keeps the connection open
                continue
            if line:
                name, _, value = line.partition(": ")
                lines[name] = value
            elif lines:
                found.append((int(lines["id"]), lines["event"], json.loads(lines["data"])))
                lines = {}
                if len(found) >= most:
                    break
    return found


@pytest.fixture
def house(tmp_path, library_folder, embedder, checker) -> House:
    return House(Path(shutil.copytree(library_folder, tmp_path / "data")), embedder, checker)


@pytest.fixture
def open_house(house) -> Iterator[House]:
    with house.open():
        yield house


@pytest.fixture(scope="module")
def make_shared_house(tmp_path_factory, library_folder, embedder, checker) -> Iterator:
    """Make services for several tests, which stop with the last of these."""
    with ExitStack() as stack:

        def make() -> House:
            folder = tmp_path_factory.mktemp("shared") / "data"
            house = House(Path(shutil.copytree(library_folder, folder)), embedder, checker)
            stack.enter_context(house.open())
            return house

        yield make


@pytest.fixture(scope="module")
def refusing_house(make_shared_house) -> House:
    """A service that all tests share that are refused at once: they leave nothing in it."""
    return make_shared_house()


@pytest.fixture(scope="module")
def hostile_house(make_shared_house) -> House:
    """A service that all hostile files share: they leave failed jobs in it, and no file."""
    return make_shared_house()


# Uploads


def test_upload_is_ingested_and_cited(open_house) -> None:
    house, folder = open_house, open_house.data / "uploads"
    answer = house.call("POST", "/v1/documents", 202, files={"files": ("神田 地図.md", MAPS)})
    job = answer.json()
    assert answer.headers["location"] == f"/v1/jobs/{job['id']}"
    sha256 = hashlib.sha256(MAPS).hexdigest()
    assert (folder / sha256 / "file").read_bytes() == MAPS  # before it is read
    assert job["status"] == "queued" and job["kind"] == "documents"
    assert job["asked"] == {"files": [{"name": "神田 地図.md", "sha256": sha256}]}
    done = house.ended(job)
    assert done["status"] == "done" and done["reason"] == ""
    assert done["created_at"] <= done["started_at"] <= done["finished_at"]
    (item,) = done["items"]
    assert (item["place"], item["outcome"], item["title"]) == ("神田 地図.md", "read", "Kanda")
    assert item["passages"] == 1 and item["reason"] == "" and "links" not in item
    assert done["progress"] | {"documents": 1, "passages": 1, "indexed": 1} == done["progress"]
    assert "40,000" in house.ask("How many maps does the Kanda reading room hold?")

    source = house.call("GET", f"/v1/sources/{item['source_id']}").json()
    assert source["kind"] == "upload"
    assert source["url"] == f"upload:{sha256[:16]}/%E7%A5%9E%E7%94%B0%20%E5%9C%B0%E5%9B%B3.md"
    file = house.call("GET", f"/v1/sources/{item['source_id']}/file")
    assert file.content == MAPS and file.headers["x-content-type-options"] == "nosniff"
    assert file.headers["content-security-policy"] == "sandbox"
    named = "attachment; filename=\"__ __.md\"; filename*=UTF-8''%E7%A5%9E%E7%94%B0%20%E5%9C%B0%E5%9B%B3.md"
    assert file.headers["content-disposition"] == named
    assert file.headers["content-type"] == "application/octet-stream"
    assert "not from an upload" in house.call("GET", "/v1/sources/whisper/file", 404).text


def test_same_bytes_under_two_names_are_one_source(open_house) -> None:
    house = open_house
    first = house.ended(house.upload(("a.md", MAPS), ("copy of a.md", MAPS)))
    assert [item["outcome"] for item in first["items"]] == ["read", "unchanged"]
    second = house.ended(house.upload(("b.md", MAPS)))
    (again,) = second["items"]
    assert again["outcome"] == "unchanged" and again["source_id"] == first["items"][0]["source_id"]
    assert house.store.source(again["source_id"]).url.endswith("/a.md")
    assert len(house.store.sources()) == 15 and house.keeps(1)


def test_replacing_text_keeps_source_id_and_old_version(open_house) -> None:
    house = open_house
    (item,) = house.ended(house.upload(("maps.md", MAPS)))["items"]
    newer = MAPS.replace(b"40,000", b"51,000").replace(b"# Kanda", b"# Kanda today")
    (new,) = house.ended(house.upload(("maps 2.md", newer), source_id=item["source_id"]))["items"]
    assert new["source_id"] == item["source_id"] and new["title"] == "Kanda today"
    assert "51,000" in house.ask("How many maps does the Kanda reading room hold?")
    assert not any("40,000 maps" in text for text in house.search("maps in Kanda"))
    assert house.keeps({hashlib.sha256(newer).hexdigest()})
    # The same file again belongs to the source; the old file alone is now another source.
    (same,) = house.ended(house.upload(("x.md", newer)))["items"]
    assert (same["outcome"], same["source_id"]) == ("unchanged", item["source_id"])
    (old,) = house.ended(house.upload(("maps.md", MAPS)))["items"]
    assert old["outcome"] == "read" and old["source_id"] != item["source_id"]
    # A digest whose original was uploaded keeps what is known of the work.
    before = house.store.source("whisper")
    house.ended(house.upload(("w.md", b"# W\n\nWhisper hears 97 languages."), source_id="whisper"))
    after = house.store.source("whisper")
    assert (after.title, after.authors, after.kind) == (before.title, before.authors, "upload")

    assert "nope" in house.upload(("a.md", MAPS), status=404, source_id="nope")["detail"]
    two = house.upload(("a.md", MAPS), ("b.md", SHIPS), status=422, source_id=item["source_id"])
    assert "one file" in two["detail"]
    assert house.keeps(3)  # what was refused is not kept


def test_concurrent_uploads_run_one_after_another(open_house) -> None:
    house, jobs = open_house, []
    files = [("maps.md", MAPS), ("ships.md", SHIPS)]
    threads = [
        threading.Thread(target=lambda file=file: jobs.append(house.upload(file))) for file in files
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = [house.ended(job) for job in jobs]
    assert [job["status"] for job in done] == ["done", "done"]
    spans = sorted((job["started_at"], job["finished_at"]) for job in done)
    assert spans[0][1] <= spans[1][0]  # one after the other
    assert "312" in house.ask("How many fishing boats are listed in Shiogama?")
    listed = house.call("GET", "/v1/jobs").json()
    assert {job["id"] for job in listed["jobs"]} == {job["id"] for job in jobs}
    first = house.call("GET", "/v1/jobs", params={"limit": 1}).json()
    rest = house.call("GET", "/v1/jobs", params={"limit": 1, "before": first["next"]}).json()
    assert [*first["jobs"], *rest["jobs"]] == listed["jobs"] and rest["next"] is None


# Hostile uploads


def raw(*parts: bytes, boundary: bytes = b"x") -> dict[str, Any]:
    body = b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts)
    kind = f"multipart/form-data; boundary={boundary.decode()}"
    return {"content": body + b"--" + boundary + b"--\r\n", "headers": {"content-type": kind}}


def part(name: bytes, data: bytes = MAPS) -> bytes:
    return b'Content-Disposition: form-data; name="files"; ' + name + b"\r\n\r\n" + data


@pytest.mark.parametrize(
    ("sent", "place", "says"),
    [
        (part(b'filename="empty.md"', b""), "empty.md", "0 bytes"),
        (part(b'filename="cut.pdf"', b"%PDF-1.4 cut"), "cut.pdf", "damaged"),
        (part(b'filename="paper.pdf"', b"MZ\x90\0" + b"\0" * 99), "paper.pdf", "a program"),
        (part(b'filename="../../etc/cron.md"'), "../../etc/cron.md", "leads elsewhere"),
        (part(b'filename="/etc/passwd"'), "/etc/passwd", "leads elsewhere"),
        (part(b'filename="..\\..\\boot.md"'), "..\\..\\boot.md", "leads elsewhere"),
        (part(b'filename="a\x00\x1b[31m.md"'), "a\\x00\\x1b[31m.md", "control characters"),
        (part("filename=\"invoice\u202efdp.md\"".encode()), "invoice\\u202efdp.md", "control"),
        (part(b'filename="' + b"n" * 10_000 + b'.md"'), "n" * 80 + "…", "10,003 characters"),
        (part(b'filename=""'), "(no name)", "without a name"),
        (b'Content-Disposition: form-data; name="files"\r\n\r\nKanda', "(no name)", "without a name"),
    ],
)  # fmt: skip
def test_hostile_files_fail_with_reason(hostile_house, sent, place, says) -> None:
    house = hostile_house
    before = sorted(p for p in house.data.parent.rglob("*") if "tenkyo.db" not in p.name)
    job = house.call("POST", "/v1/documents", 202, **raw(sent)).json()
    done = house.ended(job)
    (item,) = done["items"]
    assert (done["status"], item["outcome"]) == ("failed", "failed")
    assert item["place"] == place and says in item["reason"], item
    problems = {"empty.md": "empty", "cut.pdf": "damaged", "paper.pdf": "unsupported"}
    assert item["problem"] == problems.get(place, "file name")
    assert len(house.store.sources()) == 14

    def added() -> set[str]:
        after = [p for p in house.data.parent.rglob("*") if "tenkyo.db" not in p.name]
        return {p.name for p in set(after) - set(before)} - {"uploads", "index.lock"}

    # The file goes a moment after its job has ended, so that a job's end is never put off by it.
    until = time.monotonic() + 10
    while added() and time.monotonic() < until:
        time.sleep(0.02)
    assert not added()


def test_bad_file_does_not_affect_others(open_house) -> None:
    done = open_house.ended(open_house.upload(("../x.md", SHIPS), ("maps.md", MAPS)))
    assert done["status"] == "done"
    assert sorted(item["outcome"] for item in done["items"]) == ["failed", "read"]
    assert (done["progress"]["documents"], done["progress"]["failed"]) == (2, 1)


def test_allowed_and_refused_file_names() -> None:
    for name in (
        "論文（最終版） 2.pdf",
        'a b\'s "c".md',
        "folder/sub/x.md",
        "👨‍👩‍👧.md",
        "n" * MAX_NAME,
    ):
        assert name_error(name) == ""


@pytest.mark.parametrize(
    ("request_", "status", "says"),
    [
        ({"json": {"files": []}}, 422, "multipart/form-data"),
        ({"content": b"--x", "headers": {"content-type": "multipart/form-data"}}, 422, "field `files`"),
        ({"content": b"no form", "headers": {"content-type": "multipart/form-data; boundary=x"}}, 422, "cannot be read"),
        (raw(), 422, "no file"),
        ({**raw(part(b'filename="a.md"')), "content": b"--x\r\n" + part(b'filename="a.md"')}, 422, "in the middle"),
        (raw(b'Content-Disposition: form-data; name="colour"\r\n\r\nred'), 422, "no field 'colour'"),
        (raw(b"X: y\r\n\r\nred"), 422, "no field ''"),
        (raw(b'Content-Disposition: form-data; name="password"\r\n\r\n' + b"p" * 2000), 422, "1,000 bytes"),
        (raw(*[part(b'filename="%d.md"' % n, b"Kanda %d" % n) for n in range(101)]), 422, "more than 100"),
        (raw(part(b'filename="a.md"'), boundary=b"b" * 300), 422, "cannot be read"),
    ],
)  # fmt: skip
def test_malformed_forms_are_refused(refusing_house, request_, status, says) -> None:
    answer = refusing_house.call("POST", "/v1/documents", status, **request_)
    assert says in answer.json()["detail"], answer.text
    assert refusing_house.call("GET", "/v1/jobs").json()["jobs"] == []
    assert refusing_house.keeps(set())


def test_oversized_upload_is_refused_while_receiving(open_house) -> None:
    sent = 0

    def body() -> Iterator[bytes]:
        nonlocal sent
        yield b"--x\r\n" + part(b'filename="small.md"') + b"\r\n--x\r\n"
        yield part(b'filename="big.md"', b"")
        for _ in range(400):
            sent += 1_000_000
            yield b"Kanda. \n" * 125_000

    headers = {"content-type": "multipart/form-data; boundary=x"}
    answer = open_house.call("POST", "/v1/documents", 413, content=body(), headers=headers)
    assert "100 MB" in answer.json()["detail"] and sent < 130_000_000
    assert open_house.keeps(set())
    assert "1,000,000" in open_house.call("POST", "/v1/sources", 413, content=b" " * 1_100_000).text


def test_aborted_upload_leaves_no_files(open_house) -> None:
    def body() -> Iterator[bytes]:
        yield b"--x\r\n" + part(b'filename="a.md"') + b"\r\n--x\r\n" + part(b'filename="b.md"')
        yield b"z" * 3_000_000
        raise KeyError

    headers = {"content-type": "multipart/form-data; boundary=x"}
    with pytest.raises(KeyError):
        open_house.call("POST", "/v1/documents", content=body(), headers=headers)
    assert open_house.keeps(set()) and open_house.call("GET", "/v1/jobs").json()["jobs"] == []


def test_job_failure_reason_is_reported(open_house) -> None:
    house = open_house
    manifest = house.index / "manifest.json"
    made = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(made | {"embedder": "another"}))
    done = house.ended(house.upload(("maps.md", MAPS)))
    assert done["status"] == "failed" and "tenkyo reindex" in done["reason"]
    assert done["items"] == []
    assert house.keeps(set())
    manifest.write_text(json.dumps(made))
    assert house.ended(house.upload(("maps.md", MAPS)))["status"] == "done"


def test_unwritable_upload_folder_is_reported(open_house) -> None:
    (open_house.data / "uploads").write_text("in the way")
    assert "the upload cannot be kept" in open_house.upload(("a.md", MAPS), status=503)["detail"]


# Addresses


def test_addresses_are_ingested_and_papers_followed(open_house) -> None:
    house = open_house
    long = "The tower of Kanda is 97 metres high, says the survey of the city. " * 40
    page = f"<!doctype html><title>Tower</title><p>{long}<a href='https://papers.org/t.pdf'>x</a>"
    house.web.pages["example.org/tower"] = ("text/html", page.encode())
    asked = {"url": "https://example.org/tower", "follow": "papers", "limit": 5}
    answer = house.call("POST", "/v1/sources", 202, json=asked)
    assert answer.headers["location"] == f"/v1/jobs/{answer.json()['id']}"
    done = house.ended(answer.json())
    assert done["kind"] == "sources" and done["status"] == "done"
    assert done["asked"] == {"urls": [asked["url"]], "follow": "papers", "limit": 5, "depth": 1}
    outcomes = {item["place"]: item["outcome"] for item in done["items"]}
    assert outcomes == {asked["url"]: "fetched", "https://papers.org/t.pdf": "failed"}
    assert "97 metres" in house.ask("How high is the tower of Kanda?")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"url": "http://127.0.0.1:8000/"}, "127.0.0.1"),
        ({"url": "http://[::1]/"}, "::1"),
        ({"url": "http://169.254.169.254/latest"}, "169.254.169.254"),
        ({"url": "http://router.lan/"}, "192.168.1.1"),
        ({"url": "file:///etc/passwd"}, "only http and https"),
        ({"url": "/etc/passwd"}, "only http and https"),
        ({"url": "etc"}, "only http and https"),
        ({"url": "ftp://example.org/x"}, "only http and https"),
        ({"url": "https://me:secret@example.org/"}, "password"),
        ({"url": "https:///x"}, "no host"),
        ({"url": "/etc/hosts\n"}, "not a URL"),
        ({"url": ""}, "only http and https"),
        ({"urls": ["https://example.org/", "http://10.0.0.1/"]}, "10.0.0.1"),
        ({}, "no url"),
        ({"urls": ["https://example.org/"] * 101}, "100"),
        ({"url": "https://example.org/", "limit": 0}, "limit"),
        ({"url": "https://example.org/", "depth": 9}, "depth"),
        ({"url": "https://example.org/", "follow": "all"}, "follow"),
        ({"url": "https://example.org/", "colour": "red"}, "colour"),
        ({"url": "https://\ud800.org/"}, "not a URL"),
        ({"url": "https://example.org/\ud800"}, "not a URL"),
    ],
)  # fmt: skip
def test_invalid_addresses_are_refused_at_once(refusing_house, body, says) -> None:
    content = json.dumps(body).encode()
    headers = {"content-type": "application/json"}
    answer = refusing_house.call("POST", "/v1/sources", 422, content=content, headers=headers)
    assert says in answer.json()["detail"] and "secret" not in answer.text, answer.text
    private = {"127.0.0.1", "::1", "169.254.169.254", "192.168.1.1", "10.0.0.1"}
    code = "private address" if says in private else "source" if says == "no url" else "address"
    invalid = says == "100" or says in body  # a field is not as the route expects it
    assert answer.json()["code"] == ("request" if invalid else code), answer.text
    assert (
        refusing_house.call("GET", "/v1/jobs").json()["jobs"] == [] and not refusing_house.web.asked
    )


def test_failed_address_is_reported_in_item(open_house) -> None:
    body = {"urls": ["https://nowhere.org/", "https://example.org/none"]}
    done = open_house.ended(open_house.call("POST", "/v1/sources", 202, json=body).json())
    assert done["status"] == "failed"
    reasons = {item["place"]: item["reason"] for item in done["items"]}
    assert "no address" in reasons["https://nowhere.org/"]
    assert "404" in reasons["https://example.org/none"]
    problems = {item["place"]: item["problem"] for item in done["items"]}
    assert list(map(problems.get, body["urls"])) == ["unreachable", "not found"]


def test_remarks_on_a_document_that_was_read_have_codes(open_house) -> None:
    job = open_house.upload(("bridges.pptx", slides_of_text_and_picture()))
    (item,) = open_house.ended(job)["items"]
    assert (item["outcome"], item["problem"]) == ("read", "")
    assert item["reason"].startswith("page 2 could not be read: pictures without text")
    assert item["remarks"] == [{"code": "slide of pictures", "pages": "2"}]
    with Client(open_house.url) as client:
        (read,) = client.job(job["id"]).items
    assert read.remarks == (Remark("slide of pictures", "2"),)


# The stream


def test_event_stream_can_be_resumed(open_house) -> None:
    house = open_house
    job = house.upload(("maps.md", MAPS), ("ships.md", SHIPS), ("../x.md", MAPS))
    seen = events(house.url, job)
    assert [name for _, name, _ in seen if name == "item"] == ["item"] * 3
    assert seen[-1][1] == "job" and seen[-1][2]["status"] == "done"
    assert {name for _, name, _ in seen} == {"progress", "item", "job"}
    numbers = [number for number, _, _ in seen]
    assert numbers == sorted(set(numbers))
    whole = house.ended(job)
    assert [data for _, name, data in seen if name == "item"] == whole["items"]
    # From any point on, the stream has the same items and end, with the same numbers.
    durable = [event for event in seen if event[1] != "progress"]
    for cut in numbers[:-1]:
        again = [event for event in events(house.url, job, cut) if event[1] != "progress"]
        assert again == [event for event in durable if event[0] > cut]
    for odd in ("9" * 5000, "-1", "x", "１"):
        headers = {"accept": "text/event-stream", "last-event-id": odd.encode()}
        assert (
            house.call("GET", f"/v1/jobs/{job['id']}", headers=headers).text.count("event: item")
            == 3
        )
    over = {"accept": "text/event-stream", "last-event-id": str(numbers[-1])}
    assert house.call("GET", f"/v1/jobs/{job['id']}", 204, headers=over).content == b""
    assert house.call("GET", "/v1/jobs/nope", 404, headers=over)
    assert house.call("GET", "/v1/jobs", 404, params={"before": "nope"})


def test_disconnected_reader_does_not_affect_job(open_house) -> None:
    house = open_house
    job = house.upload(("rooms.md", many(30)))
    assert len(events(house.url, job, most=1)) == 1
    done = house.ended(job)
    assert done["status"] == "done" and done["progress"]["indexed"] == done["items"][0]["passages"]


# Removal


def test_deleted_source_is_not_found(open_house) -> None:
    house = open_house
    (item,) = house.ended(house.upload(("maps.md", MAPS)))["items"]
    assert any("Kanda" in text for text in house.search("maps in Kanda"))
    assert house.keeps(1)
    gone = house.call("DELETE", f"/v1/sources/{item['source_id']}", 204)
    assert gone.content == b""
    assert not any("Kanda" in text for text in house.search("maps in Kanda"))
    assert house.keeps(set())
    house.settled()
    assert len(house.engine.library.index) == len(house.store.rows())
    assert "nope" in house.call("DELETE", "/v1/sources/nope", 404).text
    house.call("GET", f"/v1/sources/{item['source_id']}/file", 404)
    (again,) = house.ended(house.upload(("maps.md", MAPS)))["items"]
    assert again["outcome"] == "read" and "40,000" in house.ask("How many maps has Kanda?")


def test_file_needed_by_queued_job_survives_source_deletion(open_house) -> None:
    house = open_house
    (item,) = house.ended(house.upload(("maps.md", MAPS)))["items"]
    house.web.hold.clear()
    slow = house.call("POST", "/v1/sources", 202, json={"url": "https://example.org/"}).json()
    waiting = house.upload(("maps.md", MAPS))
    house.call("DELETE", f"/v1/sources/{item['source_id']}", 204)
    house.web.hold.set()
    assert house.ended(slow)["status"] == "failed"
    assert house.ended(waiting)["items"][0]["outcome"] == "read"


# Cancellation, the queue, shutdown


def test_queued_and_running_jobs_can_be_cancelled(open_house) -> None:
    house = open_house
    house.web.hold.clear()
    running = house.call("POST", "/v1/sources", 202, json={"url": "https://example.org/"}).json()
    waiting = house.upload(("maps.md", MAPS))
    while not house.web.asked:
        time.sleep(0.02)
    gone = house.call("DELETE", f"/v1/jobs/{waiting['id']}").json()
    assert gone["status"] == "interrupted" and "before it began" in gone["reason"]
    assert house.keeps(set())
    started = time.monotonic()
    stopped = house.call("DELETE", f"/v1/jobs/{running['id']}").json()
    assert time.monotonic() - started < 3
    assert stopped["status"] == "interrupted" and "cancelled" in stopped["reason"]
    assert events(house.url, stopped)[-1][2]["status"] == "interrupted"
    assert "ended" in house.call("DELETE", f"/v1/jobs/{running['id']}", 409).text
    house.call("DELETE", "/v1/jobs/nope", 404)
    assert house.ended(house.upload(("ships.md", SHIPS)))["status"] == "done"


def test_documents_read_before_cancellation_are_indexed(open_house) -> None:
    house = open_house
    job = house.upload(("rooms.md", many(80)))
    until_indexing(house.url, job)
    assert house.search("Whisper")  # which needs the embedder too
    assert house.call("DELETE", f"/v1/jobs/{job['id']}").json()["status"] == "interrupted"
    house.settled()
    assert any("Reading room" in text for text in house.search("Reading room 7 of the district"))


def test_full_queue_returns_retry_after(open_house) -> None:
    house = open_house
    house.web.hold.clear()
    for _ in range(MAX_QUEUED_JOBS):
        house.call("POST", "/v1/sources", 202, json={"url": "https://example.org/"})
    answer = house.call("POST", "/v1/sources", 503, json={"url": "https://example.org/"})
    assert answer.headers["retry-after"] == "60" and "waiting" in answer.json()["detail"]
    answer = house.call("POST", "/v1/documents", 503, files={"files": ("a.md", MAPS)})
    assert answer.headers["retry-after"] == "60" and house.keeps(set())


@pytest.mark.process
@pytest.mark.server
def test_service_stops_quickly_during_job_and_resumes_it(house) -> None:
    with house.open():
        job = house.upload(("rooms.md", many(90)), ("maps.md", MAPS))
        first = events(house.url, job, most=2)
        until_indexing(house.url, job)
        started = time.monotonic()
    assert time.monotonic() - started < 2
    assert house.runner.table.job(job["id"]).status == "running"
    (house.data / "uploads" / "half.part").write_bytes(b"what was coming in")
    with house.open():
        assert house.call("GET", f"/v1/jobs/{job['id']}").json()["status"] != "failed"
        rest = events(house.url, job, first[-1][0])
        done = house.ended(job)
    assert rest[0][0] > first[-1][0] and rest[-1][1] == "job"
    assert done["status"] == "done"
    # Each document has one item, as it was when the document was read.
    assert sorted(item["outcome"] for item in done["items"]) == ["read", "read"]
    assert "half.part" not in house.kept()
    house.settled()


# Cross-site writes


def test_writes_of_the_page_itself_are_taken(open_house) -> None:
    host = open_house.url.removeprefix("http://")
    for headers in (
        {},
        {"sec-fetch-site": "same-origin", "origin": f"http://{host}"},
        {"sec-fetch-site": "none"},
        {"origin": f"http://{host}"},
    ):
        files = {"files": ("maps.md", MAPS)}
        answer = open_house.call("POST", "/v1/documents", 202, files=files, headers=headers)
        open_house.ended(answer.json())


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site", "origin": "https://evil.example"},
        {"sec-fetch-site": "same-site", "origin": "http://127.0.0.1:1"},
        {"sec-fetch-site": "cross-site", "origin": "http://{host}"},
        {"origin": "https://evil.example"},
        {"origin": "http://127.0.0.1:1"},
        {"origin": "null"},
        {"origin": ""},
    ],
)
def test_cross_site_writes_are_refused(refusing_house, headers) -> None:
    house = refusing_house
    host = house.url.removeprefix("http://")
    headers = {name: value.format(host=host) for name, value in headers.items()}
    files = {"files": ("maps.md", MAPS)}
    house.call("POST", "/v1/documents", 403, files=files, headers=headers)
    house.call("POST", "/v1/sources", 403, json={"url": "https://example.org/"}, headers=headers)
    house.call("DELETE", "/v1/sources/whisper", 403, headers=headers)
    house.call("DELETE", "/v1/jobs/nope", 403, headers=headers)
    assert house.keeps(set()) and house.store.source("whisper")
    assert house.call("GET", "/v1/jobs", headers=headers).json()["jobs"] == []


def host_is_answered(house: House, names: list[str] | None, host: str, status: int) -> None:
    """Ask a service that knows these names of itself by a name, and check the status."""
    app = create_app(house.engine, index_dir=house.index, options=Options(hosts=names))
    with served(app) as url:
        answer = httpx.get(f"{url}/healthz", headers={"host": host}, timeout=60)
    assert answer.status_code == status, answer.text
    if status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8000", 200), ("LOCALHOST", 200), ("127.0.0.1:8000", 200), ("[::1]:8000", 200),
        ("192.168.1.7", 200), ("tenkyo.example:443", 200), ("evil.example", 421), ("", 421),
        ("127.0.0.1.evil.example", 421), ("localhost.evil.example:8000", 421),
    ],
)  # fmt: skip
def test_unknown_host_names_are_refused(refusing_house, host, status) -> None:
    host_is_answered(refusing_house, ["tenkyo.example"], host, status)


def test_allowed_host_names() -> None:
    assert Settings().host_names == []
    assert Settings(hosts="a.example, b.example").host_names == ["a.example", "b.example"]
    assert Settings(hosts="*").host_names is None
    assert Settings(host="0.0.0.0", hosts="a").host_names == ["a"]
    for address in ("0.0.0.0", "::", "192.168.1.7", "fe80::1"):
        assert Settings(host=address, open=True).host_names == []
    assert Settings(host="desk.lan", open=True).host_names == ["desk.lan"]
    public = Settings(host="0.0.0.0", open=True, public_url="https://tenkyo.example:8443/")
    assert public.host_names == ["tenkyo.example"]


@pytest.mark.parametrize(
    ("host", "status"),
    [("evil.example", 421), ("192.168.1.7:8000", 200), ("[fd00::7]:8000", 200), ("localhost", 200)],
)
def test_host_names_are_checked_on_open_servers(refusing_house, host, status) -> None:
    names = Settings(host="0.0.0.0", open=True).host_names
    host_is_answered(refusing_house, names, host, status)


def test_library_is_read_only_without_worker(refusing_house) -> None:
    app = create_app(refusing_house.engine, index_dir=refusing_house.index)
    with served(app) as url, httpx.Client(base_url=url, timeout=60) as client:
        refused = client.post("/v1/documents", files={"files": ("maps.md", MAPS)})
        assert refused.status_code == 404
        assert client.delete("/v1/sources/whisper").status_code == 405


# The job store


def test_job_store(tmp_path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'tenkyo.db'}")
    table = JobStore(store.database)
    assert table.begin() is None
    first = table.add("sources", {"urls": ["https://a/"]})
    for n in range(MAX_QUEUED_JOBS - 1):
        table.add("sources", {"urls": [f"https://{n}/"]})
    with pytest.raises(TooManyJobs):
        table.add("sources", {})
    begun = table.begin()
    assert begun.id == first.id and begun.status == "running"
    table.store_progress(first.id, Progress(documents=1))
    table.add_item(first.id, Item("https://a/", "failed", reason="no"))
    JobStore(store.database).requeue_running()  # as a process does that starts
    assert table.begin().id == first.id
    old = table.items(first.id)[0]
    table.add_item(first.id, Item("https://a/", "fetched", source_id="s"), old)
    assert [item["outcome"] for item in table.items(first.id)] == ["fetched"]
    table.finish(first.id, "done")
    found, ended_ = table.events(first.id, 0)
    assert ended_ and [(e.number, e.name) for e in found] == [
        (1, "progress"),
        (3, "item"),
        (4, "job"),
    ]
    with pytest.raises(JobEnded):
        table.finish(first.id, "failed")
    with pytest.raises(NotFound):
        table.finish("nope", "failed")
    for job in table.unfinished():
        table.finish(job.id, "done")
    oldest = table.jobs(MAX_STORED_JOBS)[-1]
    with store.database.transaction(
        writes=True
    ) as db:  # as many as may be, without a minute's work
        many_jobs = (
            "WITH RECURSIVE n(i) AS (VALUES (100) UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
        )
        columns = "kind, status, created_at, asked, secret, progress, reason, event, progress_event"
        db.exec_driver_sql(
            f"INSERT INTO jobs (number, id, {columns}) {many_jobs} SELECT i, 'j' || i, {columns}"
            " FROM n, jobs WHERE jobs.number = 1", (99 + MAX_STORED_JOBS - MAX_QUEUED_JOBS,),
        )  # fmt: skip
    table.job(oldest.id)
    table.add("sources", {})
    assert len(table.jobs(2 * MAX_STORED_JOBS)) == MAX_STORED_JOBS
    with pytest.raises(NotFound):
        table.job(oldest.id)


# Separate processes


@pytest.fixture
def server(tmp_path, library_folder, models, embedder) -> Iterator[Server]:
    embedder.embed_query("x")  # unpacks it
    server = Server(Path(shutil.copytree(library_folder, tmp_path / "data")), models)
    yield server
    if server.process and server.process.poll() is None:
        server.process.kill()
        server.process.communicate()


def test_killed_server_resumes_its_jobs(server) -> None:
    url = server.start()
    files = [("files", ("rooms.md", many(40))), ("files", ("maps.md", MAPS))]
    job = httpx.post(f"{url}/v1/documents", files=files, timeout=60).json()
    later = httpx.post(f"{url}/v1/documents", files={"files": ("s.md", SHIPS)}, timeout=60).json()
    until_indexing(url, job)
    server.end(signal.SIGKILL)
    url = server.start()  # though the index lacks what the database holds
    done, after = ended(url, job), ended(url, later)
    assert (done["status"], after["status"]) == ("done", "done"), (done, after)
    assert sorted(item["place"] for item in done["items"]) == ["maps.md", "rooms.md"]
    ask = {"question": "How many maps does the Kanda reading room hold?"}
    assert "40,000" in httpx.post(f"{url}/v1/answers", json=ask, timeout=60).json()["text"]


@soak_only
def test_stopped_server_resumes_a_job_that_a_client_follows(server) -> None:
    url = server.start()
    job = httpx.post(
        f"{url}/v1/documents", files={"files": ("more.md", many(40, "charts"))}, timeout=60
    ).json()
    until_indexing(url, job)
    watching = threading.Thread(target=events, args=(url, job))
    watching.start()
    time.sleep(0.3)
    started = time.monotonic()
    complaints = server.end(signal.SIGTERM)
    assert time.monotonic() - started < 4 and "Traceback" not in complaints, complaints
    watching.join(10)
    assert not watching.is_alive()
    url = server.start()
    assert ended(url, job)["status"] == "done"


def test_command_line_ingests_while_server_runs(server, tmp_path) -> None:
    url = server.start()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "charts.md").write_bytes(many(25, "charts"))
    done: list[subprocess.CompletedProcess] = []
    ingest = threading.Thread(
        target=lambda: done.append(server.command("ingest", tmp_path / "mine", "--json"))
    )
    ingest.start()
    jobs = [
        httpx.post(f"{url}/v1/documents", files={"files": file}, timeout=60).json()
        for file in (("rooms.md", many(25)), ("maps.md", MAPS))
    ]
    assert [ended(url, job)["status"] for job in jobs] == ["done", "done"]
    ingest.join()
    assert done[0].returncode == 0, done[0].stderr
    store = Store(f"sqlite:///{server.data / 'tenkyo.db'}")
    assert len(store.sources()) == 14 + 3
    assert read_manifest(server.data / "index")["corpus_revision"] == store.revision()
    found = httpx.get(f"{url}/v1/search", params={"q": "charts of district number 7"}, timeout=60)
    assert "charts" in found.text
    assert read_manifest(server.data / "index")["embedder"] == BUNDLED_EMBEDDER
