"""The start page: what it says in one glance, and that all of it is there with the first paint."""

from __future__ import annotations

import re

import httpx
import pytest

from service.api.app import create_app
from service.conversations.store import History
from tests.support.browser.adding import MAPS, add
from tests.support.browser.driver import expect
from tests.support.browser.scripted_answers import Trusting
from tests.support.live_server import served
from tests.support.scripted_model import Script


def test_all_of_it_is_there_before_anything_is_asked_for(quoting, visit):
    for language in ("en", "ja"):  # they are found by now, as in a service that has run a while
        httpx.get(f"{quoting}/v1/examples?language={language}", timeout=120)
    reader = visit(quoting, start=False)
    asked = []
    reader.page.on("request", lambda request: asked.append(request.url))
    reader.start()
    facts = reader.page.locator("#facts")
    expect(facts.locator("h2").first).to_have_text(re.compile(r"14 sources, \d+ passages"))
    expect(facts.locator(".newest li")).to_have_count(4)
    expect(facts.locator("#model-name")).to_have_text("No language model connected")
    expect(reader.page.locator(".example")).to_have_count(3)
    reader.page.wait_for_load_state("networkidle")
    assert not [url for url in asked if "/v1/" in url or "/page/" in url or "readyz" in url], asked


def test_three_next_things_are_offered(house, visit):
    reader = visit(house.url)
    expect(reader.page.get_by_label("Your question")).to_be_focused()
    page = reader.page
    page.get_by_role("button", name="Add sources").click()
    expect(page.locator("#library .adding")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="All 14").click()
    expect(page.locator("#library li")).to_have_count(14)
    job = add(reader, ("maps.md", MAPS.encode()))
    expect(job.locator(".job-state")).to_contain_text("Done", timeout=60_000)
    page.keyboard.press("Escape")
    expect(page.locator(".newest li").first).to_have_text("Maps of Kanda")  # the newest comes first
    page.get_by_role("button", name="Connect a model").click()
    expect(page.locator("#model")).to_contain_text(
        "TENKYO_LLM_URL"
    )  # this service's stays as it is


def test_model_is_named_without_its_path(library, library_folder, checker, visit):
    model = Script("x")
    model.name = "/srv/models/big-7b.gguf"
    engine = Trusting(library, checker, History(library.store.database), model)
    with served(create_app(engine, index_dir=library_folder / "index")) as url:
        reader = visit(url)
        expect(reader.page.locator("#model-name")).to_have_text("Model: big-7b")
        expect(reader.page.get_by_label("Model for the answer")).to_have_value("big-7b")
        assert "/srv" not in reader.page.content()
        reader.page.locator("#language").click()
        expect(reader.page.locator("#model-name")).to_have_text("モデル：big-7b")


def test_one_source_and_one_passage_are_counted_in_the_singular(quoting, visit):
    reader = visit(quoting, start=False)

    def with_one(route):
        said = route.fetch()
        text = re.sub(r'"(sources|passages)": \d+', r'"\1": 1', said.text())
        route.fulfill(response=said, body=text)

    reader.page.route(f"{quoting}/", with_one)
    reader.start()
    expect(reader.page.locator("#facts h2").first).to_have_text("1 source, 1 passage")


@pytest.mark.parametrize("width", [1400, 390])
def test_examples_that_come_late_push_nothing_down(quoting, visit, width):
    reader = visit(quoting, start=False, viewport={"width": width, "height": 900})

    def without(route):
        said = route.fetch()
        text = re.sub(r'"examples": \{.*?\}', '"examples": {}', said.text())
        route.fulfill(response=said, body=text)

    reader.page.route(f"{quoting}/", without)
    reader.start()
    above = reader.page.locator("#facts").bounding_box()
    expect(reader.page.locator(".example").first).to_be_visible()
    assert reader.page.locator("#facts").bounding_box() == above
