"""Cross-encoder networks: from weights files and pairs of texts to the outputs of the heads."""

from __future__ import annotations

import functools
import json
import lzma
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from tokenizers import Encoding, Tokenizer

from index.inference import openvino_cache
from index.inference.bundled_model import Bundled, open_bundled
from index.inference.encoder_weights import Encoder, read_weights
from index.inference.model_errors import SearchModelUnavailable
from index.types import Floats

_SAMPLE_PAIRS = (  # a converted network is tested on these
    ("Whisper was trained on 680,000 hours of audio.", "How long was Whisper trained?"),
    ("この手法は画像を生成する。", "この手法は画像を生成しない。"),
    ("The sky is blue.", "空は青い。"),
)
# What a file raises that is absent, damaged or of another kind; TypeError: it has no metadata.
_UNREADABLE = (OSError, SafetensorError, lzma.LZMAError, KeyError, TypeError, ValueError)

_Run = Callable[[Sequence[Sequence[int]]], Sequence[Floats]]  # rows of token ids to outputs
Spans = npt.NDArray[np.int32]  # the characters [n, 2] of n tokens


class PairNetwork:
    """A network that reads two texts together; loaded at first use, safe to share between threads.

    Its methods raise ModelUnavailable if a file cannot be read.

    Args:
        files: The files of its weights. The first has the tokenizer; weights and settings of a
            later one replace those of the same name in an earlier one.
        cache: The folder for the converted network; None for no cache.
        kind: Which heads it has; see ``Encoder``.
    """

    def __init__(
        self,
        files: Sequence[Path],
        cache: Path | None,
        kind: Literal["checker", "reader", "parser"],
    ) -> None:
        self._files, self._cache, self._kind = list(files), cache, kind
        self._lock = threading.Lock()
        self._loaded: _Run | None = None
        self._config: dict[str, Any] = {}
        self._tokenizer: Tokenizer

    def run(self, rows: Sequence[Sequence[int]]) -> Sequence[Floats]:
        """Compute the outputs of the heads, each [n, …], for n rows of token ids."""
        return self._ready()(rows)

    def rows(self, pairs: Sequence[tuple[str, str]]) -> tuple[list[list[int]], list[Spans]]:
        """Tokenise pairs of texts.

        Args:
            pairs: (evidence, claim or question) pairs.

        Returns:
            A row of token ids for each pair, see ``pair_ids``, and for each row the spans [n, 2],
            in characters, of the n tokens of the evidence that were not cut off. These are the last
            n tokens of the row before its closing one.
        """
        self._ready()
        return self._tokenised(pairs)

    def _tokenised(self, pairs: Sequence[tuple[str, str]]) -> tuple[list[list[int]], list[Spans]]:
        """Tokenise pairs of texts as ``rows`` does, with the tokenizer that was loaded."""
        texts = [text for pair in pairs for text in pair]
        encodings = self._tokenizer.encode_batch(texts, add_special_tokens=False)
        rows, spans = [], []
        for evidence, first in zip(encodings[::2], encodings[1::2], strict=True):
            row = pair_ids(first.ids, evidence.ids, self._config)
            kept = len(row) - 4 - min(len(first.ids), self._config["max_first"])
            rows.append(row)
            spans.append(_spans(evidence, kept))
        return rows, spans

    def reads_whole(self, first: str) -> bool:
        """Return whether none of a claim or question is cut off."""
        self._ready()
        ids = self._tokenizer.encode(first, add_special_tokens=False).ids
        return len(ids) <= int(self._config["max_first"])

    def _ready(self) -> _Run:
        with self._lock:
            self._loaded = self._loaded or self._load()
            return self._loaded

    def _load(self) -> _Run:
        for file in self._files:
            try:
                with safe_open(str(file), "np") as opened:
                    self._config |= json.loads(opened.metadata()["config"])
                    if file == self._files[0]:
                        self._tokenizer = _read_tokenizer(
                            opened.get_tensor("tokenizer.json.xz").tobytes()
                        )
            except _UNREADABLE as error:
                raise unreadable(file, error) from error
        return self._load_network()

    def _load_network(self) -> _Run:
        folder = (
            openvino_cache.model_cache_folder(self._cache, self._kind, self._files)
            if self._cache
            else None
        )
        return open_bundled(folder, self._kind, self._read).run

    def _read(self) -> Bundled:
        weights: dict[str, Floats] = {}
        for file in self._files:
            try:
                weights |= read_weights(file)[0]
            except _UNREADABLE as error:
                raise unreadable(file, error) from error
        rows, _ = self._tokenised(_SAMPLE_PAIRS)
        return Bundled(Encoder(self._kind, weights, self._config), rows)


@functools.lru_cache(2)
def _read_tokenizer(packed: bytes) -> Tokenizer:
    """Read a tokenizer, which networks that have the same one share: it takes 40 MB."""
    return Tokenizer.from_str(lzma.decompress(packed).decode())


def unreadable(file: Path, error: Exception) -> SearchModelUnavailable:
    """Return the error for a weights file that cannot be read."""
    return SearchModelUnavailable(
        f"cannot load the checker from {file} ({error}): reinstall Tenkyo"
    )


def pair_ids(first: Sequence[int], second: Sequence[int], config: dict[str, Any]) -> list[int]:
    """Join the token ids of two texts into one row: ``<s> first </s></s> second </s>``.

    Args:
        first: Token ids of the claim or question, cut to ``max_first`` of the configuration.
        second: Token ids of the evidence, cut so that the row has at most ``max_tokens``.
        config: The configuration of the network, with the ids of the special tokens.
    """
    bos, eos = config["bos"], config["eos"]
    first = first[: config["max_first"]]
    second = second[: config["max_tokens"] - 4 - len(first)]
    return [bos, *first, eos, eos, *second, eos]


def _spans(encoding: Encoding, count: int) -> Spans:
    return np.array(encoding.offsets[:count], np.int32).reshape(-1, 2)
