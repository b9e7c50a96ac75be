"""Candidate quotes: which sentences of the evidence are read for a claim."""

import numpy as np
import pytest

from corpus.types import Passage, Source
from service.types import Draft, Evidence
from service.verification.candidate_quotes import (
    MAX_CANDIDATE_QUOTES,
    CandidateQuoteFinder,
    sentence_pairs,
    single_sentences,
)

ENGLISH = (
    "The observatory stands on a hill north of the town. It was paid for by a merchant who never"
    " saw it finished. Its first telescope was ground in Bergen in 1874. Visitors are admitted on"
    " two evenings a month, and the tower is closed when the wind rises. The library below holds"
    " star charts from four centuries. A fire destroyed the eastern wing, and the charts were saved"
    " by the caretaker. Nobody lives there now. The dome is opened by hand."
)


def evidence(text, label=1):
    passage = Passage(f"{label:016}", "tower", 0, len(text), text)
    return Evidence(label, passage, Source("tower", "https://example.org/tower"), 1.0)


def windows(*shown):
    singles = [window for e in shown for window in single_sentences(e)]
    return [*singles, *sentence_pairs(singles)]


@pytest.mark.parametrize(
    ("claim", "sentence"),
    [
        ("星図を火事から救ったのは管理人だった。", "saved by the caretaker"),
        ("風が強まると塔には入れない。", "when the wind rises"),
        ("建設費を出した商人は完成を見届けられなかった。", "paid for by a merchant"),
        ("ドームは手で開ける。", "opened by hand"),
    ],
)
def test_best_candidate_across_languages_is_the_translation(embedder, claim, sentence):
    found = CandidateQuoteFinder(embedder)(Draft(claim), windows(evidence(ENGLISH)))
    assert len(found) == MAX_CANDIDATE_QUOTES and any(
        sentence in window.text for window in found[:2]
    )


def test_shared_words_rank_candidates_and_cited_passages_go_first(embedder):
    shown = evidence(ENGLISH), evidence(ENGLISH, 2)
    found = CandidateQuoteFinder(embedder)(
        Draft("The dome is opened by hand.", (2,)), windows(*shown)
    )
    assert found[0].text == "The dome is opened by hand." and found[0].evidence.label == 2
    assert found[1].evidence.label in (1, 2) and "opened by hand" in found[1].text


def test_no_candidates_without_evidence(embedder):
    assert CandidateQuoteFinder(embedder)(Draft("ドームは手で開ける。"), []) == []


class Counting:
    """An embedder that records the texts that it is given."""

    name, dim = "counting", 2

    def __init__(self):
        self.texts = []

    def embed_passages(self, texts):
        self.texts += texts
        return np.ones((len(texts), 2), np.float32)

    def embed_query(self, text):
        return np.ones(2, np.float32)

    def embed_queries(self, texts):
        return np.ones((len(texts), 2), np.float32)


def test_sentences_are_embedded_once_and_only_across_languages():
    counting, shown = Counting(), windows(evidence(ENGLISH))
    nearest = CandidateQuoteFinder(counting)
    nearest(Draft("The dome is opened by hand."), shown)
    assert counting.texts == []
    for claim in ("ドームは手で開ける。", "いまは誰も住んでいない。"):
        nearest(Draft(claim), shown)
    assert counting.texts == [window.text for window in single_sentences(evidence(ENGLISH))]
