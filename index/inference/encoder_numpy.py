"""The bundled networks computed with numpy: to check those of OpenVINO, and where that fails.

It is written independently of ``encoder_graph``, so a mistake in either is noticed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from index.inference.encoder_weights import Encoder
from index.inference.length_buckets import TokenRows, length_buckets, pad_rows
from index.types import Floats

_BATCH_TOKENS = 2048
_ERF = (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592)
_Mask = npt.NDArray[np.bool_]


class NumpyModel:
    """A bundled network that numpy runs; the same methods as ``OpenVinoModel``.

    Args:
        encoder: The network.
        extra_files: Texts that belong to it, such as its tokenizer, by file name.
    """

    def __init__(self, encoder: Encoder, extra_files: Mapping[str, str] | None = None) -> None:
        self._encoder, self.extra_files = encoder, extra_files or {}

    @cached_property
    def shapes(self) -> list[list[int]]:
        """The shape of each output of the network for one row of token ids, such as [[384]]."""
        return [list(values.shape[1:]) for values in self.run([[self._encoder.config["pad"] + 1]])]

    def run(self, rows: TokenRows) -> list[Floats]:
        """Compute the outputs, each [n, …], for n rows of token ids; see ``OpenVinoModel``."""
        if not rows:
            return [np.zeros((0, *shape), np.float32) for shape in self.shapes]
        outputs: list[Floats] = []
        for group in length_buckets(rows, _BATCH_TOKENS):
            found = _outputs(self._encoder, [rows[i] for i in group])
            outputs = outputs or [np.empty((len(rows), *f.shape[1:]), np.float32) for f in found]
            for whole, part in zip(outputs, found, strict=True):
                whole[group] = part
        return outputs

    def run_parts(
        self, count: int, parts: Iterable[tuple[Sequence[int], TokenRows]]
    ) -> list[Floats]:
        """Compute the outputs for rows that arrive in parts; see ``OpenVinoModel``."""
        outputs = [np.empty((count, *shape), np.float32) for shape in self.shapes]
        for positions, rows in parts:
            for values, computed in zip(outputs, self.run(rows), strict=True):
                values[positions] = computed
        return outputs


def _outputs(encoder: Encoder, rows: TokenRows) -> list[Floats]:
    ids, mask = pad_rows(rows, encoder.config["pad"])
    here = mask.astype(bool) if encoder.kind == "embedder" else ids != encoder.config["pad"]
    vectors = _token_vectors(encoder, ids, here)
    if encoder.kind == "reader":
        return [_token_logits(encoder, vectors, here, "read")[:, :, 0]]
    pooled = np.stack([row[there].mean(0) for row, there in zip(vectors, here, strict=True)])
    if encoder.kind == "parser":
        slots = _token_logits(encoder, vectors, here, "slot")
        return [_linear(encoder, pooled, "intent"), _linear(encoder, pooled, "field"), slots]
    if encoder.kind == "checker":
        return [_linear(encoder, pooled, "nli"), _linear(encoder, pooled, "ans")[:, 0]]
    return [pooled / np.maximum(np.linalg.norm(pooled, axis=1, keepdims=True), 1e-12)]


def _token_logits(encoder: Encoder, vectors: Floats, here: _Mask, name: str) -> Floats:
    logits = _linear(encoder, vectors, name) * here[:, :, None]
    wide = np.zeros((len(logits), encoder.config["max_tokens"], logits.shape[2]), np.float32)
    wide[:, : logits.shape[1]] = logits[:, : wide.shape[1]]
    return wide


def _token_vectors(encoder: Encoder, ids: npt.NDArray[np.int64], here: _Mask) -> Floats:
    place, kind = (
        encoder.weights[f"bert.embeddings.{name}_embeddings.weight"]
        for name in ("position", "token_type")
    )
    x = encoder.weights["bert.embeddings.word_embeddings.weight"][ids]
    x = _norm(encoder, x + place[: ids.shape[1]] + kind[0], "bert.embeddings.LayerNorm")
    for layer in range(encoder.config["layers"]):
        x = _layer(encoder, x, here, f"bert.encoder.layer.{layer}")
    return x


def _layer(encoder: Encoder, x: Floats, here: _Mask, name: str) -> Floats:
    count, length, width = x.shape
    heads = encoder.config["heads"]
    q, k, v = (
        _linear(encoder, x, f"{name}.attention.self.{part}")
        .reshape(count, length, heads, width // heads)
        .transpose(0, 2, 1, 3)
        for part in ("query", "key", "value")
    )
    scores = q @ k.swapaxes(2, 3) / np.float32(math.sqrt(width // heads))
    scores = np.where(here[:, None, None, :], scores, np.float32(-1e30))
    scores = np.exp(scores - scores.max(-1, keepdims=True))
    y = (scores / scores.sum(-1, keepdims=True)) @ v
    y = y.transpose(0, 2, 1, 3).reshape(count, length, width)
    y = _linear(encoder, y, f"{name}.attention.output.dense")
    x = _norm(encoder, x + y, f"{name}.attention.output.LayerNorm")
    y = _linear(
        encoder, _gelu(_linear(encoder, x, f"{name}.intermediate.dense")), f"{name}.output.dense"
    )
    return _norm(encoder, x + y, f"{name}.output.LayerNorm")


def _linear(encoder: Encoder, x: Floats, name: str) -> Floats:
    made: Floats = x @ encoder.weights[f"{name}.weight"].T + encoder.weights[f"{name}.bias"]
    return made


def _norm(encoder: Encoder, x: Floats, name: str) -> Floats:
    x = x - x.mean(-1, keepdims=True)
    x = x / np.sqrt((x * x).mean(-1, keepdims=True) + np.float32(encoder.config["eps"]))
    made: Floats = x * encoder.weights[f"{name}.weight"] + encoder.weights[f"{name}.bias"]
    return made


def _gelu(x: Floats) -> Floats:
    """Compute x Φ(x), with the error function of Abramowitz and Stegun 7.1.26, to 1.5e-7."""
    z = np.abs(x) * np.float32(math.sqrt(0.5))
    t = 1 / (1 + np.float32(0.3275911) * z)
    sum_ = np.zeros_like(t)
    for factor in _ERF:
        sum_ = (sum_ + np.float32(factor)) * t
    tail = sum_ * np.exp(-z * z) / 2  # the probability beyond |x|
    made: Floats = x * np.where(x < 0, tail, 1 - tail)
    return made
