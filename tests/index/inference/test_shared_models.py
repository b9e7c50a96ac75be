"""Shared models: readings of many threads are batched and cached, and the same for all of that."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.inference import shared_models
from index.inference.batch_scheduler import BatchScheduler
from index.inference.parsed_question import ParsedQuestion
from index.inference.reading import Reading
from index.inference.shared_models import RUN_TOKENS, SharedChecker

PAIRS = [(f"Text {n} " + "of words " * (n % 7), f"Question {n % 3}?") for n in range(40)]


class Counting:
    """A checker whose readings and probabilities depend on the pair alone; it records its calls."""

    name, digest = "counting", "d" * 64

    def __init__(self):
        self.reads, self.supported, self.answered, self.parsed = [], [], [], []

    def read(self, pairs):
        self.reads.append(list(pairs))
        assert "bad" not in [question for _, question in pairs]
        return [reading_of(pair) for pair in pairs]

    def supports(self, pairs):
        self.supported.append(list(pairs))
        return np.full((len(pairs), 3), 1 / 3, np.float32)

    def answers(self, pairs):
        self.answered.append(list(pairs))
        return np.array([len(question) for _, question in pairs], np.float32)

    def parse(self, questions):
        self.parsed.append(list(questions))
        return [parsed_of(question) for question in questions]

    def reads_whole(self, claim):
        return len(claim) < 9


def parsed_of(question):
    spans = np.array([[0, len(question)]], np.int32)
    return ParsedQuestion(
        question, np.eye(7)[len(question) % 7], np.zeros(8), spans, np.zeros((1, 5))
    )


def reading_of(pair):
    text, question = pair
    ends = np.array([n for n, char in enumerate(text + " ") if char == " "], np.int32)
    spans = np.stack([ends - 1, ends], 1) if text else np.empty((0, 2), np.int32)
    return Reading(spans, np.array(spans[:, 1] % 5 - len(question) / 3, np.float32))


@pytest.fixture
def inner():
    return Counting()


@pytest.fixture
def checker(inner):
    return SharedChecker(inner, BatchScheduler())


def same(found, pairs):
    assert len(found) == len(pairs)
    for reading, pair in zip(found, pairs, strict=True):
        wanted = reading_of(pair)
        np.testing.assert_array_equal(reading.spans, wanted.spans)
        np.testing.assert_array_equal(reading.logits, wanted.logits)
        assert reading.spans.dtype == np.int32 and reading.logits.dtype == np.float32
        assert reading.answers() == wanted.answers()


def test_pair_is_read_once(checker, inner) -> None:
    same(checker.read(PAIRS[:5]), PAIRS[:5])
    same(checker.read([*PAIRS[:7], *PAIRS[2:4]]), [*PAIRS[:7], *PAIRS[2:4]])
    read = [pair for batch in inner.reads for pair in batch]
    assert sorted(read) == sorted(PAIRS[:7])
    assert checker.read([]) == []


def test_same_text_with_another_question_is_read_again(checker, inner) -> None:
    pairs = [("Text", "A?"), ("Text", "B??"), ("TextA?", ""), ("Tex", "tA?")]
    same(checker.read(pairs), pairs)
    assert sum(map(len, inner.reads)) == 4


def test_text_without_tokens_has_an_empty_reading(checker) -> None:
    for _ in range(2):
        (found,) = checker.read([("", "A?")])
        assert found.spans.shape == (0, 2) and len(found.logits) == 0


def test_batches_are_small(checker, inner) -> None:
    long = [("word " * 300 + str(n), "A?") for n in range(5)]
    same(checker.read(PAIRS + long), PAIRS + long)
    for batch in inner.reads:
        tokens = sum(map(shared_models._pair_token_count, batch))
        assert tokens <= RUN_TOKENS or len(batch) == 1
    assert 5 < len(inner.reads) < len(PAIRS) + len(long)


def test_least_recently_read_pair_is_forgotten(inner, monkeypatch) -> None:
    monkeypatch.setattr(shared_models, "CACHED_READINGS", 3)
    checker = SharedChecker(inner, BatchScheduler())
    for pair in [*PAIRS[:3], PAIRS[0], PAIRS[3]]:
        checker.read([pair])
    inner.reads.clear()
    same(checker.read([PAIRS[0], PAIRS[3]]), [PAIRS[0], PAIRS[3]])
    assert inner.reads == []
    same(checker.read([PAIRS[1]]), [PAIRS[1]])
    assert inner.reads == [[PAIRS[1]]]


def test_readings_and_probabilities_are_cached_apart(checker, inner) -> None:
    checker.read(PAIRS[:1])
    assert checker.supports(PAIRS[:1]).shape == (1, 3)
    assert checker.supports([]).shape == (0, 3)
    assert inner.reads == inner.supported == [PAIRS[:1]]
    assert (checker.name, checker.digest) == ("counting", "d" * 64)
    assert checker.reads_whole("short") and not checker.reads_whole("much longer")


@settings(deadline=None, max_examples=15)
@given(st.lists(st.lists(st.sampled_from(PAIRS), max_size=8), min_size=1, max_size=12))
def test_readings_do_not_depend_on_what_is_read_at_once(asked) -> None:
    inner = Counting()
    checker = SharedChecker(inner, BatchScheduler())
    with ThreadPoolExecutor(6) as threads:
        for pairs, found in zip(asked, threads.map(checker.read, asked), strict=True):
            same(found, pairs)
    read = [pair for batch in inner.reads for pair in batch]
    assert sorted(read) == sorted({pair for pairs in asked for pair in pairs})


def test_failed_reading_is_not_cached_and_harms_no_other(checker, inner) -> None:
    with pytest.raises(AssertionError):
        checker.read([PAIRS[0], ("Text", "bad")])
    same(checker.read([PAIRS[0]]), [PAIRS[0]])
    with pytest.raises(AssertionError):
        checker.read([("Text", "bad")])


def test_each_thread_gets_what_its_questions_ask(checker, inner) -> None:
    asked = [[f"{'x' * n}?", f"{'y' * n}?"] for n in range(24)]
    with ThreadPoolExecutor(8) as threads:
        for questions, found in zip(asked, threads.map(checker.parse, asked), strict=True):
            assert [each.question for each in found] == questions
            assert [each.intent for each in found] == [parsed_of(q).intent for q in questions]
    assert sorted(q for batch in inner.parsed for q in batch) == sorted(
        q for each in asked for q in each
    )
    assert checker.parse([]) == []
