"""Hard negatives: passages that a search finds for a question and that do not answer it.

BM25 (Robertson) finds them among a few passages, in one language; the embedder among all, in both.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from index.inference.embedder import Embedder
from index.lexical.tokenizer import is_japanese

if TYPE_CHECKING:
    from training.reading import Asked
    from training.sources import Passage

SIMILAR = 8  # passages kept for a question
SAME = 0.4  # share of common terms from which two passages count as one text


def terms(text: str) -> list[str]:
    """Split into English words and bigrams of Japanese characters."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    for run in re.findall(r"[ぁ-んァ-ヶー一-龥]+", text):
        words += [run[i : i + 2] for i in range(max(1, len(run) - 1))]
    return words


class Index:
    """An index of texts that are ranked by BM25.

    Args:
        texts: The texts.
        k1: How soon repetitions of a term stop counting.
        b: How much long texts are held back, 0 to 1.
    """

    def __init__(self, texts: Sequence[str], k1: float = 1.2, b: float = 0.75) -> None:
        bags = [Counter(terms(text)) for text in texts]
        mean = sum(bag.total() for bag in bags) / max(1, len(bags))
        self.postings: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for i, bag in enumerate(bags):
            norm = k1 * (1 - b + b * bag.total() / mean)
            for term, count in bag.items():
                self.postings[term].append((i, count * (k1 + 1) / (count + norm)))
        self.size = len(bags)

    def near(self, query: str, k: int) -> list[int]:
        """Return the numbers of the k texts that fit a query best, best first."""
        scores: dict[int, float] = defaultdict(float)
        for term in set(terms(query)):
            found = self.postings.get(term, ())
            weight = math.log(1 + (self.size - len(found) + 0.5) / (len(found) + 0.5))
            for i, score in found:
                scores[i] += weight * score
        return sorted(scores, key=lambda i: (-scores[i], i))[:k]


def similar_passages(
    questions: Sequence[Asked], passages: Mapping[str, Passage], embedder: Embedder
) -> dict[tuple[str, str], list[str]]:
    """Find the passages of other articles whose vectors are nearest to a question's.

    Args:
        questions: The questions.
        passages: By id; those that are held out are not chosen.
        embedder: The embedder of the search.

    Returns:
        For (question, id of its own passage), at most SIMILAR ids of passages in the language of
        its own one, nearest first, without those that have an answer string or the same text.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for japanese in (False, True):
        here = [q for q in questions if is_japanese(passages[q.home].text) == japanese]
        keys = [
            key
            for key, passage in passages.items()
            if not passage.held and is_japanese(passage.text) == japanese
        ]
        if not here or not keys:
            continue
        words = {key: set(terms(passages[key].text)) for key in {*keys, *(q.home for q in here)}}
        vectors = embedder.embed_passages([passages[key].text for key in keys])
        for start in range(0, len(here), 1000):
            part = here[start : start + 1000]
            scores = embedder.embed_queries([q.question for q in part]) @ vectors.T
            for asked, row in zip(part, scores, strict=True):
                home = passages[asked.home]
                nearest = [keys[n] for n in np.argsort(-row)[: 4 * SIMILAR]]
                others = [
                    key
                    for key in nearest
                    if key != asked.home
                    and not (home.article and passages[key].article == home.article)
                    and not any(answer in passages[key].text for answer in asked.answers)
                    and _common(words[key], words[asked.home]) < SAME
                ]
                found[asked.question, asked.home] = others[:SIMILAR]
    return found


def _common(one: set[str], other: set[str]) -> float:
    """Return the share of the smaller set's terms that the other one has."""
    return len(one & other) / max(1, min(len(one), len(other)))
