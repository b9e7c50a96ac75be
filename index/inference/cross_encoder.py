"""The checker: whether evidence supports a claim, and whether a passage answers a question.

A cross-encoder reads both texts together. So it can notice a changed number, a negation or a
swapped name, which a comparison of two embeddings cannot. The weights ship with the package;
``training/`` makes them, and docs/checker.md describes them.
"""

from __future__ import annotations

import hashlib
import json
import logging
import lzma
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from safetensors import SafetensorError, safe_open
from tokenizers import Tokenizer

from corpus.errors import ModelUnavailable
from index.inference import openvino_cache
from index.types import Floats

if TYPE_CHECKING:
    from index.inference.cross_encoder_torch import Network

WEIGHTS = Path(__file__).parents[1] / "checker.safetensors"
LABELS = ("entailment", "neutral", "contradiction")
_BATCH_TOKENS = 2048
_SAMPLE_PAIRS = (  # a converted network is tested on these
    ("Whisper was trained on 680,000 hours of audio.", "How long was Whisper trained?"),
    ("この手法は画像を生成する。", "この手法は画像を生成しない。"),
    ("The sky is blue.", "空は青い。"),
)
_log = logging.getLogger(__name__)

_Run = Callable[[list[list[int]]], Sequence[Floats]]  # rows of token ids to the two heads' logits


class Checker(Protocol):
    """A model that scores pairs of texts, in English, Japanese, or one in each.

    All methods may be called from several threads.
    """

    @property
    def name(self) -> str:
        """Name of the model, as it appears in receipts."""
        ...

    @property
    def digest(self) -> str:
        """SHA-256 of the weights in hexadecimal: equal values mean equal scores."""
        ...

    def supports(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        """Compute how likely evidence entails or contradicts claims.

        Args:
            pairs: (evidence, claim) pairs.

        Returns:
            Probabilities [n, 3] of entailment, neutral and contradiction.
        """
        ...

    def answers(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        """Compute how likely passages answer questions.

        Args:
            pairs: (passage, question) pairs.

        Returns:
            Log-odds [n] that the passage answers the question.
        """
        ...

    def reads_whole(self, claim: str) -> bool:
        """Return whether a claim fits into what the model reads, so that none of it is cut off."""
        ...


class CrossEncoder:
    """The bilingual cross-encoder that ships as the checker; safe to share between threads.

    The weights are loaded at first use, and run by OpenVINO, or by torch if OpenVINO cannot.

    Args:
        path: The file with the weights, the tokenizer and the configuration.
        cache: The folder for the converted network, which all processes share; if None, each
            process converts it for itself.
    """

    name = "cross-encoder"

    def __init__(self, path: Path = WEIGHTS, cache: Path | None = None) -> None:
        self._path = path
        self._cache = cache
        self._lock = threading.Lock()
        self._run: _Run | None = None
        self._digest = ""

    @property
    def digest(self) -> str:
        """SHA-256 of the weights file in hexadecimal.

        Raises:
            ModelUnavailable: The file cannot be read.
        """
        if not self._digest:
            try:
                with self._path.open("rb") as file:
                    self._digest = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError as error:
                raise self._unreadable(error) from error
        return self._digest

    def supports(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        """Compute how likely evidence entails or contradicts claims; see ``Checker``.

        Raises:
            ModelUnavailable: The weights cannot be loaded.
        """
        logits = self._logits(pairs)[0]
        odds: Floats = np.exp(logits - logits.max(-1, keepdims=True))
        probabilities: Floats = odds / odds.sum(-1, keepdims=True)
        return probabilities

    def answers(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        """Compute how likely passages answer questions; see ``Checker``.

        Raises:
            ModelUnavailable: The weights cannot be loaded.
        """
        return self._logits(pairs)[1]

    def reads_whole(self, claim: str) -> bool:
        """Return whether a claim has at most as many tokens as the model reads; see ``Checker``.

        Raises:
            ModelUnavailable: The weights cannot be loaded.
        """
        self._loaded()
        ids = self._tokenizer.encode(claim, add_special_tokens=False).ids
        return len(ids) <= int(self._config["max_first"])

    def _loaded(self) -> _Run:
        with self._lock:
            self._run = self._run or self._load()
            return self._run

    def _logits(self, pairs: Sequence[tuple[str, str]]) -> Sequence[Floats]:
        """Compute the logits of both heads, [n, 3] and [n]."""
        run = self._loaded()
        return run(self._rows(pairs))

    def _rows(self, pairs: Sequence[tuple[str, str]]) -> list[list[int]]:
        """Tokenise pairs of texts, each to one row of token ids."""
        texts = [text for pair in pairs for text in pair]
        encodings = self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        ids = [encoding.ids for encoding in encodings]
        return [
            pair_ids(first, second, self._config)
            for second, first in zip(ids[::2], ids[1::2], strict=True)
        ]

    def _load(self) -> _Run:
        try:
            with safe_open(str(self._path), "np") as file:
                self._config: dict[str, Any] = json.loads(file.metadata()["config"])
                packed = file.get_tensor("tokenizer.json.xz").tobytes()
            self._tokenizer = Tokenizer.from_str(lzma.decompress(packed).decode())
            return self._load_network()
        except (OSError, SafetensorError, lzma.LZMAError, KeyError, ValueError) as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> ModelUnavailable:
        return ModelUnavailable(
            f"cannot load the checker from {self._path} ({error}): reinstall Tenkyo"
        )

    def _load_network(self) -> _Run:
        folder = (
            openvino_cache.model_cache_folder(self._cache, "checker", [self._path])
            if self._cache
            else None
        )
        try:
            return openvino_cache.load_or_convert(folder, self._export).run
        except openvino_cache.ConversionError as error:
            _log.warning("OpenVINO cannot run the checker (%s): using torch, slower", error)
        from index.inference.cross_encoder_torch import run

        network = self._torch_network()
        return lambda rows: [t.numpy() for t in run(network, rows, _BATCH_TOKENS)]

    def _torch_network(self) -> Network:
        from index.inference.cross_encoder_torch import Network, read_weights

        weights, config, _ = read_weights(self._path)
        return Network(weights, config)

    def _export(self) -> openvino_cache.ModelExport:
        from index.inference.cross_encoder_torch import run

        network, rows = self._torch_network(), self._rows(_SAMPLE_PAIRS)
        expected = [t.numpy() for t in run(network, rows, _BATCH_TOKENS)]
        longest = self._config["max_tokens"]
        return openvino_cache.ModelExport(
            network, self._config["pad"], rows, expected, longest=longest
        )


def pair_ids(first: Sequence[int], second: Sequence[int], config: dict[str, Any]) -> list[int]:
    """Join the token ids of two texts into one row: ``<s> first </s></s> second </s>``.

    Args:
        first: Token ids of the claim or question, cut to ``max_first`` of the configuration.
        second: Token ids of the evidence, cut so that the row has at most ``max_tokens``.
        config: The configuration of the checker, with the ids of the special tokens.
    """
    bos, eos = config["bos"], config["eos"]
    first = first[: config["max_first"]]
    second = second[: config["max_tokens"] - 4 - len(first)]
    return [bos, *first, eos, eos, *second, eos]
