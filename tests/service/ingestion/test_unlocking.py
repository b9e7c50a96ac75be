"""Uploads of encrypted PDFs: the password opens them once, and is kept nowhere."""

from __future__ import annotations

import json
import logging
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from corpus.readers.sandbox import _ReaderProcess
from corpus.store.uploads import Upload
from service.client.sync_client import Client
from tests.support.documents import column, pdf
from tests.support.library_service import MAPS, House

PASSWORD = "kanda-1657-geheim"
TOWER = [
    "The tower of Inubosaki was first lit in 1874.",
    "It is 31 metres high, of 193,000 bricks.",
]
LOCKED = pdf([column(TOWER)], password=PASSWORD)


@pytest.fixture
def house(tmp_path, library_folder, embedder, checker) -> Iterator[House]:
    house = House(Path(shutil.copytree(library_folder, tmp_path / "data")), embedder, checker)
    with house.open():
        yield house


def item_of(house: House, job: dict) -> dict:
    (item,) = house.ended(job)["items"]
    return item


def test_locked_pdf_says_what_it_needs(house) -> None:
    item = item_of(house, house.upload(("tower.pdf", LOCKED)))
    assert (item["outcome"], item["problem"]) == ("failed", "password")
    assert item["reason"] == "tower.pdf is encrypted: send it again with its password"
    unread = house.call("GET", "/v1/sources").json()["unread"]
    (record,) = [each for each in unread if each["place"] == "tower.pdf"]
    assert (record["reason"], record["problem"]) == (item["reason"], "password")
    assert house.keeps(set())  # no source is read from it


def test_client_reads_why_a_file_could_not_be_read(house) -> None:
    job = house.upload(("tower.pdf", LOCKED))
    house.ended(job)
    with Client(house.url) as client:
        (item,) = client.job(job["id"]).items
    assert item.problem == "password"
    schemas = house.call("GET", "/openapi.json").json()["components"]["schemas"]
    assert "wrong password" in schemas["ReadItem"]["properties"]["problem"]["enum"]


def test_password_opens_pdf_once_and_is_kept_nowhere(house, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    job = house.upload(("tower.pdf", LOCKED), password=PASSWORD)
    done = house.ended(job)
    assert [each["outcome"] for each in done["items"]] == ["read"]
    assert "193,000" in house.ask("How many bricks is the tower of Inubosaki of?")
    (folder,) = (house.data / "uploads").iterdir()
    assert (folder / "file").read_bytes() == LOCKED
    assert stat.S_IMODE((folder / "unlocked").stat().st_mode) == 0o600
    # Neither in a reply nor in the log nor in any file of the data folder.
    assert PASSWORD not in json.dumps([job, done]) and PASSWORD not in caplog.text
    for file in house.data.rglob("*"):
        assert not file.is_file() or PASSWORD.encode() not in file.read_bytes(), file


def test_source_is_read_again_without_its_password(house) -> None:
    first = item_of(house, house.upload(("tower.pdf", LOCKED), password=PASSWORD))
    again = item_of(house, house.upload(("tower.pdf", LOCKED)))
    assert (again["outcome"], again["source_id"]) == ("unchanged", first["source_id"])
    file = house.call("GET", f"/v1/sources/{first['source_id']}/file").content
    assert file.startswith(b"%PDF") and b"/Encrypt" not in file
    house.call("DELETE", f"/v1/sources/{first['source_id']}", 204)
    assert house.keeps(set())  # the unlocked copy goes with its source


def test_wrong_password_is_said_and_discards_file(house) -> None:
    job = house.upload(("tower.pdf", LOCKED), ("maps.md", MAPS), password="wrong")
    items = {item["place"]: item for item in house.ended(job)["items"]}
    assert items["maps.md"]["outcome"] == "read"
    item = items["tower.pdf"]
    assert (item["outcome"], item["problem"]) == ("failed", "wrong password")
    assert item["reason"] == "the password does not open tower.pdf: send the file with another"
    assert house.keeps(1)
    # One that is already in the library stays as it is, for its readers have its text.
    read = item_of(house, house.upload(("tower.pdf", LOCKED), password=PASSWORD))
    assert item_of(house, house.upload(("tower.pdf", LOCKED), password="wrong"))["problem"]
    assert house.call("GET", f"/v1/sources/{read['source_id']}/file").content


def test_file_that_is_discarded_and_whose_request_fails_is_counted_once(house) -> None:
    """Discarded twice, the same file would not be kept for the next job that is to read it."""
    house.upload(("tower.pdf", LOCKED), password="wrong", collection="x" * 1000, status=422)
    uploads = house.means.uploads
    with uploads.receive() as incoming:
        incoming.write(LOCKED)
        upload = Upload("tower.pdf", incoming.keep())
    uploads.forget(upload.url)
    assert uploads.read(upload) == LOCKED  # it is still to be read


def test_password_leaves_other_files_as_they_are(house) -> None:
    open_pdf, damaged = pdf([column(["The bridge has 1,874 planks."])]), LOCKED[: len(LOCKED) // 3]
    files = (("bridge.pdf", open_pdf), ("half.pdf", damaged), ("maps.md", MAPS))
    items = {i["place"]: i for i in house.ended(house.upload(*files, password=PASSWORD))["items"]}
    assert [items[name]["outcome"] for name, _ in files] == ["read", "failed", "read"]
    assert "damaged" in items["half.pdf"]["reason"]
    assert not list((house.data / "uploads").glob("*/unlocked"))


def test_password_reaches_reader_process_by_pipe_alone(house, monkeypatch) -> None:
    started: list[list[str]] = []
    made = _ReaderProcess.__init__

    def noted(self: _ReaderProcess, memory: int) -> None:
        made(self, memory)
        process = Path(f"/proc/{self.process.pid}")
        started.append([(process / part).read_text() for part in ("cmdline", "environ")])

    monkeypatch.setattr(_ReaderProcess, "__init__", noted)
    item_of(house, house.upload(("tower.pdf", LOCKED), password=PASSWORD))
    assert started and not any(PASSWORD in text for texts in started for text in texts)
