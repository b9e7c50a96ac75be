"""The self-test of a judge: its items, its outcome, and where that is kept."""

import asyncio
import json

import pytest

from corpus.errors import ModelUnavailable
from service.judging.judge import ModelJudge
from service.judging.self_test import (
    GivenPassage,
    Group,
    InvalidSelfTest,
    Item,
    fingerprint,
    load_self_test,
    run_self_test,
)
from service.judging.standing import Standing, standing_key
from tests.support.paths import ROOT
from tests.support.scripted_judge_model import ScriptedJudgeModel, verdict

ITEMS = ROOT / "tests" / "support" / "self_test_items.toml"
TRUE = {"It opened in 1931.", "地図は三階建ての東館にあります。"}


def honest(sentence, evidence):
    return verdict("supported") if sentence in TRUE else verdict("contradicted")


def run(model, groups=None):
    return asyncio.run(run_self_test(model, groups or load_self_test(ITEMS), 5))


def test_items_are_read():
    first, second = load_self_test(ITEMS)
    assert first.question == "When did the room open?" and second.language == "ja"
    assert first.items[0] == Item("pronoun", "It opened in 1931.", True, (1,), ("The room is in Kanda.",))  # fmt: skip
    assert [s.text for s in first.evidence().sentences][1:] == [
        "It holds 40,000 maps of rivers.", "地図は2004年に東館へ移された。",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("supported = true", ""),
        ("supported = true", 'supported = "yes"'),
        ("needs = [1]", "needs = [4]"),
        ("needs = [1]", "needs = []"),
        ("needs = []", "needs = [1]"),
        ('kind = "number"', 'kind = "number"\nhard = 3'),
        ('kind = "number"', 'kind = ""'),
        ('title = "Kanda reading room"', ""),
        ('"It holds 40,000 maps of rivers."', '"It holds maps. Of rivers."'),
        ('"It holds 40,000 maps of rivers."', "3"),
        ("before = []", 'before = ["The room."]'),
        ("before = []", "before = [3]"),
        ("[[group]]", "[group]"),
        ("[[group.item]]", "[[group.items]]"),
        ('language = "en"', 'language = "en'),
        ('language = "en"', 'language = "fr"'),
    ],
)
def test_invalid_items_are_refused(tmp_path, old, new):
    text = ITEMS.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "items.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InvalidSelfTest):
        load_self_test(path)


def test_honest_judge_passes_with_a_call_for_each_group():
    model = ScriptedJudgeModel(honest)
    report = run(model)
    assert report.passed and report.answered and len(model.calls) == len(report.calls) == 2
    assert all(result.right for result in report.results)
    assert report.score(True) == report.score(False) == (2, 2) and report.tokens == 240
    assert "not to be judged:\nThe room is in Kanda.\n" in model.calls[0][-1]["content"]
    assert "not to be judged:\n(none)\n" in model.calls[1][-1]["content"]


@pytest.mark.parametrize("ruling", ["supported", "unsupported", "contradicted"])
def test_judge_that_always_says_the_same_fails(ruling):
    report = run(ScriptedJudgeModel(lambda sentence, evidence: verdict(ruling)))
    assert not report.passed and report.answered
    assert report.score(ruling != "supported") == (0, 2)


def groups_of(count):
    passages = (GivenPassage("A", ("The room opened in 1931.",)),)
    items = [Item("k", f"{t} sentence {n}.", t, (1,) * t) for t in (True, False) for n in range(count)]  # fmt: skip
    return (Group("When?", "en", passages, tuple(items)),)


@pytest.mark.parametrize(
    ("wrong", "passed"),
    [((), True), (("True sentence 3.",), True), (("True sentence 3.", "False sentence 3."), True),
     (("True sentence 3.", "True sentence 4."), False), (("False sentence 0.", "False sentence 1."), False)],
)  # fmt: skip
def test_one_of_twelve_on_each_side_may_be_wrong(wrong, passed):
    def rule(sentence, evidence):
        return verdict("supported" if sentence.startswith("True") != (sentence in wrong) else "unsupported")  # fmt: skip

    assert run(ScriptedJudgeModel(rule), groups_of(12)).passed == passed


def test_unreadable_reply_is_wrong_for_true_and_false_items():
    report = run(ScriptedJudgeModel(honest, write=lambda verdicts: "Yes, yes, no."))
    assert report.answered and not report.passed
    assert report.score(True) == report.score(False) == (0, 2)
    assert {result.failure for result in report.results} == {"unreadable"}


def judge(model, folder=None):
    standing = Standing(folder) if folder else None
    return ModelJudge(model, 8192, 5, standing, items=ITEMS)


def test_judge_is_able_once_it_passed():
    proved = judge(ScriptedJudgeModel(honest))
    assert not proved.able
    report = asyncio.run(proved.prove())
    assert report.passed and proved.able
    failed = judge(ScriptedJudgeModel(lambda sentence, evidence: verdict()))
    assert not asyncio.run(failed.prove()).passed and not failed.able


@pytest.mark.parametrize("passes", [True, False])
def test_outcome_is_kept_and_the_test_not_taken_again(tmp_path, passes):
    rule = honest if passes else lambda sentence, evidence: verdict()
    asyncio.run(judge(ScriptedJudgeModel(rule), tmp_path / "data").prove())
    model = ScriptedJudgeModel(rule)
    later = judge(model, tmp_path / "data")
    assert asyncio.run(later.prove()) is None and later.able == passes and not model.calls
    assert asyncio.run(later.prove(again=True)) is not None and model.calls


def test_outcome_is_kept_by_server_model_and_items(tmp_path):
    asyncio.run(judge(ScriptedJudgeModel(honest), tmp_path).prove())
    for field in ("name", "address"):
        model = ScriptedJudgeModel(honest)
        setattr(model, field, "another")
        asyncio.run(judge(model, tmp_path).prove())
        assert model.calls, field
    kept = json.loads((tmp_path / "judges.json").read_text(encoding="utf-8"))
    items = fingerprint(load_self_test(ITEMS))
    assert standing_key("judge.example:8080/v1", "scripted", items) in kept and len(kept) == 3
    assert fingerprint(load_self_test(ITEMS)[:1]) != items


def test_outcome_without_a_reply_is_not_kept(tmp_path):
    down = judge(ScriptedJudgeModel(honest, error=ModelUnavailable("down")), tmp_path)
    assert not asyncio.run(down.prove()).answered and not down.able
    up = judge(ScriptedJudgeModel(honest), tmp_path)
    assert asyncio.run(up.prove()).passed and up.able


def test_server_that_does_not_tell_its_model_leaves_judge_unable(tmp_path):
    class Nameless(ScriptedJudgeModel):
        async def identify(self):
            raise ModelUnavailable("down")

    nameless = judge(Nameless(honest), tmp_path)
    assert asyncio.run(nameless.prove()) is None and not nameless.able


@pytest.mark.parametrize("damaged", ["", "{", "[]", "[" * 100_000, '{"a": 1}', "\udcff"])
def test_damaged_file_counts_as_empty(tmp_path, damaged):
    path = tmp_path / "judges.json"
    path.write_text(damaged, encoding="utf-8", errors="surrogateescape")
    proved = judge(ScriptedJudgeModel(honest), tmp_path)
    assert asyncio.run(proved.prove()).passed and proved.able
    key = standing_key("judge.example:8080/v1", "scripted", fingerprint(load_self_test(ITEMS)))
    path.write_text(json.dumps({key: {"passed": "perhaps"}}), encoding="utf-8")
    assert Standing(tmp_path).get(key) is None
    assert [each.name for each in tmp_path.glob("*.part")] == []


def test_two_judges_at_once_take_the_test_once(tmp_path):
    first, second = ScriptedJudgeModel(honest), ScriptedJudgeModel(honest)
    judges = judge(first, tmp_path), judge(second, tmp_path)

    async def both():
        await asyncio.gather(*(each.prove() for each in judges))

    asyncio.run(both())
    assert len(first.calls) + len(second.calls) == 2 and all(each.able for each in judges)
