"""The page with an empty library, and after its first source."""

import pytest

from corpus.store.store import Store
from index.ingestion.report import IngestProgress
from index.ingestion.sync import sync
from tests.support.browser.adding import MAPS, QUESTION, add
from tests.support.browser.axe import violations
from tests.support.browser.driver import expect
from tests.support.library_service import House


@pytest.fixture
def empty(tmp_path, embedder, checker):
    data = tmp_path / "data"
    sync(Store(f"sqlite:///{data / 'tenkyo.db'}"), embedder, data / "index", IngestProgress())
    house = House(data, embedder, checker)
    with house.open():
        yield house


def test_empty_library_is_reported_until_first_source_is_added(empty, visit, shots):
    reader = visit(empty.url, viewport={"width": 360, "height": 740})
    note = reader.page.locator("#empty-note")
    expect(note).to_contain_text("There are no sources yet")
    expect(reader.page.locator(".example").first).to_be_hidden()
    assert not violations(reader)
    reader.shot(shots, "desk-empty")
    note.get_by_role("button", name="Add sources").click()
    expect(reader.page.locator("#library")).to_contain_text("There are no sources yet")
    reader.shot(shots, "desk-empty-adding")
    job = add(reader, ("maps.md", MAPS.encode()))
    expect(job.locator(".job-state")).to_contain_text("Done", timeout=60_000)
    reader.page.keyboard.press("Escape")
    expect(note).to_be_hidden()
    expect(reader.page.locator("#facts")).to_contain_text("1 source")
    reader.ask(QUESTION).answered()
    expect(reader.claims.first).to_contain_text("4,711")
