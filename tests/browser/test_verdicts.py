"""Verdicts on the page: in words, without relying on colour, by any means of input."""

import json
from dataclasses import replace

import pytest

from service.types import Decision, Rejected, Verdict
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


VERDICTS = [
    (Verdict("supported", 0.97, "rules + cross-encoder"), 3, "", "reading model"),
    (Verdict("supported", 1.0, "verbatim"), 1, "", "says exactly this"),
    (Verdict("partial", 0.6, "rules + cross-encoder"), 0, "partly supported", "reading model"),
    (Verdict("contradicted", 0.2, "a method of tomorrow"), 0, "contradicted", "a method of tomorrow"),
]  # fmt: skip


def test_verdict_is_shown_in_words_with_reasons(reciting, visit):
    """At the sentence only what is not well; the rest where one asks how it was checked."""
    reader = visit(reciting.url)
    for verdict, works, words, method in VERDICTS:
        reciting.engine.made = answer(
            verdict=verdict, works=works, secondary=True, reason="Only so."
        )
        reader.ask(WHISPER).answered()
        flags = [words, "second-hand"] if words else ["second-hand"]
        expect(reader.claims.locator(".flag:visible")).to_have_text(flags)
        expect(reader.turn.locator(".sum .mark")).to_have_count(0)
        reader.turn.locator(".fine summary").focus()
        reader.page.keyboard.press("Enter")
        why = reader.turn.locator(".checks dl")
        copies = [f"{works} (copies"] if works else []
        for each in (ONE, f"{verdict.score:.2f}", "Only so.", method, *copies):
            expect(why).to_contain_text(each)
        assert reader.turn.locator("[title*='0.']").count() == 0


def test_disputing_source_is_shown_with_its_work(reciting, visit):
    reciting.engine.made = answer()
    reader = visit(reciting.url).ask(WHISPER).answered()
    disputes = reader.claims.locator(".disputes")
    expect(disputes).to_contain_text("Another source says otherwise")
    expect(disputes).to_contain_text("Another version of the same work says otherwise")
    kin = reader.turn.locator(".card", has_text="The archive").locator(".kin")
    expect(kin).to_have_count(2)
    expect(kin.first).to_contain_text("Another version of the same work as [2]")
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
    expect(card.locator(".bears")).to_contain_text("Cited by 2 sentences")


def test_card_limits_search_to_or_excludes_its_source(quoting, visit):
    reader = visit(quoting).ask(WHISPER).answered()
    card = reader.turn.locator(".card.cited").first
    title = card.locator("h4").text_content()
    card.get_by_role("button", name="Only this source").click()
    expect(reader.page.locator("#scope")).to_contain_text(
        title.removesuffix(" (opens in a new tab)")
    )
    expect(reader.page.locator("#question")).to_have_value(WHISPER)
    expect(reader.page.locator("#question")).to_be_focused()
    reader.page.keyboard.press("Enter")
    reader.answered()
    expect(reader.turn.locator(".card")).to_have_count(1)
    assert reader.turn.locator(".card h4").text_content() == title
    reader.page.locator("#scope-clear").click()
    reader.turn.locator(".card").first.get_by_role("button", name="Exclude").click()
    expect(reader.page.locator("#scope")).to_contain_text("13 of 14")


METHODS = {
    "verbatim": ("the source says exactly this", "そのまま書かれています"),
    "rules": ("rules only", "規則だけ"),
    "rules + cross-encoder": ("a small reading model", "小さな読解モデル"),
    "judge: big.7b": ("the language model big.7b, which compared it with", "言語モデル big.7b が根拠と読み比べ"),
    "judge: big, overruled by a rule": ("a rule: the language model big", "規則：言語モデル big"),
    "rules + cross-encoder (judge: timeout)": ("reading model; the judging model took too long", "時間内に答えません"),
    "rules + cross-encoder (judge: unreachable)": ("could not be reached", "接続できません"),
    "rules + cross-encoder (judge: unreadable)": ("reply could not be read", "読み取れません"),
    "rules + cross-encoder (judge: control)": ("got a test sentence wrong", "確認用の文を誤った"),
    "rules + cross-encoder (judge: no control)": ("no test sentence could be made", "確かめる文を作れなかった"),
    "rules + cross-encoder (judge: window)": ("too long for the judging model", "長すぎました"),
    "reader": ("a small reading model", "小さな読解モデル"),
    "metadata": ("the catalogue: it repeats what is recorded there", "登録された項目"),
    "overview": ("the sentence is of a work", "求められた著作の文"),
    "leans on a withheld sentence": ("which it depends on", "前提となる文"),
    "rules + big.7b": ("rules + big.7b", "rules + big.7b"),
    "rules (judge: asleep)": ("rules (judge: asleep)", "rules (judge: asleep)"),
    "judged": ("judged", "judged"),
}  # fmt: skip


@pytest.mark.parametrize(("language", "place"), [("en-GB", 0), ("ja-JP", 1)])
def test_how_a_sentence_was_checked_is_said_in_words(reciting, visit, language, place):
    """Of those shown and of those withheld; a method that the page does not know, as it is."""
    first = evidence(ONE, label=1)
    made = recited([(ONE, first, ONE)] * len(METHODS))
    claims = [
        replace(claim, verdict=Verdict("supported", 1.0, method))
        for claim, method in zip(made.claims, METHODS, strict=True)
    ]
    rejected = [
        Rejected(f"No. {n}", "Why not.", Verdict("unsupported", 1.0, method))
        for n, method in enumerate(METHODS)
    ]
    reciting.engine.made = replace(made, claims=tuple(claims), rejected=tuple(rejected))
    reader = visit(reciting.url, locale=language).ask(WHISPER).answered()
    reader.turn.locator(".fine summary").click()
    checks = reader.turn.locator(".checks li")
    expect(checks).to_have_count(2 * len(METHODS))
    said = [words[place] for words in METHODS.values()]
    expect(checks.locator("dd:last-of-type")).to_contain_text(said * 2)
    shown = checks.all_text_contents()
    for n, method in enumerate(METHODS):
        certain = method.startswith("judge: ") or method in ("metadata", "overview")
        scores = 0 if certain else 1  # a judge gives no probability
        assert shown[n].count("1.00") == scores == shown[len(METHODS) + n].count("1.00")


def test_quote_among_sentences_of_a_model_is_marked(reciting, visit):
    first = evidence(f"{ONE} {OTHER}", label=1)
    made = recited([("It holds thousands of maps.", first, ONE), (OTHER, first, OTHER)])
    written, quote = made.claims
    quote = replace(quote, verdict=Verdict("supported", 1.0, "verbatim"), works=1)
    reciting.engine.made = replace(made, claims=(written, quote))
    reader = visit(reciting.url).ask(WHISPER).answered()
    expect(reader.claims).to_have_count(2)
    expect(reader.turn.locator(".claim.own")).to_have_count(1)
    expect(reader.claims.nth(1).locator(".flag")).to_have_text("the source's own words")
    expect(reader.claims.nth(1).locator(".flag")).to_be_visible()
    expect(reader.claims.nth(0).locator(".flag")).to_have_count(0)
    expect(reader.turn.locator(".sum")).to_have_text("All sentences checked against their sources")


def test_several_quotes_of_a_passage_share_a_marker(reciting, visit):
    first = evidence(f"{ONE} It is in Kanda. {OTHER}", label=1)
    made = recited([("It holds 4,217 maps, or 5,000.", first, ONE)])
    claim = replace(made.claims[0], citations=(cite(first, ONE), cite(first, OTHER)))
    reciting.engine.made = replace(made, claims=(claim,))
    reader = visit(reciting.url).ask(WHISPER).answered()
    marker = reader.claims.locator(".cite")
    expect(marker).to_have_count(1)
    marker.hover()
    expect(reader.page.locator("#tip mark")).to_have_text([ONE, OTHER])
    expect(reader.turn.locator(".card mark")).to_have_text([ONE, OTHER])
    expect(reader.turn.locator(".card .back")).to_have_text("Cited by sentence 1")
    expect(reader.turn.locator(".card .bears")).not_to_contain_text("Cited")  # it is said once
    reader.turn.locator(".fine summary").click()
    expect(reader.turn.locator(".checks blockquote")).to_have_text([ONE, OTHER])
    reader.expected.append("status of 404")  # the passage is in no library
    reader.turn.locator(".checks button").nth(1).click()
    expect(reader.page.locator("#reader mark.lit")).to_have_text(OTHER)
    expect(reader.page.locator("#reader .reader-at")).to_have_text("Quote 2 of 2, for sentence 1")


JUDGES = [
    ({"able": True, "state": "able", "true_right": 12, "false_right": 11}, "judges the sentences. Your question, the sentences and the passages found for them are sent to models.example"),
    ({"able": False, "state": "testing"}, "is being tested as a judge"),
    ({"able": False, "state": "untested"}, "has not been tested"),
    ({"able": False, "state": "unreachable"}, "did not answer"),
    ({"able": False, "state": "failed", "true_right": 8, "false_right": 11}, "it judged 8 of 12 true and 11 of 12 false sentences correctly"),
    ({"able": False, "state": "withdrawn", "true_right": 12, "false_right": 12}, "no longer judges"),
    ({"able": False, "state": "a state of tomorrow"}, "has not been tested"),
]  # fmt: skip


def test_start_page_names_the_judge_and_its_host(quoting, visit):
    reader = visit(quoting, start=False)
    named = {"name": "big", "host": "models.example", "true_right": None, "false_right": None}
    shown = {}
    reader.page.route(f"{quoting}/", lambda route: with_judge(route, named | shown))
    for judge, words in JUDGES:
        shown = judge
        reader.start()
        facts = reader.page.locator("#facts")
        expect(facts.locator(".judge")).to_contain_text(words)
        expect(facts.locator(".judge")).to_contain_text("models.example")
        reader.page.locator("#language").click()
        expect(facts.locator(".judge")).to_contain_text("言語モデル big")
        reader.page.locator("#language").click()  # the next one is in English again


def with_judge(route, judge):
    """Fulfil a request of the page with what the server said, and a judge."""
    said = route.fetch()
    assert '"judge": null' in said.text()
    route.fulfill(response=said, body=said.text().replace('"judge": null', f'"judge": {json.dumps(judge)}'))  # fmt: skip


def test_start_page_says_nothing_of_a_judge_that_is_not_set(quoting, visit):
    reader = visit(quoting)
    expect(reader.page.locator("#facts")).to_contain_text("14 sources")
    expect(reader.page.locator("#facts .judge")).to_have_count(0)


YES, NO = Decision(True, 0.93, "a method of tomorrow"), Decision(False, 0.21, "judge: big")
ANSWERING = {
    "en-GB": (
        "Context", "supported and answering", "1 context",
        "0.93: it answers the question", "supported by its source, but it does not answer the question",
        "whether it answers was not checked",
    ),
    "ja-JP": (
        "補足", "裏づけあり、質問に回答", "補足 1文",
        "0.93: 質問に答えています", "出典に裏づけはありますが、質問への答えではありません",
        "質問に答えているかどうかは、この答えの作成時に確かめていません",
    ),
}  # fmt: skip


def decided(*answers, **more):
    """Return an answer with a supported claim for each of the decisions."""
    shown = evidence(ONE, label=1, title="The archive")
    made = recited([(f"No. {n}: {ONE}", shown, ONE) for n, _ in enumerate(answers)], **more)
    claims = zip(made.claims, answers, strict=True)
    return replace(made, claims=tuple(replace(c, answers=each, works=1) for c, each in claims))


@pytest.mark.parametrize("language", ANSWERING)
def test_only_what_answers_is_ticked(reciting, visit, language):
    """What is supported beside the question is context, and of the rest nothing is claimed."""
    reciting.engine.made = decided(YES, NO, None)
    reader = visit(reciting.url, locale=language).ask(WHISPER).answered()
    context, ticked, counted, yes, no, unknown = ANSWERING[language]
    expect(reader.turn.locator(".claim.ticked")).to_have_count(1)
    expect(reader.turn.locator(".claim.context")).to_have_count(1)
    beside = reader.claims.nth(1)
    expect(beside.locator(".sign.context")).to_have_count(1)
    expect(beside.locator(".cite")).to_have_text("1")
    expect(beside.locator(".flag")).to_have_text(context, ignore_case=True)
    expect(beside.locator(".flag")).to_have_attribute("title", no)
    for n in (0, 2):
        expect(reader.claims.nth(n).locator(".flag")).to_have_count(0)
    expect(reader.turn.locator(".sum .mark")).to_have_count(0)
    expect(reader.turn.locator(".sum")).to_contain_text(ticked)
    expect(reader.turn.locator(".sum")).to_contain_text(counted)
    reader.turn.locator(".fine summary").click()
    checks = reader.turn.locator(".checks li")
    for n, words in enumerate((yes, no, unknown)):
        expect(checks.nth(n)).to_contain_text(words)
    expect(checks.nth(1)).to_contain_text("big")
    assert checks.nth(1).get_by_text("0.21").count() == 0  # a judge gives no probability
    ink, muted = (
        reader.claims.nth(n).locator("p").first.evaluate("el => getComputedStyle(el).color")
        for n in (0, 1)
    )
    assert ink != muted
    announced = reader.page.locator("#announcer")
    expect(announced).to_contain_text(f"({context.lower()})")


def test_what_is_not_supported_is_never_ticked(reciting, visit):
    made = decided(YES)
    partly = replace(made.claims[0], verdict=Verdict("partial", 0.6, "rules"), works=0)
    reciting.engine.made = replace(made, claims=(partly,))
    reader = visit(reciting.url).ask(WHISPER).answered()
    expect(reader.claims.locator(".flag .sign.partial")).to_have_count(1)
    expect(reader.turn.locator(".sign.ticked, .mark")).to_have_count(0)


@pytest.mark.parametrize(
    ("language", "badge"), [("en-GB", "From the catalogue"), ("ja-JP", "書誌情報")]
)
def test_answer_from_the_catalogue_has_its_badge(reciting, visit, language, badge):
    reciting.engine.made = decided(YES, mode="metadata", model="")
    reader = visit(reciting.url, locale=language).ask(WHISPER).answered()
    expect(reader.turn.locator(".badge strong")).to_have_text(badge)
    expect(reader.turn.locator(".badge span")).not_to_be_empty()
    expect(reader.turn.locator(".sign.ticked")).not_to_have_count(0)


@pytest.mark.parametrize(
    ("language", "reason"),
    [
        ("en-GB", "Ask a question about the sources."),
        ("ja-JP", "資料について質問してください。"),
    ],
)
def test_guide_is_a_plain_note(reciting, visit, language, reason):
    """It is no abstention: nothing was nearest, and there is nothing to put otherwise."""
    reciting.engine.made = decided(mode="guide", model="", reason=reason)
    reader = visit(reciting.url, locale=language).ask("Hello!").answered()
    expect(reader.turn.locator(".note")).to_have_text(reason)
    expect(reader.turn.locator(".note")).not_to_have_class("abstained")
    for absent in (".abstained", ".badge", ".todo", ".sign", ".card", ".sum"):
        expect(reader.turn.locator(absent)).to_have_count(0)
    expect(reader.status).to_contain_text({"en-GB": "Done in", "ja-JP": "完了"}[language])
    assert "0 sentences" not in reader.status.text_content()
    expect(reader.page.locator("#announcer")).to_contain_text(reason)
