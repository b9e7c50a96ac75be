"""Tests of the routes that show pages of PDFs, with uploads, fetched papers and local files."""

from __future__ import annotations

import asyncio
import io
from dataclasses import replace
from pathlib import Path

import PIL.Image
import pytest

from corpus.errors import NotFound
from corpus.readers.page_reader import PageReader
from corpus.store.store import Store
from corpus.text.chunking import split_into_passages
from index.ingestion.ingest import Ingestion
from index.ingestion.report import IngestProgress
from index.ingestion.sync import sync
from tests.support.documents import FULL, column, pdf
from tests.support.library_service import MAPS, House
from tests.support.paths import SHARED

pytestmark = [pytest.mark.process, pytest.mark.server]

FACT = "Whales sing below the ice of the northern sea in March."
PDF = pdf([column([FULL] * 4), column([FACT, FULL])])


@pytest.fixture(scope="module")
def house(tmp_path_factory, embedder, checker):
    folder = tmp_path_factory.mktemp("pages") / "data"
    sync(Store(f"sqlite:///{folder / 'tenkyo.db'}"), embedder, folder / "index", IngestProgress())
    house = House(folder, embedder, checker)
    with house.open():
        yield house


def upload(house: House, name: str, data: bytes, **fields: str) -> str:
    (item,) = house.ended(house.upload((name, data), **fields))["items"]
    assert item["outcome"] == "read", item
    return item["source_id"]


@pytest.fixture(scope="module")
def whales(house) -> str:
    return upload(house, "whales.pdf", PDF)


def span(house: House, source_id: str, words: str = FACT, **more: str) -> dict:
    text = house.store.document(source_id, more.get("version", "")).text
    start = text.index(words)
    return {"start": start, "end": start + len(words), **more}


def refused(house: House, path: str, status: int, code: str = "", **params) -> str:
    problem = house.call("GET", path, status, params=params).json()
    assert problem["code"] == (code or {404: "not_here", 422: "request"}[status]), problem
    assert str(house.data) not in str(problem)
    return problem["detail"]


def test_page_comes_as_image_that_browser_may_keep(house, whales) -> None:
    path = f"/v1/sources/{whales}/pages/2"
    reply = house.call("GET", path, params={"width": 600})
    assert reply.headers["content-type"] == "image/webp"
    assert PIL.Image.open(io.BytesIO(reply.content)).size == (600, 800)
    assert reply.headers["cache-control"] == "private, no-cache"
    tag = reply.headers["etag"]
    same = house.call("GET", path, 304, params={"width": 600}, headers={"If-None-Match": tag})
    assert not same.content and same.headers["etag"] == tag
    other = house.call("GET", path, params={"width": 800}, headers={"If-None-Match": tag})
    assert other.content and other.headers["etag"] != tag
    rounded = house.call("GET", path, params={"width": 601})
    assert rounded.content == other.content  # widths in steps, so that images can be used again


def test_span_has_boxes_and_number_of_pages(house, whales) -> None:
    found = house.call("GET", f"/v1/sources/{whales}/boxes", params=span(house, whales)).json()
    assert (found["page"], found["pages"]) == (2, 2)
    assert found["ratio"] == pytest.approx(4 / 3)
    (box,) = found["boxes"]
    assert box["page"] == 2 and 0.09 < box["left"] < 0.11 and 0.1 < box["top"] < 0.13
    assert 0.3 < box["width"] < 0.6 and 0 < box["height"] < 0.02


def test_passage_says_whether_its_page_can_be_seen(house, whales) -> None:
    def said(source_id: str) -> str:
        text = house.store.document(source_id).text
        found = house.call("GET", "/v1/search", params={"q": text[:200], "k": 5, "source_id": source_id})  # fmt: skip
        passage = found.json()["hits"][0]["passage"]["id"]
        return house.call("GET", f"/v1/passages/{passage}").json()["page_image"]

    assert said(whales) == "yes"
    assert said(upload(house, "maps.md", MAPS)) == "no"


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ({"start": 5, "end": 5}, 422, "offsets of the text"),
        ({"start": 0, "end": 10**9}, 422, "offsets of the text"),
        ({"start": -1, "end": 5}, 422, "start"),
        ({"start": "x", "end": 5}, 422, "start"),
        ({"start": 0}, 422, "end"),
        ({"start": 0, "end": 5, "version": "f" * 64}, 404, "no version"),
    ],
)
def test_span_that_is_none_is_refused(house, whales, query: dict, status: int, says: str) -> None:
    assert says in refused(house, f"/v1/sources/{whales}/boxes", status, **query)


def test_page_that_is_none_is_refused(house, whales) -> None:
    assert "no page 3" in refused(house, f"/v1/sources/{whales}/pages/3", 404, "beyond")
    for number in ("0", "-1", "1e9", "x"):
        refused(house, f"/v1/sources/{whales}/pages/{number}", 422)
    for width in (0, 99, 3001, "x"):
        refused(house, f"/v1/sources/{whales}/pages/1", 422, width=width)
    assert "no source" in refused(house, "/v1/sources/nothing/pages/1", 404)


def test_source_that_is_no_pdf_has_no_pages(house) -> None:
    maps = upload(house, "more.md", MAPS + b" And globes.")
    for path in ("pages/1", "boxes"):
        query = {"start": 0, "end": 5} if path == "boxes" else {}
        says = refused(house, f"/v1/sources/{maps}/{path}", 404, "no_pages", **query)
        assert "read its text instead" in says


def test_upload_whose_file_is_gone_says_so(house) -> None:
    lost = upload(house, "lost.pdf", pdf([column(["This file will be lost.", FULL])]))
    source = house.store.source(lost)
    house.means.uploads.file(source).unlink()
    for path in ("pages/1", "boxes"):
        query = {"start": 0, "end": 5} if path == "boxes" else {}
        says = refused(house, f"/v1/sources/{lost}/{path}", 404, "gone", **query)
        assert "add it again" in says


@pytest.mark.shared
def test_page_of_encrypted_upload_is_drawn_without_its_password(house) -> None:
    """It is drawn from the copy that was unlocked when the file arrived."""
    path = SHARED / "pdfs/password-example.pdf"
    if not path.exists():
        pytest.skip("there is no ../shared/pdfs")
    locked = upload(house, "locked.pdf", path.read_bytes(), password="test")
    assert house.call("GET", f"/v1/sources/{locked}/pages/1").content[:4] == b"RIFF"
    assert house.call("GET", f"/v1/sources/{locked}/boxes", params={"start": 0, "end": 5}).json()[
        "boxes"
    ]


def test_fetched_pdf_is_kept_until_its_source_goes(house) -> None:
    place = "https://example.org/ice.pdf"
    house.web.pages["example.org/ice.pdf"] = ("application/pdf", PDF + b"\n%")
    job = house.call("POST", "/v1/sources", 202, json={"urls": [place]}).json()
    (item,) = house.ended(job)["items"]
    ice = item["source_id"]
    assert house.call("GET", f"/v1/sources/{ice}/pages/2").content[:4] == b"RIFF"
    assert house.call("GET", f"/v1/sources/{ice}/boxes", params=span(house, ice)).json()["boxes"]

    changed = pdf([column([FULL] * 4), column([FACT.replace("March", "April"), FULL])])
    house.web.pages["example.org/ice.pdf"] = ("application/pdf", changed)
    before = house.store.source(ice).version
    house.ended(house.call("POST", "/v1/sources", 202, json={"urls": [place]}).json())
    former = span(house, ice, version=before)  # the file of the former text is kept, too
    found = house.call("GET", f"/v1/sources/{ice}/boxes", params=former).json()
    now = span(house, ice, FACT.replace("March", "April"))
    assert (
        found["boxes"] != house.call("GET", f"/v1/sources/{ice}/boxes", params=now).json()["boxes"]
    )

    house.means.originals.forget(ice)
    refused(house, f"/v1/sources/{ice}/pages/2", 404, "gone")
    house.ended(house.call("POST", "/v1/sources", 202, json={"urls": [place]}).json())  # unchanged
    assert house.call("GET", f"/v1/sources/{ice}/pages/2").content
    refused(house, f"/v1/sources/{ice}/pages/2", 404, "gone", version=before)

    assert list((house.data / "originals").glob("*/*"))
    house.call("DELETE", f"/v1/sources/{ice}", 204)
    assert not list((house.data / "originals").glob("*/*"))
    refused(house, f"/v1/sources/{ice}/pages/2", 404)


def test_local_file_is_shown_only_while_it_is_unchanged(house, tmp_path: Path) -> None:
    path = tmp_path / "local.pdf"
    path.write_bytes(pdf([column(["A local file.", FULL])]))

    async def ingest() -> str:
        with Ingestion(house.store) as ingestion:
            async with house.means.fetcher() as fetcher:
                (item,) = await ingestion.places([str(path)], fetcher)
        return item.source_id

    local = asyncio.run(ingest())
    page = f"/v1/sources/{local}/pages/1"
    assert house.call("GET", page).content[:4] == b"RIFF"
    query = span(house, local, "A local file.")
    assert house.call("GET", f"/v1/sources/{local}/boxes", params=query).json()["boxes"]
    path.write_bytes(pdf([column(["Something private.", FULL])]))
    assert "has changed" in refused(house, page, 404, "changed")
    refused(house, f"/v1/sources/{local}/boxes", 404, "changed", **query)
    path.unlink()
    refused(house, page, 404, "gone")
    house.store.delete(local)
    with pytest.raises(NotFound):
        house.store.source(local)


def test_text_of_another_reading_has_page_without_boxes(house) -> None:
    """As after an upgrade that reads PDFs otherwise: the page is right, and no box is wrong."""
    known = upload(house, "reading.pdf", pdf([column(["A text of another reading.", FULL])]))
    document = house.store.document(known)
    house.store.put(replace(document, text=document.text.replace("another", "anothur")), [])
    found = house.call("GET", f"/v1/sources/{known}/boxes", params={"start": 0, "end": 5}).json()
    assert (found["page"], found["pages"], found["boxes"]) == (1, 1, [])
    assert house.call("GET", f"/v1/sources/{known}/pages/1").content


def test_scan_has_pages_at_once_and_is_not_read_by_ocr_again(house, monkeypatch) -> None:
    """OCR of a file may take 80 seconds, and does not say where on a page the words are."""
    known = upload(house, "scan.pdf", pdf([column(["As if it had been scanned.", FULL])]))
    document = house.store.document(known)
    by_ocr = tuple(replace(page, ocr=True) for page in document.pages)
    house.store.put(replace(document, pages=by_ocr), split_into_passages(document))
    monkeypatch.setattr(PageReader, "locate", lambda *_: pytest.fail("it is read again"))
    found = house.call("GET", f"/v1/sources/{known}/boxes", params={"start": 0, "end": 5}).json()
    assert (found["page"], found["pages"], found["boxes"]) == (1, 1, [])
    assert found["ratio"] == pytest.approx(4 / 3)
