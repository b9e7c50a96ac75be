"""Does this evidence support this claim, and does this passage answer this question?

A cross-encoder reads the two texts together, which a comparison of two vectors cannot: a
number changed, a negation or a swapped name is seen. The weights ship with the package;
``training/`` makes them, docs/checker.md describes them.
"""

from __future__ import annotations

import hashlib
import json
import logging
import lzma
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from safetensors import SafetensorError, safe_open
from tokenizers import Tokenizer

from corpus.errors import ModelUnavailable
from index.inference import openvino_runtime
from index.types import Floats

WEIGHTS = Path(__file__).parents[1] / "checker.safetensors"
LABELS = ("entailment", "neutral", "contradiction")
_TOKENS_A_BATCH = 2048
_SAMPLE = (  # what a converted network is tried on
    ("Whisper was trained on 680,000 hours of audio.", "How long was Whisper trained?"),
    ("この手法は画像を生成する。", "この手法は画像を生成しない。"),
    ("The sky is blue.", "空は青い。"),
)
_log = logging.getLogger(__name__)


class Checker(Protocol):
    """Judges pairs of texts in English or Japanese, also one in each."""

    @property
    def name(self) -> str: ...

    @property
    def digest(self) -> str:
        """SHA-256, in hexadecimal, of what decides its judgements: two of one digest agree."""
        ...

    def supports(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        """(evidence, claim) pairs -> probabilities [n, 3] in the order of LABELS."""
        ...

    def answers(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        """(passage, question) pairs -> log-odds [n] that the passage answers."""
        ...


class CrossEncoder:
    """The checker of a weights file; loaded at first use. Safe to share between threads.

    With ``cache``, a folder, the network is converted once for all processes; without,
    by each.
    """

    name = "cross-encoder"

    def __init__(self, path: Path = WEIGHTS, cache: Path | None = None) -> None:
        self._path = path
        self._cache = cache
        self._lock = threading.Lock()
        self._logits: Callable[[list[list[int]]], Sequence[Floats]] | None = None
        self._digest = ""

    @property
    def digest(self) -> str:
        if not self._digest:
            try:
                with self._path.open("rb") as file:
                    self._digest = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError as error:
                raise self._unreadable(error) from error
        return self._digest

    def supports(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        logits = self._read(pairs)[0]
        odds = np.exp(logits - logits.max(-1, keepdims=True))
        return odds / odds.sum(-1, keepdims=True)

    def answers(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        return self._read(pairs)[1]

    def _read(self, pairs: Sequence[tuple[str, str]]) -> Sequence[Floats]:
        """Both heads' logits, [n, 3] and [n]."""
        with self._lock:
            if self._logits is None:
                self._load()
        return self._logits(self._rows(pairs))

    def _rows(self, pairs: Sequence[tuple[str, str]]) -> list[list[int]]:
        texts = [text for pair in pairs for text in pair]
        found = self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        ids = [encoding.ids for encoding in found]
        return [
            pair_ids(first, second, self._config)
            for second, first in zip(ids[::2], ids[1::2], strict=True)
        ]

    def _load(self) -> None:
        try:
            with safe_open(str(self._path), "np") as file:
                self._config = json.loads(file.metadata()["config"])
                packed = file.get_tensor("tokenizer.json.xz").tobytes()
            self._tokenizer = Tokenizer.from_str(lzma.decompress(packed).decode())
            self._logits = self._network()
        except (OSError, SafetensorError, lzma.LZMAError, KeyError, ValueError) as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> ModelUnavailable:
        return ModelUnavailable(
            f"cannot load the checker from {self._path} ({error}): install Tenkyo again"
        )

    def _network(self) -> Callable[[list[list[int]]], Sequence[Floats]]:
        folder = (
            openvino_runtime.model_cache_folder(self._cache, "checker", [self._path])
            if self._cache
            else None
        )
        try:
            return openvino_runtime.load_or_convert(folder, self._draft).run
        except openvino_runtime.ConversionError as error:
            _log.warning("OpenVINO cannot run the checker (%s): it runs by torch, slower", error)
        from index.inference.cross_encoder_torch import run

        network = self._torch()
        return lambda rows: [t.numpy() for t in run(network, rows, _TOKENS_A_BATCH)]

    def _torch(self):
        from index.inference.cross_encoder_torch import Network, read_weights

        weights, config, _ = read_weights(self._path)
        return Network(weights, config)

    def _draft(self) -> openvino_runtime.ModelExport:
        from index.inference.cross_encoder_torch import run

        network, rows = self._torch(), self._rows(_SAMPLE)
        expected = [t.numpy() for t in run(network, rows, _TOKENS_A_BATCH)]
        longest = self._config["max_tokens"]
        return openvino_runtime.ModelExport(
            network, self._config["pad"], rows, expected, longest=longest
        )


def pair_ids(first: Sequence[int], second: Sequence[int], config: dict) -> list[int]:
    """`<s> first </s></s> second </s>`, the first cut at max_first, the whole at max_tokens."""
    bos, eos = config["bos"], config["eos"]
    first = first[: config["max_first"]]
    second = second[: config["max_tokens"] - 4 - len(first)]
    return [bos, *first, eos, eos, *second, eos]
