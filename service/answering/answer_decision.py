"""Whether a claim answers the question, which is another thing than whether it is true."""

from __future__ import annotations

import math
from dataclasses import dataclass

from corpus.text.chunking import with_headings
from index.inference.cross_encoder import Checker
from service.answering.evidence_reading import QuestionPart
from service.answering.question_reading import ReadPassage
from service.answering.state import AnswerState
from service.types import Claim, Decision
from service.verification.calibration import probability
from service.verification.methods import OVERVIEW

READER = "reader"  # the method of decisions by the checker's reader


class AnswerDecider:
    """Decides whether claims of one answer answer its question; a call blocks.

    If a judge supports a sentence, its word decides. Else the checker's reader does: of a quote by
    how well that part of its passage answers, of a model's own sentence by reading it below the
    title and headings of what it cites. It must be so certain that of such claims hardly any is
    wrong (``ticked_from`` of the calibration).

    Args:
        state: The answer's state.
        checker: Reads the sentences of a model.
    """

    def __init__(self, state: AnswerState, checker: Checker) -> None:
        self._state, self._checker = state, checker

    def __call__(self, claim: Claim) -> Decision:
        """Return whether a supported claim answers the question, or a part of it."""
        judged = self._state.judgements.get(claim.text)
        if judged and judged.ruling == "supported" and claim.verdict.method != "verbatim":
            return Decision(judged.answers, float(judged.answers), claim.verdict.method)
        if self._is_of_the_works(claim):
            return Decision(True, 1.0, OVERVIEW)
        certainties = [
            each for part in self._state.parts for each in self._certainties(claim, part)
        ]
        likely = probability(max((each.odds for each in certainties), default=-math.inf))
        answers = any(each.odds >= each.passage.ticked_from for each in certainties)
        # A quote does not say why something is so, if it does not say that it is so; nor how two
        # things compare, if it tells of one alone.
        if claim.verdict.method == "verbatim" and (self._state.doubted or self._half_compared):
            answers = False
        return Decision(answers, round(likely, 3), READER)

    @property
    def _half_compared(self) -> bool:
        """Whether the question compares two things, and only one of them is surely told of.

        What a source says of the one, it often seems to say of the other too.
        """
        if not self._state.sides:
            return False
        best = [part.windows[0] for part in self._state.parts if part.surely_answered]
        works = {side.within for side in self._state.sides}
        apart = len(works) == len(self._state.sides) and None not in works
        return len(best) < len(self._state.sides) or (not apart and best[0].agrees_with(best[1]))

    def _is_of_the_works(self, claim: Claim) -> bool:
        """Return whether a claim rests on nothing but the works that are to be summed up."""
        overview, evidence = self._state.overview, self._state.evidence
        works = {e.source.work_key for e in overview.evidence} if overview else set()
        cited = {evidence[citation.label - 1].source.work_key for citation in claim.citations}
        return bool(cited) and cited <= works

    def _certainties(self, claim: Claim, part: QuestionPart) -> list[_Certainty]:
        """Read a claim for a part: each of its quotes, or the sentence of a model."""
        if claim.verdict.method == "verbatim" or not claim.citations:
            quoted = [
                (part.passages[c.label - 1], part.quote_certainty(c)) for c in claim.citations
            ]
            return [_Certainty(odds, passage) for passage, odds in quoted]
        passage = part.passages[claim.citations[0].label - 1]
        source = passage.evidence
        text = with_headings(claim.text, source.passage, source.source)
        (reading,) = self._checker.read([(text, part.question)])
        odds = reading.answers(len(text) - len(claim.text))
        return [_Certainty(passage.certainty(odds), passage)]


@dataclass(frozen=True, slots=True)
class _Certainty:
    """The calibrated log-odds that a claim which rests on a passage answers."""

    odds: float
    passage: ReadPassage
