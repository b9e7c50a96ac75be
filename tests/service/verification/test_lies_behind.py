"""Tests of the mutants in which a lie stands behind true clauses: of what they are made, and how.

Whether the verifier catches them is tested in test_mutations.py.
"""

from __future__ import annotations

import asyncio
import re

import pytest

from corpus.store.store import Store
from index.ingestion.ingest import Ingestion
from tests.support.digest_library import digest_entries
from tests.support.joints import clause_of
from tests.support.lies_behind import COUNTS, invented, lies_behind
from tests.support.mutants import Mutant, Statement, statements

EACH = 25
LANGUAGES = ("en", "ja")
pytestmark = pytest.mark.process  # the library is read in a process of its own


@pytest.fixture(scope="module")
def found(tmp_path_factory, offline) -> list[Statement]:
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('sentences') / 'tenkyo.db'}")
    with Ingestion(store) as ingestion:
        asyncio.run(ingestion.library(digest_entries(), offline))
    return statements(store)


@pytest.fixture(scope="module")
def made(found) -> dict[tuple[str, int], list[Mutant]]:
    return {
        (language, count): lies_behind(found, language, count, EACH)
        for language in LANGUAGES
        for count in COUNTS
    }


def lie_of(mutant: Mutant) -> str:
    """Return what a claim has behind its control; in Japanese the ending before it was turned."""
    same = next(
        n for n, (a, b) in enumerate(zip(mutant.claim, mutant.control, strict=False)) if a != b
    )
    behind = mutant.claim[same:]
    return behind.partition("、")[2] if mutant.language == "ja" else behind


def test_there_are_enough_of_each_number_of_clauses_and_no_two_are_the_same(made):
    claims = [m.claim for group in made.values() for m in group]
    assert [len(group) for group in made.values()] == [EACH] * 8
    assert len(set(claims)) == 200


def test_same_library_gives_same_mutants(found, made):
    again = lies_behind(list(found), "ja", 3, EACH)
    assert again == made["ja", 3]
    assert lies_behind(found, "ja", 3, EACH, draw=1) != again


@pytest.mark.parametrize("language", LANGUAGES)
def test_true_clauses_are_of_one_source_and_stand_in_the_claim_and_its_control(language, made):
    for count in COUNTS:
        for mutant in made[language, count]:
            assert len(set(mutant.behind)) == count
            assert len({s.source.id for s in mutant.behind}) == 1
            for statement in mutant.behind:
                clause = clause_of(statement)
                told = (clause.predicate or clause.text)[1:]
                told = told.removeprefix("本語記事によると、")
                told = re.sub(r"^\w+ that ", "", told) if language == "en" else told[:-6]
                assert told in mutant.control and told in mutant.claim


@pytest.mark.parametrize("language", LANGUAGES)
def test_control_is_the_claim_without_its_lie(language, made):
    for count in COUNTS:
        for mutant in made[language, count]:
            turned = 1 if language == "en" else 5  # the stop, or an ending
            assert mutant.claim.startswith(mutant.control[:-turned])
            assert len(lie_of(mutant)) >= 6


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_of_the_library_says_the_lie_of_its_subject(language, found, made):
    for count in COUNTS:
        for mutant in made[language, count]:
            said = re.sub(r"^\W*(?:(?:and|but|while|although|it) )*", "", lie_of(mutant)).rstrip(
                ".。"
            )
            subject = clause_of(mutant.behind[0]).subject
            assert not any(said in s.text and subject in s.text for s in found), mutant.claim


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_third_of_the_lies_is_invented_and_the_rest_is_made_from_other_sentences(language, made):
    claims = [m for count in COUNTS for m in made[language, count]]
    from_list = [m for m in claims if m.claim.rstrip(".。").endswith(tuple(invented(language)))]
    others = [m for m in claims if m not in from_list]
    assert 30 <= len(from_list) <= 40
    assert all(m.original not in m.behind for m in others)
    changed = [m for m in others if m.original.source.id == m.behind[0].source.id]
    if language == "en":  # there is one Japanese source
        assert len(changed) >= 25 and len(others) - len(changed) >= 25


@pytest.mark.parametrize("language", LANGUAGES)
def test_list_of_invented_clauses_has_short_and_long_ones_that_no_source_has(language, found):
    listed = invented(language)
    everything = " ".join(s.text for s in found).lower()
    assert len(set(listed)) == 20
    assert not any(clause.lstrip(", ").lower() in everything for clause in listed)
    sizes = [len(c.split()) if language == "en" else len(c) / 2.5 for c in listed]
    assert sum(size <= 4 for size in sizes) >= 4 and sum(size >= 7 for size in sizes) >= 4


def test_joints_vary(made):
    english = [m.control for count in (2, 3, 4) for m in made["en", count]]
    japanese = [m.control for count in (2, 3, 4) for m in made["ja", count]]
    for joint in (
        ", and ",
        "; ",
        ", while ",
        ", and it ",
        "; it ",
        " and that ",
        ", which ",
        ", but ",
    ):
        assert any(joint in text for text in english), joint
    for joint in (
        "し、",
        "ており、",
        "であり、",
        "うえ、",
        "一方で、",
        "が、",
        "だけでなく、",
        "ものの、",
    ):
        assert any(joint in text for text in japanese), joint
    behind = {lie_of(m)[:6] for count in COUNTS for m in made["en", count]}
    assert len({re.match(r"\W*\w*", start)[0] for start in behind}) >= 6


def test_english_clause_in_the_middle_begins_in_lower_case_unless_with_a_name(made):
    for count in COUNTS:
        for mutant in made["en", count]:
            wrong = r"(?:, and|, while|, but|;|–|although) (?:The|A|An|In|On|At|When|Compared) "
            assert not re.search(wrong, mutant.claim), mutant.claim
