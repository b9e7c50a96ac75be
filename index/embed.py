"""Text to vectors. The only module that imports sentence-transformers."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from corpus.errors import ModelUnavailable
from index.models import model_folder

Floats = npt.NDArray[np.float32]


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


class SentenceTransformerEmbedder:
    """Any sentence-transformers model; loaded at first use, since that takes seconds.

    ``name`` is a setting's value: ``bundled:multilingual-e5-small``, a folder, or a hub id.
    The model's own ``query`` and ``passage`` prompts are used where it has them. Safe to
    call from several threads, one at a time.
    """

    def __init__(self, name: str, cache: Path) -> None:
        self.name = name
        self._cache = cache
        self._lock = threading.Lock()
        self._model = None

    @property
    def dim(self) -> int:
        return int(self._load().get_embedding_dimension())

    def embed_passages(self, texts: Sequence[str]) -> Floats:
        if not texts:
            return np.zeros((0, self.dim), np.float32)
        return self._encode(list(texts), "passage")

    def embed_query(self, text: str) -> Floats:
        return self._encode([text], "query")[0]

    def _encode(self, texts: list[str], role: str) -> Floats:
        model = self._load()
        prompt = role if role in model.prompts else None
        with self._lock:
            vectors = model.encode(
                texts,
                prompt_name=prompt,
                batch_size=32,
                normalize_embeddings=True,
                convert_to_numpy=True,
                show_progress_bar=False,
            )
        return np.ascontiguousarray(vectors, np.float32)

    def _load(self):
        with self._lock:
            if self._model is None:
                os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
                import torch
                import transformers
                from sentence_transformers import SentenceTransformer

                transformers.utils.logging.disable_progress_bar()

                try:
                    where = model_folder(self.name, self._cache)
                    self._model = SentenceTransformer(where, model_kwargs={"dtype": torch.float32})
                except (OSError, ValueError, ImportError) as error:
                    first = str(error).strip().splitlines()[0] if str(error).strip() else ""
                    raise ModelUnavailable(
                        f"cannot load the embedding model {self.name!r} ({first[:200]}):"
                        " set TENKYO_EMBEDDER to bundled:multilingual-e5-small, to a folder, or"
                        " to a hub id that this machine can reach"
                    ) from error
            return self._model
