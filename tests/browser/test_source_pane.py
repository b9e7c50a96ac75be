"""The source pane beside the answer: opened at the quote, in the text that was read."""

import json
import re
from functools import partial

import httpx
import pytest

from corpus.store.store import Store
from corpus.text.chunking import split_into_passages
from corpus.text.sentences import sentences
from corpus.types import Document, PageSpan, Source
from index.ingestion.report import IngestProgress
from index.ingestion.sync import sync
from index.search import Library
from index.storage.local_index import LocalIndex
from service.api.app import create_app
from service.conversations.store import History
from service.types import Evidence
from tests.support.browser.driver import expect
from tests.support.browser.scripted_answers import WHISPER, WHISPER_JA, Trusting, evidence, recited
from tests.support.live_server import served
from tests.support.soak import SOAK

SIZES = [{"width": 1280, "height": 800}, {"width": 360, "height": 740}, {"width": 320, "height": 600}]  # fmt: skip
FACT = "The archive in Kanda holds 4,217 maps of the old city."
FILLER = "Paragraph {} tells of something else: of 🗾 rivers, bridges and the people who drew them."


@pytest.fixture
def visit(visit):
    """Visit the page as most readers see it: what comes and goes on it moves."""
    return partial(visit, reduced_motion="no-preference")


def opened(reader):
    """Wait until the whole text is in the pane, and return the pane."""
    pane = reader.page.locator("#reader")
    expect(pane.locator(".edge")).to_have_count(2)
    return pane


PLACES = [(WHISPER, SIZES[0]), (WHISPER_JA, SIZES[1]), (WHISPER, SIZES[2])]
REST = [(WHISPER_JA, SIZES[0]), (WHISPER, SIZES[1]), (WHISPER_JA, SIZES[2])]


@pytest.mark.parametrize(("question", "size"), PLACES + REST if SOAK else PLACES)
def test_marker_opens_source_at_quote(quoting, visit, question, size):
    reader = visit(quoting, viewport=size).ask(question).answered()
    made = reader.answer()
    marker = reader.claims.last.locator(".cite").first
    marker.click()
    pane = opened(reader)
    citation = made["claims"][-1]["citations"][0]
    expect(pane.locator("mark.lit")).to_have_text(citation["quote"])
    expect(pane.locator("mark.lit")).to_be_in_viewport()
    expect(pane.locator("mark.lit")).to_be_focused()
    source = httpx.get(f"{quoting}/v1/sources/{citation['source_id']}").json()
    expect(reader.page.get_by_role("dialog", name=re.compile(re.escape(source["title"])))).to_be_visible()  # fmt: skip
    shown = pane.locator(".reader-text p").all_text_contents()
    told = " ".join(source["text"].split())
    assert len(shown) > 1 and all(" ".join(p.split()) in told for p in shown)
    expect(pane.locator(".meta").first).to_contain_text("digest")
    expect(pane.locator(".reader-notes")).to_contain_text("our own digest")
    assert pane.locator(".reader-out a").get_attribute("href") == source["url"]
    assert reader.too_wide() == []
    assert reader.page.evaluate("document.querySelector('#reader').matches(':modal')") == (size is not SIZES[0])  # fmt: skip
    reader.page.keyboard.press("Escape")
    expect(pane).to_be_hidden()
    expect(marker).to_be_focused()


def test_quotes_are_stepped_through_one_by_one(reciting, library, visit):
    hits = enumerate(library.search(WHISPER_JA, 3), 1)
    found = [Evidence(label, hit.passage, hit.source, 1.0) for label, hit in hits]
    quotes = [sentences(each.passage.text)[0] for each in found]
    claims = zip(quotes, found, quotes, strict=True)
    reciting.engine.made = recited(list(claims), mode="quoted")
    reader = visit(reciting.url).ask(WHISPER_JA).answered()
    assert len(quotes) > 1
    reader.claims.first.locator(".cite").first.click()
    pane = opened(reader)
    for quote in quotes[1:]:
        pane.get_by_role("button", name="Next").click()
        expect(pane.locator("mark.lit")).to_have_text(quote)
    expect(pane.get_by_role("button", name="Next")).to_be_disabled()
    pane.get_by_role("button", name="Previous").click()
    expect(pane.locator("mark.lit")).to_have_text(quotes[-2])
    expect(reader.turn.locator(".cite.lit")).to_have_count(1)
    pane.get_by_role("button", name="Close").click()
    expect(pane).to_be_hidden()
    expect(reader.turn.locator(".cite.lit")).to_have_count(0)


def test_uncited_passage_can_be_opened(quoting, visit):
    reader = visit(quoting).ask(WHISPER).answered()
    reader.turn.locator(".also > summary").click()
    part = reader.turn.locator(".also .part").first
    label = int(part.get_attribute("data-label"))
    if part.get_attribute("open") is None:  # of several passages of a source, none is open
        part.locator("summary").click()
    part.get_by_role("button", name="Read in the source").click()
    passage = next(e["passage"] for e in reader.answer()["evidence"] if e["label"] == label)
    marked = " ".join(" ".join(opened(reader).locator("mark.lit").all_text_contents()).split())
    assert marked == " ".join(passage["text"].split())


@pytest.fixture(scope="module")
def archive(tmp_path_factory, embedder, checker):
    """A service with one long text read by OCR, its store, and how to change the text."""
    folder = tmp_path_factory.mktemp("archive")
    store = Store(f"sqlite:///{folder / 'tenkyo.db'}")
    source = Source("archive", "https://example.org/a.pdf", "The archive", "web", language="en", licence="CC BY 4.0")  # fmt: skip

    def put(fact):
        filler = [FILLER.format(n) for n in range(3_000)]
        text = "\n\n".join([*filler[:2_000], fact, *filler[2_000:]])
        document = Document(source, text, pages=(PageSpan(7, 0, len(text), ocr=True),))
        at = text.index(fact)
        near = [p for p in split_into_passages(document) if p.start <= at < p.end]
        store.put(document, near)  # embedding all of it would take minutes

    put(FACT)
    sync(store, embedder, folder / "index", IngestProgress())
    library = Library(store, LocalIndex.open(folder / "index", embedder.name), embedder)
    engine = Trusting(library, checker, History(store.database))
    with served(create_app(engine, index_dir=folder / "index")) as url:
        yield url, put


def test_long_text_is_rendered_in_parts_and_former_version_is_marked(archive, visit):
    url, put = archive
    reader = visit(url, viewport=SIZES[0]).ask("How many maps does the archive in Kanda hold?")
    reader.answered()
    reader.claims.first.locator(".cite").first.click()
    pane = opened(reader)
    fact = pane.locator("mark.lit", has_text=FACT)
    expect(fact).to_have_text(FACT)  # 2,000 characters outside the BMP before it
    quote = reader.answer()["claims"][0]["citations"][0]["quote"]
    assert "\n\n".join(pane.locator("mark.lit").all_text_contents()) == quote
    expect(pane.locator(".reader-notes")).to_contain_text("OCR")
    expect(pane.locator(".meta").first).to_contain_text("CC BY 4.0")
    assert pane.locator(".reader-out a").get_attribute("href") == "https://example.org/a.pdf#page=7"
    assert pane.locator(".reader-text p").count() < 150
    text = pane.locator(".reader-text")
    expect(text.locator("p", has_text="Paragraph 1980 tells")).to_be_attached()
    box = fact.bounding_box()
    text.evaluate("el => el.scrollBy(0, -1200)")
    expect(text.locator("p", has_text="Paragraph 1970 tells")).to_be_attached()
    assert abs(fact.bounding_box()["y"] - box["y"] - 1200) < 3  # nothing jumps
    text.evaluate("el => el.scrollTo(0, el.scrollHeight)")
    expect(text.locator("p", has_text="Paragraph 2025 tells")).to_be_attached()
    reader.page.keyboard.press("Escape")
    put(FACT.replace("4,217", "5,000"))
    reader.page.reload()
    made = httpx.get(f"{url}/v1/conversations").json()["conversations"]
    assert made
    reader.expected.append("status of")
    answer = httpx.get(f"{url}/v1/conversations/{made[0]['id']}").json()["answers"][0]
    body = f"event: answer\ndata: {json.dumps(answer)}\n\n"
    reader.page.route("**/v1/answers", lambda r: r.fulfill(content_type="text/event-stream", body=body))  # fmt: skip
    reader.ask(WHISPER).answered()
    reader.claims.first.locator(".cite").first.click()
    pane = opened(reader)
    expect(fact).to_have_text(FACT)
    expect(pane.locator(".reader-notes")).to_contain_text("has changed since")


def test_uploaded_file_can_be_downloaded(reciting, visit):
    shown = evidence(FACT, url="upload:maps.pdf", kind="upload", title="Maps")
    reciting.engine.made = recited([(FACT, shown, FACT)])
    reader = visit(reciting.url).ask(WHISPER).answered()
    reader.expected.append("status of 404")
    reader.claims.locator(".cite").click()
    link = reader.page.locator("#reader .reader-out a")
    assert link.get_attribute("href") == "/v1/sources/s1/file"
    expect(reader.page.locator("#reader .reader-notes")).to_contain_text("no longer in the library")


def test_next_question_closes_source_and_keeps_focus(quoting, visit):
    reader = visit(quoting, viewport=SIZES[0]).ask(WHISPER).answered()
    reader.claims.first.locator(".cite").first.click()
    opened(reader)
    reader.ask(WHISPER_JA)
    expect(reader.page.locator("#reader")).to_be_hidden()
    expect(reader.page.locator("#question")).to_be_focused()
    reader.answered()
