"""The stream of claims: checks a model's sentences once each, in order, as early as possible."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence

from service.answering.state import AnswerState
from service.generation.citation_parser import resolve_author_years
from service.generation.prompts import is_no_answer
from service.types import Claim, Draft, Event, Rejected

MAX_CLAIMS = 12  # of a model; one that goes on and on is stopped


class ClaimStream:
    """Turns the sentences of one answer into claims or rejected sentences.

    ``check`` tells what becomes of one. What is the same as an earlier one, or the word for having
    no answer, is passed over.
    """

    def __init__(self, turn: AnswerState, check: Callable[[Draft], Awaitable[Claim]]) -> None:
        self._turn, self._check = turn, check
        self._seen: set[str] = set()
        self._ahead: dict[Draft, asyncio.Future[Claim]] = {}

    @property
    def any(self) -> bool:
        """Whether any sentence was decided."""
        return bool(self._seen)

    @property
    def full(self) -> bool:
        """Whether as many sentences were decided as one answer may have."""
        return len(self._seen) >= MAX_CLAIMS

    async def decide(self, drafts: Sequence[Draft]) -> list[Event]:
        """Check some sentences in order, and return an event for each."""
        events = []
        for draft in self._fresh(drafts):
            self._seen.add(draft.text)
            claim = await (self._ahead.pop(draft, None) or self._check(draft))
            events.append(record_decision(self._turn, draft, claim))
        return events

    def prefetch(self, drafts: Sequence[Draft]) -> None:
        """Begin to check sentences that are likely complete, before that is certain."""
        for draft in self._fresh(drafts):
            if draft not in self._ahead:
                check = self._ahead[draft] = asyncio.ensure_future(self._check(draft))
                check.add_done_callback(lambda done: done.cancelled() or done.exception())

    def close(self) -> None:
        """Cancel the checks that were begun in advance and not used."""
        for check in self._ahead.values():
            check.cancel()

    def _fresh(self, drafts: Sequence[Draft]) -> Iterator[Draft]:
        for draft in drafts:
            draft = resolve_author_years(draft, self._turn.evidence)
            if draft.text not in self._seen and not self.full and not is_no_answer(draft.text):
                yield draft


def record_decision(turn: AnswerState, draft: Draft, claim: Claim) -> Event:
    """Record in an answer's state what a draft became, and return the event that says so."""
    turn.drafts.append(draft)
    if claim.verdict.label == "supported":
        return Event("claim", turn.add(claim))
    rejected = Rejected(claim.text, claim.reason, claim.verdict, claim.citations)
    turn.rejected.append(rejected)
    return Event("rejected", rejected)
