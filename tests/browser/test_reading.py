"""The answer as it is read: numbers of sources, one mark, the draft, translations, answering again."""

import json
import random
import re
from dataclasses import replace

import pytest

from service.conversations.markdown import markdown, number_sources
from service.types import Verdict, to_json
from tests.support.browser.driver import expect
from tests.support.browser.scripted_answers import (
    WHISPER,
    WHISPER_JA,
    cite,
    evidence,
    recited,
)

MAPS, OPENED, KANDA = "It holds 4,217 maps.", "It opened in 1931.", "地図は4217枚ある。"
TRUE = "Whisper was trained on 680,000 hours of audio [1]."
FALSE = "Whisper was trained on 90,000 hours of audio [1]."
ALSO = "Whisper learned from 680,000 hours of labelled audio [1]."


def numbered():
    """Return an answer that cites labels 5, 2, 4: two sources, of which one has two passages."""
    unread = evidence("Nobody cites this.", label=1, id="c", title="Something else")
    guide = evidence(KANDA, label=2, id="b", title="A guide", language="ja")
    more = evidence(OPENED, label=4, id="a", title="The archive", language="en")
    maps = evidence(MAPS, label=5, id="a", title="The archive", language="en")
    made = recited([(MAPS, maps, MAPS), (KANDA, guide, KANDA), (OPENED, more, OPENED)])
    return replace(made, evidence=(unread, guide, more, maps))


def test_sources_are_numbered_as_they_appear(reciting, visit):
    """One number for a source, whatever the labels of its passages; cards in the same order."""
    reciting.engine.made = numbered()
    reader = visit(reciting.url).ask(WHISPER).answered()
    expect(reader.claims.locator(".cite")).to_have_text(["1", "2", "1"])
    cards = reader.turn.locator(".side > .cards .card")
    expect(cards.locator(".no")).to_have_text(["1", "2"])
    expect(cards.locator("h4")).to_contain_text(["The archive", "A guide"])
    expect(cards.first).to_have_attribute("aria-label", "Source 1: The archive")
    rest = reader.turn.locator(".also .card")
    expect(rest).to_have_attribute("aria-label", "Source: Something else")
    expect(rest.locator(".no:visible")).to_have_count(0)
    reader.claims.nth(2).locator(".cite").hover()
    expect(reader.page.locator("#tip .no")).to_have_text("1")
    expect(reader.page.locator("#tip mark")).to_have_text(OPENED)
    reader.turn.locator(".fine summary").click()
    expect(reader.turn.locator(".checks dt", has_text="Quote")).to_have_text(
        ["Quote [1]", "Quote [2]", "Quote [1]"]
    )
    reader.expected.append("status of 404")  # the passages are in no library
    reader.claims.nth(1).locator(".cite").click()
    expect(reader.page.locator("#reader h2 .no")).to_have_text("2")
    expect(reader.claims.nth(1).locator(".cite")).to_have_class("cite lit")


def test_page_and_export_number_the_sources_alike(reciting, visit):
    """Sentence by sentence, of one answer as it is shown; and by their rules, of many others."""
    chance = random.Random(1)
    passages = [
        evidence(f"Text {n}.", label=n, id="abcde"[n % 5], title=f"Title {n % 5}")
        for n in range(1, 11)
    ]

    def claims(count):
        made = recited([(f"Sentence {n}.", passages[0], "Text 1.") for n in range(count)])
        for claim in made.claims:
            read = chance.sample(passages, chance.randint(1, 4))
            cited, against = (
                [cite(e, e.passage.text) for e in part] for part in (read[:3], read[3:])
            )
            yield replace(claim, citations=tuple(cited), disputed_by=tuple(against))

    made = replace(recited([]), evidence=tuple(passages), claims=tuple(claims(8)))
    reciting.engine.made = made
    reader = visit(reciting.url).ask(WHISPER).answered()
    exported = markdown("", [to_json(made)]).split("\n\n")
    written = [re.findall(r"\[\^(\d+)\]", line) for line in exported if line.startswith("Sentence")]
    shown = [
        each.locator(".cite").all_text_contents()
        + re.findall(r"\[(\d+)\]$", "\n".join(each.locator("blockquote").all_text_contents()), re.M)
        for each in reader.claims.all()
    ]
    assert shown == written and any(len(numbers) > 3 for numbers in written)

    many = [[to_json(claim) for claim in claims(6)] for _ in range(50)]
    by_page = reader.page.evaluate(
        """async (many) => {
             const { numberSources } = await import("/static/numbers.js");
             const streamed = (claims) => claims.reduce((known, claim) => numberSources([claim], known), new Map());
             return many.map((claims) => [[...numberSources(claims)], [...streamed(claims)]]); }""",
        many,
    )
    for found, answer in zip(by_page, many, strict=True):
        assert found == [[list(pair) for pair in number_sources(answer).items()]] * 2


def test_copy_made_by_the_page_has_its_numbers(reciting, visit):
    """As where the server, which makes it otherwise, cannot be reached."""
    reciting.engine.made = numbered()
    permissions = ["clipboard-read", "clipboard-write"]
    reader = visit(reciting.url, permissions=permissions).ask(WHISPER).answered()
    reader.expected.append("status of 404")
    reader.turn.get_by_role("button", name="Copy with sources").click()
    expect(reader.page.locator("#announcer")).to_contain_text("Copied")
    copied = reader.page.evaluate("navigator.clipboard.readText()").split("\n")
    assert [f"{MAPS} [1]", f"{KANDA} [2]", f"{OPENED} [1]"] == copied[2:5]
    assert copied[-2:] == [
        "[1] The archive https://example.org/a",
        "[2] A guide https://example.org/a",
    ]


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "All sentences checked against their sources"), ("ja", "すべての文を出典と照らし合わせました")],
)  # fmt: skip
def test_one_mark_where_all_is_well(reciting, visit, language, words):
    reciting.engine.made = numbered()
    reader = visit(reciting.url, locale=language).ask(WHISPER).answered()
    expect(reader.turn.locator(".sum")).to_have_text(words)
    expect(reader.turn.locator(".sign")).to_have_count(1)
    expect(reader.turn.locator(".flag, .word")).to_have_count(0)
    lines = {round(cite.bounding_box()["y"]) for cite in reader.claims.locator(".cite").all()}
    assert len(lines) == 1  # the sentences are one paragraph


def test_draft_is_grey_until_it_is_decided(staged, visit):
    """Each sentence is replaced when it is decided; nothing of a draft is read out or kept."""
    staged.model.say(TRUE, FALSE, ALSO, allowed=2)
    reader = visit(staged.url).ask(WHISPER)
    expect(reader.claims).to_have_count(1)
    draft = reader.turn.locator(".draft")
    expect(draft).to_have_text("Whisper was trained on 90,000 hours of audio.")  # no marker
    expect(draft).to_have_attribute("aria-hidden", "true")
    expect(reader.turn.locator(".pending")).to_contain_text("Draft, not checked yet")
    expect(reader.turn.locator(".pending .clock")).to_contain_text(" s")
    ink, grey = (
        each.evaluate("el => getComputedStyle(el).color")
        for each in (reader.claims.first.locator("p"), draft)
    )
    assert ink != grey
    selected = "el => { getSelection().selectAllChildren(el); return String(getSelection()); }"
    assert "90,000" not in reader.turn.locator(".answer").evaluate(selected)
    assert "90,000" not in reader.page.locator("#announcer").text_content()
    staged.model.go_on()
    reader.answered()
    expect(reader.turn.locator(".draft, .pending")).to_have_count(0)
    expect(reader.turn.locator(".withheld li")).to_have_count(1)
    assert "90,000" not in reader.turn.locator(".claims").text_content()


def test_draft_ends_when_an_answer_is_stopped(staged, visit):
    staged.model.say(TRUE, ALSO, allowed=1)
    reader = visit(staged.url).ask(WHISPER)
    expect(reader.turn.locator(".draft bdi")).to_be_visible()
    reader.page.keyboard.press("Escape")
    reader.answered()
    expect(reader.turn.locator(".draft")).to_have_count(0)
    assert "680,000" not in reader.turn.locator(".answer").text_content()


def test_hostile_draft_is_text(quoting, visit):
    hostile = ["<img src=x onerror=window.executed=1>", "<script>window.executed=1</script>"]
    frames = "".join(
        f"event: {name}\ndata: {json.dumps(data)}\n\n"
        for name, data in (("evidence", {"evidence": []}), ("draft", {"sentences": hostile}))
    )
    reader = visit(quoting)
    reader.page.route(
        "**/v1/answers",
        lambda route: (
            route.request.method == "POST"
            and route.fulfill(content_type="text/event-stream", body=frames)
        ),
    )
    reader.page.evaluate(
        """() => { window.drafts = []; new MutationObserver(() => {
             const shown = document.querySelector('.draft')?.textContent;
             if (shown) window.drafts.push(shown); }).observe(document.body, {childList: true, subtree: true}); }"""
    )
    reader.ask(WHISPER).answered()
    assert any(hostile[0] in draft for draft in reader.page.evaluate("window.drafts"))
    assert reader.page.locator(".turn img, .turn script").count() == 0


def test_any_answer_can_be_made_again(staged, visit):
    """One that is done, one that was stopped, and while another is being made; past the cache."""
    sent = []
    reader = visit(staged.url)
    reader.page.on("request", lambda r: r.method == "POST" and "/v1/answers" in r.url and sent.append(r))  # fmt: skip
    again = lambda turn, name="Answer again": turn.get_by_role("button", name=name).click()  # noqa: E731
    staged.model.say(TRUE, allowed=1)
    reader.ask(WHISPER).answered()
    first = reader.turn
    staged.model.say(TRUE, ALSO, allowed=1)
    again(first)
    expect(reader.page.locator(".turn")).to_have_count(2)
    expect(reader.turn.locator(".draft bdi")).to_be_visible()
    again(reader.page.locator(".turn").first)  # the one that is being made is stopped
    expect(reader.page.locator(".turn")).to_have_count(3)
    stopped = reader.page.locator(".turn").nth(1)
    expect(stopped.locator(".note.stopped")).to_be_visible()
    staged.model.go_on(5)
    reader.answered()
    again(stopped, "Ask again")
    expect(reader.page.locator(".turn")).to_have_count(4)
    reader.answered()
    fresh = [request.headers.get("cache-control") == "no-cache" for request in sent]
    assert fresh == [False, True, True, True]
    assert {request.post_data_json["question"] for request in sent} == {WHISPER}


def test_answer_is_made_again_in_one_step_while_it_is_written(staged, visit):
    sent = []
    reader = visit(staged.url)
    reader.page.on("request", lambda r: r.method == "POST" and r.url.endswith("/v1/answers") and sent.append(r))  # fmt: skip
    staged.model.say(TRUE, FALSE, ALSO, TRUE, allowed=1)
    reader.ask(WHISPER)
    again = reader.turn.get_by_role("button", name="Answer again")
    again.focus()
    staged.model.go_on(2)  # the end of a sentence shows when the next one begins
    expect(reader.turn.locator(".withheld")).to_be_visible()  # drawn anew around the button
    expect(again).to_be_focused()
    reader.page.keyboard.press("Enter")
    expect(reader.page.locator(".turn")).to_have_count(2)
    expect(reader.page.locator(".turn").first.locator(".note.stopped")).to_be_visible()
    expect(reader.turn.locator(".pending")).to_be_visible()
    staged.model.go_on(5)
    reader.answered()
    assert [request.headers.get("cache-control") for request in sent] == [None, "no-cache"]
    expect(again).to_have_count(1)  # below the answer, as below any


def test_follow_up_is_answered_again_as_it_was_understood(quoting, visit):
    reader = visit(quoting).ask(WHISPER).answered()
    reader.ask("And how many parameters does it have?").answered()
    understood = reader.answer()["understood"]
    assert "Whisper" in understood
    reader.turn.get_by_role("button", name="Answer again").click()
    expect(reader.page.locator(".turn")).to_have_count(3)
    assert reader.answered().answer()["question"] == understood


def foreign():
    """Return an answer in a source's own words, in another language than the question."""
    shown = evidence(f"{OPENED} {MAPS}", label=2, id="a", title="The archive", language="en")
    made = recited([(MAPS, shown, MAPS)], question=WHISPER_JA, mode="quoted", model="")
    quoted = replace(made.claims[0], verdict=Verdict("supported", 1.0, "verbatim"), works=1)
    return replace(made, claims=(quoted,)), cite(shown, MAPS)


def translating(reader, replies):
    """Let the page believe that there is a model, and fulfil its requests for translations."""
    asked = []

    def connected(route):
        said = route.fetch()
        page = said.text()
        assert page.count('"models": []') == 2  # in what /readyz gives, and beside it
        route.fulfill(response=said, body=page.replace('"models": []', '"models": ["big-7b"]'))

    def translate(route):
        asked.append(route.request.post_data_json)
        route.fulfill(**replies[len(asked) - 1])

    reader.page.route(f"{reader.base}/", connected)
    reader.page.route("**/v1/translations", translate)
    return asked


def test_quote_is_translated_on_a_click(reciting, visit):
    reciting.engine.made, citation = foreign()
    reader = visit(reciting.url, locale="ja", start=False)
    problem = {"title": "The model failed", "status": 502, "detail": "try again", "code": "model"}
    done = {
        "quote": MAPS,
        "language": "ja",
        "text": "地図が<b>4,217</b>枚ある。",
        "model": "big-7b",
    }
    failed = {"status": 502, "json": problem, "content_type": "application/problem+json"}
    disconnected = {"json": done | {"text": None, "model": None}}
    asked = translating(reader, [failed, disconnected, {"json": done}])
    reader.expected.append("status of 502")
    reader.start().ask(WHISPER_JA).answered()
    note = reader.claims.locator(".foreign")
    expect(note).to_contain_text("英語からの引用")
    expect(reader.claims.locator("p").first).to_contain_text(MAPS)  # as it is
    assert not asked
    note.get_by_role("button", name="翻訳する").click()
    for said in (
        "言語モデルを使えませんでした。もう一度お試しください。続く場合は、別のモデルを選んでください。",
        "言語モデルは未接続",
    ):
        expect(note.get_by_role("alert")).to_have_text(said)
        note.get_by_role("button", name="翻訳する").click()
    shown = note.locator(".translation p")
    expect(shown).to_have_text(
        [done["text"], "big-7b による翻訳です。一語ずつの確認はしていません"]
    )
    place = {"passage_id": citation.passage_id, "start": citation.start, "end": citation.end}
    assert asked == [place | {"language": "ja"}] * 3  # offsets alone
    reader.page.locator("#language").click()
    expect(shown.nth(1)).to_have_text("Translation by big-7b, not checked word by word")
    expect(reader.turn.locator(".card .translation p").first).to_have_text(done["text"])
    assert len(asked) == 3  # it was kept


def test_no_translation_is_offered_without_model_or_need(reciting, visit):
    reciting.engine.made, _ = foreign()
    reader = visit(reciting.url).ask(WHISPER_JA).answered()
    expect(reader.claims.locator(".foreign")).to_have_text("Quoted in English")
    expect(reader.turn.locator(".foreign button")).to_have_count(0)
    reciting.engine.made = replace(reciting.engine.made, question=WHISPER)
    reader.ask(WHISPER).answered()
    expect(reader.turn.locator(".foreign")).to_have_count(0)
