"""A checker of a few kilobytes, with weights drawn at random, and its reader."""

from __future__ import annotations

import json
import lzma
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from torch import Tensor

WIDTH, LAYERS, VOCABULARY = 8, 1, 64
CONFIG = {
    "layers": LAYERS, "heads": 2, "width": WIDTH, "eps": 1e-12, "max_tokens": 24, "max_first": 8,
    "bos": 0, "pad": 1, "eos": 2,
}  # fmt: skip
READER_CONFIG = {"max_tokens": 16, "max_first": 4}


def tokenizer() -> Tokenizer:
    """Make a tokenizer of words: w3 to w63 have the ids 3 to 63, any other word 3."""
    words = {f"w{n}": n for n in range(3, VOCABULARY)}
    made = Tokenizer(WordLevel({"<s>": 0, "<pad>": 1, "</s>": 2, **words}, "w3"))
    made.pre_tokenizer = Whitespace()
    return made


def encoder_weights() -> dict[str, Tensor]:
    """Draw the weights of a BERT encoder."""
    own = torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=own) / 2

    embeddings, layer = "bert.embeddings", "bert.encoder.layer.0"
    weights = {
        f"{embeddings}.word_embeddings.weight": drawn(VOCABULARY, WIDTH),
        f"{embeddings}.position_embeddings.weight": drawn(CONFIG["max_tokens"], WIDTH),
        f"{embeddings}.token_type_embeddings.weight": drawn(2, WIDTH),
    }
    for name in (
        f"{embeddings}.LayerNorm", f"{layer}.attention.output.LayerNorm", f"{layer}.output.LayerNorm",
    ):  # fmt: skip
        weights |= {f"{name}.weight": torch.ones(WIDTH), f"{name}.bias": drawn(WIDTH)}
    sizes = {f"attention.self.{part}": (WIDTH, WIDTH) for part in ("query", "key", "value")}
    sizes |= {
        "attention.output.dense": (WIDTH, WIDTH),
        "intermediate.dense": (4 * WIDTH, WIDTH),
        "output.dense": (WIDTH, 4 * WIDTH),
    }
    for name, (rows, columns) in sizes.items():
        weights[f"{layer}.{name}.weight"] = drawn(rows, columns)
        weights[f"{layer}.{name}.bias"] = drawn(rows)
    return weights


def write_small_checker(folder: Path) -> tuple[Path, Path]:
    """Write the files of a checker and of its reader; return their paths."""
    packed = np.frombuffer(lzma.compress(tokenizer().to_str().encode()), np.uint8)
    checker, reader = folder / "checker.safetensors", folder / "reader.safetensors"
    own = torch.Generator().manual_seed(1)
    heads = {
        f"{name}.{part}": torch.randn(*shape, generator=own)
        for name, size in (("nli", 3), ("ans", 1))
        for part, shape in (("weight", (size, WIDTH)), ("bias", (size,)))
    }
    tensors = {**encoder_weights(), **heads, "tokenizer.json.xz": torch.tensor(packed)}
    save_file(tensors, str(checker), metadata={"config": json.dumps(CONFIG)})
    read = {"read.weight": torch.randn(1, WIDTH, generator=own), "read.bias": torch.zeros(1)}
    save_file(read, str(reader), metadata={"config": json.dumps(READER_CONFIG)})
    return checker, reader
