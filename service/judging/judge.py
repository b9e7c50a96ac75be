"""A language model as a judge, believed only as far as it proves to judge well.

It is not asked before it has passed the self-test, and no verdict of a call counts in which it
judged one of the two control sentences wrongly. After several such calls it is asked no more.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from service.generation.completion import CompletionModel
from service.generation.prompts import estimate_tokens
from service.judging.call import ask
from service.judging.control_record import ControlRecord
from service.judging.controls import Disguised, disguise, make_controls
from service.judging.orders import speaks_to_a_judge
from service.judging.prompt import judge_messages, reply_tokens
from service.judging.self_test import (
    ITEMS,
    Group,
    SelfTestReport,
    fingerprint,
    load_self_test,
    run_self_test,
)
from service.judging.standing import Standing, standing_key
from service.judging.types import JudgeCall, Judgement, NumberedEvidence
from service.text.prompt_injection import neutral, speaks_to_a_model

logger = logging.getLogger(__name__)

_NOT_SHOWN = Judgement("unsupported", answers=False)  # of a sentence that no judge is shown
_TEST_PATIENCE = 4  # times as long as a call of an answer, one of the self-test may take


class ModelJudge:
    """A judge that asks a language model; it implements ``service.judging.types.Judge``.

    Args:
        model: Client of the model.
        window: How many tokens it reads and writes in all.
        timeout: Seconds that a call may take in all.
        standing: Where the outcomes of self-tests are kept; None keeps none.
        rng: Makes the source of randomness for the controls of a call; for tests.
        items: The file of the self-test's items; for tests.
    """

    def __init__(
        self,
        model: CompletionModel,
        window: int,
        timeout: float,
        standing: Standing | None = None,
        rng: Callable[[], random.Random] | None = None,
        items: Path = ITEMS,
    ) -> None:
        self._model, self._window, self._timeout = model, window, timeout
        self._standing, self._items = standing, items
        self._rng = rng or (lambda: random.Random(secrets.randbits(64)))
        self._able = False
        self._controls = ControlRecord()

    @property
    def name(self) -> str:
        """Name of the model, as it appears in verdicts and receipts."""
        return self._model.name

    @property
    def host(self) -> str:
        """Host to which question, sentences and evidence are sent, without a path."""
        return self._model.host

    @property
    def able(self) -> bool:
        """Whether it passed the self-test, and has since judged its controls well enough."""
        return self._able and not self._controls.failed

    @property
    def window(self) -> int:
        """How many tokens it reads and writes in all."""
        return self._window

    async def prove(self, again: bool = False) -> SelfTestReport | None:
        """Let the model take the self-test, unless its outcome is known, and set ``able``.

        The outcome is kept, unless a call got no reply: then another time may end otherwise.
        It never raises: without an outcome the judge is not able.

        Args:
            again: Take the test even if its outcome is known.

        Returns:
            The report of the test; None if it was not taken.
        """
        try:
            async with asyncio.timeout(_TEST_PATIENCE * self._timeout):
                await self._model.identify()
            if self._standing is None:
                return await self._test(load_self_test(self._items))
            async with self._standing.alone():
                return await self._prove(self._standing, again)
        except Exception as error:  # a background task has nobody to raise to
            why = str(error) or type(error).__name__
            logger.warning("the judge %s could not be tested: %s", self.name, why)
            return None

    async def _prove(self, standing: Standing, again: bool) -> SelfTestReport | None:
        groups = load_self_test(self._items)
        key = standing_key(self._model.address, self.name, fingerprint(groups))
        known = standing.get(key)
        if known is not None and not again:
            self._able = known.passed
            return None
        report = await self._test(groups)
        if report.answered:
            standing.keep(key, report)
        return report

    async def _test(self, groups: Sequence[Group]) -> SelfTestReport:
        report = await run_self_test(self._model, groups, _TEST_PATIENCE * self._timeout)
        self._able = report.passed
        return report

    async def judge(
        self,
        question: str,
        evidence: NumberedEvidence,
        sentences: Sequence[str],
        before: Sequence[str] = (),
    ) -> JudgeCall:
        """Judge some sentences of one answer in one call, with two control sentences among them.

        A sentence that gives orders to a model or to a judge is not sent, and is unsupported.

        Args:
            question: What the answer is to.
            evidence: The same for each call of an answer.
            sentences: The sentences to judge, in order.
            before: The sentences of the answer before them; the first are left out where they
                do not fit the window.

        Returns:
            As many judgements as sentences, or none and the failure; it never raises.
        """
        shown = [n for n, text in enumerate(sentences) if _may_be_sent(text)]
        if not shown:
            return JudgeCall((_NOT_SHOWN,) * len(sentences))
        sent = [sentences[n] for n in shown]
        # It takes some hundredths of a second, for which other readers need not wait.
        disguised = await asyncio.to_thread(self._disguised, evidence, sent)
        if disguised is None:
            logger.warning("the judge is not asked: no control sentence can be made")
            return JudgeCall(failure="no control")
        context = self._fitting(question, evidence, disguised.sentences, before)
        if context is None:
            logger.warning("the judge is not asked: the sentences do not fit its window")
            return JudgeCall(failure="window")
        call = await ask(
            self._model, question, evidence, disguised.sentences, context, self._timeout
        )
        if call.failure:
            return call
        if not self._believed(disguised, call):
            return replace(call, judgements=(), failure="control")
        controlled = (disguised.false_at, disguised.true_at)
        judged = dict(
            zip(
                shown,
                (each for n, each in enumerate(call.judgements) if n not in controlled),
                strict=True,
            )
        )
        every = tuple(judged.get(n, _NOT_SHOWN) for n in range(len(sentences)))
        return replace(call, judgements=every)

    def _disguised(self, evidence: NumberedEvidence, sentences: Sequence[str]) -> Disguised | None:
        """The sentences with two controls among them; None if those cannot be made."""
        rng = self._rng()
        try:
            controls = make_controls(evidence, sentences, rng)
            return disguise(sentences, controls, rng) if controls else None
        except Exception:  # an answer must not fail by a text that rules were not made for
            logger.exception("the control sentences of a judge's call cannot be made")
            return None

    def _believed(self, disguised: Disguised, call: JudgeCall) -> bool:
        believed = disguised.believed(call.judgements)
        if not believed:
            logger.info("the judge %s judged a control sentence wrongly", self.name)
        if self._controls.add(believed):
            logger.warning(
                "the judge %s at %s judged control sentences wrongly too often and is not asked"
                " until the next start: set TENKYO_JUDGE_URL and TENKYO_JUDGE_MODEL to a stronger"
                " model, or TENKYO_JUDGE=off",
                self.name, self.host,
            )  # fmt: skip
        return believed

    def _fitting(
        self,
        question: str,
        evidence: NumberedEvidence,
        sentences: Sequence[str],
        before: Sequence[str],
    ) -> list[str] | None:
        """The last sentences before those to judge that fit the window, by estimate.

        None if those to judge do not fit it themselves.
        """
        messages = judge_messages(question, evidence, sentences)
        room = self._window - reply_tokens(len(sentences))
        room -= sum(estimate_tokens(message["content"]) for message in messages)
        if room < 0:
            return None
        kept: list[str] = []
        for text in reversed([text for text in before if _may_be_sent(text)]):
            room -= estimate_tokens(text) + 1
            if room < 0:
                break
            kept.insert(0, text)
        return kept


def _may_be_sent(text: str) -> bool:
    return bool(neutral(text)) and not speaks_to_a_model(text) and not speaks_to_a_judge(text)
