"""The strict parser of a judge's reply."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.judging.reply import UnreadableReply, parse_reply
from service.judging.types import Judgement
from tests.support.scripted_judge_model import reply, verdict

GOOD = reply([verdict(numbers=[1, 3]), verdict("unsupported", [], ["the moon"], False)])


def test_judgements_come_in_order_of_the_sentences():
    wanted = (Judgement("supported", (1, 3)), Judgement("unsupported", (), ("the moon",), False))
    assert parse_reply(GOOD, 2, 3) == wanted
    turned = json.loads(GOOD)
    turned["verdicts"].reverse()
    assert parse_reply(json.dumps(turned), 2, 3) == wanted


@pytest.mark.parametrize(
    "text",
    [
        f"  {GOOD}\n",
        f"```json\n{GOOD}\n```",
        f"```\n{GOOD}\n```\n",
        f"<think>1 and 3, {{so}}\n</think>\n\n{GOOD}",
        f"<think></think>```json\n{GOOD}\n```",
    ],
)
def test_thoughts_and_fence_around_json_are_skipped(text):
    assert len(parse_reply(text, 2, 3)) == 2


def changed(**fields):
    return reply([verdict(numbers=[1, 3]), verdict("unsupported") | fields])


@pytest.mark.parametrize(
    "text",
    [
        "",
        GOOD[: len(GOOD) // 2],
        GOOD + " I hope this helps.",
        "Here it is: " + GOOD,
        GOOD + GOOD,
        f"<think>never ends {GOOD}",
        f"<think>a</think><think>b</think>{GOOD}",
        "すべての文は資料で裏づけられています。",
        "all supported",
        "null",
        "[]",
        json.dumps(json.loads(GOOD)["verdicts"]),
        reply([verdict()]),
        reply([verdict()] * 3),
        GOOD.replace('"sentence": 2', '"sentence": 1'),
        GOOD.replace('"sentence": 2', '"sentence": 3'),
        GOOD.replace('"sentence": 2', '"sentence": "2"'),
        GOOD.replace('"sentence": 2', '"sentence": true'),
        GOOD.replace('{"verdicts"', '{"note": 1, "verdicts"'),
        GOOD.replace(
            '"verdict": "unsupported"', '"verdict": "unsupported", "verdict": "supported"'
        ),
        changed(verdict="Supported"),
        changed(verdict="true"),
        changed(verdict=["supported"]),
        changed(evidence=[4]),
        changed(evidence=[0]),
        changed(evidence=[-1]),
        changed(evidence=["1"]),
        changed(evidence=[1.0]),
        changed(evidence=[True]),
        changed(evidence=1),
        changed(evidence=None),
        changed(evidence=[1] * 11),
        changed(evidence=[], verdict="supported"),
        changed(evidence=[], verdict="contradicted"),
        changed(verdict="supported", unsupported_words=["moon"]),
        changed(unsupported_words="moon"),
        changed(unsupported_words=[1]),
        changed(answers="yes"),
        changed(answers=1),
        changed(confidence=0.9),
        GOOD.replace("[1, 3]", "[NaN]"),
        "[" * 100_000,
        '{"verdicts":' + "[" * 3000 + "]" * 3000 + "}",
        changed(unsupported_words=["x" * 5000]),
    ],
)
def test_anything_else_is_unreadable(text):
    with pytest.raises(UnreadableReply):
        parse_reply(text, 2, 3)


@pytest.mark.parametrize("field", list(verdict()))
def test_missing_field_is_unreadable(field):
    value = json.loads(GOOD)
    del value["verdicts"][0][field]
    with pytest.raises(UnreadableReply):
        parse_reply(json.dumps(value), 2, 3)


def test_number_named_twice_counts_once():
    assert parse_reply(reply([verdict(numbers=[2, 1, 2])]), 1, 3)[0].numbers == (2, 1)


PIECES = st.one_of(
    st.text(max_size=8),
    st.sampled_from(["{", "}", "[", "]", '"', ",", ":", "1", "null", "<think>", "</think>", "```"]),
)


@settings(deadline=None)
@given(st.integers(0, len(GOOD)), st.integers(0, 30), st.lists(PIECES, max_size=4))
def test_damaged_reply_is_unreadable_or_has_a_judgement_of_each_sentence(at, cut, pieces):
    text = GOOD[:at] + "".join(pieces) + GOOD[at + cut :]
    try:
        found = parse_reply(text, 2, 3)
    except UnreadableReply:
        return
    assert len(found) == 2 and all(1 <= n <= 3 for each in found for n in each.numbers)
    assert all(each.numbers or each.ruling == "unsupported" for each in found)


def test_words_can_be_kept_and_sent_whatever_characters_the_judge_writes():
    text = reply([verdict("unsupported", [], ["half \ud800", "nul \x00"])])
    (judgement,) = parse_reply(text, 1, 3)
    assert judgement.unsupported == ("half  ", "nul  ")
    "".join(judgement.unsupported).encode()
