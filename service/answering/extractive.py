"""Quote mode: answers with the sources' own sentences, without a language model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from corpus.text.chunking import with_headings
from index.inference.cross_encoder import Checker
from index.inference.embedder import Embedder
from service.answering.reranking import sentence_scores
from service.text.prompt_injection import for_readers
from service.types import Claim, Draft, Evidence
from service.verification.provenance import Originals

MAX_QUOTED_SENTENCES = 3
QUOTED_PASSAGES = 4  # evidence passages that are read sentence by sentence
MAX_SCORE_GAP = 1.5  # log-odds that a further sentence may be behind the best
SECONDARY_PENALTY = 0.5  # log-odds by which a work goes before one that reports on it
LENGTH = 0.001  # log-odds a character: of two that answer as well, the shorter
ANSWERS = 0.0  # log-odds, by the checker alone, from which a sentence answers


def quote_answer(
    question: str,
    evidence: Sequence[Evidence],
    originals: Originals,
    checker: Checker,
    embedder: Embedder,
) -> list[Draft]:
    """Choose the sentences of ``evidence`` that best answer the question, verbatim, each cited.

    The best sentence comes first, whatever its place; up to two others follow if they answer
    nearly as well, in the order in which they stand.
    """
    found = [
        (i, evidence[i].passage.text[start:end])
        for i in range(min(QUOTED_PASSAGES, len(evidence)))
        for start, end in for_readers(evidence[i].passage.text)
        if any(char.isalpha() for char in evidence[i].passage.text[start:end])
    ]
    if not found:
        return []
    contexts = [with_headings(text, evidence[i].passage, evidence[i].source) for i, text in found]
    own = checker.answers([(context, question) for context in contexts])
    cosine = embedder.embed_passages(contexts) @ embedder.embed_query(question)
    reports = np.array([originals.reports(evidence[i].source) for i, _ in found], np.float32)
    length = np.array([len(text) for _, text in found], np.float32)
    passage = np.array([evidence[i].score for i, _ in found], np.float32)
    scores = sentence_scores(own, cosine, passage) - SECONDARY_PENALTY * reports - LENGTH * length
    order = [int(n) for n in np.argsort(-scores, kind="stable")]
    best, *others = order
    further = [n for n in others if scores[n] > scores[best] - MAX_SCORE_GAP and own[n] > ANSWERS]
    chosen = {found[n][1]: n for n in [best, *sorted(further[: MAX_QUOTED_SENTENCES - 1])]}
    return [Draft(text, (evidence[found[n][0]].label,)) for text, n in chosen.items()]


def is_answered(
    question: str, claims: Sequence[Claim], evidence: Sequence[Evidence], checker: Checker
) -> bool:
    """Return whether a claim answers the question, in its own words or in those of its quotes."""
    said = [claim.text for claim in claims]
    for citation in (citation for claim in claims for citation in claim.citations):
        e = evidence[citation.label - 1]
        said.append(with_headings(citation.quote, e.passage, e.source))
    return bool(checker.answers([(text, question) for text in said]).max() > ANSWERS)
