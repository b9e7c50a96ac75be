"""Whether claims answer: by a judge, by a quote's reading, or by a sentence's own."""

from dataclasses import replace

import pytest

from service.answering import question_reading
from service.answering.answer_decision import READER, AnswerDecider
from service.catalogue.overview import Overview
from service.judging.types import Judgement
from service.questions.comparisons import ComparedSide
from service.types import Claim, Decision, Draft, Verdict
from service.verification.citation_selection import make_citation
from service.verification.methods import OVERVIEW
from tests.support.readings import PLAIN, ScriptedReader, passage_evidence, read_state

pytestmark = pytest.mark.usefixtures("plain")

TEXT = "The room opened in 1931. It holds 40,000 maps."
ODDS = {("40,000", "many"): 2.0, ("1931", "When"): 3.0}
MANY, WHEN = "How many maps?", "When did it open?"


def made(asked, odds=ODDS, **more):
    """Return a decider and its state, for a passage with a title and another before it."""
    reader = ScriptedReader(odds)
    other = passage_evidence("Dogs may enter.", 1)
    evidence = passage_evidence(TEXT, 2, title="Kanda", heading="Rooms", **more)
    state = read_state(asked, [other, evidence], reader)
    return AnswerDecider(state, reader), state, reader


def place_of(state, words):
    """Return the evidence and the span of its sentence that has some words."""
    evidence = next(e for e in state.evidence if e.passage.text == TEXT)
    middle = TEXT.index(" It")
    return (evidence, 0, middle) if words in TEXT[:middle] else (evidence, middle + 1, len(TEXT))


def quote(state, words):
    citation = make_citation(*place_of(state, words))
    return Claim(citation.quote, 0, 0, (citation,), Verdict("supported", 1.0, "verbatim"))


def written(state, text, words="40,000", method="rules + checker"):
    """Return a claim of a model that rests on the sentence with some words."""
    cited = (make_citation(*place_of(state, words)),)
    return Claim(text, 0, len(text), cited, Verdict("supported", 0.9, method))


def test_quote_is_decided_by_the_reading_of_its_own_span() -> None:
    decide, state, reader = made(MANY)
    right, wrong = decide(quote(state, "40,000")), decide(quote(state, "1931"))
    assert right == Decision(True, 0.881, READER) and wrong.holds is False and wrong.score < 0.01
    assert reader.calls == []  # the passage was read before


def test_quote_that_answers_less_likely_than_not_does_not_answer() -> None:
    decide, state, _ = made(MANY, {"40,000": -0.1})
    assert decide(quote(state, "40,000")) == Decision(False, 0.475, READER)


@pytest.mark.parametrize(("least", "holds"), [(0.9, True), (1.1, False)])
def test_claim_answers_only_from_the_certainty_of_its_languages(monkeypatch, least, holds) -> None:
    strict = replace(PLAIN, ticked_from=PLAIN.ticked_from | {"en→en": least})
    monkeypatch.setattr(question_reading, "load_calibration", lambda: strict)
    decide, state, _ = made(MANY, {"40,000": 1.0})
    for claim in (quote(state, "40,000"), written(state, "It has 40,000 maps.")):
        assert decide(claim) == Decision(holds, 0.731, READER)


def test_sentence_of_a_model_is_read_below_the_title_of_its_source() -> None:
    decide, state, reader = made(MANY, {"It has 40,000": 1.0, "Kanda": 9.0})
    decision = decide(written(state, "It has 40,000 maps."))
    assert reader.calls == [[("Kanda › Rooms\nIt has 40,000 maps.", MANY)]]
    assert decision == Decision(True, 0.731, READER)  # what the title would answer is not counted


def test_sentence_of_a_model_that_says_something_else_does_not_answer() -> None:
    decide, state, _ = made(MANY)
    assert not decide(written(state, "The room is old.")).holds


@pytest.mark.parametrize("answers", [True, False])
def test_judge_is_believed_of_a_sentence_that_it_supports(answers: bool) -> None:
    decide, state, reader = made(MANY)
    claim = written(
        state, "It has 40,000 maps." if not answers else "It is old.", method="judge: j"
    )
    state.judgements[claim.text] = Judgement("supported", (1,), answers=answers)
    assert decide(claim) == Decision(answers, float(answers), "judge: j")
    assert reader.calls == []


def test_judge_is_not_asked_of_quotes_or_of_what_it_did_not_support() -> None:
    decide, state, _ = made(MANY)
    shown = quote(state, "40,000")
    state.judgements[shown.text] = Judgement("supported", (1,), answers=False)
    assert decide(shown) == Decision(True, 0.881, READER)
    claim = written(state, "It has 40,000 maps.")
    state.judgements[claim.text] = Judgement("unsupported", answers=False)
    assert decide(claim) == Decision(True, 0.881, READER)


def test_claim_that_answers_one_part_of_a_question_answers() -> None:
    decide, state, reader = made([MANY, WHEN])
    assert decide(quote(state, "1931")) == Decision(True, 0.953, READER)
    assert decide(quote(state, "40,000")) == Decision(True, 0.881, READER)
    first, second = state.parts
    citation = quote(state, "1931").citations[0]
    assert first.quote_certainty(citation) < -8 and second.quote_certainty(citation) > 2
    assert decide(written(state, "It opened in 1931.")).holds
    assert [question for ((_, question),) in reader.calls] == [MANY, WHEN]


def test_sentences_of_an_overview_answer() -> None:
    decide, state, reader = made("Summarise it.", {})
    claim = quote(state, "1931")
    assert not decide(claim).holds
    state.overview = Overview((Draft(claim.text, (1,)),), state.evidence, "")
    assert decide(claim) == Decision(True, 1.0, OVERVIEW) and reader.calls == []


def test_sentence_of_another_source_does_not_sum_a_work_up() -> None:
    decide, state, _ = made("Summarise it.", {})
    other = passage_evidence("Dogs may enter.", 1, source="other")
    state.overview = Overview((Draft("Dogs may enter.", (1,)),), (other,), "")
    for claim in (quote(state, "1931"), written(state, "It has 40,000 maps.")):
        decision = decide(claim)
        assert not decision.holds and decision.method == READER


def test_claim_without_a_citation_does_not_answer() -> None:
    decide, _, _ = made(MANY)
    claim = Claim("It has 40,000 maps.", 0, 0, (), Verdict("supported", 0.9, "rules"))
    assert decide(claim) == Decision(False, 0.0, READER)


def test_quote_that_does_not_say_what_the_question_supposes_does_not_answer() -> None:
    decide, state, _ = made(MANY)
    state.doubted = "The room did lose its maps"
    assert decide(quote(state, "40,000")) == Decision(False, 0.881, READER)


def test_quote_of_another_source_than_the_part_is_about_does_not_answer_it() -> None:
    decide, state, _ = made(MANY)
    state.parts = tuple(replace(part, within={"elsewhere"}) for part in state.parts)
    assert decide(quote(state, "40,000")).holds is False


@pytest.mark.parametrize(
    ("odds", "holds"),
    [
        ({("1931", "pier"): 3.0, ("40,000", "mole"): 2.0}, True),
        ({("1931", "pier"): 3.0, ("40,000", "mole"): -0.2}, False),  # of one nothing is sure
        ({("1931", "pier"): 3.0, ("1931", "mole"): 3.0}, False),  # one sentence for both
    ],
)
def test_quote_answers_a_comparison_only_if_both_things_are_surely_told_of(odds, holds) -> None:
    asked = ["What of the pier?", "What of the mole?"]
    decide, state, _ = made(asked, odds)
    decide_parts = decide(quote(state, "1931")).holds
    state.sides = tuple(ComparedSide(each, each, None) for each in asked)
    assert decide_parts and decide(quote(state, "1931")).holds is holds
