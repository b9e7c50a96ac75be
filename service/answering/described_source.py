"""Recognition of the document that a question describes in words that its title does not have.

"The obituary of the woman who cast bells", asked of a library with "Maren Ollestad, 1931-2022": the
library's search finds candidates, and the embedder compares their titles and first sentences with
the description. In the other language this works alike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from corpus.types import Source
from index.search import Library
from service.catalogue.overview import lead_text

_SEARCHED = 50  # passages
_CANDIDATES = 12  # sources among them that are compared
# A conditional logit over the candidates and none of them, by ``training/descriptions.py``, for the
# cosines of the bundled embedder. Asking the checker whether a text is about the description adds
# nothing to it.
_COSINE_WEIGHT = 50.0
_SCORE_WEIGHT = 0.84
_NONE = 130.0  # the log-odds that none of them is meant, on the scale of ``Candidate.odds``
_LIKELY = 0.6  # probability from which the likeliest is taken to be meant


@dataclass(frozen=True, slots=True)
class Candidate:
    """A source that a description may mean.

    Attributes:
        source: The source.
        score: The search score of its best passage.
        cosine: That of the description and its title with its first sentences.
    """

    source: Source
    score: float
    cosine: float

    @property
    def odds(self) -> float:
        """The log-odds that it is meant, up to a constant."""
        return _SCORE_WEIGHT * self.score + _COSINE_WEIGHT * self.cosine


def described_source(
    description: str, library: Library, within: Sequence[str] | None
) -> Source | None:
    """Find the source that a description means; None if none, or more than one, may be meant.

    Args:
        description: What a question calls the document, such as "the post about amber lights".
        library: The library.
        within: The ids of the sources that may be meant; None for all.
    """
    works: dict[str, Candidate] = {}  # the likeliest text of each work
    for each in candidates(description, library, within):
        other = works.get(each.source.work_key)
        if other is None or each.odds > other.odds:
            works[each.source.work_key] = each
    if not works:
        return None
    best = max(works.values(), key=lambda each: each.odds)
    odds = [_NONE, *(each.odds for each in works.values())]
    likely = 1 / sum(math.exp(min(each - best.odds, 50.0)) for each in odds)
    return best.source if likely >= _LIKELY else None


def candidates(description: str, library: Library, within: Sequence[str] | None) -> list[Candidate]:
    """Find the sources that a description may mean, in the order of the search."""
    best: dict[str, tuple[Source, float]] = {}
    hits = library.search(description, _SEARCHED, within)
    for hit in sorted(hits, key=lambda hit: -hit.score):  # a re-ranker may have ordered them
        if len(best) < _CANDIDATES:
            best.setdefault(hit.source.id, (hit.source, hit.score))
    if not best:
        return []
    texts = [lead_text(library.store, source) for source, _ in best.values()]
    leads = library.embedder.embed_passages(texts)
    cosines = (leads @ library.embedder.embed_query(description)).tolist()
    return [
        Candidate(source, score, cosine)
        for (source, score), cosine in zip(best.values(), cosines, strict=True)
    ]
