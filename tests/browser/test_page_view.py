"""The page of a PDF in the source pane: drawn, with the quote boxed, beside the text view."""

import re
from dataclasses import replace

import httpx
import pytest

from corpus.store.store import Store
from corpus.text.chunking import split_into_passages
from corpus.types import PageSpan
from index.ingestion.report import IngestProgress
from index.ingestion.sync import sync
from index.search import Library
from index.storage.local_index import LiveIndex
from service.conversations.store import History
from service.types import Evidence
from tests.support.browser.axe import violations
from tests.support.browser.driver import expect
from tests.support.browser.looks import looks, named
from tests.support.browser.scripted_answers import Recital, evidence, recited
from tests.support.documents import FULL, column, pdf
from tests.support.library_service import House

WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
QUOTE = "Whales sing below the ice of the northern sea, and the sound of it carries for miles."
LINES = [QUOTE[:46], QUOTE[47:]]
PAGES = [column([FULL] * 20), column([FULL] * 3), column([FULL] * 40 + LINES), column([FULL])]
PLACE = """() => {
  const [image, ...boxes] = [document.querySelector('.page-sheet img'), ...document.querySelectorAll('.page-sheet .fill')];
  const on = image.getBoundingClientRect();
  return boxes.map((box) => { const at = box.getBoundingClientRect(); return [(at.left - on.left) / on.width,
    (at.top - on.top) / on.height, at.width / on.width, at.height / on.height]; });
}"""
ASKED = "performance.getEntriesByType('resource').map((e) => e.name).filter((n) => /pages|boxes/.test(n))"


class Shelf:
    """A service with two PDFs that answers with a quote of the first one, or of the second."""

    def __init__(self, house):
        self.house, self.url = house, house.url
        self.ids = []
        for n, name in enumerate(("whales.pdf", "lost.pdf")):
            data = pdf(PAGES, info=f"/Title (Whales {n})")
            (item,) = house.ended(house.upload((name, data)))["items"]
            self.ids.append(item["source_id"])
        self.text = house.store.document(self.ids[0]).text
        self.start = self.text.index(QUOTE)

    def recite(self, n=0):
        """Answer with the quote; returns the id of its source."""
        store, source_id = self.house.store, self.ids[n]
        passages = split_into_passages(store.document(source_id))
        found = next(each for each in passages if QUOTE in each.text)
        shown = Evidence(1, found, store.source(source_id), 1.0)
        self.house.engine.made = recited([("Whales sing.", shown, QUOTE)], mode="quoted")
        return source_id

    def boxes(self):
        params = {"start": self.start, "end": self.start + len(QUOTE)}
        return httpx.get(f"{self.url}/v1/sources/{self.ids[0]}/boxes", params=params).json()


@pytest.fixture(scope="module")
def shelf(tmp_path_factory, embedder, checker):
    folder = tmp_path_factory.mktemp("shelf") / "data"
    store = Store(f"sqlite:///{folder / 'tenkyo.db'}")
    sync(store, embedder, folder / "index", IngestProgress())
    house = House(folder, embedder, checker)
    library = Library(house.store, LiveIndex(house.index, embedder.name), embedder)
    house.engine = Recital(library, checker, History(house.store.database))
    with house.open():
        yield Shelf(house)


def opened(reader):
    """Ask, open the quote, and return the pane once its page is drawn."""
    reader.ask("Do whales sing?").answered()
    reader.claims.first.locator(".cite").first.click()
    pane = reader.page.locator("#reader")
    expect(pane.locator(".page-sheet .fill")).to_have_count(2)
    return pane


def test_card_names_page_of_quote_and_opens_it(shelf, visit):
    text = "The sea is cold. Whales sing below the ice."
    quote = text[17:]
    pages = (PageSpan(1, 0, 16), PageSpan(2, 17, len(text)))
    shown = evidence(text, passage={"page": 1}, url="https://example.org/a.pdf")
    shelf.house.engine.made = recited([("They sing.", replace(shown, pages=pages), quote)])
    reader = visit(shelf.url, viewport=WIDE).ask("Do whales sing?").answered()
    expect(reader.page.locator("details.part > summary")).to_have_text("p. 2")
    leave = reader.page.get_by_role("link", name="Open the PDF at page 2")
    expect(leave).to_have_attribute("href", "https://example.org/a.pdf#page=2")


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_quote_is_boxed_on_its_page(shelf, visit, size):
    shelf.recite()
    reader = visit(shelf.url, viewport=size)
    pane = opened(reader)
    expect(pane.locator(".page-at")).to_have_text("p. 3 of 4")
    expect(pane.locator(".page-sheet .fill").first).to_be_in_viewport()
    expect(
        pane.get_by_role("img", name=re.compile("Page 3 of 4 of Whales 0.*boxed"))
    ).to_be_visible()
    expect(pane.get_by_role("group", name="The page as printed")).to_be_focused()
    expect(pane.get_by_role("button", name="Page", exact=True)).to_have_attribute("aria-pressed", "true")  # fmt: skip
    expect(pane.locator(".reader-text")).to_be_hidden()
    found, places = shelf.boxes(), reader.page.evaluate(PLACE)
    assert found["page"] == 3 and len(found["boxes"]) == len(places) == 2
    for box, place in zip(found["boxes"], places, strict=True):
        assert place == pytest.approx(
            [box[n] for n in ("left", "top", "width", "height")], abs=0.01
        )
    assert reader.too_wide() == []


def test_neighbouring_pages_are_turned_to_and_loaded_ahead(shelf, visit):
    source_id = shelf.recite()
    reader = visit(shelf.url, viewport=WIDE)
    pane = opened(reader)
    reader.page.wait_for_function(f"() => {ASKED}.some((n) => n.includes('{source_id}/pages/4'))")
    at, back = pane.locator(".page-at"), pane.get_by_role("button", name="Back to the quote")
    expect(back).to_be_disabled()
    pane.get_by_role("button", name="Next page").click()
    expect(at).to_have_text("p. 4 of 4")
    expect(pane.locator(".page-sheet .fill")).to_have_count(0)
    expect(pane.get_by_role("button", name="Next page")).to_be_disabled()
    pane.get_by_role("group", name="The page as printed").focus()
    reader.page.keyboard.press("ArrowRight")  # there is none
    for n in (3, 2, 1):
        reader.page.keyboard.press("ArrowLeft")
        expect(at).to_have_text(f"p. {n} of 4")
    expect(pane.get_by_role("button", name="Previous page")).to_be_disabled()
    back.click()
    expect(at).to_have_text("p. 3 of 4")
    expect(pane.locator(".page-sheet .fill")).to_have_count(2)


@pytest.mark.parametrize("ratio", [1, 2])
def test_zoom_loads_sharper_image_of_bounded_size(shelf, visit, ratio):
    shelf.recite()
    reader = visit(shelf.url, viewport=WIDE, device_scale_factor=ratio)
    pane = opened(reader)
    sizes = "() => { const i = document.querySelector('.page-sheet img'); return [i.naturalWidth, i.clientWidth]; }"  # fmt: skip
    natural, shown = reader.page.evaluate(sizes)
    assert shown * ratio <= natural <= shown * ratio + 400
    closer, farther = (pane.get_by_role("button", name=f"Zoom {way}") for way in ("in", "out"))
    expect(farther).to_be_disabled()
    pane.get_by_role("group", name="The page as printed").focus()
    for key in ("+", "+"):
        reader.page.keyboard.press(key)
    closer.click()
    expect(closer).to_be_disabled()
    wanted = min(3000, shown * 3 * ratio)
    reader.page.wait_for_function(f"() => document.querySelector('.page-sheet img').naturalWidth >= {wanted} - 1")  # fmt: skip
    natural, now = reader.page.evaluate(sizes)
    assert natural <= 3000 and now == pytest.approx(3 * shown, rel=0.02)
    expect(pane.locator(".page-at")).to_have_text("p. 3 of 4")
    expect(pane.get_by_role("group", name="The page as printed")).to_be_focused()
    reader.page.keyboard.press("-")
    expect(closer).to_be_enabled()


def test_text_is_one_choice_away_and_remembered(shelf, visit):
    shelf.recite()
    reader = visit(shelf.url, viewport=WIDE)
    pane = opened(reader)
    pane.get_by_role("button", name="Text", exact=True).click()
    expect(pane.locator("mark.lit")).to_have_text(QUOTE)
    expect(pane.locator("mark.lit")).to_be_in_viewport()
    expect(pane.locator(".page-region")).to_be_hidden()
    reader.start()
    reader.ask("Do whales sing?").answered()
    reader.claims.first.locator(".cite").first.click()
    expect(pane.get_by_role("button", name="Text", exact=True)).to_have_attribute("aria-pressed", "true")  # fmt: skip
    expect(pane.locator("mark.lit")).to_be_visible()
    assert reader.page.evaluate(ASKED) == []  # nothing is drawn that is not looked at
    pane.get_by_role("button", name="Page", exact=True).click()
    expect(pane.locator(".page-sheet .fill")).to_have_count(2)


def test_original_that_is_gone_is_said_in_a_sentence(shelf, visit):
    source_id = shelf.recite(1)
    shelf.house.means.uploads.file(shelf.house.store.source(source_id)).unlink()
    reader = visit(shelf.url, viewport=WIDE)
    reader.ask("Do whales sing?").answered()
    reader.claims.first.locator(".cite").first.click()
    pane = reader.page.locator("#reader")
    expect(pane.locator(".reader-notes")).to_contain_text("Add it again to see them.")
    expect(pane.locator("mark.lit")).to_have_text(QUOTE)
    expect(pane.locator(".page-bar")).to_have_count(0)
    assert reader.page.evaluate(ASKED) == []


@pytest.mark.parametrize(
    ("part", "reply", "says"),
    [
        ("boxes", {"status": 422, "json": {"code": "locked"}}, "password-protected"),
        ("pages/", {"status": 422, "json": {"code": "broken"}}, "cannot be drawn"),
        ("boxes", {"status": 404, "json": {"code": "changed"}}, "has changed since"),
        ("pages/", {"status": 503, "body": "no"}, "could not be loaded"),
    ],
)
def test_page_that_cannot_be_drawn_leaves_text(shelf, visit, part, reply, says):
    shelf.recite()
    reader = visit(shelf.url, viewport=WIDE)
    reader.expected.append("status of")
    reader.page.route(re.compile(f"/v1/sources/[^/]+/{part}"), lambda route: route.fulfill(**reply))
    reader.ask("Do whales sing?").answered()
    reader.claims.first.locator(".cite").first.click()
    pane = reader.page.locator("#reader")
    expect(pane.locator(".reader-notes")).to_contain_text(says)
    expect(pane.locator("mark.lit")).to_be_visible()
    expect(pane.locator(".page-bar")).to_have_count(0)


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        ({"status": 422, "json": {"code": "broken"}}, "cannot be drawn"),
        ({"status": 503, "body": "no"}, "could not be loaded"),
    ],
)
def test_neighbouring_page_that_does_not_come_leaves_the_view(shelf, visit, reply, says):
    shelf.recite()
    reader = visit(shelf.url, viewport=WIDE)
    reader.expected.append("status of")
    reader.page.route(re.compile("/pages/4"), lambda route: route.fulfill(**reply))
    pane = opened(reader)
    pane.get_by_role("button", name="Next page").click()
    failed, sheet = pane.locator(".page-failed"), pane.locator(".page-sheet")
    expect(failed).to_contain_text(says)
    expect(pane.locator(".page-at")).to_have_text("p. 4 of 4")
    expect(sheet).to_be_hidden()  # nobody takes the third page for the fourth
    pane.get_by_role("button", name="Back to the quote").click()
    expect(pane.get_by_role("img", name=re.compile("Page 3 of 4.*boxed"))).to_be_visible()
    expect(pane.locator(".page-sheet .fill")).to_have_count(2)
    expect(failed).to_be_empty()
    pane.get_by_role("button", name="Next page").click()
    expect(failed).to_contain_text(says)
    assert violations(reader) == [] and reader.too_wide() == []
    reader.page.unroute(re.compile("/pages/4"))
    failed.get_by_role("button", name="Try again").click()
    expect(pane.get_by_role("img", name="Page 4 of 4")).to_be_visible()
    expect(failed).to_be_empty()


def test_zoom_that_does_not_come_leaves_the_page_as_it_is(shelf, visit, shots):
    shelf.recite()
    reader = visit(shelf.url, viewport=NARROW, locale="ja-JP")
    reader.expected.append("status of")
    pane = opened(reader)
    reader.page.route(re.compile("/pages/3"), lambda route: route.fulfill(status=503, body="no"))
    pane.get_by_role("button", name="拡大").click()
    failed = pane.locator(".page-failed")
    expect(failed).to_contain_text("この大きさの画像を読み込めませんでした。")
    expect(pane.get_by_role("img", name=re.compile("枠で囲まれて"))).to_be_visible()
    expect(pane.locator(".page-sheet .fill")).to_have_count(2)
    expect(pane.locator(".page-sheet.waiting")).to_have_count(0)
    assert violations(reader) == [] and reader.too_wide() == []
    reader.shot(shots, "page-view-missed-ja-390")
    reader.page.unroute(re.compile("/pages/3"))
    size = "document.querySelector('.page-sheet img').naturalWidth"
    coarse = reader.page.evaluate(size)
    failed.get_by_role("button", name="もう一度試す").click()
    reader.page.wait_for_function(f"() => {size} > {coarse}")
    expect(failed).to_be_empty()
    expect(pane.get_by_role("group", name="ページの画像")).to_be_focused()


def test_page_is_shown_while_quote_is_looked_for(shelf, visit):
    shelf.recite()
    reader = visit(shelf.url, viewport=WIDE)
    held = []
    reader.page.route(re.compile("/boxes"), lambda route: held.append(route))
    reader.ask("Do whales sing?").answered()
    reader.claims.first.locator(".cite").first.click()
    pane = reader.page.locator("#reader")
    expect(pane.get_by_role("img", name="Page 3 of Whales 0")).to_be_visible()
    expect(pane.locator(".page-at")).to_have_text("p. 3")
    expect(pane.locator(".seeking")).to_have_count(1)
    held[0].continue_()
    expect(pane.locator(".page-sheet .fill")).to_have_count(2)
    expect(pane.locator(".page-sheet .fill").first).to_be_in_viewport()
    expect(pane.locator(".page-at")).to_have_text("p. 3 of 4")
    expect(pane.locator(".seeking")).to_have_count(0)


def test_place_that_is_not_known_is_said_quietly(shelf, visit):
    shelf.recite()
    reader = visit(shelf.url, viewport=WIDE)
    found = {"page": 3, "pages": 4, "ratio": 1.33, "boxes": []}
    reader.page.route(re.compile("/boxes"), lambda route: route.fulfill(json=found))
    reader.ask("Do whales sing?").answered()
    reader.claims.first.locator(".cite").first.click()
    pane = reader.page.locator("#reader")
    expect(pane.locator(".reader-notes")).to_contain_text("could not be found on the page")
    expect(pane.get_by_role("img", name="Page 3 of 4")).to_be_visible()
    expect(pane.locator(".page-at")).to_have_text("p. 3 of 4")


@pytest.mark.parametrize(("status", "code"), [(422, "broken"), (503, "")])
def test_page_stays_where_looking_for_the_quote_fails(shelf, visit, status, code):
    """As for a file whose text takes longer to read than a reader process may take."""
    shelf.recite()
    reader = visit(shelf.url, viewport=WIDE)
    reader.expected.append("status of")
    refusal = {"status": status, "json": {"code": code}}
    reader.page.route(re.compile("/boxes"), lambda route: route.fulfill(**refusal))
    reader.ask("Do whales sing?").answered()
    reader.claims.first.locator(".cite").first.click()
    pane = reader.page.locator("#reader")
    expect(pane.locator(".reader-notes")).to_contain_text("could not be found on the page")
    expect(pane.get_by_role("img", name="Page 3 of Whales 0")).to_be_visible()
    expect(pane.locator(".seeking")).to_have_count(0)


@pytest.mark.parametrize("look", looks("en", "light", (1280, 800), (390, 844)), ids=named)
def test_page_view_has_no_accessibility_violations(shelf, visit, shots, look):
    shelf.recite()
    reader = visit(shelf.url, **look)
    opened(reader)
    assert violations(reader) == []
    reader.shot(shots, f"page-view-{named(look)}")
