"""Premises beside the evidence."""

import json

import numpy as np
import pytest

from corpus.types import Passage, Source
from service.messages import reader_message
from service.questions.premise_check import (
    MAX_DENIALS,
    MAX_READ,
    denied_premise,
    read_premise,
    unsupported_premise,
)
from service.questions.presuppositions import open_presupposition, presupposition
from service.types import Evidence
from service.verification.candidate_quotes import single_sentences
from tests.support.paths import ROOT
from tests.support.soak import SOAK

SAYS = "The mill was built in 1850. It burnt down in 1900. The mill never closed before that."


class ScriptedChecker:
    """A checker that gives each pair the same probabilities, or those of a word in the text."""

    name = digest = "scripted"

    def __init__(self, usual, **words):
        self.usual, self.words, self.read_pairs = usual, words, []

    def reads_whole(self, claim):
        return len(claim) < 100

    def read(self, pairs):
        raise AssertionError("premises are not questions")

    def supports(self, pairs):
        self.read_pairs += pairs
        chosen = [[p for word, p in self.words.items() if word in text] for text, _ in pairs]
        return np.array([p[-1] if p else self.usual for p in chosen], np.float32)


def shown(*texts):
    return tuple(
        Evidence(
            n,
            Passage(f"{n:016}", f"s{n}", 0, len(text), text),
            Source(f"s{n}", f"https://example.org/{n}", title),
            1.0,
        )
        for n, (title, text) in enumerate(texts, 1)
    )


NEUTRAL, ENTAILED, AGAINST = (0.1, 0.8, 0.1), (0.8, 0.1, 0.1), (0.05, 0.1, 0.85)


def test_premise_that_a_source_says_is_none():
    checker = ScriptedChecker(NEUTRAL, burnt=ENTAILED)
    assert unsupported_premise("The mill did burn down", shown(("Mill", SAYS)), checker) is None


def test_premise_that_a_source_may_say_is_none_though_another_denies_it():
    checker = ScriptedChecker((0.5, 0.4, 0.1), closed=AGAINST)
    assert unsupported_premise("The mill did close", shown(("Mill", SAYS)), checker) is None


def test_denial_in_the_words_of_the_premise_outweighs_what_may_say_it():
    evidence = shown(("Mill", "The mill is not a museum."), ("Visitors", "People visit the mill."))
    premise = "The mill is a museum"
    weak = ScriptedChecker((0.6, 0.3, 0.1), museum=AGAINST)
    found = unsupported_premise(premise, evidence, weak)
    assert found and "The mill is not a museum." in found.citation.quote
    sure = ScriptedChecker((0.8, 0.1, 0.1), museum=AGAINST)
    assert unsupported_premise(premise, evidence, sure) is None


def test_contradicted_premise_is_cited():
    checker = ScriptedChecker(NEUTRAL, closed=AGAINST)
    found = unsupported_premise("The mill closed before 1900", shown(("Mill", SAYS)), checker)
    assert found.citation.quote == "The mill never closed before that."
    assert SAYS[found.citation.start : found.citation.end] == found.citation.quote
    shown_text = reader_message("premise_contradicted", "en", found.statement, found.citation.quote)
    assert "The mill closed before 1900" in shown_text and found.citation.quote in shown_text


def test_quote_about_something_else_contradicts_nothing():
    found = unsupported_premise(
        "A king did visit Oslo", shown(("Mill", SAYS)), ScriptedChecker(AGAINST)
    )
    assert found.citation is None


@pytest.mark.parametrize(
    ("premise", "quote"),
    [
        # the names of the premise, and nothing of what it says of them
        ("The Orlova telescope did fail to map Neptune", "Vera Lund built the Orlova telescope."),
        # what it says, of something else
        ("The Orlova telescope did map Mars", "No map of Mars was made with the Sato dish."),
    ],
)
def test_sentence_with_only_part_of_a_premise_contradicts_nothing(premise: str, quote: str) -> None:
    evidence = shown(("Instruments", quote), ("Colours", "The Orlova telescope is red."))
    found = unsupported_premise(premise, evidence, ScriptedChecker(AGAINST))
    assert found and found.citation is None


def test_name_that_no_source_has_is_not_needed_for_a_contradiction():
    evidence = shown(("Instruments", "The Orlova telescope never failed to map a planet."))
    found = unsupported_premise(
        "The Orlova telescope did fail to map Neptune", evidence, ScriptedChecker(AGAINST)
    )
    assert found.citation.quote == "The Orlova telescope never failed to map a planet."


def test_premise_that_no_source_mentions_has_no_citation():
    found = unsupported_premise(
        "The mill did sink", shown(("Mill", SAYS)), ScriptedChecker(NEUTRAL)
    )
    assert found.statement == "The mill did sink" and found.citation is None
    assert found.statement in reader_message("premise_unsaid", "ja", found.statement)


def test_premise_in_the_other_language_is_not_read():
    checker = ScriptedChecker(NEUTRAL, burnt=AGAINST)
    assert unsupported_premise("水車小屋は沈んだ", shown(("Mill", SAYS)), checker) is None
    assert not checker.read_pairs


def test_nothing_is_found_without_evidence_or_in_what_cannot_be_read():
    checker = ScriptedChecker(NEUTRAL)
    assert unsupported_premise("The mill did sink", (), checker) is None
    assert unsupported_premise("The mill did sink " * 20, shown(("Mill", SAYS)), checker) is None
    assert not checker.read_pairs


def test_nearest_sentences_are_read_with_their_title_in_one_call():
    many = [("Other", "Nothing of it here. Nor there. Nor in this one.")] * 5 + [("Mill", SAYS)]
    checker = ScriptedChecker(NEUTRAL)
    unsupported_premise("The mill was built in 1850", shown(*many), checker)
    assert len(checker.read_pairs) == MAX_READ
    assert checker.read_pairs[0][0] == "Mill. The mill was built in 1850."


class PairChecker(ScriptedChecker):
    """A checker that gives probabilities by the statement: first those of premises."""

    def __init__(self, premise, denied):
        super().__init__(NEUTRAL)
        self.by_statement = premise, denied

    def supports(self, pairs):
        self.read_pairs += pairs
        rows = [self.by_statement["not" in claim.split()] for _, claim in pairs]
        return np.array(rows, np.float32)


def test_sentence_that_says_the_opposite_rather_than_the_premise_denies_it():
    checker = PairChecker((0.4, 0.3, 0.3), (0.8, 0.1, 0.1))
    found = denied_premise("The mill did close", shown(("Mill", SAYS)), checker)
    assert found and found.citation.quote == "The mill never closed before that."
    assert len(checker.read_pairs) == 2  # one sentence has a negation


def test_sentence_that_fits_a_premise_no_worse_than_its_denial_denies_nothing():
    checker = PairChecker((0.6, 0.2, 0.2), (0.7, 0.1, 0.2))
    assert denied_premise("The mill did close", shown(("Mill", SAYS)), checker) is None


def test_denial_of_what_is_surely_answered_must_be_clear():
    premise, evidence = "The mill did close", shown(("Mill", SAYS))
    weak = PairChecker((0.4, 0.2, 0.4), (0.8, 0.1, 0.1))
    assert denied_premise(premise, evidence, weak)
    assert denied_premise(premise, evidence, weak, answered=True) is None
    clear = PairChecker((0.1, 0.1, 0.8), (0.8, 0.1, 0.1))
    assert denied_premise(premise, evidence, clear, answered=True)


@pytest.mark.parametrize(
    ("premise", "text"),
    [
        ("The mill did close", "The mill was built in 1850."),  # nothing is denied
        ("The mill did not close", SAYS),  # nor where the premise denies
        ("The bridge survived", "The bridge never fell."),  # whose opposite cannot be told
        ("A king did visit Oslo", SAYS),  # another subject
        ("The mill is forbidden to sell flour", "The mill is not allowed to sell flour."),
        ("The mill did sell flour", "The mill never closed."),  # nothing of what it did
        ("The mill did close", "水車小屋(mill)は閉まらなかった(close)。"),  # another language
    ],
)
def test_only_denials_on_the_subject_of_a_premise_are_read(premise: str, text: str) -> None:
    checker = PairChecker(NEUTRAL, ENTAILED)
    assert denied_premise(premise, shown(("Mill", text)), checker) is None
    assert not checker.read_pairs


def test_few_denials_are_read():
    checker = PairChecker(NEUTRAL, NEUTRAL)
    denied_premise("The mill did close", shown(("Mill", "The mill never closed. " * 9)), checker)
    assert len(checker.read_pairs) == 2 * MAX_DENIALS


@pytest.mark.model
@pytest.mark.parametrize(
    ("question", "quote"),
    [
        ("Since when is the ferry free for tourists?", "It is not free for tourists."),
        ("When did the swans leave the pond?", "The swans did not leave the pond that winter."),
        ("Why did the new pump make the garden greener?", "The pump did not change the garden."),
    ],
)
def test_denied_premise_is_found_by_the_checker(question, quote, checker):
    text = f"The ferry has two decks. {quote} The pond was dug in 1802 by the garden's owner."
    premise = presupposition(question) or open_presupposition(question)
    found = denied_premise(premise, shown(("The garden by the pond", text)), checker)
    assert found and found.citation.quote == quote


@pytest.mark.shared
@pytest.mark.model
def test_true_premises_are_hardly_ever_called_unsupported(shared, checker):
    """Each premise beside its own passage and four others; of false ones, most are found.

    `make soak` reads those on all passages, `make test` those on every third.
    """
    texts = {}
    for name in ("xquad_en", "jsquad_ja"):
        corpus = (shared / "data/qa" / name / "corpus.jsonl").read_text(encoding="utf-8")
        for row in map(json.loads, corpus.splitlines()):
            texts[row["id"]] = row["title"].replace("_", " "), row["text"].split("[SEP] ")[-1]
    lines = (ROOT / "training/data/premises.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    ids = list(dict.fromkeys(row["doc_id"] for row in rows))
    found, read = {"true": 0, "contradicted": 0, "unsaid": 0}, 0
    for row in rows:
        at = ids.index(row["doc_id"])
        if at % 3 and not SOAK:
            continue
        read += row["premise"] == "true"
        half = at // 15 * 15  # the first fifteen passages are English
        near = [ids[half + (at - half + step) % 15] for step in range(5)]
        premise = presupposition(row["question"])
        evidence = shown(*(texts[each] for each in near))
        finding = unsupported_premise(premise, evidence, checker)
        finding = finding or denied_premise(premise, evidence, checker)
        found[row["premise"]] += finding is not None
    print(found)
    assert read == (30 if SOAK else 10)  # true ones, and as many false ones
    assert found["true"] <= read / 30  # measured: 0 of 30
    assert found["contradicted"] + found["unsaid"] >= read / 2  # measured: 17 of 30


def windows(evidence):
    return [quote for each in evidence for quote in single_sentences(each)]


FASTER = "Year tables are now computed in a second. They took five before."


@pytest.mark.parametrize(
    ("probabilities", "doubted"),
    [((0.8, 0.1, 0.1), False), ((0.5, 0.3, 0.2), True), ((0.1, 0.7, 0.2), True)],
)
def test_premise_that_no_answer_clearly_says_is_doubted(probabilities, doubted) -> None:
    evidence = shown(("Release", FASTER))
    checker = ScriptedChecker(probabilities)
    reading = read_premise("Year tables are useful", windows(evidence), evidence, checker)
    assert reading.finding is None and reading.doubted is doubted


def test_answer_that_seems_to_say_otherwise_is_doubted_and_not_declined() -> None:
    evidence = shown(("Release", FASTER))
    reading = read_premise(
        "Year tables are slow", windows(evidence), evidence, ScriptedChecker(AGAINST)
    )
    assert reading.finding is None and reading.doubted


CHECK = (
    "The unit check knows 140 units at present. It is switched off at first, because it slows large"
    " workbooks down."
)
NIMBREL = (
    "Over the Hallen mountains Nimbrel underestimates heavy rain by a third. We believe the cause is"
    " that the reanalysis has too few gauges above 800 m."
)


@pytest.mark.model
@pytest.mark.parametrize(
    ("question", "title", "text"),
    [
        ("why isn't Gridwren's unit check on by default?", "Gridwren 5.1: What Is New", CHECK),
        ("Why does Nimbrel get mountain rain wrong?", "Nimbrel: Rain from Radar", NIMBREL),
    ],
)
def test_why_something_bad_is_so_is_no_false_premise(question, title, text, checker):
    evidence = shown((title, text))
    reading = read_premise(presupposition(question), windows(evidence), evidence, checker)
    assert reading.finding is None


def test_answers_are_read_with_their_neighbours_below_title_year_and_heading() -> None:
    passage = Passage("p", "s", 0, len(FASTER), FASTER, heading="Release › Changed")
    source = Source("s", "https://example.org/s", "Release", published="2022-05-01")
    evidence = (Evidence(1, passage, source, 1.0),)
    checker = ScriptedChecker(NEUTRAL)
    read_premise("Year tables are slower", windows(evidence)[1:], evidence, checker)
    assert checker.read_pairs[0][0] == f"Release (2022). Changed. {FASTER}"


def test_a_premise_is_read_in_one_call() -> None:
    evidence = shown(("Mill", SAYS * 5))
    calls = []
    checker = ScriptedChecker(NEUTRAL)
    checker.supports = lambda pairs: calls.append(pairs) or np.array([NEUTRAL] * len(pairs))
    read_premise("The mill did close sooner", windows(evidence), evidence, checker)
    assert len(calls) == 1 and len(calls[0]) <= 14
