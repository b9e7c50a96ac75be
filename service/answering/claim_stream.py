"""The stream of claims: what becomes of each sentence of a model, in order."""

from __future__ import annotations

from dataclasses import replace

from service.answering.source_quotes import SourceQuotes
from service.answering.state import AnswerState
from service.messages import reader_message
from service.query import language_of
from service.text.leaning import leans_on_previous, shared_pronoun
from service.types import Claim, Draft, Event, Verdict
from service.verification.methods import LEANS


class ClaimStream:
    """Shows the sentences of an answer that hold, and withholds the others.

    A sentence whose subject is a pronoun goes with the sentence before it, if that was withheld. A
    quote of a source takes the place of a withheld sentence, where it helps the reader.
    """

    def __init__(self, state: AnswerState, quotes: SourceQuotes) -> None:
        self._state, self._quotes = state, quotes
        self._decided: list[tuple[str, bool]] = []  # each sentence, and whether it is shown

    @property
    def held(self) -> bool:
        """Whether any sentence of the model is shown."""
        return any(shown for _, shown in self._decided)

    def decide(self, draft: Draft, claim: Claim) -> list[Event]:
        """Record what a sentence became, and return the events that say so. Blocks."""
        if claim.verdict.label == "supported" and self._is_lost(draft, claim.verdict):
            claim = _withheld(claim)
        shown = claim.verdict.label == "supported"
        self._decided.append((draft.text, shown))
        event = self._state.record(draft, claim)
        if shown:
            return [event]
        return [event, *self._quotes.in_place(claim)]

    def _is_lost(self, draft: Draft, verdict: Verdict) -> bool:
        """Return whether the sentence that this one leans on was withheld.

        If several in a row have the same pronoun, that is the sentence before the first of them.
        """
        if verdict.method == "verbatim" or not leans_on_previous(draft.text):
            return False
        for text, shown in reversed(self._decided):
            if shown:
                return False
            if not shared_pronoun(text, draft.text):
                return True
        return False


def _withheld(claim: Claim) -> Claim:
    return replace(
        claim,
        verdict=Verdict("unsupported", 1.0, LEANS),
        reason=reader_message("leans", language_of(claim.text)),
        secondary=False,
        disputed_by=(),
        works=0,
    )
