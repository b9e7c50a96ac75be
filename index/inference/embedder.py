"""Text embedding: models that turn questions and passages into unit vectors.

Models run by OpenVINO on the CPU, else by sentence-transformers, or the bundled one by numpy.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from corpus.errors import TenkyoError
from index.inference import openvino_cache
from index.inference.bundled_model import Bundled, open_bundled
from index.inference.embedding_prompts import Prompts, prompts_in
from index.inference.encoder_numpy import NumpyModel
from index.inference.encoder_weights import read_embedder
from index.inference.extra_library import in_one_line
from index.inference.model_errors import SearchModelUnavailable
from index.inference.model_registry import BUNDLED_EMBEDDER, model_folder
from index.inference.openvino_runtime import OpenVinoModel
from index.inference.sentence_transformer import (
    SAMPLE_TEXTS,
    SentenceTransformerModel,
    has_gpu,
    unit,
)
from index.types import Floats

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_PART_SIZE = 32  # texts that are tokenised while those before them are being embedded
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
    """An embedder for the bundled model, or any of sentence-transformers; safe to share by threads.

    The model is loaded at first use, which takes seconds. Its own prompts for questions and for
    passages are used if it has them. It runs by OpenVINO, converted once; by torch on a GPU, or if
    OpenVINO cannot run it. A question does not wait for another thread's passages. Any model but
    the bundled one needs the extra ``sentence-transformers`` of the installation.

    Args:
        name: ``bundled:multilingual-e5-small``, a folder, or a hub id. A hub's model is downloaded
            only if it is not on this machine.
        cache: The folder for unpacked and converted models.
    """

    def __init__(self, name: str, cache: Path) -> None:
        self.name = name
        self._cache = cache
        self._lock = threading.Lock()
        self._model: _Converted | SentenceTransformerModel | None = None

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

    def _load(self) -> _Converted | SentenceTransformerModel:
        with self._lock:
            if self._model is None:
                os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
                try:
                    self._model = self._open(model_folder(self.name, self._cache))
                except TenkyoError:
                    raise
                except Exception as error:  # a damaged file makes the library raise any class
                    raise SearchModelUnavailable(
                        f"cannot load the embedding model {self.name!r} ({in_one_line(error)}):"
                        " set TENKYO_EMBEDDER to bundled:multilingual-e5-small, to a folder, or"
                        " to a hub id that this machine can reach"
                    ) from error
            return self._model

    def _open(self, location: str) -> _Converted | SentenceTransformerModel:
        if Path(location).is_absolute() and not Path(location).is_dir():  # so no hub id either
            raise FileNotFoundError("there is no such folder")
        own = None if has_gpu() else _local_folder(location)
        folder = self._converted_folder(own)
        if own and self.name == BUNDLED_EMBEDDER:
            model = open_bundled(folder, "embedder", partial(_read_bundled, own))
            return _Converted(model, prompts_in(own))
        if own and folder and (stored := openvino_cache.load_model(folder)):
            return _Converted(stored, prompts_in(own))
        original = SentenceTransformerModel(location)
        if original.on_gpu:
            return original
        try:
            folder = folder or self._converted_folder(_local_folder(location))
            converted = openvino_cache.convert_model(original.export(), folder)
            return _Converted(converted, original.prompts)
        except openvino_cache.ConversionError as error:
            _log.warning("OpenVINO cannot run %s (%s): using torch, slower", self.name, error)
            return original

    def _converted_folder(self, folder: Path | None) -> Path | None:
        """Return the folder for the converted model of a folder, if that is known."""
        files = [path for path in folder.rglob("*") if path.is_file()] if folder else []
        label = re.sub(r"[^\w-]+", "-", self.name)[-60:]
        return openvino_cache.model_cache_folder(self._cache, label, files) if files else None


class _Converted:
    """An embedding model that takes rows of token ids; its tokenizer is stored with it."""

    def __init__(self, model: OpenVinoModel | NumpyModel, prompts: Prompts) -> None:
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
        return unit(vectors)  # again: the model did it in bfloat16

    def _parts(self, texts: list[str]) -> Iterator[tuple[list[int], list[list[int]]]]:
        """Yield positions and token ids of texts of similar length, the longest first."""
        # By bytes: a token has about as many in English as in Japanese, but not as many letters.
        order = sorted(range(len(texts)), key=lambda i: -len(texts[i].encode()))
        for start in range(0, len(order), _PART_SIZE):
            positions = order[start : start + _PART_SIZE]
            yield positions, _token_ids(self._tokenizer, [texts[i] for i in positions])


def _read_bundled(folder: Path) -> Bundled:
    """Read the bundled model, unpacked, for its conversion."""
    from tokenizers import Tokenizer

    encoder = read_embedder(folder)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(encoder.config["max_tokens"])
    rows = _token_ids(tokenizer, [prompts_in(folder).query + text for text in SAMPLE_TEXTS])
    return Bundled(encoder, rows, {"tokenizer.json": tokenizer.to_str()}, int8=True)


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
