"""A judge whose calls are kept, and that may be taken at its word without the self-test."""

from __future__ import annotations

from collections.abc import Sequence

from service.generation.completion import CompletionModel
from service.judging.judge import ModelJudge
from service.judging.standing import Standing
from service.judging.types import JudgeCall, NumberedEvidence


class MeasuredJudge(ModelJudge):
    """A judge that keeps its ``calls``; with ``proven`` it need not pass the self-test."""

    def __init__(
        self,
        model: CompletionModel,
        window: int,
        timeout: float,
        standing: Standing | None = None,
        proven: bool = False,
    ) -> None:
        super().__init__(model, window, timeout, standing)
        self._proven = proven
        self.calls: list[JudgeCall] = []

    @property
    def able(self) -> bool:
        """Whether it passed the self-test, or need not."""
        return self._proven or super().able

    async def judge(
        self,
        question: str,
        evidence: NumberedEvidence,
        sentences: Sequence[str],
        before: Sequence[str] = (),
    ) -> JudgeCall:
        """Judge, and keep the call."""
        call = await super().judge(question, evidence, sentences, before)
        self.calls.append(call)
        return call
