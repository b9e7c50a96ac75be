"""Does this evidence support this claim, and does this passage answer this question?

A cross-encoder reads the two texts together, which a comparison of two vectors cannot: a
number changed, a negation or a swapped name is seen. The weights ship with the package;
``training/`` makes them, docs/checker.md describes them.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from tokenizers import Tokenizer
from torch import Tensor, nn

from corpus.errors import ModelUnavailable
from index.embed import Floats

WEIGHTS = Path(__file__).with_name("checker.safetensors")
LABELS = ("entailment", "neutral", "contradiction")
_TOKENS_A_BATCH = 2048


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
    """The checker of a weights file; loaded at first use. Safe to share between threads."""

    name = "cross-encoder"

    def __init__(self, path: Path = WEIGHTS) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._loaded: tuple[Network, Tokenizer] | None = None
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
        return self._logits(pairs)[0].softmax(-1).numpy()

    def answers(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        return self._logits(pairs)[1].numpy()

    def _logits(self, pairs: Sequence[tuple[str, str]]) -> tuple[Tensor, Tensor]:
        with self._lock:
            network, tokenizer = self._loaded = self._loaded or self._load()
            texts = [text for pair in pairs for text in pair]
            found = tokenizer.encode_batch(texts, add_special_tokens=False)
            ids = [encoding.ids for encoding in found]
            rows = [
                pair_ids(first, second, network.config)
                for second, first in zip(ids[::2], ids[1::2], strict=True)
            ]
            return run(network, rows, _TOKENS_A_BATCH)

    def _load(self) -> tuple[Network, Tokenizer]:
        try:
            weights, config, packed = read_weights(self._path)
            tokenizer = Tokenizer.from_str(lzma.decompress(packed).decode())
        except (OSError, SafetensorError, lzma.LZMAError, KeyError, ValueError) as error:
            raise self._unreadable(error) from error
        return Network(weights, config), tokenizer

    def _unreadable(self, error: Exception) -> ModelUnavailable:
        return ModelUnavailable(
            f"cannot load the checker from {self._path} ({error}): install Tenkyo again"
        )


class Network(nn.Module):
    """A BERT encoder read by the mean over its tokens, and two linear heads.

    Post-norm Transformer (Devlin et al. 2019) with the tensor names of Hugging Face's
    BertModel under ``bert.``; ``nli`` gives three logits, ``ans`` one.
    """

    def __init__(self, weights: dict[str, Tensor], config: dict) -> None:
        super().__init__()
        self.config = config
        self.names = {name: name.replace(".", "__") for name in weights}
        for name, tensor in weights.items():
            self.register_parameter(self.names[name], nn.Parameter(tensor.float()))
        self.dropout = 0.0
        self.compute: torch.dtype | None = None  # e.g. bfloat16, while it is being fitted

    def tensors(self) -> dict[str, Tensor]:
        return {name: getattr(self, attribute).detach() for name, attribute in self.names.items()}

    def encode(self, ids: Tensor) -> Tensor:
        """Token ids [n, length] -> the mean over the tokens of each row [n, width]."""
        here = ids != self.config["pad"]
        words = getattr(self, self.names["bert.embeddings.word_embeddings.weight"])
        x = F.embedding(ids, words)
        x = x if self.compute is None else x.to(self.compute)
        x = x + self._at("bert.embeddings.position_embeddings.weight")[: ids.shape[1]]
        x = x + self._at("bert.embeddings.token_type_embeddings.weight")[0]
        x = self._drop(self._norm(x, "bert.embeddings.LayerNorm"))
        mask = here[:, None, None, :]
        for layer in range(self.config["layers"]):
            x = self._layer(x, mask, f"bert.encoder.layer.{layer}")
        weight = here.unsqueeze(-1).to(x.dtype)
        return (x * weight).sum(1) / weight.sum(1)

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Token ids [n, length] -> (support logits [n, 3], answer logits [n])."""
        pooled = self._drop(self.encode(ids))
        return self._linear(pooled, "nli"), self._linear(pooled, "ans").squeeze(-1)

    def _at(self, name: str) -> Tensor:
        weight = getattr(self, self.names[name])
        return weight if self.compute is None else weight.to(self.compute)

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return F.linear(x, self._at(name + ".weight"), self._at(name + ".bias"))

    def _norm(self, x: Tensor, name: str) -> Tensor:
        weight, bias = self._at(name + ".weight"), self._at(name + ".bias")
        return F.layer_norm(x, x.shape[-1:], weight, bias, self.config["eps"])

    def _drop(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout, self.training) if self.dropout else x

    def _layer(self, x: Tensor, mask: Tensor, name: str) -> Tensor:
        batch, length, width = x.shape
        heads = self.config["heads"]

        def split(part: str) -> Tensor:
            y = self._linear(x, f"{name}.attention.self.{part}")
            return y.view(batch, length, heads, width // heads).transpose(1, 2)

        drop = self.dropout if self.training else 0.0
        q, k, v = split("query"), split("key"), split("value")
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=drop)
        y = y.transpose(1, 2).reshape(batch, length, width)
        y = self._drop(self._linear(y, f"{name}.attention.output.dense"))
        x = self._norm(x + y, f"{name}.attention.output.LayerNorm")
        y = F.gelu(self._linear(x, f"{name}.intermediate.dense"))
        y = self._drop(self._linear(y, f"{name}.output.dense"))
        return self._norm(x + y, f"{name}.output.LayerNorm")


def pair_ids(first: Sequence[int], second: Sequence[int], config: dict) -> list[int]:
    """`<s> first </s></s> second </s>`, the first cut at max_first, the whole at max_tokens."""
    bos, eos = config["bos"], config["eos"]
    first = first[: config["max_first"]]
    second = second[: config["max_tokens"] - 4 - len(first)]
    return [bos, *first, eos, eos, *second, eos]


def run(network: Network, rows: Sequence[Sequence[int]], budget: int) -> tuple[Tensor, Tensor]:
    """Both heads' logits for every row, in the rows' order, ``budget`` tokens at a time."""
    device = next(network.parameters()).device
    network.eval()
    support, answer = torch.empty(len(rows), 3), torch.empty(len(rows))
    with torch.inference_mode():
        for group in batches(rows, budget):
            ids = padded([rows[i] for i in group], network.config["pad"]).to(device)
            nli, ans = network(ids)
            support[group], answer[group] = nli.float().cpu(), ans.float().cpu()
    return support, answer


def batches(rows: Sequence[Sequence[int]], budget: int) -> Iterator[list[int]]:
    """Row numbers in groups of like length, each at most ``budget`` tokens with its padding."""
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    group: list[int] = []
    for i in order:
        if group and (len(group) + 1) * len(rows[i]) > budget:
            yield group
            group = []
        group.append(i)
    if group:
        yield group


def padded(rows: Sequence[Sequence[int]], pad: int, step: int = 1) -> Tensor:
    """Rows side by side, as wide as the longest, rounded up to a multiple of ``step``."""
    width = -(-max(map(len, rows)) // step) * step
    out = np.full((len(rows), width), pad, np.int64)
    for i, row in enumerate(rows):
        out[i, : len(row)] = row
    return torch.from_numpy(out)


def read_weights(path: Path) -> tuple[dict[str, Tensor], dict, bytes]:
    """Weights as float32, the configuration, and the xz-packed tokenizer.json.

    A matrix NAME is stored as int8 rows beside float32 ``NAME.scale``: weight = int8 *
    scale[row]; every other tensor is float32.
    """
    weights: dict[str, Tensor] = {}
    with safe_open(str(path), "pt") as file:
        config = json.loads(file.metadata()["config"])
        packed = file.get_tensor("tokenizer.json.xz").numpy().tobytes()
        for name in file.keys():  # noqa: SIM118 (safe_open is no mapping)
            tensor = file.get_tensor(name)
            if tensor.dtype == torch.int8:
                weights[name] = tensor.float() * file.get_tensor(name + ".scale")[:, None]
            elif tensor.dtype == torch.float32 and not name.endswith(".scale"):
                weights[name] = tensor
    return weights, config, packed
