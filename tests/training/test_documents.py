"""Documents written for fitting: those that are here are sound, and unsound ones are refused."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from newcomer import read_questions

from corpus.readers.markdown import read_markdown
from corpus.text.blocks import join_blocks
from training.documents import (
    FOLDER,
    BadRow,
    answers,
    check,
    export,
    load,
    nearest,
    places,
    speaks_of,
    split,
)
from training.reading import document_questions

TEXT = """Aiko Mori, Kanda Institute

## 1 Rooms

The room **opened** in 1931. It holds *40,000* maps.

Table 1: Rooms and their keepers.

| room | keeper |
|---|---|
| maps | Jiro Abe |

## 2 Garden

The garden has 12 trees, among them:

- a lime
- two oaks
"""
ROW: dict[str, Any] = {
    "id": "kanda", "kind": "manual", "lang": "en", "title": "The Kanda rooms", "text": TEXT,
    "questions": [
        {"en": "number of maps?", "ja": "地図は何枚？", "s": ["It holds *40,000* maps."], "a": "40,000"},
        {"en": "Who keeps the maps?", "ja": "地図の担当は？", "s": ["| maps | Jiro Abe |"], "a": "Jiro Abe"},
        {"en": "Which trees?", "ja": "どんな木？", "s": ["- a lime", "- two oaks"], "a": "two oaks"},
    ],
    "near": [{"en": "When was the garden planted?", "ja": "庭はいつできた？"}],
    "premises": {
        "false": [{"en": "Why has it no trees?", "ja": "なぜ木がない？", "s": ["The garden has 12 trees"]}],
        "true": [{"en": "Why are there oaks?", "ja": "なぜ樫がある？", "s": ["- two oaks"]}],
    },
}  # fmt: skip


def changed(number: int, **more: object) -> dict[str, Any]:
    """Return the document with something else in a question."""
    row = copy.deepcopy(ROW)
    row["questions"][number] |= more
    return row


@pytest.mark.parametrize(("number", "heading"), [(0, "1 Rooms"), (1, "1 Rooms"), (2, "2 Garden")])
def test_answers_are_found_as_the_engine_splits_the_text(number: int, heading: str) -> None:
    passages, question = split(ROW), ROW["questions"][number]
    home, sentences, exact = answers(passages, question)
    text = passages[home].text
    assert passages[home].heading == heading
    assert [text[a:b] for a, b in exact] == [question["a"]]
    assert all(any(a <= x and y <= b for a, b in sentences) for x, y in exact)


def test_markup_blanks_and_marks_are_no_matter_where_a_part_is_looked_for() -> None:
    assert places("It holds 40,000 maps. 40 000?", "**40,000**") == [(9, 15), (22, 28)]
    assert places("It holds maps.", "trees") == [] == places("It holds maps.", "--")


def test_question_without_an_answer_belongs_to_the_passage_with_most_of_its_words() -> None:
    passages = split(ROW)
    assert passages[nearest(passages, ROW, ROW["near"][0])].heading == "2 Garden"


def test_premise_is_spoken_of_in_the_passage_with_its_sentence() -> None:
    passages = split(ROW)
    for question in (*ROW["premises"]["false"], *ROW["premises"]["true"]):
        assert passages[speaks_of(passages, question)].heading == "2 Garden"


def test_sound_document_is_accepted() -> None:
    check(ROW)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (changed(0, a="50,000"), "not in the text"),
        (changed(0, s=["The room opened in 1931."]), "not in the text"),
        (changed(0, en="地図は何枚？"), "not in en"),
        (changed(0, ja="number of maps?"), "not in ja"),
        (ROW | {"text": "It holds 40,000 maps."}, "too short"),
        (ROW | {"lang": "ja"}, "not in ja"),
        (
            ROW | {"premises": {"false": [], "true": [changed(0, s=["Maps."])["questions"][0]]}},
            "Maps",
        ),
    ],
)
def test_unsound_documents_are_refused_with_the_reason(row, reason: str) -> None:
    with pytest.raises(BadRow, match=reason):
        check(row)


def test_all_documents_are_sound_and_have_ids_of_their_own() -> None:
    ids = [
        (row["id"], check(row))
        for path in sorted(FOLDER.rglob("*.jsonl"))
        for row in map(json.loads, path.read_text(encoding="utf-8").splitlines())
    ]
    assert len(ids) > 50 and len(set(ids)) == len(ids)


def test_each_part_has_documents_of_its_own() -> None:
    titles = [{row["title"] for row in load(part)} for part in ("fit", "calibration", "held")]
    assert all(titles) and sum(map(len, titles)) == len(set.union(*titles))


def test_questions_are_asked_in_both_languages_on_passages_with_their_headings() -> None:
    passages, asked = document_questions("held")
    rows = list(load("held"))
    each_has = (len(r["questions"]) + len(r["near"]) + len(r["premises"]["false"]) for r in rows)
    assert len(asked) == 2 * sum(each_has)
    assert all(passage.held for passage in passages.values())
    assert any(" › " in passage.title for passage in passages.values())
    for each in asked:
        text = passages[each.home].text
        assert {text[a:b] for a, b in each.exact} == set(each.answers)
        assert each.sentences or not each.answers


def test_documents_are_exported_as_sources_with_their_titles_and_questions(tmp_path) -> None:
    export([ROW], tmp_path)
    (name,) = (tmp_path / "sources.txt").read_text(encoding="utf-8").split()
    read = read_markdown((tmp_path / name).read_text(encoding="utf-8"))
    assert read.title == ROW["title"] and "12 trees" in join_blocks(read.blocks)[0]
    asked = read_questions(tmp_path / "questions.jsonl")
    assert len(asked) == 2 * 6 and len({each.id for each in asked}) == 12
    assert [each.must_contain for each in asked if each.asks == "fact"][:2] == [(("40,000",),)] * 2
