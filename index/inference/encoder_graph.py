"""The bundled networks as OpenVINO graphs, built from their weights operation by operation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from index.inference.encoder_weights import Encoder
from index.inference.openvino_runtime import Graph, openvino_core

Node = Any  # openvino.Node, which has no types


def encoder_graph(encoder: Encoder) -> Graph:
    """Build the graph of a bundled network, for any number of rows of any length.

    Its inputs are token ids [n, length] and, of the embedder, a mask of the same shape: 1 where
    there is a token, 0 for padding. The other networks tell padding by its id.

    Returns:
        An ``openvino.Model``. Its outputs are, of the embedder, vectors [n, width]; of the checker,
        logits [n, 3] of support and [n] of an answer; of the reader, logits [n, max_tokens], 0 for
        padding, since what runs the graph wants a width that is always the same; of the parser,
        logits [n, 7] of the intent, [n, 8] of the fields asked for, and [n, max_tokens, 5] of the
        slots, 0 for padding.
    """
    openvino = openvino_core()[0]
    from openvino import opset13 as op

    ids = op.parameter([-1, -1], openvino.Type.i64)
    inputs = [ids]
    if encoder.kind == "embedder":
        inputs.append(op.parameter([-1, -1], openvino.Type.i64))
        here = op.convert(inputs[1], "boolean")
    else:
        here = op.not_equal(ids, op.constant(np.int64(encoder.config["pad"])))
    built = _Builder(op, encoder)
    vectors = built.token_vectors(ids, here)
    if encoder.kind == "reader":
        logits = built.token_logits(vectors, here, "read")
        outputs = [op.squeeze(logits, op.constant(np.int64(-1)))]
    elif encoder.kind == "parser":
        pooled = built.mean(vectors, here)
        outputs = [built.linear(pooled, head) for head in ("intent", "field")]
        outputs.append(built.token_logits(vectors, here, "slot"))
    elif encoder.kind == "checker":
        pooled = built.mean(vectors, here)
        last = op.constant(np.int64(-1))
        outputs = [built.linear(pooled, "nli"), op.squeeze(built.linear(pooled, "ans"), last)]
    else:
        outputs = [built.unit(built.unit(built.mean(vectors, here)))]  # again: see _Builder
    return openvino.Model(outputs, inputs, encoder.kind)


class _Builder:
    """Adds the parts of a network to a graph."""

    def __init__(self, op: Any, encoder: Encoder) -> None:
        self._op, self._weights, self._config = op, encoder.weights, encoder.config
        # Three things of the embedder are as in the graph that was traced in torch before: the
        # order of the sum of embeddings, one constant for all layers as the scale of attention,
        # which OpenVINO then rounds by itself, and the length, which is set twice. So its vectors
        # are the same to the last bit, and an index from before is searched as before.
        self._traced, self._scale = encoder.kind == "embedder", []
        if self._traced:
            size = encoder.weights["bert.embeddings.LayerNorm.bias"].size // encoder.config["heads"]
            self._scale = [op.constant(np.float32(1 / math.sqrt(size)))]

    def token_vectors(self, ids: Node, here: Node) -> Node:
        """Add the encoder: vectors [n, length, width] of token ids, some of which are there."""
        op = self._op
        words = self._weight("bert.embeddings.word_embeddings.weight")
        places = self._weight("bert.embeddings.position_embeddings.weight")
        kind = op.constant(self._weights["bert.embeddings.token_type_embeddings.weight"][0])
        x = op.gather(words, op.convert(ids, "i32"), op.constant(np.int32(0)))
        length = op.gather(op.shape_of(ids), self._numbers(1), op.constant(np.int32(0)))
        place = op.slice(places, self._numbers(0), length, self._numbers(1), self._numbers(0))
        for each in (kind, place) if self._traced else (place, kind):
            x = op.add(x, each)
        x = self._norm(x, "bert.embeddings.LayerNorm")
        mask = op.unsqueeze(here, self._numbers(1, 2))  # for all heads, and from all tokens
        for layer in range(self._config["layers"]):
            x = self._layer(x, mask, f"bert.encoder.layer.{layer}")
        return x

    def _layer(self, x: Node, mask: Node, name: str) -> Node:
        op, heads = self._op, self._config["heads"]
        width = len(self._weights[f"{name}.output.dense.bias"])

        def split(part: str) -> Node:
            y = self.linear(x, f"{name}.attention.self.{part}")
            y = op.reshape(y, self._numbers(0, 0, heads, width // heads), True)
            return op.transpose(y, self._numbers(0, 2, 1, 3))

        q, k, v = split("query"), split("key"), split("value")
        y = op.scaled_dot_product_attention(q, k, v, mask, *self._scale)
        y = op.reshape(op.transpose(y, self._numbers(0, 2, 1, 3)), self._numbers(0, 0, width), True)
        y = self.linear(y, f"{name}.attention.output.dense")
        x = self._norm(op.add(x, y), f"{name}.attention.output.LayerNorm")
        y = op.gelu(self.linear(x, f"{name}.intermediate.dense"), "erf")
        y = self.linear(y, f"{name}.output.dense")
        return self._norm(op.add(x, y), f"{name}.output.LayerNorm")

    def mean(self, vectors: Node, here: Node) -> Node:
        """Add the mean [n, width] over the tokens that are there."""
        op = self._op
        weight = op.convert(op.unsqueeze(here, self._numbers(-1)), "f32")
        total = op.reduce_sum(op.multiply(vectors, weight), self._numbers(1))
        return op.divide(total, op.reduce_sum(weight, self._numbers(1)))

    def unit(self, vectors: Node) -> Node:
        """Add the scaling of vectors [n, width] to length 1."""
        op = self._op
        length = op.reduce_l2(vectors, self._numbers(-1), True)
        return op.divide(vectors, op.maximum(length, op.constant(np.float32(1e-12))))

    def token_logits(self, vectors: Node, here: Node, name: str) -> Node:
        """Add a head on each token: logits [n, max_tokens, k], 0 behind the end of a row."""
        op, longest = self._op, self._config["max_tokens"]
        there = op.convert(op.unsqueeze(here, self._numbers(-1)), "f32")
        logits = op.multiply(self.linear(vectors, name), there)
        none, most = self._numbers(0, 0, 0), self._numbers(0, longest, 0)
        wide = op.pad(logits, none, most, "constant", op.constant(np.float32(0)))
        first, step = self._numbers(0), self._numbers(1)
        return op.slice(wide, first, self._numbers(longest), step, self._numbers(1))

    def linear(self, x: Node, name: str) -> Node:
        """Add a linear layer."""
        op = self._op
        product = op.matmul(x, self._weight(f"{name}.weight"), False, True)
        return op.add(product, self._weight(f"{name}.bias"))

    def _norm(self, x: Node, name: str) -> Node:
        op = self._op
        x = op.mvn(x, self._numbers(-1), True, self._config["eps"], "inside_sqrt")
        return op.add(op.multiply(x, self._weight(f"{name}.weight")), self._weight(f"{name}.bias"))

    def _weight(self, name: str) -> Node:
        return self._op.constant(self._weights[name])

    def _numbers(self, *values: int) -> Node:
        return self._op.constant(np.array(values, np.int64))
