"""The rows of the parser, and a fit of it on a small network."""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

import numpy as np
import pytest
import torch

from index.inference.cross_encoder import CrossEncoder
from index.inference.parsed_question import FIELDS, INTENTS, SLOTS
from tests.support.paths import DATA as TESTS_DATA
from tests.support.small_checker import CONFIG, tokenizer, write_small_checker
from training import fit_parser
from training.fit_parser import (
    DATA,
    HELD,
    MAX_TOKENS,
    Fit,
    Row,
    Span,
    encoded,
    fitted_rows,
    marked,
    read_rows,
    table,
    varied,
)

FILES = sorted((DATA / "questions").glob("*.jsonl"))
KINDS = DATA / "question_kinds.jsonl"
SLOTS_OF = {
    "comparison": [["first", "second"]],
    "summary": [["work"]],
    "fact": [[], ["work"]],
    "documents": [[], ["topic"]],
    "metadata": [[], ["work"], ["topic", "work"], ["topic"]],
}
"""The slots that questions of an intent may have; of the others, none."""


def test_marks_are_taken_out() -> None:
    text, spans = marked("is [[1:the ferry]] dearer than [[2:the barge]]?")
    assert text == "is the ferry dearer than the barge?"
    assert [(s.slot, text[s.start : s.end]) for s in spans] == [
        ("first", "the ferry"), ("second", "the barge"),
    ]  # fmt: skip
    assert marked("no marks") == ("no marks", ())


@pytest.mark.parametrize("path", [*FILES, *HELD], ids=lambda path: path.stem)
def test_every_question_has_the_marks_of_its_intent(path: Path) -> None:
    rows = read_rows(path)
    assert len(rows) >= 60
    for row in rows:
        slots = sorted({span.slot for span in row.spans or ()})
        assert slots in SLOTS_OF.get(row.intent, [[]]) or row.spans is None, row.text
        assert "[[" not in row.text and "]]" not in row.text
        assert bool(row.fields) == (row.intent == "metadata")
        assert set(row.fields or ()) <= set(FIELDS)


def test_no_question_is_both_fitted_and_held_out() -> None:
    fitted = {row.text.casefold().rstrip("?？。.!") for row in fitted_rows([*FILES, KINDS])}
    assert len(fitted) > 5000
    held = {row.text.casefold().rstrip("?？。.!") for path in HELD for row in read_rows(path)}
    assert not fitted & held


def test_kinds_give_intents_and_no_slots() -> None:
    rows = read_rows(KINDS)
    assert {row.intent for row in rows} == set(INTENTS) and all(row.spans is None for row in rows)
    assert {field for row in rows for field in row.fields or ()} == set(FIELDS)


def test_tokens_get_the_slots_that_they_stand_in() -> None:
    row = Row("w10 w20 w21 w11 w30", "comparison", (Span("first", 4, 11), Span("second", 16, 19)))
    ids, slots = encoded(row, tokenizer(), CONFIG)
    assert ids == [0, 2, 2, 10, 20, 21, 11, 30, 2]
    assert slots == [-1, -1, -1, 0, 2, 2, 0, 3, -1]
    unknown = encoded(Row("w10 w11", "fact", None), tokenizer(), CONFIG)[1]
    assert unknown == [-1] * 6
    long = encoded(Row("w10 " * 500, "fact", ()), tokenizer(), CONFIG)[0]
    assert len(long) == MAX_TOKENS and long[-1] == 2


def test_variations_keep_the_places_of_marks() -> None:
    text = "Is the İ-Ferry dearer?"  # its small letters are one more
    made = {varied(text, random.Random(n)) for n in range(200)}
    assert text in made and "Is the İ-Ferry dearer" in made
    assert all(text.startswith(each) or each == text for each in made)
    assert "is it?" in {varied("Is it?", random.Random(n)) for n in range(50)}


def test_fit_finds_the_slots_of_what_it_was_fitted_on(tmp_path: Path, monkeypatch) -> None:
    checker, _ = write_small_checker(tmp_path)
    monkeypatch.setattr(fit_parser, "WEIGHTS", checker)
    monkeypatch.setattr(fit_parser, "MAX_TOKENS", CONFIG["max_tokens"])
    monkeypatch.setattr(fit_parser, "FROZEN", 0)
    monkeypatch.setattr(fit_parser, "KINDS_A_PASS", 0)
    monkeypatch.setattr(fit_parser, "FACTS_A_PASS", 4)
    args = argparse.Namespace(epochs=120, layers=1, lr=0.01, dropout=0.0, seed=1)
    compared = [Row(f"w10 w{n} w20 w11 w{n + 9} w21", "comparison",
                    (Span("first", 4, 11), Span("second", 16, 23))) for n in range(40, 50)]  # fmt: skip
    facts = [Row(f"w5 w{n} w6", "fact", None) for n in range(40, 50)]
    asked = [Row(f"w7 w{n} w8", "metadata", (), ("pages",)) for n in range(40, 50)]
    fit = Fit(args)
    fit.run([*compared, *asked], [], facts)
    fit.save(path := tmp_path / "parser")
    written, config, packed = fit_parser.read_weights(path)
    assert config == {"layers": 1, "max_tokens": CONFIG["max_tokens"]} and packed == b""
    assert written.keys() == set(fit.trained) and "bert.embeddings.LayerNorm.bias" not in written
    fit.network.eval()
    with torch.inference_mode():
        ids = torch.tensor([[0, 2, 2, 10, 45, 20, 11, 54, 21, 2], [0, 2, 2, 7, 45, 8] + [1] * 4])
        intents, fields, slots = fit.network(ids)
    assert INTENTS[intents[0].argmax()] == "comparison"
    assert INTENTS[intents[1].argmax()] == "metadata"
    assert [name for name, logit in zip(FIELDS, fields[1], strict=True) if logit > 0] == ["pages"]
    assert slots.shape == (2, CONFIG["max_tokens"], 1 + len(SLOTS))
    assert slots[0, 3:9].argmax(-1).tolist() == [0, 2, 2, 0, 3, 3]


def test_table_counts_intents_and_slots() -> None:
    class Parsed:
        intent = "comparison"
        fields = ("pages",)

        def slot(self, name: str) -> tuple[int, int] | None:
            return {"first": (0, 10), "second": (20, 29)}.get(name)

    row = Row("x" * 30, "comparison", (Span("first", 0, 10), Span("second", 20, 30)))
    lines = table([row, Row("x" * 30, "fact", ())], [Parsed(), Parsed()]).splitlines()  # type: ignore[list-item]
    assert lines[0] == "intents: 1 of 2 right; fields: 0 of 0"
    assert "| comparison | 0 | 1 | 0 | 0 | 0 | 0 | 0 |" in lines
    assert "| fact | 0 | 1 | 0 | 0 | 0 | 0 | 0 |" in lines
    assert "| first | 1 | 1.000 | 1.000 |" in lines and "| second | 1 | 0.000 | 1.000 |" in lines
    assert lines[-1].endswith(": 2")


def test_rows_are_json_with_known_fields() -> None:
    for path in [*FILES, KINDS, *HELD]:
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            kept = {"fields"} if row["kind"] == "metadata" else set()
            asked = "question" if path.stem == "question_kinds" else "text"
            assert row.keys() == {asked, "language", "kind", *kept}


@pytest.mark.parametrize(("name", "intents", "fields", "topics"), [
    ("parsed_requests", 0.95, 0.88, 0.85), ("parsed_names", 0.95, 0.82, 0.75),
])  # fmt: skip
def test_intents_fields_and_topics_by_other_writers(
    cross_encoder: CrossEncoder, name: str, intents: float, fields: float, topics: float
) -> None:
    rows = read_rows(TESTS_DATA / f"{name}.jsonl")
    found = fit_parser.parsed(rows, cross_encoder)
    assert np.mean([row.intent == p.intent for row, p in zip(rows, found, strict=True)]) >= intents
    asked = [(set(r.fields), set(p.fields)) for r, p in zip(rows, found, strict=True) if r.fields]
    assert np.mean([wanted == got for wanted, got in asked]) >= fields
    marked = [
        (span, p.slot("topic"))
        for row, p in zip(rows, found, strict=True)
        for span in row.spans or ()
        if span.slot == "topic"
    ]
    assert np.mean([got == (span.start, span.end) for span, got in marked]) >= topics


def test_most_comparisons_are_known_as_such(cross_encoder: CrossEncoder) -> None:
    rows = [row for path in HELD for row in read_rows(path) if row.intent == "comparison"]
    found = fit_parser.parsed(rows, cross_encoder)
    assert len(rows) > 100 and np.mean([p.intent == "comparison" for p in found]) >= 0.9
