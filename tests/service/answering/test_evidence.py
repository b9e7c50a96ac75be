"""Which of the passages that a search found are read as evidence."""

from __future__ import annotations

import pytest

from corpus.types import Passage, Source
from index.search import Hit
from service.answering.evidence import reserve_languages, select_evidence

ENGLISH = "The reflector of the reactor is made of beryllium, number {}."
JAPANESE = "原子炉の反射体は酸化ベリリウムでできている。番号{}。"


def hits(languages: str) -> list[Hit]:
    """Make hits, best first, one for each letter: "e" in English, "j" in Japanese."""
    return [
        Hit(_passage(n, letter), Source(f"s{n}", f"https://example.org/{n}", ""), -n, 0, 0, n, None)
        for n, letter in enumerate(languages, 1)
    ]


def _passage(n: int, letter: str) -> Passage:
    text = (JAPANESE if letter == "j" else ENGLISH).format(n)
    return Passage(f"p{n}", f"s{n}", 0, len(text), text)


def numbers(found: list[Hit]) -> list[int]:
    return [hit.dense_rank for hit in found]


@pytest.mark.parametrize(
    ("languages", "first"),
    [
        ("j" * 12 + "eeee", [1, 2, 3, 4, 5, 6, 13, 14]),
        ("e" * 12 + "jjjj", [1, 2, 3, 4, 5, 6, 13, 14]),
        ("j" * 15 + "e", [1, 2, 3, 4, 5, 6, 7, 16]),
        ("ej" * 8, [1, 2, 3, 4, 5, 6, 7, 8]),
        ("e" * 16, [1, 2, 3, 4, 5, 6, 7, 8]),
    ],
)
def test_quarter_of_what_is_read_is_from_each_language(languages: str, first: list[int]) -> None:
    found = hits(languages)
    moved = reserve_languages(found, 8)
    assert numbers(moved[:8]) == first
    assert sorted(numbers(moved)) == numbers(found)  # none is lost
    assert numbers(moved[8:]) == sorted(numbers(moved[8:]))
    evidence = select_evidence(moved, 8, 5000)
    assert [e.passage.id for e in evidence] == [f"p{n}" for n in first]


@pytest.mark.parametrize("limit", [0, 1, 2, 3])
def test_few_passages_are_read_by_score(limit: int) -> None:
    found = hits("jjjjeeee")
    assert reserve_languages(found, limit) == found
