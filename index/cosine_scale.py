"""The scale of an embedder's cosines, brought to that of the bundled one.

Cosines mean something else for each embedding model: with the bundled one, a passage that answers
has 0.89, and one of another work 0.78. The weights of the search, and the certainty of answers,
were fitted on these. Cosines of another model are therefore brought to the same scale by two
straight lines, one for texts in the language of the question and one for the other language. They
are measured on the questions and digests that ship with Tenkyo: passages that answer, and those of
other works, then have on average the cosines that they have with the bundled model.
"""

from __future__ import annotations

import json
import logging
import os
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from corpus.library.catalogue import entries, suggestions
from corpus.readers.extract import extract
from corpus.text.chunking import split_into_passages, with_headings
from index.inference.embedder import Embedder
from index.inference.model_registry import BUNDLED_EMBEDDER
from index.lexical.tokenizer import is_japanese
from index.types import Floats

KEPT = "cosines.json"  # the file of scales
_STEEPEST = 4.0  # of a line: an embedder that tells little apart must not be stretched to noise
_log = logging.getLogger(__name__)


class Contrast(NamedTuple):
    """Mean cosines of questions with passages of other works, and with the nearest of their own."""

    other: float
    own: float


# Of the bundled embedder, on the shipped questions; tests/index/test_cosine_scale.py measures them.
BUNDLED_SAME = Contrast(0.776, 0.892)
BUNDLED_ACROSS = Contrast(0.768, 0.868)


class Line(NamedTuple):
    """A straight line, ``slope * cosine + offset``."""

    slope: float = 1.0
    offset: float = 0.0

    @classmethod
    def between(cls, measured: Contrast, wanted: Contrast) -> Line:
        """Fit the line that brings what was measured to what is wanted; never steeper than 4."""
        width = max(measured.own - measured.other, 1e-6)
        slope = min((wanted.own - wanted.other) / width, _STEEPEST)
        return cls(slope, wanted.other - slope * measured.other)


@dataclass(frozen=True, slots=True)
class CosineScale:
    """What brings the cosines of an embedder to the scale of the bundled one.

    Attributes:
        same: The line for texts in the language of the question.
        across: The line for texts in another.
    """

    same: Line
    across: Line

    def apply(self, cosine: Floats, across: np.ndarray) -> Floats:
        """Bring cosines [n] to the scale, given which texts [n] are in another language."""
        lines = np.array([self.same, self.across], np.float32)[across.astype(int)]
        scaled: Floats = lines[:, 0] * cosine + lines[:, 1]
        return scaled


UNSCALED = CosineScale(Line(), Line())


class ShippedText(NamedTuple):
    """A question or a passage of the shipped library; ``source`` is the id of its work."""

    source: str
    text: str


@cache
def shipped_passages() -> tuple[ShippedText, ...]:
    """Return the passages of the shipped digests, below their titles and headings."""
    found = []
    for entry in entries():
        source, data = entry.digest()
        for passage in split_into_passages(extract(data, source)):
            found.append(ShippedText(source.id, with_headings(passage.text, passage, source)))
    return tuple(found)


def shipped_questions(language: str) -> list[ShippedText]:
    """Return the shipped questions on the digests in a language, ``en`` or ``ja``."""
    asked = [each for each in suggestions() if each.measured]
    return [ShippedText(each.source, getattr(each, language)) for each in asked]


def contrast(embedder: Embedder, passages: Floats, language: str) -> Contrast:
    """Measure how an embedder tells apart what answers the shipped questions, and what does not.

    Args:
        embedder: The embedder.
        passages: Its vectors of ``shipped_passages``; only English ones count.
        language: The language of the questions, ``en`` or ``ja``.
    """
    texts, asked = shipped_passages(), shipped_questions(language)
    english = np.array([not is_japanese(each.text) for each in texts])
    cosines = embedder.embed_queries([each.text for each in asked]) @ passages.T
    own = np.array([[text.source == question.source for text in texts] for question in asked])
    mine = own & english
    nearest = np.where(mine, cosines, -np.inf).max(axis=1)[mine.any(axis=1)]
    return Contrast(float(cosines[~own & english].mean()), float(nearest.mean()))


def measure_scale(embedder: Embedder, passages: Floats | None = None) -> CosineScale:
    """Measure the scale of an embedder; the time is that of embedding 140 texts.

    Args:
        embedder: The embedder.
        passages: Its vectors of ``shipped_passages``, where they have been computed.
    """
    if embedder.name == BUNDLED_EMBEDDER:
        return UNSCALED
    if passages is None:
        passages = embedder.embed_passages([each.text for each in shipped_passages()])
    return CosineScale(
        Line.between(contrast(embedder, passages, "en"), BUNDLED_SAME),
        Line.between(contrast(embedder, passages, "ja"), BUNDLED_ACROSS),
    )


def scale_of(embedder: Embedder, dim: int, folder: Path) -> CosineScale:
    """Return the scale of an embedder, measured once and then kept in a file.

    Args:
        embedder: The embedder; for the bundled one nothing is measured.
        dim: The dimension of its vectors. With another, it is taken for another model.
        folder: Where the file is.
    """
    if embedder.name == BUNDLED_EMBEDDER:
        return UNSCALED
    path, key = folder / KEPT, f"{embedder.name} {dim}"
    kept = _kept(path)
    if key in kept:
        same, across = kept[key]
        return CosineScale(Line(*same), Line(*across))
    scale = measure_scale(embedder)
    partial = path.with_name(f"cosines.{os.getpid()}.part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(kept | {key: [scale.same, scale.across]}), encoding="utf-8")
        partial.replace(path)
    except OSError:
        _log.warning(
            "%s cannot be written, so that it is measured again at each start: make its"
            " folder writable",
            path,
        )
    return scale


def forget_scales(folder: Path) -> None:
    """Delete the file of scales: a model can have other prompts now, or be another of that name."""
    with suppress(OSError):
        (folder / KEPT).unlink()


def _kept(path: Path) -> dict[str, list[list[float]]]:
    """Read the scales in a file; those that are no numbers are measured again."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return {key: np.array(v, float).reshape(2, 2).tolist() for key, v in kept.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
