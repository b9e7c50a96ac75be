"""The checker's neural network in torch, for training.

The service has no use for it: there ``encoder_graph`` builds the same network for OpenVINO.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from index.inference import encoder_weights
from index.inference.length_buckets import length_buckets, pad_rows


class Network(nn.Module):
    """A BERT encoder (Devlin et al. 2019) with mean pooling and two linear heads.

    The head ``nli`` gives three logits of support. The head ``ans`` gives one logit that the text
    answers a question, as a whole: where in it, the reader says.

    Args:
        weights: Tensors under the names of Hugging Face's BertModel, prefixed with ``bert.``.
        config: Layers, heads, the id of the padding token, and the epsilon of layer norm.
    """

    def __init__(self, weights: dict[str, Tensor], config: dict[str, Any]) -> None:
        super().__init__()
        self.config = config
        self.names = {name: name.replace(".", "__") for name in weights}
        for name, tensor in weights.items():
            self.register_parameter(self.names[name], nn.Parameter(tensor.float()))
        self.dropout = 0.0
        # The type that is computed in, such as bfloat16 during training; None for float32.
        self.compute: torch.dtype | None = None

    def tensors(self) -> dict[str, Tensor]:
        """Return the current weights of the network by their names in the weights file."""
        return {name: getattr(self, attribute).detach() for name, attribute in self.names.items()}

    def encode(self, ids: Tensor) -> Tensor:
        """Compute the mean over the token vectors of each row.

        Args:
            ids: Token ids [n, length], padded.

        Returns:
            Vectors [n, width].
        """
        return self.pooled(self.token_vectors(ids), ids)

    def pooled(self, vectors: Tensor, ids: Tensor) -> Tensor:
        """Compute the mean [n, width] of vectors [n, length, width] without those of padding."""
        weight = (ids != self.config["pad"]).unsqueeze(-1).to(vectors.dtype)
        mean: Tensor = (vectors * weight).sum(1) / weight.sum(1)
        return mean

    def token_vectors(self, ids: Tensor) -> Tensor:
        """Compute the vectors [n, length, width] of token ids [n, length], padded."""
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
        return x

    def forward(self, ids: Tensor) -> tuple[Tensor, ...]:
        """Compute support logits [n, 3] and answer logits [n] of token ids [n, length]."""
        pooled = self._drop(self.encode(ids))
        return self._linear(pooled, "nli"), self._linear(pooled, "ans").squeeze(-1)

    def _at(self, name: str) -> Tensor:
        weight: Tensor = getattr(self, self.names[name])
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


class ReaderNetwork(Network):
    """The same encoder with a linear head on each token: whether it is part of an answer."""

    def token_logits(self, ids: Tensor) -> Tensor:
        """Compute a logit [n, length] of each of the token ids [n, length]."""
        return self._linear(self._drop(self.token_vectors(ids)), "read").squeeze(-1)

    def forward(self, ids: Tensor) -> tuple[Tensor, ...]:
        """Compute the logits [n, max_tokens] of token ids [n, length], 0 for padding.

        The width is always the same, because the code that runs the network needs a fixed shape.
        """
        logits = self.token_logits(ids).float() * (ids != self.config["pad"])
        width = self.config["max_tokens"]
        rest = torch.zeros(width, device=ids.device).expand(ids.shape[0], width)
        return (torch.cat([logits, rest], 1)[:, :width].reshape(-1, width),)


class ParserNetwork(Network):
    """The same encoder with heads for a question's intent, its fields, and its tokens' slots."""

    def heads(self, ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Compute logits of token ids: of intents, of fields, and [n, length, slots] of slots."""
        vectors = self.token_vectors(ids)
        pooled = self._drop(self.pooled(vectors, ids))
        intents, fields = (self._linear(pooled, head) for head in ("intent", "field"))
        return intents, fields, self._linear(self._drop(vectors), "slot")

    def forward(self, ids: Tensor) -> tuple[Tensor, ...]:
        """Compute the same, the slots as [n, max_tokens, slots], 0 for padding."""
        intents, fields, slots = self.heads(ids)
        slots = slots * (ids != self.config["pad"]).unsqueeze(-1)
        return intents, fields, F.pad(slots, (0, 0, 0, self.config["max_tokens"] - ids.shape[1]))


def run(network: Network, rows: Sequence[Sequence[int]], budget: int) -> list[Tensor]:
    """Compute the outputs of a network for rows of any length.

    Args:
        network: The network, which is put in evaluation mode.
        rows: Token ids of each pair of texts; at least one.
        budget: The most tokens of one batch, padding included.

    Returns:
        The outputs of ``forward``, each [n, …] in the order of the rows, on the CPU.
    """
    device = next(network.parameters()).device
    network.eval()
    found: list[Tensor] = []
    with torch.inference_mode():
        for group in length_buckets(rows, budget):
            ids = padded([rows[i] for i in group], network.config["pad"]).to(device)
            outputs = [output.float().cpu() for output in network(ids)]
            found = found or [torch.empty(len(rows), *each.shape[1:]) for each in outputs]
            for whole, part in zip(found, outputs, strict=True):
                whole[group] = part
    return found


def padded(rows: Sequence[Sequence[int]], pad: int, step: int = 1) -> Tensor:
    """Put rows of token ids into one tensor, padded at the end.

    Args:
        rows: Token ids; at least one row.
        pad: The id of the padding token.
        step: The width is rounded up to a multiple of this.
    """
    ids = torch.from_numpy(pad_rows(rows, pad)[0])
    return F.pad(ids, (0, -ids.shape[1] % step), value=pad)


def read_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, Any], bytes]:
    """Read a weights file into tensors; see ``encoder_weights.read_weights``."""
    weights, config, packed = encoder_weights.read_weights(path)
    # Copied, because what is read from a file may not be written to.
    return {name: torch.tensor(array) for name, array in weights.items()}, config, packed
