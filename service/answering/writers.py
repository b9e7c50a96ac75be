"""The language models of an engine: which one writes an answer, and which one judges it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from service.disclosure import model_name
from service.errors import ModelNotConnected
from service.generation.llm import AnswerModel
from service.judging.types import Judge

_NAMED = 5  # models that a message names


@dataclass(frozen=True, slots=True)
class Writers:
    """The language models that an engine has at one moment.

    It never changes: an engine gets another one as a whole, and an answer that has begun keeps
    the one that it began with.

    Attributes:
        model: Writes answers; None: quote mode.
        judge: Decides about sentences, once it has passed its self-test.
        judge_writes: Whether the judge is the model that writes. Then that model also decides
            whether there is an answer, from all the evidence.
        others: Further models of the same server, by the names that readers see.
    """

    model: AnswerModel | None = None
    judge: Judge | None = None
    judge_writes: bool = False
    others: Mapping[str, AnswerModel] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """The names of the models that can write, as readers see them; the usual one first."""
        if self.model is None:
            return []
        usual = model_name(self.model.name)
        return [usual, *(name for name in self.others if name != usual)]

    def writing(self, name: str | None) -> Writers:
        """Return these models with the one of a name as the writer; None: the usual one.

        Raises:
            ModelNotConnected: There is no such model.
        """
        if name is None or (self.model is not None and name == model_name(self.model.name)):
            return self
        if name not in self.others:
            some = ", ".join(self.names[:_NAMED])
            fix = f"use {some}, or leave it out" if some else "connect one, or leave it out"
            raise ModelNotConnected(f"there is no model “{name[:100]}” here: {fix}")
        return replace(self, model=self.others[name], judge_writes=False)


class WritersInUse:
    """What an engine answers with; another ``Writers`` takes its place in one step, by any thread.

    Setting ``model`` or ``judge`` replaces one of them.
    """

    writers: Writers = Writers()

    @property
    def model(self) -> AnswerModel | None:
        """The model that usually writes."""
        return self.writers.model

    @model.setter
    def model(self, model: AnswerModel | None) -> None:
        self.writers = replace(self.writers, model=model)

    @property
    def judge(self) -> Judge | None:
        """The model that judges."""
        return self.writers.judge

    @judge.setter
    def judge(self, judge: Judge | None) -> None:
        self.writers = replace(self.writers, judge=judge)
