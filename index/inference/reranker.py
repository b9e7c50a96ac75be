"""Re-rankers: models that read a question beside each passage that a search found.

They only change the order of the hits. Their scores mean something else for each model, while the
certainty of an answer is calibrated on the scores of the search.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from corpus.errors import ModelError, ModelUnavailable
from corpus.protocols import require_protocol
from index.inference.extra_library import extra_needed, in_one_line
from index.inference.model_errors import SearchModelUnavailable
from index.inference.model_server import ModelServer
from index.types import Floats

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

TIMEOUT = 15.0  # seconds for one request; a reader waits for it
REST = 60.0  # seconds in which a re-ranker that failed is not asked again
_OTHER_PROTOCOL = frozenset({400, 404, 415, 422})  # answers to a request of another protocol
_log = logging.getLogger(__name__)


class Reranker(Protocol):
    """A model that scores how well texts fit a question.

    All methods may be called from several threads.
    """

    @property
    def name(self) -> str:
        """Name of the model."""
        ...

    def scores(self, question: str, texts: Sequence[str]) -> Floats:
        """Compute a score [n] for each text; higher fits better.

        Raises:
            ModelUnavailable: The model cannot be loaded or reached.
            ModelBadOutput: It did not give a finite score for each text.
        """
        ...


class CrossEncoderReranker:
    """A re-ranker that sentence-transformers runs in this process, loaded at first use.

    Args:
        name: A folder, or a hub id, of a CrossEncoder with one score for each pair of texts.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._lock = threading.Lock()
        self._model: CrossEncoder | None = None

    def scores(self, question: str, texts: Sequence[str]) -> Floats:
        """Compute the scores of texts, one call at a time; see ``Reranker``."""
        if not texts:
            return np.zeros(0, np.float32)
        with self._lock:
            model = self._model = self._model or self._load()
            pairs = [(question, text) for text in texts]
            try:
                found = np.asarray(model.predict(pairs, show_progress_bar=False), np.float32)
            except (ValueError, RuntimeError, IndexError) as error:
                raise self._unusable(error) from error
        if found.shape != (len(texts),) or not np.isfinite(found).all():
            raise self._unusable("it does not give one score for each pair of texts")
        return found

    def _load(self) -> CrossEncoder:
        with extra_needed(f"the re-ranker {self.name!r}", "TENKYO_RERANKER"):
            import transformers
            from sentence_transformers import CrossEncoder

        transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # untyped
        try:
            model: CrossEncoder = CrossEncoder(self.name)
        except Exception as error:  # a damaged file makes the library raise any class of error
            raise self._unusable(error) from error
        return model

    def _unusable(self, reason: object) -> SearchModelUnavailable:
        return SearchModelUnavailable(
            f"the re-ranker {self.name!r} cannot be used ({in_one_line(reason)}): set"
            " TENKYO_RERANKER to a folder, or to a hub id that this machine can reach, of a"
            " CrossEncoder of sentence-transformers, or unset it"
        )


class HttpReranker:
    """A re-ranker on a server that speaks ``/rerank``; safe to share between threads.

    There are two protocols: that of Cohere, Jina, vLLM, Infinity and llama.cpp, which is tried
    first, and that of Text Embeddings Inference. Whichever the server takes is kept.

    Args:
        url: The URL of the API, with or without ``/rerank`` at its end.
        model: The model's name there; empty where the server has only one.
        key: The key that the server wants; empty for none.
    """

    def __init__(self, url: str, model: str = "", key: str = "") -> None:
        self.name = model or "default"
        self._model = model
        self._server = ModelServer(
            "re-ranker",
            ("TENKYO_RERANKER_URL", "TENKYO_RERANKER"),
            url.rstrip("/").removesuffix("/rerank"),
            key,
            timeout=TIMEOUT,
        )
        self._texts = False  # whether the server speaks the protocol with ``texts``

    def scores(self, question: str, texts: Sequence[str]) -> Floats:
        """Ask the server for the scores of texts; see ``Reranker``."""
        if not texts:
            return np.zeros(0, np.float32)
        try:
            reply = self._asked(question, texts, self._texts)
        except ModelUnavailable as error:
            if error.status not in _OTHER_PROTOCOL:
                raise
            try:
                reply = self._asked(question, texts, not self._texts)
            except ModelUnavailable:
                raise error from None
            self._texts = not self._texts
        return self._read(reply, len(texts))

    def _asked(self, question: str, texts: Sequence[str], as_texts: bool) -> Any:
        if as_texts:
            body = {"query": question, "texts": list(texts), "truncate": True}
        else:
            named = {"model": self._model} if self._model else {}
            body = {**named, "query": question, "documents": list(texts), "top_n": len(texts)}
        return self._server.post("/rerank", body)

    def _read(self, reply: Any, count: int) -> Floats:
        found: dict[int, float] = {}
        try:
            for each in reply if isinstance(reply, list) else reply["results"]:
                score = each["relevance_score"] if "relevance_score" in each else each["score"]
                found[int(each["index"])] = float(score)
        except (KeyError, TypeError, ValueError, OverflowError):
            found = {}
        with np.errstate(over="ignore"):  # infinite counts as no score
            scores = np.array([found.get(n, np.nan) for n in range(count)], np.float32)
        scored = int(np.isfinite(scores).sum())
        if scored < count:
            raise self._server.bad_output(
                f"scored {scored} of {count} passages: set TENKYO_RERANKER_URL, and TENKYO_RERANKER"
                " where the server has several models, to a re-ranking model, or unset them"
            )
        return scores


class ToleratedReranker:
    """A re-ranker that a search goes on without when it fails.

    Each failure is logged with its fix; then the re-ranker is left alone for a while, so that not
    every question waits for a server that is down.

    Args:
        reranker: The re-ranker.
        rest: Seconds in which it is not asked again.
    """

    def __init__(self, reranker: Reranker, rest: float = REST) -> None:
        require_protocol(reranker, Reranker)
        self._reranker, self._rest = reranker, rest
        self._again = 0.0  # when it may be asked, by the monotonic clock

    @property
    def name(self) -> str:
        """Name of the model."""
        return self._reranker.name

    def order(self, question: str, texts: Sequence[str]) -> list[int]:
        """Return the numbers of texts, the best first; in the given order if the model fails."""
        given = list(range(len(texts)))
        if len(texts) < 2 or time.monotonic() < self._again:
            return given
        try:
            scores = self._reranker.scores(question, texts)
        except ModelError as error:
            self._again = time.monotonic() + self._rest
            _log.warning("answering without the re-ranker for %g s: %s", self._rest, error)
            return given
        return sorted(given, key=lambda n: -scores[n])
