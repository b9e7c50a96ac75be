"""Synthetic passages around real ones, up to a million: vectors, texts and questions for scale.py.

The real ones are the passages of JSQuAD, XQuAD and CLAPNQ, their sentences, and each two adjacent
sentences, of up to 60 words (in Japanese, pairs of characters), embedded once by the bundled model
and stored as .npy in a folder. The questions are the real ones of the same sets.

A synthetic vector is a real one and a step: ``unit(x + s * (d + e) / sqrt(2))``, where d and e are
differences between other real passages and one of their ten nearest neighbours. So synthetic
vectors differ from real ones in the directions, and by the amounts, in which real neighbours
differ, and do not lie in the empty space that white noise in 384 dimensions would reach. ``s`` is
fitted so that among as many synthetic vectors as there are real ones, the median cosine to the
nearest is the same as among the real ones. Texts are two to four real sentences of the same
language, drawn one by one, so words have their real frequencies and lengths.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from corpus.text.sentences import sentences
from index.lexical.tokenizer import is_japanese, tokens

Floats = np.ndarray
QUESTIONS = 1500  # that are embedded
LONGEST = 60  # words of a text
NEIGHBOURS = 10  # from among which a step goes to one


@dataclass(frozen=True)
class Real:
    """Real texts and questions, and their unit vectors [n, dim]; ``asked`` is of the questions."""

    texts: list[str]
    vectors: Floats
    questions: list[str]
    asked: Floats

    @property
    def japanese(self) -> np.ndarray:
        return np.array([is_japanese(text) for text in self.texts])


def real(data: Path, cache: Path, models: Path) -> Real:
    """Load the passages of ``data`` (../shared/data/qa), embedding what is not in ``cache``."""
    texts, questions = _read(data)
    kept = [cache / "passages.npy", cache / "questions.npy"]
    if not all(path.exists() for path in kept):
        from index.inference.embedder import SentenceTransformerEmbedder
        from index.inference.model_registry import BUNDLED_EMBEDDER

        cache.mkdir(parents=True, exist_ok=True)
        embedder = SentenceTransformerEmbedder(BUNDLED_EMBEDDER, models)
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))  # little padding
        vectors = np.empty((len(texts), embedder.dim), np.float32)
        for start in range(0, len(order), 64):
            some = order[start : start + 64]
            vectors[some] = embedder.embed_passages([texts[i] for i in some])
        np.save(kept[0], vectors)
        np.save(kept[1], np.stack([embedder.embed_query(text) for text in questions]))
    vectors, asked = map(np.load, kept)
    if (len(vectors), len(asked)) != (len(texts), len(questions)):
        raise SystemExit(f"{cache} was made from other passages: delete it")
    return Real(texts, vectors, questions, asked)


def _read(data: Path) -> tuple[list[str], list[str]]:
    passages, questions = [], []
    for name in ("jsquad_ja", "xquad_en"):
        passages += [p["text"] for p in _rows(data / name / "corpus.jsonl")]
        questions += [q["question"] for q in _rows(data / name / "queries.jsonl")]
    for row in _rows(data / "clapnq_en.jsonl"):
        passages.append(row["passage"])
        questions.append(row["question"])
    texts = {}
    for passage in passages:
        passage = passage.replace(" [SEP] ", "\n").strip()
        parts = [s for s in sentences(passage) if len(s) >= 15]
        texts |= dict.fromkeys([passage, *parts, *map(" ".join, pairwise(parts))])
    chosen = random.Random(1).sample(sorted(set(questions)), QUESTIONS)
    return [text for text in texts if len(tokens(text)) <= LONGEST], chosen


def _rows(path: Path) -> Iterator[dict]:
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


class Drawn:
    """Synthetic passages around real ones, as many as needed, the same for each seed."""

    def __init__(self, made: Real) -> None:
        self.real = made
        self._japanese = made.japanese
        self._sentences: dict[bool, list[str]] = {True: [], False: []}
        for text, japanese in zip(made.texts, self._japanese, strict=True):
            self._sentences[bool(japanese)] += sentences(text)
        nearest = _nearest(made.vectors, NEIGHBOURS)
        self._pairs = np.stack([np.repeat(np.arange(len(nearest)), NEIGHBOURS), nearest.ravel()])
        self.wanted = float(np.median(_cosines(made.vectors)))
        low, high = 0.0, 2.0
        for _ in range(8):  # a larger step, a lower cosine
            self.step = (low + high) / 2
            found = float(np.median(_cosines(self.vectors(len(made.vectors), seed=0)[0])))
            low, high = (self.step, high) if found > self.wanted else (low, self.step)
        self.reached = found

    def vectors(self, n: int, seed: int) -> tuple[Floats, np.ndarray]:
        """[n, dim] unit vectors, and which real one [n] each was drawn around."""
        rng = np.random.default_rng(seed)
        real, pairs = self.real.vectors, self._pairs
        around = rng.integers(len(real), size=n)
        made = real[around]
        for _ in range(2):
            a, b = pairs[:, rng.integers(pairs.shape[1], size=n)]
            made += self.step / 2**0.5 * (real[a] - real[b])
        made /= np.linalg.norm(made, axis=1, keepdims=True)
        return made, around

    def texts(self, around: np.ndarray, seed: int) -> list[str]:
        """A text for each vector, in the language of the real passage it was drawn around."""
        choose = random.Random(seed)
        return [
            " ".join(
                choose.choices(self._sentences[bool(self._japanese[i])], k=choose.randint(2, 4))
            )
            for i in around
        ]


def _nearest(vectors: Floats, k: int) -> np.ndarray:
    """Find the k nearest other vectors of each, [n, k], apart from near duplicates."""
    found = np.empty((len(vectors), k), np.int64)
    for start in range(0, len(vectors), 1024):
        cosine = vectors[start : start + 1024] @ vectors.T
        cosine[cosine > 0.995] = -1  # itself, and what a passage repeats
        found[start : start + 1024] = np.argpartition(-cosine, k, axis=1)[:, :k]
    return found


def _cosines(vectors: Floats, sample: int = 1000) -> Floats:
    """Return the cosine of each of some vectors to its nearest other one."""
    some = np.random.default_rng(0).choice(len(vectors), sample, replace=False)
    cosine = vectors[some] @ vectors.T
    cosine[np.arange(sample), some] = -1
    return cosine.max(axis=1)
