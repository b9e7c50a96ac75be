"""A larger judge of claims: any natural-language-inference model of transformers."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np

from corpus.errors import ModelUnavailable
from index.inference.cross_encoder import LABELS, Checker
from index.types import Floats


class LargerJudge:
    """A checker whose verdicts a model of your own gives.

    ``model`` is a folder or a hub id of a sequence classifier that names its labels
    ``entailment``, ``neutral`` and ``contradiction``, or ``entailment`` and another. Whether
    a passage answers a question, which such models do not know, ``base`` goes on to say.
    Loaded at first use; ModelUnavailable if it cannot be, or has no such label.
    """

    def __init__(self, model: str, base: Checker) -> None:
        self.name = model
        self._base = base
        self._lock = threading.Lock()
        self._loaded = None

    @property
    def digest(self) -> str:
        """Of the base's weights; the model goes by its name."""
        return self._base.digest

    def supports(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        with self._lock:
            network, tokenizer, columns = self._loaded = self._loaded or self._load()
            shares = [_shares(network, tokenizer, pair) for pair in pairs]
        found = np.zeros((len(pairs), len(LABELS)), np.float32)
        for row, by_column in enumerate(shares):
            for label, share in zip(columns, by_column, strict=True):
                found[row, label] += share
        return found

    def answers(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        return self._base.answers(pairs)

    def _load(self):
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        try:
            network = AutoModelForSequenceClassification.from_pretrained(self.name).eval()
            tokenizer = AutoTokenizer.from_pretrained(self.name)
            labels = network.config.id2label
        except (OSError, ValueError) as error:
            raise ModelUnavailable(
                f"cannot load the judge {self.name!r} ({str(error).splitlines()[0][:200]}):"
                " set TENKYO_JUDGE to a folder, to a hub id that this machine can reach, or to"
                " nothing"
            ) from error
        names = [str(labels[i]).lower() for i in sorted(labels)]
        if "entailment" not in names:
            raise ModelUnavailable(
                f"the judge {self.name!r} knows {', '.join(names)} and not entailment: set"
                " TENKYO_JUDGE to a model for natural-language inference"
            )
        columns = [LABELS.index(n if n in LABELS else "neutral") for n in names]
        return network, tokenizer, columns


def _shares(network, tokenizer, pair: tuple[str, str]) -> list[float]:
    """The model's probabilities for an (evidence, claim) pair, in its own order."""
    import torch

    read = tokenizer(*pair, truncation=True, return_tensors="pt")
    with torch.inference_mode():
        return network(**read).logits[0].float().softmax(-1).tolist()
