"""What the checker is fitted on: losses, the order of rows, packs, and rows of written passages."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.support.small_checker import tokenizer
from tests.support.written_passages import ROW, text
from training import batches, documents, grading, packing, passages, reading, written_rows
from training.batches import Order
from training.data import differing
from training.losses import Targets, disagreement, loss_of, words_loss
from training.packing import fault, sound
from training.sources import CONTRADICTION, ENTAILMENT, NOT_SUPPORTED, Row

NLI = torch.tensor([[1.0, -0.5, 0.3]])
ANS = torch.tensor([0.7])


def loss(label: int, grade: float = -1, is_answer: bool = False) -> float:
    one = Targets(
        torch.tensor([is_answer]), torch.tensor([label]), torch.tensor([grade]),
        torch.full((1, 4), -1),
    )  # fmt: skip
    return loss_of(NLI, ANS, one).item()


def test_a_grade_counts_in_place_of_the_label() -> None:
    entails = float(torch.softmax(NLI, -1)[0, 0])
    answers = float(torch.sigmoid(ANS)[0])
    for label in (ENTAILMENT, CONTRADICTION, NOT_SUPPORTED):
        mixed = -0.75 * math.log(entails) - 0.25 * math.log(1 - entails)
        assert loss(label, 0.75) == pytest.approx(mixed, abs=1e-5)
    mixed = -0.25 * math.log(answers) - 0.75 * math.log(1 - answers)
    assert loss(1, 0.25, is_answer=True) == pytest.approx(mixed, abs=1e-5)


def test_labels_without_grades_are_smoothed() -> None:
    p = torch.softmax(NLI, -1)[0].tolist()
    three = -0.95 * math.log(p[2]) - 0.05 * sum(map(math.log, p)) / 3
    assert loss(CONTRADICTION) == pytest.approx(three, abs=1e-5)
    two = -0.95 * math.log(1 - p[0]) - 0.05 * math.log(p[0])
    assert loss(NOT_SUPPORTED) == pytest.approx(two, abs=1e-5)
    answers = float(torch.sigmoid(ANS)[0])
    right = -0.975 * math.log(answers) - 0.025 * math.log(1 - answers)
    assert loss(1, is_answer=True) == pytest.approx(right, abs=1e-5)


def test_disagreement_is_symmetric_divergence_of_each_pair() -> None:
    nli = torch.randn(4, 3, generator=torch.Generator().manual_seed(1))
    ans = torch.tensor([0.3, -1.2, 2.0, 2.0])
    p, q = torch.softmax(nli[0], -1), torch.softmax(nli[1], -1)
    claims = float(((p * (p / q).log()).sum() + (q * (q / p).log()).sum()) / 2)
    kind = torch.tensor([False, False, True, True])  # the questions agree
    assert disagreement(nli, ans, kind).item() == pytest.approx(claims / 2, abs=1e-5)
    a, b = torch.sigmoid(ans[:2]).tolist()
    there = a * math.log(a / b) + (1 - a) * math.log((1 - a) / (1 - b))
    back = b * math.log(b / a) + (1 - b) * math.log((1 - b) / (1 - a))
    asked = disagreement(nli[:2], ans[:2], torch.tensor([True, True])).item()
    assert asked == pytest.approx((there + back) / 2, abs=1e-5)


def test_only_known_words_count() -> None:
    logits = torch.tensor([[2.0, -1.0, 30.0]])
    known = -(math.log(1 / (1 + math.exp(-2))) + math.log(1 - 1 / (1 + math.exp(1)))) / 2
    assert words_loss(logits, torch.tensor([[1, 0, -1]])).item() == pytest.approx(known, abs=1e-5)
    assert words_loss(logits, torch.full((1, 3), -1)).item() == 0


def order(often: float = 1.0) -> Order:
    rng = np.random.default_rng(3)
    sizes, same = rng.integers(5, 60, 300), np.full(300, -1)
    same[:160] = np.arange(160) // 4
    return Order(sizes, np.full(300, often), same, 128)


def test_a_pass_has_each_row_as_often_as_asked_in_batches_within_the_budget() -> None:
    drawn = list(order(2.0).one_pass(np.random.default_rng(0)))
    for chosen, _ in drawn:
        assert len(chosen) * order().sizes[chosen].max() <= 128 or len(chosen) <= 2
    rest = np.concatenate([chosen for chosen, twins in drawn if not twins])
    together = np.concatenate([chosen for chosen, twins in drawn if twins])
    assert sorted(together) == sorted(set(together.tolist())) and len(together) == 80
    assert not set(rest) & set(together)
    assert np.bincount(rest, minlength=300).tolist() == [
        0 if n in together else 2 for n in range(300)
    ]


def test_rows_that_say_the_same_are_read_two_by_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "TWINS", 25)
    for seed in range(3):
        drawn = order().one_pass(np.random.default_rng(seed))
        pairs = np.concatenate([chosen.reshape(-1, 2) for chosen, twins in drawn if twins])
        assert len(pairs) == 25
        keys = order().same[pairs]
        assert (keys[:, 0] == keys[:, 1]).all() and (pairs[:, 0] != pairs[:, 1]).all()
        assert len(set(keys[:, 0])) == 25


def test_order_is_that_of_the_seed_and_rows_are_not_sorted_by_length() -> None:
    one, again, other = (
        [chosen.tolist() for chosen, _ in order().one_pass(np.random.default_rng(seed))]
        for seed in (1, 1, 2)
    )
    assert one == again != other
    longest = [order().sizes[chosen].max() for chosen in one]
    assert longest != sorted(longest)


def pair(first: str, second: str, held: bool = False) -> Row:
    return Row("nli", first, second, ENTAILMENT, "set", held)


BAD = [
    (pair(" ", "The mill closed."), "empty"),
    (pair("The mill closed.", "\n"), "empty"),
    (pair("The mill  closed.", "The mill closed. "), "evidence is the claim"),
    (pair("Мельница закрылась в 1911 году.", "The mill closed."), "third language"),
    (pair("The mill closed.", "방앗간은 1911년에 문을 닫았다."), "third language"),
    (pair("The mill closed.", "由于洪水损坏了水车磨坊于一九一一年停业。"), "third language"),
]
GOOD = [
    pair("The mill closed.", "Мельница (the mill) closed in 1911, after a flood broke the wheel."),
    pair("水車小屋は閉じた。", "The mill closed."),
    pair("The mill closed.", "東京都千代田区"),  # a name need not have kana
]


@pytest.mark.parametrize(("row", "reason"), BAD)
def test_a_bad_row_is_refused_with_its_reason(row: Row, reason: str) -> None:
    assert fault(row) == reason


def test_bad_rows_are_counted_by_reason_and_held_out_sets_stay_as_they_are() -> None:
    held = pair("The mill closed.", "The mill closed.", held=True)
    kept, dropped = sound([*GOOD, *(row for row, _ in BAD), held, pair("", "", held=True)])
    assert kept == [*GOOD, held]
    assert dropped == {"empty": 3, "evidence is the claim": 1, "third language": 3}


def test_a_pack_keeps_what_is_known_of_a_row(tmp_path: Path) -> None:
    rows = [
        Row("nli", "w10 w11 w12", "w20 w21", NOT_SUPPORTED, "b", grade=0.375, wrong=(4, 11)),
        Row("ans", "w10", "w20 w21", 1, "a", True, 7, same="x"),
        Row("nli", "w13", "水車小屋は閉じた", ENTAILMENT, "b", same="x", wrong=(0, 0)),
    ]
    packing.pack(rows, tokenizer(), tmp_path)
    texts, table, names = packing.unpack(tmp_path)
    assert [texts[n].tolist() for n in table["first"]] == [[10, 11, 12], [10], [13]]
    assert [texts[n].tolist() for n in table["second"][:2]] == [[20, 21]] * 2
    assert [names[n] for n in table["source"]] == ["b", "a", "b"]
    assert table["question"].tolist() == table["held"].tolist() == [False, True, False]
    assert table["label"].tolist() == [3, 1, 0] and table["group"].tolist() == [-1, 7, -1]
    assert table["grade"].tolist() == [375, -1, -1]
    assert table["same"][0] == -1 and table["same"][1] == table["same"][2] >= 0
    assert table["wrong"].tolist() == [[1, 3], [-1, -1], [0, 0]]
    assert [packing.PAIR_NAMES[n] for n in table["pair"]] == ["en→en", "en→en", "en→ja"]
    report = packing.count_report(table, packing.sizes_of(texts, table)[1], names)
    assert "| b | 2 | 2 | 0 | 1 | 1 | 0 | 0 | 2 | 0 | 0 | 0 | 0 | 1 |" in report


def test_the_words_of_a_false_twin_are_found() -> None:
    assert differing("It closed in 1911.", "It closed in 1914.") == (16, 17)
    assert differing("Fire ended the mill.", "Flood ended the mill.") == (1, 5)
    assert differing("It did not close.", "It did close.") is None  # words are only missing
    assert differing("The mill closed.", "Nobody knows why.") is None
    assert differing("aab", "ab") is None and differing("ab", "aab") == (1, 2)


WRITTEN = ROW | {
    "claims": [
        *ROW["claims"],
        {"s": [2, 3], "true": text("Berg turned it into a bakery.", "ベリはパン屋に変えた。"),
         "false": text("Berg turned it into a school.", "ベリは学校に変えた。"),
         "words": text("a school", "学校")},
    ],
}  # fmt: skip


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(grading, "FOLDER", tmp_path)
    monkeypatch.setattr(passages, "load", lambda part: iter([WRITTEN]))
    monkeypatch.setattr(reading, "document_questions", lambda part: ({}, []))
    monkeypatch.setattr(documents, "load", lambda part: iter(()))
    return tmp_path


@pytest.mark.usefixtures("written")
def test_each_row_of_a_passage_is_there_in_four_language_pairs() -> None:
    rows = list(written_rows.rows("fit"))
    assert {row.head for row in rows if "asked" in row.source} == {"ans"}
    by_key: dict[str, list[Row]] = {}
    for row in rows:
        by_key.setdefault(row.same, []).append(row)
    for same in by_key.values():
        assert len({(row.first, row.second) for row in same}) == len(same) == 4
        assert len({(row.label, row.source, row.head) for row in same}) == 1
    assert {row.source for row in rows} == {
        "own_sentences", "own_windows", "own_passages", "own_without", "own_changed", "own_lies",
        "own_asked", "own_asked_passages",
    }  # fmt: skip
    assert not any(map(fault, rows)) and not any(row.held for row in rows)


@pytest.mark.usefixtures("written")
def test_evidence_is_what_the_name_of_its_set_says() -> None:
    sentences = [each["en"] for each in WRITTEN["sentences"]]
    true = "High water ended the mill."
    found: dict[str, tuple[str, int]] = {
        row.source: (row.second, row.label)
        for row in written_rows.rows("fit")
        if row.first == true and row.second.isascii()
    }
    assert found["own_sentences"] == (" ".join(sentences[:2]), ENTAILMENT)
    assert found["own_passages"] == (" ".join(sentences), ENTAILMENT)
    assert found["own_without"] == (" ".join(sentences[2:]), NOT_SUPPORTED)
    changed = [sentences[0], "A fire had burnt it.", *sentences[2:]]
    assert found["own_changed"] == (" ".join(changed), NOT_SUPPORTED)
    window, label = found["own_windows"]
    assert label == ENTAILMENT and " ".join(sentences[:2]) in window
    for row in written_rows.rows("fit"):
        if row.wrong is not None:
            said = row.first[slice(*row.wrong)]
            assert said in ("", "Fire", "火事", "a school", "学校", "for nothing", "ただで")
            assert bool(said) == (row.label == NOT_SUPPORTED)


def write_grades(folder: Path, part: str, true: tuple[int, int], rest: tuple[int, int]) -> None:
    listed = grading.items(WRITTEN)[1]
    for reader in (0, 1):
        given = [true[reader] if each.kind == "true" else rest[reader] for each in listed]
        line = " ".join(f"{chr(97 + n)}{grade}" for n, grade in enumerate(given))
        (folder / f"{part}_{reader + 1}.txt").write_text(f"mill-01 {line}\n")


def test_grades_are_targets_in_all_languages_and_readers_who_disagree_are_not_asked(
    written: Path,
) -> None:
    before = list(written_rows.rows("fit"))
    assert all(row.grade is None for row in before)
    write_grades(written, "fit", true=(3, 4), rest=(4, 0))
    rows = list(written_rows.rows("fit"))
    true = [row for row in rows if row.source == "own_passages"]
    assert len(true) == 8 and {row.grade for row in true} == {0.875}
    assert {row.label for row in true} == {ENTAILMENT}  # the false ones are gone
    assert not any(row.source == "own_lies" for row in rows)
    ungraded = [row for row in rows if row.source == "own_without"]
    assert len(ungraded) == 8 and all(row.grade is None for row in ungraded)


def test_held_out_rows_that_readers_take_for_the_opposite_are_left_out(written: Path) -> None:
    write_grades(written, "held", true=(1, 1), rest=(0, 1))
    rows = [row for row in written_rows.rows("held") if row.source == "own_sentences"]
    assert len(rows) == 8 and all(row.held and row.label == NOT_SUPPORTED for row in rows)
    write_grades(written, "held", true=(4, 3), rest=(0, 1))
    both = [row.label for row in written_rows.rows("held") if row.source == "own_lies"]
    assert both.count(ENTAILMENT) == both.count(NOT_SUPPORTED) == 8


def test_premises_of_documents_are_claims_on_the_sentences_that_say_or_deny_them(
    written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed, bought = "The mill closed in 1911.", "Ada Berg bought it and made it a bakery."
    document = {
        "id": "mill",
        "title": "The mill",
        "text": f"# The mill\n\n{closed} {bought}\n",
        "premises": {
            "false": [
                {"en": "Why did the mill open in 1911?", "ja": "水車小屋が1911年に開いたのはなぜ？",
                 "s": [closed]},
                {"en": "How many were there?", "ja": "いくつありましたか？", "s": [closed]},
            ],
            "true": [{"en": "Why did Ada Berg buy it?", "ja": "ベリが買ったのはなぜ？", "s": [bought]}],
        },
    }  # fmt: skip
    monkeypatch.setattr(documents, "load", lambda part: iter([document]))
    rows = [row for row in written_rows.rows("fit") if row.source == "own_premises"]
    assert [(row.first, row.label) for row in rows[:2]] == [
        ("The mill did open in 1911", CONTRADICTION), ("水車小屋が1911年に開いた", CONTRADICTION),
    ]  # fmt: skip
    assert {row.first for row in rows if row.label == ENTAILMENT} == {
        "Ada Berg did buy it", "ベリが買った",
    }  # fmt: skip
    sentence, passage = f"The mill. {closed}", f"The mill. {closed} {bought}"
    assert [row.second for row in rows[:4]] == [sentence, sentence, passage, passage]
    assert len(rows) == 8 and len({row.same for row in rows}) == 4
    assert all(row.head == "nli" and not row.held for row in rows)
