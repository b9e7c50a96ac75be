"""Which questions the evidence is read for, of a comparison."""

from __future__ import annotations

from index.search import Library
from service.answering.evidence_finder import EvidenceFinder
from service.answering.state import AnswerState
from service.questions.comparisons import ComparedSide
from tests.support.readings import ScriptedReader

QUESTION = "Was Whisper trained on more audio than earlier models?"
SIDES = ("What about Whisper?", "What about earlier models?")


def read(library: Library, *answered: str) -> AnswerState:
    """Read the evidence for a comparison; sentences on hours answer the questions given."""
    checker = ScriptedReader({("680,000", question): 3.0 for question in answered})
    state = AnswerState("a", "c", QUESTION)
    state.compared = ("Whisper", "earlier models")
    state.sides = tuple(
        ComparedSide(name, asked, None) for name, asked in zip(state.compared, SIDES, strict=True)
    )
    finder = EvidenceFinder(library, checker, {})  # type: ignore[arg-type]
    finder.read(state, finder.search(state))
    return state


def test_each_side_is_read_for_if_one_is_told_of(library: Library) -> None:
    state = read(library, SIDES[0])
    assert tuple(part.question for part in state.parts) == SIDES
    assert [part.answered for part in state.parts] == [True, False] and state.answerable


def test_whole_question_is_read_for_if_no_side_is_told_of(library: Library) -> None:
    state = read(library, QUESTION)
    assert [part.question for part in state.parts] == [QUESTION]
    assert state.sides == () and state.answerable
    assert state.compared  # so that a thing which no source names is still missed


def test_nothing_is_told_of(library: Library) -> None:
    state = read(library)
    assert state.sides == () and not state.answerable
