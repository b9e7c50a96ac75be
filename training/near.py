"""Hard negatives: the passages that BM25 (Robertson) ranks first for a question."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence


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
