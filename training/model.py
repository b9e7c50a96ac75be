"""Writing of the networks' weights to files: matrices as int8 rows, with the tokenizer if needed.

The networks, and the code that reads the files, are in ``index.inference.cross_encoder_torch``.

File format 2: one safetensors file. A matrix NAME is int8 with a float32 ``NAME.scale`` a row
(weight = int8 * scale[row]); every other tensor is float32; ``tokenizer.json.xz`` is a uint8
tensor, in the checker's file only; ``config`` in the metadata is JSON. The head ``words`` is used
for fitting only and is not in the file.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from index.inference.cross_encoder import LABELS
from index.inference.cross_encoder_torch import Network

FORMAT = 2
CONFIG = {
    "layers": 12,
    "heads": 12,
    "width": 384,
    "eps": 1e-12,
    "max_tokens": 384,
    "max_first": 128,
    "bos": 0,
    "pad": 1,
    "eos": 2,
    "labels": list(LABELS),
}


WORDS = "words."  # prefix of the weights of the head that no file has
WORDS_BIAS = -3.0  # of that head untrained: one token in twenty


class FittedNetwork(Network):
    """The checker with a third head, on each token: whether the evidence does not support it.

    Args:
        weights: Those of the checker; the third head begins at nothing where they lack it.
        config: See ``Network``.
    """

    def __init__(self, weights: dict[str, Tensor], config: dict) -> None:
        width = weights["nli.weight"].shape[1]
        head = {
            f"{WORDS}weight": torch.zeros(1, width),
            f"{WORDS}bias": torch.full((1,), WORDS_BIAS),
        }
        super().__init__(head | weights, config)

    def all_heads(self, ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Compute the logits [n, 3] and [n] of ``forward``, and one [n, length] of each token."""
        vectors = self.token_vectors(ids)
        pooled = self._drop(self.pooled(vectors, ids))
        words = self._linear(self._drop(vectors), "words").squeeze(-1)
        return self._linear(pooled, "nli"), self._linear(pooled, "ans").squeeze(-1), words


def quantised(tensor: Tensor) -> tuple[Tensor, Tensor]:
    """Quantize a matrix to int8 rows with scales that minimize the squared error of each row."""
    best = torch.full((len(tensor),), math.inf)
    values, scales = torch.empty_like(tensor, dtype=torch.int8), torch.ones(len(tensor))
    top = tensor.abs().amax(1).clamp(min=1e-12)
    for clip in (1.0, 0.95, 0.9, 0.85, 0.8):
        scale = top * clip / 127
        rounded = (tensor / scale[:, None]).round().clamp(-127, 127)
        error = (rounded * scale[:, None] - tensor).square().sum(1)
        better = error < best
        best[better], scales[better] = error[better], scale[better]
        values[better] = rounded[better].to(torch.int8)
    return values, scales


def stored(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return weights as a file has them: the encoder's matrices in int8, the rest in float32."""
    out: dict[str, Tensor] = {}
    for name, tensor in weights.items():
        if name.startswith(WORDS):
            continue
        tensor = tensor.detach().float().cpu().contiguous()
        if tensor.ndim == 2 and name.startswith("bert.") and "token_type" not in name:
            out[name], out[name + ".scale"] = quantised(tensor)
        else:
            out[name] = tensor
    return out


def write_weights(
    path: str | Path, weights: dict[str, Tensor], config: dict, packed: bytes
) -> None:
    """Write the checker's file; `packed` is tokenizer.json, compressed by xz."""
    out = stored(weights)
    out["tokenizer.json.xz"] = torch.from_numpy(np.frombuffer(packed, np.uint8).copy())
    about = {
        "format": str(FORMAT),
        "config": json.dumps(config),
        "base": "multilingual-e5-small (MIT), 61464 of 250002 pieces kept",
        "heads": "nli: entailment, neutral, contradiction; ans: answers",
        "quantisation": "int8 rows: weight = int8 * NAME.scale[row]; the rest float32",
    }
    save_file(out, str(path), metadata=about)


def write_float(path: Path, weights: dict[str, Tensor], config: dict) -> None:
    """Write all weights as they are, for a fit that goes on from them, or a mean of fits."""
    about = {"format": str(FORMAT), "config": json.dumps(config)}
    save_file({n: w.cpu().contiguous() for n, w in weights.items()}, str(path), metadata=about)
