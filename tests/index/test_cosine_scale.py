"""The scale of cosines: that of the bundled embedder, measured for any other."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from index import cosine_scale
from index.cosine_scale import (
    BUNDLED_ACROSS,
    BUNDLED_SAME,
    UNSCALED,
    Contrast,
    Line,
    contrast,
    measure_scale,
    scale_of,
    shipped_passages,
    shipped_questions,
)
from index.inference.embedder import Embedder, WrappedEmbedder
from index.types import Floats


class Spread(WrappedEmbedder):
    """The bundled embedder without what all its vectors have in common, as most others are."""

    def __init__(self, embedder: Embedder) -> None:
        super().__init__(embedder)
        self.embedded = 0
        self._common = embedder.embed_passages(texts()).mean(0)

    @property
    def name(self) -> str:
        return "spread"

    def embed_passages(self, texts: Sequence[str]) -> Floats:
        return self._spread(self._embedder.embed_passages(texts))

    def embed_queries(self, texts: Sequence[str]) -> Floats:
        return self._spread(self._embedder.embed_queries(texts))

    def _spread(self, vectors: Floats) -> Floats:
        self.embedded += len(vectors)
        vectors = vectors - 0.9 * self._common
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def texts() -> list[str]:
    return [each.text for each in shipped_passages()]


@pytest.fixture(scope="module")
def spread(embedder: Embedder) -> Spread:
    return Spread(embedder)


def test_bundled_embedder_has_the_contrasts_that_others_are_brought_to(embedder: Embedder) -> None:
    vectors = embedder.embed_passages(texts())
    assert contrast(embedder, vectors, "en") == pytest.approx(BUNDLED_SAME, abs=0.005)
    assert contrast(embedder, vectors, "ja") == pytest.approx(BUNDLED_ACROSS, abs=0.005)


def test_bundled_embedder_is_not_measured(tmp_path: Path, embedder: Embedder) -> None:
    assert scale_of(embedder, 384, tmp_path) is UNSCALED and not list(tmp_path.iterdir())
    cosines = np.array([0.1, 0.85], np.float32)
    assert UNSCALED.apply(cosines, np.array([False, True])).tolist() == cosines.tolist()


@pytest.mark.model
def test_other_embedder_is_brought_to_the_same_contrasts(spread: Spread) -> None:
    vectors = spread.embed_passages(texts())
    before = contrast(spread, vectors, "en")
    assert before.other < 0.1 and before.own < 0.6  # nothing would be within reach
    scale = measure_scale(spread)
    for language, wanted, across in (("en", BUNDLED_SAME, False), ("ja", BUNDLED_ACROSS, True)):
        measured = np.array(contrast(spread, vectors, language), np.float32)
        assert scale.apply(measured, np.array([across] * 2)) == pytest.approx(wanted, abs=1e-4)


@pytest.mark.model
def test_scale_is_measured_once_for_a_name_and_dimension(tmp_path: Path, spread: Spread) -> None:
    (tmp_path / "cosines.json").write_text("{")  # damaged: made again
    scale = scale_of(spread, 384, tmp_path)
    spread.embedded = 0
    assert scale_of(spread, 384, tmp_path) == scale and spread.embedded == 0
    assert list(json.loads((tmp_path / "cosines.json").read_text())) == ["spread 384"]
    scale_of(spread, 128, tmp_path)
    assert spread.embedded == len(texts()) + 2 * len(shipped_questions("en"))
    assert [path.name for path in tmp_path.iterdir()] == ["cosines.json"]


@pytest.mark.parametrize("own", [0.3, 0.31, 0.2])
def test_embedder_that_tells_nothing_apart_is_not_stretched_to_noise(own: float) -> None:
    line = Line.between(Contrast(0.3, own), BUNDLED_SAME)
    assert line.slope == cosine_scale._STEEPEST
    assert line.slope * 0.3 + line.offset == pytest.approx(BUNDLED_SAME.other)
