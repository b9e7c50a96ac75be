"""Recognition of a document by a description of what it is about."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from corpus.store.store import Store
from service.answering.described_source import described_source
from tests.support.catalogue_library import putter

TITLES = {"bells": "Ann Holm, 1931-2022", "boats": "A Harbour in Winter", "soup": "Barley Soup"}


class Models:
    """A library whose search finds all, with given cosines, and a checker with given entailment."""

    def __init__(self, folder: Path, cosines: dict[str, float], entailed: dict[str, float]) -> None:
        self.store = Store(f"sqlite:///{folder / 'tenkyo.db'}")
        put = putter(self.store)
        sources = [put(id, f"{title} is a text of one sentence.", title=title)
                   for id, title in TITLES.items()]  # fmt: skip
        self.hits = [SimpleNamespace(source=source) for source in sources]
        self.cosines, self.entailed = cosines, entailed
        self.embedder = self
        self.hypotheses: list[str] = []

    def search(self, text: str, k: int, within: object) -> list[SimpleNamespace]:
        return self.hits

    def embed_query(self, text: str) -> np.ndarray:
        return np.ones(1)

    def embed_passages(self, texts: list[str]) -> np.ndarray:
        return np.array([[self._value(text, self.cosines)] for text in texts])

    def supports(self, pairs: list[tuple[str, str]]) -> np.ndarray:
        self.hypotheses += [hypothesis for _, hypothesis in pairs]
        return np.array([[self._value(text, self.entailed), 0.0, 0.0] for text, _ in pairs])

    @staticmethod
    def _value(text: str, values: dict[str, float]) -> float:
        return next(values[id] for id, title in TITLES.items() if text.startswith(title))


@pytest.mark.parametrize(
    ("cosines", "entailed", "found"),
    [
        ((0.86, 0.78, 0.77), (0.6, 0.1, 0.1), "bells"),
        ((0.86, 0.78, 0.77), (0.1, 0.1, 0.1), ""),  # near, but not about it
        ((0.83, 0.82, 0.77), (0.6, 0.6, 0.1), ""),  # two may be meant
        ((0.80, 0.81, 0.77), (0.7, 0.1, 0.1), "bells"),
        ((0.90, 0.80, 0.77), (0.2, 0.9, 0.1), ""),
    ],
)
def test_description_means_source_that_alone_is_about_it(
    tmp_path: Path, cosines: tuple[float, ...], entailed: tuple[float, ...], found: str
) -> None:
    of = (dict(zip(TITLES, values, strict=True)) for values in (cosines, entailed))
    models = Models(tmp_path, *of)
    source = described_source("a woman who cast bells", models, models, None)  # type: ignore[arg-type]
    assert (source.id if source else "") == found
    assert "This text is about a woman who cast bells." in models.hypotheses
    described_source("鐘を作った女性", models, models, None)  # type: ignore[arg-type]
    assert "この文書は鐘を作った女性についてのものです。" in models.hypotheses
