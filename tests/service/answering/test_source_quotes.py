"""Quotes of each part of a question and of overviews; test_model_answer has those beside a model."""

from dataclasses import replace

import pytest

from service.answering.extractive import ANSWERS
from service.answering.source_quotes import SourceQuotes
from service.catalogue.overview import Overview
from service.questions.comparisons import ComparedSide
from service.types import Decision, Draft
from tests.support.readings import (
    ANSWERED_FROM,
    ScriptedReader,
    VerbatimVerifier,
    passage_evidence,
    read_state,
)

pytestmark = pytest.mark.usefixtures("plain")

MANY, WHEN = "How many maps?", "When did it open?"
MAPS, OPENED, DOGS = "The shelves hold 40,000 maps.", "The room opened in 1931.", "Dogs may enter."
EVIDENCE = [
    passage_evidence(f"{DOGS} {MAPS}", 1, title="Kanda"),
    passage_evidence(f"{OPENED} Cats may enter.", 2, title="Kanda"),
]
ODDS = {("40,000", "many"): 2.0, ("1931", "When"): 3.0}


def made(asked, odds=ODDS, evidence=EVIDENCE):
    state = read_state(asked, evidence, ScriptedReader(odds))
    return SourceQuotes(state, VerbatimVerifier()), state


def said(events):
    assert all(event.name == "claim" for event in events)
    return [event.data.text for event in events]


def test_each_part_of_a_question_gets_its_quote() -> None:
    quotes, state = made([MANY, WHEN])
    assert quotes.unanswered() == [MANY, WHEN]
    assert said(quotes.answer()) == [MAPS, OPENED]
    assert quotes.unanswered() == []
    assert all(claim.ticked for claim in state.claims)
    assert all(claim.citations[0].quote == claim.text for claim in state.claims)


def test_part_that_nothing_answers_is_named() -> None:
    quotes, _ = made([MANY, "Who swept it?"])
    assert said(quotes.answer()) == [MAPS]
    assert quotes.unanswered() == ["Who swept it?"]


def test_side_of_a_comparison_that_nothing_answers_is_named() -> None:
    quotes, state = made([MANY, "Who swept it?"])
    state.sides = (ComparedSide("2021", MANY, None), ComparedSide("2022", "Who swept it?", None))
    quotes.answer()
    assert quotes.unanswered() == ["2022: Who swept it?"]


def test_several_parts_get_one_quote_each_and_a_single_one_several() -> None:
    odds = {("40,000", "many"): 2.0, ("1931", "many"): 1.9, ("1931", "When"): 3.0}
    quotes, _ = made(MANY, odds)
    assert said(quotes.answer()) == [MAPS, OPENED]
    quotes, _ = made([MANY, "Who swept it?"], odds)
    assert said(quotes.answer()) == [MAPS]


def test_quote_that_answers_both_parts_is_shown_once() -> None:
    quotes, _ = made([MANY, WHEN], {"1931": 3.0})
    assert said(quotes.answer()) == [OPENED] and quotes.unanswered() == []
    assert quotes.answer() == []


def test_question_that_is_answered_gets_no_more_quotes() -> None:
    quotes, state = made([MANY, WHEN])
    draft = Draft(MAPS, (1,))
    state.record(draft, VerbatimVerifier().check(draft, state.evidence))
    assert quotes.unanswered() == [WHEN] and said(quotes.answer()) == [OPENED]


def test_answer_by_another_sentence_is_enough() -> None:
    quotes, state = made(MANY, {"40,000": 2.0, "1931": 1.9})
    draft = Draft(OPENED, (2,))
    state.record(draft, VerbatimVerifier().check(draft, state.evidence))
    assert quotes.answer() == [] and quotes.unanswered() == []


@pytest.mark.parametrize(
    ("odds", "bar", "shown"),
    [
        (ANSWERED_FROM + 0.1, None, True),
        (ANSWERED_FROM - 0.1, None, False),
        (ANSWERED_FROM + 0.1, ANSWERS, False),
        (ANSWERS + 0.1, ANSWERS, True),
    ],
)
def test_quotes_have_to_be_above_the_bar(odds, bar, shown) -> None:
    quotes, _ = made(MANY, {"40,000": odds})
    assert said(quotes.answer(bar)) == ([MAPS] if shown else [])


def test_quote_above_the_gate_that_hardly_answers_is_shown_without_a_tick() -> None:
    quotes, state = made(MANY, {"40,000": -0.3})
    assert said(quotes.answer()) == [MAPS] and not state.claims[0].ticked
    assert quotes.unanswered() == [MANY]


def test_overview_cites_the_evidence_as_it_was_numbered_for_the_reader() -> None:
    """The evidence was shown in the order of its reading, which is not that of the overview."""
    reader = ScriptedReader({"1931": 1.0})
    state = read_state("Summarise it.", EVIDENCE, reader)
    assert [e.passage.id for e in state.evidence] == [e.passage.id for e in reversed(EVIDENCE)]
    shown = state.evidence
    drafts = (Draft(MAPS, (1,)), Draft(OPENED, (2,)))
    state.overview = Overview(drafts, tuple(EVIDENCE), "These are its first sentences.")
    quotes = SourceQuotes(state, VerbatimVerifier())
    assert said(quotes.overview()) == [MAPS, OPENED]
    assert state.evidence == shown and state.reason == "These are its first sentences."
    for claim in state.claims:
        (citation,) = claim.citations
        cited = next(e for e in shown if e.label == citation.label)
        assert cited.passage.id == citation.passage_id
    assert quotes.unanswered() == []


def test_overview_cites_the_work_that_it_shows_where_two_say_the_same() -> None:
    works = [
        passage_evidence(f"{OPENED} {more}", n, source=f"work{n}")
        for n, more in ((1, DOGS), (2, MAPS))
    ]
    state = read_state("Compare them.", works, ScriptedReader({"40,000": 1.0}))
    assert [e.source.id for e in state.evidence] == ["work2", "work1"]
    state.overview = Overview((Draft(OPENED, (2,)),), tuple(works), "")
    SourceQuotes(state, VerbatimVerifier()).overview()
    assert [claim.citations[0].source_id for claim in state.claims] == ["work2"]


@pytest.mark.parametrize(("ticked", "shown"), [(False, [MAPS]), (True, [])])
def test_overview_is_quoted_where_no_claim_sums_the_works_up(ticked, shown) -> None:
    work, other = passage_evidence(MAPS, 1, source="a"), passage_evidence(OPENED, 2, source="b")
    state = read_state("Summarise it.", [work, other], ScriptedReader({"40,000": 1.0}))
    state.overview = Overview((Draft(MAPS, (1,)),), (work,), "")
    draft = Draft(MAPS, (1,)) if ticked else Draft(OPENED, (2,))
    state.record(draft, VerbatimVerifier().check(draft, state.evidence))
    assert [claim.ticked for claim in state.claims] == [ticked]
    assert said(SourceQuotes(state, VerbatimVerifier()).answer()) == shown


@pytest.mark.parametrize(("odds", "missing"), [(-3.0, []), (-6.0, [WHEN])])
def test_judge_does_not_say_which_part_a_sentence_answers(odds, missing) -> None:
    """So it answers those with which its quote has to do."""
    asked = {("40,000", "many"): -3.0, ("40,000", "When"): odds}
    quotes, state = made([MANY, WHEN], asked)
    judged = VerbatimVerifier().check(Draft(MAPS, (1,)), state.evidence)
    state.claims.append(replace(judged, answers=Decision(True, 1.0, "judge: scripted")))
    assert quotes.unanswered() == missing


def test_overview_answers_whatever_the_reader_says_of_its_sentences() -> None:
    state = read_state(["Summarise it.", WHEN], EVIDENCE, ScriptedReader())
    state.overview = Overview((Draft(OPENED, (2,)),), tuple(EVIDENCE), "")
    quotes = SourceQuotes(state, VerbatimVerifier())
    assert said(quotes.overview()) == [OPENED]
    assert quotes.unanswered() == []


def test_without_an_overview_there_is_none_to_quote() -> None:
    quotes, state = made(MANY)
    assert quotes.overview() == [] and state.claims == []
