"""Control sentences against a judge that tries to tell them from the sentences of an answer."""

import random
import time
from collections import Counter
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.judging.controls import Controls, disguise, make_controls
from service.judging.evidence import number_evidence
from service.text.alignment import coverage_share
from service.text.numerals import mentioned
from service.text.prompt_injection import neutral
from tests.support.paths import ROOT
from tests.support.scripted_judge_model import evidence_of

LIES = {
    "en": ["A library of the queen stands on the moon.", "Dragons keep the archive of the harbour."],
    "ja": ["女王の図書館は月にある。", "竜は港の文庫を守っている。"],
}  # fmt: skip
OF_EACH = 30  # calls made for each digest


@cache
def digests():
    """The paragraphs of the digests, without headings, by name."""
    folder = ROOT / "corpus" / "library" / "digests"
    return {
        path.stem: [p for p in path.read_text(encoding="utf-8").split("\n\n") if p[0] != "#"]
        for path in sorted(folder.glob("*.md"))
    }


@cache
def calls():
    """What a judge sees in many calls: evidence, sentences, and where the controls stand."""
    made = []
    for name, paragraphs in digests().items():
        for n in range(OF_EACH):
            rng = random.Random(f"{name} {n}")
            chosen = rng.sample(paragraphs, min(len(paragraphs), rng.choice([2, 4, 8])))
            evidence = number_evidence(evidence_of(*chosen), 10**6)
            lies = LIES["ja" if name.endswith("-ja") or n % 3 == 0 else "en"]
            if controls := make_controls(evidence, lies, rng):
                texts = [neutral(sentence.text) for sentence in evidence.sentences]
                made.append((texts, disguise(lies, controls, rng)))
    return made


def passed(judge):
    """The share of calls in which a judge is believed that supports all lies."""
    right = 0
    for texts, mixed in calls():
        supported = [judge(sentence, texts) for sentence in mixed.sentences]
        right += supported[mixed.true_at] and not supported[mixed.false_at]
    return right / len(calls())


def nearest(sentence, texts):
    return max((coverage_share(sentence, text), text) for text in texts)


def test_nearly_every_call_has_controls():
    assert len(calls()) >= 0.95 * OF_EACH * len(digests())


def test_false_control_never_stands_in_the_evidence_and_the_true_one_seldom():
    false = [mixed.sentences[mixed.false_at] in texts for texts, mixed in calls()]
    true = [mixed.sentences[mixed.true_at] in texts for texts, mixed in calls()]
    assert sum(false) == 0 and sum(true) / len(true) <= 0.05


@pytest.mark.parametrize(
    "judge",
    [
        lambda sentence, texts: True,
        lambda sentence, texts: sentence in texts,
        lambda sentence, texts: sentence not in texts,
        lambda sentence, texts: not any(c.isdigit() for c in sentence),
        lambda sentence, texts: len(sentence) < 100,
        lambda sentence, texts: nearest(sentence, texts)[0] < 0.8,
        lambda sentence, texts: sentence in texts or nearest(sentence, texts)[0] < 0.8,
    ],
    ids=["all", "verbatim", "not verbatim", "without digits", "short", "far", "verbatim or far"],
)
def test_judge_that_supports_lies_by_a_simple_mark_is_mostly_not_believed(judge):
    """At most 17 % of calls: without digits 17, far 14, short 9, the others none."""
    assert passed(judge) <= 0.3


def test_judge_that_reads_numbers_alone_is_mostly_not_believed():
    """It is believed in 29 % of calls; a false control has a number of its own in fewer than half."""
    share = passed(lambda sentence, texts: mentioned(sentence) <= mentioned("\n".join(texts)))
    assert share <= 0.4, share


def test_judge_that_knows_controls_by_their_wording_is_mostly_not_believed():
    """It judges near copies of the evidence well, and supports all else: believed in 21 %.

    Half of the false controls are made of the sentences to judge, and are as far from the evidence.
    """

    def judge(sentence, texts):
        share, text = nearest(sentence, texts)
        return share < 0.8 or mentioned(sentence) <= mentioned(text)

    share = passed(judge)
    assert share <= 0.4, share


def places(sentences, count=1200, controls=None):
    found = Counter()
    for seed in range(count):
        mixed = disguise(sentences, controls or Controls("False.", "True."), random.Random(seed))
        found[mixed.false_at] += 1
        found[len(mixed.sentences) + mixed.true_at] += 1
    return found


@pytest.mark.parametrize("size", [1, 2, 5, 8])
def test_controls_stand_everywhere_equally_often(size):
    found = places([f"The room {n} stands alone." for n in range(size)])
    total = size + 2
    assert len(found) == 2 * total
    assert all(0.6 < found[n] * total / 1200 < 1.5 for n in range(2 * total)), found


def test_controls_stand_first_also_where_the_answer_begins_with_a_pronoun():
    """Else a judge knows that the first sentence is one of the answer, and supports it.

    Only a copy of the sentence with another number can: its pronoun means the same. Any other
    control before a pronoun would be taken for what the pronoun means.
    """
    sentence = "It holds 40,000 maps."
    copy = Controls("It holds 70,000 maps.", "True.", copied=sentence)
    assert 300 < places([sentence], controls=copy)[0] < 900
    evidence = number_evidence(evidence_of(*digests()["whisper"]), 10**6)
    first = 0
    for seed in range(200):
        rng = random.Random(seed)
        mixed = disguise([sentence], make_controls(evidence, [sentence], rng), rng)
        first += mixed.false_at == 0
    assert first > 10


@pytest.mark.xfail(strict=True, reason="a control that is no copy would be what a pronoun means")
def test_any_control_stands_before_a_sentence_that_refers_to_another():
    assert places(["It holds 40,000 maps."])[0]


def test_true_control_never_stands_between_a_copy_and_its_pronoun():
    sentences = ["The room is open.", "It holds 40,000 maps.", "It is old."]
    copy = Controls("It holds 70,000 maps.", "True.", copied=sentences[1])
    for seed in range(400):
        mixed = disguise(sentences, copy, random.Random(seed))
        kept = [
            text
            for n, text in enumerate(mixed.sentences)
            if n not in (mixed.false_at, mixed.true_at)
        ]
        assert kept == sentences
        assert mixed.sentences[mixed.true_at + 1 : mixed.true_at + 2] not in (
            ("It holds 40,000 maps.",), ("It is old.",),
        )  # fmt: skip
        assert mixed.sentences[mixed.false_at + 1 : mixed.false_at + 2] != ("It is old.",)
        if mixed.true_at + 1 == mixed.false_at:
            assert mixed.false_at == 4 or "40,000" not in mixed.sentences[mixed.false_at + 1]


SHAPES = {
    "one sentence": ["The Kanda reading room opened in 1931 and holds 40,000 maps."],
    "one Japanese sentence": ["神田閲覧室は1931年に開かれ、4万枚の地図を所蔵する。"],
    "headings": ["# Kanda", "## The room", "Opening hours"],
    "list": ["- maps\n- rivers\n- 1931", "1. Open the door.\n2. Close it."],
    "numbers": ["1931 40,000 3.5 % 12", "１９３１年４万枚", "9" * 200 + "."],
    "digits in long": ["The room holds " + "9" * 150 + " maps of rivers and lakes."],
    "table": ["| a | b |\n|---|---|\n| 1 | 2 |"],
    "other digits": ["The Kanda room opened in ١٩٣١ and holds ４０ maps of rivers."],
    "other languages": ["Der Lesesaal wurde 1931 eröffnet und hat 40.000 Karten."],
    "nothing": [], "blank": ["", " ", "\u200b"],
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_any_text_gives_controls_or_none(shape):
    evidence = number_evidence(evidence_of(*SHAPES[shape]), 10_000)
    texts = [neutral(sentence.text) for sentence in evidence.sentences]
    for seed in range(30):
        made = make_controls(evidence, LIES["en"], random.Random(seed))
        if made:
            assert made.false not in texts and made.false != made.true
    if shape.startswith("one"):
        assert made


WORDS = st.sampled_from(
    "The room Kanda Ada Berg is was not 1931 40,000 3.5 % 0 12 万枚 は である。 . , ( ) “ ” maps of"
    " 地図 1,000,000 million two in to １９ ١ 月 日 年 つ が ある。 し た。 \n If Some -".split(" ")
)


@settings(deadline=None, max_examples=150, derandomize=True)
@given(st.lists(WORDS, max_size=60), st.text(max_size=40), st.integers(0, 9))
def test_no_text_makes_the_making_of_controls_fail(words, text, seed):
    whole = "".join(word if ord(word[:1] or "a") > 0x3000 else f" {word}" for word in words)
    evidence = number_evidence(evidence_of(whole, text), 10_000)
    made = make_controls(evidence, LIES["ja"], random.Random(seed))
    assert made is None or made.false != made.true


def test_controls_of_much_evidence_are_made_fast():
    every = [paragraph for paragraphs in digests().values() for paragraph in paragraphs]
    evidence = number_evidence(evidence_of(*every), 10**6)
    began = time.monotonic()
    assert len(evidence.sentences) > 300
    assert make_controls(evidence, LIES["en"], random.Random(1))
    assert time.monotonic() - began < 3
