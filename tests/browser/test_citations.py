"""From a sentence to its quote and back, by pointer and by keyboard."""

from functools import partial

import httpx
import pytest

from tests.support.browser.driver import expect
from tests.support.browser.scripted_answers import WHISPER, WHISPER_JA

SIZES = [{"width": 1280, "height": 800}, {"width": 360, "height": 740}]


@pytest.fixture
def visit(visit):
    """Visit the page as most readers see it: what comes and goes on it moves."""
    return partial(visit, reduced_motion="no-preference")


def marked(card):
    return [mark.text_content() for mark in card.locator("mark").all()]


@pytest.mark.parametrize("question", [WHISPER, WHISPER_JA])
def test_highlighted_text_matches_api_quotes(quoting, visit, question):
    reader = visit(quoting).ask(question).answered()
    made = reader.answer()
    sources = [e["source"]["id"] for e in made["evidence"]]
    expect(reader.turn.locator(".card")).to_have_count(len(set(sources)))  # one for each source
    for part in reader.turn.locator(".card.cited .part:has(mark)").all():
        label = int(part.get_attribute("data-label"))
        card = part.locator("xpath=ancestor::article[1]")
        quotes = {c["quote"] for claim in made["claims"] for c in claim["citations"] if c["label"] == label}  # fmt: skip
        assert {" ".join(text.split()) for text in marked(part)} == {" ".join(q.split()) for q in quotes}  # fmt: skip
        shown = next(e for e in made["evidence"] if e["label"] == label)
        expect(card.locator("h4")).to_contain_text(shown["source"]["title"])
        heading = part.locator("summary").text_content().removeprefix(str(label))
        assert not heading.startswith(shown["source"]["title"])  # it stands above already
        assert shown["passage"]["heading"].endswith(heading)
        whole = " ".join(part.locator("blockquote").first.text_content().split())
        assert whole == " ".join(shown["passage"]["text"].split())


@pytest.mark.parametrize("how", ["hover", "focus"])
def test_marker_tooltip_shows_quote_in_context(quoting, visit, how):
    reader = visit(quoting, viewport=SIZES[0]).ask(WHISPER).answered()
    marker = reader.claims.first.locator(".cite").first
    citation = reader.answer()["claims"][0]["citations"][0]
    if how == "hover":
        marker.hover()
    else:
        reader.page.get_by_role("button", name="Edit").focus()
        reader.page.keyboard.press("Tab")
    tip = reader.page.get_by_role("tooltip")
    expect(tip.locator("mark")).to_have_text(citation["quote"])
    expect(marker).to_have_attribute("aria-describedby", "tip")
    card = reader.turn.locator(".card.lit, .card.cited").first.bounding_box()
    assert tip.bounding_box()["x"] + tip.bounding_box()["width"] <= card["x"]  # and not over it
    if how == "hover":  # it stays while it is pointed at, so that it can be read and selected
        tip.hover()
        expect(tip).to_be_visible()
        reader.page.locator(".brand").hover()
    else:
        reader.page.keyboard.press("Escape")
    expect(tip).to_be_hidden()


def test_source_card_links_back_to_sentences(quoting, visit):
    reader = visit(quoting).ask(WHISPER_JA).answered()
    part = reader.turn.locator(".card.cited .part:has(mark)").first
    back = part.locator(".back button").first
    number = int("".join(filter(str.isdigit, back.text_content())))
    back.click()
    card = reader.turn.locator(".card.cited").first
    expect(reader.claims.nth(number - 1).locator(".cite:focus")).to_have_text(card.locator(".no").text_content())  # fmt: skip


def test_external_links_are_safe(quoting, visit):
    reader = visit(quoting).ask(WHISPER).answered()
    links = reader.turn.locator("a:not([download])").all()
    assert links
    for link in links:
        assert link.get_attribute("href").startswith("https://")
        assert link.get_attribute("rel") == "noopener noreferrer"
        assert link.get_attribute("target") == "_blank" and "new tab" in link.text_content()


def test_answer_is_copied_with_its_sources(quoting, visit):
    reader = visit(quoting, permissions=["clipboard-read", "clipboard-write"]).ask(WHISPER)
    reader.answered().turn.get_by_role("button", name="Copy with sources").click()
    expect(reader.page.locator("#announcer")).to_contain_text("Copied")
    copied = reader.page.evaluate("navigator.clipboard.readText()")
    made = httpx.get(f"{quoting}/v1/answers/{reader.answer()['id']}/export?format=markdown").text
    assert copied == made and "[^1]" in copied


def test_sentences_are_announced_once(quoting, visit):
    """The live region has each sentence once, and the answer itself is not a live region."""
    reader = visit(quoting)
    log = reader.page.get_by_role("log")
    reader.ask(WHISPER).answered()
    made = reader.answer()
    remarks = [made["reason"]] if made["reason"] else []
    expect(log.locator("p")).to_have_count(len(made["claims"]) + len(remarks))
    said = log.locator("p").all_text_contents()
    for words in [claim["text"] for claim in made["claims"]] + remarks:
        assert sum(words.strip() in each for each in said) == 1
    assert reader.turn.locator("[aria-live], [role=log], [role=status]").count() == 0
