"""Embedding models of the library sentence-transformers, which is an extra of the installation."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from index.inference import openvino_cache
from index.inference.embedding_prompts import choose_prompts
from index.inference.extra_library import extra_needed
from index.inference.openvino_export import trace_module
from index.types import Floats

if TYPE_CHECKING:
    from torch import Tensor

SAMPLE_TEXTS = (  # a converted model is tested on these
    "What was Whisper trained on?",
    "  Block-NeRFは、街の一区画を描き出すニューラルネットワークです。\nCafé ½ naïve ",
    "Stable Diffusion generates images from text prompts. " * 4,
)
_GPU_DEVICES = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")  # NVIDIA, AMD, and either in WSL


class SentenceTransformerModel:
    """A model that sentence-transformers runs, in half precision on a GPU, one call at a time.

    Args:
        location: A folder, or a hub id.
    """

    def __init__(self, location: str) -> None:
        with extra_needed(f"the embedding model {location!r}", "TENKYO_EMBEDDER"):
            import torch
            import transformers
            from sentence_transformers import SentenceTransformer

        transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # untyped
        dtype, self._batch = torch.float32, 32
        if torch.cuda.is_available():
            wide = torch.cuda.is_bf16_supported()  # float16 overflows in some models
            dtype, self._batch = torch.bfloat16 if wide else torch.float16, 256
        self._model = SentenceTransformer(location, model_kwargs={"dtype": dtype})
        self.prompts = choose_prompts(self._model.prompts, self._model.default_prompt_name)
        self.on_gpu = self._model.device.type != "cpu"
        self._lock = threading.Lock()

    @property
    def dim(self) -> int:
        """Number of dimensions of the embedding vectors."""
        return cast(int, self._model.get_embedding_dimension())

    def encode(self, texts: Sequence[str], role: str) -> Floats:
        """Compute the vectors of texts whose role is ``query`` or ``passage``."""
        with self._lock:
            vectors = self._model.encode(
                list(texts),
                prompt=getattr(self.prompts, role),
                batch_size=self._batch,
                convert_to_numpy=True,
                show_progress_bar=False,
            )
        return unit(np.asarray(vectors, np.float32))

    def export(self) -> openvino_cache.ModelExport:
        """Describe the model for conversion; raise ConversionError if OpenVINO cannot run it."""
        import torch
        from tokenizers import Tokenizer

        model = self._model
        # Tracing reads every attribute, and this one warns if a model has no loss.
        parts: Iterable[Any] = model.modules()
        for part in parts:
            if hasattr(type(part), "loss_function"):
                part.loss_function = None

        class Pipeline(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.modules_in_order = torch.nn.ModuleList(model)

            def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
                features = {"input_ids": ids, "attention_mask": mask}
                for module in self.modules_in_order:
                    features = module(features)
                vectors = features["sentence_embedding"][:, : model.truncate_dim]
                return torch.nn.functional.normalize(vectors, dim=-1)

        try:
            tokenizer = Tokenizer.from_str(model.tokenizer.backend_tokenizer.to_str())
            pad = int(model.tokenizer.pad_token_id)
            longest = model.max_seq_length
        except (AttributeError, TypeError) as error:
            raise openvino_cache.ConversionError(
                f"its tokenizer is not one of the tokenizers package: {error}"
            ) from error
        tokenizer.no_padding()
        tokenizer.enable_truncation(longest) if longest else tokenizer.no_truncation()
        extra_files = {"tokenizer.json": tokenizer.to_str()}
        texts = [self.prompts.query + text for text in SAMPLE_TEXTS]
        rows = [encoding.ids for encoding in tokenizer.encode_batch_fast(texts)]
        expected = [self.encode(SAMPLE_TEXTS, "query")]
        graph = partial(trace_module, Pipeline(), rows, pad)
        return openvino_cache.ModelExport(
            graph, pad, rows, expected, extra_files, longest or 0, int8=True
        )


def has_gpu() -> bool:
    """Return whether models can run on a GPU.

    torch is not imported if there is no driver for one; without the libraries there is none to use.
    """
    if not any(Path(device).exists() for device in _GPU_DEVICES):
        return False
    try:
        import sentence_transformers  # noqa: F401
        import torch
    except ImportError:
        return False
    return torch.cuda.is_available()


def unit(vectors: Floats) -> Floats:
    """Scale each row to length 1; a row of zeros stays as it is."""
    made: Floats = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return made
