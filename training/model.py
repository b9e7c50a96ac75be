"""Writing of the networks' weights to files: matrices as int8 rows, with the tokenizer if needed.

The networks, and the code that reads the files, are in ``index.inference.cross_encoder_torch``.

File format 2: one safetensors file. A matrix NAME is int8 with a float32 ``NAME.scale`` a row
(weight = int8 * scale[row]); every other tensor is float32; ``tokenizer.json.xz`` is a uint8
tensor, in the checker's file only; ``config`` in the metadata is JSON.
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
