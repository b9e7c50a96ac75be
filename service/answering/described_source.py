"""Recognition of the document that a question describes in words that its title does not have.

"The obituary of the woman who cast bells", asked of a library with "Maren Ollestad, 1931-2022": the
library's search finds candidates, the embedder orders them by title and first sentences, and of the
nearest the checker decides whether the text is about that. In the other language this works alike.
"""

from __future__ import annotations

from collections.abc import Sequence

from corpus.types import Source
from index.inference.cross_encoder import Checker
from index.lexical.tokenizer import is_japanese
from index.search import Library
from service.catalogue.overview import lead_text

_SEARCHED = 50  # passages
_CANDIDATES = 10  # sources among them that are compared
_READ = 3  # of these that the checker reads
# Chosen on 56 descriptions of documents, of which they find 34 and mistake none; without the
# document, another one is taken for it in 9 of 83 cases, mostly one on nearly the same subject.
_ENTAILED_FROM = 0.33  # probability that the text is about the description
_COSINE_WEIGHT = 8.0  # of the cosine of description and text, beside that probability
_MARGIN = 0.35  # by which the best work must be ahead of the next one


def described_source(
    description: str, library: Library, checker: Checker, within: Sequence[str] | None
) -> Source | None:
    """Find the source that a description means; None if none, or more than one, may be meant.

    Args:
        description: What a question says of the document, such as "amber lights in wards".
        library: The library.
        checker: Decides whether a text is about the description.
        within: The ids of the sources that may be meant; None for all.
    """
    found = {h.source.id: h.source for h in library.search(description, _SEARCHED, within)}
    candidates = list(found.values())[:_CANDIDATES]
    if not candidates:
        return None
    texts = [lead_text(library.store, source) for source in candidates]
    cosines = library.embedder.embed_passages(texts) @ library.embedder.embed_query(description)
    nearest = sorted(range(len(texts)), key=lambda n: -cosines[n])[:_READ]
    about = f"この文書は{description}についてのものです。"
    if not is_japanese(description):
        about = f"This text is about {description}."
    entailed = checker.supports([(texts[n], about) for n in nearest])[:, 0]
    scores: dict[str, float] = {}
    chosen: Source | None = None
    for n, probability in zip(nearest, entailed.tolist(), strict=True):
        source, score = candidates[n], probability + _COSINE_WEIGHT * float(cosines[n])
        if score > max(scores.values(), default=0.0):
            chosen = source if probability >= _ENTAILED_FROM else None
        scores[source.work_key] = max(score, scores.get(source.work_key, 0.0))
    best, second, *_ = [*sorted(scores.values(), reverse=True), 0.0]
    return chosen if best - second >= _MARGIN else None
