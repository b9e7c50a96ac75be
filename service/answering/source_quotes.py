"""Quotes of the sources, for where a model's sentences do not hold or there is no model.

Whether a quote answers is decided by the checker's reader, or by a judge that said so of the
sentence that the quote replaces. How certain that must be depends on what else speaks for an
answer: see ``ANSWERS`` and ``SURELY``.
"""

from __future__ import annotations

import math
from dataclasses import replace

from service.answering.evidence_reading import QuestionPart
from service.answering.extractive import ANSWERS, MAX_QUOTES, quote_answer, quote_sides
from service.answering.state import AnswerState
from service.text.leaning import leans_on_previous
from service.types import Citation, Claim, Draft, Event
from service.verification.candidate_quotes import reader_spans
from service.verification.citation_selection import find_verbatim
from service.verification.methods import is_judged
from service.verification.verifier import Verifier

MAX_IN_PLACE = 5  # quotes of one answer that take the place of withheld sentences
BESIDE = -4.0  # log-odds below which a quote has nothing to do with the question
MAX_BEFORE = 2  # sentences before a quote that are quoted with it, to say what "It" is
SURELY = 0.7  # log-odds, two in three, from which a quote takes an unsupported sentence's place


class SourceQuotes:
    """Claims in the sources' own words for one answer, each quote at most once.

    All methods block, and record in the answer's state what they return events of.
    """

    def __init__(self, state: AnswerState, verifier: Verifier) -> None:
        self._state, self._verifier = state, verifier
        self._in_place = 0
        self._put_off: list[Claim] = []  # withheld before anything held

    def in_place(self, withheld: Claim) -> list[Event]:
        """Quote what came nearest to a withheld sentence, if it answers or completes the answer.

        While nothing is shown yet, the sentence is kept for ``complete`` too.
        """
        completing = bool(self._state.claims)
        events: list[Event] = []
        for citation in withheld.citations:
            if self._in_place < MAX_IN_PLACE and self._helps(withheld, citation, completing):
                added = self._quote_in_context(Draft(citation.quote, (citation.label,)))
                self._in_place += len(added)
                events += added
        if not completing:
            self._put_off.append(withheld)
        return events

    def complete(self) -> list[Event]:
        """Quote what completes the answer, for sentences withheld before anything was shown."""
        put_off, self._put_off = self._put_off, []  # ``in_place`` may put one off again
        return [event for claim in put_off for event in self.in_place(claim)]

    def answer(self, bar: float | None = None) -> list[Event]:
        """Quote the windows that answer best, for each part that no claim answers yet.

        Where works are to be summed up, their overview is quoted if no claim does that yet.

        Args:
            bar: Calibrated log-odds that all windows must be above, besides the threshold from
                which a part is answered; None for that alone.
        """
        state = self._state
        if state.overview:
            return [] if any(claim.ticked for claim in state.claims) else self.overview()
        if state.sides:
            return self._compare(bar)
        events = []
        for part in state.parts:
            sure = part.answered and (bar is None or part.windows[0].certainty > bar)
            if not sure or self._answers(part):
                continue
            drafts = quote_answer(part.windows, MAX_QUOTES if len(state.parts) == 1 else 1, bar)
            events += [event for draft in drafts for event in self._quote(draft)]
        state.record_time("quote")
        return events

    def _compare(self, bar: float | None) -> list[Event]:
        """Quote what the sources say of each of two things, if they tell of one of them at all."""
        parts = self._state.parts
        if all(map(self._answers, parts)):
            return []
        told = any(p.answered and (bar is None or p.certainty > bar) for p in parts)
        drafts = quote_sides([p.windows for p in parts]) if told else []
        events = [event for draft in drafts for event in self._quote(draft)]
        self._state.record_time("quote")
        return events

    def overview(self) -> list[Event]:
        """Quote the sentences of the overview, and record what they are as the reason."""
        state = self._state
        if not state.overview:
            return []
        state.reason = state.overview.reason
        now = {each.passage.id: each.label for each in state.evidence}  # numbered by the reading
        labels = {each.label: now[each.passage.id] for each in state.overview.evidence}
        drafts = [
            replace(draft, labels=tuple(labels[label] for label in draft.labels))
            for draft in state.overview.drafts
        ]
        events = [event for draft in drafts for event in self._quote(draft)]
        state.record_time("quote")
        return events

    def unanswered(self) -> list[str]:
        """Return the parts of the question that no claim so far, and no quote of one, answers.

        Of two things that are compared, it is told which.
        """
        names = [side.name for side in self._state.sides] or [""] * len(self._state.parts)
        return [
            part.question if name in part.question else f"{name}: {part.question}"
            for name, part in zip(names, self._state.parts, strict=True)
            if not self._answers(part)
        ]

    def _answers(self, part: QuestionPart) -> bool:
        claims = self._state.claims
        undivided = len(self._state.parts) == 1 or self._state.overview is not None
        if undivided and any(claim.ticked for claim in claims):
            return True
        return any(
            part.quote_certainty(citation) > (BESIDE if _is_judged_to_answer(claim) else ANSWERS)
            for claim in claims
            for citation in claim.citations
        )

    def _quote(self, draft: Draft) -> list[Event]:
        """Record a claim in a source's own words; return no event if it is cited already."""
        state = self._state
        if self._is_cited(draft.text):
            return []
        claim = self._verifier.check(draft, state.evidence, state.originals)
        return [state.record(draft, claim)] if claim.verdict.method == "verbatim" else []

    def _quote_in_context(self, draft: Draft) -> list[Event]:
        """Record a quote, with the sentences that say what its pronoun stands for if possible."""
        if self._is_cited(draft.text):
            return []
        whole = self._behind_subject(draft)
        return self._quote(whole) or ([] if whole is draft else self._quote(draft))

    def _behind_subject(self, draft: Draft) -> Draft:
        """Return a quote together with those sentences before it on which its subject leans.

        They are the ones right before it in its passage, up to one that is shown already.
        """
        evidence = self._state.evidence[draft.labels[0] - 1]
        text = evidence.passage.text
        for _, start, end in find_verbatim(draft, [evidence]):
            first = start
            before = [span for span in reader_spans(text) if span[1] <= start]
            for a, b in reversed(before[-MAX_BEFORE:]):
                shown, adjacent = self._is_cited(text[a:b]), not text[b:first].strip()
                if shown or not adjacent or not leans_on_previous(text[first:end]):
                    break
                first = a
            if first < start:
                return replace(draft, text=text[first:end])
        return draft

    def _is_cited(self, text: str) -> bool:
        """Whether a quote of a claim that is shown has these words."""
        claims = self._state.claims
        return any(text in citation.quote for claim in claims for citation in claim.citations)

    def _helps(self, withheld: Claim, citation: Citation, completing: bool) -> bool:
        """Return whether a quote in place of a withheld sentence helps the reader.

        If a judge said that the sentence would answer, the quotes that it named do; those of an
        unsupported sentence only if something is shown already. Else something must be shown, or
        the evidence must more likely answer than not. Then a quote helps that supports a part of
        the sentence, or has another number, unless it has nothing to do with the question; any
        other must surely answer.
        """
        state = self._state
        said = state.judgements.get(withheld.text)
        if said and said.answers and said.numbers and (completing or said.ruling != "unsupported"):
            return True
        near = withheld.verdict.label != "unsupported"
        if not completing and state.answerability <= ANSWERS:
            return False
        return self._certainty(citation) > (BESIDE if near else SURELY)

    def _certainty(self, citation: Citation) -> float:
        """Return the calibrated log-odds that a quote answers the question, or a part of it."""
        found = [part.quote_certainty(citation) for part in self._state.parts]
        return max(found, default=-math.inf)


def _is_judged_to_answer(claim: Claim) -> bool:
    """Return whether a judge said that a claim answers, if not which part of a question."""
    return claim.ticked and claim.answers is not None and is_judged(claim.answers.method)
