"""Verdicts on the page: in words, without relying on colour, by any means of input."""

from dataclasses import replace

import pytest

from service.types import Verdict
from tests.support.browser.driver import expect
from tests.support.browser.scripted_answers import WHISPER, cite, evidence, recited

ONE = "The archive holds 4,217 maps."
OTHER = "The archive holds 5,000 maps."


def answer(**of):
    """A claim on one source, disputed by a second one and by another text of the same work."""
    first = evidence(ONE, label=1, title="The archive", work="w")
    kin = evidence(OTHER, label=2, title="The archive, 2nd edition", work="w")
    stranger = evidence(OTHER, label=3, title="A guide")
    made = recited([(ONE, first, ONE)])
    claim = replace(made.claims[0], disputed_by=(cite(kin, OTHER), cite(stranger, OTHER)), **of)
    return replace(made, claims=(claim,), evidence=(first, kin, stranger))


@pytest.mark.parametrize(
    ("verdict", "works", "words"),
    [
        (Verdict("supported", 0.97, "rules + cross-encoder"), 3, "supported by 3 independent works"),
        (Verdict("supported", 1.0, "verbatim"), 1, "supported by one work"),
        (Verdict("partial", 0.6, "rules + cross-encoder"), 0, "partly supported"),
        (Verdict("contradicted", 0.2, "a method of tomorrow"), 0, "contradicted"),
    ],
)  # fmt: skip
def test_verdict_is_shown_in_words_with_reasons(reciting, visit, verdict, works, words):
    reciting.engine.made = answer(verdict=verdict, works=works, secondary=True, reason="Only so.")
    reader = visit(reciting.url).ask(WHISPER).answered()
    summary = reader.claims.locator(".why summary")
    expect(summary).to_contain_text(words)
    expect(summary).to_contain_text("second hand")
    summary.focus()
    reader.page.keyboard.press("Enter")
    why = reader.claims.locator(".why dl")
    expect(why).to_contain_text(ONE)
    expect(why).to_contain_text(f"{verdict.score:.2f}")
    expect(why).to_contain_text("Only so.")
    expect(why).to_contain_text({"verbatim": "stand in the source", "rules + cross-encoder": "reading model"}.get(verdict.method, verdict.method))  # fmt: skip
    assert reader.turn.locator("[title*='0.']").count() == 0


def test_disputing_source_is_shown_with_its_work(reciting, visit):
    reciting.engine.made = answer()
    reader = visit(reciting.url).ask(WHISPER).answered()
    disputes = reader.claims.locator(".disputes")
    expect(disputes).to_contain_text("Another source says otherwise")
    expect(disputes).to_contain_text("Another version of the same work says otherwise")
    kin = reader.turn.locator(".card", has_text="The archive").locator(".kin")
    expect(kin).to_have_count(2)
    expect(kin.first).to_contain_text("The same work as [2]")
    reader.expected.append("status of 404")
    disputes.get_by_role("button", name="Read in the source").first.click()
    expect(reader.page.locator("#reader mark.lit")).to_have_text(OTHER)


def test_passages_of_one_source_share_a_card(reciting, visit):
    first = evidence(ONE, label=1, id="s", title="The archive")
    second = evidence(OTHER, label=2, id="s", title="The archive")
    reciting.engine.made = recited([(ONE, first, ONE), (OTHER, second, OTHER)])
    reader = visit(reciting.url).ask(WHISPER).answered()
    card = reader.turn.locator(".card")
    expect(card).to_have_count(1)
    expect(card.locator(".part")).to_have_count(2)
    expect(card.locator(".bears")).to_contain_text("2 sentences rest on it")


def test_card_limits_search_to_or_excludes_its_source(quoting, visit):
    reader = visit(quoting).ask(WHISPER).answered()
    card = reader.turn.locator(".card.cited").first
    title = card.locator("h4").text_content()
    card.get_by_role("button", name="Only this source").click()
    expect(reader.page.locator("#scope")).to_contain_text("1 of 14")
    expect(reader.page.locator("#question")).to_have_value(WHISPER)
    expect(reader.page.locator("#question")).to_be_focused()
    reader.page.keyboard.press("Enter")
    reader.answered()
    expect(reader.turn.locator(".card")).to_have_count(1)
    assert reader.turn.locator(".card h4").text_content() == title
    reader.page.locator("#scope").click()
    reader.turn.locator(".card").first.get_by_role("button", name="Leave out").click()
    expect(reader.page.locator("#scope")).to_contain_text("13 of 14")
