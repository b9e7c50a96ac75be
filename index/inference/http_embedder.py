"""An embedding model on a server that speaks OpenAI's ``/v1/embeddings``.

Ollama, vLLM, Text Embeddings Inference, Infinity, LiteLLM and hosted services do.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np

from index.inference.embedding_prompts import Prompts, prompts_of
from index.inference.model_errors import SearchModelBadOutput
from index.inference.model_server import ModelServer
from index.types import Floats

BATCH = 32  # texts of one request: Text Embeddings Inference takes no more by default
TIMEOUT = 60.0  # seconds for one request
RETRIES = 4  # hosted services limit requests a minute, and a library has thousands of passages


class EmbedderChanged(SearchModelBadOutput):
    """A server has another embedding model than before: restart Tenkyo, and rebuild the index."""

    @property
    def public(self) -> str:
        """The message without the server's address and the dimensions."""
        return (
            "the embedding model is another one than before: whoever runs this service must restart"
            " it and run `tenkyo reindex`"
        )


class HttpEmbedder:
    """An embedder whose model runs on a server; safe to share between threads.

    The server gets the texts with the prompts of the model's own configuration before them, since
    the protocol has no place to say which of them are questions.

    Args:
        url: The URL of the API, such as ``http://127.0.0.1:11434/v1``.
        model: The model's name there; empty for the first that the server lists.
        key: The key that the server wants; empty for none.
        described_by: The folder or hub id of the model's configuration; empty if that is ``model``.
    """

    def __init__(self, url: str, model: str = "", key: str = "", described_by: str = "") -> None:
        self._server = ModelServer(
            "embedding model",
            ("TENKYO_EMBEDDER_URL", "TENKYO_EMBEDDER_MODEL"),
            url.rstrip("/").removesuffix("/embeddings"),
            key,
            timeout=TIMEOUT,
            retries=RETRIES,
        )
        self._model, self._described_by = model, described_by
        self._lock = threading.Lock()
        self._dim: int | None = None
        self._prompts: Prompts | None = None

    @property
    def name(self) -> str:
        """The model's name; the server is asked if none was set."""
        return self._model or self._server.first_model()

    @property
    def dim(self) -> int:
        """Number of dimensions of the embedding vectors; embeds a word to find out."""
        return self._embed(["word"]).shape[1] if self._dim is None else self._dim

    @property
    def prompts(self) -> Prompts:
        """What the model wants before questions and before passages."""
        with self._lock:
            if self._prompts is None:
                self._prompts = prompts_of(self._described_by or self.name)
            return self._prompts

    def embed_passages(self, texts: Sequence[str]) -> Floats:
        """Compute the embedding vectors of passages; see ``Embedder``.

        Raises:
            ModelUnavailable: The server cannot be reached or refuses.
            ModelBadOutput: Its reply is not embeddings.
        """
        return self._embed([self.prompts.passage + text for text in texts])

    def embed_query(self, text: str) -> Floats:
        """Compute the embedding vector of one question; see ``embed_passages``."""
        vector: Floats = self.embed_queries([text])[0]
        return vector

    def embed_queries(self, texts: Sequence[str]) -> Floats:
        """Compute the embedding vectors of several questions; see ``embed_passages``."""
        return self._embed([self.prompts.query + text for text in texts])

    def _embed(self, texts: Sequence[str]) -> Floats:
        if not texts:
            return np.zeros((0, self.dim), np.float32)
        parts = [self._batch(texts[n : n + BATCH]) for n in range(0, len(texts), BATCH)]
        vectors: Floats = np.concatenate(parts)
        return vectors

    def _batch(self, texts: Sequence[str]) -> Floats:
        reply = self._server.post("/embeddings", {"model": self.name, "input": list(texts)})
        try:
            listed = sorted(reply["data"], key=lambda each: int(each["index"]))
            with np.errstate(over="ignore"):  # infinite is refused below
                vectors = np.array([each["embedding"] for each in listed], np.float32)
            numbers = [each["index"] for each in listed]
        except (KeyError, TypeError, ValueError, OverflowError):
            numbers, vectors = [], np.zeros(0, np.float32)
        whole = numbers == list(range(len(texts))) and vectors.ndim == 2
        if not whole or not vectors.size or not np.isfinite(vectors).all():
            raise self._server.bad_output(
                f"did not answer with a vector for each of {len(texts)} texts: set"
                " TENKYO_EMBEDDER_MODEL to an embedding model of that server"
            )
        if self._dim not in (None, vectors.shape[1]):
            raise EmbedderChanged(
                f"{self._server.named} now answers with {vectors.shape[1]} dimensions, before with"
                f" {self._dim}: if it has another model now, restart Tenkyo and run `tenkyo"
                " reindex`"
            )
        self._dim = vectors.shape[1]
        lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        unit: Floats = (vectors / lengths).astype(np.float32)
        return unit
