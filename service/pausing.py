"""An embedder that an ingestion shares with the answers that are asked for meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from index.batching import Priority, TaskContext
from index.embed import Embedder, Floats, WrappedEmbedder

# Texts, until it is asked again whether to go on. More would be hardly quicker: a shared embedder
# runs about two of them at a time, however many there are, since a claim may come meanwhile.
TEXTS_AT_ONCE = 4


class WorkStopped(Exception):
    """The work was told to stop."""


class PreemptibleEmbedder(WrappedEmbedder):
    """An Embedder that takes a few texts at a time, and calls ``watch`` in between.

    ``watch`` may raise to put an end to it. What anybody else asks of a shared embedder
    goes before.
    """

    def __init__(self, embedder: Embedder, watch: Callable[[], None]) -> None:
        super().__init__(embedder)
        self._watch = watch

    def embed_passages(self, texts: Sequence[str]) -> Floats:
        made = [np.zeros((0, self.dim), np.float32)]
        for start in range(0, len(texts), TEXTS_AT_ONCE):
            self._watch()
            with TaskContext(Priority.LATER):
                made.append(self._embedder.embed_passages(texts[start : start + TEXTS_AT_ONCE]))
        return np.concatenate(made)
