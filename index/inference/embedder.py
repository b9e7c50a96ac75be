"""Text to vectors. The only module that imports sentence-transformers."""

from __future__ import annotations

import json
import logging
import os
import re
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from corpus.errors import ModelUnavailable
from index.inference import openvino_runtime
from index.inference.model_registry import model_folder
from index.types import Floats

_SAMPLE = (  # what a converted model is tried on
    "What was Whisper trained on?",
    "  Block-NeRFは、街の一区画を描き出すニューラルネットワークです。\nCafé ½ naïve ",
    "Stable Diffusion generates images from text prompts. " * 4,
)
_PART = 32  # texts made tokens while those before them are embedded
_DEVICES = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")  # of NVIDIA, of AMD, of either in WSL
_log = logging.getLogger(__name__)


class Embedder(Protocol):
    """Turns text into unit vectors; questions and passages are not embedded alike."""

    @property
    def name(self) -> str: ...

    @property
    def dim(self) -> int: ...

    def embed_passages(self, texts: Sequence[str]) -> Floats:
        """[len(texts), dim] float32, each row of length 1."""
        ...

    def embed_query(self, text: str) -> Floats:
        """[dim] float32 of length 1."""
        ...

    def embed_queries(self, texts: Sequence[str]) -> Floats:
        """[len(texts), dim] float32: each row is that of ``embed_query``, in one go."""
        ...


class WrappedEmbedder:
    """An embedder that hands all texts on to another; subclasses change how."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    @property
    def name(self) -> str:
        return self._embedder.name

    @property
    def dim(self) -> int:
        return self._embedder.dim

    def embed_passages(self, texts: Sequence[str]) -> Floats:
        return self._embedder.embed_passages(texts)

    def embed_query(self, text: str) -> Floats:
        return self.embed_queries([text])[0]

    def embed_queries(self, texts: Sequence[str]) -> Floats:
        return self._embedder.embed_queries(texts)


class SentenceTransformerEmbedder:
    """Any sentence-transformers model; loaded at first use, since that takes seconds.

    ``name`` is a setting's value: ``bundled:multilingual-e5-small``, a folder, or a hub id,
    of which a copy that is here already is not asked for again. The model's own ``query``
    and ``passage`` prompts are used where it has them. It runs by OpenVINO, converted once
    and kept in ``cache``; by torch if OpenVINO cannot, or on a GPU. Safe to call from several
    threads: a question does not wait for the passages of another.
    """

    def __init__(self, name: str, cache: Path) -> None:
        self.name = name
        self._cache = cache
        self._lock = threading.Lock()
        self._model: _Converted | _Torch | None = None

    @property
    def dim(self) -> int:
        return self._load().dim

    def embed_passages(self, texts: Sequence[str]) -> Floats:
        return self._encode(texts, "passage")

    def embed_query(self, text: str) -> Floats:
        return self._encode([text], "query")[0]

    def embed_queries(self, texts: Sequence[str]) -> Floats:
        return self._encode(texts, "query")

    def _encode(self, texts: Sequence[str], role: str) -> Floats:
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

    def _open(self, where: str) -> _Converted | _Torch:
        kept = None if _cuda() else self._kept(where)
        if kept and (found := openvino_runtime.load_model(kept)):
            return _Converted(found)
        model = _Torch(where)
        if model.on_gpu:
            return model
        try:
            return _Converted(
                openvino_runtime.convert_model(model.draft(), kept or self._kept(where))
            )
        except openvino_runtime.ConversionError as error:
            _log.warning("OpenVINO cannot run %s (%s): it runs by torch, slower", self.name, error)
            return model

    def _kept(self, where: str) -> Path | None:
        """Where the converted model is kept; None before a hub's model is on this machine."""
        folder = _folder(where)
        files = [path for path in folder.rglob("*") if path.is_file()] if folder else []
        label = re.sub(r"[^\w-]+", "-", self.name)[-60:]
        return openvino_runtime.model_cache_folder(self._cache, label, files) if files else None


class _Converted:
    """A model run by OpenVINO: its tokenizer and prompts are notes, the rest is in the graph."""

    def __init__(self, model: openvino_runtime.OpenVinoModel) -> None:
        from tokenizers import Tokenizer

        self._runtime = model
        self._tokenizer = Tokenizer.from_str(model.notes["tokenizer.json"])
        self._prompts = json.loads(model.notes["prompts.json"])

    @property
    def dim(self) -> int:
        return self._runtime.shapes[0][0]

    def encode(self, texts: list[str], role: str) -> Floats:
        texts = [self._prompts[role] + text for text in texts]
        if len(texts) <= _PART:
            (vectors,) = self._runtime.run(_rows(self._tokenizer, texts))
        else:
            (vectors,) = self._runtime.run_parts(len(texts), self._parts(texts))
        return _unit(vectors)  # which was done in bfloat16

    def _parts(self, texts: list[str]) -> Iterator[tuple[list[int], list[list[int]]]]:
        """Texts of like length together, the longest first: their places, and their tokens."""
        # A token is about as many bytes in one language as in another, but not as many letters.
        order = sorted(range(len(texts)), key=lambda i: -len(texts[i].encode()))
        for start in range(0, len(order), _PART):
            places = order[start : start + _PART]
            yield places, _rows(self._tokenizer, [texts[i] for i in places])


class _Torch:
    """A model run by sentence-transformers; on CUDA in half precision. Threads take turns."""

    def __init__(self, where: str) -> None:
        import torch
        import transformers
        from sentence_transformers import SentenceTransformer

        transformers.utils.logging.disable_progress_bar()
        dtype, self._batch = torch.float32, 32
        if torch.cuda.is_available():
            wide = torch.cuda.is_bf16_supported()  # float16 overflows in some models
            dtype, self._batch = torch.bfloat16 if wide else torch.float16, 256
        self._model = SentenceTransformer(where, model_kwargs={"dtype": dtype})
        self.on_gpu = self._model.device.type != "cpu"
        self._lock = threading.Lock()

    @property
    def dim(self) -> int:
        return int(self._model.get_embedding_dimension())

    def encode(self, texts: list[str], role: str) -> Floats:
        with self._lock:
            vectors = self._model.encode(
                texts,
                prompt_name=role if role in self._model.prompts else None,
                batch_size=self._batch,
                convert_to_numpy=True,
                show_progress_bar=False,
            )
        return _unit(np.asarray(vectors, np.float32))

    def draft(self) -> openvino_runtime.ModelExport:
        """What OpenVINO needs to do the same as ``encode``; Unconvertible if it cannot."""
        import torch
        from tokenizers import Tokenizer

        model = self._model
        # Tracing looks at every attribute, and this one warns where a model has no loss.
        for part in model.modules():
            if hasattr(type(part), "loss_function"):
                part.loss_function = None

        class Whole(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.modules_in_order = torch.nn.ModuleList(model)

            def forward(self, ids, mask):
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
            raise openvino_runtime.ConversionError(
                f"no tokenizer of the usual kind: {error}"
            ) from error
        tokenizer.no_padding()
        tokenizer.enable_truncation(longest) if longest else tokenizer.no_truncation()
        usual = model.prompts.get(model.default_prompt_name, "")
        prompts = {role: model.prompts.get(role, usual) for role in ("query", "passage")}
        notes = {"tokenizer.json": tokenizer.to_str(), "prompts.json": json.dumps(prompts)}
        rows = _rows(tokenizer, [prompts["query"] + text for text in _SAMPLE])
        expected = [self.encode(list(_SAMPLE), "query")]
        return openvino_runtime.ModelExport(
            Whole(), pad, rows, expected, notes, longest or 0, int8=True
        )


def _cuda() -> bool:
    """Whether torch has a GPU of that kind; it is not imported where there is no driver for one."""
    if not any(Path(device).exists() for device in _DEVICES):
        return False
    import torch

    return torch.cuda.is_available()


def _unit(vectors: Floats) -> Floats:
    """Each row at length 1; one of zeros stays so."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def _rows(tokenizer, texts: Sequence[str]) -> list[list[int]]:
    return [found.ids for found in tokenizer.encode_batch_fast(texts)]


def _folder(where: str) -> Path | None:
    """The folder of a model's files; None if it is a hub's, and not here yet."""
    if Path(where).is_dir():
        return Path(where)
    from huggingface_hub import snapshot_download

    for name in (where, f"sentence-transformers/{where}"):
        try:
            return Path(snapshot_download(name, local_files_only=True))
        except (OSError, ValueError):
            continue
    return None
