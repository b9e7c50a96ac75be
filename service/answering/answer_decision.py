"""Whether a claim answers the question, which is another thing than whether it is true."""

from __future__ import annotations

from corpus.text.chunking import with_headings
from index.inference.cross_encoder import Checker
from service.answering.reranking import probability
from service.answering.state import AnswerState
from service.types import Claim, Decision

READER = "reader"  # the method of decisions by the checker's reader


class AnswerDecider:
    """Decides whether claims of one answer answer its question; a call blocks.

    A judge is believed of a sentence that it supports. Else the checker's reader says of a quote
    how well that part of its passage answers, and of a model's own sentence how well its words do,
    below the title of what it cites.

    Args:
        state: The answer's state.
        checker: Reads sentences of a model.
    """

    def __init__(self, state: AnswerState, checker: Checker) -> None:
        self._state, self._checker = state, checker

    def __call__(self, claim: Claim) -> Decision:
        """Return whether a supported claim answers."""
        judged = self._state.judgements.get(claim.text)
        if judged and judged.ruling == "supported" and claim.verdict.method != "verbatim":
            return Decision(judged.answers, float(judged.answers), claim.verdict.method)
        likely = probability(self.certainty(claim))
        return Decision(likely >= 0.5, round(likely, 3), READER)

    def certainty(self, claim: Claim) -> float:
        """Return the calibrated log-odds, by the reader, that a claim answers."""
        quoted = [
            self.of_quote(citation.label, len(citation.before), len(citation.quote))
            for citation in claim.citations
        ]
        if claim.verdict.method == "verbatim" or not claim.citations:
            return max(quoted, default=-60.0)
        passage = self._state.passages[claim.citations[0].label - 1]
        source = passage.evidence
        text = with_headings(claim.text, source.passage, source.source)
        (reading,) = self._checker.read([(text, self._state.asked)])
        return passage.certainty(reading.answers(len(text) - len(claim.text)))

    def of_quote(self, label: int, start: int, length: int) -> float:
        """Return the calibrated log-odds that a part of an evidence passage answers.

        Args:
            label: The passage's label.
            start: Where in the passage the part begins.
            length: How many characters it has.
        """
        passage = self._state.passages[label - 1]
        return passage.certainty(passage.answers(start, start + length))
