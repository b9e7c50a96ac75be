"""Rows made of the engine's own windows, by a scripted reader over a library of four passages."""

import random
from collections.abc import Sequence

import pytest

from corpus.types import Passage, Source
from index.search import Hit
from tests.support.readings import ScriptedReader
from training.first_windows import OF_OLD, chosen, rows_of
from training.reading import Asked

TEXTS = {
    "kanda:0": "The Kanda room has 40 maps. It is closed on Mondays.",
    "kanda:1": "Most visitors ask for one of the 40 maps.",
    "ueno": "The Ueno room has 77 maps.",
    "mita": "The Mita room is 40 years old.",
}


class Shelf:
    """A library in which every search finds all passages, in their order."""

    def search(self, question: str, k: int, within: Sequence[str] | None = None) -> list[Hit]:
        found = []
        for n, (id, text) in enumerate(TEXTS.items(), 1):
            source = Source(id, f"https://example.org/{id}", id.title())
            passage = Passage(f"{n:016}", id, 0, len(text), text)
            found.append(Hit(passage, source, 110.0 - n, 0.9, 0.5, n, n))
        return found[:k]


def rows(asked: Asked) -> dict[str, int]:
    reader = ScriptedReader({"40 maps": 1.0, "77": 0.5, "years": 0.2, "Mondays": -3.0})
    made = list(rows_of(Shelf(), reader, asked))
    assert {row["question"] for row in made} == {asked.question}
    return {row["text"]: row["answers"] for row in made}


SPAN = (0, 27)
FIRST = "Kanda:0\nThe Kanda room has 40 maps."
ALIKE, OTHER = (
    "Kanda:1\nMost visitors ask for one of the 40 maps.",
    "Ueno\nThe Ueno room has 77 maps.",
)
CHANCE = "Mita\nThe Mita room is 40 years old."


def test_right_window_and_wrong_ones_become_rows() -> None:
    found = rows(Asked("How many maps?", "kanda:0", (SPAN,), (), ("40 maps",), "document_en_en"))
    assert found[FIRST] == 1 and found[OTHER] == 0
    assert found[ALIKE] == 1  # of a document, any passage may answer


def test_words_that_answer_elsewhere_are_left_out_where_they_may_answer_or_not() -> None:
    found = rows(Asked("How many maps?", "kanda:0", (SPAN,), (), ("40",), "jsquad_en"))
    assert found[FIRST] == 1 and found[OTHER] == 0
    assert ALIKE not in found and CHANCE not in found


def test_nothing_answers_what_only_seems_to_be_answered() -> None:
    found = rows(Asked("How many maps were lost?", "kanda:0", (), source="document_en_en"))
    assert len(found) > 3 and not any(found.values())


@pytest.mark.parametrize(
    ("source", "home", "least", "most"),
    [
        ("document_en_ja", "l19-01:0", 200, 200),
        ("premise_en_en", "l03-01:0", 200 * OF_OLD - 30, 200 * OF_OLD + 30),
        ("clapnq", "x", 0, 0),
    ],
)
def test_share_of_the_questions_is_drawn(source, home, least, most) -> None:
    asked = [Asked(f"Which {n}?", home, (), source=source) for n in range(200)]
    drawn = chosen(asked, random.Random(2))
    assert least <= len(drawn) <= most and drawn == chosen(asked, random.Random(2))
