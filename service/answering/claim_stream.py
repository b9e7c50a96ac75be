"""A model's sentences, each checked once and in its order, as early as may be."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence

from service.answering.state import AnswerState
from service.generation.citation_parser import resolve_author_years
from service.generation.prompts import is_no_answer
from service.types import Claim, Draft, Event, Rejected

MAX_CLAIMS = 12  # of a model; one that goes on and on is stopped


class ClaimStream:
    """The sentences of one turn on their way to being claims, or rejected.

    ``check`` tells what becomes of one. What is the same as an earlier one, or the word for having
    no answer, is passed over.
    """

    def __init__(self, turn: AnswerState, check: Callable[[Draft], Awaitable[Claim]]) -> None:
        self._turn, self._check = turn, check
        self._seen: set[str] = set()
        self._ahead: dict[Draft, asyncio.Future[Claim]] = {}

    @property
    def any(self) -> bool:
        return bool(self._seen)

    @property
    def full(self) -> bool:
        return len(self._seen) >= MAX_CLAIMS

    async def decide(self, drafts: Sequence[Draft]) -> list[Event]:
        events = []
        for draft in self._fresh(drafts):
            self._seen.add(draft.text)
            claim = await (self._ahead.pop(draft, None) or self._check(draft))
            events.append(record_decision(self._turn, draft, claim))
        return events

    def prefetch(self, drafts: Sequence[Draft]) -> None:
        """Begin to check what is likely the next sentence, before what follows it tells so."""
        for draft in self._fresh(drafts):
            if draft not in self._ahead:
                check = self._ahead[draft] = asyncio.ensure_future(self._check(draft))
                check.add_done_callback(lambda done: done.cancelled() or done.exception())

    def close(self) -> None:
        """Leave what was begun to be checked, and is not to be decided any more."""
        for check in self._ahead.values():
            check.cancel()

    def _fresh(self, drafts: Sequence[Draft]) -> Iterator[Draft]:
        for draft in drafts:
            draft = resolve_author_years(draft, self._turn.evidence)
            if draft.text not in self._seen and not self.full and not is_no_answer(draft.text):
                yield draft


def record_decision(turn: AnswerState, draft: Draft, claim: Claim) -> Event:
    """What became of a draft, noted in its turn."""
    turn.drafts.append(draft)
    if claim.verdict.label == "supported":
        return Event("claim", turn.add(claim))
    rejected = Rejected(claim.text, claim.reason, claim.verdict, claim.citations)
    turn.rejected.append(rejected)
    return Event("rejected", rejected)
