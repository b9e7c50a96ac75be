"""The judge of a running service: it proves itself in the background, and says how that went."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from itertools import chain, repeat
from typing import Any, Literal

from service.disclosure import model_name
from service.generation.completion import CompletionModel
from service.judging.judge import ModelJudge
from service.judging.self_test import SelfTestReport, fingerprint, load_self_test
from service.judging.standing import Outcome, Standing, standing_key
from service.judging.types import Judge

logger = logging.getLogger(__name__)

# Seconds before the self-test of a judge that is not able is tried again; the last one repeats.
# The test itself is taken again only where its outcome is not known.
PAUSES = (60.0, 300.0, 900.0)

JudgeState = Literal["untested", "testing", "able", "failed", "unreachable", "withdrawn"]


@dataclass(frozen=True, slots=True)
class JudgeStatus:
    """What a service says of its judge.

    Attributes:
        name: Name of the model.
        host: Host to which questions, sentences and evidence are sent while it is ``able``.
        able: Whether it judges.
        state: How its self-test stands; ``unreachable``: its server did not answer it;
            ``withdrawn``: it passed, but then judged too many control sentences wrongly.
        true_right: Sentences of the test that are true and were judged so, of 12; null: unknown.
        false_right: Those that are false and were judged so, of 12; null: unknown.
    """

    name: str
    host: str
    able: bool
    state: JudgeState
    true_right: int | None = None
    false_right: int | None = None

    @property
    def summary(self) -> str:
        """Describe the status in a few words."""
        if self.true_right is None:
            return self.state
        return f"{self.state}: {self.true_right} of 12 true, {self.false_right} of 12 false right"


class ServiceJudge(ModelJudge):
    """A judge that keeps the outcomes of its self-test, and tries again where there is none.

    Args:
        model: Client of the model.
        window: How many tokens it reads and writes in all.
        timeout: Seconds that a call may take in all.
        standing: Where the outcomes of self-tests are kept.
        required: Whether the owner asked for a judge, who is then warned of one that fails.
    """

    def __init__(
        self,
        model: CompletionModel,
        window: int,
        timeout: float,
        standing: Standing,
        *,
        required: bool = False,
    ) -> None:
        super().__init__(model, window, timeout, standing)
        self._outcomes, self._required = standing, required
        self._state: JudgeState = "untested"
        self._right: tuple[int | None, int | None] = (None, None)
        self._reported = False  # whether a failure was logged

    @property
    def status(self) -> JudgeStatus:
        """How the self-test stands."""
        state = "withdrawn" if self._controls.failed else self._state
        return JudgeStatus(model_name(self.name), self.host, self.able, state, *self._right)

    def recall(self) -> None:
        """Take over the kept outcome of the self-test, if there is one. Asks no server."""
        if outcome := self._kept():
            self._able = outcome.passed
            self._record(outcome)

    async def prove(self, again: bool = False) -> SelfTestReport | None:
        """Take the self-test as ``ModelJudge.prove`` does, and note how that went."""
        before, self._state = self._state, "testing"
        try:
            report = await super().prove(again)
        except BaseException:
            self._state = before
            raise
        outcome = self._kept()
        if report is not None:
            right = report.score(True)[0], report.score(False)[0]
            outcome = Outcome(report.passed, *right, "") if report.answered else None
        if outcome is None or outcome.passed != self._able:
            self._state = "unreachable"
        else:
            self._record(outcome)
        return report

    async def prove_until_able(self, pauses: Sequence[float] = PAUSES) -> None:
        """Take the self-test, or look up its outcome, until it is passed or does not matter.

        Args:
            pauses: Seconds to wait after each failure; the last one repeats.
        """
        for pause in chain(pauses, repeat(pauses[-1])):
            await self.prove()
            if self._able:
                return
            await asyncio.sleep(pause)

    def _kept(self) -> Outcome | None:
        items = fingerprint(load_self_test())
        return self._outcomes.get(standing_key(self._model.address, self.name, items))

    def _record(self, outcome: Outcome) -> None:
        self._state = "able" if outcome.passed else "failed"
        self._right = outcome.true_right, outcome.false_right
        if outcome.passed or self._reported:
            return
        self._reported = True
        logger.log(
            logging.WARNING if self._required else logging.INFO,
            "the judge %s at %s did not pass the self-test and does not judge (%s): set"
            " TENKYO_JUDGE_URL and TENKYO_JUDGE_MODEL to a stronger model, or TENKYO_JUDGE=off",
            self.name, self.host, self.status.summary,
        )  # fmt: skip


@asynccontextmanager
async def proving(judge: Judge | None) -> AsyncIterator[None]:
    """Let a judge prove itself in the background while the context is open."""
    if not isinstance(judge, ServiceJudge):
        yield
        return
    task = asyncio.create_task(judge.prove_until_able())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def judge_status(judge: Judge | None) -> dict[str, Any] | None:
    """Return what a service says of its judge, as JSON; None if it has none."""
    if judge is None:
        return None
    if isinstance(judge, ServiceJudge):
        return asdict(judge.status)
    state: JudgeState = "able" if judge.able else "untested"
    return asdict(JudgeStatus(model_name(judge.name), judge.host, judge.able, state))
