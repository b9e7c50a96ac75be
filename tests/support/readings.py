"""Readings without a model, for checkers that tests make up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from corpus.text.sentences import sentence_spans
from corpus.types import Passage, Source
from index.inference.cross_encoder import Checker
from index.inference.reading import Reading
from index.types import Floats
from service.answering.answer_decision import AnswerDecider
from service.answering.evidence_reading import read_evidence
from service.answering.question_reading import ReadPassage, read_passages, unread_passages
from service.answering.reranking import LANGUAGE_PAIRS
from service.answering.state import AnswerState
from service.types import Claim, Draft, Evidence, Verdict
from service.verification.calibration import Calibration, RankingWeights
from service.verification.citation_selection import find_verbatim, make_citation
from service.verification.provenance import Originals

ANSWERED_FROM = -0.5
PLAIN = Calibration(
    weights=(),
    errors={},
    ranking=RankingWeights(search=1.0, across=0.0, again=0.0),
    answers=(1.0, *[0.0] * 12),
    answered_from={pair: ANSWERED_FROM for row in LANGUAGE_PAIRS for pair in row},
    ticked_from={pair: 0.0 for row in LANGUAGE_PAIRS for pair in row},
)
"""A calibration by which a part is as certain as the reader's log-odds say."""


def readings(
    pairs: Sequence[tuple[str, str]], odds_of: Callable[[str, str], float]
) -> list[Reading]:
    """Make readings of (text, question) pairs, in which each sentence is one token.

    ``odds_of`` gives the log-odds with which a sentence answers a question.
    """
    found = []
    for text, question in pairs:
        spans = sentence_spans(text) or [(0, len(text))]
        odds = [odds_of(text[a:b], question) for a, b in spans]
        found.append(Reading(np.array(spans, np.int32), np.array(odds, np.float32)))
    return found


class ScriptedReader:
    """The reading half of a checker: sentences with some words answer, with the log-odds given.

    Args:
        odds: Log-odds by words of a sentence, or by (words of a sentence, words of a question).
        rest: Those of any other sentence.

    Attributes:
        calls: The pairs of each call.
    """

    name, digest = "scripted", "0" * 64

    def __init__(
        self, odds: Mapping[str | tuple[str, str], float] | None = None, rest: float = -9.0
    ) -> None:
        self.odds, self.rest = odds or {}, rest
        self.calls: list[list[tuple[str, str]]] = []

    def read(self, pairs: Sequence[tuple[str, str]]) -> list[Reading]:
        """Make the readings of some pairs."""
        self.calls.append(list(pairs))
        return readings(pairs, self._odds_of)

    def answers(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        """Return the odds of whole texts: by this checker, nothing is known of them."""
        return np.zeros(len(pairs), np.float32)

    def _odds_of(self, sentence: str, question: str) -> float:
        found = [
            odds
            for key, odds in self.odds.items()
            for words, asked in [(key, "") if isinstance(key, str) else key]
            if words in sentence and asked in question
        ]
        return max(found, default=self.rest)


def passage_evidence(
    text: str, label: int = 1, *, title: str = "", heading: str = "", score: float = 0.0,
    source: str = "s", cited_by: tuple[str, ...] = (),
) -> Evidence:  # fmt: skip
    """Make evidence with a text; its passage's id is that of the label."""
    work = Source(source, f"https://example.org/{source}", title, cited_by=cited_by)
    passage = Passage(f"{label:016}", source, 0, len(text), text, heading)
    return Evidence(label, passage, work, score)


def read_passage(
    text: str,
    odds: Mapping[str | tuple[str, str], float] | None = None,
    *,
    question: str = "What?",
    evidence: Evidence | None = None,
) -> ReadPassage:
    """Read one passage with some text, or ``evidence``, by a ScriptedReader."""
    (found,) = read_all(question, [evidence or passage_evidence(text)], ScriptedReader(odds))
    return found


def read_all(question: str, evidence: Sequence[Evidence], checker: Checker) -> list[ReadPassage]:
    """Read all passages for a question at once."""
    unread = unread_passages(question, evidence)
    return read_passages(question, unread, range(len(evidence)), checker)


class VerbatimVerifier:
    """A verifier that supports what stands in the evidence word for word, and nothing else."""

    def check(
        self, draft: Draft, evidence: Sequence[Evidence], originals: Originals | None = None
    ) -> Claim:
        """Return a claim in the sources' own words, or one that is not supported."""
        places = find_verbatim(draft, evidence)
        cited = tuple(make_citation(*place) for place in places[:1])
        verdict = Verdict("supported" if cited else "unsupported", 1.0, "verbatim")
        return Claim(draft.text, 0, len(draft.text), cited, verdict)


def read_state(
    asked: str | Sequence[str], evidence: Sequence[Evidence], reader: ScriptedReader
) -> AnswerState:
    """Make the state of an answer whose question, or the questions in it, were read."""
    parts = [asked] if isinstance(asked, str) else asked
    state = AnswerState("id", "conversation", " ".join(parts))
    state.evidence, state.parts = read_evidence(parts, evidence, state.originals, reader)
    state.decide_answers = AnswerDecider(state, reader)
    reader.calls.clear()
    return state
