"""Sheets for readers, and what these write on them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.written_passages import ROW
from training import grading, passages
from training.grading import agreement, grades, items, sheet

MORE = {
    "claims": [*ROW["claims"], ROW["claims"][0] | {"s": [2, 3]}],
}
ROWS = [ROW | MORE | {"id": f"mill-{n:02}"} for n in range(30)]


def test_a_sheet_has_every_text_and_nothing_of_what_the_writer_meant() -> None:
    text = "\n".join(sheet(iter(ROWS)))
    for row in ROWS:
        language, listed = items(row)
        assert row["title"][language] in text
        assert all(each.text in text for each in listed)
    for word in ("true", "false", "lie", "near", "cause", "words"):
        assert f"{word}:" not in text and f'"{word}"' not in text
    assert "\n".join(sheet(iter([{k: ROW[k] for k in ("id", "sentences")}]))) == ""


def test_order_and_languages_are_mixed_and_always_the_same() -> None:
    assert [items(row) for row in ROWS] == [items(row) for row in ROWS]
    first = {items(row)[1][0].kind for row in ROWS}
    assert first == {"true", "false", "lie"}
    assert {items(row)[0] for row in ROWS} == {"en", "ja"}
    assert {each.language for row in ROWS for each in items(row)[1]} == {"en", "ja"}


def test_of_a_changed_passage_a_claim_is_true_no_more() -> None:
    for row in ROWS:
        kinds = {each.kind: each for each in items(row)[1] if each.changed}
        assert set(kinds) == {"changed", "still"}
        assert kinds["changed"].meant is False and kinds["still"].meant is None
        assert kinds["changed"].text in row["claims"][row["changed"]["claim"]]["true"].values()


def test_grades_are_read_and_others_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "held_1.txt"
    file.write_text("mill-01 a4 b0\nmill-02 c3\n")
    assert grades(file) == {("mill-01", 0): 4, ("mill-01", 1): 0, ("mill-02", 2): 3}
    file.write_text("mill-01 a5\n")
    with pytest.raises(ValueError, match="mill-01 has 'a5'"):
        grades(file)


def test_agreement_is_counted_by_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grading, "FOLDER", tmp_path)
    monkeypatch.setattr(passages, "load", lambda part: iter(ROWS[:1]))
    letters = "abcdefghijklmnopq"
    listed = list(zip(letters, items(ROWS[0])[1], strict=False))
    (tmp_path / "held_1.txt").write_text("mill-00 " + " ".join(f"{x}4" for x, _ in listed))
    second = [f"{x}{4 if each.kind == 'true' else 1}" for x, each in listed]
    (tmp_path / "held_2.txt").write_text("mill-00 " + " ".join(second))
    table = agreement("held")
    assert "| true | 2 | 100.0 % | 100.0 % | 0.0 % | 4.00 |" in table
    assert "| false | 2 | 0.0 % | 0.0 % | 100.0 % | 2.50 |" in table
