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


class Embedded:
    """A library whose search finds all with given scores, and its embedder with given cosines."""

    def __init__(self, folder: Path, cosines: dict[str, float], scores: dict[str, float]) -> None:
        self.store = Store(f"sqlite:///{folder / 'tenkyo.db'}")
        put = putter(self.store)
        sources = [put(id, f"{title} is a text of one sentence.", title=title)
                   for id, title in TITLES.items()]  # fmt: skip
        hits = [SimpleNamespace(source=source, score=scores[source.id]) for source in sources]
        self.hits = sorted(hits, key=lambda hit: -hit.score)
        self.cosines = cosines
        self.embedder = self

    def search(self, text: str, k: int, within: object) -> list[SimpleNamespace]:
        return self.hits

    def embed_query(self, text: str) -> np.ndarray:
        return np.ones(1)

    def embed_passages(self, texts: list[str]) -> np.ndarray:
        by_title = {TITLES[id]: cosine for id, cosine in self.cosines.items()}
        return np.array([[next(c for t, c in by_title.items() if x.startswith(t))] for x in texts])


@pytest.mark.parametrize(
    ("cosines", "scores", "found"),
    [
        ((0.86, 0.80, 0.79), (108.0, 107.0, 106.0), "bells"),
        ((0.77, 0.70, 0.69), (108.0, 107.0, 106.0), ""),  # nearest, and not about it
        ((0.83, 0.825, 0.77), (108.0, 108.0, 106.0), ""),  # two may be meant
        ((0.80, 0.81, 0.77), (112.0, 107.0, 106.0), "bells"),  # its passages say so
        ((0.80, 0.88, 0.77), (109.0, 107.0, 106.0), "boats"),
    ],
)
def test_description_means_the_source_that_alone_is_like_it(
    tmp_path: Path, cosines: tuple[float, ...], scores: tuple[float, ...], found: str
) -> None:
    given = (dict(zip(TITLES, values, strict=True)) for values in (cosines, scores))
    source = described_source("a woman who cast bells", Embedded(tmp_path, *given), None)  # type: ignore[arg-type]
    assert (source.id if source else "") == found


def test_nothing_is_meant_where_nothing_is_found(tmp_path: Path) -> None:
    library = Embedded(tmp_path, {}, dict.fromkeys(TITLES, 0.0))
    library.hits = []
    assert described_source("a woman who cast bells", library, None) is None  # type: ignore[arg-type]
