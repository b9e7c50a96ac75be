"""Which phrase of a question fills a slot."""

from __future__ import annotations

import re

import numpy as np
import pytest

from index.inference.cross_encoder import CrossEncoder
from index.inference.parsed_question import INTENTS, SLOTS, ParsedQuestion

QUESTION = "is the old ferry dearer than the barge"


def parsed(odds: dict[str, dict[str, float]], question: str = QUESTION) -> ParsedQuestion:
    """Parse a question whose words have the given log-odds of slots, -4 where none are given."""
    words = [match.span() for match in re.finditer(r"\s*\S+", question)]
    slots = np.zeros((len(words), 1 + len(SLOTS)), np.float32)
    for n, (start, end) in enumerate(words):
        for m, name in enumerate(SLOTS, 1):
            slots[n, m] = odds.get(name, {}).get(question[start:end].strip(), -4.0)
    intents = np.eye(len(INTENTS), dtype=np.float32)[1]
    return ParsedQuestion(question, intents, np.array(words, np.int32), slots)


def phrase(found: ParsedQuestion, name: str) -> str | None:
    span = found.slot(name)
    return None if span is None else found.question[slice(*span)]


def test_slot_is_the_run_of_its_tokens_without_blanks_around_it() -> None:
    found = parsed({"first": {"old": 3.0, "ferry": 3.0}, "second": {"barge": 2.0}})
    assert found.intent == "comparison"
    assert (phrase(found, "first"), phrase(found, "second")) == ("old ferry", "barge")
    assert found.slot("work") is None


@pytest.mark.parametrize(
    ("between", "said"), [(-1.0, "old ferry dearer"), (-3.5, "old"), (-1.9, "old ferry dearer")]
)
def test_doubtful_token_is_in_the_run_if_what_follows_outweighs_it(between, said) -> None:
    found = parsed({"first": {"old": 3.0, "ferry": between, "dearer": 2.0}})
    assert phrase(found, "first") == said


def test_of_two_runs_the_likelier_fills_the_slot() -> None:
    found = parsed({"first": {"is": 1.0, "old": 2.0, "ferry": 2.0, "barge": 3.0}})
    assert phrase(found, "first") == "old ferry"


def test_probability_of_a_slot_is_the_mean_of_its_tokens() -> None:
    found = parsed({"first": {"old": 3.0, "ferry": 0.0}, "second": {"barge": 9.0}})
    assert phrase(found, "first") == "old"
    odds = np.exp(3.0) / (1 + np.exp(3.0) + 2 * np.exp(-4.0))
    assert found.slot_probability("first") == pytest.approx(odds, abs=1e-6)
    assert found.slot_probability("second") > 0.99 and found.slot_probability("work") == 0.0
    assert found.probability("comparison") == pytest.approx(np.e / (np.e + 3), abs=1e-6)


def test_slot_has_whole_words_of_latin_letters() -> None:
    slots = np.full((3, 4), -4.0, np.float32)
    slots[1, 2] = 3.0
    spans = np.array([[0, 3], [3, 6], [6, 9]], np.int32)
    assert ParsedQuestion("café Zürich", np.zeros(4), spans, slots).slot("first") == (0, 11)
    spans = np.array([[0, 2], [2, 4], [4, 6]], np.int32)
    assert ParsedQuestion("緑茶と紅茶は", np.zeros(4), spans, slots).slot("first") == (2, 4)
    assert (
        ParsedQuestion("tea   ", np.zeros(4), np.array([[0, 3], [3, 6], [6, 6]]), slots).slot(
            "first"
        )
        is None
    )


def test_nothing_fills_a_slot_of_which_no_token_is_likely() -> None:
    assert parsed({}).slot("first") is None
    none = ParsedQuestion("", np.zeros(4, np.float32), np.empty((0, 2), np.int32), np.empty((0, 4)))
    assert none.slot("work") is None


@pytest.mark.parametrize(
    ("question", "intent", "slots"),
    [
        ("Is the night bus slower than the tram to Orlby?", "comparison",
         {"first": "the night bus", "second": "the tram to Orlby"}),
        ("who wrote the piece on rusty gutters", "metadata", {"work": "the piece on rusty gutters"}),
        ("the one about the glass harp in a nutshell", "summary",
         {"work": "the one about the glass harp"}),
        ("How many stairs has the tower?", "fact", {}),
        ("青い傘と赤い傘、重いのはどっち？", "comparison", {"first": "青い傘", "second": "赤い傘"}),
        ("屋根の雨どいの記事、書いたのは誰？", "metadata", {"work": "屋根の雨どいの記事"}),
        ("灯台の階段は何段ありますか", "fact", {}),
    ],
)  # fmt: skip
def test_shipped_parser_finds_what_is_asked_and_of_what(
    cross_encoder: CrossEncoder, question: str, intent: str, slots: dict[str, str]
) -> None:
    (found,) = cross_encoder.parse([question])
    assert found.intent == intent
    used = {name: phrase(found, name) for name in slots}
    assert used == slots


@pytest.mark.parametrize("question", ["", " ", "?", "…", "x" * 3000, "違い" * 900])
def test_question_of_any_length_is_parsed(cross_encoder: CrossEncoder, question: str) -> None:
    (found,) = cross_encoder.parse([question])
    for name in SLOTS:
        span = found.slot(name)
        assert span is None or 0 <= span[0] < span[1] <= len(question)
    assert cross_encoder.parse([]) == []
