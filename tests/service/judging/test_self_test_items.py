"""Tests that the self-test of a judge is complete, consistent and not to be passed by a trick."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from corpus.text.sentences import sentences
from service.text.prompt_injection import for_readers

ROOT = Path(__file__).parents[3]
GROUPS: list[dict[str, Any]] = tomllib.loads(
    (ROOT / "service/judging/self_test.toml").read_text(encoding="utf-8")
)["group"]
ITEMS = [(group, item) for group in GROUPS for item in group["item"]]

TRUE_KINDS = {"restatement", "join", "pronoun", "number", "true_clauses"}
FALSE_KINDS = {
    "number",
    "entity",
    "relation",
    "cause",
    "scope",
    "modality",
    "merged_facts",
    "negation",
    "lie_behind_true_clauses",
    "order_in_evidence",
    "order_in_sentence",
}
ENOUGH = 11  # of the 12 on each side


def evidence(group: dict[str, Any]) -> list[str]:
    return [sentence for passage in group["passage"] for sentence in passage["sentences"]]


def language(text: str) -> str:
    return "ja" if re.search("[ぁ-んァ-ヶ一-龠]", text) else "en"


def passages() -> Iterator[tuple[list[str], str]]:
    """Yield the sentences of each passage, and its text."""
    for group in GROUPS:
        for passage in group["passage"]:
            listed = passage["sentences"]
            yield listed, ("" if language(listed[0]) == "ja" else " ").join(listed)


def test_counts():
    assert len(ITEMS) == 24
    assert 5 <= len(GROUPS) <= 6
    assert Counter(item["supported"] for _, item in ITEMS) == {True: 12, False: 12}
    assert Counter(group["language"] for group, _ in ITEMS) == {"en": 12, "ja": 12}
    for name in ("en", "ja"):
        sides = Counter(item["supported"] for group, item in ITEMS if group["language"] == name)
        assert sides == {True: 6, False: 6}


def test_fields_are_those_that_the_file_describes():
    for group in GROUPS:
        assert set(group) == {"language", "question", "passage", "item"}
        assert all(set(passage) == {"title", "sentences"} for passage in group["passage"])
    for _, item in ITEMS:
        assert set(item) == {"kind", "before", "sentence", "supported", "needs"}
        assert type(item["supported"]) is bool


def test_every_kind_occurs_on_its_side():
    assert {item["kind"] for _, item in ITEMS if item["supported"]} == TRUE_KINDS
    assert {item["kind"] for _, item in ITEMS if not item["supported"]} == FALSE_KINDS


def test_questions_and_items_are_in_their_language():
    for group, item in ITEMS:
        for text in (group["question"], item["sentence"], *item["before"]):
            assert language(text) == group["language"], text


@pytest.mark.parametrize(("asked", "written"), [("en", "ja"), ("ja", "en")])
def test_items_on_evidence_in_the_other_language(asked: str, written: str):
    crossed = [
        item
        for group, item in ITEMS
        if group["language"] == asked and all(language(text) == written for text in evidence(group))
    ]
    assert len(crossed) >= 3
    assert {item["supported"] for item in crossed} == {True, False}


def test_evidence_has_four_to_eight_sentences_in_one_to_three_passages():
    for group in GROUPS:
        assert 1 <= len(group["passage"]) <= 3
        assert 4 <= len(evidence(group)) <= 8


def test_evidence_splits_into_the_sentences_listed():
    for listed, text in passages():
        assert sentences(text) == listed


def test_order_in_evidence_gets_past_the_filter():
    """The filter would take the order away, and the item with it would test nothing."""
    for listed, text in passages():
        assert len(for_readers(text)) == len(listed), listed


def test_items_are_one_sentence_each():
    for _, item in ITEMS:
        for text in (item["sentence"], *item["before"]):
            assert sentences(text) == [text]


def test_needed_numbers_exist_and_only_true_items_have_them():
    for group, item in ITEMS:
        needs = item["needs"]
        assert bool(needs) is item["supported"], item["sentence"]
        assert needs == sorted(set(needs) & set(range(1, len(evidence(group)) + 1)))


def test_joins_need_several_passages():
    for group, item in ITEMS:
        origin = [at for at, passage in enumerate(group["passage"]) for _ in passage["sentences"]]
        if item["kind"] == "join":
            assert len({origin[number - 1] for number in item["needs"]}) > 1, item["sentence"]


def test_only_a_pronoun_at_the_head_of_a_group_has_sentences_before_it():
    for group in GROUPS:
        for at, item in enumerate(group["item"]):
            assert bool(item["before"]) is (item["kind"] == "pronoun")
            assert at == 0 or not item["before"]


def test_texts_are_unique():
    texts = [
        *(group["question"] for group in GROUPS),
        *(text for group in GROUPS for text in evidence(group)),
        *(item["sentence"] for _, item in ITEMS),
    ]
    assert len(set(texts)) == len(texts)


def test_every_group_has_true_and_false_items_in_no_fixed_order():
    orders = [tuple(item["supported"] for item in group["item"]) for group in GROUPS]
    assert all(set(order) == {True, False} for order in orders)
    assert len(set(orders)) >= 3
    for place in range(min(map(len, orders))):
        assert {order[place] for order in orders} == {True, False}


def passes(ruled: list[bool]) -> bool:
    """Return whether a judge with these rulings, an item each, would pass."""
    right = Counter(
        item["supported"]
        for (_, item), ruling in zip(ITEMS, ruled, strict=True)
        if ruling is item["supported"]
    )
    return min(right[True], right[False]) >= ENOUGH


def pairs(text: str) -> set[str]:
    """Return the pairs of neighbouring characters, letters and digits alone."""
    letters = re.sub(r"[\W_]", "", text.lower())
    return {letters[at : at + 2] for at in range(len(letters) - 1)}


def words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+|\d+|[ァ-ヶー]+|[一-龠]", text.lower().replace(",", "")))


def numbers(text: str) -> set[str]:
    return set(re.findall(r"\d+", text.replace(",", "")))


def test_answer_key_passes_and_one_answer_for_all_does_not():
    assert passes([item["supported"] for _, item in ITEMS])
    assert not passes([True] * len(ITEMS))
    assert not passes([False] * len(ITEMS))


@pytest.mark.parametrize("features", [pairs, words])
def test_overlap_of_words_does_not_pass(features: Any):
    shares = []
    for group, item in ITEMS:
        own, theirs = features(item["sentence"]), features(" ".join(evidence(group)))
        shares.append(len(own & theirs) / len(own))
    for line in sorted({0.0, *shares}):
        assert not passes([share >= line for share in shares])
        assert not passes([share < line for share in shares])


def test_length_does_not_pass():
    lengths = [len(item["sentence"]) for _, item in ITEMS]
    for line in sorted(set(lengths)):
        assert not passes([length >= line for length in lengths])
        assert not passes([length < line for length in lengths])


def test_comparison_of_numbers_does_not_pass():
    assert not passes(
        [numbers(item["sentence"]) <= numbers(" ".join(evidence(group))) for group, item in ITEMS]
    )
