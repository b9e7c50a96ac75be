"""Support verdicts by a natural-language-inference (NLI) model from a folder or a hub.

The setting ``TENKYO_CHECKER`` names the model; without it the shipped checker gives the verdicts.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from index.inference.cross_encoder import LABELS, Checker
from index.inference.extra_library import extra_needed, in_one_line
from index.inference.model_errors import SearchModelUnavailable
from index.inference.parsed_question import ParsedQuestion
from index.inference.reading import Reading
from index.types import Floats


class _LoadedModel(NamedTuple):
    network: Any
    tokenizer: Any
    columns: list[int]  # for each output of the network, its index in LABELS


class NliChecker:
    """A checker that takes support verdicts from a transformers NLI model.

    Such models do not know where a text answers a question; that comes from ``base``. The
    model is loaded at first use.

    Args:
        model: A folder or a hub id of a sequence classifier. Its labels must be ``entailment``,
            ``neutral`` and ``contradiction``, or ``entailment`` and another.
        base: The checker for everything else.
    """

    def __init__(self, model: str, base: Checker) -> None:
        self.name = model
        self._base = base
        self._lock = threading.Lock()
        self._loaded: _LoadedModel | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of the base checker's weights; the NLI model is identified by its name."""
        return self._base.digest

    def supports(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        """Compute how likely evidence supports claims; see ``Checker``.

        Raises:
            ModelUnavailable: The model cannot be loaded, or has no label ``entailment``.
        """
        with self._lock:
            model = self._loaded = self._loaded or self._load()
            outputs = [_probabilities(model, pair) for pair in pairs]
        table = np.zeros((len(pairs), len(LABELS)), np.float32)
        for row, probabilities in enumerate(outputs):
            for column, probability in zip(model.columns, probabilities, strict=True):
                table[row, column] += probability
        return table

    def answers(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        """Compute how likely texts answer questions, by the base checker; see ``Checker``."""
        return self._base.answers(pairs)

    def read(self, pairs: Sequence[tuple[str, str]]) -> list[Reading]:
        """Find where texts answer questions, by the base checker; see ``Checker``."""
        return self._base.read(pairs)

    def parse(self, questions: Sequence[str]) -> list[ParsedQuestion]:
        """Find what questions ask for, by the base checker; see ``Checker``."""
        return self._base.parse(questions)

    def reads_whole(self, claim: str) -> bool:
        """Return whether a claim fits into what the model reads; see ``Checker``."""
        with self._lock:
            model = self._loaded = self._loaded or self._load()
            limit = min(int(model.tokenizer.model_max_length), 512)
            return len(model.tokenizer(claim)["input_ids"]) <= limit // 2

    def _load(self) -> _LoadedModel:
        with extra_needed(f"the NLI model {self.name!r}", "TENKYO_CHECKER"):
            import torch  # noqa: F401  # without it, transformers has the names but not the classes
            from transformers import AutoModelForSequenceClassification, AutoTokenizer

        try:
            network = AutoModelForSequenceClassification.from_pretrained(self.name).eval()
            tokenizer = AutoTokenizer.from_pretrained(self.name)
            labels = network.config.id2label
        except Exception as error:  # a damaged file makes the library raise any class of error
            raise SearchModelUnavailable(
                f"cannot load the NLI model {self.name!r} ({in_one_line(error)}):"
                " set TENKYO_CHECKER to a folder or to a hub id that this machine can reach, or"
                " unset it"
            ) from error
        names = [str(labels[i]).lower() for i in sorted(labels)]
        if "entailment" not in names:
            raise SearchModelUnavailable(
                f"the model {self.name!r} has the labels {', '.join(names)} but not entailment:"
                " set TENKYO_CHECKER to a model for natural-language inference"
            )
        columns = [LABELS.index(n if n in LABELS else "neutral") for n in names]
        return _LoadedModel(network, tokenizer, columns)


def _probabilities(model: _LoadedModel, pair: tuple[str, str]) -> list[float]:
    """Compute the probability of each label for an (evidence, claim) pair, in the model's order."""
    import torch

    inputs = model.tokenizer(*pair, truncation=True, return_tensors="pt")
    with torch.inference_mode():
        probabilities: list[float] = model.network(**inputs).logits[0].float().softmax(-1).tolist()
    return probabilities
