"""Claims taken apart: a sentence is supported when each of its clauses is."""

from __future__ import annotations

import numpy as np
import pytest

from corpus.types import Passage, Source
from service.types import Draft, Evidence
from service.verification.verifier import Verifier
from tests.support.readings import readings

TEXTS = (
    "Halden mapped the northern coast in 1911. The survey took four summers.",
    "Halden's maps are kept in the archive at Bergen.",
)


def evidence(*texts):
    return [
        Evidence(n, Passage(f"p{n}", f"s{n}", 0, len(t), t), Source(f"s{n}", f"https://e.org/{n}"), 0.0)
        for n, t in enumerate(texts, 1)
    ]  # fmt: skip


class Reader:
    """A checker that finds a claim entailed where each of some words in it stands in the text.

    ``words`` are the words that tell; a claim of more than ``most`` characters is not read whole.
    """

    name, digest = "words", ""

    def __init__(self, words, most=1000):
        self.words, self.most, self.pairs = words, most, []

    def supports(self, pairs):
        self.pairs += pairs
        found = [all(w in text for w in self.words if w in claim) for text, claim in pairs]
        entailed = np.where(found, 0.97, 0.03).astype(np.float32)
        return np.stack([entailed, 1 - entailed, np.zeros_like(entailed)], 1)

    def answers(self, pairs):
        return np.zeros(len(pairs), np.float32)

    def read(self, pairs):
        return readings(pairs, lambda text, _: float(all(w in text for w in self.words)))

    def reads_whole(self, claim):
        return len(claim) <= self.most


class Gullible(Reader):
    """A checker that believes a whole sentence whose beginning is true."""

    def supports(self, pairs):
        self.pairs += pairs
        found = [
            (any(w in claim for w in self.words if w in text) and not claim.endswith("in prison."))
            or len(claim) > 60
            for text, claim in pairs
        ]  # fmt: skip
        entailed = np.where(found, 0.97, 0.03).astype(np.float32)
        return np.stack([entailed, 1 - entailed, np.zeros_like(entailed)], 1)


@pytest.fixture(scope="module")
def verifier(embedder):
    return lambda checker: Verifier(checker, embedder)


def test_facts_of_two_passages_are_cited_each_with_its_own_quote(verifier):
    joined = "Halden mapped the northern coast in 1911, and his maps are kept at Bergen."
    checker = Reader(("coast", "Bergen"))
    claim = verifier(checker).check(Draft(joined, (1,)), evidence(*TEXTS))
    assert claim.verdict.label == "supported"
    assert [c.label for c in claim.citations] == [1, 2]
    assert "coast" in claim.citations[0].quote and "Bergen" in claim.citations[1].quote


def test_lie_behind_true_clauses_is_withheld_though_whole_sentence_seems_supported(verifier):
    lie = "Halden mapped the northern coast in 1911, and the archive's founders are in prison."
    checker = Gullible(("coast", "Bergen"))
    claim = verifier(checker).check(Draft(lie, (1,)), evidence(*TEXTS))
    assert any(claim == lie for _, claim in checker.pairs)  # it was read whole, too
    assert claim.verdict.label != "supported"


def test_sentence_longer_than_checker_reads_is_judged_by_its_clauses(verifier):
    joined = "Halden mapped the northern coast in 1911, and his maps are kept at Bergen."
    checker = Reader(("coast", "Bergen"), most=60)
    claim = verifier(checker).check(Draft(joined, (1,)), evidence(*TEXTS))
    assert claim.verdict.label == "supported"
    assert all(len(read) <= 60 for _, read in checker.pairs)


def test_clause_longer_than_checker_reads_is_withheld_never_cut(verifier):
    checker = Reader(("coast",), most=20)
    claim = verifier(checker).check(Draft(f"{TEXTS[0][:40]} twice", (1,)), evidence(*TEXTS))
    assert claim.verdict.label == "unsupported" and "too long" in claim.reason
    assert not checker.pairs


def test_sentence_that_repeats_itself_is_no_claim(verifier):
    checker = Reader(())
    loop = "The maps of Halden, the maps of Halden, the maps of Halden, the maps of Halden."
    claim = verifier(checker).check(Draft(loop, (1,)), evidence(*TEXTS))
    assert claim.verdict.label == "unsupported" and "repeats itself" in claim.reason


def test_bare_name_is_read_with_its_question(verifier):
    question = "Where are the maps of Halden kept?"
    checker = Reader(("Bergen",))
    bare = Draft("Bergen.", (2,), question=question)
    claim = verifier(checker).check(bare, evidence(*TEXTS))
    assert claim.verdict.label == "supported" and claim.citations[0].quote == TEXTS[1]
    assert all(read.startswith(question) for _, read in checker.pairs)
    alone = verifier(checker).check(Draft("Bergen.", (2,)), evidence(*TEXTS))
    assert alone.verdict.label == "unsupported"


def test_bare_name_that_another_sentence_answers_better_is_withheld(verifier):
    checker = Reader(("Bergen",))
    bare = Draft("1911.", (1,), question="Where are the maps kept?")
    claim = verifier(checker).check(bare, evidence(*TEXTS))
    assert claim.verdict.label == "unsupported"


def test_checker_sees_the_words_before_a_quote(verifier):
    checker = Reader(("survey",))
    verifier(checker).check(Draft("The survey lasted four summers.", (1,)), evidence(*TEXTS))
    seen = [text for text, _ in checker.pairs if text.endswith("The survey took four summers.")]
    assert seen and all("coast" in text for text in seen)
