"""Receipts of judged answers: how far they can be re-checked, and what a forger cannot claim."""

from __future__ import annotations

import asyncio
import copy
from dataclasses import replace

import pytest

from service.answering.engine import Engine
from service.judging.decision import MAX_QUOTES
from service.judging.types import JudgeCall, Judgement
from service.receipts.checks import all_passed, summary
from service.receipts.recheck import recheck
from service.types import Draft, Rejected, Verdict
from service.verification import receipt
from tests.support.judged_receipts import FREE, PLAIN, QUESTION, ReceiptMaker
from tests.support.scripted_model import Script


@pytest.fixture(scope="module")
def maker(library, checker):
    return ReceiptMaker(library, checker)


@pytest.fixture(scope="module")
def hours(maker):
    return maker.number("680,000 hours")


@pytest.fixture(scope="module")
def false(maker, hours):
    """A copy of a sentence of the evidence with another number."""
    return maker.numbered.sentences[hours - 1].text.replace("680,000", "90,000")


@pytest.fixture(scope="module")
def judged(maker):
    """A receipt with a claim that the checker supports too, and one that only a judge does."""
    return maker.judged()


def outcomes(checks):
    return {check.name: check.outcome for check in checks if check.outcome != "ok"}


def failed(made, verifier):
    checks = recheck(receipt.seal(made), verifier)
    return [check.name for check in checks if check.outcome == "failed"]


def test_receipt_keeps_judge_and_its_words(judged, hours, maker):
    assert judged["judge"] == {"name": "big", "host": "judge.example:8080", "prompt_version": 1}
    plain, free, withheld = judged["judgements"]
    assert [s["number"] for s in free["sentences"]] == [hours, hours + 1]
    (named,) = plain["sentences"]
    passage = judged["evidence"][named["label"] - 1]["passage"]
    start = passage["start"]
    quote = passage["text"][named["start"] - start : named["end"] - start]
    assert "680,000 hours" in quote and (plain["ruling"], plain["answers"]) == ("supported", True)
    assert (withheld["unsupported"], withheld["answers"]) == (["90 dollars"], False)
    assert judged["drafts"][1]["before"] == [PLAIN]


def test_what_only_a_judge_says_is_vouched_for_and_the_summary_says_so(judged, verifier, library):
    for store in (None, library.store):
        checks = recheck(judged, verifier, store)
        assert outcomes(checks) == {"verdict on claim 2": "vouched"}
        (vouched,) = (check for check in checks if check.outcome == "vouched")
        assert "vouched for by big, not re-checked" in vouched.detail
        assert all_passed(checks)
        said = summary(judged, checks)
        assert said.endswith(
            "holds as far as it can be re-checked: 1 of 3 verdicts is vouched for by big"
        )


def test_judged_receipt_on_which_the_checker_agrees_holds(maker, hours, verifier):
    made = maker.receipt_of({PLAIN: Judgement("supported", (hours,))})
    checks = recheck(made, verifier)
    assert outcomes(checks) == {} and summary(made, checks) == "the receipt holds"


def test_receipt_without_a_judge_has_none(maker, hours, verifier):
    made = maker.receipt([maker.claim(PLAIN, [hours], "verbatim")], judge=None)
    assert made["judge"] is None and made["judgements"] == []


def test_verdict_of_the_checker_in_place_of_a_judge_is_compared_without_the_reason(
    maker, hours, verifier
):
    again = verifier.check(Draft(PLAIN), maker.answer.evidence)
    late = Verdict("supported", again.verdict.score, f"{again.verdict.method} (judge: timeout)")
    made = maker.receipt([replace(again, verdict=late)])
    assert outcomes(recheck(made, verifier)) == {}
    made["judge"] = None
    assert failed(made, verifier) == ["judge"]


def test_exact_conflict_fails_on_a_judges_word(maker, hours, false, verifier):
    made = maker.receipt(
        [maker.claim(false, [hours])], (), {false: Judgement("supported", (hours,))}
    )
    assert failed(made, verifier) == ["verdict on claim 1"]


def test_answer_that_is_shown_does_not_fail_by_evidence_that_the_judge_did_not_name(
    maker, false, verifier
):
    """A number that it computed may stand otherwise in a passage about something else."""
    other = next(s.number for s in maker.numbered.sentences if "hour" not in s.text)
    said = {false: Judgement("supported", (other,))}
    shown = maker.decided(false, said[false])
    assert shown.verdict.label == "supported"
    checks = recheck(maker.receipt([shown], (), said), verifier)
    assert outcomes(checks) == {"verdict on claim 1": "vouched"}


def test_exact_conflict_by_other_rules_is_no_failure_and_still_vouched_for(
    maker, hours, false, verifier
):
    made = maker.receipt(
        [maker.claim(false, [hours])], (), {false: Judgement("supported", (hours,))}
    )
    made["checker"]["verifier_version"] += 1
    checks = recheck(receipt.seal(made), verifier)
    assert outcomes(checks) == {"verifier": "note", "verdict on claim 1": "vouched"}
    made["checker"]["verifier_version"] -= 1
    made["checker"]["sha256"] = "0" * 64  # another checker, and the same rules
    assert failed(made, verifier) == ["verdict on claim 1"]


def test_withheld_sentence_must_be_called_contradicted_by_the_judge_itself(
    maker, hours, false, verifier
):
    said = {PLAIN: Judgement("supported", (hours,)), false: Judgement("contradicted", (hours,))}
    made = maker.receipt_of(said)
    assert made["rejected"][0]["verdict"]["label"] == "contradicted"
    assert failed(made, verifier) == []
    made["judgements"][1]["ruling"] = "unsupported"
    assert failed(made, verifier) == ["verdict on withheld 1"]


def test_nothing_is_contradicted_where_a_part_of_the_evidence_was_left_out(
    maker, hours, false, verifier
):
    said = {PLAIN: Judgement("supported", (hours,)), false: Judgement("contradicted", (hours,))}
    part = replace(maker.numbered, left_out=frozenset({len(maker.answer.evidence)}))
    incomplete = ReceiptMaker.__new__(ReceiptMaker)
    vars(incomplete).update(vars(maker) | {"numbered": part})
    made = incomplete.receipt_of(said)
    assert made["rejected"][0]["verdict"]["label"] == "unsupported"
    assert failed(made, verifier) == []


def test_judge_is_overruled_only_where_a_rule_speaks_against_the_sentence(
    maker, hours, false, verifier
):
    said = {PLAIN: Judgement("supported", (hours,)), false: Judgement("supported", (hours,))}
    made = maker.receipt_of(said)
    method = "judge: big, overruled by a rule"
    assert made["rejected"][0]["verdict"]["method"] == method
    assert failed(made, verifier) == []
    made["rejected"][0]["verdict"]["method"] = "judge: big"
    assert failed(made, verifier) == ["verdict on withheld 1"]
    made = maker.receipt_of(said)
    made["judgements"][1]["ruling"] = "unsupported"  # then nothing was to be overruled
    assert failed(made, verifier) == ["verdict on withheld 1"]
    made = maker.judged()
    made["rejected"][0]["verdict"]["method"] = method
    made["judgements"][2]["ruling"] = "supported"
    assert failed(made, verifier) == ["verdict on withheld 1"]


def test_sentence_withheld_for_too_many_quotes_holds(maker, hours, verifier):
    numbers = tuple(s.number for s in maker.numbered.sentences)[::2][: MAX_QUOTES + 1]
    said = {PLAIN: Judgement("supported", (hours,)), FREE: Judgement("supported", numbers)}
    made = maker.receipt_of(said)
    assert made["rejected"][0]["verdict"]["label"] == "partial"
    assert failed(made, verifier) == []


def test_sentence_that_leans_on_a_withheld_one_goes_with_it(maker, hours, verifier):
    said = {
        PLAIN: Judgement("supported", (hours,)),
        "It won a prize.": Judgement("unsupported"),
    }
    leaning = Rejected(
        "It was trained on 680,000 hours of audio.",
        "x",
        Verdict("unsupported", 1.0, "leans on a withheld sentence"),
    )
    shown, lost = (maker.decided(*each) for each in said.items())
    made = maker.receipt([shown], [lost, leaning], said)
    assert failed(made, verifier) == []
    made["drafts"][2]["before"] = []
    assert failed(made, verifier) == ["verdict on withheld 2"]
    made["drafts"][2]["before"] = [PLAIN]  # which is shown
    assert failed(made, verifier) == ["verdict on withheld 2"]
    made["rejected"][1]["verdict"]["label"] = "contradicted"
    made["drafts"][2]["before"] = [lost.text]
    assert failed(made, verifier) == ["verdict on withheld 2"]


def test_receipt_of_a_judged_answer_is_vouched_for(library, checker, history, verifier):
    """The whole path: the engine asks a judge, and notes what it said."""

    class Yes:
        name, host, able, window = "big", "judge.example", True, 8000

        async def judge(self, question, evidence, sentences, before=()):
            number = next(s.number for s in evidence.sentences if "680,000 hours" in s.text)
            said = (Judgement("supported", (number,)), Judgement("unsupported", (number,)))
            return JudgeCall(tuple(said["dollar" in text] for text in sentences))

    engine = Engine(library, checker, history, Script(f"{FREE} It cost 90 dollars."), judge=Yes())
    answer = asyncio.run(engine.answer(QUESTION))
    assert [claim.text for claim in answer.claims][:1] == [FREE]
    made = receipt.make_receipt(history, answer.id)
    assert made["judge"]["host"] == "judge.example" and len(made["judgements"]) == 2
    checks = recheck(receipt.read_receipt(receipt.canonical(made)), verifier, library.store)
    assert outcomes(checks) == {"verdict on claim 1": "vouched"}
    assert "vouched for by big" in summary(made, checks)


# Forgeries


def no_judge(made):
    made["judge"] = None


def neither_judge_nor_words(made):
    made["judge"], made["judgements"] = None, []


def another_judge(made):
    made["judge"]["name"] = "bigger"


def judge_without_name(made):
    made["judge"]["name"] = " "
    for item in (*made["claims"], *made["rejected"]):
        item["verdict"]["method"] = "judge:  "


def path_in_host(made):
    made["judge"]["host"] = "judge.example/v1"


def no_words(made):
    del made["judgements"][1]


def other_ruling(made):
    made["judgements"][1]["ruling"] = "unsupported"


def unsupported_words(made):
    made["judgements"][1]["unsupported"] = ["seventy-five years"]


def words_twice(made):
    made["judgements"].append(made["judgements"][0] | {"ruling": "unsupported"})


def words_on_nothing(made):
    made["judgements"][2]["text"] += " Really."


def number_that_is_none(made):
    made["judgements"][1]["sentences"][0]["number"] = 10_000


def number_below_one(made):
    made["judgements"][1]["sentences"][0]["number"] = 0


def no_sentences(made):
    made["judgements"][1]["sentences"] = []
    made["claims"][1]["citations"] = []


def number_of_another(made):
    made["judgements"][1]["sentences"][0]["number"] += 3


def place_outside(made):
    made["judgements"][1]["sentences"][0]["end"] += 100_000


def place_within_a_sentence(made):
    for said in made["judgements"][:2]:
        said["sentences"][0]["start"] += 3
    for claim in made["claims"]:
        cited = claim["citations"][0]
        cited["before"] += cited["quote"][:3]
        cited["start"], cited["quote"] = cited["start"] + 3, cited["quote"][3:]


def quote_not_named(made):
    said = made["judgements"][1]
    said["sentences"] = said["sentences"][:1]


def dispute_from_nowhere(made):
    made["claims"][1]["disputed_by"] = made["claims"][0]["citations"]


def quote_of_a_withheld_sentence(made):
    made["rejected"][0]["citations"] = made["claims"][0]["citations"]


def reason_of_a_withheld_sentence(made):
    made["rejected"][0]["reason"] = "Its makers are in prison."


def quotes_without_a_model(made):
    made["mode"], made["model"] = "quoted", ""


def no_quotes(made):
    made["claims"][1]["citations"] = []


def several_works(made):
    made["claims"][1]["works"] += 2


def second_hand(made):
    made["claims"][1]["secondary"] = not made["claims"][1]["secondary"]


def score_above_one(made):
    made["claims"][1]["verdict"]["score"] = 2.0


def reason_of_a_claim(made):
    made["claims"][1]["reason"] = "a part is missing"


def sentence_before_that_was_not_written(made):
    made["drafts"][1]["before"] = ["It was fed for a hundred years."]


def sentence_before_that_came_after(made):
    made["drafts"][0]["before"] = [FREE]


def judge_as_the_method_of_a_checked_claim(made):
    made["claims"][1]["verdict"]["method"] = "rules + cross-encoder (judge: timeout)"


def test_any_changed_value_is_read_without_an_exception(judged, verifier):
    """Whatever stands in a judge's words, and by whatever rules they are said to be decided."""
    paths = [
        ("judgements", n, name) for n in range(3) for name in ("ruling", "sentences", "unsupported")
    ]
    paths += [
        ("judgements", 1, "sentences", 0, name) for name in ("number", "label", "start", "end")
    ]
    for path in (*paths, ("judge",), ("judge", "name"), ("judge", "host"), ("judgements",)):
        for value in (None, -1, 0, 1, 10**6, "", "x", "contradicted", "supported", [], {}):
            made = copy.deepcopy(judged)
            at = made
            for key in path[:-1]:
                at = at[key]
            if at[path[-1]] == value:
                continue
            at[path[-1]] = value
            made["checker"]["verifier_version"] += 1
            checks = recheck(receipt.seal(made), verifier)
            assert summary(made, checks) != "the receipt holds", (path, value)


@pytest.mark.parametrize(
    ("forge", "caught"),
    [
        (no_judge, "judge"),
        (neither_judge_nor_words, "verdict on claim 2"),
        (another_judge, "verdict on claim 2"),
        (judge_without_name, "judge"),
        (path_in_host, "judge"),
        (no_words, "verdict on claim 2"),
        (other_ruling, "verdict on claim 2"),
        (unsupported_words, "verdict on claim 2"),
        (words_twice, "judge"),
        (words_on_nothing, "judge"),
        (number_that_is_none, "judge"),
        (number_below_one, "judge"),
        (no_sentences, "verdict on claim 2"),
        (number_of_another, "judge"),
        (place_outside, "judge"),
        (place_within_a_sentence, "judge"),
        (quote_not_named, "verdict on claim 2"),
        (several_works, "verdict on claim 2"),
        (second_hand, "verdict on claim 2"),
        (score_above_one, "verdict on claim 2"),
        (reason_of_a_claim, "verdict on claim 2"),
        (judge_as_the_method_of_a_checked_claim, "verdict on claim 2"),
        (sentence_before_that_was_not_written, "sentences"),
        (sentence_before_that_came_after, "sentences"),
        (dispute_from_nowhere, "verdict on claim 2"),
        (quote_of_a_withheld_sentence, "verdict on withheld 1"),
        (reason_of_a_withheld_sentence, "verdict on withheld 1"),
        (quotes_without_a_model, "verdict on claim 2"),
        (no_quotes, "verdict on claim 2"),
    ],
)
def test_forged_word_of_a_judge_fails(judged, verifier, forge, caught):
    made = copy.deepcopy(judged)
    forge(made)
    assert caught in failed(made, verifier)


@pytest.mark.parametrize(
    "text", ["It is a map, it is a map, it is a map, it is a map.", "Yes, that is so."]
)
def test_judged_sentence_that_is_no_claim_has_the_reason_of_the_verifier(
    maker, hours, text, verifier
):
    judgements = {PLAIN: Judgement("supported", (hours,)), text: Judgement("unsupported")}
    made = maker.receipt_of(judgements)
    assert made["rejected"][0]["verdict"]["method"] == "rules"
    assert not failed(made, verifier)
