"""Candidate quotes: one or two adjacent sentences of a passage that may support a claim.

In the claim's own language shared words find the sentence that supports it. Across languages there
are few to share, and the embedder finds it: of 200 Japanese claims written by hand on English
passages, the right sentence was among the first five for 70 % by names and numbers, and for all by
vectors (measured once).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

from corpus.text.sentences import sentences
from index.inference.embedder import Embedder
from index.lexical.tokenizer import is_japanese, tokens
from index.types import Floats
from service.text.prompt_injection import for_readers
from service.types import Draft, Evidence
from service.verification.rules import registry
from service.verification.rules.finding import Finding

# Every claim of an answer is checked against the same passages.
reader_spans = lru_cache(maxsize=1024)(for_readers)

# Characters before a quote that the checker reads with it. On claims written for that purpose
# (docs/evaluation.md), 150 gave an AUC of .783, and none .767; 80 and 300 lay between.
CONTEXT = 150
MAX_CANDIDATE_QUOTES = 4  # quotes that are read for one claim
_CITED = 0.15  # by how much a window of a cited passage goes before others
# Cosines of a claim with windows in the other language, as shares of words that agree: those of
# windows that have nothing to do with it lie about the first, those that support it above it.
_UNRELATED, _PER_SHARE = 0.75, 0.2
_KEPT = 4096  # vectors of sentences, about 6 MB


@dataclass(frozen=True, slots=True)
class CandidateQuote:
    """One or two adjacent sentences of an evidence passage: text[start:end] of the passage."""

    evidence: Evidence
    start: int
    end: int

    @property
    def text(self) -> str:
        """The words of the quote."""
        return self.evidence.passage.text[self.start : self.end]

    @property
    def in_context(self) -> str:
        """The quote behind the words before it, by which its pronouns are understood."""
        before = self.evidence.passage.text[: self.start].strip()
        return f"{before[-CONTEXT:]} {self.text}".strip()

    @property
    def context(self) -> str:
        """The text around the quote: its passage, heading, title and authors."""
        source, passage = self.evidence.source, self.evidence.passage
        return " ".join((passage.text, passage.heading, source.title, *source.authors))

    def findings(self, claim: str) -> list[Finding]:
        """Return everything in which the claim differs from the quote, by the rules."""
        published = self.evidence.source.published
        return registry.findings(claim, self.text, self.context, published)


def single_sentences(evidence: Evidence) -> list[CandidateQuote]:
    """Return each sentence of a passage, but those that give orders to a language model."""
    return [CandidateQuote(evidence, a, b) for a, b in reader_spans(evidence.passage.text)]


def sentence_pairs(singles: Sequence[CandidateQuote]) -> Iterator[CandidateQuote]:
    """Yield each two adjacent sentences of a passage as one candidate quote."""
    for a, b in pairwise(singles):
        if a.evidence is b.evidence and not a.evidence.passage.text[a.end : b.start].strip():
            yield CandidateQuote(a.evidence, a.start, b.end)


class CandidateQuoteFinder:
    """Finds the candidate quotes worth reading for a claim.

    Vectors of sentences are cached, since the claims of one answer are checked against the same
    evidence.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._vectors: dict[str, Floats] = {}

    def __call__(
        self, draft: Draft, windows: Sequence[CandidateQuote], most: int = MAX_CANDIDATE_QUOTES
    ) -> list[CandidateQuote]:
        """Return at most ``most`` candidates, the likeliest first, cited passages preferred.

        In the claim's language they are those that share most words with it. Across languages
        only names and numbers are shared: there the embedder is asked.
        """
        share = _shared(draft.text, windows)
        japanese = is_japanese(draft.text)
        across = [i for i, w in enumerate(windows) if is_japanese(w.text) != japanese]
        if across:
            share[across] += self._likeness(draft.text, [windows[i].text for i in across])
        cited = np.array([w.evidence.label in draft.labels for w in windows])
        order = np.argsort(-(share + _CITED * cited), kind="stable")
        return [windows[i] for i in order[:most]]

    def first(self, draft: Draft, windows: Sequence[CandidateQuote]) -> list[CandidateQuote]:
        """Return, of each passage that the draft cites, the quote that shares most words with it.

        They are the likeliest to support it, and found without the embedder; [] where the draft
        cites none that is here, or one in another language, where few words agree.
        """
        japanese = is_japanese(draft.text)
        cited = [w for w in windows if w.evidence.label in draft.labels]
        if any(is_japanese(w.text) != japanese for w in cited):
            return []
        likeliest: dict[int, tuple[float, CandidateQuote]] = {}
        for window, share in zip(cited, _shared(draft.text, cited), strict=True):
            label = window.evidence.label
            if label not in likeliest or share > likeliest[label][0]:
                likeliest[label] = float(share), window
        return [window for _, window in likeliest.values()]

    def _likeness(self, claim: str, texts: Sequence[str]) -> Floats:
        """How near each text [n] is to the claim, about 0 to 1; of two sentences, the mean."""
        parts = [sentences(text) for text in texts]
        vectors = self._embedded(list(dict.fromkeys(part for listed in parts for part in listed)))
        query = self._embedder.embed_query(claim)
        cosine = [np.mean([vectors[part] @ query for part in listed]) for listed in parts]
        above = np.maximum(0.0, np.array(cosine, np.float32) - _UNRELATED)
        shares: Floats = above / _PER_SHARE
        return shares

    def _embedded(self, texts: Sequence[str]) -> dict[str, Floats]:
        kept = self._vectors
        found = {text: kept[text] for text in texts if text in kept}
        missing = [text for text in texts if text not in found]
        found |= zip(missing, self._embedder.embed_passages(missing), strict=True)
        self._vectors = found if len(kept) > _KEPT else kept | found
        return found


def _shared(claim: str, windows: Sequence[CandidateQuote]) -> Floats:
    """Share of the claim's tokens that each window has; of two with as many, the shorter."""
    wanted = set(tokens(claim))
    there = [_tokens(window.text) for window in windows]
    return np.array(
        [len(wanted & t) / (len(wanted) or 1) - 0.02 * len(t) / 100 for t in there], np.float32
    )


@lru_cache(maxsize=2048)
def _tokens(text: str) -> frozenset[str]:
    return frozenset(tokens(text))
