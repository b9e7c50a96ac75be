"""Two ways to check a model's sentences: each by the verifier, or in groups by a judge."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from service.answering.state import AnswerState
from service.disclosure import model_name
from service.generation.prompts import estimate_tokens
from service.judging.decision import decide
from service.judging.evidence import evidence_text, number_evidence
from service.judging.prompt import JUDGED_AT_ONCE, evidence_tokens
from service.judging.types import Failure, Judge, JudgeCall, NumberedEvidence
from service.types import Claim, Draft, Evidence
from service.verification.methods import with_failure

# After these a judge would most likely keep a reader waiting again.
GIVEN_UP: frozenset[Failure] = frozenset({"timeout", "unreachable"})
MAX_JUDGE_CALLS = 4  # of one answer; the last waits until the model has written all

Threads = Callable[..., Awaitable[Any]]


class SentenceChecks(Protocol):
    """Checks the sentences of one answer."""

    @property
    def last(self) -> bool:
        """Whether the next group has to be the last, with all that is left."""
        ...

    def prefetch(self, draft: Draft) -> None:
        """Begin to check a sentence that seems complete, where that is of use."""
        ...

    def check(self, drafts: Sequence[Draft]) -> AsyncGenerator[Claim, None]:
        """Yield the claim that each sentence of a group makes, in order, as it is decided."""
        ...

    def close(self) -> None:
        """Cancel what was begun and is not used."""
        ...


class VerifierChecks:
    """Checks each sentence by itself, by rules and checker.

    Args:
        verify: Checks one sentence, and blocks.
        threads: Runs that in a thread.
    """

    last = False

    def __init__(self, verify: Callable[[Draft], Claim], threads: Threads) -> None:
        self._check = partial(threads, verify)
        self._ahead: dict[Draft, asyncio.Future[Claim]] = {}

    async def check(self, drafts: Sequence[Draft]) -> AsyncGenerator[Claim, None]:
        """Yield the claim of each sentence as soon as it is checked."""
        for draft in drafts:
            yield await (self._ahead.pop(draft) if draft in self._ahead else self._check(draft))

    def prefetch(self, draft: Draft) -> None:
        """Begin to check a sentence before it is certain that it is complete."""
        if draft not in self._ahead:
            check = self._ahead[draft] = asyncio.ensure_future(self._check(draft))
            check.add_done_callback(lambda done: done.cancelled() or done.exception())

    def close(self) -> None:
        """Cancel the checks that were begun in advance and not used."""
        for check in self._ahead.values():
            check.cancel()


class JudgeChecks:
    """Checks groups of sentences by calls of a judge; where one fails, by the verifier.

    One call is in flight at a time. After one that took too long or reached nobody, the verifier
    decides the rest of the answer. What the judge said is recorded in the answer's state, and what
    it cost.

    Args:
        state: The state of the answer, in which everything is recorded.
        judge: Says what each sentence is worth.
        verify: Checks one sentence by rules and checker, and blocks.
        threads: Runs that in a thread.
    """

    def __init__(
        self,
        state: AnswerState,
        judge: Judge,
        verify: Callable[[Draft], Claim],
        threads: Threads,
    ) -> None:
        self._state, self._judge, self._verify, self._threads = state, judge, verify, threads
        self._numbered: NumberedEvidence | None = None
        self._given_up: Failure | None = None

    @property
    def last(self) -> bool:
        """Whether only one more call may be made; False if the judge was given up."""
        return not self._given_up and self._state.judge_cost.calls >= MAX_JUDGE_CALLS - 1

    def prefetch(self, draft: Draft) -> None:
        """Do nothing: a judge is asked about complete sentences only."""

    async def check(self, drafts: Sequence[Draft]) -> AsyncGenerator[Claim, None]:
        """Ask the judge about the sentences, and yield the claim of each.

        A group that is too large for one call is split while there are calls left, but for one
        that is kept for what the model may still write. Those that then do not fit are decided by
        the verifier.
        """
        calls_kept = 0 if self.last else 1
        while drafts and not self._given_up:
            left = MAX_JUDGE_CALLS - self._state.judge_cost.calls - calls_kept
            if left < 1:
                break
            some = drafts[:JUDGED_AT_ONCE] if left > 1 else drafts[: await self._fitting(drafts)]
            async for claim in self._ask(some):
                yield claim
            drafts = drafts[len(some) :]
        async for claim in self._without_judge(drafts, self._given_up or "window"):
            yield claim

    async def _ask(self, drafts: Sequence[Draft]) -> AsyncGenerator[Claim, None]:
        """Ask the judge about all sentences in one call, and yield the claim of each."""
        state, judge, numbered = self._state, self._judge, await self._evidence()
        begun = time.perf_counter()
        call = await ask_judge(judge, state.asked, numbered, drafts)
        state.judge_cost.add(call, time.perf_counter() - begun)
        if call.failure:
            self._given_up = call.failure if call.failure in GIVEN_UP else None
            async for claim in self._without_judge(drafts, call.failure):
                yield claim
            return
        for draft, judgement in zip(drafts, call.judgements, strict=True):
            state.judgements[draft.text] = judgement
            given = draft, judgement, numbered, state.originals, model_name(judge.name)
            yield await self._threads(decide, *given)

    async def _evidence(self) -> NumberedEvidence:
        """The evidence as the judge sees it, the same for each call."""
        if self._numbered is None:
            fitting = judge_evidence, self._judge, self._state.asked, self._state.evidence
            self._numbered = await self._threads(*fitting)
        return self._numbered

    async def _fitting(self, drafts: Sequence[Draft]) -> int:
        """How many of the first sentences fit one call beside the evidence, by estimate.

        At least those for which room is kept; that they are too long is for the judge to find.
        """
        read = estimate_tokens(evidence_text(await self._evidence()))
        count = len(drafts)
        while count > JUDGED_AT_ONCE:
            texts = [draft.text for draft in drafts[:count]]
            if read <= evidence_tokens(self._judge.window, self._state.asked, texts):
                break
            count -= 1
        return count

    async def _without_judge(
        self, drafts: Sequence[Draft], failure: Failure
    ) -> AsyncGenerator[Claim, None]:
        for draft in drafts:
            yield without_judge(await self._threads(self._verify, draft), failure)

    def close(self) -> None:
        """Do nothing: a call is cancelled with the task that awaits it."""


async def ask_judge(
    judge: Judge, question: str, numbered: NumberedEvidence, drafts: Sequence[Draft]
) -> JudgeCall:
    """Ask a judge about consecutive sentences in one call; too few judgements are a failure."""
    sentences = [draft.text for draft in drafts]
    call = await judge.judge(question, numbered, sentences, drafts[0].before)
    if call.failure or len(call.judgements) == len(drafts):
        return call
    return replace(call, judgements=(), failure="unreadable")


def judge_evidence(judge: Judge, question: str, evidence: Sequence[Evidence]) -> NumberedEvidence:
    """Number the sentences of the evidence, as many as fit a judge's window with the question."""
    return number_evidence(evidence, evidence_tokens(judge.window, question))


def without_judge(claim: Claim, failure: Failure) -> Claim:
    """Return a claim whose verdict says why no judge decided it; a verbatim quote as it is."""
    verdict = claim.verdict
    if verdict.method == "verbatim":
        return claim
    return replace(claim, verdict=replace(verdict, method=with_failure(verdict.method, failure)))
