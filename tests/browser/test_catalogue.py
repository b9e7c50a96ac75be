"""Answers from the catalogue on the page, and what an answer without a model says before it."""

from dataclasses import replace

import httpx
import pytest

from service.catalogue.replies import CatalogueReply, describe, list_works
from service.catalogue.requests import ListingRequest
from service.catalogue.snapshot import read_catalogue
from service.types import Answer, Decision, Rejected, Verdict, append_claim, to_json
from service.verification.methods import METADATA
from tests.support.browser.axe import violations
from tests.support.browser.driver import expect
from tests.support.browser.looks import looks, named
from tests.support.browser.scripted_answers import WHISPER, evidence, recited

WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 800}
SIZES = (1280, 800), (390, 800)
WORDS = {
    "en-GB": ("From the catalogue", "authors: ", "Show the source", "repeats what is recorded"),
    "ja-JP": ("書誌情報", "著者：", "出典を表示", "登録された項目"),
}  # fmt: skip
TABLE = "Model | HotpotQA\nReAct | 35.1"
LISTED = "It has three parts:\n- a retriever\n- a reader"


def from_catalogue(reply: CatalogueReply, **more) -> Answer:
    """Make the answer that the engine makes of a reply."""
    text, claims = "", []
    for claim in reply.claims:
        text, placed = append_claim(text, claim)
        claims.append(replace(placed, answers=Decision(True, 1.0, METADATA)))
    given = {"id": "recited", "conversation_id": "c", "question": "Who wrote it?"} | more
    return Answer(
        **given, text=text, mode="metadata", model="", claims=tuple(claims),
        evidence=reply.evidence, reason=reply.reason or None,
    )  # fmt: skip


def authors_of(store, language="en"):
    """Return the reply on the authors of a paper of a library, and its source."""
    catalogue = read_catalogue(store)
    source = next(s for s in catalogue.sources if len(s.authors) > 3)
    reply = describe(store, catalogue, [source], ["authors"], language)
    (card,) = reply.evidence
    paper = replace(card, source=replace(source, kind="paper"))  # a digest is linked to nowhere
    return replace(reply, evidence=(paper,)), source


def ten_works(store, language="en"):
    catalogue = read_catalogue(store)
    return list_works(catalogue, ListingRequest(newest=True), language, lambda _: [])


@pytest.mark.parametrize("look", looks("en", "dark", *SIZES), ids=named)
def test_marker_of_the_catalogue_leads_to_its_card(reciting, library, visit, look):
    """To the field and its value, of which nothing is sought in the text of the source."""
    language = look["locale"]
    reply, source = authors_of(library.store, language[:2])
    reciting.engine.made = from_catalogue(reply)
    reader = visit(reciting.url, **look)
    asked = []
    reader.page.on("request", lambda request: asked.append(request.url))
    reader.ask(WHISPER).answered()
    kind, authors, to_card, method = WORDS[language]
    card, marker = reader.turn.locator(".card"), reader.claims.locator(".cite")
    expect(card.locator(".part summary")).to_have_text(kind)
    expect(card.locator(".field")).to_have_text(f"{authors}{', '.join(source.authors)}")
    expect(card.locator("mark, blockquote")).to_have_count(0)
    marker.click()
    expect(card).to_be_focused()
    expect(card).to_be_in_viewport()
    expect(card).to_have_class("card cited lit")
    expect(reader.page.locator("#reader")).to_be_hidden()
    card.locator(".back button").click()
    expect(marker).to_be_focused()
    expect(card).not_to_have_class("card cited lit")

    expect(reader.turn.locator(".badge")).to_contain_text(kind)
    reader.turn.locator(".fine summary").click()
    why = reader.turn.locator(".checks dl")
    expect(why).to_contain_text(f"{kind} [1]")
    expect(why.locator(".field")).to_contain_text(source.authors[0])
    expect(why).to_contain_text(method)
    expect(why.locator("blockquote")).to_have_count(0)
    assert why.get_by_text("1.00").count() == 0  # it is no matter of probability
    why.get_by_role("button", name=to_card).click()
    expect(card).to_be_focused()
    assert reader.too_wide() == []
    assert not [url for url in asked if "/v1/passages/" in url]
    links = [link.get_attribute("href") for link in reader.turn.locator("a").all()]
    assert not [href for href in links if ":~:text=" in href]


def test_marker_of_the_catalogue_by_keyboard(reciting, library, visit):
    reply, source = authors_of(library.store)
    reciting.engine.made = from_catalogue(reply)
    reader = visit(reciting.url, viewport=WIDE).ask(WHISPER).answered()
    marker, tip = reader.claims.locator(".cite"), reader.page.get_by_role("tooltip")
    reader.turn.get_by_role("button", name="Edit").focus()
    reader.page.keyboard.press("Tab")
    expect(marker).to_be_focused()
    expect(tip).to_contain_text("From the catalogue")
    expect(tip.locator(".field")).to_contain_text(f"authors: {source.authors[0]}")
    expect(tip.locator("mark")).to_have_count(0)
    reader.page.keyboard.press("Enter")
    card = reader.turn.locator(".card")
    expect(card).to_be_focused()
    expect(tip).to_be_hidden()
    assert card.evaluate("el => getComputedStyle(el).outlineStyle") != "none"


def test_source_of_a_catalogue_card_is_opened_with_nothing_marked(reciting, library, visit):
    reply, source = authors_of(library.store)
    reciting.engine.made = from_catalogue(reply)
    reader = visit(reciting.url, viewport=WIDE).ask(WHISPER).answered()
    button = reader.turn.locator(".card").get_by_role("button", name="Read in the source")
    button.click()
    pane = reader.page.locator("#reader")
    expect(pane.locator(".edge")).to_have_count(2)
    expect(pane.locator(".reader-notes .fields")).to_contain_text("From the catalogue")
    expect(pane.locator(".reader-notes .field")).to_contain_text(f"authors: {source.authors[0]}")
    expect(pane.locator(".reader-at")).to_be_empty()
    colours = pane.locator("mark").evaluate_all(
        "all => all.map((el) => getComputedStyle(el).backgroundColor)"
    )
    assert set(colours) == {"rgba(0, 0, 0, 0)"}
    assert ":~:text=" not in pane.locator(".reader-out a").get_attribute("href")
    reader.claims.locator(".cite").click()  # the card lies under the pane
    expect(pane).to_be_hidden()
    expect(reader.turn.locator(".card")).to_be_focused()
    reciting.engine.made = recited([("It has maps.", evidence("It has maps."), "It has maps.")])
    reader.expected.append("status of 404")  # the passage is in no library
    reader.ask(WHISPER).answered()
    reader.claims.locator(".cite").click()
    colour = pane.locator("mark.lit").evaluate("el => getComputedStyle(el).backgroundColor")
    assert colour not in colours  # a quote is marked again


@pytest.mark.parametrize("look", looks("ja", "dark", *SIZES), ids=named)
def test_ten_documents_are_listed(reciting, library, visit, look, shots):
    language = look["locale"]
    reply = ten_works(library.store, language[:2])
    reciting.engine.made = from_catalogue(reply)
    reader = visit(reciting.url, **look, reduced_motion="reduce").ask(WHISPER).answered()
    expect(reader.claims).to_have_count(10)
    expect(reader.turn.locator(".side > .cards .card.cited")).to_have_count(10)
    for number, shown in enumerate(reply.evidence):
        fields = reader.turn.locator(".card").nth(number).locator(".field").all_text_contents()
        assert any(shown.source.title in field for field in fields)
        assert len(fields) == len(reply.claims[number].citations)
    expect(reader.turn.locator(".lead")).to_have_text(reply.reason)
    expect(reader.turn.locator(".flag")).to_have_count(0)  # it is said once, below
    tops = [reader.turn.locator(at).first.bounding_box()["y"] for at in (".lead", ".claims", ".badge")]  # fmt: skip
    assert tops == sorted(tops)
    assert reader.too_wide() == [] and violations(reader) == []
    reader.shot(shots, f"list-{named(look)}", whole=True)


def test_catalogue_in_history_and_in_a_shared_conversation(house, visit):
    reply, source = authors_of(house.store)
    stored = to_json(from_catalogue(reply, id="listed", conversation_id="catalogue"))
    house.engine.history.save_answer("listed", "catalogue", stored, begins=True)
    link = house.call("POST", "/v1/conversations/catalogue/share", 201, json={}).json()["url"]
    for path in ("/?c=catalogue", f"/shared/{link.rpartition('/')[2]}"):
        reader = visit(house.url, path, start=False, viewport=WIDE)
        expect(reader.claims).to_have_count(1)
        for field in (f"authors: {source.authors[0]}", f"著者：{source.authors[0]}"):
            card = reader.turn.locator(".card")
            expect(card.locator(".field")).to_contain_text(field)
            reader.claims.locator(".cite").click()
            expect(card).to_be_focused()
            expect(reader.page.locator("#reader")).to_be_hidden()
            reader.page.locator("#language").click()
        assert "[^1]" in httpx.get(f"{house.url}/v1/answers/listed/export?format=markdown").text


def test_copy_says_what_is_from_the_catalogue(reciting, library, visit):
    """As the page makes it where the server has no such answer."""
    reply = ten_works(library.store)
    reciting.engine.made = from_catalogue(reply)
    reader = visit(reciting.url, permissions=["clipboard-read", "clipboard-write"]).ask(WHISPER)
    reader.expected.append("status of 404")
    reader.answered().turn.get_by_role("button", name="Copy with sources").click()
    expect(reader.page.locator("#announcer")).to_contain_text("Copied")
    copied = reader.page.evaluate("navigator.clipboard.readText()").splitlines()
    assert reply.reason in copied
    assert f"{reply.claims[0].text} [1] (from the catalogue)" in copied


def test_field_that_the_page_does_not_know_is_shown_as_it_is(reciting, library, visit):
    made = from_catalogue(authors_of(library.store)[0])
    (claim,) = made.claims
    tomorrow = replace(claim.citations[0], metadata="funding", quote="<b>Kanda</b> " * 90)
    reciting.engine.made = replace(made, claims=(replace(claim, citations=(tomorrow,)),))
    reader = visit(reciting.url, viewport=PHONE).ask(WHISPER).answered()
    field = reader.turn.locator(".card .field")
    expect(field).to_contain_text("funding: <b>Kanda</b>")
    assert len(field.text_content()) < 700  # the card is no place for all of it
    assert reader.too_wide() == [] and field.locator("b").count() == 0


def test_quotes_and_fields_of_a_source_share_its_card(reciting, visit):
    shown = evidence("It holds 4,217 maps.", title="The archive", authors=("Ada Berg",))
    made = recited([("It holds 4,217 maps.", shown, "4,217 maps"), ("Ada Berg wrote it.", shown, "maps")])  # fmt: skip
    told = replace(made.claims[1].citations[0], metadata="authors", quote="Ada Berg", start=0, end=0)  # fmt: skip
    reciting.engine.made = replace(
        made, claims=(made.claims[0], replace(made.claims[1], citations=(told,)))
    )
    reader = visit(reciting.url).ask(WHISPER).answered()
    card = reader.turn.locator(".card")
    expect(card.locator("mark")).to_have_text("4,217 maps")
    expect(card.locator(".fields")).to_contain_text("From the catalogue")
    expect(card.locator(".field")).to_have_text("authors: Ada Berg")
    expect(card.locator(".back button")).to_have_text(["sentence 1", "sentence 2"])
    expect(card.get_by_role("link", name="Open the source at this quote")).to_have_count(1)
    reader.expected.append("status of 404")  # the passage is in no library
    card.get_by_role("button", name="Read in the source").click()
    expect(reader.page.locator("#reader mark.lit")).to_have_text("4,217 maps")
    expect(reader.page.locator("#reader .reader-at")).to_have_text("Quote for sentence 1")


REMARKS = [
    ("quoted", "Without a language model: the first sentences of ReAct, word for word."),
    ("quoted", "これは質問の一部だけへの答えです。「いつ」に答える資料はありません。"),
    ("generated", "This answers only part of the question; no source answers “When?”."),
]


@pytest.mark.parametrize("look", looks("en", "light", *SIZES), ids=named)
def test_what_an_answer_is_or_lacks_is_said_plainly(reciting, visit, look):
    """Before quotes; below what a model wrote; never as a failure."""
    shown = evidence("It is in Kanda. It was built in 1890.")
    quotes = ("It is in Kanda.", "It was built in 1890.")
    answers = (Decision(True, 0.9, "reader"), Decision(False, 0.1, "reader"))
    reader = visit(reciting.url, **look)
    for mode, reason in REMARKS:
        made = recited([(quote, shown, quote) for quote in quotes], mode=mode, reason=reason)
        claims = zip(made.claims, answers, strict=True)
        reciting.engine.made = replace(made, claims=tuple(replace(c, answers=a) for c, a in claims))
        reader.ask(WHISPER).answered()
        remark = reader.turn.get_by_text(reason)
        expect(remark).to_have_count(1)
        expect(reader.turn.locator(".note.remark")).to_have_text(reason)
        expect(reader.turn.locator(".note")).to_have_count(1)
        above = remark.bounding_box()["y"] < reader.claims.first.bounding_box()["y"]
        assert above is (mode == "quoted")
        expect(reader.turn.locator(".badge")).to_have_count(int(mode == "quoted"))
        expect(reader.turn.locator(".sum .sign.ticked")).to_have_count(1)  # of one sentence of two
        expect(reader.turn.locator(".claim.context")).to_have_count(1)
        expect(reader.page.locator("#announcer")).to_contain_text(reason)
        assert reader.too_wide() == []
    reader.page.locator("#language").click()
    for _, reason in REMARKS:
        expect(reader.page.locator(".turn").get_by_text(reason)).to_have_count(1)


def test_remark_on_an_answer_without_sentences_is_said_once(reciting, visit):
    made = recited([], reason="The language model wrote too much and was stopped here.")
    held = Rejected("It is far.", "No source supports it.", Verdict("unsupported", 0.9, "rules"))
    reciting.engine.made = replace(made, rejected=(held,))
    reader = visit(reciting.url).ask(WHISPER).answered()
    expect(reader.turn.get_by_text(made.reason)).to_have_count(1)


QUOTES = [
    (TABLE, TABLE.split("\n"), "#:~:text=Model,35.1"),
    (LISTED, LISTED.split("\n"), "#:~:text=It%20has%20three%20parts%3A,a%20reader"),
    ("It was read\nby many.", ["It was read by many."], "#:~:text=It%20was%20read%20by%20many."),
    ("One.\n\n\n\nTwo.", ["One.", "Two."], "#:~:text=One.,Two."),
]


def test_lines_of_a_quote_are_kept(reciting, visit):
    """Those of tables and lists, one below the other; and a link out names first and last words."""
    reader = visit(reciting.url, viewport=PHONE)
    for text, lines, link in QUOTES:
        shown = evidence(f"Before. {text} After.")
        made = recited([(text, shown, text)], mode="quoted", model="")
        verbatim = replace(made.claims[0], verdict=Verdict("supported", 1.0, "verbatim"))
        reciting.engine.made = replace(made, claims=(verbatim,))
        reader.ask(WHISPER).answered()
        said = reader.claims.locator("p").first.evaluate("el => el.innerText")
        assert [line for line in said.removesuffix("1").strip().split("\n") if line] == lines
        expect(reader.turn.locator(".card mark")).to_have_text(text, use_inner_text=False)
        out = reader.turn.get_by_role("link", name="Open the source at this quote")
        assert out.get_attribute("href") == f"https://example.org/a{link}"
        assert reader.too_wide() == []
