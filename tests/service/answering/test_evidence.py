"""Which hits become evidence: places for each language, and hits of several searches."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.lexical.tokenizer import is_japanese
from index.search import LANGUAGE_SHARE, Hit
from service.answering.evidence import interleaved, reserve_languages, select_evidence
from tests.support.readings import passage_evidence


def hits(languages: str) -> list[Hit]:
    """Make hits, best first: ``e`` for an English passage, ``j`` for a Japanese one."""
    texts = {"e": "Room {} is open.", "j": "部屋{}は開いている。"}
    made = [passage_evidence(texts[each].format(n), n) for n, each in enumerate(languages, 1)]
    return [Hit(e.passage, e.source, 100.0 - e.label, 0.9, 0.5, n, n) for n, e in enumerate(made)]


def numbers(found: list[Hit]) -> list[int]:
    return [int(hit.passage.id) for hit in found]


@pytest.mark.parametrize(
    ("languages", "limit", "wanted"),
    [
        ("eeeeeeeeejjjj", 8, [1, 2, 3, 4, 5, 6, 10, 11]),
        ("jjjjjjjjjeeee", 8, [1, 2, 3, 4, 5, 6, 10, 11]),
        ("eeeeeeeeeeeej", 8, [1, 2, 3, 4, 5, 6, 7, 13]),
        ("ejejejejejej", 8, [1, 2, 3, 4, 5, 6, 7, 8]),
        ("eeeeeeeeeeee", 8, [1, 2, 3, 4, 5, 6, 7, 8]),
        ("eeeej", 8, [1, 2, 3, 4, 5]),
        ("eeeej", 4, [1, 2, 3, 5]),
        ("eeeej", 3, [1, 2, 3]),  # too few places to reserve any
        ("eeeej", 0, []),
        ("", 8, []),
    ],
)
def test_each_language_has_its_share_of_the_first_places(languages, limit, wanted) -> None:
    moved = reserve_languages(hits(languages), limit)
    assert numbers(moved)[:limit] == wanted
    evidence = select_evidence(moved, limit, 5000)
    assert [int(e.passage.id) for e in evidence] == wanted


@given(st.text("ej", max_size=20), st.integers(0, 10))
def test_reserving_places_only_moves_hits(languages: str, limit: int) -> None:
    before = hits(languages)
    after = reserve_languages(before, limit)
    assert sorted(numbers(after)) == numbers(before)
    first, rest = numbers(after)[:limit], numbers(after)[limit:]
    assert first == sorted(first) and rest == sorted(rest)
    for japanese in (False, True):
        there = sum(is_japanese(hit.passage.text) == japanese for hit in before)
        shown = sum(is_japanese(hit.passage.text) == japanese for hit in after[:limit])
        assert shown >= min(there, int(LANGUAGE_SHARE * limit))


def test_hits_of_several_searches_take_turns_each_once() -> None:
    a, b, c, d, e = hits("eeeee")
    assert interleaved([[a, b, c], [d, a, e], [b]]) == [a, d, b, c, e]
    assert interleaved([[a, b]]) == [a, b] and interleaved([[], [a]]) == [a]
    assert interleaved([]) == []
    worse = replace(a, score=1.0)
    assert interleaved([[a, b], [worse]]) == [a, b] and interleaved([[b, worse], [a]]) == [b, a]
