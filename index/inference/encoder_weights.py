"""The weights of the networks that ship with Tenkyo, as arrays: embedder, checker, reader, parser.

All are the same kind of network, a BERT encoder (Devlin et al. 2019), with other heads.
``encoder_graph`` builds it for OpenVINO, ``encoder_numpy`` computes it with numpy.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from safetensors import SafetensorError, safe_open

from index.types import Floats

Kind = Literal["embedder", "checker", "reader", "parser"]


@dataclass(frozen=True)
class Encoder:
    """A network that ships with Tenkyo.

    Attributes:
        kind: What its heads are. ``embedder``: the mean of the token vectors, of length 1.
            ``checker``: two linear heads on that mean, ``nli`` with three logits and ``ans`` with
            one. ``reader``: a linear head on each token, ``read``, whether it is part of an answer.
            ``parser``: the heads ``intent`` and ``field`` on the mean, and ``slot`` on each token.
        weights: Arrays of float32, under the names of Hugging Face's BertModel, prefixed with
            ``bert.``.
        config: ``layers``, ``heads``, the ``eps`` of layer norm, the id of the token ``pad``, and
            the most tokens of a row, ``max_tokens``.
    """

    kind: Kind
    weights: Mapping[str, Floats]
    config: Mapping[str, Any]


def read_weights(path: Path) -> tuple[dict[str, Floats], dict[str, Any], bytes]:
    """Read a weights file: the checker's, or one with what the reader or the parser has of its own.

    A matrix NAME is stored as int8 rows with a float32 scale for each row, ``NAME.scale``; every
    other tensor is float32.

    Returns:
        The weights as float32, the configuration, and tokenizer.json compressed with xz, which is
        empty for other files than the checker's.
    """
    weights: dict[str, Floats] = {}
    with safe_open(str(path), "np") as file:
        config = json.loads(file.metadata()["config"])
        names = file.keys()
        packed = b""
        if "tokenizer.json.xz" in names:
            packed = file.get_tensor("tokenizer.json.xz").tobytes()
        for name in names:
            array = file.get_tensor(name)
            if array.dtype == np.int8:
                weights[name] = array.astype(np.float32) * file.get_tensor(name + ".scale")[:, None]
            elif array.dtype == np.float32 and not name.endswith(".scale"):
                weights[name] = array
    return weights, config, packed


def read_embedder(folder: Path) -> Encoder:
    """Read the unpacked embedder.

    Raises:
        OSError: A file is missing or cannot be read.
        ValueError: A file is damaged.
    """
    try:
        given = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        config = {
            "layers": given["num_hidden_layers"],
            "heads": given["num_attention_heads"],
            "eps": given["layer_norm_eps"],
            "pad": given["pad_token_id"],
            "max_tokens": given["max_position_embeddings"],
        }
        with safe_open(str(folder / "model.safetensors"), "np") as file:
            names = file.keys()
            weights = {f"bert.{name}": file.get_tensor(name).astype(np.float32) for name in names}
    except (SafetensorError, KeyError, TypeError) as error:
        raise ValueError(f"{folder.name} is damaged: {error}") from error
    return Encoder("embedder", weights, config)
