"""Text embedding: models that turn questions and passages into unit vectors.

Models run by OpenVINO on the CPU, else by sentence-transformers.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

import numpy as np

from corpus.errors import ModelUnavailable
from index.inference import openvino_cache
from index.inference.embedding_prompts import Prompts, choose_prompts, prompts_in
from index.inference.model_registry import model_folder
from index.inference.openvino_runtime import OpenVinoModel
from index.types import Floats

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from torch import Tensor

_SAMPLE_TEXTS = (  # a converted model is tested on these
    "What was Whisper trained on?",
    "  Block-NeRFは、街の一区画を描き出すニューラルネットワークです。\nCafé ½ naïve ",
    "Stable Diffusion generates images from text prompts. " * 4,
)
_PART_SIZE = 32  # texts that are tokenised while those before them are being embedded
_GPU_DEVICES = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")  # NVIDIA, AMD, and either in WSL
_Role = Literal["query", "passage"]
_log = logging.getLogger(__name__)


class Embedder(Protocol):
    """A model that turns texts into unit vectors; questions and passages are embedded differently.

    All methods may be called from several threads.
    """

    @property
    def name(self) -> str:
        """Name of the model; an index records which one its vectors come from."""
        ...

    @property
    def dim(self) -> int:
        """Number of dimensions of the embedding vectors."""
        ...

    def embed_passages(self, texts: Sequence[str]) -> Floats:
        """Compute the embedding vectors of passages.

        Returns:
            Vectors [len(texts), dim] float32, each of length 1.
        """
        ...

    def embed_query(self, text: str) -> Floats:
        """Compute the embedding vector of one question.

        Returns:
            A vector [dim] float32 of length 1.
        """
        ...

    def embed_queries(self, texts: Sequence[str]) -> Floats:
        """Compute the embedding vectors of several questions.

        Returns:
            Vectors [len(texts), dim] float32, each as by ``embed_query``.
        """
        ...


class WrappedEmbedder:
    """An embedder that delegates to another one; a base for subclasses that change how."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    @property
    def name(self) -> str:
        """Name of the wrapped embedder's model."""
        return self._embedder.name

    @property
    def dim(self) -> int:
        """Number of dimensions of the embedding vectors."""
        return self._embedder.dim

    def embed_passages(self, texts: Sequence[str]) -> Floats:
        """Compute the vectors of passages with the wrapped embedder."""
        return self._embedder.embed_passages(texts)

    def embed_query(self, text: str) -> Floats:
        """Compute the vector of one question by ``embed_queries``."""
        vector: Floats = self.embed_queries([text])[0]
        return vector

    def embed_queries(self, texts: Sequence[str]) -> Floats:
        """Compute the vectors of questions with the wrapped embedder."""
        return self._embedder.embed_queries(texts)


class SentenceTransformerEmbedder:
    """An embedder for any sentence-transformers model; safe to share between threads.

    The model is loaded at first use, which takes seconds. Its own prompts for questions and for
    passages are used if it has them. It runs by OpenVINO, converted once; by torch on a GPU, or if
    OpenVINO cannot run it. A question does not wait for another thread's passages.

    Args:
        name: ``bundled:multilingual-e5-small``, a folder, or a hub id. A hub's model is downloaded
            only if it is not on this machine.
        cache: The folder for unpacked and converted models.
    """

    def __init__(self, name: str, cache: Path) -> None:
        self.name = name
        self._cache = cache
        self._lock = threading.Lock()
        self._model: _Converted | _Torch | None = None

    @property
    def dim(self) -> int:
        """Number of dimensions of the embedding vectors; loads the model."""
        return self._load().dim

    def embed_passages(self, texts: Sequence[str]) -> Floats:
        """Compute the embedding vectors of passages; see ``Embedder``.

        Raises:
            ModelUnavailable: The model cannot be loaded.
        """
        return self._encode(texts, "passage")

    def embed_query(self, text: str) -> Floats:
        """Compute the embedding vector of one question; see ``Embedder``.

        Raises:
            ModelUnavailable: The model cannot be loaded.
        """
        vector: Floats = self._encode([text], "query")[0]
        return vector

    def embed_queries(self, texts: Sequence[str]) -> Floats:
        """Compute the embedding vectors of several questions; see ``Embedder``.

        Raises:
            ModelUnavailable: The model cannot be loaded.
        """
        return self._encode(texts, "query")

    def _encode(self, texts: Sequence[str], role: _Role) -> Floats:
        model = self._load()
        if not texts:
            return np.zeros((0, model.dim), np.float32)
        return model.encode(list(texts), role)

    def _load(self) -> _Converted | _Torch:
        with self._lock:
            if self._model is None:
                os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
                try:
                    self._model = self._open(model_folder(self.name, self._cache))
                except (OSError, ValueError, ImportError) as error:
                    first = str(error).strip().splitlines()[0] if str(error).strip() else ""
                    raise ModelUnavailable(
                        f"cannot load the embedding model {self.name!r} ({first[:200]}):"
                        " set TENKYO_EMBEDDER to bundled:multilingual-e5-small, to a folder, or"
                        " to a hub id that this machine can reach"
                    ) from error
            return self._model

    def _open(self, location: str) -> _Converted | _Torch:
        own = None if _has_gpu() else _local_folder(location)
        folder = self._converted_folder(own)
        if own and folder and (stored := openvino_cache.load_model(folder)):
            return _Converted(stored, prompts_in(own))
        model = _Torch(location)
        if model.on_gpu:
            return model
        try:
            folder = folder or self._converted_folder(_local_folder(location))
            return _Converted(openvino_cache.convert_model(model.export(), folder), model.prompts)
        except openvino_cache.ConversionError as error:
            _log.warning("OpenVINO cannot run %s (%s): using torch, slower", self.name, error)
            return model

    def _converted_folder(self, folder: Path | None) -> Path | None:
        """Return the folder for the converted model of a folder, if that is known."""
        files = [path for path in folder.rglob("*") if path.is_file()] if folder else []
        label = re.sub(r"[^\w-]+", "-", self.name)[-60:]
        return openvino_cache.model_cache_folder(self._cache, label, files) if files else None


class _Converted:
    """An embedding model that OpenVINO runs; its tokenizer is stored with it."""

    def __init__(self, model: OpenVinoModel, prompts: Prompts) -> None:
        from tokenizers import Tokenizer

        self._model = model
        self._tokenizer = Tokenizer.from_str(model.extra_files["tokenizer.json"])
        self._prompts = prompts

    @property
    def dim(self) -> int:
        return self._model.shapes[0][0]

    def encode(self, texts: list[str], role: _Role) -> Floats:
        prompt = getattr(self._prompts, role)
        texts = [prompt + text for text in texts]
        if len(texts) <= _PART_SIZE:
            (vectors,) = self._model.run(_token_ids(self._tokenizer, texts))
        else:
            (vectors,) = self._model.run_parts(len(texts), self._parts(texts))
        return _unit(vectors)  # again: the model did it in bfloat16

    def _parts(self, texts: list[str]) -> Iterator[tuple[list[int], list[list[int]]]]:
        """Yield positions and token ids of texts of similar length, the longest first."""
        # By bytes: a token has about as many in English as in Japanese, but not as many letters.
        order = sorted(range(len(texts)), key=lambda i: -len(texts[i].encode()))
        for start in range(0, len(order), _PART_SIZE):
            positions = order[start : start + _PART_SIZE]
            yield positions, _token_ids(self._tokenizer, [texts[i] for i in positions])


class _Torch:
    """A model that sentence-transformers runs, in half precision on a GPU, one call at a time."""

    def __init__(self, location: str) -> None:
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
        return cast(int, self._model.get_embedding_dimension())

    def encode(self, texts: list[str], role: _Role) -> Floats:
        with self._lock:
            vectors = self._model.encode(
                texts,
                prompt=getattr(self.prompts, role),
                batch_size=self._batch,
                convert_to_numpy=True,
                show_progress_bar=False,
            )
        return _unit(np.asarray(vectors, np.float32))

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
        rows = _token_ids(tokenizer, [self.prompts.query + text for text in _SAMPLE_TEXTS])
        expected = [self.encode(list(_SAMPLE_TEXTS), "query")]
        return openvino_cache.ModelExport(
            Pipeline(), pad, rows, expected, extra_files, longest or 0, int8=True
        )


def _has_gpu() -> bool:
    """Return whether torch can use a GPU; torch is not imported if there is no driver for one."""
    if not any(Path(device).exists() for device in _GPU_DEVICES):
        return False
    import torch

    return torch.cuda.is_available()


def _unit(vectors: Floats) -> Floats:
    """Scale each row to length 1; a row of zeros stays as it is."""
    unit: Floats = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return unit


def _token_ids(tokenizer: Tokenizer, texts: Sequence[str]) -> list[list[int]]:
    return [encoding.ids for encoding in tokenizer.encode_batch_fast(texts)]


def _local_folder(location: str) -> Path | None:
    """Return the folder of a model's files; None before a hub's model is downloaded."""
    if Path(location).is_dir():
        return Path(location)
    from huggingface_hub import snapshot_download

    for name in (location, f"sentence-transformers/{location}"):
        try:
            return Path(snapshot_download(name, local_files_only=True))
        except (OSError, ValueError):
            continue
    return None
