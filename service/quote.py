"""Answers without a language model: the sentences that answer, word for word."""

from __future__ import annotations

from collections.abc import Sequence

from corpus.sentences import sentence_spans
from index.checker import Checker
from service.types import Draft, Evidence

MAX_SENTENCES = 3
ENOUGH = 0.5  # probability of answering from which a further sentence is worth quoting
PASSAGES = 4  # evidence passages that are read sentence by sentence


def quote(
    question: str, evidence: Sequence[Evidence], answering: Sequence[float], checker: Checker
) -> list[Draft]:
    """The sentences of ``evidence`` that best answer the question, verbatim, each cited.

    ``answering`` [len(evidence)] says how likely each passage is to answer. The best
    sentence comes first; others follow if they answer too, those of the same passage in
    the order of the passage, so that they read as they were written.
    """
    order = sorted(range(len(evidence)), key=lambda i: -answering[i])[:PASSAGES]
    candidates = [
        (i, start, end)
        for i in order
        for start, end in sentence_spans(evidence[i].passage.text)
        if any(char.isalpha() for char in evidence[i].passage.text[start:end])
    ]
    if not candidates:
        return []
    texts = [evidence[i].passage.text[start:end] for i, start, end in candidates]
    scores = checker.answers([(text, question) for text in texts])
    scores = [
        float(score) * (0.5 + 0.5 * answering[i])
        for score, (i, _, _) in zip(scores, candidates, strict=True)
    ]
    ranked = sorted(range(len(candidates)), key=lambda n: -scores[n])
    chosen = ranked[:1] + [n for n in ranked[1:MAX_SENTENCES] if scores[n] >= ENOUGH]
    first = {}
    for rank, n in enumerate(chosen):
        first.setdefault(candidates[n][0], rank)
    chosen.sort(key=lambda n: (first[candidates[n][0]], candidates[n][1]))
    lead = ranked[0]  # whatever the passage's order, the answer itself comes first
    chosen = [lead, *(n for n in chosen if n != lead)]
    return [Draft(texts[n], (evidence[candidates[n][0]].label,)) for n in chosen]
