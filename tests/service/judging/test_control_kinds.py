"""Kinds of control sentences: relations, sentences of the draft, parts left out, two as one."""

import random
from collections import Counter

import pytest

from service.judging.controls import make_controls
from service.judging.draft_falsification import falsified_drafts
from service.judging.evidence import number_evidence
from service.judging.falsification import falsified
from service.judging.relations import exchanged, widened
from service.judging.shortening import joined, shortened
from service.text.numerals import mentioned
from tests.support.scripted_judge_model import evidence_of

EVIDENCE = (
    "The Kanda reading room opened in 1931 and holds 40,000 maps. All of it is open. The maps of the room were drawn by hand.",
    "Most of the maps in the room show rivers. Readers like what Otto Lind wrote of Ada Berg and her work.",
)


@pytest.mark.parametrize(
    ("sentence", "made"),
    [
        ("Ada Berg founded the Kanda Library.", "Kanda Library founded the Ada Berg."),
        ("OpenAI2 released the model Whisper2.", "Whisper2 released the model OpenAI2."),
        ("OpenAIはWhisperを公開した。", "WhisperはOpenAIを公開した。"),
    ],
)
def test_names_of_a_relation_are_exchanged(sentence, made):
    assert list(exchanged(sentence, [sentence])) == [made]


@pytest.mark.parametrize(
    ("sentence", "others"),
    [
        ("Ada Berg met Otto Lind.", ()),
        ("Ada Berg and Otto Lind founded it.", ()),
        ("Ada Berg founded the Kanda Library.", ("The Kanda Library made Ada Berg known.",)),
        ("When founded by Ada, Berg was small.", ()),
        ("When used as an RM, the model is good.", ()),
    ],
)
def test_names_are_not_exchanged_where_both_ways_may_be_true(sentence, others):
    assert not list(exchanged(sentence, [sentence, *others]))


@pytest.mark.parametrize(
    ("sentence", "made"),
    [
        ("Most of the maps show rivers.", "All of the maps show rivers."),
        ("Many readers come by bus.", "All readers come by bus."),
        ("The maps are often old.", "The maps are always old."),
        ("The maps mainly show rivers.", "The maps exclusively show rivers."),
        ("多くの地図は川を描いている。", "すべての地図は川を描いている。"),
        ("地図は主に川を描いている。", "地図はもっぱら川を描いている。"),
    ],
)
def test_scope_is_widened(sentence, made):
    assert list(widened(sentence, [sentence])) == [made]


@pytest.mark.parametrize(
    ("sentence", "others"),
    [
        ("Most of the maps show rivers.", ("All maps of the room show rivers.",)),
        ("The most important maps are old.", ()),
        ("Maps are more often old.", ()),
        ("All who often come are readers.", ()),
        ("すべての人がしばしば来る。", ()),
    ],
)
def test_scope_is_not_widened_where_that_may_be_true(sentence, others):
    assert not list(widened(sentence, [sentence, *others]))


DRAFTS = (
    "It holds 40,000 maps.",
    "Readers like what Otto Lind wrote.",
    "竜は港の文庫を守っている。",
)


def test_draft_is_made_false_by_what_stands_nowhere_else():
    texts = [sentence.text for sentence in number_evidence(evidence_of(*EVIDENCE), 9999).sentences]
    known = "\n".join((*texts, *DRAFTS))
    kinds = Counter()
    for seed in range(40):
        for made in falsified_drafts(DRAFTS, texts, random.Random(seed)):
            number = mentioned(made.text) - mentioned(known)
            words = made.text.replace("。", " ").replace(".", " ").split()
            name = any(word[:3].isalpha() and word not in known for word in words)
            assert number or name, made
            assert made.original in DRAFTS and made.copied in ("", made.original)
            kinds[bool(made.copied), made.text.startswith(made.original[:-1])] += 1
    assert len(kinds) >= 3


@pytest.mark.parametrize(
    "draft",
    ["What is a map?", "The room is open", "I hope this helps!", "- maps\n- rivers", "Maps."],
)
def test_draft_that_is_no_plain_claim_is_not_made_false(draft):
    assert not list(falsified_drafts([draft], list(EVIDENCE), random.Random(1)))


def test_estimate_in_a_draft_does_not_become_another_of_the_same_number():
    """About 44,000 may be said of 40,000."""
    draft = "It holds about 90,000 maps."
    taken = ["It holds 40,000 maps.", "It has 150,000 books.", "It has 200,000 letters."]
    for seed in range(60):
        for made in falsified_drafts([draft], taken, random.Random(seed)):
            if made.copied:
                (new,) = mentioned(made.text) - {90_000.0}
                assert all(abs(new - n) > 0.2 * n for n in (40_000, 150_000, 200_000))


def test_half_of_the_false_controls_are_made_of_the_draft_and_no_kind_is_most():
    evidence = number_evidence(evidence_of(*EVIDENCE), 10_000)
    texts = [sentence.text for sentence in evidence.sentences]
    lions = ["The lion keeps 17 keys.", "A lion bought the harbour."]
    found = Counter()
    for seed in range(300):
        made = make_controls(evidence, lions, random.Random(seed))
        ours = "lion" in made.false
        new = mentioned(made.false) - mentioned("\n".join((*texts, *lions)))
        found["draft" if ours else "evidence", "number" if new else "other"] += 1
    assert 100 < sum(n for (where, _), n in found.items() if where == "draft") < 200
    assert max(found.values()) < 150 and len(found) == 4


def test_kinds_are_drawn_at_random():
    evidence = [
        "The maps of Ada Berg were drawn in 1931.",
        "Most of the maps show rivers.",
        "Ada Berg founded the Kanda Library.",
    ]
    first = {next(falsified(evidence, evidence, random.Random(seed))).text for seed in range(40)}
    assert {text.split()[0] for text in first} >= {"The", "All", "Kanda"}
    assert any(" not " in text for text in first) and len(first) > 4


@pytest.mark.parametrize(
    ("sentence", "made"),
    [
        ("The old reading room, which Ada Berg founded, is open.", "The old reading room is open."),
        ("The maps lie in the east wing, which has three floors.", "The maps lie in the east wing."),
        ("The room (in Kanda) is open to all the readers.", "The room is open to all the readers."),
        ("The old room is open to readers, and the wing is closed.", "The old room is open to readers."),
        ("閲覧室は1931年に開かれ、4万枚の地図を所蔵する。", "閲覧室は4万枚の地図を所蔵する。"),
        # What is left might not be true alone.
        ("If it rains, the room, which is old, is closed.", "If it rains, the room, which is old, is closed."),
        ("The room is closed to all, and the guide says it is old.", "The room is closed to all, and the guide says it is old."),
        ("The room (only in May) is open to all the readers.", "The room (only in May) is open to all the readers."),
        ("地図は古ければ、東館へ移される。", "地図は古ければ、東館へ移される。"),
        ("館長は辞任せず、地図を守った。", "館長は辞任せず、地図を守った。"),
    ],
)  # fmt: skip
def test_part_is_left_out_where_the_rest_stays_true(sentence, made):
    assert shortened(sentence) == made


@pytest.mark.parametrize(
    ("first", "second", "made"),
    [
        ("The room is open.", "The wing is closed.", "The room is open, and the wing is closed."),
        ("The room is open.", "Kanda lies near.", "The room is open, and Kanda lies near."),
        ("閲覧室は神田にある。", "地図は古い。", None),
        ("地図は東館にある。", "月曜日は休館である。", None),
        ("閲覧室には地図がある。", "月曜日は休館である。", "閲覧室には地図があり、月曜日は休館である。"),
        ("地図は東館へ移された。", "西館は閉じた。", "地図は東館へ移され、西館は閉じた。"),
        ("地図は東館へ移された。", "月曜日は休館である。", None),  # the tense would be lost
        ("The guide says it is old.", "The wing is closed.", None),
        ("If it rains, the room is closed.", "The wing is open.", None),
        ("The room is open.", "Readers come.", None),  # whether that is a name is not known
        ("The room is open.", "地図は古い。", None),
    ],
)  # fmt: skip
def test_two_sentences_are_joined_where_that_is_grammatical(first, second, made):
    assert joined(first, second, f"They love Kanda. {first} {second}") == made


def test_verdict_on_a_joined_control_must_name_both_sentences():
    text = "The Kanda room is open to readers. The east wing is closed on every Monday."
    evidence = number_evidence(
        evidence_of(text, "The guide of 1931 names 40,000 maps of rivers."), 9999
    )
    found = set()
    for seed in range(60):
        made = make_controls(evidence, ["It was so in 1712."], random.Random(seed))
        if ", and the east wing" in made.true:
            found.add(made.sources)
    assert found == {(frozenset({1}), frozenset({2}))}
