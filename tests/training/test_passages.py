"""Passages written for fitting: those that are here are sound, and unsound ones are refused."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from tests.support.written_passages import ROW
from training.passages import FOLDER, BadRow, check, load, text_of
from training.reading import written_questions


def changed(path: str, value: object) -> dict[str, Any]:
    """Return the row with another value at a path such as ``claims.0.s``."""
    row = copy.deepcopy(ROW)
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    at: Any = row
    for step in way:
        at = at[step]
    at[last] = value
    return row


def test_a_sound_passage_is_accepted() -> None:
    check(ROW)
    check({key: ROW[key] for key in ROW if key not in ("claims", "lie", "changed")})


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("sentences", ROW["sentences"][:3], "3 sentences"),
        ("sentences.1.ja", " ", "empty"),
        ("sentences.1.ja", "Мельница закрылась в 1911。水車", "not in ja"),
        ("title.en", "水車小屋", "not in en"),
        ("questions.0.q.en", "", "empty"),
        ("questions.0.q.en", "why " * 151, "longer"),
        ("questions.0.answer.ja", "火事", "not in the sentences"),
        ("questions.0.s", [2, 1], "sentences"),
        ("questions.0.s", [9], "sentences"),
        ("claims.0.true.en", "The mill closed in 1911.", "a sentence of the passage"),
        ("claims.0.false.en", "High water ended the mill. Fire", "a claim repeats"),
        ("claims.0.words.en", "Flood", "not in"),
        ("lie.words.ja", "高く", "not in"),
        ("changed.text.en", "A flood had broken its wheel.", "as it was"),
        ("changed.s", 2, "none that the claim rests on"),
    ],
)
def test_an_unsound_passage_is_refused(path: str, value: object, reason: str) -> None:
    row = changed(path, value)
    if "repeats" in reason:
        row["claims"][0]["true"]["en"] = value
        row["claims"][0]["words"]["en"] = "Fire"
    with pytest.raises(BadRow, match=reason):
        check(row)


def test_all_passages_are_sound_and_have_ids_of_their_own() -> None:
    ids = [
        (row["id"], check(row))
        for path in sorted(FOLDER.rglob("*.jsonl"))
        for row in map(json.loads, path.read_text(encoding="utf-8").splitlines())
    ]
    assert len(ids) > 1000 and len(set(ids)) == len(ids)


def test_parts_share_no_topic() -> None:
    topics = [{row["topic"] for row in load(part)} for part in ("fit", "calibration", "held")]
    assert all(topics) and sum(map(len, topics)) == len(set.union(*topics))


def test_lines_are_joined_by_line_breaks_and_spans_fit() -> None:
    for row, language, between in (
        (ROW, "en", " "), (ROW, "ja", ""), (ROW | {"lines": True}, "ja", "\n")
    ):  # fmt: skip
        whole, spans = text_of(row, language)
        assert whole == between.join(s[language] for s in ROW["sentences"])
        assert [whole[a:b] for a, b in spans] == [s[language] for s in ROW["sentences"]]


def test_questions_are_asked_in_both_languages_of_both_texts() -> None:
    passages, asked = written_questions("held")
    rows = list(load("held"))
    assert len(passages) == 2 * len(rows)
    assert len(asked) == 4 * sum(len(row["questions"]) + len(row["near"]) for row in rows)
    for each in asked:
        whole = passages[each.home].text
        assert {whole[a:b] for a, b in each.exact} == set(each.answers)
        assert all(any(a <= x < b for a, b in each.sentences) for x, _ in each.exact)
